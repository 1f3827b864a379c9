-- +goose Up

-- Everything that a person asks for. draft holds what was typed, saved page by
-- page; on submission it becomes a change.
create table case_file (
  id               uuid primary key,
  ref              text not null unique,
  kind             text not null check (kind in ('registration')),
  state            text not null default 'draft'
                   check (state in ('draft', 'submitted', 'waiting', 'recommended', 'approved', 'refused', 'withdrawn')),
  channel          text not null check (channel in ('portal', 'counter')),
  account_id       uuid references account,     -- the applicant's account; none at the counter
  opened_by        uuid references staff,       -- who took it at the counter
  area_id          uuid references area,
  language         text not null,
  draft            jsonb not null default '{}',
  version          integer not null default 1,  -- of the draft and the state
  change_id        uuid references change,
  household_id     uuid references household,
  status_code_version integer not null default 1, -- the code on the receipt is derived from it
  created_at       timestamptz not null,
  submitted_at     timestamptz,
  due_on           date,                        -- the day by which there must be an answer
  waiting_since    timestamptz,
  decided_at       timestamptz,
  assigned_to      uuid references staff,
  check ((channel = 'portal') = (account_id is not null) and (channel = 'counter') = (opened_by is not null)),
  check (state = 'draft' or (submitted_at is not null and due_on is not null and change_id is not null and area_id is not null) or state = 'withdrawn')
);
-- One application at a time: a second press of "start" finds the first.
create unique index case_file_open_registration on case_file (account_id)
  where kind = 'registration' and state in ('draft', 'submitted', 'waiting', 'recommended');
create index case_file_queue on case_file (state, due_on, id);
create index case_file_account on case_file (account_id, created_at desc);
create index case_file_change on case_file (change_id);
grant select, insert (id, ref, kind, channel, account_id, opened_by, language, draft, created_at),
  update (state, draft, version, area_id, change_id, submitted_at, due_on, waiting_since) on case_file to daftar_citizen, daftar_staff;
grant update (household_id, decided_at) on case_file to daftar_staff;
grant select on case_file to daftar_jobs;

alter table source add foreign key (case_id) references case_file;

-- What happened, in order. Notes are the writer's own words, with their language.
create table case_event (
  id          uuid primary key,
  case_id     uuid not null references case_file,
  at          timestamptz not null,
  actor_kind  text not null default actor_kind(),
  actor       uuid default actor(),
  action      text not null check (action in ('submitted', 'asked', 'answered', 'recommended', 'returned', 'approved', 'refused', 'withdrawn')),
  from_state  text not null,
  to_state    text not null,
  reason      text,                              -- a code of cases.Reasons
  facts       jsonb not null default '{}',
  note        text not null default '',
  note_lang   text not null default '',
  private     boolean not null default false     -- for staff only
);
create index case_event_case on case_event (case_id, at, id);
grant select, insert (id, case_id, at, action, from_state, to_state, reason, facts, note, note_lang, private)
  on case_event to daftar_citizen, daftar_staff;
grant select on case_event to daftar_jobs, daftar_auditor;

-- Whatever the page allowed: who applied, took or answered a case does not check
-- it, and who did any of it, or checked it, does not decide it.
-- +goose StatementBegin
create function case_hands() returns trigger language plpgsql as $$
begin
  if new.state in ('verified', 'approved', 'refused') and new.state <> old.state and exists (
      select from case_file f where f.change_id = new.id and (actor() in (f.account_id, f.opened_by) or exists (
        select from case_event e where e.case_id = f.id and e.actor = actor()
          and (e.action in ('submitted', 'answered') or e.action = 'recommended' and new.state <> 'verified')))) then
    raise exception 'who had a hand in the case cannot do this' using errcode = 'DF002';
  end if;
  return new;
end $$;
-- +goose StatementEnd
create trigger case_hands before update on change for each row execute function case_hands();

-- A case keeps its proposal until that is superseded, and says decided only
-- when the proposal was.
-- +goose StatementBegin
create function case_guard() returns trigger language plpgsql as $$
begin
  if new.change_id is distinct from old.change_id
     and exists (select from change c where c.id = old.change_id and c.state <> 'superseded') then
    raise exception 'the case has a proposal' using errcode = 'DF001';
  end if;
  if new.state <> old.state and new.state in ('approved', 'refused')
     and not exists (select from change c where c.id = new.change_id
                       and c.state = case new.state when 'approved' then 'applied' else 'refused' end) then
    raise exception 'the change was not %', new.state using errcode = 'DF001';
  end if;
  return new;
end $$;
-- +goose StatementEnd
create trigger case_guard before update on case_file for each row execute function case_guard();

-- Photos that came with a case. The bytes are in the blob store.
create table evidence (
  id          uuid primary key,
  case_id     uuid not null references case_file,
  member      text not null,                     -- whose: a member key of the draft
  kind        text not null check (kind in ('birth_certificate')),
  media_type  text not null,
  size        integer not null,
  width       integer not null,
  height      integer not null,
  sha256      bytea not null,
  blob        text not null,
  uploaded_at timestamptz not null,
  uploaded_by uuid not null default actor(),
  removed_at  timestamptz
);
create index evidence_case on evidence (case_id);
grant select, insert (id, case_id, member, kind, media_type, size, width, height, sha256, blob, uploaded_at), update (removed_at)
  on evidence to daftar_citizen, daftar_staff;
grant select on evidence to daftar_jobs;

-- +goose Down
select 1;
