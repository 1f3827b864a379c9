-- +goose Up

-- Where people sign in. Accounts belong to the row, not to the address, so
-- that an address that changes orphans nobody.
create table identity_provider (
  id     text primary key,                     -- 'citizen', 'staff'
  issuer text not null
);
grant select on identity_provider to daftar_citizen, daftar_staff, daftar_jobs;
grant insert, update on identity_provider to daftar_jobs;

-- A citizen's account: one subject at one provider. person_id is set through a
-- verified identifier or an approved registration, never by name.
create table account (
  id          uuid primary key,
  provider    text not null references identity_provider,
  sub         text not null,
  person_id   uuid references person,
  name        text not null default '',         -- as the provider gave it, to greet and to pre-fill
  claims      jsonb not null default '{}',      -- birth date, sex, identifier: only to pre-fill an application
  created_at  timestamptz not null,
  unique (provider, sub)
);
create index account_person on account (person_id);
grant select, insert (id, provider, sub, person_id, name, claims, created_at), update (name, claims, person_id) on account to daftar_citizen;
grant select, update (person_id) on account to daftar_staff;
grant select, insert, update on account to daftar_jobs;

create table staff (
  id       uuid primary key,
  provider text not null references identity_provider,
  sub      text not null,
  name     text not null,
  active   boolean not null default true,
  unique (provider, sub)
);
grant select on staff to daftar_citizen, daftar_staff, daftar_jobs, daftar_auditor;
grant insert, update on staff to daftar_jobs;

-- What a member of staff may do, where and from when to when.
create table staff_role (
  staff_id   uuid not null references staff,
  role       text not null,
  area_id    uuid not null references area,     -- and everything inside it
  valid_from timestamptz not null,
  valid_to   timestamptz,
  primary key (staff_id, role, area_id)
);
grant select on staff_role to daftar_staff, daftar_jobs;
grant insert, update on staff_role to daftar_jobs;

-- A sign-in that was started and has not come back.
create table sign_in_attempt (
  state_hash   bytea primary key,
  browser_hash bytea not null,                  -- of a cookie: state is bound to the browser
  audience     text not null check (audience in ('portal', 'admin')),
  nonce        text not null,
  verifier     text not null,                   -- PKCE
  acr          text not null default '',
  return_to    text not null,
  expires_at   timestamptz not null
);
create index sign_in_attempt_expiry on sign_in_attempt (expires_at);
grant select, insert, delete on sign_in_attempt to daftar_citizen, daftar_staff, daftar_jobs;

-- A site sees its own audience's and nothing of the other's.
alter table sign_in_attempt enable row level security;
create policy portal on sign_in_attempt to daftar_citizen using (audience = 'portal');
create policy admin on sign_in_attempt to daftar_staff using (audience = 'admin');
create policy worker on sign_in_attempt to daftar_jobs using (true);

create table session (
  id           uuid primary key,
  token_hash   bytea not null unique,
  audience     text not null check (audience in ('portal', 'admin')),
  account_id   uuid references account,
  staff_id     uuid references staff,
  acr          text not null default '',
  auth_time    timestamptz not null,
  id_token     text not null default '',        -- for signing out at the provider
  created_at   timestamptz not null,
  seen_at      timestamptz not null,
  expires_at   timestamptz not null,
  revoked_at   timestamptz,
  check ((account_id is null) <> (staff_id is null)),
  check ((audience = 'portal') = (account_id is not null))
);
create index session_account on session (account_id);
create index session_staff on session (staff_id);
create index session_expiry on session (expires_at);
grant select, insert, update (seen_at, revoked_at, id_token) on session to daftar_citizen, daftar_staff;
grant select, delete on session to daftar_jobs;

alter table session enable row level security;
create policy portal on session to daftar_citizen using (audience = 'portal');
create policy admin on session to daftar_staff using (audience = 'admin');
create policy worker on session to daftar_jobs using (true);

-- +goose Down
select 1;
