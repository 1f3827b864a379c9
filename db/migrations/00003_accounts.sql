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
grant select, insert (id, provider, sub, name, claims, created_at), update (name, claims) on account to daftar_citizen; -- person_id: link_by_claim
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

-- The offices: a tree of units. Each answers for its own areas and for those of
-- the offices below it. Only apply_setting_change writes here.
create table office (
  id        uuid primary key,
  code      text not null unique check (code ~ '^[a-z][a-z0-9-]{0,40}$'),
  parent_id uuid references office,
  kind      text not null check (kind in ('ministry', 'regional', 'district', 'counter')),
  name      jsonb not null,                       -- {"en": "...", "ar": "..."}
  seat_id   uuid references area,                 -- where it stands: people without a fixed place belong there (RULES R1)
  address   jsonb not null default '{}',
  phone     text not null default '',
  opening   jsonb not null default '{}',          -- {"sunday": "08:00-14:00"}
  closed    boolean not null default false,       -- answers for nothing any more
  version   integer not null default 1,
  check (parent_id <> id)
);
create table office_area (
  office_id uuid not null references office,
  area_id   uuid not null references area,
  primary key (office_id, area_id)
);
-- What an office answers for in the end; refresh_office_scope keeps it.
create table office_scope (
  office_id uuid not null references office,
  area_id   uuid not null references area,
  primary key (office_id, area_id)
);
create index office_scope_area on office_scope (area_id);
grant select on office, office_area, office_scope to daftar_citizen, daftar_staff, daftar_jobs;

-- A member of staff's role at an office, from when to when: it holds in the
-- areas that the office answers for at that moment.
create table office_role (
  staff_id   uuid not null references staff,
  role       text not null,
  office_id  uuid not null references office,
  valid_from timestamptz not null,
  valid_to   timestamptz,
  version    integer not null default 1,
  primary key (staff_id, role, office_id)
);
grant select on office_role to daftar_citizen, daftar_staff, daftar_jobs;

-- Roles with the areas they hold in, given directly or through an office.
-- Whatever asks what somebody may do asks here.
create view staff_scope as
  select staff_id, role, area_id, valid_from, valid_to from staff_role
  union all
  select r.staff_id, r.role, s.area_id, r.valid_from, r.valid_to
  from office_role r join office_scope s on s.office_id = r.office_id;
grant select on staff_scope to daftar_staff, daftar_jobs;

-- +goose StatementBegin
create function refresh_office_scope() returns void language plpgsql as $$
begin
  if exists (
    with recursive up (start, id) as (
      select id, parent_id from office where parent_id is not null
      union
      select u.start, o.parent_id from up u join office o on o.id = u.id where o.parent_id is not null)
    select from up where start = id) then
    raise exception 'an office is inside itself' using errcode = 'DF005', constraint = 'office_circle';
  end if;
  delete from office_scope;
  insert into office_scope (office_id, area_id)
  with recursive inside (office_id, id) as (
    select id, id from office where not closed
    union
    select i.office_id, o.id from inside i join office o on o.parent_id = i.id and not o.closed)
  select distinct i.office_id, a.area_id from inside i join office_area a on a.office_id = i.id;
  -- What lies inside another area of the same office goes without saying.
  delete from office_scope s using area x, office_scope o
  where x.id = s.area_id and o.office_id = s.office_id and o.area_id <> s.area_id
    and o.area_id in (x.l0, x.l1, x.l2, x.l3, x.l4);
end $$;
-- +goose StatementEnd

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
  client       text not null default '',        -- the kind of thing: a phone, a computer
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
