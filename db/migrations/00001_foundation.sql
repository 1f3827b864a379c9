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

-- Who did what, in the same transaction as what was done. The actor comes
-- from the transaction, never from the statement: no role may insert it.
create table audit_event (
  id           uuid primary key,
  at           timestamptz not null,
  actor_kind   text not null default actor_kind(),
  actor        uuid default actor(),
  action       text not null,
  subject_kind text,
  subject      uuid,
  case_id      uuid,
  change_id    uuid,
  purpose      text,
  detail       jsonb not null default '{}'
);
create index audit_event_subject on audit_event (subject, at desc);
create index audit_event_at on audit_event (at desc);
create index audit_event_case on audit_event (case_id, at) where case_id is not null;
grant insert (id, at, action, subject_kind, subject, case_id, change_id, purpose, detail)
  on audit_event to daftar_citizen, daftar_staff, daftar_issuer, daftar_api, daftar_jobs;
grant select on audit_event to daftar_auditor, daftar_jobs;

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
