-- +goose Up
create extension if not exists pg_trgm;
create extension if not exists unaccent;
create extension if not exists fuzzystrmatch;

revoke create on schema public from public;
grant usage on schema public to daftar_citizen, daftar_staff, daftar_issuer, daftar_api, daftar_jobs, daftar_auditor;
alter default privileges revoke execute on functions from public;

-- River's own tables (made by its migrator): for the worker alone.
create schema if not exists river;
grant usage on schema river to daftar_jobs;
alter default privileges in schema river grant select, insert, update, delete on tables to daftar_jobs;
alter default privileges in schema river grant usage on sequences to daftar_jobs;
alter default privileges in schema river grant execute on functions to daftar_jobs;

-- The principal of this transaction, as set by db.View and db.WithTx.
create function actor() returns uuid language sql stable
return nullif(current_setting('daftar.actor', true), '')::uuid;

create function actor_kind() returns text language sql stable
return coalesce(nullif(current_setting('daftar.kind', true), ''), 'anonymous');

grant execute on function actor(), actor_kind() to public;

create table setting (
  key        text primary key,
  value      jsonb not null,
  updated_at timestamptz not null
);
grant select on setting to daftar_citizen, daftar_staff, daftar_issuer, daftar_api, daftar_jobs;
grant insert, update on setting to daftar_jobs;

-- Who did what, in the same transaction as what was done. Who acted, for whom
-- and from where comes from the transaction, never from the statement: no role
-- may insert it. Every column but tx is sealed (docs/audit.md): a new one needs a
-- new version of the leaf. By month, so that the indexes that are written to
-- stay small: audit_partitions (00019) makes the months.
create table audit_event (
  id             uuid not null,
  at             timestamptz not null,
  tx             xid8 not null default pg_current_xact_id(),  -- what the sealer goes by
  actor_kind     text not null default actor_kind(),
  actor          uuid default actor(),
  acting_for     uuid default nullif(current_setting('daftar.acting_for', true), '')::uuid,  -- a person
  session        uuid default nullif(current_setting('daftar.session', true), '')::uuid,
  client         text default nullif(current_setting('daftar.client', true), ''),            -- coarse: db.Client…
  action         text not null,
  subject_kind   text,
  subject        uuid,
  before_version integer,                        -- of the subject's record
  after_version  integer,
  case_id        uuid,
  change_id      uuid,
  purpose        text,
  basis          text,                           -- legal basis: a code of audit.Bases
  subjects       integer not null default 0,     -- how many rows of audit_subject belong to it
  detail         jsonb not null default '{}',    -- references and codes
  primary key (at, id)
) partition by range (at);
create table audit_event_default partition of audit_event default;
create index audit_event_tx on audit_event (tx);
create index audit_event_subject on audit_event (subject, at desc);
create index audit_event_actor on audit_event (actor, at desc) where actor_kind = 'staff';
create index audit_event_case on audit_event (case_id, at) where case_id is not null;
grant insert (id, at, action, subject_kind, subject, before_version, after_version, case_id, change_id, purpose, basis, subjects, detail)
  on audit_event to daftar_citizen, daftar_staff, daftar_issuer, daftar_api, daftar_jobs;
grant select on audit_event to daftar_auditor, daftar_jobs;

-- Whom an event was about, where there are many: a search, a list, an export.
create table audit_subject (
  at           timestamptz not null,             -- of the event
  event_id     uuid not null,
  subject_kind text not null,
  subject      uuid not null,
  primary key (at, event_id, subject)
) partition by range (at);
create table audit_subject_default partition of audit_subject default;
create index audit_subject_subject on audit_subject (subject, at desc);
grant select on audit_subject to daftar_auditor, daftar_jobs;

-- Subjects are written once, with their event: they are sealed with it.
-- +goose StatementBegin
create function audit_about(p_event uuid, p_at timestamptz, p_kind text, p_subjects uuid[]) returns void
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  if not exists (select from audit_event e where e.at = p_at and e.id = p_event and e.tx = pg_current_xact_id()
                   and e.subjects = cardinality(p_subjects))
     or exists (select from audit_subject s where s.at = p_at and s.event_id = p_event) then
    raise exception 'subjects belong to an event of this transaction' using errcode = '42501';
  end if;
  insert into audit_subject (at, event_id, subject_kind, subject) select p_at, p_event, p_kind, s from unnest(p_subjects) s;
end $$;
-- +goose StatementEnd
grant execute on function audit_about(uuid, timestamptz, text, uuid[]) to daftar_citizen, daftar_staff, daftar_issuer, daftar_api, daftar_jobs;

-- Jobs asked for by a transaction. The worker moves them into river's tables,
-- which web roles cannot touch.
create table outbox (
  id         uuid primary key default gen_random_uuid(),
  kind       text not null,
  ref        uuid not null,
  version    integer not null,
  role       text not null default session_user,
  created_at timestamptz not null
);
create index outbox_created_at on outbox (created_at);
grant select, update, delete on outbox to daftar_jobs; -- update: only to lock rows

create table outbox_kind (
  kind text not null,
  role text not null,
  primary key (kind, role)
);

-- +goose StatementBegin
create function enqueue(p_kind text, p_ref uuid, p_version integer, p_at timestamptz) returns void
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  if not exists (select from outbox_kind where kind = p_kind and role = session_user) then
    raise exception 'role % may not enqueue %', session_user, p_kind using errcode = '42501';
  end if;
  insert into outbox (kind, ref, version, created_at) values (p_kind, p_ref, p_version, p_at);
  perform pg_notify('daftar_outbox', '');
end $$;
-- +goose StatementEnd
grant execute on function enqueue(text, uuid, integer, timestamptz)
  to daftar_citizen, daftar_staff, daftar_issuer, daftar_api, daftar_jobs;

-- Things that may be used once (nonces, proof identifiers): the first insert
-- wins, the rest see that they lost.
create table used_once (
  kind       text not null,
  hash       bytea not null,
  expires_at timestamptz not null,
  primary key (kind, hash)
);
create index used_once_expiry on used_once (expires_at);
grant insert on used_once to daftar_citizen, daftar_staff, daftar_issuer, daftar_api;
grant select, delete on used_once to daftar_jobs;

-- Counts tries in a window, for secrets short enough to be guessed.
create table attempt (
  kind         text not null,
  hash         bytea not null,
  window_start timestamptz not null,
  tries        integer not null,
  primary key (kind, hash, window_start)
);
create index attempt_window on attempt (window_start);
grant select, insert, update on attempt to daftar_citizen, daftar_staff, daftar_issuer, daftar_api;
grant select, delete on attempt to daftar_jobs;

-- +goose Down
select 1;
