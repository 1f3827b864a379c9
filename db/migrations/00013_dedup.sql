-- +goose Up

-- What people are compared by when duplicates are looked for, and the blocks that
-- they are in: two people are compared when they share a key. Records that ended
-- as a duplicate or a mistake are not here.
create table dedup_record (
  person_id    uuid primary key,
  household_id uuid,                            -- where they live, or lived last
  area_id      uuid,
  sex          text not null,
  birth_from   date,
  birth_to     date,
  words        text[] collate "C" not null,     -- the folded name, then the one in Latin letters
  keys         integer[] not null               -- dedup_keys
);
-- Who writes it sets gin_pending_list_limit: a check reads all that is not yet sorted in.
create index dedup_record_keys on dedup_record using gin (keys);
grant select on dedup_record to daftar_staff, daftar_jobs;

-- Whom nobody was compared with since their record's last version.
create table dedup_todo (
  person_id uuid primary key,
  version   integer not null
);
grant select, insert, update, delete on dedup_todo to daftar_jobs;
grant select, insert on dedup_todo to daftar_staff;

-- How many people have a word in their name ('fatima'), a sound ('=ftm'), a date
-- of birth ('#1990-01-01') or an area ('@' and its key), for those that many
-- have; '' has all people. What is common says little. dedup_weigh counts now and then.
create table dedup_share (
  term   text collate "C" primary key,
  people integer not null
);
grant select on dedup_share to daftar_staff, daftar_jobs;

-- Keys that so many people have that they tell nobody apart.
create table dedup_common (
  key    integer primary key,
  people integer not null
);
grant select on dedup_common to daftar_staff, daftar_jobs;

-- The keys of a record, or those to look it up by. Each holds two things that
-- records of one person share, unless both are wrong in one of them: a word and
-- the day of birth, whichever way round its day and month are; two words and the
-- year; and where the year is all that is known, a word, the beginning and end
-- of another, and the year. Who looks something up tries the years beside, too,
-- and those whose birth is not known.
-- +goose StatementBegin
create function dedup_keys(p_sounds text[], p_from date, p_to date, p_probe boolean) returns integer[]
language plpgsql immutable parallel safe as $$
declare
  n constant integer := least(coalesce(cardinality(p_sounds), 0), 5);
  first constant integer := extract(year from p_from);
  last constant integer := extract(year from p_to);
  exact constant boolean := p_from = p_to and (extract(month from p_from) > 1 or extract(day from p_from) > 1);
  vague constant boolean := not exact and last - first <= 2 and (p_from = p_to or p_to - p_from > 31);
  day constant text := case when exact then concat_ws(' ', '', least(extract(month from p_from), extract(day from p_from)),
                                                      greatest(extract(month from p_from), extract(day from p_from))) end;
  around constant integer := case when p_probe then 1 else 0 end;
  keys integer[] := '{}';
begin
  for i in 1..n loop
    if exact then
      for y in first - around..first + around loop
        keys := keys || hashtext('d ' || p_sounds[i] || ' ' || y || day);
      end loop;
    end if;
    for j in 1..n loop
      if j > i then
        if last - first <= 2 then
          for y in first..last loop
            keys := keys || hashtext('y ' || p_sounds[i] || ' ' || p_sounds[j] || ' ' || y);
          end loop;
        end if;
        if p_probe or first is null or last - first > 2 then -- somebody whose birth is not known
          keys := keys || hashtext('y ' || p_sounds[i] || ' ' || p_sounds[j]);
        end if;
      end if;
      if vague and j <> i then
        for y in first - around..last + around loop
          keys := keys || hashtext('v ' || p_sounds[i] || ' ' || left(p_sounds[j], 1) || right(p_sounds[j], 1) || ' ' || y);
        end loop;
      end if;
    end loop;
  end loop;
  return keys;
end $$;

-- The two indexes that cost most to keep: a seeder leaves them out while it fills
-- an empty registry, and makes them when it is done. Every start makes sure that
-- they are there, whatever became of the seeder.
create function find_index(p_table text) returns void language plpgsql set search_path = public, pg_temp as $$
begin
  case p_table
    when 'person_search' then create index if not exists person_search_terms on person_search using gin (terms);
    when 'dedup_record' then create index if not exists dedup_record_keys on dedup_record using gin (keys);
  end case;
end $$;

-- Sorts in what the indexes gathered.
create function find_sort() returns void language sql set search_path = public, pg_temp as $$
  select gin_clean_pending_list(c.oid) from pg_class c
  where c.relnamespace = 'public'::regnamespace and c.relname in ('person_search_terms', 'name_word_like', 'dedup_record_keys')
$$;

-- Brings what people are compared by in line with their records. It reads what
-- the search keeps of them, so that names are folded once.
create function dedup_refresh(p_people uuid[]) returns void
language plpgsql security definer set search_path = public, pg_temp set plan_cache_mode = force_custom_plan set jit = off set work_mem = '64MB'
set gin_pending_list_limit = '512kB' as $$
begin
  if p_people = '{}' then
    return;
  end if;
  if cardinality(p_people) > 1000 then
    set local gin_pending_list_limit = '64MB';
  end if;
  delete from dedup_record d using person p
  where d.person_id = any(p_people) and p.id = d.person_id and p.status in ('duplicate', 'error');

  with said as materialized (
    select s.person_id, x.word, x.n from unnest(p_people) u(id) join person_search s on s.person_id = u.id
    cross join lateral unnest(s.terms) with ordinality x (word, n) where left(x.word, 1) not in ('@', '#')
  ), heard as materialized (
    select distinct on (w.word) w.word, w.key from (select distinct word from said) d join name_word w on w.word = d.word
  ), named as (
    select said.person_id, array_agg(said.word order by said.n) as words, array_agg(distinct heard.key) as sounds
    from said join heard on heard.word = said.word group by said.person_id
  ), found as (
    select p.id, s.household_id, h.area_id, p.sex, p.birth_from, p.birth_to, coalesce(n.words, '{}') as words,
           case when n.person_id is null then '{}' else dedup_keys(n.sounds, p.birth_from, p.birth_to, false) end as keys
    from unnest(p_people) u(id)
    join person p on p.id = u.id and p.status not in ('duplicate', 'error')
    join person_search s on s.person_id = p.id
    left join household h on h.id = s.household_id
    left join named n on n.person_id = p.id
  )
  insert into dedup_record (person_id, household_id, area_id, sex, birth_from, birth_to, words, keys)
  select id, household_id, area_id, sex, birth_from, birth_to, words, keys from found
  on conflict (person_id) do update set household_id = excluded.household_id, area_id = excluded.area_id, sex = excluded.sex,
    birth_from = excluded.birth_from, birth_to = excluded.birth_to, words = excluded.words, keys = excluded.keys
  where (dedup_record.household_id, dedup_record.area_id, dedup_record.sex, dedup_record.birth_from, dedup_record.birth_to, dedup_record.words)
    is distinct from (excluded.household_id, excluded.area_id, excluded.sex, excluded.birth_from, excluded.birth_to, excluded.words);

  if cardinality(p_people) > 1000 then
    perform find_sort();
  end if;
end $$;

-- Has the people whom a change brings found and compared: search_refresh and
-- dedup_refresh in one, out of what the change says, which is at hand, and not out
-- of the tables. A test holds it to what those two make. Lists are carried as
-- arrays, whose lengths the planner knows. Each word is folded and sounded once,
-- however many people have it; a name with words that join or are taken apart is
-- looked at as a whole.
create function find_new(p_change uuid) returns void
language plpgsql security definer set search_path = public, pg_temp set plan_cache_mode = force_custom_plan set jit = off set work_mem = '64MB'
set gin_pending_list_limit = '64kB' as $$
declare
  ids uuid[]; names text[]; sexes text[]; firsts date[]; lasts date[]; alive boolean[]; homes uuid[];
  home_ids uuid[]; home_areas uuid[]; home_places text[]; home_protected boolean[];
  folds jsonb; keys jsonb; -- by word
begin
  select array_agg(i.subject_id), array_agg(concat_ws(' ', i.data->>'full_name', i.data->>'full_name_latin')), array_agg(coalesce(i.data->>'sex', 'unknown')),
         array_agg((i.data->>'birth_from')::date), array_agg((i.data->>'birth_to')::date),
         array_agg(coalesce(i.data->>'status' not in ('duplicate', 'error'), true)),
         array_agg(case when jsonb_array_length(i.data->'memberships') = 1 then (i.data->'memberships'->0->>'household_id')::uuid else (
           select m.household_id from membership m where m.person_id = i.subject_id
           order by (m.end_date is null and m.tie = 'usual') desc, m.end_date desc nulls first, m.start_date desc nulls last, m.id limit 1) end)
    into ids, names, sexes, firsts, lasts, alive, homes
  from change_item i where i.change_id = p_change and i.kind = 'person' and i.base_version = 0;
  if ids is null then
    return;
  end if;
  if cardinality(ids) > 1000 then
    set local gin_pending_list_limit = '64MB';
  end if;

  select array_agg(h.id), array_agg(h.area_id), array_agg(a.place), array_agg(h.protected) into home_ids, home_areas, home_places, home_protected
  from unnest(array(select distinct unnest(homes))) d (id) join household h on h.id = d.id join area a on a.id = h.area_id;

  select jsonb_object_agg(word, fold) into folds from (
    select word, name_fold(word) as fold from (select distinct unnest(string_to_array(n, ' ')) as word from unnest(names) n) w offset 0) n
  where strpos(fold, ' ') = 0 and length(fold) <= 60 and not name_joins(fold);
  select jsonb_object_agg(word, coalesce((select w.key from name_word w where w.word = n.word limit 1), name_key(n.word))) into keys
  from (select distinct value as word from jsonb_each_text(folds) where value <> '') n;

  with said as materialized (
    select * from unnest(ids, names, sexes, firsts, lasts, alive, homes) u (id, name, sex, first, last, live, home)
  ), split as materialized (
    select u.id, u.sex, u.first, u.last, u.live, u.home, true as plain, '{}'::text[] collate "C" as words, null::text[] collate "C" as sounds
    from said u where u.name = '' -- many, in a survey
    union all
    select u.id, u.sex, u.first, u.last, u.live, u.home, w.plain,
           case when w.plain then w.words else array(select left(x, 60) from unnest(string_to_array(nullif(name_fold(u.name), ''), ' ')) x) end, w.sounds
    from said u
    cross join lateral (
      select coalesce(array_agg(fold) filter (where fold <> ''), '{}') as words,
             array_agg(distinct (keys->>fold) collate "C") filter (where fold <> '') as sounds, bool_and(fold is not null) is not false as plain
      from (select folds->>word as fold from unnest(string_to_array(u.name, ' ')) word offset 0) f) w
    where u.name <> ''
  ), named as materialized (
    select s.id, s.sex, s.first, s.last, s.live, s.home, h.area_id, coalesce(h.place, '') as place, coalesce(h.protected, false) as protected, s.plain, s.words,
           case when s.plain then s.sounds else (
             select array_agg(distinct coalesce(keys->>x, (select w.key from name_word w where w.word = x limit 1), name_key(x)) collate "C") from unnest(s.words) x) end as sounds
    from split s left join unnest(home_ids, home_areas, home_places, home_protected) h (id, area_id, place, protected) on h.id = s.home
  ), searched as (
    insert into person_search (person_id, household_id, place, protected, terms)
    select id, home, place, protected, words
           || case when place = '' then '{}' else string_to_array('@' || replace(rtrim(place, '/'), '/', '/@'), '/') end
           || case
                when first is null or date_part('year', last) - date_part('year', first) > 10 then array['#?']
                when date_part('year', last) = date_part('year', first) then array['#' || date_part('year', first)]
                else array(select '#' || y from generate_series(date_part('year', first)::integer, date_part('year', last)::integer) y) end
    from named
  ), compared as (
    insert into dedup_record (person_id, household_id, area_id, sex, birth_from, birth_to, words, keys)
    select id, home, area_id, sex, first, last, words, case when sounds is null then '{}' else dedup_keys(sounds, first, last, false) end
    from named where live
  )
  insert into name_word (word, key)
  select w.word, coalesce(keys->>w.word, name_key(w.word)) from (
    select value as word from jsonb_each_text(folds) where value <> ''
    union
    select unnest(words) from named where not plain) w
  where not exists (select from name_word x where x.word = w.word);

  if cardinality(ids) > 1000 then
    perform find_sort();
  end if;
end $$;

-- The same for people of whom the proposer says how they are found and compared,
-- in a table of its own transaction: the seeder has their words at hand, and makes
-- of them what find_new would (a test compares). Jobs only, and for exactly the
-- people of the change.
create function find_said(p_people uuid[]) returns void
language plpgsql security definer set search_path = public, pg_temp set plan_cache_mode = force_custom_plan set jit = off set work_mem = '64MB'
set gin_pending_list_limit = '64MB' as $$
declare
  n integer;
begin
  insert into person_search (person_id, household_id, place, protected, terms)
  select s.person_id, s.household_id, s.place, false, s.terms from pg_temp.said_new s where s.person_id = any(p_people);
  get diagnostics n = row_count;
  if n <> cardinality(p_people) or session_user <> 'daftar_jobs' then
    raise exception 'others are said than those who are new' using errcode = 'DF003';
  end if;
  insert into dedup_record (person_id, household_id, area_id, sex, birth_from, birth_to, words, keys)
  select s.person_id, s.household_id, s.area_id, s.sex, s.birth_from, s.birth_to, s.words, s.keys from pg_temp.said_new s;
  insert into name_word (word, key)
  select w.word, name_key(w.word) from (select distinct unnest(s.words) as word from pg_temp.said_new s) w
  where not exists (select from name_word x where x.word = w.word);
  perform find_sort();
end $$;

-- In the transaction that applies a change: whom it is about is compared by what
-- it says, and will be compared with everybody.
create function similar_follow() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  fresh constant uuid[] := array(select i.subject_id from change_item i where i.change_id = new.id and i.kind = 'person' and i.base_version = 0);
  homes constant uuid[] := array(select i.subject_id from change_item i where i.change_id = new.id and i.kind = 'household' and i.base_version > 0);
begin
  if to_regclass('pg_temp.said_new') is null then
    perform find_new(new.id);
  else
    perform find_said(fresh);
  end if;
  perform dedup_refresh(array(
    select i.subject_id from change_item i where i.change_id = new.id and i.kind = 'person' and i.base_version > 0
    union
    select m.person_id from membership m where m.household_id = any(homes)));
  if not exists (select from change_item i where i.change_id = new.id and i.kind = 'person') then
    return null;
  end if;
  insert into dedup_todo (person_id, version) select id, 1 from unnest(fresh) id;
  insert into dedup_todo (person_id, version)
  select i.subject_id, i.base_version + 1 from change_item i where i.change_id = new.id and i.kind = 'person' and i.base_version > 0
  on conflict (person_id) do update set version = excluded.version;
  insert into outbox (kind, ref, version, created_at) values ('check_duplicates', new.id, 1, new.applied_at);
  perform pg_notify('daftar_outbox', '');
  return null;
end $$;
-- +goose StatementEnd
create trigger similar_follow after update on change for each row -- after search_follow, by name
  when (new.state = 'applied' and old.state <> 'applied') execute function similar_follow();

-- +goose StatementBegin
do $$ begin
  perform dedup_refresh(array(select id from person));
  insert into dedup_todo (person_id, version) select id, version from person;
end $$;

-- Counts what is common. Of more than two million people it asks one in some.
create function dedup_weigh() returns void
language plpgsql security definer set search_path = public, pg_temp set jit = off set work_mem = '128MB' as $$
declare
  total bigint := (select count(*) from dedup_record);
  part double precision := least(1, 2e6 / greatest(total, 1));
  least_people double precision := greatest(2, total / 8192.0);
begin
  create temporary table sampled on commit drop as
    select words, birth_from, birth_to, area_id, keys from dedup_record tablesample system (100 * part);
  create temporary table counted on commit drop as
    select x.word, count(*) / part as people from sampled cross join lateral (select distinct unnest(words) as word) x group by x.word;

  delete from dedup_share;
  insert into dedup_share (term, people)
  select term, people from (
    select '' as term, total as people
    union all
    select word, people from counted
    union all -- whoever has a sound in two scripts counts once
    select '=' || key, max(people) from (
      select k.key, sum(c.people) as people
      from counted c join (select distinct word, key from name_word) k on k.word = c.word
      group by k.key, octet_length(c.word) > length(c.word)) s
    group by key
    union all
    select '#' || birth_from || case when birth_to = birth_from then '' else '/' || birth_to end, count(*) / part
    from sampled where birth_from is not null group by birth_from, birth_to
    union all
    select '@' || area_id, count(*) / part from sampled where area_id is not null group by area_id) t
  where people >= least_people or term = '';

  delete from dedup_common;
  insert into dedup_common (key, people)
  select key, n / part from (select unnest(keys) as key, count(*) as n from sampled group by 1) k where n / part > 50;
  drop table sampled, counted;
end $$;

-- Who shares a key with people who are looked up, with the numbers of those.
-- Planned each time: one plan for every name is a scan of everybody. It runs as
-- the owner: && might tell of rows that a policy hides, so with a policy of any
-- kind on the table it is asked last, of everybody and not of the index. Nothing
-- is found for nobody, as everywhere (00021_access.sql).
create function dedup_candidates(p_sounds text[], p_from date[], p_to date[])
returns table (person_id uuid, household_id uuid, area_id uuid, sex text, birth_from date, birth_to date, words text[], probes integer[])
language plpgsql stable security definer set search_path = public, pg_temp set plan_cache_mode = force_custom_plan
set jit = off set enable_seqscan = off set work_mem = '32MB' as $$
begin
  if coalesce(current_setting('daftar.kind', true), '') not in ('staff', 'job') then
    return;
  end if;
  return query
    with probe as materialized (
      select x.n::integer - 1 as n, array(
        select k from unnest(dedup_keys(string_to_array(x.sounds, ' '), x.first, x.last, true)) k
        where not exists (select from dedup_common c where c.key = k)) as keys
      from unnest(p_sounds, p_from, p_to) with ordinality x (sounds, first, last, n))
    select r.person_id, r.household_id, r.area_id, r.sex, r.birth_from, r.birth_to, r.words, array_agg(p.n)
    from probe p join dedup_record r on r.keys && p.keys
    group by r.person_id;
end $$;

-- The same among those who are about to come in (a temporary table that
-- registry/dedup makes).
create function dedup_candidates_staged(p_sounds text[], p_from date[], p_to date[])
returns table (person_id uuid, household_id uuid, area_id uuid, sex text, birth_from date, birth_to date, words text[], probes integer[])
language plpgsql stable set search_path = public, pg_temp set plan_cache_mode = force_custom_plan
set jit = off set enable_seqscan = off set work_mem = '32MB' as $$
begin
  return query
    with probe as materialized (
      select x.n::integer - 1 as n, array(
        select k from unnest(dedup_keys(string_to_array(x.sounds, ' '), x.first, x.last, true)) k
        where not exists (select from dedup_common c where c.key = k)) as keys
      from unnest(p_sounds, p_from, p_to) with ordinality x (sounds, first, last, n))
    select r.person_id, r.household_id, r.area_id, r.sex, r.birth_from, r.birth_to, r.words, array_agg(p.n)
    from probe p join pg_temp.dedup_staged r on r.keys && p.keys
    group by r.person_id, r.household_id, r.area_id, r.sex, r.birth_from, r.birth_to, r.words;
end $$;
-- +goose StatementEnd
grant execute on function dedup_keys(text[], date, date, boolean), dedup_candidates(text[], date[], date[]),
  dedup_candidates_staged(text[], date[], date[]) to daftar_staff, daftar_jobs;
grant execute on function dedup_weigh() to daftar_jobs;
insert into outbox_kind (kind, role) values ('check_duplicates', 'daftar_staff'), ('check_duplicates', 'daftar_jobs');

-- Two records that may be of one person, and what was found about them. Only
-- people decide; what they decided is not asked again unless a record changes in
-- what was compared (a_stamp, b_stamp).
create table duplicate_pair (
  id         uuid primary key,
  ref        text not null unique,
  a_id       uuid not null references person,
  b_id       uuid not null references person,
  state      text not null default 'open' check (state in ('open', 'unsure', 'different', 'same')),
  points     real not null,
  parts      jsonb not null,                   -- [dedup.Part]
  forced     boolean not null default false,   -- they claim one number (RULES R14)
  a_stamp    bytea not null,
  b_stamp    bytea not null,
  found_at   timestamptz not null,
  opened_by  uuid default case when session_user = 'daftar_staff' then actor() end references staff, -- none: it was found
  decided_at timestamptz,
  decided_by uuid references staff,
  constraint duplicate_pair_order check (a_id < b_id),
  unique (a_id, b_id)
);
create index duplicate_pair_b on duplicate_pair (b_id);
create index duplicate_pair_list on duplicate_pair (state, points desc, id);
grant select, insert, update, delete on duplicate_pair to daftar_jobs;
grant select, insert (id, ref, a_id, b_id, points, parts, forced, a_stamp, b_stamp, found_at),
  update (state, points, parts, forced, a_stamp, b_stamp, found_at, decided_at, decided_by) on duplicate_pair to daftar_staff;

-- Who said what about a pair, and why.
create table duplicate_decision (
  id        uuid primary key,
  pair_id   uuid not null references duplicate_pair on delete cascade,
  at        timestamptz not null,
  by        uuid default actor(),
  decision  text not null check (decision in ('same', 'different', 'unsure', 'reopened', 'merged', 'not_merged', 'undone')),
  note      text not null default '',
  note_lang text not null default ''
);
create index duplicate_decision_pair on duplicate_decision (pair_id, at);
grant select, insert (id, pair_id, at, decision, note, note_lang) on duplicate_decision to daftar_staff, daftar_jobs;

-- What a merge of two records did beside the records themselves, to be undone
-- with them: the change that merged or undoes, which record goes on and which
-- ended, and what was moved from the one to the other.
create table record_merge (
  id          uuid primary key,
  change_id   uuid not null unique references change,
  pair_id     uuid not null references duplicate_pair,
  kept_id     uuid not null references person,
  ended_id    uuid not null references person,
  undoes      uuid references record_merge,     -- the merge that this takes back
  accounts    uuid[] not null default '{}',     -- that sign in to the other record since
  credentials uuid[] not null default '{}',     -- that were revoked
  constraint record_merge_two check (kept_id <> ended_id)
);
create index record_merge_ended on record_merge (ended_id);
create index record_merge_undoes on record_merge (undoes) where undoes is not null;
grant select, insert (id, change_id, pair_id, kept_id, ended_id, undoes), update (accounts, credentials) on record_merge to daftar_staff;
grant select on record_merge to daftar_jobs;

-- +goose Down
select 1;
