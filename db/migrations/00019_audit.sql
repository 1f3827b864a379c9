-- +goose Up

-- The audit log is only ever added to. Whoever owns the tables or the server
-- can still change it: that is found out (docs/audit.md).
-- +goose StatementBegin
create function append_only() returns trigger language plpgsql as $$
begin
  raise exception '% is only ever added to', tg_table_name using errcode = '42501';
end $$;

-- The months' partitions, this one and the next two. A month that has rows in
-- the default partition stays there. Returns how many were made.
create function audit_partitions(p_now timestamptz) returns integer
language plpgsql security definer set search_path = public, pg_temp set lock_timeout = '2s' set timezone = 'UTC' as $$
declare
  v_made integer := 0;
  v_name text;
begin
  if pg_try_advisory_xact_lock(4276215470) then
    for v_month in 0..2 loop
      for v_table in 1..2 loop
        v_name := (array['audit_event', 'audit_subject'])[v_table];
        p_now := date_trunc('month', p_now);
        if to_regclass(v_name || to_char(p_now, '_YYYY_MM')) is null then
          begin
            -- Attached, because CREATE ... PARTITION OF would lock out everybody who writes.
            execute format('create table %I (like %I including defaults including constraints)', v_name || to_char(p_now, '_YYYY_MM'), v_name);
            execute format('alter table %I attach partition %I for values from (%L) to (%L)',
              v_name, v_name || to_char(p_now, '_YYYY_MM'), p_now, p_now + interval '1 month');
            execute format('create trigger append_only_all before truncate on %I execute function append_only()', v_name || to_char(p_now, '_YYYY_MM'));
            v_made := v_made + 1;
          exception when check_violation then
            null;
          end;
        end if;
      end loop;
      p_now := p_now + interval '1 month';
    end loop;
  end if;
  return v_made;
end $$;
-- +goose StatementEnd
grant execute on function audit_partitions(timestamptz) to daftar_jobs;

-- How far the log is sealed: every event that is visible in the snapshot seen
-- is a leaf. A transaction that commits late is not in it, and is next.
create table audit_log (
  one    boolean primary key default true check (one),
  origin text not null,                          -- names the log in its checkpoints
  seen   pg_snapshot not null,
  size   bigint not null
);
grant select on audit_log to daftar_auditor, daftar_jobs;
grant insert, update (seen, size) on audit_log to daftar_jobs;

-- The Merkle tree (RFC 6962 section 2.1): leaves in their order, and the roots
-- of complete subtrees of 256^level leaves, which are the tiles of C2SP tlog-tiles.
create table audit_leaf (
  idx      bigint primary key check (idx >= 0),
  at       timestamptz not null,
  event_id uuid not null,
  hash     bytea not null check (octet_length(hash) = 32),
  unique (event_id, at)
);
grant select on audit_leaf to daftar_auditor, daftar_jobs, daftar_citizen;
grant insert on audit_leaf to daftar_jobs;

create table audit_node (
  level smallint not null check (level between 1 and 7),
  idx   bigint not null check (idx >= 0),
  hash  bytea not null check (octet_length(hash) = 32),
  primary key (level, idx)
);
grant select on audit_node to daftar_auditor, daftar_jobs, daftar_citizen;
grant insert on audit_node to daftar_jobs;

-- Signed tree heads (C2SP tlog-checkpoint).
create table audit_checkpoint (
  size bigint primary key check (size > 0),
  at   timestamptz not null,
  root bytea not null check (octet_length(root) = 32),
  note text not null
);
grant select on audit_checkpoint to daftar_auditor, daftar_jobs, daftar_citizen;
grant insert on audit_checkpoint to daftar_jobs;

-- Entries whose leaf hash somebody was given on a receipt.
create table audit_receipt (
  hash     bytea primary key check (octet_length(hash) = 32),
  at       timestamptz not null,
  event_id uuid not null,
  action   text not null,
  subject  uuid not null                         -- what the receipt is about: a case
);
create index audit_receipt_subject on audit_receipt (subject, at);
grant select, insert on audit_receipt to daftar_citizen, daftar_staff, daftar_jobs;
grant select on audit_receipt to daftar_auditor;

create trigger append_only before update or delete on audit_event for each row execute function append_only();
create trigger append_only before update or delete on audit_subject for each row execute function append_only();
create trigger append_only before update or delete on audit_leaf for each row execute function append_only();
create trigger append_only before update or delete on audit_node for each row execute function append_only();
create trigger append_only before update or delete on audit_checkpoint for each row execute function append_only();
create trigger append_only before update or delete on audit_receipt for each row execute function append_only();
create trigger append_only_all before truncate on audit_event for each statement execute function append_only();
create trigger append_only_all before truncate on audit_event_default for each statement execute function append_only();
create trigger append_only_all before truncate on audit_subject for each statement execute function append_only();
create trigger append_only_all before truncate on audit_subject_default for each statement execute function append_only();
create trigger append_only_all before truncate on audit_leaf for each statement execute function append_only();
create trigger append_only_all before truncate on audit_node for each statement execute function append_only();
create trigger append_only_all before truncate on audit_checkpoint for each statement execute function append_only();
create trigger append_only_all before truncate on audit_receipt for each statement execute function append_only();

-- +goose Down
select 1;
