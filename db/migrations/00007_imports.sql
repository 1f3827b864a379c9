-- +goose Up

-- Files that bring records in: uploaded or read by a command, checked, proposed
-- as one change, approved by somebody else, applied, and perhaps taken back by
-- another batch.
create table import_batch (
  id          uuid primary key,
  ref         text not null unique,
  undoes      uuid references import_batch,      -- a roll back: the batch that it takes back
  state       text not null default 'draft'
              check (state in ('draft', 'checking', 'checked', 'unchanged', 'failed', 'proposed', 'approved', 'applied', 'undone', 'refused', 'withdrawn', 'stale')),
  source      text not null default '',          -- names of the files
  files       jsonb not null default '[]',       -- importer.Upload
  mapping     text not null default '',          -- YAML; '': the columns name themselves
  scope       uuid[],                            -- areas of whoever made it, at that time; null: a command's, which has all
  roles       text[],
  digest      bytea,                             -- of the files
  change_id   uuid references change,
  counts      jsonb not null default '{}',       -- importer.Counts
  areas       jsonb not null default '[]',       -- areas that the files name and the registry does not have yet
  homeless    boolean not null default false,    -- it is about people who live nowhere: somebody for the whole country decides
  problems    integer not null default 0,
  notices     integer not null default 0,
  failure     jsonb,                             -- why it could not be read or applied: a message
  progress    jsonb not null default '{}',       -- importer.Progress
  alike       jsonb,                             -- who of it may be in the registry already; null: not compared yet
  touched_at  timestamptz,                       -- of a job that is at it
  note        text not null default '',          -- why it is taken back, in the officer's own words
  note_lang   text not null default '',
  answer      text not null default '',          -- why it was refused
  answer_lang text not null default '',
  created_at  timestamptz not null,
  created_by  uuid not null default actor(),
  staged_at   timestamptz,
  proposed_at timestamptz,
  decided_at  timestamptz,
  decided_by  uuid,
  applied_at  timestamptz,
  constraint import_separate_hands check (decided_by <> created_by)
);
create index import_batch_created on import_batch (created_at desc);
create index import_batch_running on import_batch (touched_at) where state in ('checking', 'approved');
-- One roll back at a time, and none after one that was done.
create unique index import_batch_undoes on import_batch (undoes) where state not in ('refused', 'withdrawn', 'failed', 'stale');
grant select on import_batch to daftar_jobs, daftar_staff;
grant insert, update on import_batch to daftar_jobs;
grant insert (id, ref, undoes, source, files, mapping, scope, roles, note, note_lang, created_at), update (source, files, mapping) on import_batch to daftar_staff;

-- Web roles write drafts of their own and nothing else; the steps are functions.
-- +goose StatementBegin
create function import_batch_guard() returns trigger language plpgsql as $$
begin
  if session_user = 'daftar_staff' and current_user = session_user
     and (new.created_by is distinct from actor() or new.state <> 'draft' or new.scope is null) then
    raise exception 'only a draft of one''s own is written' using errcode = 'DF001';
  end if;
  return new;
end $$;
-- +goose StatementEnd
create trigger import_batch_guard before insert or update on import_batch for each row execute function import_batch_guard();

-- Where the records are that a batch is about: who decides on it answers for all
-- of them.
create table import_area (
  batch_id uuid not null references import_batch,
  area_id  uuid not null,                        -- one that the batch makes may not be there yet
  primary key (batch_id, area_id)
);
grant select on import_area to daftar_staff, daftar_jobs;
grant insert, delete on import_area to daftar_jobs;

-- What is wrong with the rows, as messages.
create table import_problem (
  batch_id uuid not null references import_batch,
  seq      integer not null,
  file     text not null,
  sheet    text not null default '',
  line     integer not null default 0,
  col      text not null default '',
  value    text not null default '',
  key      text not null,
  args     jsonb not null default '{}',
  notice   boolean not null default false,
  primary key (batch_id, seq)
);
grant select on import_problem to daftar_staff, daftar_jobs;
grant insert, delete on import_problem to daftar_jobs;

-- How files with certain headers are read.
create table import_mapping (
  id          uuid primary key,
  ref         text not null unique,
  name        text not null,
  fingerprint bytea not null,                    -- of the headers
  mapping     text not null,                     -- YAML
  created_at  timestamptz not null,
  created_by  uuid not null default actor(),
  removed_at  timestamptz
);
create index import_mapping_fingerprint on import_mapping (fingerprint) where removed_at is null;
alter table import_mapping enable row level security;
create policy import_mapping_seen on import_mapping for select to daftar_staff using (true);
create policy import_mapping_made on import_mapping for insert to daftar_staff with check (created_by = actor());
create policy import_mapping_changed on import_mapping for update to daftar_staff using (created_by = actor()) with check (created_by = actor());
grant select, insert (id, ref, name, fingerprint, mapping, created_at), update (removed_at) on import_mapping to daftar_staff;

-- Proposals of batches that came to nothing: their items are personal data that
-- nobody needs.
create table import_waste (change_id uuid primary key);
grant select on import_waste to daftar_jobs;

-- The steps of a batch. They run as the owner; who acts is the transaction's
-- principal.
-- +goose StatementBegin
create function import_drop(p_batch uuid) returns void
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  c uuid;
begin
  select change_id into c from import_batch where id = p_batch;
  if c is not null then
    update change set state = 'superseded' where id = c and state in ('proposed', 'verified');
    insert into import_waste (change_id) select c from change where id = c and state in ('superseded', 'refused') on conflict do nothing;
  end if;
  update import_batch set change_id = null, alike = null where id = p_batch and state <> 'refused';
  delete from import_problem where batch_id = p_batch;
  delete from import_area where batch_id = p_batch;
end $$;

-- Hands a draft, or a batch that has to be looked at again, to a job.
create function start_import(p_batch uuid, p_now timestamptz) returns void
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  update import_batch set state = 'checking', touched_at = p_now, progress = '{}', failure = null, counts = '{}', problems = 0, notices = 0
  where id = p_batch and created_by = actor() and state in ('draft', 'checked', 'unchanged', 'failed', 'stale');
  if not found then
    raise exception 'the batch is not waiting for a check' using errcode = 'DF001';
  end if;
  perform import_drop(p_batch);
end $$;

-- Goes back to the mapping.
create function reopen_import(p_batch uuid) returns void
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  update import_batch set state = 'draft', failure = null, counts = '{}', problems = 0, notices = 0
  where id = p_batch and created_by = actor() and state in ('checked', 'unchanged', 'failed', 'stale') and undoes is null;
  if not found then
    raise exception 'the batch cannot be changed any more' using errcode = 'DF001';
  end if;
  perform import_drop(p_batch);
end $$;

create function send_import(p_batch uuid, p_now timestamptz) returns void
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  update import_batch b set state = 'proposed', proposed_at = p_now
  where id = p_batch and created_by = actor() and state = 'checked'
    and exists (select from change c where c.id = b.change_id and c.state = 'proposed' and c.sealed_hash is not null);
  if not found then
    raise exception 'the batch is not ready to be sent' using errcode = 'DF001';
  end if;
end $$;

create function withdraw_import(p_batch uuid) returns void
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  update import_batch set state = 'withdrawn'
  where id = p_batch and created_by = actor() and state in ('draft', 'checking', 'checked', 'unchanged', 'failed', 'stale', 'proposed');
  if not found then
    raise exception 'the batch cannot be withdrawn' using errcode = 'DF001';
  end if;
  perform import_drop(p_batch);
end $$;

-- Approves or refuses; approve_change refuses whoever proposed.
create function decide_import(p_batch uuid, p_approve boolean, p_answer text, p_lang text, p_now timestamptz) returns void
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  b import_batch%rowtype;
begin
  select * into b from import_batch where id = p_batch for update;
  if b.created_by = actor() or actor() is null then
    raise exception 'who proposed cannot decide' using errcode = 'DF002';
  end if;
  if b.state is distinct from 'proposed' then
    raise exception 'the batch is not waiting for a decision' using errcode = 'DF001';
  end if;
  if p_approve then
    perform approve_change(b.change_id, p_now);
  else
    perform refuse_change(b.change_id);
    insert into import_waste (change_id) values (b.change_id) on conflict do nothing;
  end if;
  update import_batch set state = case when p_approve then 'approved' else 'refused' end, touched_at = p_now, progress = '{}',
    answer = p_answer, answer_lang = p_lang, decided_at = p_now, decided_by = actor()
  where id = p_batch;
end $$;

-- Deletes items of proposals that came to nothing, so many at once; how many
-- are left is unknown, whether any are is the answer.
create function forget_import_items(p_limit integer) returns boolean
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  n integer;
begin
  delete from change_item where ctid = any (array(
    select i.ctid from import_waste w join change c on c.id = w.change_id and c.state in ('superseded', 'refused')
    join change_item i on i.change_id = w.change_id limit p_limit));
  get diagnostics n = row_count;
  if n < p_limit then
    delete from import_waste w where not exists (select from change_item i where i.change_id = w.change_id);
  end if;
  return n = p_limit;
end $$;
-- +goose StatementEnd
grant execute on function start_import(uuid, timestamptz), reopen_import(uuid), send_import(uuid, timestamptz), withdraw_import(uuid),
  decide_import(uuid, boolean, text, text, timestamptz) to daftar_staff, daftar_jobs;
grant execute on function forget_import_items(integer) to daftar_jobs;

insert into outbox_kind (kind, role) values
  ('check_import', 'daftar_staff'), ('check_import', 'daftar_jobs'), ('apply_import', 'daftar_staff'), ('apply_import', 'daftar_jobs'),
  ('compare_import', 'daftar_jobs'), ('compare_import', 'daftar_staff'), ('assess_import', 'daftar_jobs'), ('assess_import', 'daftar_staff');

-- +goose Down
select 1;
