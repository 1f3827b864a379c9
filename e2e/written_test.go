package e2e

import (
	"context"
	"maps"
	"slices"
	"strings"
)

// Tables whose rows need no entry of their own in the audit log: traces of the
// work itself, counters, what is calculated anew from other rows, and the log.
var unaudited = []string{
	"sign_in_attempt", "passkey_challenge", "used_once", "attempt", "outbox", "outbox_kind", "staff_work", "status_list", "calculated", "person_search", "household_search", "group_search",
	"name_word", "goose_db_version", "audit_event", "audit_subject", "audit_leaf", "audit_node", "audit_checkpoint", "audit_receipt", "audit_log",
	"dedup_record", "dedup_todo", "dedup_share", "dedup_common", // what is compared, and whose turn it is
	"import_problem", "import_area", "import_waste", // what a check found; the batch has the entry
	"notice_message", "notice_delivery", // what became of a message on its way; what it is about has the entry
	"service_pulse", "blob_scan", "rule_loss",
}

// Columns that are traces too, in tables whose other columns are not.
var traces = map[string]string{
	"refused_attempt": "tries,last_at",             // the day's first is an entry
	"session":         "seen_at,id_token",          // that it ended is an entry
	"import_batch":    "progress,touched_at,alike", // how far a job is, and what it compared
	"notice":          "planned_at,read_at",        // that a letter was opened is an entry
}

// watchWrites has the database note which transactions wrote to which tables.
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
		end $$`)
	if err != nil {
		return err
	}
	// one table at a time, since the server is at work: locks on several would wait for each other
	_, err = s.query(ctx, `
		do $$
		declare t text;
		begin
			for t in select c.relname from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and not c.relispartition
			         and c.relname <> all (string_to_array('`+strings.Join(unaudited, ",")+`', ',')) loop
				execute format('create trigger zz_written_i after insert on %I referencing new table as changed for each statement execute function written.note()', t);
				execute format('create trigger zz_written_d after delete on %I referencing old table as changed for each statement execute function written.note()', t);
				if t <> all (string_to_array('`+strings.Join(slices.Collect(maps.Keys(traces)), ",")+`', ',')) then
					execute format('create trigger zz_written_u after update on %I referencing new table as changed for each statement execute function written.note()', t);
				end if;
				commit;
			end loop;
		end $$`)
	for table, columns := range traces {
		if err == nil {
			_, err = s.query(ctx, `create trigger zz_written_u after update on `+table+` for each row
				when (to_jsonb(old) - string_to_array('`+columns+`', ',') is distinct from to_jsonb(new) - string_to_array('`+columns+`', ',')) execute function written.row()`)
		}
	}
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
		  and not (w.role = 'daftar_jobs' and w.tab = 'duplicate_pair') -- found; what people decide about it is written by them
		group by w.role, w.op, w.tab order by 1`)
}
