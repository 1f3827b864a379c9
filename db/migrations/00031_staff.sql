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

-- What the data protection officer should look into, beyond reading: a copied
-- passkey; a sign-in of which somebody says that it was not theirs.
alter table audit_alert drop constraint audit_alert_kind_check,
  add constraint audit_alert_kind_check check (kind in ('many', 'surname', 'neighbour', 'household', 'prominent', 'refused', 'passkey', 'not_me', 'emergency')),
  drop constraint audit_alert_kind_staff_id_day_key,
  alter column staff_id drop not null,
  add column account_id uuid references account,
  add check ((staff_id is null) <> (account_id is null));
create unique index audit_alert_pattern on audit_alert (kind, staff_id, day) where kind not in ('passkey', 'not_me', 'emergency');
create unique index audit_alert_of on audit_alert (kind, coalesce(staff_id, account_id), day) where closed_at is null and kind <> 'emergency';

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

-- Emergencies: one record that a role does not show, opened by two people, with a
-- reason, for an hour at most (break-glass). Everything its reader does meanwhile is
-- marked in the log; the data protection officer looks into it afterwards.
create table emergency (
  id          uuid primary key,
  ref         text not null unique,
  record      text not null,                     -- the reference that was asked for; whether there is one, nobody learns by asking
  what        text not null check (what in ('record', 'contacts')),
  minutes     smallint not null check (minutes between 1 and 60),
  reason      text not null check (length(reason) >= 15),
  reason_lang text not null,
  asked_at    timestamptz not null,
  asked_by    uuid not null default actor() references staff,
  decided_at  timestamptz,
  decided_by  uuid references staff,
  approved    boolean,
  person_id   uuid references person,
  ends_at     timestamptz,
  closed_at   timestamptz,                       -- by the button, before its time
  alert_id    uuid references audit_alert,
  constraint emergency_hands check (decided_by <> asked_by),
  constraint emergency_length check (ends_at > decided_at and ends_at <= decided_at + interval '60 minutes'),
  check ((decided_at is null) = (decided_by is null) and (decided_at is null) = (approved is null)),
  check (coalesce(approved, false) = (person_id is not null) and (person_id is null) = (ends_at is null) and (person_id is null) = (alert_id is null)),
  check (closed_at is null or approved)
);
create index emergency_open on emergency (asked_by, ends_at) where approved and closed_at is null;
create index emergency_waiting on emergency (asked_at) where decided_at is null;
create index emergency_alert on emergency (alert_id);
grant select, insert (id, ref, record, what, minutes, reason, reason_lang, asked_at) on emergency to daftar_staff;

-- +goose StatementBegin

-- Whether somebody has one of some roles at a moment.
create function has_role(p_staff uuid, p_roles text[], p_at timestamptz) returns boolean
language sql stable security definer set search_path = public, pg_temp as $$
  select exists (select from staff_scope r where r.staff_id = p_staff and r.role = any(p_roles) and r.valid_from <= p_at and (r.valid_to is null or r.valid_to > p_at))
$$;

-- Whether somebody may know what others asked for: whoever agrees, and who looks into it.
create function oversees_emergencies() returns boolean
language sql stable security definer set search_path = public, pg_temp as $$
  select exists (select from staff_scope r where r.staff_id = actor() and r.role in ('approver2', 'protection', 'dpo'))
$$;
-- +goose StatementEnd
grant execute on function has_role(uuid, text[], timestamptz), oversees_emergencies() to daftar_staff;
alter table emergency enable row level security;
create policy emergency_read on emergency for select to daftar_staff using (asked_by = actor() or (select oversees_emergencies()));
create policy emergency_ask on emergency for insert to daftar_staff with check (asked_by = actor());

-- +goose StatementBegin

-- The second person agrees, or does not. What waited for an hour has lapsed.
create function decide_emergency(p_id uuid, p_approve boolean, p_alert uuid, p_alert_ref text, p_day date, p_now timestamptz) returns void
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  e emergency%rowtype;
  v_person uuid;
begin
  select x.* into e from emergency x where x.id = p_id for update;
  if actor() is null or not has_role(actor(), '{approver2,protection}', p_now) then
    raise exception 'not for this role to decide' using errcode = '42501';
  end if;
  if e.asked_by = actor() then
    raise exception 'who asks cannot agree' using errcode = 'DF002';
  end if;
  if e.id is null or e.decided_at is not null or e.asked_at <= p_now - interval '1 hour' then
    raise exception 'it does not wait any more' using errcode = 'DF001';
  end if;
  if not p_approve then
    update emergency set decided_at = p_now, decided_by = actor(), approved = false where id = p_id;
    return;
  end if;
  select p.id into v_person from person p where p.ref = e.record;
  if v_person is null then
    raise exception 'there is no such record' using errcode = 'DF005', constraint = 'emergency_nobody';
  end if;
  if exists (select from emergency x where x.asked_by = e.asked_by and x.approved and x.closed_at is null and x.ends_at > p_now) then
    raise exception 'one at a time' using errcode = 'DF005', constraint = 'emergency_one';
  end if;
  insert into audit_alert (id, ref, kind, staff_id, day, first_at, last_at, reads, raised_at)
  values (p_alert, p_alert_ref, 'emergency', e.asked_by, p_day, p_now, p_now + make_interval(mins => e.minutes), 0, p_now);
  update emergency set decided_at = p_now, decided_by = actor(), approved = true, person_id = v_person,
    ends_at = p_now + make_interval(mins => e.minutes), alert_id = p_alert where id = p_id;
end $$;

create function end_emergency(p_id uuid, p_now timestamptz) returns boolean
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  update emergency set closed_at = p_now where id = p_id and approved and closed_at is null and ends_at > p_now and actor() in (asked_by, decided_by);
  if found then
    update audit_alert a set last_at = p_now from emergency e where e.id = p_id and a.id = e.alert_id and a.closed_at is null;
    return true;
  end if;
  return false;
end $$;

-- What the principal may read in an emergency at this moment.
create function open_emergency(p_now timestamptz)
returns table (id uuid, ref text, record text, person_id uuid, what text, ends_at timestamptz)
language sql stable security definer set search_path = public, pg_temp as $$
  select e.id, e.ref, e.record, e.person_id, e.what, e.ends_at from emergency e
  where e.asked_by = actor() and current_setting('daftar.kind', true) = 'staff' and e.approved and e.closed_at is null and e.ends_at > p_now
$$;

create function has_emergency(p_staff uuid, p_now timestamptz) returns boolean
language sql stable security definer set search_path = public, pg_temp as $$
  select exists (select from emergency e where e.asked_by = p_staff and e.approved and e.closed_at is null and e.ends_at > p_now)
$$;

-- How much was done meanwhile.
create function emergency_entries(p_id uuid) returns bigint
language sql stable security definer set search_path = public, pg_temp as $$
  select count(*) from emergency e join audit_event a on a.actor = e.asked_by and a.actor_kind = 'staff'
    and a.at >= e.decided_at and a.at <= coalesce(e.closed_at, e.ends_at) and a.detail->>'emergency' = e.ref
  where e.id = p_id and (select oversees_emergencies())
$$;

-- Whatever somebody does while an emergency of theirs is open says so in the log.
create function mark_emergency() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  v_ref text;
begin
  select e.ref into v_ref from emergency e where e.asked_by = new.actor and e.approved and e.closed_at is null and e.ends_at > new.at limit 1;
  if found then
    new.detail := new.detail || jsonb_build_object('emergency', v_ref);
  end if;
  return new;
end $$;

-- It is looked into when it is over, by somebody who did not open it.
create function emergency_review_guard() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  if exists (select from emergency e where e.alert_id = new.id and e.closed_at is null and e.ends_at > new.closed_at) then
    raise exception 'it is open still' using errcode = 'DF001';
  end if;
  if exists (select from emergency e where e.alert_id = new.id and e.decided_by = new.closed_by) then
    raise exception 'who opened it cannot look into it' using errcode = 'DF002';
  end if;
  return new;
end $$;
-- +goose StatementEnd
create trigger mark_emergency before insert on audit_event for each row when (new.actor_kind = 'staff') execute function mark_emergency();
create trigger emergency_review_guard before update of closed_at on audit_alert for each row
  when (new.kind = 'emergency' and new.closed_at is not null) execute function emergency_review_guard();
grant execute on function decide_emergency(uuid, boolean, uuid, text, date, timestamptz), end_emergency(uuid, timestamptz),
  open_emergency(timestamptz), has_emergency(uuid, timestamptz), emergency_entries(uuid) to daftar_staff;

-- What the portal reads of numbers and of ways to reach people is one's own and that
-- of the children whom one is responsible for, whatever a page asks. Computed once
-- per statement. Whether a child is of age, and an end that is to come, are for the
-- page to look at: this is wider than what it shows.
-- +goose StatementBegin
create function own_people() returns uuid[]
language plpgsql stable security definer set search_path = public, pg_temp as $$
declare
  me uuid := case when current_setting('daftar.kind', true) = 'citizen' then (select a.person_id from account a where a.id = actor()) end;
begin
  if me is null then
    return '{}';
  end if;
  return array(
    select me
    union select r.other_id from relation r where r.person_id = me and r.type in ('parent', 'guardian')
    union select r.person_id from relation r where r.other_id = me and r.type in ('child', 'ward')
    union select c.of_id from membership_role c where c.person_id = me and c.role = 'caregiver' and c.of_id is not null);
end $$;

-- The one living person with a verified number, to link an account to; null for
-- none, or more than one.
create function person_of_number(p_type text, p_value text) returns uuid
language sql stable security definer set search_path = public, pg_temp as $$
  select (array_agg(p.id))[1] from identifier i join person p on p.id = i.subject_id
  where i.type = p_type and i.value = p_value and i.status = 'verified' and i.subject_kind = 'person' and p.status = 'active'
  having count(distinct p.id) = 1
$$;
-- +goose StatementEnd
grant execute on function own_people() to daftar_citizen;
grant execute on function person_of_number(text, text) to daftar_citizen, daftar_jobs;
create policy contact_own on contact for select to daftar_citizen using (person_id = any (array(select unnest(own_people()))));
create policy identifier_own on identifier for select to daftar_citizen using (subject_id = any (array(select unnest(own_people()))));

-- The same for the records themselves: what the portal reads of people and households
-- is one's own, of whom one acts for, of whom one's cases are about, of those who live
-- or lived with any of these, and of whose reference one has typed into a case
-- (registry.Named): knowing it is what the page goes by. Nobody who lives where
-- households are protected, but for who lives there too. Wider than what any page
-- shows; the pages say who sees what of whom (RULES R4), this says who is not there at
-- all. Asked for every table in every statement; found out once for each statement,
-- and once in all for what comes before a transaction writes: daftar.subjects is as much
-- the program's word as daftar.actor is.
-- +goose StatementBegin
create function portal_subjects() returns uuid[]
language plpgsql stable security definer set search_path = public, pg_temp as $$
declare
  me uuid := case when current_setting('daftar.kind', true) = 'citizen' then actor() end;
  v_named text[] := string_to_array(nullif(current_setting('daftar.named', true), ''), ',');
  v_key text := concat_ws(' ', coalesce(me::text, '-'), coalesce(v_named, '{}'), '');
  v_known text := current_setting('daftar.subjects', true);
  v_at text := statement_timestamp()::text;
  v_base uuid[];
  v_homes uuid[];
  v_all uuid[];
begin
  if current_setting('daftar.kind', true) is distinct from 'citizen' and v_named is null then
    return '{}';
  end if;
  if starts_with(v_known, v_key)
     and (pg_current_xact_id_if_assigned() is null or current_setting('daftar.subjects_at', true) = v_at) then
    return substr(v_known, length(v_key) + 1)::uuid[];
  end if;
  v_base := array(
    select a.person_id from account a where a.id = me and a.person_id is not null
    union select unnest(own_people())
    union select d.person_id from delegation d where d.account_id = me
    union select f.person_id from case_file f where f.account_id = me and f.person_id is not null
    union select s.subject_id from case_file f join case_subject s on s.case_id = f.id where f.account_id = me and s.kind = 'person'
    union select p.id from person p where p.ref = any(v_named));
  v_homes := array(
    select m.household_id from membership m where m.person_id = any(v_base)
    union select f.household_id from case_file f where f.account_id = me and f.household_id is not null
    union select s.subject_id from case_file f join case_subject s on s.case_id = f.id where f.account_id = me and s.kind = 'household'
    union select h.id from household h where h.ref = any(v_named));
  v_all := array(
    select unnest(v_homes)
    union
    select unnest(v_base)
    union
    select x.id from (
      select m.person_id as id from membership m where m.household_id = any(v_homes)
      union select l.person_id from membership_lost l where l.household_id = any(v_homes)
      union select r.other_id from relation r where r.person_id = any(v_base)
      union select r.person_id from relation r where r.other_id = any(v_base)
      union select a.person_id from delegation d join account a on a.id = d.account_id where d.person_id = any(v_base) and a.person_id is not null
      union select c.person_id from case_file f join case_party c on c.case_id = f.id where f.account_id = me) x
    where not exists (
      select from membership m join household h on h.id = m.household_id and h.protected
      where m.person_id = x.id and m.tie = 'usual' and m.end_date is null
        and not exists (select from membership o where o.household_id = h.id and o.end_date is null and o.person_id = any(v_base))));
  perform set_config('daftar.subjects', v_key || v_all::text, true), set_config('daftar.subjects_at', v_at, true);
  return v_all;
end $$;
-- +goose StatementEnd
grant execute on function portal_subjects() to daftar_citizen;
create policy person_own on person as restrictive for select to daftar_citizen using (id = any (array(select unnest(portal_subjects()))));
create policy household_own on household as restrictive for select to daftar_citizen using (id = any (array(select unnest(portal_subjects()))));
create policy membership_own on membership for select to daftar_citizen
  using (household_id = any (array(select unnest(portal_subjects()))) and person_id = any (array(select unnest(portal_subjects()))));
create policy relation_own on relation for select to daftar_citizen
  using (person_id = any (array(select unnest(portal_subjects()))) and other_id = any (array(select unnest(portal_subjects()))));
create policy record_version_own on record_version for select to daftar_citizen using (subject_id = any (array(select unnest(portal_subjects()))));

-- The records that a case can be about, as cases.scene says: those of whoever is
-- called, of their homes and of those who live there. The same rows as the policies
-- let through, which would ask at each of its tables.
-- +goose StatementBegin
create function case_scene(p_person uuid, p_household uuid, p_refs text[]) returns table (id uuid, kind text, version integer, data jsonb)
language plpgsql stable security definer set search_path = public, pg_temp as $$
declare
  v_seen uuid[] := case when in_context('citizen', 'anonymous') is not null then portal_subjects() end;
  v_kept uuid[] := case when in_context('staff') is not null then kept_people() || kept_households() end;
begin
  if in_any_context() is null then
    return;
  end if;
  return query
    with called as materialized (
      select p.id from person p
      where (p.id = p_person or p.ref = any(p_refs)) and (v_seen is null or p.id = any(v_seen)) and (v_kept is null or p.id <> all(v_kept))
    ), homes as materialized (
      select h.id, h.version from household h
      where h.id in (
        select x.id from household x where x.id = p_household or x.ref = any(p_refs)
        union select m.household_id from called c join membership m on m.person_id = c.id and m.end_date is null and m.tie = 'usual'
        union select m.household_id from called c join membership m on m.person_id = c.id and m.end_date is null -- whose payments they receive
          join membership_role r on r.membership_id = m.id and r.role = 'payee' and r.end_date is null
        union select l.household_id from called c join person p on p.id = c.id and p.status = 'deceased' cross join lateral ( -- alive after all: where they lived
          select m.household_id from membership m where m.person_id = c.id and m.tie = 'usual' order by m.end_date desc nulls first, m.start_date desc limit 1) l)
        and (v_seen is null or h.id = any(v_seen)) and (v_kept is null or h.id <> all(v_kept))
    ), subjects as (
      select p.id, 'person' as kind, p.version from person p
      where p.id in (
        select c.id from called c
        union select m.person_id from homes h join membership m on m.household_id = h.id
          and (m.end_date is null and m.tie = 'usual' or m.end_reason = 'deceased')
        union select r.person_id from homes h join membership_role r on r.household_id = h.id and r.role in ('payee', 'alternate_payee') and r.end_date is null)
        and (v_seen is null or p.id = any(v_seen)) and (v_kept is null or p.id <> all(v_kept))
      union all select h.id, 'household', h.version from homes h
    )
    select s.id, s.kind, s.version, i.data from subjects s
    join record_version v on v.subject_id = s.id and v.version = s.version
    join change_item i on i.change_id = v.change_id and i.seq = v.seq;
end $$;
-- +goose StatementEnd
grant execute on function case_scene(uuid, uuid, text[]) to daftar_citizen, daftar_staff, daftar_jobs;

-- Who begins to work here and who leaves, and roles that are given directly in an
-- area: by proposals, as every setting.
alter table staff add column version integer not null default 1;
alter table setting_kind drop constraint if exists setting_kind_kind_check; -- apply_setting_change knows the kinds
insert into setting_kind (kind, key, hands) values ('staff', '*', 2), ('staff_role', '*', 2);

-- +goose StatementBegin

-- Nobody agrees to what makes themselves a member of staff, or gives or takes their
-- own role.
create function not_oneself(p_staff uuid) returns void language plpgsql as $$
begin
  if p_staff = actor() then
    raise exception 'nobody decides about themselves' using errcode = 'DF002';
  end if;
end $$;

-- Somebody begins, is called otherwise, leaves or comes back. Who leaves keeps no
-- role, no passkey and no session; their name stays with what they did.
create function apply_official(p_id uuid, p_base integer, d jsonb, p_now timestamptz) returns boolean language plpgsql as $$
declare
  v_ended boolean := coalesce((d->>'ended')::boolean, false);
begin
  if p_base = 0 then
    insert into staff (id, provider, sub, name) values (p_id, 'staff', d->>'account', d->>'name');
    return true;
  end if;
  update staff set name = d->>'name', active = not v_ended, version = p_base + 1 where id = p_id and version = p_base;
  if not found then
    return false;
  end if;
  if v_ended then
    update office_role set valid_to = p_now, version = version + 1 where staff_id = p_id and (valid_to is null or valid_to > p_now);
    update staff_role set valid_to = p_now where staff_id = p_id and (valid_to is null or valid_to > p_now);
    update passkey set removed_at = p_now, removed_why = 'office' where staff_id = p_id and removed_at is null;
    update session set revoked_at = p_now where staff_id = p_id and revoked_at is null;
  end if;
  return true;
end $$;

create function apply_area_role(d jsonb, p_now timestamptz) returns boolean language plpgsql as $$
declare
  v_staff uuid := (d->>'staff')::uuid;
  v_from timestamptz := greatest(p_now, (d->>'from')::timestamptz);
  v_to timestamptz := (d->>'until')::timestamptz;
begin
  if (d->>'ended')::boolean then
    update staff_role r set valid_to = p_now from area a
    where a.code = d->>'area' and r.area_id = a.id and r.staff_id = v_staff and r.role = d->>'role' and (r.valid_to is null or r.valid_to > p_now);
    return found;
  end if;
  perform role_conflict_check(v_staff, d->>'role', v_from, v_to);
  insert into staff_role (staff_id, role, area_id, valid_from, valid_to)
  select v_staff, d->>'role', a.id, v_from, v_to from area a join staff s on s.id = v_staff and s.active
  where a.code = d->>'area' and a.valid_to is null
  on conflict (staff_id, role, area_id) do update set
    valid_from = case when staff_role.valid_to <= p_now then excluded.valid_from else staff_role.valid_from end, valid_to = excluded.valid_to;
  return found;
end $$;
-- +goose StatementEnd

-- The office's pages write whose an account is in two cases, each of which took two
-- people: its registration was approved and made the record; two records were merged,
-- or a merge was taken back. Everything else is for decide_link (00027).
-- +goose StatementBegin
create function account_person_guard() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  if session_user <> 'daftar_staff' or exists (select from account_link l where l.account_id = new.id and l.person_id = new.person_id) then
    return new;
  end if;
  if old.person_id is null and exists (
      select from change_item i join change c on c.id = i.change_id and c.state = 'applied'
      join case_file f on f.change_id = c.id
      left join decision d on d.id = f.appeals_id
      left join case_file o on o.id = d.case_id
      where i.subject_id = new.person_id and new.id in (f.account_id, o.account_id))
    or exists (
      select from record_merge g join change c on c.id = g.change_id and c.state = 'applied'
      where g.ended_id = old.person_id and g.kept_id = new.person_id and g.undoes is null
         or g.undoes is not null and old.person_id in (g.kept_id, g.ended_id) and new.person_id in (g.kept_id, g.ended_id)) then
    return new;
  end if;
  raise exception 'whose an account is takes two people' using errcode = '42501';
end $$;
-- +goose StatementEnd
create trigger account_person_guard before update of person_id on account for each row
  when (new.person_id is distinct from old.person_id) execute function account_person_guard();

-- What somebody who signed in asked for and was not given: what is not there or not
-- theirs; what is not for their role; what needs a purpose that they did not say.
-- One row for each of them, page, kind and day, which counts up to a thousand: nobody
-- fills the disk by asking. Which reference it was is not kept, nor what there is.
create table refused_attempt (
  day        date not null,
  staff_id   uuid references staff,
  account_id uuid references account,
  method     text not null check (length(method) <= 10),
  route      text not null check (length(route) <= 200),
  kind       text not null check (kind in ('hidden', 'forbidden', 'purpose')),
  tries      integer not null check (tries between 1 and 1000),
  first_at   timestamptz not null,
  last_at    timestamptz not null,
  check ((staff_id is null) <> (account_id is null))
);
create unique index refused_attempt_one on refused_attempt (day, coalesce(staff_id, account_id), route, method, kind);
create index refused_attempt_last on refused_attempt (last_at desc);
grant select on refused_attempt to daftar_staff, daftar_jobs, daftar_auditor;
grant delete on refused_attempt to daftar_jobs;
alter table refused_attempt enable row level security;
create policy dpo on refused_attempt for select to daftar_staff
  using ((select exists (select from staff_scope r where r.staff_id = actor() and r.role = 'dpo')));

-- +goose StatementBegin

-- Counts one of the principal's own; true where it is the day's first of its kind.
create function note_refusal(p_method text, p_route text, p_kind text, p_at timestamptz) returns boolean
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  v_first boolean;
begin
  if actor() is null or actor_kind() not in ('staff', 'citizen') then
    return false;
  end if;
  insert into refused_attempt as r (day, staff_id, account_id, method, route, kind, tries, first_at, last_at)
  values (local_day(p_at), case actor_kind() when 'staff' then actor() end, case actor_kind() when 'citizen' then actor() end,
    p_method, p_route, p_kind, 1, p_at, p_at)
  on conflict (day, coalesce(staff_id, account_id), route, method, kind) do update
    set tries = r.tries + 1, last_at = excluded.last_at where r.tries < 1000
  returning r.tries = 1 into v_first;
  if not coalesce(v_first, false) then -- a count may be lost in a power cut: whoever asks waits for no disk
    perform set_config('synchronous_commit', 'off', true);
  end if;
  return coalesce(v_first, false);
end $$;
-- +goose StatementEnd
grant execute on function note_refusal(text, text, text, timestamptz) to daftar_citizen, daftar_staff;

-- +goose Down
select 1;
