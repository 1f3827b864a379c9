-- +goose Up

-- What people can ask for, as data: the questions, the proof that helps, who
-- decides, the clock, the letters. A version is never changed; a country
-- publishes a new one. A case keeps the version that it was begun with.
create table case_kind (
  id           uuid primary key,
  code         text not null check (code ~ '^[a-z][a-z_]{0,30}$'),
  version      integer not null check (version > 0),
  definition   jsonb not null,                  -- kinds.Kind
  published_at timestamptz not null,
  published_by uuid default actor(),
  unique (code, version)
);
grant select on case_kind to daftar_citizen, daftar_staff, daftar_jobs;
grant insert (id, code, version, definition, published_at) on case_kind to daftar_jobs;

-- Everything that a person asks for. draft holds what was typed, saved page by
-- page; on submission it becomes a change, where the kind changes records.
create table case_file (
  id               uuid primary key,
  ref              text not null unique,
  kind             text not null,
  kind_id          uuid not null references case_kind,
  state            text not null default 'draft' check (state in (
                     'draft', 'submitted', 'waiting', 'recommended', 'endorsed', 'stale', 'joined', 'approved', 'refused', 'withdrawn')),
  desk             text not null,                -- whose work it is: see desk_role
  hands            smallint not null default 2 check (hands between 1 and 3), -- how many officials it takes
  access           text not null default 'open' check (access in ('open', 'restricted', 'sealed')),
  access_wanted    text not null default 'open' check (access_wanted in ('open', 'restricted', 'sealed')), -- from its submission on
  channel          text not null check (channel in ('portal', 'counter', 'anonymous', 'event')),
  account_id       uuid references account,     -- who filed it in the portal
  opened_by        uuid references staff,       -- who took it at the counter, or began it in the office
  person_id        uuid,                        -- for whom: the filer's own record, or that of somebody they act for
  household_id     uuid references household,   -- whose household it is about
  area_id          uuid references area,        -- the office; l0 to l5 are its area's ancestors
  l0 uuid, l1 uuid, l2 uuid, l3 uuid, l4 uuid, l5 uuid,
  applicant        text not null default '',    -- as the queue calls it
  language         text not null,
  draft            jsonb not null default '{}',
  version          integer not null default 1,  -- of the draft and the state
  steps            integer not null default 0,  -- how many events there are
  change_id        uuid references change,
  blocked          text,                        -- why no change could be made of the draft: a message key
  joined_to        uuid references case_file,   -- the case about the same event that was filed first
  status_code_version integer not null default 1, -- the code on the receipt is derived from it
  created_at       timestamptz not null,
  submitted_at     timestamptz,
  due_on           date,                        -- the day by which there must be an answer
  due_at           timestamptz,                 -- or the hour, where hours count
  waiting_since    timestamptz,
  asks             smallint not null default 0 check (asks <= 2), -- how often the clock was stopped (RULES R12)
  objections_until date,                        -- those affected may object until then
  escalated_at     timestamptz,
  escalation       smallint not null default 0 check (escalation between 0 and 3), -- whom lateness has reached: deadline.Silence
  decided_at       timestamptz,
  assigned_to      uuid references staff,
  news_at          timestamptz,                 -- something from the applicant that nobody has opened yet
  check (channel = 'event' or (channel = 'portal') = (account_id is not null) and (channel = 'counter') = (opened_by is not null)),
  check (state in ('draft', 'withdrawn') or submitted_at is not null and due_on is not null and area_id is not null)
);
-- One application at a time: a second press of "start" finds the first.
create unique index case_file_open_registration on case_file (account_id)
  where kind = 'registration' and state in ('draft', 'submitted', 'waiting', 'recommended', 'endorsed', 'stale');
create index case_file_account on case_file (account_id, created_at desc);
create index case_file_person on case_file (person_id, created_at desc) where person_id is not null;
create index case_file_household on case_file (household_id, created_at desc) where household_id is not null;
create index case_file_change on case_file (change_id);
create index case_file_joined on case_file (joined_to) where joined_to is not null;
-- The queue: what is open in an area of any level, at a desk, by the due day.
-- Whether somebody has it stands before the day, so that both lists are one
-- range each.
create index case_file_queue0 on case_file (l0, desk, (assigned_to is null), due_on, ref) where state in ('submitted', 'waiting', 'recommended', 'endorsed', 'stale');
create index case_file_queue1 on case_file (l1, desk, (assigned_to is null), due_on, ref) where l1 is not null and state in ('submitted', 'waiting', 'recommended', 'endorsed', 'stale');
create index case_file_queue2 on case_file (l2, desk, (assigned_to is null), due_on, ref) where l2 is not null and state in ('submitted', 'waiting', 'recommended', 'endorsed', 'stale');
create index case_file_queue3 on case_file (l3, desk, (assigned_to is null), due_on, ref) where l3 is not null and state in ('submitted', 'waiting', 'recommended', 'endorsed', 'stale');
create index case_file_queue4 on case_file (l4, desk, (assigned_to is null), due_on, ref) where l4 is not null and state in ('submitted', 'waiting', 'recommended', 'endorsed', 'stale');
create index case_file_queue5 on case_file (l5, desk, (assigned_to is null), due_on, ref) where l5 is not null and state in ('submitted', 'waiting', 'recommended', 'endorsed', 'stale');
create index case_file_mine on case_file (assigned_to, due_on, ref) where assigned_to is not null and state in ('submitted', 'waiting', 'recommended', 'endorsed', 'stale');
-- The state moves with an event, and only so: see case_step.
grant select, insert (id, ref, kind, kind_id, desk, hands, access_wanted, channel, account_id, opened_by, person_id, household_id, applicant, language, draft, created_at),
  update (draft, version, hands, access_wanted, area_id, household_id, applicant, change_id, blocked, submitted_at, due_on, due_at, objections_until)
  on case_file to daftar_citizen, daftar_staff;
grant update (decided_at, assigned_to, news_at) on case_file to daftar_staff;
grant update (news_at) on case_file to daftar_citizen;
grant select, insert, update on case_file to daftar_jobs;

alter table source add foreign key (case_id) references case_file;

-- +goose StatementBegin
create function case_place() returns trigger language plpgsql as $$
begin
  if new.area_id is not null then
    select a.l0, a.l1, a.l2, a.l3, a.l4, a.l5 into new.l0, new.l1, new.l2, new.l3, new.l4, new.l5 from area a where a.id = new.area_id;
  end if;
  return new;
end $$;
-- +goose StatementEnd
create trigger case_place before insert or update of area_id on case_file for each row execute function case_place();

-- Who works at which desk. auth/policy.go says the same; a test compares them.
create table desk_role (
  desk text not null,
  step text not null check (step in ('read', 'take', 'ask', 'recommend', 'decide')),
  role text not null,
  primary key (desk, step, role)
);
insert into desk_role (desk, step, role) values
  ('office', 'read', 'intake'), ('office', 'take', 'intake'), ('office', 'ask', 'intake'),
  ('office', 'read', 'verifier'), ('office', 'ask', 'verifier'), ('office', 'recommend', 'verifier'),
  ('office', 'read', 'approver'), ('office', 'decide', 'approver'),
  ('office', 'read', 'approver2'), ('office', 'decide', 'approver2'),
  ('quality', 'read', 'dataquality'), ('quality', 'ask', 'dataquality'),
  ('quality', 'read', 'verifier'), ('quality', 'ask', 'verifier'), ('quality', 'recommend', 'verifier'),
  ('quality', 'read', 'approver'), ('quality', 'decide', 'approver'),
  ('quality', 'read', 'approver2'), ('quality', 'decide', 'approver2'),
  ('grievance', 'take', 'intake'),
  ('grievance', 'read', 'grievance'), ('grievance', 'ask', 'grievance'),
  ('grievance', 'recommend', 'grievance'), ('grievance', 'decide', 'grievance'),
  ('appeals', 'take', 'intake'),
  ('appeals', 'read', 'appeals'), ('appeals', 'ask', 'appeals'), ('appeals', 'recommend', 'appeals'), ('appeals', 'decide', 'appeals'),
  ('protection', 'take', 'intake'),
  ('protection', 'read', 'protection'), ('protection', 'ask', 'protection'),
  ('protection', 'recommend', 'protection'), ('protection', 'decide', 'protection');
grant select on desk_role to daftar_staff, daftar_jobs;

-- Whether a member of staff may take a step at a desk for an area, at this
-- moment. Without an area: anywhere.
-- +goose StatementBegin
create function staff_may(p_staff uuid, p_desk text, p_step text, p_area uuid, p_at timestamptz) returns boolean
language sql stable security definer set search_path = public, pg_temp as $$
  select exists (
    select from staff s
    join staff_scope r on r.staff_id = s.id and r.valid_from <= p_at and (r.valid_to is null or r.valid_to > p_at)
    join desk_role d on d.role = r.role and d.desk = p_desk and d.step = p_step
    left join area a on a.id = p_area
    where s.id = p_staff and s.active and (p_area is null or r.area_id in (a.l0, a.l1, a.l2, a.l3, a.l4, a.l5)))
$$;
-- +goose StatementEnd
grant execute on function staff_may(uuid, text, text, uuid, timestamptz) to daftar_staff, daftar_jobs;

-- The life of a case: which step leads from which state to which, whose step it
-- is, and in which permission of the desk. registry/cases/state.go says the same;
-- a test compares them. '*' is any state, and stays.
create table case_transition (
  from_state text not null,
  action     text not null,
  to_state   text not null,
  hand       text not null check (hand in ('applicant', 'affected', 'officer', 'clock')),
  step       text not null default '',           -- of desk_role, where an officer takes it
  hands      smallint[],                         -- only where that many officials are needed; null: in all cases
  primary key (from_state, action, hand)
);
insert into case_transition (from_state, action, to_state, hand, step, hands) values
  ('draft', 'submitted', 'submitted', 'applicant', '', null),
  ('draft', 'withdrawn', 'withdrawn', 'applicant', '', null),
  ('submitted', 'asked', 'waiting', 'officer', 'ask', null),
  ('submitted', 'recommended', 'recommended', 'officer', 'recommend', '{2,3}'),
  ('submitted', 'approved', 'approved', 'officer', 'decide', '{1}'),
  ('submitted', 'refused', 'refused', 'officer', 'decide', '{1}'),
  ('submitted', 'joined', 'joined', 'clock', '', null),
  ('submitted', 'staled', 'stale', 'clock', '', null),
  ('submitted', 'withdrawn', 'withdrawn', 'applicant', '', null),
  ('waiting', 'answered', 'submitted', 'applicant', '', null),
  ('waiting', 'lapsed', 'submitted', 'clock', '', null),
  ('waiting', 'withdrawn', 'withdrawn', 'applicant', '', null),
  ('recommended', 'returned', 'submitted', 'officer', 'decide', null),
  ('recommended', 'approved', 'approved', 'officer', 'decide', '{2}'),
  ('recommended', 'endorsed', 'endorsed', 'officer', 'decide', '{3}'),
  ('recommended', 'refused', 'refused', 'officer', 'decide', '{2,3}'),
  ('recommended', 'staled', 'stale', 'clock', '', null),
  ('recommended', 'withdrawn', 'withdrawn', 'applicant', '', null),
  ('endorsed', 'approved', 'approved', 'officer', 'decide', '{3}'),
  ('endorsed', 'returned', 'submitted', 'officer', 'decide', null),
  ('endorsed', 'staled', 'stale', 'clock', '', null),
  ('endorsed', 'withdrawn', 'withdrawn', 'applicant', '', null),
  ('stale', 'renewed', 'submitted', 'clock', '', null),
  ('stale', 'withdrawn', 'withdrawn', 'applicant', '', null),
  ('joined', 'approved', 'approved', 'clock', '', null),
  ('joined', 'refused', 'refused', 'clock', '', null),
  ('joined', 'parted', 'submitted', 'clock', '', null),
  ('joined', 'withdrawn', 'withdrawn', 'applicant', '', null),
  ('*', 'said', '*', 'applicant', '', null),
  ('*', 'said', '*', 'officer', 'ask', null),
  ('*', 'added', '*', 'applicant', '', null),
  ('*', 'told', '*', 'clock', '', null),
  ('*', 'agreed', '*', 'affected', '', null),
  ('*', 'objected', '*', 'affected', '', null),
  ('*', 'noted', '*', 'officer', 'read', null),
  ('*', 'assigned', '*', 'officer', 'read', null),
  ('*', 'trimmed', '*', 'officer', 'read', null),
  ('*', 'linked', '*', 'officer', 'read', null),
  ('*', 'visit', '*', 'officer', 'ask', null),
  ('*', 'visited', '*', 'officer', 'ask', null),
  ('*', 'barred', '*', 'officer', 'ask', null),
  ('*', 'released', '*', 'clock', '', null),
  ('*', 'escalated', '*', 'clock', '', null),
  ('*', 'alarmed', '*', 'clock', '', null);
grant select on case_transition to daftar_staff, daftar_jobs;

-- What happened, in order. Notes are the writer's own words, with their language.
create table case_event (
  id          uuid primary key,
  case_id     uuid not null references case_file,
  seq         integer not null default 0,         -- by case_step, as all but the writer's own words
  at          timestamptz not null,
  actor_kind  text not null default actor_kind(),
  actor       uuid default actor(),
  action      text not null,
  from_state  text not null default '',          -- both by case_step
  to_state    text not null default '',
  reason      text,                              -- a code: of the kind's reasons, or of the action's own
  facts       jsonb not null default '{}',
  note        text not null default '',
  note_lang   text not null default '',
  private     boolean not null default false     -- for staff only
);
create unique index case_event_case on case_event (case_id, seq);
grant select, insert (id, case_id, at, action, reason, facts, note, note_lang, private)
  on case_event to daftar_citizen, daftar_staff, daftar_jobs;
grant select on case_event to daftar_auditor;

-- Whatever the page allowed: who applied, took or answered a case does not check
-- it; who did any of it, or checked it, does not decide it; and records change
-- only when as many officials agreed as the case needs.
-- +goose StatementBegin
create function case_hands() returns trigger language plpgsql as $$
begin
  if new.state in ('verified', 'approved', 'refused') and new.state <> old.state and exists (
      select from case_file f where f.change_id = new.id and (actor() in (f.account_id, f.opened_by) or exists (
        select from case_event e where e.case_id = f.id and e.actor = actor()
          and (e.action in ('submitted', 'answered') or e.action in ('recommended', 'endorsed') and new.state <> 'verified')))) then
    raise exception 'who had a hand in the case cannot do this' using errcode = 'DF002';
  end if;
  if new.state = 'approved' and old.state <> 'approved' and new.origin = 'case' and not exists (select from change_item i where i.change_id = new.id) then
    raise exception 'there is nothing to approve' using errcode = 'DF001';
  end if;
  if new.state = 'approved' and old.state <> 'approved' and exists (
      select from case_file f where f.change_id = new.id and f.state <> case f.hands when 3 then 'endorsed' else 'recommended' end) then
    raise exception 'the case needs more officials' using errcode = 'DF002';
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
  if new.hands < old.hands and old.state <> 'draft' then
    raise exception 'a case does not need fewer officials than before' using errcode = 'DF001';
  end if;
  if new.state <> old.state and new.state in ('approved', 'refused') and new.joined_to is null then
    if new.state = 'approved' and new.blocked is not null then
      raise exception 'no change could be made of the case' using errcode = 'DF001';
    end if;
    if new.change_id is not null and not exists (
        select from change c where c.id = new.change_id
          and c.state = case new.state when 'approved' then 'applied' else 'refused' end) then
      raise exception 'the change was not %', new.state using errcode = 'DF001';
    end if;
  end if;
  return new;
end $$;
-- +goose StatementEnd
create trigger case_guard before update on case_file for each row execute function case_guard();

-- Photos that came with a case. The bytes are in the blob store.
create table evidence (
  id          uuid primary key,
  case_id     uuid not null references case_file,
  member      text not null default '',          -- whose: a member key of a registration's draft
  kind        text not null check (kind ~ '^[a-z][a-z0-9_]{0,50}$'), -- what it is: a code of the kind's proof, or of a field
  media_type  text not null,
  size        integer not null,
  width       integer not null,
  height      integer not null,
  sha256      bytea not null,
  blob        text not null,
  uploaded_at timestamptz not null,
  uploaded_by uuid default actor(),              -- none where nobody is signed in
  event_id    uuid references case_event,        -- the message that it came with
  removed_at  timestamptz
);
create index evidence_case on evidence (case_id);
grant select, insert (id, case_id, member, kind, media_type, size, width, height, sha256, blob, uploaded_at, event_id), update (removed_at)
  on evidence to daftar_citizen, daftar_staff;
grant select on evidence to daftar_jobs;

-- +goose Down
select 1;
