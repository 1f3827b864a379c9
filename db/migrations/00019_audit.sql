-- +goose Up

-- The audit log is only ever added to. Whoever owns the tables or the server
-- can still change it: that is found out (docs/audit.md).
-- +goose StatementBegin
create function append_only() returns trigger language plpgsql as $$
begin
  raise exception '% is only ever added to', tg_table_name using errcode = '42501';
end $$;

-- The months' partitions, this one and the next two. A month that has rows in
-- the default partition stays there. Returns how many were made.
create function audit_partitions(p_now timestamptz) returns integer
language plpgsql security definer set search_path = public, pg_temp set lock_timeout = '2s' set timezone = 'UTC' as $$
declare
  v_made integer := 0;
  v_name text;
begin
  if pg_try_advisory_xact_lock(4276215470) then
    for v_month in 0..2 loop
      for v_table in 1..2 loop
        v_name := (array['audit_event', 'audit_subject'])[v_table];
        p_now := date_trunc('month', p_now);
        if to_regclass(v_name || to_char(p_now, '_YYYY_MM')) is null then
          begin
            -- Attached, because CREATE ... PARTITION OF would lock out everybody who writes.
            execute format('create table %I (like %I including defaults including constraints)', v_name || to_char(p_now, '_YYYY_MM'), v_name);
            execute format('alter table %I attach partition %I for values from (%L) to (%L)',
              v_name, v_name || to_char(p_now, '_YYYY_MM'), p_now, p_now + interval '1 month');
            execute format('create trigger append_only_all before truncate on %I execute function append_only()', v_name || to_char(p_now, '_YYYY_MM'));
            execute format('alter table %I enable row level security, force row level security', v_name || to_char(p_now, '_YYYY_MM'));
            execute format('create policy owner on %I to %I using (true)', v_name || to_char(p_now, '_YYYY_MM'), current_user);
            v_made := v_made + 1;
          exception when check_violation then
            null;
          end;
        end if;
      end loop;
      p_now := p_now + interval '1 month';
    end loop;
  end if;
  return v_made;
end $$;
-- +goose StatementEnd
grant execute on function audit_partitions(timestamptz) to daftar_jobs;

-- How far the log is sealed: every event that is visible in the snapshot seen
-- is a leaf. A transaction that commits late is not in it, and is next.
create table audit_log (
  one    boolean primary key default true check (one),
  origin text not null,                          -- names the log in its checkpoints
  seen   pg_snapshot not null,
  size   bigint not null
);
grant select on audit_log to daftar_auditor, daftar_jobs;
grant insert, update (seen, size) on audit_log to daftar_jobs;

-- The Merkle tree (RFC 6962 section 2.1): leaves in their order, and the roots
-- of complete subtrees of 256^level leaves, which are the tiles of C2SP tlog-tiles.
create table audit_leaf (
  idx      bigint primary key check (idx >= 0),
  at       timestamptz not null,
  event_id uuid not null,
  hash     bytea not null check (octet_length(hash) = 32),
  unique (event_id, at)
);
grant select on audit_leaf to daftar_auditor, daftar_jobs, daftar_citizen;
grant insert on audit_leaf to daftar_jobs;

create table audit_node (
  level smallint not null check (level between 1 and 7),
  idx   bigint not null check (idx >= 0),
  hash  bytea not null check (octet_length(hash) = 32),
  primary key (level, idx)
);
grant select on audit_node to daftar_auditor, daftar_jobs, daftar_citizen;
grant insert on audit_node to daftar_jobs;

-- Signed tree heads (C2SP tlog-checkpoint).
create table audit_checkpoint (
  size bigint primary key check (size > 0),
  at   timestamptz not null,
  root bytea not null check (octet_length(root) = 32),
  note text not null
);
grant select on audit_checkpoint to daftar_auditor, daftar_jobs, daftar_citizen;
grant insert on audit_checkpoint to daftar_jobs;

-- Entries whose leaf hash somebody was given on a receipt.
create table audit_receipt (
  hash     bytea primary key check (octet_length(hash) = 32),
  at       timestamptz not null,
  event_id uuid not null,
  action   text not null,
  subject  uuid not null                         -- what the receipt is about: a case
);
create index audit_receipt_subject on audit_receipt (subject, at);
grant select, insert on audit_receipt to daftar_citizen, daftar_staff, daftar_jobs;
grant select on audit_receipt to daftar_auditor;

create trigger append_only before update or delete on audit_event for each row execute function append_only();
create trigger append_only before update or delete on audit_subject for each row execute function append_only();
create trigger append_only before update or delete on audit_leaf for each row execute function append_only();
create trigger append_only before update or delete on audit_node for each row execute function append_only();
create trigger append_only before update or delete on audit_checkpoint for each row execute function append_only();
create trigger append_only before update or delete on audit_receipt for each row execute function append_only();
create trigger append_only_all before truncate on audit_event for each statement execute function append_only();
create trigger append_only_all before truncate on audit_event_default for each statement execute function append_only();
create trigger append_only_all before truncate on audit_subject for each statement execute function append_only();
create trigger append_only_all before truncate on audit_subject_default for each statement execute function append_only();
create trigger append_only_all before truncate on audit_leaf for each statement execute function append_only();
create trigger append_only_all before truncate on audit_node for each statement execute function append_only();
create trigger append_only_all before truncate on audit_checkpoint for each statement execute function append_only();
create trigger append_only_all before truncate on audit_receipt for each statement execute function append_only();

-- What somebody may see of reads of their own record is held back in two ways.
-- An investigation: reads by one officer of one record, until a day, as two people
-- decided; it comes to light by itself (security.md).
create table look_delay (
  id           uuid primary key,
  ref          text not null unique,
  person_id    uuid not null references person,
  staff_id     uuid not null references staff,  -- whose reads
  reason       text not null,
  reason_lang  text not null,
  until        timestamptz not null,
  requested_at timestamptz not null,
  requested_by uuid not null default actor() references staff,
  decided_at   timestamptz,
  decided_by   uuid references staff,
  approved     boolean,
  constraint look_delay_hands check (decided_by <> requested_by and decided_by <> staff_id),
  constraint look_delay_length check (until > requested_at and until <= requested_at + interval '180 days'),
  check ((decided_at is null) = (decided_by is null) and (decided_at is null) = (approved is null))
);
create index look_delay_person on look_delay (person_id);
grant select, insert (id, ref, person_id, staff_id, reason, reason_lang, until, requested_at) on look_delay to daftar_staff;
grant select on look_delay to daftar_auditor, daftar_jobs;

-- +goose StatementBegin
create function decide_look_delay(p_id uuid, p_approve boolean, p_now timestamptz) returns void
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  if actor() is null or exists (select from look_delay d where d.id = p_id and actor() in (d.requested_by, d.staff_id)) then
    raise exception 'who asks to be hidden cannot decide it' using errcode = 'DF002';
  end if;
  update look_delay set decided_at = p_now, decided_by = actor(), approved = p_approve where id = p_id and decided_at is null;
  if not found then
    raise exception 'it was decided already' using errcode = 'DF001';
  end if;
end $$;
-- +goose StatementEnd
grant execute on function decide_look_delay(uuid, boolean, timestamptz) to daftar_staff;

-- Protection: reads in it stay hidden until somebody else than the reader has
-- weighed what showing them could do (RULES R8). Each row releases what was read
-- of one record up to a moment.
create table look_release (
  person_id   uuid not null references person,
  up_to       timestamptz not null,
  released_at timestamptz not null,
  released_by uuid not null default actor() references staff,
  review      text not null,                    -- why it is safe
  review_lang text not null,
  primary key (person_id, released_at, released_by)
);
grant select, insert (person_id, up_to, released_at, review, review_lang) on look_release to daftar_staff;
grant select on look_release to daftar_auditor, daftar_jobs;

-- Cases of which nobody outside knows more than that they are there.
-- +goose StatementBegin
create function sealed_case(p_case uuid) returns boolean
language sql stable security definer set search_path = public, pg_temp as $$
  select exists (select from case_file c where c.id = p_case and c.access = 'sealed')
$$;

-- Whether a member of staff protects people: what they do is not for everybody's
-- eyes.
create function protects(p_staff uuid, p_at timestamptz) returns boolean
language sql stable security definer set search_path = public, pg_temp as $$
  select exists (select from staff_scope r where r.staff_id = p_staff and r.role = 'protection' and r.valid_from <= p_at and (r.valid_to is null or r.valid_to > p_at))
$$;

-- Who of the staff looked at somebody's record: for themselves to read, so
-- whoever asks must be the person. A read of their household is one of theirs, as
-- long as they lived there; so is one of a case that they opened or that would
-- change their record. Nobody else is named (RULES R4).
create function person_looks(p_person uuid, p_now timestamptz, p_since timestamptz, p_limit integer)
returns table (event_id uuid, at timestamptz, action text, purpose text, basis text, role text, office text, office_name jsonb, columns jsonb, delayed boolean)
language sql stable security definer set search_path = public, pg_temp as $$
  select e.id, e.at, e.action, case when e.case_id is not null then 'casework' else coalesce(e.purpose, '') end, coalesce(e.basis, ''),
         coalesce(r.role, ''), coalesce(r.code, ''), coalesce(r.name, '{}'), coalesce(e.detail->'columns', '[]'), coalesce(d.was, false)
  from (
    select x.at, x.id from audit_event x where x.subject = p_person and x.at >= p_since
      and x.action in ('person.read', 'identifier.read', 'credential.read', 'letter.read')
    union
    select s.at, s.event_id from audit_subject s where s.subject = p_person and s.at >= p_since
    union
    select x.at, x.id from membership m join audit_event x on x.subject = m.household_id
    where m.person_id = p_person and m.tie = 'usual' and x.action in ('household.read', 'decision.read') and x.at >= p_since
      and x.at >= coalesce(m.start_date, '-infinity') and x.at < coalesce(m.end_date + 1, 'infinity')
    union
    select s.at, s.event_id from membership m join audit_subject s on s.subject = m.household_id
    where m.person_id = p_person and m.tie = 'usual' and s.at >= p_since
      and s.at >= coalesce(m.start_date, '-infinity') and s.at < coalesce(m.end_date + 1, 'infinity')
    union
    select x.at, x.id from case_file c join audit_event x on x.case_id = c.id
    where x.action = 'case.read' and x.at >= p_since
      and (exists (select from account a where a.id = c.account_id and a.person_id = p_person)
           or exists (select from change_item i where i.change_id = c.change_id and i.subject_id = p_person))
    union
    select s.at, s.event_id from case_file c join audit_subject s on s.subject = c.id
    where s.at >= p_since
      and (exists (select from account a where a.id = c.account_id and a.person_id = p_person)
           or exists (select from change_item i where i.change_id = c.change_id and i.subject_id = p_person))
  ) about
  join audit_event e on e.at = about.at and e.id = about.id
  left join lateral (
    select r.role, a.code, a.name from staff_scope r join area a on a.id = r.area_id
    where r.staff_id = e.actor and r.valid_from <= e.at and (r.valid_to is null or r.valid_to > e.at)
    order by r.role, a.code limit 1) r on true
  left join lateral (
    select bool_or(d.until > p_now) as hides, true as was from look_delay d
    where d.person_id = p_person and d.staff_id = e.actor and d.approved and e.at between d.requested_at and d.until having count(*) > 0) d on true
  where e.actor_kind = 'staff' and exists (select from account c where c.id = actor() and c.person_id = p_person)
    and not coalesce(d.hides, false)
    and (not (protects(e.actor, e.at) or sealed_case(e.case_id))
         or exists (select from look_release l where l.person_id = p_person and l.up_to >= e.at and l.released_by <> e.actor))
  order by e.at desc, e.id limit p_limit
$$;
-- +goose StatementEnd
grant execute on function person_looks(uuid, timestamptz, timestamptz, integer) to daftar_citizen;
grant execute on function sealed_case(uuid), protects(uuid, timestamptz) to daftar_auditor, daftar_jobs;

-- What somebody asks about a look at their record, and what the data protection
-- officer answers. A grievance of its own, until the case engine takes it in.
create table look_question (
  id          uuid primary key,
  ref         text not null unique,
  person_id   uuid not null references person,
  account_id  uuid not null default actor() references account,
  event_at    timestamptz not null,
  event_id    uuid not null,
  words       text not null,
  words_lang  text not null,
  asked_at    timestamptz not null,
  due_on      date not null,
  answer      text not null default '',
  answer_lang text not null default '',
  finding     text check (finding in ('proper', 'improper', 'unclear')),
  answered_at timestamptz,
  answered_by uuid references staff,
  unique (person_id, event_id),
  check ((answered_at is null) = (answered_by is null) and (answered_at is null) = (finding is null))
);
create index look_question_open on look_question (due_on, ref) where answered_at is null;
alter table look_question enable row level security;
create policy look_question_own on look_question to daftar_citizen using (account_id = actor());
create policy look_question_read on look_question for select to daftar_staff, daftar_auditor, daftar_jobs using (true);
grant select, insert (id, ref, person_id, event_at, event_id, words, words_lang, asked_at, due_on) on look_question to daftar_citizen;
grant select on look_question to daftar_staff, daftar_auditor, daftar_jobs;

-- +goose StatementBegin
create function answer_look_question(p_id uuid, p_finding text, p_answer text, p_lang text, p_now timestamptz) returns void
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  if actor() is null or exists (
    select from look_question q join audit_event e on e.at = q.event_at and e.id = q.event_id where q.id = p_id and e.actor = actor()) then
    raise exception 'whose look it was cannot answer' using errcode = 'DF002';
  end if;
  update look_question set finding = p_finding, answer = p_answer, answer_lang = p_lang, answered_at = p_now, answered_by = actor()
  where id = p_id and answered_at is null;
  if not found then
    raise exception 'it was answered already' using errcode = 'DF001';
  end if;
end $$;
-- +goose StatementEnd
grant execute on function answer_look_question(uuid, text, text, text, timestamptz) to daftar_staff;

-- Patterns of reading that somebody should look into.
create table audit_alert (
  id          uuid primary key,
  ref         text not null unique,
  kind        text not null check (kind in ('many', 'surname', 'neighbour', 'household', 'prominent')),
  staff_id    uuid not null references staff,
  day         date not null,
  first_at    timestamptz not null,
  last_at     timestamptz not null,
  reads       integer not null,
  raised_at   timestamptz not null,
  closed_at   timestamptz,
  closed_by   uuid references staff,
  finding     text check (finding in ('proper', 'improper', 'unclear')),
  note        text not null default '',
  note_lang   text not null default '',
  unique (kind, staff_id, day),
  constraint audit_alert_hands check (closed_by <> staff_id),
  check ((closed_at is null) = (closed_by is null) and (closed_at is null) = (finding is null))
);
create index audit_alert_open on audit_alert (raised_at desc) where closed_at is null;
grant select, insert, update (first_at, last_at, reads) on audit_alert to daftar_jobs;
grant select, update (closed_at, closed_by, finding, note, note_lang) on audit_alert to daftar_staff;
grant select on audit_alert to daftar_auditor;

-- Verifications that somebody asked for, or that the worker does every day.
create table audit_check (
  id          uuid primary key,
  ref         text not null unique,
  asked_at    timestamptz not null,
  asked_by    uuid default actor() references staff,  -- null: the worker
  finished_at timestamptz,
  failed      text not null default '',               -- why it could not be done
  report      jsonb                                   -- seal.Report
);
create index audit_check_asked on audit_check (asked_at desc);
grant select, insert (id, ref, asked_at) on audit_check to daftar_staff, daftar_jobs;
grant update (finished_at, failed, report) on audit_check to daftar_jobs;
grant select on audit_check to daftar_auditor;
insert into outbox_kind (kind, role) values ('verify_audit', 'daftar_staff'), ('verify_audit', 'daftar_jobs');

-- The auditor reads the log: all of it but sealed cases, of which only that they
-- were sealed, handed on and opened (RULES R8). References stand for people. The
-- policies on records are for the day when those have some.
alter table audit_event enable row level security;
create policy audit_event_write on audit_event for insert to daftar_citizen, daftar_staff, daftar_issuer, daftar_api, daftar_jobs with check (true);
create policy audit_event_worker on audit_event for select to daftar_jobs using (true);
create policy audit_event_auditor on audit_event for select to daftar_auditor
  using (case_id is null or action in ('case.sealed', 'case.unsealed', 'case.handed_on', 'case.alarmed') or not sealed_case(case_id));
grant select (id, ref) on person, household, group_record, credential to daftar_auditor;
grant select (id, ref, kind) on case_file to daftar_auditor;
grant select (id, ref, person_id) on look_question, look_delay to daftar_auditor;
grant select on area, staff_scope to daftar_auditor;
create policy person_auditor on person for select to daftar_auditor using (true);
create policy household_auditor on household for select to daftar_auditor using (true);
create policy case_file_auditor on case_file for select to daftar_auditor using (true);

-- +goose Down
select 1;
