-- +goose Up

-- The record of the person who is signed in to the portal, for its policies.
create function own_person() returns uuid language sql stable
return (select a.person_id from account a where a.id = actor());
grant execute on function own_person() to daftar_citizen, daftar_staff, daftar_jobs;

-- When the service was down: nobody loses a day to that (RULES R12). Each part
-- that runs beats once a minute; a gap between two beats is an outage.
create table service_pulse (
  part text primary key,
  at   timestamptz not null
);
grant select, insert, update on service_pulse to daftar_jobs;

create table service_outage (
  id         uuid primary key,
  started_at timestamptz not null,
  ended_at   timestamptz,
  note       text not null default '',
  note_lang  text not null default '',
  noted_at   timestamptz not null,
  noted_by   uuid default actor(),              -- none: the program noticed
  constraint outage_order check (ended_at > started_at)
);
create index service_outage_end on service_outage (ended_at);
grant select on service_outage to daftar_citizen, daftar_staff, daftar_jobs;
grant insert (id, started_at, ended_at, note, note_lang, noted_at), update (ended_at) on service_outage to daftar_staff, daftar_jobs;

-- What somebody is told: a kind, what it is about, and never a name. once makes
-- sure that one thing is told once, however often the job runs.
create table notice (
  id          uuid primary key,
  ref         text not null unique,
  kind        text not null check (kind ~ '^[a-z][a-z0-9_]{0,40}$'),
  person_id   uuid references person,
  account_id  uuid references account,          -- of somebody who is not in the registry yet
  case_id     uuid references case_file,
  decision_id uuid references decision,
  letter_id   uuid,
  change_id   uuid references change,           -- what altered their contacts: it goes to those from before
  legal       boolean not null default false,   -- opting out does not stop it
  once        text not null unique,
  created_at  timestamptz not null,
  planned_at  timestamptz,                      -- since when it is known on which channels it goes
  read_at     timestamptz,
  check (num_nonnulls(person_id, account_id) >= 1)
);
create index notice_person on notice (person_id, created_at desc);
create index notice_account on notice (account_id, created_at desc) where account_id is not null;
create index notice_case on notice (case_id) where case_id is not null;
create index notice_decision on notice (decision_id) where decision_id is not null;
create index notice_unplanned on notice (created_at) where planned_at is null;
grant select, insert (id, ref, kind, person_id, account_id, case_id, decision_id, letter_id, change_id, legal, once, created_at), update (read_at) on notice to daftar_citizen;
grant select, insert (id, ref, kind, person_id, account_id, case_id, decision_id, letter_id, change_id, legal, once, created_at) on notice to daftar_staff;
grant select, insert, update on notice to daftar_jobs;
alter table notice enable row level security;
create policy own on notice for select to daftar_citizen using (account_id = actor() or person_id = own_person());
create policy own_read on notice for update to daftar_citizen using (account_id = actor() or person_id = own_person());
create policy tell on notice for insert to daftar_citizen with check (true);
create policy guessed on notice for insert to daftar_issuer with check (kind = 'offer_guessed');
grant insert (id, ref, kind, person_id, account_id, case_id, decision_id, letter_id, change_id, legal, once, created_at) on notice to daftar_issuer;
create policy office on notice to daftar_staff, daftar_jobs using (true);

-- One physical message. It holds no address: where it went to can be compared
-- and not read.
create table notice_message (
  id         uuid primary key,
  channel    text not null check (channel in ('email', 'sms')),
  address    bytea not null,                    -- seal.Mark
  state      text not null default 'sending' check (state in ('sending', 'sent', 'delivered', 'failed', 'unsure')),
  gateway    text,                              -- the gateway's name for it
  created_at timestamptz not null,
  changed_at timestamptz not null
);
create index notice_message_address on notice_message (address, created_at desc);
create unique index notice_message_gateway on notice_message (gateway) where gateway is not null;
grant select, insert, update on notice_message to daftar_jobs;

-- What became of a notice on a channel. A message may carry the news of many
-- people who share a phone.
create table notice_delivery (
  notice_id  uuid not null references notice,
  channel    text not null check (channel in ('email', 'sms')),
  state      text not null check (state in ('queued', 'sending', 'sent', 'delivered', 'failed', 'unsure', 'skipped')),
  why        text not null default '' check (why ~ '^[a-z0-9_ ]{0,40}$'), -- a code: why it is not sent, or failed
  hint       text not null default '',          -- the end of the number, the beginning of the address
  address    bytea,
  message_id uuid references notice_message,
  tries      integer not null default 0,
  not_before timestamptz,                       -- quiet hours, a pause between messages, the next try
  changed_at timestamptz not null,
  primary key (notice_id, channel),
  check (state <> 'queued' or address is not null and message_id is null)
);
create index notice_delivery_address on notice_delivery (address) where state = 'queued';
create index notice_delivery_message on notice_delivery (message_id);
create index notice_delivery_open on notice_delivery (changed_at) where state in ('queued', 'sending');
grant select on notice_delivery to daftar_citizen, daftar_staff;
grant select, insert, update on notice_delivery to daftar_jobs;
alter table notice_delivery enable row level security;
create policy own on notice_delivery for select to daftar_citizen using (exists (select from notice n where n.id = notice_id));
create policy office on notice_delivery to daftar_staff, daftar_jobs using (true);

-- What a gateway reports about a message that it took. The latest word counts,
-- but a message that arrived stays so.
-- +goose StatementBegin
create function note_delivery(p_gateway text, p_delivered boolean, p_why text, p_now timestamptz) returns boolean
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  v_id uuid;
  v_state text := case when p_delivered then 'delivered' else 'failed' end;
begin
  update notice_message set state = v_state, changed_at = p_now
  where gateway = p_gateway and state in ('sent', 'unsure', 'failed') and state <> v_state returning id into v_id;
  if v_id is null then
    return exists (select from notice_message where gateway = p_gateway);
  end if;
  update notice_delivery set state = v_state, why = case when p_delivered then '' else p_why end, changed_at = p_now where message_id = v_id;
  return true;
end $$;
-- +goose StatementEnd
grant execute on function note_delivery(text, boolean, text, timestamptz) to daftar_citizen;

-- How somebody wants to be told.
create table notice_setting (
  person_id  uuid primary key references person,
  language   text not null default '',          -- '': as they last used it
  email_off  boolean not null default false,
  sms_off    boolean not null default false,
  changed_at timestamptz not null
);
grant select, insert, update on notice_setting to daftar_citizen, daftar_staff, daftar_jobs;
alter table notice_setting enable row level security;
create policy own on notice_setting to daftar_citizen using (person_id = own_person());
create policy office on notice_setting to daftar_staff, daftar_jobs using (true);

-- While somebody is reported dead, nothing goes to their phone (RULES R16).
create table contact_hold (
  id        uuid primary key,
  person_id uuid not null references person,
  reason    text not null check (reason in ('reported_dead', 'not_safe')),
  case_id   uuid references case_file,
  since     timestamptz not null,
  ended_at  timestamptz
);
create unique index contact_hold_open on contact_hold (person_id, reason) where ended_at is null;
grant insert (id, person_id, reason, case_id, since) on contact_hold to daftar_citizen;
grant select, insert (id, person_id, reason, case_id, since), update (ended_at) on contact_hold to daftar_staff, daftar_jobs;

-- The words of letters, per language. The latest that a person has reviewed
-- goes out as the text that counts (RULES R3).
create table letter_text (
  id          uuid primary key,
  kind        text not null,
  language    text not null,
  version     integer not null check (version > 0),
  title       text not null,
  body        text not null,                    -- paragraphs with an empty line between; {names} of facts
  written_at  timestamptz not null,
  written_by  uuid default actor(),             -- none: it came with the program
  reviewed_at timestamptz,
  reviewed_by uuid,
  unique (kind, language, version),
  constraint letter_text_review check ((reviewed_at is null) = (reviewed_by is null)),
  constraint letter_text_hands check (reviewed_by <> written_by)
);
grant select, insert (id, kind, language, version, title, body, written_at), update (reviewed_at, reviewed_by) on letter_text to daftar_staff;
grant select, insert, update (reviewed_at, reviewed_by) on letter_text to daftar_jobs;

-- A letter of legal weight. facts is what it is about, body what was told, in
-- which languages; from then on neither changes.
create table letter (
  id           uuid primary key,
  ref          text not null unique,
  kind         text not null,
  person_id    uuid references person,
  account_id   uuid references account,
  household_id uuid references household,
  area_id      uuid not null references area,   -- whose office prints it
  case_id      uuid references case_file,
  decision_id  uuid references decision,
  language     text not null,
  facts        jsonb not null,
  body         jsonb,                           -- none: held until its text was reviewed
  texts        uuid[] not null default '{}',    -- the letter_text rows that were used
  written_at   timestamptz not null,
  written_by   uuid default actor(),            -- none: a job
  composed_at  timestamptz,
  paper        text not null default 'none' check (paper in ('none', 'wanted', 'printed', 'handed_over', 'posted', 'returned', 'signed_for')),
  paper_at     timestamptz,
  once         text not null unique,
  check (num_nonnulls(person_id, account_id, case_id) >= 1), -- who came to the counter and is not registered has a case
  check ((body is null) = (composed_at is null))
);
create index letter_person on letter (person_id, written_at desc);
create index letter_decision on letter (decision_id);
create index letter_case on letter (case_id) where case_id is not null;
create index letter_held on letter (kind) where body is null;
create index letter_paper on letter (paper, paper_at) where paper <> 'none';
alter table notice add foreign key (letter_id) references letter;
grant select, insert (id, ref, kind, person_id, account_id, household_id, area_id, case_id, decision_id, language, facts, written_at, once) on letter to daftar_citizen, daftar_staff;
grant update (paper, paper_at) on letter to daftar_staff;
grant select, insert, update on letter to daftar_jobs;
alter table letter enable row level security;
create policy own on letter for select to daftar_citizen using (account_id = actor() or person_id = own_person());
create policy write on letter for insert to daftar_citizen with check (true);
create policy office on letter to daftar_staff, daftar_jobs using (true);

-- What happened to a letter, in order.
create table letter_event (
  id        uuid primary key,
  letter_id uuid not null references letter,
  at        timestamptz not null,
  what      text not null check (what in ('wanted', 'printed', 'handed_over', 'posted', 'returned', 'signed_for', 'opened')),
  on_day    date not null,                      -- where the person is
  by_kind   text not null default actor_kind(),
  by        uuid default actor(),
  note      text not null default '',
  note_lang text not null default ''
);
create index letter_event_letter on letter_event (letter_id, at, id);
create unique index letter_event_opened on letter_event (letter_id) where what = 'opened';
grant select, insert (id, letter_id, at, what, on_day) on letter_event to daftar_citizen;
grant select, insert (id, letter_id, at, what, on_day, note, note_lang) on letter_event to daftar_staff, daftar_jobs;
alter table letter_event enable row level security;
create policy own on letter_event for select to daftar_citizen using (exists (select from letter l where l.id = letter_id));
create policy opened on letter_event for insert to daftar_citizen with check (what = 'opened' and exists (select from letter l where l.id = letter_id));
create policy office_read on letter_event for select to daftar_staff using (true);
create policy office_note on letter_event for insert to daftar_staff with check (what <> 'opened');
create policy worker on letter_event to daftar_jobs using (true);

-- What was told stays, and paper goes its way: it is printed before it is
-- posted, and comes back only when it went out.
-- +goose StatementBegin
create function letter_guard() returns trigger language plpgsql as $$
begin
  if new.facts is distinct from old.facts or new.kind <> old.kind or new.decision_id is distinct from old.decision_id
     or old.body is not null and (new.body is distinct from old.body or new.texts <> old.texts) then
    raise exception 'a letter that was written stays as it is' using errcode = 'DF001';
  end if;
  if new.paper <> old.paper and (new.body is null or (old.paper, new.paper) not in (
       ('none', 'wanted'), ('wanted', 'none'), ('wanted', 'printed'), ('printed', 'posted'), ('printed', 'handed_over'), ('printed', 'signed_for'),
       ('handed_over', 'signed_for'), ('handed_over', 'returned'), ('posted', 'signed_for'), ('posted', 'returned'), ('returned', 'wanted'))) then
    raise exception 'the letter is % and cannot be %', old.paper, new.paper using errcode = 'DF001';
  end if;
  return new;
end $$;
-- +goose StatementEnd
create trigger letter_guard before update on letter for each row execute function letter_guard();

-- A decision that would take something away is a proposal first (RULES R10).
-- replaces is what it would end. Everything else is in force as it is made.
alter table decision
  add column state text not null default 'in_force'
    check (state in ('proposed', 'served', 'suspended', 'upheld', 'in_force', 'overturned', 'withdrawn')),
  add column replaces     uuid references decision,
  add column sent_at      timestamptz,
  add column sent_by      uuid,
  add column served_on    date,
  add column appeal_until timestamptz,
  add column effective_at timestamptz,          -- the beginning of the day on which it comes into force
  add column in_force_at  timestamptz,
  add column appeal_case  uuid references case_file,
  add column settled_at   timestamptz,          -- set aside, upheld, overturned
  add column settled_by   uuid,
  add column settled_note text not null default '',
  add column settled_lang text not null default '',
  add constraint decision_adverse check ((state = 'in_force' or replaces is not null) and (replaces is null or outcome = 'not_eligible'));
drop index decision_current;
create unique index decision_current on decision (programme_id, household_id) where kind = 'programme' and superseded_at is null and state = 'in_force';
create unique index decision_adverse_open on decision (programme_id, household_id) where state in ('proposed', 'served', 'suspended', 'upheld');
create index decision_effective on decision (effective_at) where state in ('served', 'upheld');
create index decision_replaces on decision (replaces) where replaces is not null;
grant update (sent_at, sent_by, state, settled_at, settled_by, settled_note, settled_lang) on decision to daftar_staff;
grant update (state, served_on, appeal_until, effective_at, in_force_at, settled_at) on decision to daftar_jobs;

-- The life of such a decision; programmes.Next says the same, and a test
-- compares them.
create function decision_step(p_from text, p_to text) returns boolean language sql immutable
return (p_from, p_to) in (
  ('proposed', 'served'), ('proposed', 'withdrawn'), ('proposed', 'suspended'),
  ('served', 'proposed'), ('served', 'withdrawn'), ('served', 'suspended'), ('served', 'in_force'),
  ('suspended', 'upheld'), ('suspended', 'overturned'), ('suspended', 'proposed'),
  ('upheld', 'suspended'), ('upheld', 'in_force'), ('in_force', 'suspended'));

grant execute on function decision_step(text, text) to daftar_staff, daftar_jobs;

-- +goose StatementBegin
create function decision_life() returns trigger language plpgsql as $$
begin
  if tg_op = 'INSERT' then
    if new.replaces is not null and (new.state <> 'proposed' or new.sent_at is not null or new.served_on is not null
       or not exists (select from decision d where d.id = new.replaces and d.programme_id = new.programme_id and d.household_id = new.household_id
                        and d.outcome = 'eligible' and d.state = 'in_force' and d.superseded_at is null)) then
      raise exception 'what takes away is a proposal about a decision in force' using errcode = 'DF001';
    end if;
    return new;
  end if;
  if new.sent_at is distinct from old.sent_at and (old.sent_at is not null or old.state <> 'proposed' or new.sent_by is distinct from actor() or actor_kind() <> 'staff') then
    raise exception 'a proposal is sent once, by an officer' using errcode = 'DF001';
  end if;
  if new.state = old.state then
    return new;
  end if;
  if old.replaces is null or not decision_step(old.state, new.state) then
    raise exception 'a decision that is % cannot be %', old.state, new.state using errcode = 'DF001';
  end if;
  case new.state
  when 'served' then
    if new.sent_at is null or new.served_on is null or not exists (
         select from letter l join letter_event e on e.letter_id = l.id
         where l.decision_id = new.id and e.what in ('opened', 'signed_for', 'posted')) then
      raise exception 'nothing proves that it was served' using errcode = 'DF001';
    end if;
    if new.appeal_until < ((new.served_on + 30)::timestamp at time zone 'UTC') or new.appeal_until is null
       or new.effective_at is null or new.effective_at < new.appeal_until then
      raise exception 'it comes into force after the time to appeal, which is thirty days' using errcode = 'DF001';
    end if;
  when 'in_force' then
    if new.in_force_at is null or new.in_force_at < new.effective_at or old.state = 'served' and new.in_force_at < new.appeal_until then
      raise exception 'it is not in force yet' using errcode = 'DF001';
    end if;
  when 'suspended' then
    if new.appeal_case is null or new.sent_at is null then
      raise exception 'an appeal suspends what was sent' using errcode = 'DF001';
    end if;
  when 'upheld', 'overturned' then
    if new.settled_by is null or new.settled_by is distinct from actor() or actor_kind() <> 'staff' then
      raise exception 'an appeal is decided by who is signed in' using errcode = 'DF002';
    end if;
    if new.settled_by = new.sent_by or exists (select from case_file f where f.id = new.appeal_case and new.settled_by = f.opened_by) then
      raise exception 'who decided never hears the appeal' using errcode = 'DF002';
    end if;
    if new.state = 'upheld' and (new.effective_at is null or new.effective_at < new.settled_at) then
      raise exception 'what was upheld comes into force later' using errcode = 'DF001';
    end if;
  else
  end case;
  return new;
end $$;

-- Nothing adverse in bulk.
create function decision_alone() returns trigger language plpgsql as $$
begin
  if (select count(*) from new_rows n where n.replaces is not null) > 1 then
    raise exception 'decisions that take away are taken one at a time' using errcode = 'DF001';
  end if;
  return null;
end $$;
-- +goose StatementEnd
create trigger decision_life before insert or update on decision for each row execute function decision_life();
create trigger decision_alone_insert after insert on decision
  referencing new table as new_rows for each statement execute function decision_alone();
create trigger decision_alone_update after update on decision
  referencing new table as new_rows for each statement execute function decision_alone();

-- An appeal suspends, whoever files it and through whichever role. What had
-- come into force before, because the appeal was late, is undone.
-- +goose StatementBegin
create function suspend_decision(p_decision uuid, p_case uuid, p_now timestamptz) returns void
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  d decision%rowtype;
begin
  select x.* into d from decision x where x.id = p_decision for update;
  if d.id is null or not exists (select from case_file f where f.id = p_case and (
       actor_kind() = 'staff'
       or f.account_id = actor() and exists (
         select from membership m where m.household_id = d.household_id and m.end_date is null and (m.person_id = own_person()
           or m.person_id = f.person_id and exists (select from delegation x -- somebody may appeal for them
             where x.person_id = f.person_id and x.account_id = actor() and 'appeal' = any(x.kinds) and x.revoked_at is null
               and local_day(p_now) between x.valid_from and x.valid_to))))) then
    raise exception 'the appeal is somebody else''s' using errcode = 'DF001';
  end if;
  if d.state = 'suspended' and d.appeal_case = p_case then
    return; -- sent twice
  end if;
  if d.superseded_at is not null then
    raise exception 'another decision has taken its place' using errcode = 'DF001';
  end if;
  update decision set state = 'suspended', appeal_case = p_case, settled_at = null, settled_by = null, settled_note = '' where id = p_decision;
  if d.state = 'in_force' then
    update decision set superseded_at = null where id = d.replaces;
  end if;
end $$;

-- The appeal was taken back: what it held up goes on.
create function resume_decision(p_decision uuid, p_case uuid, p_now timestamptz) returns void
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  update decision set state = 'proposed', appeal_case = null, served_on = null, appeal_until = null, effective_at = null
  where id = p_decision and state = 'suspended' and appeal_case = p_case
    and exists (select from case_file f where f.id = p_case and (actor_kind() = 'staff' or f.account_id = actor()));
  if not found then
    raise exception 'the decision is not suspended by this appeal' using errcode = 'DF001';
  end if;
end $$;

create function settle_decision(p_decision uuid, p_case uuid, p_upheld boolean, p_effective timestamptz, p_now timestamptz) returns void
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  update decision set
    state = case when p_upheld then 'upheld' else 'overturned' end, settled_at = p_now, settled_by = actor(),
    effective_at = case when p_upheld then p_effective else effective_at end
  where id = p_decision and state = 'suspended' and appeal_case = p_case;
  if not found then
    raise exception 'the decision is not suspended by this appeal' using errcode = 'DF001';
  end if;
end $$;
-- +goose StatementEnd
grant execute on function suspend_decision(uuid, uuid, timestamptz), resume_decision(uuid, uuid, timestamptz) to daftar_citizen, daftar_staff, daftar_jobs;
grant execute on function settle_decision(uuid, uuid, boolean, timestamptz, timestamptz) to daftar_staff, daftar_jobs;

-- A new version of a rule is measured before it is used. One that would take
-- something from more than two in a hundred waits for the ministry and goes in
-- waves (RULES R10).
alter table programme_rule add column published_by uuid default actor();

create table rule_review (
  rule_id     uuid primary key references programme_rule,
  state       text not null check (state in ('measuring', 'free', 'waiting', 'approved', 'refused')),
  enrolled    integer,
  losing      integer,
  measured_at timestamptz,
  decided_at  timestamptz,
  decided_by  uuid,
  note        text not null default '',
  note_lang   text not null default '',
  waves       integer,
  first_wave  date,
  check ((state in ('approved', 'refused')) = (decided_by is not null)),
  check (state in ('measuring') or enrolled is not null and losing is not null),
  check (state <> 'free' or losing * 50 <= enrolled),
  check (state <> 'approved' or waves * greatest(1, enrolled / 50) >= losing and first_wave is not null)
);
grant select on rule_review to daftar_citizen, daftar_staff, daftar_issuer, daftar_api, daftar_jobs;
grant update (state, decided_at, decided_by, note, note_lang, waves, first_wave) on rule_review to daftar_staff;
grant insert, update (state, enrolled, losing, measured_at) on rule_review to daftar_jobs;

create table rule_loss (
  rule_id      uuid not null references programme_rule,
  household_id uuid not null references household,
  wave         integer,
  assessed_at  timestamptz,
  primary key (rule_id, household_id)
);
create index rule_loss_wave on rule_loss (rule_id, wave) where assessed_at is null;
grant select, update (wave) on rule_loss to daftar_staff;
grant select, insert, update, delete on rule_loss to daftar_jobs;

-- +goose StatementBegin
create function rule_review_guard() returns trigger language plpgsql as $$
begin
  if tg_op = 'UPDATE' and new.state <> old.state and (old.state, new.state) not in (
       ('measuring', 'free'), ('measuring', 'waiting'), ('waiting', 'approved'), ('waiting', 'refused')) then
    raise exception 'the review is %', old.state using errcode = 'DF001';
  end if;
  if new.state in ('approved', 'refused') and (new.decided_by is distinct from actor() or actor_kind() <> 'staff'
       or exists (select from programme_rule r where r.id = new.rule_id and r.published_by = new.decided_by)) then
    raise exception 'who published a rule does not approve it' using errcode = 'DF002';
  end if;
  return new;
end $$;
-- +goose StatementEnd
create trigger rule_review_guard before insert or update on rule_review for each row execute function rule_review_guard();

-- Files are held back until they were scanned. A blob that is not listed here
-- is opened by nobody.
create table blob_scan (
  blob       text primary key,
  state      text not null default 'pending' check (state in ('pending', 'clean', 'infected', 'not_scanned')),
  asked_at   timestamptz not null,
  scanned_at timestamptz,
  finding    text not null default '',          -- what the scanner calls it
  check ((state = 'infected') = (finding <> '')),
  check (state = 'pending' or scanned_at is not null)
);
create index blob_scan_open on blob_scan (asked_at) where state in ('pending', 'not_scanned');
grant select, insert (blob, asked_at) on blob_scan to daftar_citizen, daftar_staff, daftar_jobs;
grant update (state, scanned_at, finding) on blob_scan to daftar_jobs;

insert into outbox_kind (kind, role) values
  ('send_notice', 'daftar_issuer'), ('send_notice', 'daftar_citizen'), ('send_notice', 'daftar_staff'), ('send_notice', 'daftar_jobs'),
  ('compose_letter', 'daftar_citizen'), ('compose_letter', 'daftar_staff'), ('compose_letter', 'daftar_jobs'),
  ('follow_letter', 'daftar_citizen'), ('follow_letter', 'daftar_staff'), ('follow_letter', 'daftar_jobs'),
  ('scan_blob', 'daftar_citizen'), ('scan_blob', 'daftar_staff'), ('scan_blob', 'daftar_jobs'),
  ('measure_rule', 'daftar_staff'), ('measure_rule', 'daftar_jobs');

-- +goose Down
select 1;
