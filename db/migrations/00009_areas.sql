-- +goose Up

-- What areas are called by their kind, per level: a region and a free city may
-- both be at level 1.
create table area_kind (
  level smallint not null check (level between 0 and 5),
  code  text not null check (code ~ '^[a-z][a-z0-9_]{0,39}$'),
  name  jsonb not null,                        -- {"en": "Region", "ar": "..."}
  primary key (level, code)
);
grant select on area_kind to daftar_citizen, daftar_staff, daftar_issuer, daftar_api, daftar_jobs;
grant insert, update on area_kind to daftar_jobs;

-- Names as they are searched: without case, accents, vowel signs and the
-- spellings of one Arabic letter.
-- +goose StatementBegin
create function area_fold(text) returns text language sql stable parallel safe as $$
  select lower(translate(regexp_replace(public.unaccent(normalize($1, NFKC)), '[\u064B-\u065F\u0670\u0640]', '', 'g'), 'أإآٱىةؤئ', 'اااايهوي'))
$$;
-- +goose StatementEnd
grant execute on function area_fold(text) to daftar_citizen, daftar_staff, daftar_api, daftar_jobs;

alter table area
  add column version     integer not null default 1,
  add column alternative text[] not null default '{}',   -- other names, earlier ones among them
  add column km2         numeric check (km2 >= 0),
  add column search      text not null default '';       -- every name, folded, one a line
alter table area add foreign key (level, kind) references area_kind (level, code);
create index area_search on area using gin (search gin_trgm_ops);
-- Everything inside an area, at any level, without walking the tree.
create index area_l0 on area (l0, level);
create index area_l1 on area (l1) where l1 is not null;
create index area_l2 on area (l2) where l2 is not null;
create index area_l3 on area (l3) where l3 is not null;
create index area_l4 on area (l4) where l4 is not null;

-- +goose StatementBegin
create or replace function area_ancestors() returns trigger language plpgsql as $$
declare
  p area%rowtype;
begin
  -- Its areas repeat its ancestors: one with areas inside stays where it is, and
  -- so none can come to lie inside itself. apply_area_change, which runs as the
  -- owner, may move one: it keeps the level and then the areas inside follow.
  if tg_op = 'UPDATE' and (new.parent_id is distinct from old.parent_id or new.level <> old.level)
     and (new.parent_id = new.id or exists (select from area a where a.parent_id = new.id))
     and (new.level <> old.level or current_user <> (select pg_get_userbyid(c.relowner) from pg_class c where c.oid = tg_relid)) then
    raise exception 'area % cannot move', new.code using errcode = '23514';
  end if;
  if tg_op = 'INSERT' then
    if not exists (select from area_kind k where k.level = new.level and k.code = new.kind) then
      insert into area_kind (level, code, name)
      values (new.level, new.kind, jsonb_build_object('en', initcap(replace(new.kind, '_', ' ')))) on conflict do nothing;
    end if;
  elsif (new.code, new.kind, new.parent_id, new.name, new.alternative, new.km2, new.valid_from, new.valid_to)
        is distinct from (old.code, old.kind, old.parent_id, old.name, old.alternative, old.km2, old.valid_from, old.valid_to) then
    new.version := old.version + 1;
  end if;
  if tg_op = 'INSERT' or (new.code, new.name, new.alternative) is distinct from (old.code, old.name, old.alternative) then
    new.search := area_fold(new.code || E'\n' || coalesce((select string_agg(n.value, E'\n') from jsonb_each_text(new.name) n), '')
                            || E'\n' || array_to_string(new.alternative, E'\n'));
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

-- Where the records of an area went: by a merge or a split. One of the areas
-- that follow takes whatever nobody assigned.
create table area_successor (
  from_id   uuid not null references area,
  to_id     uuid not null references area,
  on_day    date not null,
  rest      boolean not null,
  answers   boolean not null default false,    -- it also takes what answers name: nobody has to say which part they mean
  change_id uuid not null,
  primary key (from_id, to_id, on_day),
  check (from_id <> to_id)
);
grant select on area_successor to daftar_citizen, daftar_staff, daftar_issuer, daftar_api, daftar_jobs;

-- Outlines, as well-known binary in degrees of longitude and latitude.
create table area_boundary (
  area_id   uuid primary key references area,
  geometry  bytea not null,
  change_id uuid not null
);
grant select on area_boundary to daftar_citizen, daftar_staff, daftar_api, daftar_jobs;

-- A proposed change of areas: an import, a merge, a split, a correction,
-- outlines. Nothing of it is true before somebody else approved it.
create table area_change (
  id           uuid primary key,
  ref          text not null unique,
  kind         text not null check (kind in ('import', 'merge', 'split', 'edit', 'boundaries', 'add', 'move', 'end')),
  state        text not null default 'draft'
               check (state in ('draft', 'proposed', 'approved', 'applied', 'refused', 'withdrawn', 'stale')),
  on_day       date not null,                  -- since when it is so
  reason       text not null default '',
  reason_lang  text not null default '',
  files        text[] not null default '{}',
  digest       bytea,
  counts       jsonb not null default '{}',    -- areas.Counts
  answers      boolean not null default true,  -- answers that name an area follow with the rest of it
  proposed_at  timestamptz not null,
  proposed_by  uuid not null default actor(),
  decided_at   timestamptz,
  decided_by   uuid,
  note         text not null default '',       -- of whoever refused
  note_lang    text not null default '',
  applied_at   timestamptz,
  failure      text not null default '',       -- why an approved one could not be carried out: a message
  change_id    uuid references change,         -- of the households that went along
  constraint area_change_separate_hands check (decided_by <> proposed_by),
  check (state not in ('approved', 'applied', 'refused') or decided_by is not null)
);
create index area_change_open on area_change (state, proposed_at desc);
grant select, insert (id, ref, kind, on_day, reason, reason_lang, files, digest, counts, answers, proposed_at) on area_change to daftar_staff, daftar_jobs;

create table area_change_item (
  change_id   uuid not null references area_change,
  seq         integer not null,
  area_id     uuid not null,                   -- a new area has its identity from here on
  what        text[] not null,                 -- new, renamed, moved, changed, retired, restored, kept
  version     integer not null check (version >= 0),  -- the area as it was seen; 0: a new one
  code        text not null,
  level       smallint not null,
  kind        text not null,
  parent_id   uuid,
  parent_code text,
  name        jsonb not null,
  alternative text[] not null default '{}',
  km2         numeric,
  valid_from  date,
  valid_to    date,
  before      jsonb not null default '{}',     -- what was different
  rest_to     uuid,                            -- where records go that nobody assigned
  scope       uuid[] not null,                 -- areas that one must answer for to propose or approve this
  geometry    bytea,
  primary key (change_id, seq)
);
create index area_change_item_area on area_change_item (area_id);
grant select, insert on area_change_item to daftar_staff, daftar_jobs;

-- Records assigned to a part of a split area, one by one.
create table area_change_move (
  change_id uuid not null references area_change,
  record_id uuid not null,                     -- a household or a group
  area_id   uuid not null,
  primary key (change_id, record_id)
);
grant select, insert on area_change_move to daftar_staff, daftar_jobs;

-- Items are added by the proposer while the change is a draft: what is sent for
-- approval stays what it is.
-- +goose StatementBegin
create function area_change_guard() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  perform from area_change c where c.id in (select change_id from new_items) for share;
  if exists (select from new_items i left join area_change c on c.id = i.change_id
             where c.state is distinct from 'draft' or c.proposed_by is distinct from actor()) then
    raise exception 'items belong to a draft of one''s own' using errcode = 'DF001';
  end if;
  return null;
end $$;
-- +goose StatementEnd
create trigger area_change_guard after insert on area_change_item
  referencing new table as new_items for each statement execute function area_change_guard();
create trigger area_change_guard after insert on area_change_move
  referencing new table as new_items for each statement execute function area_change_guard();

-- The steps, as those of a change of records.
-- +goose StatementBegin
create function send_area_change(p_id uuid) returns void
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  update area_change set state = 'proposed' where id = p_id and state = 'draft' and proposed_by = actor();
  if not found then
    raise exception 'only a draft of one''s own can be sent' using errcode = 'DF001';
  end if;
end $$;

create function withdraw_area_change(p_id uuid) returns void
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  update area_change set state = 'withdrawn' where id = p_id and state in ('draft', 'proposed') and proposed_by = actor();
  if not found then
    raise exception 'only what one proposed oneself can be taken back' using errcode = 'DF001';
  end if;
end $$;

create function decide_area_change(p_id uuid, p_approve boolean, p_note text, p_lang text, p_now timestamptz) returns void
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  if actor() is null or exists (select from area_change where id = p_id and proposed_by = actor()) then
    raise exception 'who proposed cannot decide' using errcode = 'DF002';
  end if;
  update area_change set state = case when p_approve then 'approved' else 'refused' end,
    decided_at = p_now, decided_by = actor(), note = p_note, note_lang = p_lang
  where id = p_id and state = 'proposed';
  if not found then
    raise exception 'the change is not waiting for a decision' using errcode = 'DF001';
  end if;
end $$;

-- The P-codes that the answers of a record name, each with where: "<field>" or
-- "<roster>.<column>".
create function area_answers(p_subject text, p_fields jsonb) returns table (field text, code text)
language plpgsql stable set search_path = public, pg_temp as $$
begin
  return query
  with f as (
    select distinct d.roster as list, d.code as name from field_definition d where d.subject = p_subject and d.type = 'area' and d.published_at is not null
  )
  select f.name, p_fields->>f.name from f where f.list = '' and p_fields ? f.name
  union
  select f.list || '.' || f.name, r->>f.name
  from f cross join lateral jsonb_array_elements(case jsonb_typeof(p_fields->f.list) when 'array' then p_fields->f.list else '[]' end) r
  where f.list <> '' and r ? f.name;
end $$;

-- Answers with other codes of areas in them, as p_codes says: {"old": "new"}.
-- p_prefix stands before the names of fields where they are answers of a case.
create function answers_following(p_subject text, p_fields jsonb, p_codes jsonb, p_prefix text) returns jsonb
language plpgsql stable set search_path = public, pg_temp as $$
declare
  f record;
  v jsonb := p_fields;
begin
  for f in
    select distinct p_prefix || coalesce(nullif(d.roster, ''), d.code) as name, case when d.roster <> '' then d.code end as col
    from field_definition d where d.subject = p_subject and d.type = 'area' and d.published_at is not null
  loop
    if f.col is null and p_codes ? (v->>f.name) then
      v := jsonb_set(v, array[f.name], p_codes->(v->>f.name));
    elsif f.col is not null and jsonb_typeof(v->f.name) = 'array' then
      v := jsonb_set(v, array[f.name], coalesce((
        select jsonb_agg(case when p_codes ? (r->>f.col) then jsonb_set(r, array[f.col], p_codes->(r->>f.col)) else r end order by n)
        from jsonb_array_elements(v->f.name) with ordinality x (r, n)), '[]'));
    end if;
  end loop;
  return v;
end $$;

-- A text that holds any of the codes as a JSON string matches it.
create function codes_pattern(p_codes text[]) returns text language sql immutable as $$
  select '"(' || string_agg(replace(c, '.', '\.'), '|') || ')"' from unnest(p_codes) c
$$;

-- The records whose answers may name one of the areas: all of them, or those that
-- changed since a moment. Where no field asks for a place, none.
create function records_naming(p_codes text[], p_since timestamptz) returns table (kind text, id uuid, fields jsonb)
language plpgsql stable set search_path = public, pg_temp as $$
declare
  v_pattern text := codes_pattern(p_codes);
  v_kinds text[] := array(select distinct d.subject from field_definition d where d.type = 'area' and d.published_at is not null);
begin
  if p_since is null and 'person' = any (v_kinds) then
    return query select 'person', p.id, p.fields from person p where p.fields::text ~ v_pattern;
  end if;
  if p_since is null and 'household' = any (v_kinds) then
    return query select 'household', h.id, h.fields from household h where h.fields::text ~ v_pattern;
  end if;
  if p_since is not null and v_kinds <> '{}' then
    return query
    select distinct on (i.subject_id) i.kind, i.subject_id, coalesce(p.fields, h.fields)
    from change c join change_item i on i.change_id = c.id and (i.data->'fields')::text ~ v_pattern
    left join person p on p.id = i.subject_id left join household h on h.id = i.subject_id
    where c.state = 'applied' and c.applied_at > p_since and i.kind = any (v_kinds);
  end if;
end $$;

-- Moves records to other areas, and answers with them, as a change of records
-- like any: the new states, proposed by one, approved by another. Each of p_ids, a
-- household or a group, goes to the area at its place in p_areas; whatever answer
-- names an area of p_codes ({"old": "new"}) names the other, in every record or
-- in those that changed since p_since. p_change and p_source are new identities.
-- Returns how many records there were.
create function move_records(p_ids uuid[], p_areas uuid[], p_codes jsonb, p_since timestamptz, p_proposer uuid, p_approver uuid,
  p_label text, p_change uuid, p_source uuid, p_now timestamptz) returns integer
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  v_actor text := current_setting('daftar.actor', true);
  v_ids uuid[];
  v_moved integer;
begin
  v_ids := p_ids || array(
    select n.id from records_naming(array(select jsonb_object_keys(p_codes)), p_since) n
    where answers_following(n.kind, n.fields, p_codes, '') <> n.fields);
  if cardinality(v_ids) = 0 then
    return 0;
  end if;
  perform set_config('daftar.actor', p_proposer::text, true);
  insert into source (id, kind, at, label) values (p_source, 'calculated', p_now, p_label);
  insert into change (id, origin, proposed_at) values (p_change, 'batch', p_now);
  insert into change_item (change_id, seq, kind, subject_id, base_version, reason, data)
  select p_change, row_number() over (order by n.kind, n.id), n.kind, n.id, n.version, 'areas',
         n.data || jsonb_strip_nulls(jsonb_build_object('area_id', n.to_id)) || case when n.data ? 'fields' then jsonb_build_object('fields', n.fields) else '{}' end
         || jsonb_build_object('provenance', coalesce(n.data->'provenance', '{}')
            || case when n.to_id is null then '{}' else jsonb_build_object('area', p_source) end
            || coalesce((select jsonb_object_agg(x.key, p_source) from jsonb_each(n.fields) x where x.value is distinct from n.data->'fields'->x.key), '{}'))
  from (
    select i.kind, r.id, r.version, m.area_id as to_id, i.data, answers_following(i.kind, coalesce(i.data->'fields', '{}'), p_codes, '') as fields
    from (select id, version, change_id from household where id = any (v_ids)
          union all select id, version, change_id from group_record where id = any (v_ids)
          union all select id, version, change_id from person where id = any (v_ids)) r
    join change_item i on i.change_id = r.change_id and i.subject_id = r.id
    left join unnest(p_ids, p_areas) m (id, area_id) on m.id = r.id) n;
  get diagnostics v_moved = row_count;
  perform set_config('daftar.actor', p_approver::text, true);
  perform approve_change(p_change, p_now);
  perform apply_change(p_change, p_now);
  perform set_config('daftar.actor', coalesce(v_actor, ''), true);
  return v_moved;
end $$;

-- What somebody has told of so far, with other codes of areas in it. The place
-- where they live is not among it: whoever chose one that ended is asked again
-- where it is not clear which is meant.
create function draft_following(p_draft jsonb, p_codes jsonb) returns jsonb
language plpgsql stable set search_path = public, pg_temp as $$
declare
  v jsonb := p_draft;
begin
  if v ? 'fields' then
    v := v || jsonb_build_object('fields', answers_following('household', v->'fields', p_codes, ''));
  end if;
  if v ? 'answers' then
    v := v || jsonb_build_object('answers', answers_following('event', answers_following('application', v->'answers', p_codes, 'own_'), p_codes, 'own_'));
  end if;
  if jsonb_typeof(v->'members') = 'array' then
    v := v || jsonb_build_object('members', coalesce((
      select jsonb_agg(case when m ? 'fields' then m || jsonb_build_object('fields', answers_following('person', m->'fields', p_codes, '')) else m end order by n)
      from jsonb_array_elements(v->'members') with ordinality x (m, n)), '[]'));
  end if;
  return v;
end $$;

-- Answers that name an area that ended without one that takes them: somebody who
-- knows has to say which is meant.
create table area_answer_left (
  subject_kind text not null,
  subject_id   uuid not null,
  field        text not null,                  -- "<field>" or "<roster>.<column>"
  area_id      uuid not null references area,
  change_id    uuid not null references area_change,
  primary key (subject_id, field, area_id)
);
create index area_answer_left_area on area_answer_left (area_id);
grant select on area_answer_left to daftar_staff, daftar_jobs;

-- Applies an approved change of areas: the areas, what lies inside those that
-- moved, the records and the staff of those that ended; or nothing.
create function apply_area_change(p_id uuid, p_change uuid, p_source uuid, p_now timestamptz) returns integer
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  c area_change%rowtype;
  v_records uuid[];
  v_areas uuid[];
  v_codes jsonb;    -- what answers name from now on
  v_left text[];    -- areas that ended with nobody to take answers
  v_moved integer := 0;
begin
  select x.* into c from area_change x where x.id = p_id for update;
  if c.state is distinct from 'approved' then
    raise exception 'the change is not approved' using errcode = 'DF001';
  end if;
  perform from area a join area_change_item i on i.area_id = a.id where i.change_id = p_id for update of a;
  if exists (select from area_change_item i left join area a on a.id = i.area_id
             where i.change_id = p_id and i.version <> coalesce(a.version, 0))
     or exists (select from area_change_item i join area a on a.code = i.code and a.id <> i.area_id where i.change_id = p_id) then
    raise exception 'an area moved on since the proposal' using errcode = 'DF004';
  end if;

  insert into area_kind (level, code, name)
  select distinct i.level, i.kind, jsonb_build_object('en', initcap(replace(i.kind, '_', ' ')))
  from area_change_item i where i.change_id = p_id on conflict do nothing;
  for v_level in 0..5 loop
    insert into area (id, code, level, kind, parent_id, name, alternative, km2, valid_from, valid_to)
    select i.area_id, i.code, i.level, i.kind, i.parent_id, i.name, i.alternative, i.km2, i.valid_from, i.valid_to
    from area_change_item i where i.change_id = p_id and i.version = 0 and i.level = v_level;
    update area a set level = i.level, kind = i.kind, parent_id = i.parent_id, name = i.name, alternative = i.alternative, km2 = i.km2,
      valid_from = i.valid_from, valid_to = i.valid_to
    from area_change_item i
    where i.change_id = p_id and i.version > 0 and i.level = v_level and a.id = i.area_id and i.geometry is null;
    -- What lies inside an area that moved repeats its new ancestors.
    if v_level > 0 then
      update area a set parent_id = a.parent_id from area p
      where a.level = v_level and p.id = a.parent_id
        and (p.l0, p.l1, p.l2, p.l3, p.l4) is distinct from
            (a.l0, case when v_level > 1 then a.l1 end, case when v_level > 2 then a.l2 end,
             case when v_level > 3 then a.l3 end, case when v_level > 4 then a.l4 end);
    end if;
  end loop;
  -- An area must not end while smaller ones inside it go on.
  if exists (select from area_change_item i join area k on k.parent_id = i.area_id
             where i.change_id = p_id and i.valid_to is not null and k.valid_to is null) then
    raise exception 'an area inside goes on' using errcode = 'DF004';
  end if;

  insert into area_boundary (area_id, geometry, change_id)
  select i.area_id, i.geometry, p_id from area_change_item i where i.change_id = p_id and i.geometry is not null
  on conflict (area_id) do update set geometry = excluded.geometry, change_id = excluded.change_id;

  insert into area_successor (from_id, to_id, on_day, rest, answers, change_id)
  select i.area_id, i.rest_to, c.on_day, true, c.answers, p_id
  from area_change_item i where i.change_id = p_id and i.rest_to is not null and i.rest_to <> i.area_id
  union
  select distinct i.area_id, n.area_id, c.on_day, false, false, p_id
  from area_change_item i join area_change_item n on n.change_id = i.change_id and n.version = 0
  where i.change_id = p_id and c.kind = 'split' and i.rest_to is not null and n.area_id <> i.rest_to
    and n.level = i.level
  on conflict (from_id, to_id, on_day) do update
    set rest = area_successor.rest or excluded.rest, answers = area_successor.answers or excluded.answers, change_id = excluded.change_id; -- given away, and joined with, on one day

  -- The households and groups: those assigned to a part, then everything else of
  -- an area that ended. And what answers name.
  select coalesce(array_agg(x.id), '{}'), coalesce(array_agg(x.to_id), '{}') into v_records, v_areas from (
    select r.id, coalesce(m.area_id, i.rest_to) as to_id
    from area_change_item i
    join (select id, area_id from household union all select id, area_id from group_record) r on r.area_id = i.area_id
    left join area_change_move m on m.change_id = p_id and m.record_id = r.id
    where i.change_id = p_id and i.rest_to is not null and coalesce(m.area_id, i.rest_to) <> r.area_id) x;
  select coalesce(jsonb_object_agg(f.code, t.code), '{}') into v_codes
  from area_successor s join area f on f.id = s.from_id and f.valid_to is not null join area t on t.id = s.to_id
  where s.change_id = p_id and s.rest and s.answers;
  v_moved := move_records(v_records, v_areas, v_codes, null, c.proposed_by, c.decided_by, c.ref, p_change, p_source, p_now);
  if v_moved > 0 then
    update area_change set change_id = p_change where id = p_id;
  end if;
  v_left := array(select i.code from area_change_item i
                  where i.change_id = p_id and i.version > 0 and i.valid_to is not null and not v_codes ? i.code);
  insert into area_answer_left (subject_kind, subject_id, field, area_id, change_id)
  select n.kind, n.id, x.field, a.id, p_id
  from records_naming(v_left, null) n cross join lateral area_answers(n.kind, n.fields) x join area a on a.code = x.code
  where x.code = any (v_left) on conflict do nothing;
  update case_file f set draft = draft_following(f.draft, v_codes), version = f.version + 1
  where f.state not in ('approved', 'refused', 'withdrawn') and f.draft::text ~ codes_pattern(array(select jsonb_object_keys(v_codes)))
    and draft_following(f.draft, v_codes) <> f.draft;
  if exists (select from area_change_item i join household h on h.area_id = i.area_id
             where i.change_id = p_id and i.valid_to is not null)
     or exists (select from area_change_item i join group_record g on g.area_id = i.area_id
             where i.change_id = p_id and i.valid_to is not null) then
    raise exception 'people still live in an area that ends' using errcode = 'DF004';
  end if;

  -- Open applications and the staff's own areas follow.
  update case_file f set area_id = s.to_id from area_successor s
  where s.change_id = p_id and s.rest and f.area_id = s.from_id
    and f.state not in ('approved', 'refused', 'withdrawn');
  update case_file f set area_id = f.area_id from area a -- those whose area lies elsewhere now
  where a.id = f.area_id and (a.l0, a.l1, a.l2, a.l3, a.l4, a.l5) is distinct from (f.l0, f.l1, f.l2, f.l3, f.l4, f.l5)
    and f.state not in ('approved', 'refused', 'withdrawn');
  insert into staff_role (staff_id, role, area_id, valid_from, valid_to)
  select distinct on (r.staff_id, r.role, s.to_id) r.staff_id, r.role, s.to_id, p_now, r.valid_to
  from staff_role r join area_successor s on s.from_id = r.area_id and s.change_id = p_id
  where r.valid_from <= p_now and (r.valid_to is null or r.valid_to > p_now)
  order by r.staff_id, r.role, s.to_id, r.valid_to desc nulls first
  on conflict (staff_id, role, area_id) do update set
    valid_to = case when staff_role.valid_to is null or excluded.valid_to is null then null
                    else greatest(staff_role.valid_to, excluded.valid_to) end;
  update staff_role r set valid_to = p_now from area a
  where a.id = r.area_id and a.valid_to is not null and (r.valid_to is null or r.valid_to > p_now)
    and exists (select from area_successor s where s.change_id = p_id and s.from_id = a.id);

  update area_change set state = 'applied', applied_at = p_now, failure = '' where id = p_id;
  return v_moved;
exception when unique_violation or check_violation or foreign_key_violation then
  raise exception 'an area moved on since the proposal: %', sqlerrm using errcode = 'DF004';
end $$;

-- An approved change that can no longer be applied.
create function stale_area_change(p_id uuid) returns void
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  update area_change set state = 'stale', failure = '' where id = p_id and state = 'approved';
end $$;

-- Notes why an approved change could not be carried out. It may be tried again.
create function fail_area_change(p_id uuid, p_failure text) returns void
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  update area_change set failure = p_failure where id = p_id and state = 'approved';
end $$;

create function retry_area_change(p_id uuid) returns void
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  update area_change set failure = '' where id = p_id and state = 'approved' and failure <> '';
  if not found then
    raise exception 'the change did not fail' using errcode = 'DF001';
  end if;
end $$;
-- +goose StatementEnd
grant execute on function send_area_change(uuid), withdraw_area_change(uuid), retry_area_change(uuid),
  decide_area_change(uuid, boolean, text, text, timestamptz) to daftar_staff, daftar_jobs;
grant execute on function apply_area_change(uuid, uuid, uuid, timestamptz), stale_area_change(uuid), fail_area_change(uuid, text),
  move_records(uuid[], uuid[], jsonb, timestamptz, uuid, uuid, text, uuid, uuid, timestamptz),
  records_naming(text[], timestamptz) to daftar_jobs;
grant execute on function area_answers(text, jsonb) to daftar_staff, daftar_jobs;
grant execute on function codes_pattern(text[]) to daftar_jobs;

insert into outbox_kind (kind, role) values ('apply_area_change', 'daftar_staff');

-- +goose Down
select 1;
