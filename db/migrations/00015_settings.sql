-- +goose Up

-- What a country decides about its registry. Each group of settings is a row of
-- setting; offices, roles at offices and the kinds of numbers are tables of
-- their own. All of it changes by proposals, as records do: no web role writes
-- any of it. hands says how many people a change takes: two where it moves
-- deadlines, rights or what a number means.
create table setting_kind (
  kind  text not null check (kind in ('setting', 'identifier', 'office', 'office_role', 'area_kind', 'field', 'case_kind', 'passkey')),
  key   text not null default '*',
  hands smallint not null check (hands in (1, 2)),
  primary key (kind, key)
);
insert into setting_kind (kind, key, hands) values
  ('setting', 'country', 2),        -- the time zone: when a day of law ends
  ('setting', 'languages', 1),
  ('setting', 'currency', 2),       -- what every stored amount means
  ('setting', 'working_days', 2),   -- every due date
  ('setting', 'clocks', 2),
  ('setting', 'retention', 2),
  ('setting', 'branding', 1),
  ('setting', 'logo', 1),
  ('setting', 'contact', 2),        -- a wrong number leads people to a stranger
  ('setting', 'tags', 1),
  ('identifier', '*', 2),           -- which numbers may count as verified
  ('office', '*', 2),               -- whose records an office answers for
  ('office_role', '*', 2),          -- who may see and decide there
  ('area_kind', '*', 1),
  ('field', '*', 1),                -- as in the editor of fields
  ('case_kind', '*', 2),            -- deadlines, who decides, what is asked for
  ('passkey', '*', 2);              -- taking one away from somebody else
grant select on setting_kind to daftar_staff, daftar_jobs;

alter table setting add column version integer not null default 1;

-- The number moves with every change, so that a process knows whether its copy
-- is current; those that wait are told.
create table setting_state (
  one     boolean primary key default true check (one),
  version bigint not null default 1,
  fields  bigint not null default 1             -- of field_definition
);
insert into setting_state default values;
grant select on setting_state to daftar_citizen, daftar_staff, daftar_issuer, daftar_api, daftar_jobs;

-- +goose StatementBegin
create function setting_moved() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  update setting_state set version = version + 1;
  perform pg_notify('daftar_settings', '');
  return null;
end $$;

-- From a sequence: what a transaction read of its own changes before it was
-- rolled back has a number that never comes again.
create sequence setting_fields start 2;

create function fields_moved() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  update setting_state set fields = nextval('setting_fields');
  return null;
end $$;

-- The groups of settings are written by apply_setting_change alone, which runs
-- as the owner; other rows are notes of commands.
create function setting_guard() returns trigger language plpgsql as $$
begin
  if exists (select from setting_kind k where k.kind = 'setting' and k.key = new.key)
     and current_user <> (select pg_get_userbyid(c.relowner) from pg_class c where c.oid = tg_relid) then
    raise exception 'setting % changes by a proposal', new.key using errcode = '42501';
  end if;
  return new;
end $$;
-- +goose StatementEnd
create trigger setting_moved after insert or update or delete on setting for each statement execute function setting_moved();
create trigger fields_moved after insert or update or delete on field_definition for each statement execute function fields_moved();
create trigger setting_guard before insert or update on setting for each row execute function setting_guard();

alter table identifier_type
  add column version integer not null default 1,
  add column issuers jsonb not null default '[]';  -- [{"code": "north", "name": {...}}], where there is more than one
alter table area_kind add column version integer not null default 1;
revoke insert, update on identifier_type from daftar_jobs;

create table setting_change (
  id           uuid primary key,
  ref          text not null unique,
  origin       text not null check (origin in ('page', 'file')),
  state        text not null default 'draft' check (state in ('draft', 'proposed', 'applied', 'refused', 'withdrawn', 'stale')),
  hands        smallint not null default 2 check (hands in (1, 2)),
  file         text not null default '',         -- its name
  reason       text not null default '',
  reason_lang  text not null default '',
  proposed_at  timestamptz not null,
  proposed_by  uuid not null default actor(),
  decided_at   timestamptz,
  decided_by   uuid,
  note         text not null default '',         -- of whoever refused
  note_lang    text not null default '',
  constraint setting_change_separate_hands check (hands = 1 or decided_by <> proposed_by),
  check (state not in ('applied', 'refused') or decided_by is not null)
);
create index setting_change_open on setting_change (state, proposed_at desc);
grant select, insert (id, ref, origin, file, reason, reason_lang, proposed_at) on setting_change to daftar_staff, daftar_jobs;

create table setting_change_item (
  change_id uuid not null references setting_change,
  seq       integer not null,
  kind      text not null,
  key       text not null,
  base      integer not null check (base >= 0),  -- the version that was seen; 0: nothing
  before    jsonb,
  value     jsonb not null,
  primary key (change_id, seq)
);
grant select, insert on setting_change_item to daftar_staff, daftar_jobs;

-- Items are added by the proposer to a draft: what was looked at is what holds.
-- +goose StatementBegin
create function setting_item_guard() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  perform from setting_change c where c.id = new.change_id for share;
  if not exists (select from setting_change c where c.id = new.change_id and c.state = 'draft' and c.proposed_by = actor()) then
    raise exception 'items belong to a draft of one''s own' using errcode = 'DF001';
  end if;
  if not exists (select from setting_kind k where k.kind = new.kind and k.key in (new.key, '*')) then
    raise exception 'there is no setting % %', new.kind, new.key using errcode = '23514';
  end if;
  return new;
end $$;

-- Hands a draft over. A file takes two people, whatever is in it.
create function send_setting_change(p_id uuid) returns smallint
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  v_hands smallint;
begin
  select case when c.origin = 'file' then 2 else coalesce(max(k.hands), 2) end into v_hands
  from setting_change c
  left join setting_change_item i on i.change_id = c.id
  left join setting_kind k on k.kind = i.kind and k.key in (i.key, '*')
  where c.id = p_id and c.state = 'draft' and c.proposed_by = actor() group by c.origin;
  if v_hands is null then
    raise exception 'only a draft of one''s own can be sent' using errcode = 'DF001';
  end if;
  update setting_change set state = 'proposed', hands = v_hands where id = p_id;
  return v_hands;
end $$;

create function withdraw_setting_change(p_id uuid) returns void
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  update setting_change set state = 'withdrawn' where id = p_id and state in ('draft', 'proposed') and proposed_by = actor();
  if not found then
    raise exception 'only what one proposed oneself can be taken back' using errcode = 'DF001';
  end if;
end $$;

create function refuse_setting_change(p_id uuid, p_note text, p_lang text, p_now timestamptz) returns void
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  if actor() is null or exists (select from setting_change where id = p_id and proposed_by = actor()) then
    raise exception 'who proposed cannot decide' using errcode = 'DF002';
  end if;
  update setting_change set state = 'refused', decided_at = p_now, decided_by = actor(), note = p_note, note_lang = p_lang
  where id = p_id and state = 'proposed';
  if not found then
    raise exception 'the change is not waiting for a decision' using errcode = 'DF001';
  end if;
end $$;

create function stale_setting_change(p_id uuid) returns void
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  update setting_change set state = 'stale' where id = p_id and state = 'proposed';
end $$;

create function apply_office(p_key text, p_base integer, d jsonb) returns void language plpgsql as $$
declare
  v_id uuid;
begin
  if p_base = 0 then
    insert into office (id, code, kind, name) values (gen_random_uuid(), p_key, d->>'kind', d->'name');
  end if;
  update office o set
    parent_id = p.id, kind = d->>'kind', name = d->'name', seat_id = a.id, address = coalesce(d->'address', '{}'),
    phone = coalesce(d->>'phone', ''), opening = coalesce(d->'opening', '{}'), closed = coalesce((d->>'closed')::boolean, false),
    version = p_base + 1
  from (select 1) one
  left join office p on p.code = d->>'parent'
  left join area a on a.code = d->>'seat'
  where o.code = p_key and (p_base = 0 or o.version = p_base)
  returning o.id into v_id;
  if v_id is null or coalesce(d->>'parent', '') <> '' and not exists (select from office where code = d->>'parent')
     or coalesce(d->>'seat', '') <> '' and not exists (select from area where code = d->>'seat') then
    raise exception 'the office moved on' using errcode = 'DF004';
  end if;
  delete from office_area where office_id = v_id;
  insert into office_area (office_id, area_id)
  select v_id, a.id from jsonb_array_elements_text(coalesce(d->'areas', '[]')) c join area a on a.code = c;
end $$;

-- Whether a number fits a pattern; null for a pattern that cannot be read.
create function try_pattern(p_pattern text, p_value text) returns boolean language plpgsql immutable as $$
begin
  return p_value ~ ('^(?:' || p_pattern || ')$');
exception when invalid_regular_expression then
  return null;
end $$;

-- Makes a proposal true: all of it, or nothing.
create function apply_setting_change(p_id uuid, p_now timestamptz) returns void
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  c setting_change%rowtype;
  i setting_change_item%rowtype;
  v_done boolean;
  v_offices boolean := false;
begin
  select x.* into c from setting_change x where x.id = p_id for update;
  if c.state is distinct from 'proposed' then
    raise exception 'the change is not waiting for a decision' using errcode = 'DF001';
  end if;
  if actor() is null or c.hands = 2 and c.proposed_by = actor() then
    raise exception 'who proposed cannot decide' using errcode = 'DF002';
  end if;
  if c.hands = 1 and c.proposed_by <> actor() then
    raise exception 'this is for the proposer alone to finish' using errcode = 'DF001';
  end if;
  perform pg_advisory_xact_lock(hashtext('setting'));
  for i in select * from setting_change_item x where x.change_id = p_id order by x.seq loop
    v_done := true;
    case i.kind
    when 'setting' then
      if i.base = 0 then
        insert into setting (key, value, updated_at) values (i.key, i.value, p_now);
      else
        update setting set value = i.value, updated_at = p_now, version = i.base + 1 where key = i.key and version = i.base;
        v_done := found;
      end if;
    when 'identifier' then
      if i.base = 0 then
        insert into identifier_type (code, name) values (i.key, i.value->'name');
      end if;
      update identifier_type set
        name = i.value->'name', subject = coalesce(i.value->>'subject', 'person'), pattern = coalesce(i.value->>'pattern', ''),
        check_digit = coalesce(i.value->>'check_digit', 'none'), issuers = coalesce(i.value->'issuers', '[]'),
        position = coalesce((i.value->>'position')::integer, 0), version = i.base + 1,
        retired_at = case when (i.value->>'retired')::boolean then coalesce(retired_at, p_now) end
      where code = i.key and (i.base = 0 or version = i.base);
      v_done := found;
      -- A number that counts as verified goes on to be one: else its record could
      -- not be changed any more.
      if exists (select from identifier x join identifier_type t on t.code = x.type
                 where x.type = i.key and x.status = 'verified' and t.pattern <> '' and x.value !~ ('^(?:' || t.pattern || ')$')) then
        raise exception 'verified numbers would fit no more' using errcode = 'DF005', constraint = 'identifier_in_use';
      end if;
    when 'office' then
      perform apply_office(i.key, i.base, i.value);
      v_offices := true;
    when 'office_role' then
      perform not_oneself((i.value->>'staff')::uuid);
      if i.base = 0 then
        insert into office_role (staff_id, role, office_id, valid_from, valid_to)
        select (i.value->>'staff')::uuid, i.value->>'role', o.id, greatest(p_now, (i.value->>'from')::timestamptz), (i.value->>'until')::timestamptz
        from office o where o.code = i.value->>'office' and not o.closed;
      else
        -- One that ended begins again; one that goes on keeps its beginning.
        update office_role r set
          valid_from = case when r.valid_to <= p_now and not coalesce((i.value->>'ended')::boolean, false)
                            then greatest(p_now, (i.value->>'from')::timestamptz) else r.valid_from end,
          valid_to = case when (i.value->>'ended')::boolean then p_now else (i.value->>'until')::timestamptz end, version = i.base + 1
        from office o
        where o.code = i.value->>'office' and r.office_id = o.id and r.staff_id = (i.value->>'staff')::uuid and r.role = i.value->>'role'
          and r.version = i.base;
      end if;
      v_done := found;
    when 'area_kind' then
      if i.base = 0 then
        insert into area_kind (level, code, name) values ((i.value->>'level')::smallint, i.value->>'code', i.value->'name');
      else
        update area_kind set name = i.value->'name', version = i.base + 1
        where level = (i.value->>'level')::smallint and code = i.value->>'code' and version = i.base;
        v_done := found;
      end if;
    when 'staff' then
      perform not_oneself(i.key::uuid);
      v_done := apply_official(i.key::uuid, i.base, i.value, p_now);
    when 'staff_role' then
      perform not_oneself((i.value->>'staff')::uuid);
      v_done := apply_area_role(i.value, p_now);
    when 'passkey' then -- of somebody else; whoever proposed it is not whoever agrees
      update passkey set removed_at = p_now, removed_why = 'office' where id = i.key::uuid and removed_at is null;
      v_done := found;
    when 'case_kind' then -- a version is never changed: cases keep the one that they began with
      insert into case_kind (id, code, version, definition, published_at)
      select gen_random_uuid(), i.key, i.base + 1, i.value, p_now
      where i.base = (select coalesce(max(k.version), 0) from case_kind k where k.code = i.key);
      v_done := found;
    when 'role' then
      v_done := apply_role(i.key, i.base, i.value, p_now);
    when 'field' then
      null; -- published by the caller, as in the editor of fields
    end case;
    if not v_done then
      raise exception 'a setting moved on since the proposal' using errcode = 'DF004';
    end if;
  end loop;
  if v_offices then
    perform refresh_office_scope();
  end if;
  update setting_change set state = 'applied', decided_at = p_now, decided_by = actor() where id = p_id;
  update setting_state set version = version + 1;
  perform pg_notify('daftar_settings', '');
exception when unique_violation or check_violation or foreign_key_violation then
  raise exception 'a setting moved on since the proposal: %', sqlerrm using errcode = 'DF004';
end $$;

-- The offices of an area that ended go on with those that follow it.
create function office_follow() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  insert into office_area (office_id, area_id)
  select distinct o.office_id, s.to_id from new_rows s join office_area o on o.area_id = s.from_id on conflict do nothing;
  delete from office_area o using new_rows s, area a where o.area_id = s.from_id and a.id = s.from_id and a.valid_to is not null;
  update office o set seat_id = s.to_id from new_rows s, area a
  where o.seat_id = s.from_id and s.rest and a.id = s.from_id and a.valid_to is not null;
  if found or exists (select from new_rows s join office_scope o on o.area_id = s.from_id) then
    perform refresh_office_scope();
  end if;
  return null;
end $$;
-- +goose StatementEnd
create trigger setting_item_guard before insert on setting_change_item for each row execute function setting_item_guard();
create trigger office_follow after insert on area_successor
  referencing new table as new_rows for each statement execute function office_follow();
grant execute on function send_setting_change(uuid), withdraw_setting_change(uuid), refuse_setting_change(uuid, text, text, timestamptz),
  stale_setting_change(uuid), apply_setting_change(uuid, timestamptz), try_pattern(text, text) to daftar_staff, daftar_jobs;

-- Fields that hold a place or a photo; questions of one programme or one kind of
-- life event; fields that a credential says.
alter table field_definition
  drop constraint field_definition_type_check,
  add constraint field_definition_type_check
    check (type in ('text', 'number', 'money', 'yes_no', 'date', 'choice', 'choices', 'area', 'file', 'roster', 'calculated')),
  add column form text not null default '' check (form ~ '^[a-z0-9_-]{0,60}$'),   -- a programme, or a kind of event; '': any
  add column claim jsonb not null default '{}',      -- registry.FieldClaim
  add check (form = '' or subject in ('application', 'event')),
  add check (claim = '{}' or subject in ('person', 'household') and roster = '' and type not in ('file', 'roster'));

-- Photos that are answers. The bytes are in the blob store; who may see one is
-- who may see the record or the case that holds its reference.
create table file (
  id          uuid primary key,
  ref         text not null unique,
  media_type  text not null,
  size        integer not null,
  width       integer not null,
  height      integer not null,
  sha256      bytea not null,
  blob        text not null,
  uploaded_at timestamptz not null,
  uploaded_by uuid not null default actor()
);
grant select, insert (id, ref, media_type, size, width, height, sha256, blob, uploaded_at) on file to daftar_citizen, daftar_staff;
grant select on file to daftar_jobs;

-- A photo may back any answer that a definition asks evidence for.
alter table evidence drop constraint evidence_kind_check, add constraint evidence_kind_check check (kind ~ '^[a-z][a-z0-9_]{0,40}$');

-- The claims of each credential type, by version: what was issued under one is
-- described by it for good. Version 1 of a type is the program's own.
create table credential_version (
  type         text not null,
  version      integer not null check (version > 1),
  claims       jsonb not null,                   -- credentials.DefinedClaim, in order
  published_at timestamptz not null,
  primary key (type, version)
);
grant select on credential_version to daftar_citizen, daftar_staff, daftar_issuer, daftar_jobs;
grant insert on credential_version to daftar_staff, daftar_jobs;

-- The calendar day of an instant where the offices are: days of law end there.
-- +goose StatementBegin
create function local_day(p_at timestamptz) returns date
language sql stable security definer set search_path = public, pg_temp as $$
  select (p_at at time zone coalesce((select nullif(value->>'time_zone', '') from setting where key = 'country'), 'UTC'))::date
$$;
-- +goose StatementEnd
grant execute on function local_day(timestamptz) to daftar_citizen, daftar_staff, daftar_jobs;

-- +goose Down
select 1;
