-- +goose Up

-- Areas of the country. l0 to l5 repeat the ancestors at each level (and the
-- area itself at its own), so that everything inside an area is one equality.
create table area (
  id         uuid primary key,
  code       text not null unique,           -- P-code
  level      smallint not null check (level between 0 and 5),
  kind       text not null,                  -- country, region, district, ...
  parent_id  uuid references area,
  name       jsonb not null,                 -- {"en": "...", "ar": "..."}
  l0 uuid not null references area deferrable initially deferred,
  l1 uuid references area deferrable initially deferred,
  l2 uuid references area deferrable initially deferred,
  l3 uuid references area deferrable initially deferred,
  l4 uuid references area deferrable initially deferred,
  l5 uuid references area deferrable initially deferred,
  valid_from date,
  valid_to   date,
  check ((level = 0) = (parent_id is null))
);
create index area_parent on area (parent_id, code);
grant select on area to daftar_citizen, daftar_staff, daftar_issuer, daftar_api, daftar_jobs;
grant insert, update on area to daftar_jobs;

-- +goose StatementBegin
create function area_ancestors() returns trigger language plpgsql as $$
declare
  p area%rowtype;
begin
  -- Its areas repeat its ancestors: one with areas inside stays where it is, and
  -- so none can come to lie inside itself.
  if tg_op = 'UPDATE' and (new.parent_id is distinct from old.parent_id or new.level <> old.level)
     and (new.parent_id = new.id or exists (select from area a where a.parent_id = new.id)) then
    raise exception 'area % cannot move', new.code using errcode = '23514';
  end if;
  new.l0 := null; new.l1 := null; new.l2 := null; new.l3 := null; new.l4 := null; new.l5 := null;
  if new.parent_id is null then
    new.l0 := new.id;
    return new;
  end if;
  select a.* into p from area a where a.id = new.parent_id;
  if p.level is null or new.level <> p.level + 1 then
    raise exception 'area % must be one level below its parent', new.code using errcode = '23514';
  end if;
  new.l0 := p.l0; new.l1 := p.l1; new.l2 := p.l2; new.l3 := p.l3; new.l4 := p.l4; new.l5 := p.l5;
  case new.level
    when 1 then new.l1 := new.id;
    when 2 then new.l2 := new.id;
    when 3 then new.l3 := new.id;
    when 4 then new.l4 := new.id;
    when 5 then new.l5 := new.id;
  end case;
  return new;
end $$;
-- +goose StatementEnd
create trigger area_ancestors before insert or update on area
  for each row execute function area_ancestors();

-- One versioned definition drives every form, check, import and claim.
create table field_definition (
  id           uuid primary key,
  subject      text not null check (subject in ('person', 'household')),
  code         text not null check (code ~ '^[a-z][a-z0-9_]{0,40}$'),
  version      integer not null check (version > 0),
  type         text not null check (type in ('text', 'number', 'money', 'yes_no', 'date', 'choice', 'choices')),
  label        jsonb not null,
  question     jsonb not null default '{}',   -- what the citizen is asked; the label when empty
  help         jsonb not null default '{}',
  unit         jsonb not null default '{}',
  options      jsonb not null default '[]',   -- [{"code": "1", "label": {...}}]
  rules        jsonb not null default '{}',   -- {"min":, "max":, "max_length":, "decimals":}
  sensitivity  text not null default 'personal' check (sensitivity in ('ordinary', 'personal', 'sensitive')),
  asked        boolean not null default false, -- part of the registration form
  section      text not null default 'other',
  position     integer not null default 0,
  published_at timestamptz,
  retired_at   timestamptz,
  unique (subject, code, version)
);
grant select on field_definition to daftar_citizen, daftar_staff, daftar_issuer, daftar_api, daftar_jobs;
grant insert, update on field_definition to daftar_jobs;

-- Where values come from. A record's provenance maps each value to a source;
-- "*" stands for every value that is not named.
create table source (
  id      uuid primary key,
  kind    text not null check (kind in ('self_declared', 'counter', 'national_id', 'document', 'import', 'civil_registry', 'calculated', 'office')),
  at      timestamptz not null,               -- when the information was given
  case_id uuid,
  label   text not null default '',           -- file name of an import
  by_kind text not null default actor_kind(),
  by      uuid default actor()
);
grant select on source to daftar_citizen, daftar_staff, daftar_api, daftar_jobs;
grant insert (id, kind, at, case_id, label) on source to daftar_citizen, daftar_staff, daftar_jobs;

-- A proposed, approved and applied change of records. Its items are what is
-- approved and exactly what is applied, with what follows from them by a rule.
create table change (
  id            uuid primary key,
  origin        text not null check (origin in ('case', 'batch', 'event')),
  state         text not null default 'proposed'
                check (state in ('proposed', 'verified', 'approved', 'applied', 'refused', 'superseded')),
  proposed_at   timestamptz not null,
  proposed_by   uuid not null default actor(),
  verified_at   timestamptz,
  verified_by   uuid,
  approved_at   timestamptz,
  approved_by   uuid,
  approved_hash bytea,
  sealed_hash   bytea,                                       -- of a proposal that is complete; null: it is taken when somebody approves
  applied_at    timestamptz,
  constraint change_separate_hands check (approved_by <> proposed_by and approved_by <> verified_by and verified_by <> proposed_by),
  constraint change_complete check (
    (state not in ('approved', 'applied') or (approved_by is not null and approved_hash is not null))
    and (state <> 'applied' or applied_at is not null)
    and (origin <> 'case' or state not in ('approved', 'applied') or verified_by is not null))
);
grant select on change to daftar_citizen, daftar_staff, daftar_jobs;
grant insert (id, origin, proposed_at) on change to daftar_citizen, daftar_staff, daftar_jobs;

-- A batch needs no verifier, so what people ask for at a site cannot be one.
-- +goose StatementBegin
create function change_guard() returns trigger language plpgsql as $$
begin
  if new.origin <> 'case' and session_user in ('daftar_citizen', 'daftar_staff') then
    raise exception 'role % proposes in a case only', session_user using errcode = '42501';
  end if;
  return new;
end $$;
-- +goose StatementEnd
create trigger change_guard before insert on change for each row execute function change_guard();

create table change_item (
  change_id    uuid not null,                                -- change_item_guard checks it, once per statement
  seq          integer not null,
  kind         text not null check (kind in ('household', 'person', 'group')),
  subject_id   uuid not null,
  base_version integer not null check (base_version >= 0),  -- 0: a new record
  nature       text not null default 'event' check (nature in ('correction', 'event')),  -- the record was wrong; the world moved
  reason       text not null default '' check (length(reason) <= 40 and translate(reason, 'abcdefghijklmnopqrstuvwxyz0123456789_', '') = ''), -- a code of registry.ChangeReasons
  effective_on date,                                         -- since when it is so in the world; null: since it was recorded
  data         jsonb not null,                               -- the whole next state
  follows      boolean not null default false,               -- nobody proposed it: apply_change added it, by follow_homes
  -- Of all of the item, made when it is written. The cast reads a backslash as
  -- the start of something, hence two of them; it is the one way from text to
  -- bytes that PostgreSQL takes as immutable.
  digest       bytea not null generated always as (sha256(replace(
    kind || ' ' || subject_id::text || ' ' || base_version::text || ' ' || nature || ' ' || reason || ' '
    || coalesce(effective_on - date '2000-01-01', 0)::text || ' ' || data::text, '\', '\\')::bytea)) stored,
  primary key (change_id, seq)
);
grant select, insert (change_id, seq, kind, subject_id, base_version, nature, reason, effective_on, data) on change_item
  to daftar_citizen, daftar_staff, daftar_jobs;

-- Every state a record has had: which item of which change it was. The view
-- record_state adds the data. apply_change alone writes here and below.
create table record_version (
  subject_id  uuid not null,
  version     integer not null check (version > 0),
  change_id   uuid not null,
  seq         integer not null,
  recorded_at timestamptz not null,
  primary key (subject_id, version)
);
grant select on record_version to daftar_citizen, daftar_staff, daftar_issuer, daftar_jobs;

create table household (
  id         uuid primary key,
  ref        text not null unique,
  version    integer not null,
  change_id  uuid not null,                   -- as in record_version
  area_id    uuid not null,                   -- household_area_there checks it, once per statement
  directions text not null default '',
  protected  boolean not null default false,  -- where they live is told to nobody (RULES R5)
  status     text not null default 'active' check (status in ('active', 'ended')),
  status_reason text,
  status_date   date,
  tags       text[] not null default '{}',
  fields     jsonb not null default '{}',
  provenance jsonb not null default '{}',
  constraint household_outcome check ((status = 'active') = (status_reason is null and status_date is null))
);
create index household_area on household (area_id, id);
-- +goose StatementBegin
create function household_area_there() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  if exists (select from (select distinct area_id from written) w where not exists (select from area a where a.id = w.area_id)) then
    raise exception 'a household lies in no area' using errcode = '23503', constraint = 'household_area_there';
  end if;
  return null;
end $$;
-- +goose StatementEnd
create trigger household_area_added after insert on household referencing new table as written for each statement execute function household_area_there();
create trigger household_area_moved after update on household referencing new table as written for each statement execute function household_area_there();
grant select on household to daftar_citizen, daftar_staff, daftar_issuer, daftar_api, daftar_jobs;

create table person (
  id             uuid primary key,
  ref            text not null unique,
  version        integer not null,
  change_id      uuid not null,
  full_name      text,                                        -- null: not known
  full_name_latin text,                                       -- as the person writes it
  family_name    text,                                        -- parts are optional: the full name is the name
  given_name     text,
  other_names    text,
  sex            text not null default 'unknown' check (sex in ('female', 'male', 'other', 'unknown')),
  birth_from     date,                                        -- earliest and latest possible day of birth;
  birth_to       date,                                        -- both null: not known
  status         text not null default 'active' check (status in ('active', 'deceased', 'emigrated', 'duplicate', 'error', 'left')),
  status_reason  text,                                        -- a code of registry.Outcomes
  status_date    date,
  merged_into    uuid references person,                      -- the record that goes on in place of a duplicate
  tags           text[] not null default '{}',
  fields         jsonb not null default '{}',
  provenance     jsonb not null default '{}',
  constraint person_outcome check (
    (status = 'active') = (status_reason is null and status_date is null)
    and (status = 'duplicate') = (merged_into is not null) and merged_into <> id),
  constraint person_death check (status <> 'deceased' or status_date >= birth_from),
  check ((birth_from is null) = (birth_to is null) and birth_from <= birth_to)
);
create index person_name on person using gin (full_name gin_trgm_ops);
grant select on person to daftar_citizen, daftar_staff, daftar_issuer, daftar_api, daftar_jobs;

-- Who lives where, and who has which number: the parts of the records' data
-- that other rows point at or are found by. apply_change writes them from it.
create table membership (
  id           uuid not null,
  household_id uuid not null,                                 -- apply_memberships checks it, once per statement
  person_id    uuid not null,                                 -- apply_change writes both in one go
  tie          text not null default 'usual'                  -- where somebody usually lives, or another bond with a household
               check (tie in ('usual', 'absent', 'second_union', 'shared_custody', 'other')),
  relationship text not null,                                 -- to the head; 'head' is a role without rights
  start_date   date,                                          -- null: not known
  end_date     date,                                          -- the first day on which it is no longer so
  end_reason   text,                                          -- a code of registry.EndReasons
  primary key (person_id, id),
  constraint membership_dates check (end_date >= start_date)
);
create unique index membership_usual_residence on membership (person_id) where end_date is null and tie = 'usual';
create unique index membership_head on membership (household_id) where end_date is null and relationship = 'head';
create index membership_household on membership (household_id);
grant select on membership to daftar_citizen, daftar_staff, daftar_issuer, daftar_api, daftar_jobs;

create table identifier (
  subject_kind text not null check (subject_kind in ('person', 'household', 'group')),
  subject_id   uuid not null,
  type         text not null,                                 -- national_id, survey_household, ...
  value        text not null,                                 -- normalised
  issuer       text not null default '',                      -- where a type has more than one
  claimed      text not null default 'unverified' check (claimed in ('verified', 'unverified', 'ended')),  -- what the record says
  status       text not null default 'unverified'             -- and what holds: two living people claim it (RULES R14)
               check (status = claimed or status = 'contested' and claimed <> 'ended'),
  expires_on   date,
  assurance    text check (assurance in ('high', 'substantial', 'low')),
  method       text,                                          -- a code of registry.VerificationMethods
  live         boolean not null default true,                 -- of somebody who lives, and not ended
  provenance   jsonb not null default '{}',
  primary key (subject_id, type, value, issuer)
);
create index identifier_value on identifier (type, value);
-- No number counts as verified for two living people, not even for two changes
-- at once.
create unique index identifier_verified on identifier (type, value, issuer) where status = 'verified' and live and subject_kind = 'person';
grant select on identifier to daftar_citizen, daftar_staff, daftar_api, daftar_jobs;

-- +goose StatementBegin
create function change_hash(p_change uuid) returns bytea language sql stable
set search_path = public, pg_temp as $$
  select sha256(coalesce(string_agg(digest, ''::bytea), ''::bytea))
  from (select digest from change_item where change_id = p_change and not follows order by seq offset 0) i
$$;
-- +goose StatementEnd
grant execute on function change_hash(uuid) to daftar_citizen, daftar_staff, daftar_jobs;

-- Items are added by the proposer, before anyone has looked at them: the lock
-- holds up whoever verifies or approves until they are all there to be seen.
-- +goose StatementBegin
create function change_item_guard() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  changes uuid[] := array(select distinct change_id from new_items where not follows); -- no web role may write what follows
begin
  perform from change c where c.id = any(changes) for share;
  if exists (select from unnest(changes) i (id) left join change c on c.id = i.id
             where c.state is distinct from 'proposed' or c.proposed_by is distinct from actor() or c.sealed_hash is not null) then
    raise exception 'items belong to a proposal of one''s own' using errcode = 'DF001';
  end if;
  return null;
end $$;
-- +goose StatementEnd
create trigger change_item_guard after insert on change_item
  referencing new table as new_items for each statement execute function change_item_guard();

-- The steps of a change. They run as the owner: web roles have no other way to
-- move a change or to write a record. Who acts is the transaction's principal.
-- +goose StatementBegin
create function verify_change(p_change uuid, p_now timestamptz) returns void
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  if exists (select from change where id = p_change and proposed_by = actor()) or actor() is null then
    raise exception 'who proposed cannot verify' using errcode = 'DF002';
  end if;
  update change set state = 'verified', verified_at = p_now, verified_by = actor()
  where id = p_change and state = 'proposed';
  if not found then
    raise exception 'the change is not waiting to be verified' using errcode = 'DF001';
  end if;
end $$;

-- Says that all items of one's own proposal are there. What is approved later is
-- what was sealed, however many they are.
create function seal_change(p_change uuid) returns void
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  perform from change c where c.id = p_change for update;
  update change set sealed_hash = change_hash(p_change)
  where id = p_change and state = 'proposed' and proposed_by = actor() and sealed_hash is null;
  if not found then
    raise exception 'only a proposal of one''s own is sealed, once' using errcode = 'DF001';
  end if;
end $$;

create function approve_change(p_change uuid, p_now timestamptz) returns void
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  if exists (select from change where id = p_change and actor() in (proposed_by, verified_by)) or actor() is null then
    raise exception 'who proposed or verified cannot approve' using errcode = 'DF002';
  end if;
  update change set state = 'approved', approved_at = p_now, approved_by = actor(), approved_hash = coalesce(sealed_hash, change_hash(p_change))
  where id = p_change and (state = 'verified' or (state = 'proposed' and origin <> 'case'));
  if not found then
    raise exception 'the change is not waiting for approval' using errcode = 'DF001';
  end if;
end $$;

create function refuse_change(p_change uuid) returns void
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  if exists (select from change where id = p_change and actor() in (proposed_by, verified_by)) or actor() is null then
    raise exception 'who proposed or verified cannot refuse' using errcode = 'DF002';
  end if;
  update change set state = 'refused' where id = p_change and state in ('proposed', 'verified');
  if not found then
    raise exception 'the change is not waiting for a decision' using errcode = 'DF001';
  end if;
end $$;

create function supersede_change(p_change uuid) returns void
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  update change set state = 'superseded'
  where id = p_change and state in ('proposed', 'verified')
    and (proposed_by = actor() or actor_kind() in ('staff', 'job')
         or exists (select from case_file f where f.change_id = p_change and f.account_id = actor()));
  if not found then
    raise exception 'only the proposer, the applicant or the office may take back a proposal' using errcode = 'DF001';
  end if;
end $$;

-- Sends a checked proposal back to be checked again.
create function return_change(p_change uuid) returns void
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  if exists (select from change where id = p_change and actor() in (proposed_by, verified_by)) or actor() is null then
    raise exception 'who proposed or verified cannot return' using errcode = 'DF002';
  end if;
  update change set state = 'proposed', verified_by = null, verified_at = null where id = p_change and state = 'verified';
  if not found then
    raise exception 'the change was not verified' using errcode = 'DF001';
  end if;
end $$;
-- +goose StatementEnd
grant execute on function seal_change(uuid) to daftar_jobs;
grant execute on function verify_change(uuid, timestamptz), approve_change(uuid, timestamptz),
  refuse_change(uuid), return_change(uuid) to daftar_staff, daftar_jobs;
grant execute on function supersede_change(uuid) to daftar_citizen, daftar_staff, daftar_jobs;

insert into outbox_kind (kind, role) values
  ('assess_household', 'daftar_staff'), ('assess_household', 'daftar_jobs');

-- +goose Down
select 1;
