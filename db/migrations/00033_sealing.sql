-- +goose Up

-- Data keys (docs/decisions/0033-sealing.md): in a schema of their own, which
-- "daftar db dump" leaves out and "daftar keys dump" writes apart. Each is wrapped
-- under a class key that the database never sees. Who deletes one makes what is
-- sealed under it unreadable.
create schema seal;
create table seal.data_key (
  class   text not null check (class in ('file', 'case')),
  owner   uuid not null,                         -- the file, the case
  kek     bigint not null,                       -- which class key
  wrapped bytea not null,
  made_at timestamptz not null,
  primary key (owner, class)
);
create index data_key_kek on seal.data_key (class, kek, owner);
grant usage on schema seal to daftar_citizen, daftar_staff, daftar_jobs;
grant select, insert on seal.data_key to daftar_citizen, daftar_staff, daftar_jobs;
grant update (kek, wrapped), delete on seal.data_key to daftar_jobs;
alter table seal.data_key enable row level security, force row level security;
create policy owner on seal.data_key to current_user using (true);
create policy in_context on seal.data_key to daftar_citizen, daftar_staff, daftar_jobs using ((select in_any_context()) is not null);

-- +goose Down
select 1;
