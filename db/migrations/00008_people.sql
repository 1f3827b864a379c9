-- +goose Up

-- Every state of every record with its data, which is kept once: in the item
-- that was approved.
create view record_state as
select v.subject_id, v.version, v.change_id, v.recorded_at, i.kind, i.nature, i.reason, i.effective_on, i.data
from record_version v join change_item i on i.change_id = v.change_id and i.seq = v.seq;
grant select on record_state to daftar_citizen, daftar_staff, daftar_jobs;

create index person_merged on person (merged_into) where merged_into is not null;

-- Who does what in a household, and from when to when.
create table membership_role (
  household_id  uuid not null references household,
  person_id     uuid not null,
  membership_id uuid not null,
  role          text not null check (role in ('caregiver', 'payee', 'alternate_payee')),
  of_id         uuid references person,        -- whom a caregiver cares for
  start_date    date,
  end_date      date,
  constraint role_dates check (end_date >= start_date),
  constraint role_of check ((role = 'caregiver') = (of_id is not null) and of_id <> person_id),
  foreign key (person_id, membership_id) references membership (person_id, id) on delete cascade
);
create index membership_role_person on membership_role (person_id, membership_id);
create index membership_role_of on membership_role (of_id) where of_id is not null;
create unique index membership_payee on membership_role (household_id) where role = 'payee' and end_date is null;
grant select on membership_role to daftar_citizen, daftar_staff, daftar_api, daftar_jobs;

-- How people are related, whoever they live with. Each kind of relation has its
-- inverse; a relation is kept once, with one of the two, and read from both.
create table relation_type (
  code    text primary key,
  inverse text not null references relation_type deferrable initially deferred,
  up      boolean not null default false        -- the other is an elder: these lead to no one's own self
);
insert into relation_type (code, inverse, up) values
  ('spouse', 'spouse', false), ('parent', 'child', false), ('child', 'parent', true),
  ('grandparent', 'grandchild', false), ('grandchild', 'grandparent', true), ('sibling', 'sibling', false),
  ('guardian', 'ward', false), ('ward', 'guardian', false), ('carer', 'cared_for', false), ('cared_for', 'carer', false);
grant select on relation_type to daftar_citizen, daftar_staff, daftar_api, daftar_jobs;

create table relation (
  id         uuid not null,
  person_id  uuid not null references person,   -- is the ... of
  type       text not null references relation_type,
  other_id   uuid not null references person,
  start_date date,
  end_date   date,
  primary key (person_id, id),
  constraint relation_dates check (end_date >= start_date),
  constraint relation_self check (other_id <> person_id)
);
create index relation_other on relation (other_id);
grant select on relation to daftar_citizen, daftar_staff, daftar_api, daftar_jobs;

-- Ways to reach somebody: whose they are and what is safe on them (RULES R6).
-- Nothing is safe unless it is said.
create table contact (
  person_id uuid not null,                      -- apply_change writes both in one go
  kind      text not null check (kind in ('phone', 'email')),
  value     text not null,                      -- as registry.NormalContact makes it
  owner     text not null check (owner in ('own', 'shared', 'helper')),
  safe      text[] not null default '{}' check (safe <@ '{codes,notices}'),
  protected boolean not null default false,     -- told to nobody (RULES R5)
  primary key (person_id, kind, value)
);
create index contact_value on contact (kind, value);
grant select on contact to daftar_citizen, daftar_staff, daftar_api, daftar_jobs;

-- Whose ways to reach them a change alters. That one is kept back from now on
-- is none of it: nothing waits for that, and nobody is told where it leads.
create function contacts_changed(p_change uuid) returns setof uuid language sql stable as $$
  select i.subject_id from change_item i
  join record_version v on v.subject_id = i.subject_id and v.version = i.base_version
  join change_item b on b.change_id = v.change_id and b.seq = v.seq
  where i.change_id = p_change and i.kind = 'person' and (i.data ? 'contacts' or b.data ? 'contacts')
  and (jsonb_array_length(coalesce(i.data->'contacts', '[]')) <> jsonb_array_length(coalesce(b.data->'contacts', '[]'))
    or exists (select from jsonb_array_elements(b.data->'contacts') o where not exists (
      select from jsonb_array_elements(i.data->'contacts') n
      where n - 'protected' = o - 'protected' and (n ? 'protected' or not o ? 'protected'))))
$$;
grant execute on function contacts_changed(uuid) to daftar_staff;

-- What is known about the numbers that issuers give.
create table identifier_type (
  code        text primary key check (code ~ '^[a-z][a-z0-9_]{0,40}$'),
  name        jsonb not null,
  subject     text not null default 'person' check (subject in ('person', 'household', 'group')),
  pattern     text not null default '',         -- of the normalised value, all of it; '': any
  check_digit text not null default 'none' check (check_digit in ('none', 'luhn', 'verhoeff', 'mod97')),
  position    integer not null default 0,
  retired_at  timestamptz
);
insert into identifier_type (code, name, position) values
  ('national_id', '{"en": "National ID number", "ar": "رقم الهوية الوطنية"}', 1),
  ('birth_certificate', '{"en": "Birth certificate number", "ar": "رقم شهادة الميلاد"}', 2),
  ('health_card', '{"en": "Health card number", "ar": "رقم البطاقة الصحية"}', 3),
  ('refugee_document', '{"en": "Refugee document number", "ar": "رقم وثيقة اللاجئ"}', 4),
  ('passport', '{"en": "Passport number", "ar": "رقم جواز السفر"}', 5);
grant select on identifier_type to daftar_citizen, daftar_staff, daftar_api, daftar_jobs;
grant insert, update on identifier_type to daftar_jobs;

-- A number that two living people claim, until the office has found out whose
-- it is. One open row per number; who claims it is in identifier.
create table identifier_contest (
  id        uuid primary key,
  type      text not null,
  value     text not null,
  issuer    text not null,
  opened_at timestamptz not null,
  closed_at timestamptz
);
create unique index identifier_contest_open on identifier_contest (type, value, issuer) where closed_at is null;
grant select on identifier_contest to daftar_staff, daftar_jobs;
grant insert, update (closed_at) on identifier_contest to daftar_jobs;

-- A cooperative, a union of cooperatives, a camp: households, people and other
-- groups that belong together, and that a programme may serve as one.
create table group_record (
  id            uuid primary key,
  ref           text not null unique,
  version       integer not null,
  change_id     uuid not null,
  type          text not null check (type in ('cooperative', 'union', 'association', 'savings_group', 'camp', 'institution', 'other')),
  name          text not null,
  name_latin    text,
  area_id       uuid references area,
  beneficiary   boolean not null default false, -- programmes may serve it as a whole
  formed_on     date,                           -- in the world; null: not known
  status        text not null default 'active' check (status in ('active', 'ended')),
  status_reason text,
  status_date   date,
  tags          text[] not null default '{}',
  fields        jsonb not null default '{}',
  provenance    jsonb not null default '{}',
  constraint group_outcome check ((status = 'active') = (status_reason is null and status_date is null))
);
create index group_record_area on group_record (area_id, id);
grant select on group_record to daftar_citizen, daftar_staff, daftar_api, daftar_jobs;

create table group_member (
  group_id     uuid not null references group_record,
  id           uuid not null,
  household_id uuid references household,
  person_id    uuid references person,
  subgroup_id  uuid references group_record,
  role         text not null default 'member' check (role in ('member', 'chair', 'treasurer', 'secretary', 'payee')),
  start_date   date,
  end_date     date,
  primary key (group_id, id),
  constraint group_member_dates check (end_date >= start_date),
  constraint group_member_one check (num_nonnulls(household_id, person_id, subgroup_id) = 1),
  constraint group_cycle check (subgroup_id <> group_id)
);
create unique index group_member_once on group_member (group_id, coalesce(household_id, person_id, subgroup_id)) where end_date is null;
create index group_member_household on group_member (household_id) where household_id is not null;
create index group_member_person on group_member (person_id) where person_id is not null;
create index group_member_subgroup on group_member (subgroup_id) where subgroup_id is not null;
grant select on group_member to daftar_citizen, daftar_staff, daftar_api, daftar_jobs;

-- Groups and the groups inside them on a day; one that has ended holds nobody.
-- +goose StatementBegin
create function groups_inside(p_groups uuid[], p_on date) returns table (group_id uuid) language sql stable
set search_path = public, pg_temp as $$
  with recursive inside(id) as (
    select g.id from group_record g where g.id = any(p_groups) and (g.status_date is null or g.status_date > p_on)
    union
    select g.id from inside i join group_member m on m.group_id = i.id join group_record g on g.id = m.subgroup_id
    where daterange(m.start_date, m.end_date) @> p_on and (g.status_date is null or g.status_date > p_on)
  )
  select id from inside
$$;

-- Everybody in any of these groups on a day, each once: those in it, in its
-- households (as their usual residence) and in its groups.
create function group_households(p_groups uuid[], p_on date) returns table (household_id uuid) language sql stable
set search_path = public, pg_temp as $$
  select distinct m.household_id from groups_inside(p_groups, p_on) i join group_member m on m.group_id = i.group_id
  where m.household_id is not null and daterange(m.start_date, m.end_date) @> p_on
    and not exists (select from household h where h.id = m.household_id and h.status_date <= p_on)
$$;

create function group_people(p_groups uuid[], p_on date) returns table (person_id uuid) language sql stable
set search_path = public, pg_temp as $$
  select m.person_id from groups_inside(p_groups, p_on) i join group_member m on m.group_id = i.group_id
  where m.person_id is not null and daterange(m.start_date, m.end_date) @> p_on
    and not exists (select from person p where p.id = m.person_id and p.status_date <= p_on)
  union
  select r.person_id from group_households(p_groups, p_on) h join membership r on r.household_id = h.household_id
  where r.tie = 'usual' and daterange(r.start_date, r.end_date) @> p_on
$$;
-- +goose StatementEnd
grant execute on function groups_inside(uuid[], date), group_households(uuid[], date), group_people(uuid[], date)
  to daftar_citizen, daftar_staff, daftar_api, daftar_jobs;

-- What a member of staff proposes for one record: a correction, a change in the
-- world, an outcome. Others verify and approve it.
create table amendment (
  id           uuid primary key,
  ref          text not null unique,
  change_id    uuid not null unique references change,
  subject_kind text not null check (subject_kind in ('person', 'household', 'group')),
  subject_id   uuid not null,
  note         text not null,                   -- the proposer's own words
  note_lang    text not null,
  proposed_at  timestamptz not null,
  proposed_by  uuid not null default actor(),
  answer       text not null default '',        -- why it was refused
  answer_lang  text not null default ''
);
create index amendment_subject on amendment (subject_id);
create index change_open on change (proposed_at) where state in ('proposed', 'verified');
grant select, insert (id, ref, change_id, subject_kind, subject_id, note, note_lang, proposed_at),
  update (answer, answer_lang) on amendment to daftar_staff;
grant select on amendment to daftar_citizen, daftar_jobs;

insert into outbox_kind (kind, role) values ('contested_identifier', 'daftar_staff'), ('contested_identifier', 'daftar_jobs');

-- The rules that span a record's parts or several records. What breaks one is
-- refused with SQLSTATE DF005 and the rule's name as the constraint.
-- +goose StatementBegin
create function broken(p_rule text) returns void language plpgsql as $$
begin
  raise exception 'the change breaks the rule %', p_rule using errcode = 'DF005', constraint = p_rule;
end $$;

create function living(p_status text) returns boolean language sql immutable
return p_status not in ('deceased', 'duplicate', 'error');

-- What the items of changes say, as rows: the one place that knows where in a
-- record its parts are. Set-returning functions stand in the list of columns:
-- beside FROM they would be written into a table of their own for each record.
create view proposed_household as
select change_id, seq, subject_id, base_version, data->>'ref' as ref, (data->>'area_id')::uuid as area_id,
       coalesce(data->>'directions', '') as directions, coalesce((data->>'protected')::boolean, false) as protected,
       coalesce(data->>'status', 'active') as status, data->>'status_reason' as status_reason, (data->>'status_date')::date as status_date,
       case when data ? 'tags' then array(select jsonb_array_elements_text(data->'tags')) else '{}' end as tags,
       coalesce(data->'fields', '{}') as fields, coalesce(data->'provenance', '{}') as provenance
from change_item where kind = 'household';

create view proposed_person as
select change_id, seq, subject_id, base_version, data->>'ref' as ref, data->>'full_name' as full_name, data->>'full_name_latin' as full_name_latin,
       data->>'family_name' as family_name, data->>'given_name' as given_name, data->>'other_names' as other_names,
       coalesce(data->>'sex', 'unknown') as sex, (data->>'birth_from')::date as birth_from, (data->>'birth_to')::date as birth_to,
       coalesce(data->>'status', 'active') as status, data->>'status_reason' as status_reason, (data->>'status_date')::date as status_date,
       (data->>'merged_into')::uuid as merged_into,
       case when data ? 'tags' then array(select jsonb_array_elements_text(data->'tags')) else '{}' end as tags,
       coalesce(data->'fields', '{}') as fields, coalesce(data->'provenance', '{}') as provenance
from change_item where kind = 'person';

create view proposed_membership as
select change_id, subject_id as person_id, (e->>'id')::uuid as id, (e->>'household_id')::uuid as household_id, coalesce(e->>'tie', 'usual') as tie,
       e->>'relationship' as relationship, (e->>'start_date')::date as start_date, (e->>'end_date')::date as end_date, e->>'end_reason' as end_reason,
       e->'roles' as roles
from (select change_id, subject_id, data->'memberships'->generate_series(0, jsonb_array_length(data->'memberships') - 1) as e
      from change_item where kind = 'person') i;

create view proposed_identifier as
select change_id, kind, subject_id, e->>'type' as type, e->>'value' as value, coalesce(e->>'issuer', '') as issuer,
       coalesce(e->>'status', 'unverified') as claimed, (e->>'expires_on')::date as expires_on, e->>'assurance' as assurance,
       e->>'method' as method, coalesce(e->'provenance', '{}') as provenance,
       kind = 'person' and e->>'status' is distinct from 'ended' and living(coalesce(status, 'active')) as live
from (select change_id, kind, subject_id, data->>'status' as status,
             data->'identifiers'->generate_series(0, jsonb_array_length(data->'identifiers') - 1) as e
      from change_item) i;

-- Writes who is tied to which household, and what they do there: one usual
-- residence at a time, one head and one payee per household. Two that are both
-- open are refused by unique indexes; here are those with an end.
create function apply_memberships(p_change uuid, p_known boolean) returns void language plpgsql as $$
declare
  many boolean; roles boolean; nowhere boolean; heads uuid[];
begin
  -- A person may have left one household and joined another: the old rows go
  -- first, or the two would meet in membership_usual_residence.
  if p_known then
    delete from membership m using change_item i
    where i.change_id = p_change and i.base_version > 0 and m.person_id = i.subject_id;
  end if;

  with said as materialized (
    select * from proposed_membership where change_id = p_change
  ), added as (
    insert into membership (id, household_id, person_id, tie, relationship, start_date, end_date, end_reason)
    select id, household_id, person_id, tie, relationship, start_date, end_date, end_reason from said
    returning household_id, relationship, end_date
  )
  select bool_or(end_date is not null), array_agg(household_id) filter (where relationship = 'head'),
         (select bool_or(s.roles is not null) from said s),
         (select bool_or(not exists (select from household h where h.id = d.household_id)) from (select distinct household_id from said) d)
    into many, heads, roles, nowhere from added;

  if nowhere then
    perform broken('record_parts');
  end if;
  if many and exists (
    select from change_item i
    join membership a on a.person_id = i.subject_id and a.tie = 'usual'
    join membership b on b.person_id = i.subject_id and b.tie = 'usual' and b.id > a.id
    where i.change_id = p_change and daterange(a.start_date, a.end_date) && daterange(b.start_date, b.end_date)) then
    perform broken('membership_usual_residence');
  end if;
  if exists (
    select from unnest(heads) h (id)
    join membership a on a.household_id = h.id and a.relationship = 'head' and a.end_date is not null
    join membership b on b.household_id = h.id and b.relationship = 'head' and (b.person_id, b.id) <> (a.person_id, a.id)
    where daterange(a.start_date, a.end_date) && daterange(b.start_date, b.end_date)) then
    perform broken('membership_head');
  end if;

  if roles is not true then
    return;
  end if;
  insert into membership_role (household_id, person_id, membership_id, role, of_id, start_date, end_date)
  select m.household_id, m.person_id, m.id, d.role, d.of, d.start_date, d.end_date
  from proposed_membership m
  cross join lateral jsonb_to_recordset(m.roles) as d (role text, of uuid, start_date date, end_date date)
  where m.change_id = p_change;
  if exists (
    select from change_item i
    join membership_role a on a.person_id = i.subject_id and a.role = 'payee'
    join membership_role b on b.household_id = a.household_id and b.role = 'payee' and b.ctid <> a.ctid
    where i.change_id = p_change and daterange(a.start_date, a.end_date) && daterange(b.start_date, b.end_date)) then
    perform broken('membership_payee');
  end if;
end $$;

-- Nobody is their own forebear, or both the wife and the mother of somebody.
create function check_relations(p_change uuid) returns void language plpgsql as $$
begin
  perform pg_advisory_xact_lock(hashtext('relation')); -- two changes at once could close a circle
  if exists (
    with recursive forebear(person_id, id, elder) as (
      select i.subject_id, i.subject_id, false from change_item i where i.change_id = p_change and i.kind = 'person'
      union
      select f.person_id, e.id, true from forebear f cross join lateral (
        select r.other_id as id from relation r join relation_type t on t.code = r.type and t.up where r.person_id = f.id
        union all
        select r.person_id from relation r join relation_type t on t.code = r.type join relation_type v on v.code = t.inverse and v.up
        where r.other_id = f.id
      ) e
    )
    select from forebear where id = person_id and elder) then
    perform broken('relation_circle');
  end if;
  if exists (
    with mine as (
      select r.person_id, r.other_id, r.type, r.start_date, r.end_date
      from change_item i join relation r on r.person_id = i.subject_id where i.change_id = p_change and i.kind = 'person'
      union all
      select r.other_id, r.person_id, t.inverse, r.start_date, r.end_date
      from change_item i join relation r on r.other_id = i.subject_id join relation_type t on t.code = r.type
      where i.change_id = p_change and i.kind = 'person'
    )
    select from mine a join mine b on b.person_id = a.person_id and b.other_id = a.other_id and b.type > a.type
    where a.type in ('spouse', 'parent', 'child', 'grandparent', 'grandchild', 'sibling')
      and b.type in ('spouse', 'parent', 'child', 'grandparent', 'grandchild', 'sibling')
      and daterange(a.start_date, a.end_date) && daterange(b.start_date, b.end_date)) then
    perform broken('relation_two');
  end if;
end $$;

-- A group is at no time inside itself.
create function check_groups(p_change uuid) returns void language plpgsql as $$
begin
  perform pg_advisory_xact_lock(hashtext('group_record'));
  if exists (
    with recursive inside(id, during) as (
      select i.subject_id, daterange(null, null) from change_item i where i.change_id = p_change and i.kind = 'group'
    ), walk(start, id, during, depth) as (
      select id, id, during, 0 from inside
      union
      select w.start, m.subgroup_id, w.during * daterange(m.start_date, m.end_date), w.depth + 1
      from walk w join group_member m on m.group_id = w.id and m.subgroup_id is not null
      where not isempty(w.during * daterange(m.start_date, m.end_date)) and (w.depth = 0 or w.id <> w.start) and w.depth < 100
    )
    select from walk where depth > 0 and id = start) then
    perform broken('group_cycle');
  end if;
  if exists (
    select from change_item i
    join group_member a on a.group_id = i.subject_id
    join group_member b on b.group_id = a.group_id and b.id > a.id
      and coalesce(b.household_id, b.person_id, b.subgroup_id) = coalesce(a.household_id, a.person_id, a.subgroup_id)
    where i.change_id = p_change and daterange(a.start_date, a.end_date) && daterange(b.start_date, b.end_date)) then
    perform broken('group_member_once');
  end if;
  if exists (
    select from change_item i join group_record g on g.id = i.subject_id left join group_member m on m.group_id = g.id
    where i.change_id = p_change and (m.start_date < g.formed_on or m.start_date > g.status_date or g.status_date < g.formed_on)) then
    perform broken('group_member_early');
  end if;
  if exists ( -- it may be a day later in the country already
    select from change_item i join record_version v on v.change_id = p_change and v.seq = i.seq join group_member m on m.group_id = i.subject_id
    where i.change_id = p_change and m.start_date > (v.recorded_at at time zone 'UTC')::date + 1) then
    perform broken('group_member_future');
  end if;
end $$;

-- A name that somebody gave is not replaced by one that a machine made; a
-- duplicate goes on in a record that is none itself.
create function check_people(p_change uuid) returns void language plpgsql as $$
begin
  if exists (
    select from change_item i
    join record_state v on v.subject_id = i.subject_id and v.version = i.base_version
    cross join unnest('{full_name,full_name_latin}'::text[]) name
    join source now on now.id = coalesce(i.data->'provenance'->>name, i.data->'provenance'->>'*')::uuid and now.kind = 'calculated'
    left join source was on was.id = coalesce(v.data->'provenance'->>name, v.data->'provenance'->>'*')::uuid
    where i.change_id = p_change and i.kind = 'person' and i.base_version > 0
      and v.data ? name and i.data->>name is distinct from v.data->>name and was.kind is distinct from 'calculated') then
    perform broken('name_transliterated');
  end if;
  if exists (
    select from change_item i join person p on p.id = i.subject_id join person m on m.id = p.merged_into
    where i.change_id = p_change and i.kind = 'person' and i.data ? 'merged_into' and m.status = 'duplicate')
  or exists (
    select from change_item i join person p on p.merged_into = i.subject_id
    where i.change_id = p_change and i.kind = 'person' and i.data->>'status' = 'duplicate' and p.status = 'duplicate') then
    perform broken('person_merged');
  end if;
end $$;

-- Brings the status of numbers in line with who claims them, for the numbers
-- given and for nobody else's.
create function settle_claims(p_types text[], p_values text[], p_issuers text[], p_now timestamptz) returns void
language plpgsql as $$
begin
  with claim as (
    select x.ctid as at, x.subject_id, x.status, p.version,
           case when x.live and count(*) filter (where x.live) over (partition by x.type, x.value, x.issuer) > 1
                then 'contested' else x.claimed end as holds
    from (select distinct t.* from unnest(p_types, p_values, p_issuers) t (type, value, issuer)) n
    join identifier x on x.type = n.type and x.value = n.value and x.issuer = n.issuer and x.subject_kind = 'person'
    join person p on p.id = x.subject_id
  ), moved as (
    update identifier x set status = c.holds from claim c where x.ctid = c.at and x.status <> c.holds returning x.subject_id
  )
  insert into outbox (kind, ref, version, created_at)
  select distinct 'contested_identifier', c.subject_id, c.version, p_now
  from claim c where c.holds = 'contested' or c.subject_id in (select subject_id from moved);
  perform pg_notify('daftar_outbox', '');
end $$;

-- Writes the numbers of a change. One that another living person claims is
-- contested from the first moment, on both sides.
create function apply_identifiers(p_change uuid, p_known boolean, p_now timestamptz) returns void language plpgsql as $$
declare
  types text[]; vals text[]; issuers text[]; -- those that this change may set free, then those that it contests
  more_types text[]; more_vals text[]; more_issuers text[];
  unfit boolean;
begin
  if p_known then
    select array_agg(x.type), array_agg(x.value), array_agg(x.issuer) into types, vals, issuers
    from change_item i join identifier x on x.subject_id = i.subject_id and x.status = 'contested'
    where i.change_id = p_change and i.base_version > 0;

    delete from identifier x using change_item i
    where i.change_id = p_change and i.base_version > 0 and x.subject_id = i.subject_id;
  end if;

  -- Who else claims a number is found before the first is written: a look per
  -- number while they are written would wade through those of this change.
  with claim as materialized (
    select * from proposed_identifier where change_id = p_change
  ), clash as materialized (
    select type, value, issuer from claim where live group by type, value, issuer having count(*) > 1
    union
    select c.type, c.value, c.issuer from claim c cross join lateral (
      select from identifier x
      where x.type = c.type and x.value = c.value and x.issuer = c.issuer and x.subject_id <> c.subject_id and x.subject_kind = 'person' and x.live
      limit 1) x
    where c.live
  ), added as (
    insert into identifier (subject_kind, subject_id, type, value, issuer, claimed, status, expires_on, assurance, method, live, provenance)
    select c.kind, c.subject_id, c.type, c.value, c.issuer, c.claimed,
           case when (c.type, c.value, c.issuer) in (select t.type, t.value, t.issuer from clash t) and c.live then 'contested' else c.claimed end,
           c.expires_on, c.assurance, c.method, c.live, c.provenance
    from claim c
    returning type, value, issuer, status, claimed
  )
  select array_agg(a.type) filter (where a.status = 'contested'), array_agg(a.value) filter (where a.status = 'contested'),
         array_agg(a.issuer) filter (where a.status = 'contested'),
         bool_or(exists (select from identifier_type t where t.code = a.type and t.pattern <> '' and a.value !~ ('^(' || t.pattern || ')$')))
           filter (where a.claimed = 'verified')
    into more_types, more_vals, more_issuers, unfit
  from added a;

  if types is not null or more_types is not null then
    perform settle_claims(types || more_types, vals || more_vals, issuers || more_issuers, p_now);
  end if;
  if unfit then
    perform broken('identifier_pattern');
  end if;
end $$;

-- Applies an approved change: every version, record and link, or nothing. No
-- just-in-time compiler: it takes a second to save nothing, misled by the lists
-- in jsonb, whose length the planner cannot know. What no item has is not looked
-- for: each look goes through all of them. Of a large change it tells which step
-- it is at, in notices, for whoever waits.
create function apply_change(p_change uuid, p_now timestamptz) returns void
language plpgsql security definer set search_path = public, pg_temp set jit = off set work_mem = '64MB' as $$
declare
  c change%rowtype;
  has record;
  violated text;
begin
  select ch.* into c from change ch where ch.id = p_change for update;
  if c.state is distinct from 'approved' then
    raise exception 'the change is not approved' using errcode = 'DF001';
  end if;
  if change_hash(p_change) <> c.approved_hash then
    raise exception 'the items are not those that were approved' using errcode = 'DF003';
  end if;
  select count(*) > 5000 as large, coalesce(bool_or(base_version > 0), false) as known, bool_or(kind = 'group') as groups,
         bool_or(data ? 'relations') as relations, bool_or(data ? 'contacts') as contacts, bool_or(data ? 'status') as outcomes
    into has from change_item where change_id = p_change;
  -- A plan that was right for few records while the tables were small is a scan
  -- for each of many.
  if has.large then
    set local plan_cache_mode = force_custom_plan;
  end if;
  -- That a new record is new is kept by the key of record_version.
  if has.known and exists (
    select from change_item i
    where i.change_id = p_change and i.base_version > 0
      and i.base_version <> coalesce((select max(v.version) from record_version v where v.subject_id = i.subject_id), 0)) then
    raise exception 'a record moved on since the proposal' using errcode = 'DF004';
  end if;

  insert into record_version (subject_id, version, change_id, seq, recorded_at)
  select subject_id, base_version + 1, p_change, seq, p_now from change_item where change_id = p_change;
  perform telling(has.large, 'households');

  insert into household (id, ref, version, change_id, area_id, directions, protected, status, status_reason, status_date, tags, fields, provenance)
  select subject_id, ref, 1, p_change, area_id, directions, protected, status, status_reason, status_date, tags, fields, provenance
  from proposed_household where change_id = p_change and base_version = 0;
  if has.known then
    update household h set version = i.base_version + 1, change_id = p_change,
      (area_id, directions, protected, status, status_reason, status_date, tags, fields, provenance)
      = (i.area_id, i.directions, i.protected, i.status, i.status_reason, i.status_date, i.tags, i.fields, i.provenance)
    from proposed_household i where i.change_id = p_change and i.base_version > 0 and h.id = i.subject_id;
  end if;
  perform telling(has.large, 'people');

  insert into person (id, ref, version, change_id, full_name, full_name_latin, family_name, given_name, other_names, sex, birth_from, birth_to,
                      status, status_reason, status_date, merged_into, tags, fields, provenance)
  select subject_id, ref, 1, p_change, full_name, full_name_latin, family_name, given_name, other_names, sex, birth_from, birth_to,
         status, status_reason, status_date, merged_into, tags, fields, provenance
  from proposed_person where change_id = p_change and base_version = 0;
  if has.known then
    update person p set version = i.base_version + 1, change_id = p_change,
      (full_name, full_name_latin, family_name, given_name, other_names, sex, birth_from, birth_to,
       status, status_reason, status_date, merged_into, tags, fields, provenance)
      = (i.full_name, i.full_name_latin, i.family_name, i.given_name, i.other_names, i.sex, i.birth_from, i.birth_to,
         i.status, i.status_reason, i.status_date, i.merged_into, i.tags, i.fields, i.provenance)
    from proposed_person i where i.change_id = p_change and i.base_version > 0 and p.id = i.subject_id;
  end if;
  perform telling(has.large, 'memberships');

  perform apply_memberships(p_change, has.known);

  if has.known then
    delete from relation r using change_item i
    where i.change_id = p_change and i.base_version > 0 and r.person_id = i.subject_id;
    delete from contact x using change_item i
    where i.change_id = p_change and i.base_version > 0 and x.person_id = i.subject_id;
  end if;
  if has.relations then
    insert into relation (id, person_id, type, other_id, start_date, end_date)
    select d.id, i.subject_id, d.type, d.person_id, d.start_date, d.end_date
    from change_item i cross join lateral jsonb_to_recordset(i.data->'relations')
      as d (id uuid, type text, person_id uuid, start_date date, end_date date)
    where i.change_id = p_change and i.kind = 'person' and i.data ? 'relations';
    perform check_relations(p_change);
  end if;
  if has.contacts then
    perform telling(has.large, 'contacts');
    insert into contact (person_id, kind, value, owner, safe, protected)
    select subject_id, e->>'kind', e->>'value', e->>'owner',
           case when e ? 'safe' then array(select jsonb_array_elements_text(e->'safe')) else '{}' end, coalesce((e->>'protected')::boolean, false)
    from (select subject_id, data->'contacts'->generate_series(0, jsonb_array_length(data->'contacts') - 1) as e
          from change_item where change_id = p_change and kind = 'person' and data ? 'contacts') i;
  end if;

  perform telling(has.large, 'identifiers');
  perform apply_identifiers(p_change, has.known, p_now);
  if has.known or has.outcomes then
    perform check_people(p_change);
  end if;
  if has.groups then
    perform apply_groups(p_change);
  end if;

  perform telling(has.large, 'search');
  update change set state = 'applied', applied_at = p_now where id = p_change;
exception
  when unique_violation or check_violation or foreign_key_violation then
    get stacked diagnostics violated = constraint_name;
    if violated in ('record_version_pkey', 'identifier_verified') then
      raise exception 'a record moved on since the proposal' using errcode = 'DF004';
    end if;
    perform broken(case when violated in (
        'membership_usual_residence', 'membership_head', 'membership_payee', 'membership_dates', 'role_dates', 'role_of',
        'relation_self', 'relation_dates', 'group_cycle', 'group_member_once', 'group_member_dates', 'person_outcome', 'person_death', 'household_outcome',
        'group_outcome') then violated else 'record_parts' end);
end $$;

-- Tells the proposer what would be refused when the change is applied: it is
-- applied as if two others had agreed, and taken back whatever comes of it.
create function try_change(p_change uuid, p_now timestamptz) returns void
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  if not exists (select from change where id = p_change and state = 'proposed' and proposed_by = actor()) then
    raise exception 'only a proposal of one''s own is tried' using errcode = 'DF001';
  end if;
  begin
    update change set state = 'approved', approved_at = p_now, approved_by = gen_random_uuid(), approved_hash = change_hash(p_change),
      verified_at = p_now, verified_by = gen_random_uuid()
    where id = p_change;
    perform apply_change(p_change, p_now);
    raise exception 'nothing is wrong' using errcode = 'DF009';
  exception when sqlstate 'DF009' then
    null; -- all of it is undone here
  end;
end $$;

create function telling(p_large boolean, p_step text) returns void language plpgsql as $$
begin
  if p_large then
    raise notice 'applying %', p_step;
  end if;
end $$;

create function apply_groups(p_change uuid) returns void language plpgsql as $$
begin
  insert into group_record (id, ref, version, change_id, type, name, name_latin, area_id, beneficiary, formed_on, status, status_reason, status_date,
                            tags, fields, provenance)
  select i.subject_id, d.ref, i.base_version + 1, p_change, d.type, d.name, d.name_latin, d.area_id, coalesce(d.beneficiary, false), d.formed_on,
         coalesce(d.status, 'active'), d.status_reason, d.status_date, coalesce(d.tags, '{}'), coalesce(d.fields, '{}'), coalesce(d.provenance, '{}')
  from change_item i cross join lateral jsonb_to_record(i.data)
    as d (ref text, type text, name text, name_latin text, area_id uuid, beneficiary boolean, formed_on date, status text, status_reason text,
          status_date date, tags text[], fields jsonb, provenance jsonb)
  where i.change_id = p_change and i.kind = 'group'
  on conflict (id) do update set version = excluded.version, change_id = excluded.change_id, type = excluded.type,
    name = excluded.name, name_latin = excluded.name_latin, area_id = excluded.area_id, beneficiary = excluded.beneficiary,
    formed_on = excluded.formed_on, status = excluded.status, status_reason = excluded.status_reason, status_date = excluded.status_date,
    tags = excluded.tags, fields = excluded.fields, provenance = excluded.provenance;
  delete from group_member m using change_item i
  where i.change_id = p_change and i.kind = 'group' and i.base_version > 0 and m.group_id = i.subject_id;
  insert into group_member (group_id, id, household_id, person_id, subgroup_id, role, start_date, end_date)
  select i.subject_id, d.id, d.household_id, d.person_id, d.group_id, coalesce(d.role, 'member'), d.start_date, d.end_date
  from change_item i cross join lateral jsonb_to_recordset(i.data->'members')
    as d (id uuid, household_id uuid, person_id uuid, group_id uuid, role text, start_date date, end_date date)
  where i.change_id = p_change and i.kind = 'group';
  perform check_groups(p_change);
end $$;
-- +goose StatementEnd
grant execute on function apply_change(uuid, timestamptz) to daftar_staff, daftar_jobs;
grant execute on function try_change(uuid, timestamptz) to daftar_staff;

-- +goose Down
select 1;
