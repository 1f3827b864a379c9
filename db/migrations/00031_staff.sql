-- +goose Up

-- Passkeys of staff (WebAuthn level 3): what proves, without the staff directory,
-- that it is still they. Only the public half is here.
create table passkey (
  id            uuid primary key,
  ref           text not null unique,
  staff_id      uuid not null default actor() references staff,
  name          text not null check (name <> '' and length(name) <= 60),  -- as its owner calls it
  credential_id bytea not null unique check (octet_length(credential_id) between 16 and 1023),
  public_key    bytea not null,
  backup_able   boolean not null,                -- it may be copied to other devices of its owner
  sign_count    bigint not null check (sign_count >= 0),
  added_at      timestamptz not null,
  used_at       timestamptz,
  removed_at    timestamptz,
  removed_why   text check (removed_why in ('owner', 'office', 'counter')),
  check ((removed_at is null) = (removed_why is null))
);
create index passkey_staff on passkey (staff_id) where removed_at is null;
grant select, insert (id, ref, name, credential_id, public_key, backup_able, sign_count, added_at) on passkey to daftar_staff;
alter table passkey enable row level security;
-- Whoever gives roles sees that others have keys; nobody adds one for another.
create policy passkey_read on passkey for select to daftar_staff using (true);
create policy passkey_own on passkey for insert to daftar_staff with check (staff_id = actor());

-- What an authenticator is to sign: for one session, once, for some minutes.
create table passkey_challenge (
  hash       bytea primary key,                  -- of the challenge
  staff_id   uuid not null default actor() references staff,
  session_id uuid not null references session on delete cascade,
  purpose    text not null check (purpose in ('add', 'prove')),
  name       text not null default '',           -- of the key to add
  ceremony   jsonb not null,
  expires_at timestamptz not null
);
create index passkey_challenge_expiry on passkey_challenge (expires_at);
create index passkey_challenge_session on passkey_challenge (session_id);
grant select, insert (hash, session_id, purpose, name, ceremony, expires_at), delete on passkey_challenge to daftar_staff;
grant select (expires_at), delete on passkey_challenge to daftar_jobs;
alter table passkey_challenge enable row level security;
create policy own on passkey_challenge to daftar_staff using (staff_id = actor());

-- How a session's strong proof was given.
alter table session add column strong_by text check (strong_by in ('sign-in', 'passkey'));

-- +goose StatementBegin

-- Notes that a key of one's own signed, and how often it says it has. Whether it may
-- count: a counter that does not go on is that of a copy, and ends the key.
create function use_passkey(p_id uuid, p_count bigint, p_now timestamptz) returns boolean
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  update passkey set sign_count = p_count, used_at = p_now
  where id = p_id and staff_id = actor() and removed_at is null and (p_count > sign_count or p_count = 0 and sign_count = 0);
  if found then
    return true;
  end if;
  update passkey set removed_at = p_now, removed_why = 'counter' where id = p_id and staff_id = actor() and removed_at is null;
  return false;
end $$;

create function remove_passkey(p_id uuid, p_now timestamptz) returns boolean
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  update passkey set removed_at = p_now, removed_why = 'owner' where id = p_id and staff_id = actor() and removed_at is null;
  return found;
end $$;
-- +goose StatementEnd
grant execute on function use_passkey(uuid, bigint, timestamptz), remove_passkey(uuid, timestamptz) to daftar_staff;

-- The key of somebody else is removed by a proposal, which takes two people.
alter table setting_kind drop constraint setting_kind_kind_check,
  add constraint setting_kind_kind_check check (kind in ('setting', 'identifier', 'office', 'office_role', 'area_kind', 'field', 'passkey'));
insert into setting_kind (kind, key, hands) values ('passkey', '*', 2);

-- What the data protection officer should look into, beyond reading: a copied
-- passkey; a sign-in of which somebody says that it was not theirs.
alter table audit_alert drop constraint audit_alert_kind_check,
  add constraint audit_alert_kind_check check (kind in ('many', 'surname', 'neighbour', 'household', 'prominent', 'passkey', 'not_me')),
  drop constraint audit_alert_kind_staff_id_day_key,
  alter column staff_id drop not null,
  add column account_id uuid references account,
  add check ((staff_id is null) <> (account_id is null));
create unique index audit_alert_pattern on audit_alert (kind, staff_id, day) where kind not in ('passkey', 'not_me');
create unique index audit_alert_of on audit_alert (kind, coalesce(staff_id, account_id), day) where closed_at is null;

-- +goose StatementBegin

-- Raises an alert about the principal themselves, or adds to the day's that nobody
-- has closed. It returns whether there is a new one.
create function raise_alert(p_id uuid, p_ref text, p_kind text, p_day date, p_first timestamptz, p_last timestamptz, p_now timestamptz) returns boolean
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  v_staff uuid := case when current_setting('daftar.kind', true) = 'staff' then actor() end;
  v_account uuid := case when current_setting('daftar.kind', true) = 'citizen' then actor() end;
begin
  if p_kind not in ('passkey', 'not_me') or v_staff is null and v_account is null then
    raise exception 'no alert of this kind' using errcode = '42501';
  end if;
  update audit_alert set reads = reads + 1, first_at = least(first_at, p_first), last_at = greatest(last_at, p_last)
  where kind = p_kind and day = p_day and closed_at is null and (staff_id = v_staff or account_id = v_account);
  if found then
    return false;
  end if;
  insert into audit_alert (id, ref, kind, staff_id, account_id, day, first_at, last_at, reads, raised_at)
  values (p_id, p_ref, p_kind, v_staff, v_account, p_day, p_first, p_last, 1, p_now);
  return true;
end $$;
-- +goose StatementEnd
grant execute on function raise_alert(uuid, text, text, date, timestamptz, timestamptz, timestamptz) to daftar_citizen, daftar_staff;

-- +goose Down
select 1;
