package e2e

import (
	"context"
	"strings"
)

// Tables whose rows need no entry of their own in the audit log: traces of the
// work itself, counters, what is calculated anew from other rows, and the log.
var unaudited = []string{
	"sign_in_attempt", "used_once", "attempt", "outbox", "outbox_kind", "staff_work", "status_list", "calculated", "person_search", "household_search",
	"name_word", "goose_db_version", "audit_event", "audit_subject", "audit_leaf", "audit_node", "audit_checkpoint", "audit_receipt", "audit_log",
}

// watchWrites has the database note which transactions wrote to which tables. When
// a session was last used is no business of the log; that it ended is.
func (s *System) watchWrites(ctx context.Context) error {
	_, err := s.query(ctx, `
		create schema written;
		create table written.note (tx xid8, role text, tab text, op text, primary key (tx, tab, op));
		create function written.note() returns trigger language plpgsql security definer as $$
		begin
			if exists (select from changed) then
				insert into written.note values (pg_current_xact_id(), session_user, tg_table_name, tg_op) on conflict do nothing;
			end if;
			return null;
		end $$;
		create function written.row() returns trigger language plpgsql security definer as $$
		begin
			insert into written.note values (pg_current_xact_id(), session_user, tg_table_name, tg_op) on conflict do nothing;
			return null;
		end $$;
		create trigger zz_written after update on session for each row when (old.revoked_at is distinct from new.revoked_at) execute function written.row();
		do $$
		declare t text;
		begin
			for t in select c.relname from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and not c.relispartition
			         and c.relname <> all (string_to_array('`+strings.Join(unaudited, ",")+`', ',')) loop
				execute format('create trigger zz_written_i after insert on %I referencing new table as changed for each statement execute function written.note()', t);
				continue when t = 'session';
				execute format('create trigger zz_written_u after update on %I referencing new table as changed for each statement execute function written.note()', t);
				execute format('create trigger zz_written_d after delete on %I referencing old table as changed for each statement execute function written.note()', t);
			end loop;
		end $$`)
	return err
}

// unauditedWrites lists what the program wrote without an entry in the audit log
// in the same transaction.
func (s *System) unauditedWrites(ctx context.Context) (string, error) {
	return s.query(ctx, `
		select w.role || ': ' || w.op || ' ' || w.tab || ', ' || count(*) || ' times'
		from written.note w
		where w.role like 'daftar\_%' and w.role <> 'daftar_owner' and not exists (select from audit_event e where e.tx = w.tx)
		  and not (w.op = 'DELETE' and w.role = 'daftar_jobs' and w.tab in ('session', 'wallet_token')) -- long over: db.Forget
		group by w.role, w.op, w.tab order by 1`)
}
