-- +goose Up

-- How what a source says was checked: a code of registry.VerificationMethods.
alter table source add column method text check (method in ('issuer', 'document', 'copy', 'witness', 'said'));
grant insert (method) on source to daftar_staff, daftar_jobs;

grant select on residence to daftar_citizen;

-- Ties that a correction took out of a record altogether: the household finds
-- them here when it is asked how it was at another time.
create table membership_lost (
  household_id uuid not null,
  person_id    uuid not null,
  primary key (household_id, person_id)
);
grant select on membership_lost to daftar_staff, daftar_jobs;

-- +goose StatementBegin
create function membership_lose() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  insert into membership_lost (household_id, person_id)
  select distinct d.household_id, i.subject_id
  from change_item i
  join record_version v on v.subject_id = i.subject_id and v.version = i.base_version
  join change_item was on was.change_id = v.change_id and was.seq = v.seq
  cross join lateral jsonb_to_recordset(was.data->'memberships') as d (household_id uuid)
  where i.change_id = new.id and i.kind = 'person' and i.base_version > 0
    and not exists (select from membership m where m.person_id = i.subject_id and m.household_id = d.household_id)
  on conflict do nothing;
  return null;
end $$;
-- +goose StatementEnd
create trigger membership_lose after update on change for each row
  when (new.state = 'applied' and old.state <> 'applied') execute function membership_lose();

-- Who receives what a household gets is of age (RULES R15): the head may be
-- sixteen, and an adult is then appointed. Somebody of unknown age may be.
-- +goose StatementBegin
create function payee_of_age() returns trigger language plpgsql as $$
begin
  if exists (
    select from added a join person p on p.id = a.person_id
    where a.role in ('payee', 'alternate_payee') and a.end_date is null
      and p.birth_from > local_day((select max(v.recorded_at) from record_version v where v.subject_id = p.id)) - interval '18 years') then
    perform broken('payee_of_age');
  end if;
  return null;
end $$;

-- Two officials see to it that somebody counts as dead (RULES R16), and that
-- another receives the money (R15). A case has a verifier and an approver, and a
-- file two people; what another system tells needs two members of staff, too.
create function change_two_officials() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  if (select count(*) from staff s where s.id in (new.proposed_by, new.verified_by, new.approved_by)) < 2 and exists (
    select from change_item i
    where i.change_id = new.id and i.kind = 'person'
      and (i.data->>'status' = 'deceased' and not exists (select from person p where p.id = i.subject_id and p.status = 'deceased')
        or i.base_version > 0 and exists (
          select from membership_role r
          where r.person_id = i.subject_id and r.role = 'payee' and r.end_date is null and not exists (
            select from jsonb_to_recordset(i.data->'memberships') as m (household_id uuid, roles jsonb)
            cross join lateral jsonb_to_recordset(m.roles) as d (role text, end_date date)
            where m.household_id = r.household_id and d.role = 'payee' and d.end_date is null)))) then
    raise exception 'two officials have to confirm this' using errcode = 'DF002';
  end if;
  return null;
end $$;
-- +goose StatementEnd
create trigger payee_of_age after insert on membership_role
  referencing new table as added for each statement execute function payee_of_age();
create trigger change_two_officials after update on change for each row
  when (new.state = 'approved' and old.state <> 'approved' and new.origin = 'event') execute function change_two_officials();

-- Somebody is said to have died and nobody has confirmed it: nothing stops, and
-- nothing is sent to that phone (RULES R16).
-- +goose StatementBegin
create function reported_dead(p_person uuid) returns boolean language sql stable security definer
set search_path = public, pg_temp as $$
  select exists (
    select from amendment m join change c on c.id = m.change_id and c.state in ('proposed', 'verified', 'approved')
    join change_item i on i.change_id = c.id and i.subject_id = m.subject_id
    where m.subject_id = p_person and i.data->>'status' = 'deceased')
    and not exists (select from person p where p.id = p_person and p.status = 'deceased')
$$;
-- +goose StatementEnd
grant execute on function reported_dead(uuid) to daftar_citizen, daftar_staff, daftar_jobs;

-- Whom a member of staff is close to: themselves and the relatives whom they
-- declared, by the reference of a record or by a number on a paper. Nobody learns
-- from a declaration whether there is such a record.
create table staff_kin (
  id          uuid primary key,
  ref         text not null unique,
  staff_id    uuid not null references staff,
  bond        text not null check (bond in ('self', 'relative')),
  type        text not null,                    -- 'reference', or a type of identifier
  value       text not null,                    -- normalised
  declared_at timestamptz not null,
  declared_by uuid not null default actor(),
  ended_at    timestamptz,                      -- somebody else says that it is not so
  ended_by    uuid,
  constraint staff_kin_end check ((ended_at is null) = (ended_by is null) and ended_by <> staff_id)
);
create unique index staff_kin_once on staff_kin (staff_id, type, value) where ended_at is null;
alter table staff_kin enable row level security;
create policy staff_kin_read on staff_kin for select to daftar_staff
  using (staff_id = actor() or exists (select from staff_scope r where r.staff_id = actor() and r.role = 'dpo'));
create policy staff_kin_made on staff_kin for insert to daftar_staff with check (staff_id = actor());
create policy staff_kin_ended on staff_kin for update to daftar_staff
  using (staff_id <> actor() and exists (select from staff_scope r where r.staff_id = actor() and r.role = 'dpo')) with check (ended_by = actor());
create policy staff_kin_worker on staff_kin to daftar_jobs using (true);
grant select, insert (id, ref, staff_id, bond, type, value, declared_at), update (ended_at, ended_by) on staff_kin to daftar_staff;
grant select, insert on staff_kin to daftar_jobs;

-- The staff directory says who somebody is: their own record is theirs from the
-- first sign-in on.
-- +goose StatementBegin
create function declare_self(p_id uuid, p_ref text, p_staff uuid, p_type text, p_value text, p_now timestamptz) returns void
language sql security definer set search_path = public, pg_temp as $$
  insert into staff_kin (id, ref, staff_id, bond, type, value, declared_at, declared_by)
  values (p_id, p_ref, p_staff, 'self', p_type, p_value, p_now, p_staff) on conflict do nothing
$$;
-- +goose StatementEnd
grant execute on function declare_self(uuid, text, uuid, text, text, timestamptz) to daftar_staff;

-- The records that whoever is signed in to the admin area is kept from (RULES
-- R8): their own household's, now and before, their relatives', and the
-- households of those. Relations count even when they have ended.
-- +goose StatementBegin
create function kept_of(p_staff uuid, out people uuid[], out households uuid[], out numbers text[])
language plpgsql stable security definer set search_path = public, pg_temp as $$
declare
  own uuid[]; near uuid[]; homes uuid[];
begin
  people := '{}'; households := '{}'; numbers := '{}';
  if not exists (select from staff_kin k where k.staff_id = p_staff and k.ended_at is null) then
    return;
  end if;
  numbers := array(select k.value from staff_kin k where k.staff_id = p_staff and k.ended_at is null and k.type <> 'reference');
  with named as (
    select k.bond, coalesce(p.id, i.subject_id) as id from staff_kin k
    left join person p on k.type = 'reference' and p.ref = k.value
    left join identifier i on i.type = k.type and i.value = k.value and i.subject_kind = 'person' and i.status <> 'ended'
    where k.staff_id = p_staff and k.ended_at is null
  ), records as (
    select bond, id from named where id is not null
    union select n.bond, p.merged_into from named n join person p on p.id = n.id where p.merged_into is not null
    union select n.bond, p.id from named n join person p on p.merged_into = n.id
  )
  select coalesce(array_agg(id) filter (where bond = 'self'), '{}'), coalesce(array_agg(id), '{}') into own, near from records;

  homes := array(select household_id from membership where person_id = any(own));
  near := array(
    select unnest(near)
    union select r.other_id from relation r where r.person_id = any(own)
    union select r.person_id from relation r where r.other_id = any(own)
    union select m.person_id from membership m where m.household_id = any(homes));
  households := array(
    select unnest(homes) union select m.household_id from membership m where m.person_id = any(near) and m.end_date is null);
  people := array(
    select unnest(near) union select m.person_id from membership m where m.household_id = any(households) and m.end_date is null and m.tie = 'usual');
end $$;

create function kept_from(out people uuid[], out households uuid[], out numbers text[])
language sql stable security definer set search_path = public, pg_temp as $$ select k.people, k.households, k.numbers from kept_of(actor()) k $$;

create function kept_people() returns uuid[] language sql stable as $$ select people from kept_from() $$;
create function kept_households() returns uuid[] language sql stable as $$ select households from kept_from() $$;
create function kept_numbers() returns text[] language sql stable as $$ select numbers from kept_from() $$;

-- And their cases: on one of their accounts, about one of their households, or
-- naming one of them.
create function kept_case(p_account uuid, p_household uuid, p_draft jsonb, p_people uuid[], p_households uuid[], p_numbers text[])
returns boolean language plpgsql stable security definer set search_path = public, pg_temp as $$
begin
  if p_people = '{}' and p_numbers = '{}' then
    return false;
  end if;
  return coalesce(p_household = any(p_households), false)
    or exists (select from account a where a.id = p_account
               and (a.person_id = any(p_people) or upper(regexp_replace(a.claims->>'national_id', '[^[:alnum:]]', '', 'g')) = any(p_numbers)))
    or exists (select from jsonb_to_recordset(case when jsonb_typeof(p_draft->'members') = 'array' then p_draft->'members' end) -- only a registration's
                 as m (national_id text, person_id uuid)
               where m.person_id = any(p_people) or m.national_id = any(p_numbers));
end $$;
-- +goose StatementEnd
grant execute on function kept_from(), kept_people(), kept_households(), kept_numbers(),
  kept_case(uuid, uuid, jsonb, uuid[], uuid[], text[]) to daftar_staff;

-- What is kept from somebody is not there for them, whatever the page asks.
alter table person enable row level security;
alter table household enable row level security;
alter table case_file enable row level security;
create policy person_read on person for select
  to daftar_citizen, daftar_staff, daftar_issuer, daftar_api, daftar_jobs, daftar_search using (true);
create policy household_read on household for select
  to daftar_citizen, daftar_staff, daftar_issuer, daftar_api, daftar_jobs, daftar_search using (true);
create policy case_file_use on case_file to daftar_citizen, daftar_staff, daftar_jobs using (true);
create policy person_kept on person as restrictive for select to daftar_staff
  using (id <> all (array(select unnest(kept_people()))));
create policy household_kept on household as restrictive for select to daftar_staff
  using (id <> all (array(select unnest(kept_households()))));
create policy person_search_kept on person_search as restrictive for select to daftar_staff
  using (person_id <> all (array(select unnest(kept_people()))));
create policy household_search_kept on household_search as restrictive for select to daftar_staff
  using (household_id <> all (array(select unnest(kept_households()))));
create policy case_file_kept on case_file as restrictive to daftar_staff
  using (not kept_case(account_id, household_id, draft, array(select unnest(kept_people())), array(select unnest(kept_households())),
                       array(select unnest(kept_numbers()))))
  with check (true);

-- +goose Down
select 1;
