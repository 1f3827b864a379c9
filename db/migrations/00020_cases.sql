-- +goose Up

alter table case_file
  add column appeals_id uuid references decision,  -- the decision that an appeal is about
  add column against uuid references staff;        -- whom a complaint about conduct names
grant insert (appeals_id) on case_file to daftar_citizen, daftar_staff;
create index case_file_appeals on case_file (appeals_id) where appeals_id is not null;

-- The records that a case is about: those that its change touches, and those
-- that it names.
create table case_subject (
  case_id    uuid not null references case_file,
  kind       text not null check (kind in ('person', 'household')),
  subject_id uuid not null,
  primary key (subject_id, case_id)
);
create index case_subject_case on case_subject (case_id);
grant select, insert on case_subject to daftar_citizen, daftar_staff, daftar_jobs;

-- The adults whom a case affects without being theirs (RULES R5): they are told
-- and may agree or object. On the safe path there are none.
create table case_party (
  case_id     uuid not null references case_file,
  person_id   uuid not null,
  needed      boolean not null default false,    -- it takes this person's agreement, or three officials
  told_at     timestamptz,
  answer      text check (answer in ('agreed', 'objected')),
  answered_at timestamptz,
  primary key (case_id, person_id)
);
create index case_party_person on case_party (person_id);
grant select, insert (case_id, person_id, needed, told_at), update (answer, answered_at, told_at)
  on case_party to daftar_citizen, daftar_staff, daftar_jobs;

-- Cases that belong together: "follows" is what a case led to, "undoes" takes
-- its change back.
create table case_link (
  case_id   uuid not null references case_file,
  other_id  uuid not null references case_file,
  relation  text not null check (relation in ('follows', 'undoes', 'appeals', 'about', 'same')),
  linked_at timestamptz not null,
  linked_by uuid default actor(),
  primary key (case_id, other_id),
  check (case_id <> other_id)
);
create index case_link_other on case_link (other_id);
grant select, insert (case_id, other_id, relation, linked_at) on case_link to daftar_citizen, daftar_staff, daftar_jobs;

-- A visit to somebody's home, for any case: planned, and what was found there.
create table case_visit (
  id          uuid primary key,
  case_id     uuid not null references case_file,
  planned_on  date not null,
  visitor     uuid not null references staff,
  what        text not null default '',          -- what to look at, in the planner's words
  lang        text not null,
  done_at     timestamptz,
  found       text check (found in ('confirmed', 'partly', 'not_confirmed', 'nobody_home')),
  findings    text not null default '',
  planned_at  timestamptz not null,
  check ((done_at is null) = (found is null))
);
create index case_visit_case on case_visit (case_id);
create index case_visit_open on case_visit (visitor, planned_on) where done_at is null;
grant select, insert (id, case_id, planned_on, visitor, what, lang, planned_at), update (done_at, found, findings) on case_visit to daftar_staff;
grant select on case_visit to daftar_jobs;

-- Who may not see a case: whoever touched the decision that is appealed, whom a
-- complaint names, their office and those above them. Nobody reads the list.
create table case_barrier (
  case_id  uuid not null references case_file,
  staff_id uuid not null references staff,
  why      text not null check (why in ('appealed', 'named', 'office', 'line')),
  primary key (case_id, staff_id)
);

-- A time in which decisions do not change records: while a list of payments is
-- being drawn up, say.
create table case_freeze (
  id          uuid primary key,
  from_day    date not null,
  to_day      date not null,
  families    text[] not null default '{}',      -- of kinds; none: all that change records
  area_id     uuid references area,              -- none: everywhere
  reason      text not null,
  reason_lang text not null,
  made_at     timestamptz not null,
  made_by     uuid not null default actor(),
  ended_at    timestamptz,
  ended_by    uuid,
  check (to_day >= from_day)
);
grant select, insert (id, from_day, to_day, families, area_id, reason, reason_lang, made_at), update (ended_at, ended_by) on case_freeze to daftar_staff;
grant select on case_freeze to daftar_citizen, daftar_jobs;

-- Somebody who acts for another: for which kinds of case, from when to when.
create table delegation (
  id          uuid primary key,
  ref         text not null unique,
  person_id   uuid not null,                     -- for whom
  account_id  uuid not null references account,  -- who acts
  role        text not null check (role in ('guardian', 'carer', 'helper')),
  kinds       text[] not null,                   -- codes of kinds
  sees_record boolean not null default false,
  valid_from  date not null,
  valid_to    date not null,
  granted_by_kind text not null default actor_kind(),
  granted_by  uuid not null default actor(),
  proof       text not null default '',          -- what staff saw, in their words
  granted_at  timestamptz not null,
  revoked_at  timestamptz,
  revoked_by  uuid,
  check (valid_to >= valid_from and valid_to <= valid_from + 730)
);
create index delegation_account on delegation (account_id) where revoked_at is null;
create index delegation_person on delegation (person_id);
grant select, insert (id, ref, person_id, account_id, role, kinds, sees_record, valid_from, valid_to, proof, granted_at),
  update (revoked_at, revoked_by) on delegation to daftar_citizen, daftar_staff;
grant select on delegation to daftar_jobs;

-- Whether a member of staff uses single letters as commands (WCAG 2.1.4).
create table staff_keys (
  staff_id uuid primary key references staff,
  letters  boolean not null
);
grant select, insert, update on staff_keys to daftar_staff;

-- +goose StatementBegin
create function barred(p_case uuid) returns boolean language sql stable security definer
set search_path = public, pg_temp as $$
  select exists (select from case_barrier b where b.case_id = p_case and b.staff_id = actor())
$$;

-- Whether who asks may open what is sealed at all; where, the page's scope says.
create function unseals() returns boolean language sql stable security definer
set search_path = public, pg_temp as $$
  select exists (select from staff_scope r join desk_role d on d.role = r.role and d.desk = 'protection' and d.step = 'read'
                 where r.staff_id = actor())
$$;

-- Whoever touched a decision: in its case, and in the cases whose decisions that
-- one was an appeal of.
create function touched(p_decision uuid) returns table (staff_id uuid) language sql stable security definer
set search_path = public, pg_temp as $$
  with recursive chain (id, case_id) as (
    select d.id, d.case_id from decision d where d.id = p_decision
    union
    select d.id, d.case_id from chain c join case_file f on f.id = c.case_id join decision d on d.id = f.appeals_id
  ), hands (id) as (
    select unnest(array[d.decided_by, d.sent_by, d.settled_by]) from chain c join decision d on d.id = c.id
    union select e.actor from chain c join case_event e on e.case_id = c.case_id and e.actor_kind = 'staff'
      and e.action in ('submitted', 'answered', 'asked', 'recommended', 'returned', 'endorsed', 'approved', 'refused', 'trimmed', 'visited')
    union select f.opened_by from chain c join case_file f on f.id = c.case_id
  )
  select s.id from hands h join staff s on s.id = h.id
$$;

-- Takes every step of a case. Whoever writes an event has no other way to move
-- one: whose step it is, from which state, who did what before, who may work at
-- the desk for that area now.
create function case_step() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  f case_file%rowtype;
  t case_transition%rowtype;
  v_hand text;
  v_me uuid := actor();
begin
  select x.* into f from case_file x where x.id = new.case_id for update;
  if f.id is null then
    raise exception 'there is no such case' using errcode = '23503';
  end if;
  v_hand := case actor_kind()
    when 'job' then 'clock'
    when 'staff' then 'officer'
    when 'citizen' then case
      when f.account_id = v_me
        or exists (select from account a where a.id = v_me and a.person_id = f.person_id) then 'applicant'
      else 'affected' end
    when 'anonymous' then case
      when f.channel = 'anonymous' or new.action in ('said', 'added', 'answered') and f.state <> 'draft' then 'applicant' end
  end;
  select x.* into t from case_transition x
  where x.action = new.action and x.from_state in (f.state, '*') and x.hand = v_hand and (x.hands is null or f.hands = any(x.hands));
  if t.action is null and v_hand = 'officer' then -- at the counter, for somebody who is present
    select x.* into t from case_transition x
    where x.action = new.action and x.from_state in (f.state, '*') and x.hand in ('applicant', 'affected') and (x.hands is null or f.hands = any(x.hands))
    order by x.hand desc limit 1;
    if t.action is not null and not staff_may(v_me, f.desk, 'take', f.area_id, new.at) and f.opened_by is distinct from v_me then
      raise exception 'not at this desk' using errcode = 'DF002';
    end if;
  end if;
  if t.action is null then
    if exists (select from case_transition x where x.action = new.action and x.from_state in (f.state, '*') and x.hand = v_hand) then
      raise exception 'the case needs another number of officials' using errcode = 'DF002';
    end if;
    raise exception '% is no step of a case that is %', new.action, f.state using errcode = 'DF001';
  end if;
  if t.hand = 'affected' and v_hand = 'affected' and not exists (
      select from case_party p join account a on a.person_id = p.person_id where p.case_id = f.id and a.id = v_me) then
    raise exception 'nobody asked' using errcode = 'DF002';
  end if;

  if v_hand = 'officer' then
    if f.access = 'restricted' and barred(f.id) then
      raise exception 'not for this officer' using errcode = 'DF002';
    end if;
    if t.step <> '' and not staff_may(v_me, f.desk, t.step, f.area_id, new.at) then
      raise exception 'not at this desk, or not for this area' using errcode = 'DF002';
    end if;
    if new.action in ('recommended', 'returned', 'endorsed', 'approved', 'refused') and (
        v_me in (f.account_id, f.opened_by) or f.against = v_me
        or exists (select from case_event e where e.case_id = f.id and e.actor = v_me and e.action in ('submitted', 'answered'))
        or exists (select from case_file j left join case_event e on e.case_id = j.id and e.action in ('submitted', 'answered')
                   where j.joined_to = f.id and v_me in (j.account_id, j.opened_by, e.actor))) then
      raise exception 'who asked for it cannot do this' using errcode = 'DF002';
    end if;
    if new.action in ('returned', 'endorsed', 'approved', 'refused')
       and exists (select from case_event e where e.case_id = f.id and e.actor = v_me and e.action in ('recommended', 'endorsed'))
       or new.action = 'recommended' and exists (select from case_event e where e.case_id = f.id and e.actor = v_me and e.action = 'endorsed') then
      raise exception 'who checked or agreed cannot do this' using errcode = 'DF002';
    end if;
    if new.action in ('approved', 'refused', 'endorsed') and f.appeals_id is not null
       and exists (select from touched(f.appeals_id) h where h.staff_id = v_me) then
      raise exception 'who touched the decision cannot hear the appeal' using errcode = 'DF002';
    end if;
  end if;
  if new.action in ('refused', 'objected') and coalesce(new.reason, '') = '' and new.note = '' then
    raise exception 'a reason is missing' using errcode = '23514', constraint = 'case_event_reason';
  end if;

  new.from_state := f.state;
  new.to_state := case t.to_state when '*' then f.state else t.to_state end;
  new.seq := f.steps + 1;
  if new.action = 'submitted' then
    perform case_opened(f);
  end if;
  update case_file set state = new.to_state, steps = new.seq,
    version = version + case when t.to_state <> '*' or t.hand in ('applicant', 'affected') then 1 else 0 end, -- what was added is seen before a decision
    waiting_since = case when t.to_state = '*' then waiting_since when new.action = 'asked' then new.at end,
    asks = asks + case new.action when 'asked' then 1 else 0 end,
    joined_to = case new.action when 'parted' then null else joined_to end,
    news_at = case when v_hand in ('applicant', 'affected') and f.state <> 'draft' then new.at else news_at end
  where id = f.id;
  return new;
end $$;

-- Who is kept from a case is settled when it arrives.
create function case_opened(f case_file) returns void
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  if f.access_wanted = 'sealed' then
    update case_file set access = 'sealed', desk = 'protection', due_at = coalesce(due_at, submitted_at + interval '24 hours') where id = f.id;
    return;
  end if;
  if f.appeals_id is not null then
    insert into case_barrier (case_id, staff_id, why) select distinct f.id, h.staff_id, 'appealed' from touched(f.appeals_id) h on conflict do nothing;
  end if;
  if f.access_wanted = 'restricted' then -- until it is known whom it names, nobody of the area hears it
    insert into case_barrier (case_id, staff_id, why)
    select distinct f.id, r.staff_id, 'office' from staff_scope r join area a on a.id = r.area_id
    where a.level > 0 and (a.id in (f.l1, f.l2, f.l3, f.l4, f.l5) or f.area_id in (a.l1, a.l2, a.l3, a.l4, a.l5)) on conflict do nothing;
  end if;
  if f.access_wanted = 'restricted' or exists (select from case_barrier b where b.case_id = f.id) then
    update case_file set access = 'restricted' where id = f.id;
  end if;
end $$;

-- A complaint about conduct is kept from the person named, their office and
-- those above them (RULES R8). Whoever may hear it says who that is.
create function bar_named(p_case uuid, p_staff uuid, p_at timestamptz) returns void
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  f case_file%rowtype;
begin
  select x.* into f from case_file x where x.id = p_case for update;
  if f.id is null or f.access = 'sealed' or barred(p_case) or not staff_may(actor(), f.desk, 'ask', f.area_id, p_at) then
    raise exception 'not for this officer' using errcode = 'DF002';
  end if;
  insert into case_barrier (case_id, staff_id, why) values (p_case, p_staff, 'named') on conflict do nothing;
  insert into case_barrier (case_id, staff_id, why)
  select distinct p_case, o.staff_id, 'office'
  from staff_scope m join staff_scope o on o.area_id = m.area_id
  where m.staff_id = p_staff and o.staff_id not in (p_staff, actor()) on conflict do nothing;
  update case_file set access = 'restricted', against = p_staff,
    assigned_to = case when exists (select from case_barrier b where b.case_id = p_case and b.staff_id = assigned_to) then null else assigned_to end
  where id = p_case;
end $$;

-- Seals a case that turned out to be about somebody's safety.
create function seal_case(p_case uuid, p_at timestamptz) returns void
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  update case_file set access = 'sealed', desk = 'protection', assigned_to = null, due_at = p_at + interval '24 hours', escalated_at = null, escalation = 0
  where id = p_case and access <> 'sealed' and staff_may(actor(), desk, 'ask', area_id, p_at) and not barred(id);
  if not found then
    raise exception 'the case cannot be sealed here' using errcode = 'DF002';
  end if;
end $$;

-- Takes values out of a proposal: each is as on record again. Nobody can put
-- anything in. Whoever proposed or checked it cannot; what is left is checked as
-- it is now.
create function trim_change(p_change uuid, p_seq integer, p_name text, p_keys text[], p_fields text[], p_at timestamptz) returns void
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  c change%rowtype;
  i change_item%rowtype;
  was jsonb;
  v_key text;
  next jsonb;
begin
  select x.* into c from change x where x.id = p_change for update;
  if c.state not in ('proposed', 'verified') or c.state is null then
    raise exception 'the change is not waiting' using errcode = 'DF001';
  end if;
  if actor() is null or actor() in (c.proposed_by, c.verified_by) then
    raise exception 'who proposed or verified cannot change it' using errcode = 'DF002';
  end if;
  if not exists (select from case_file f where f.change_id = p_change
                 and (staff_may(actor(), f.desk, 'recommend', f.area_id, p_at) or staff_may(actor(), f.desk, 'decide', f.area_id, p_at))) then
    raise exception 'not at this desk' using errcode = 'DF002';
  end if;
  select x.* into i from change_item x where x.change_id = p_change and x.seq = p_seq;
  select v.data into was from record_state v where v.subject_id = i.subject_id and v.version = i.base_version;
  if was is null then
    raise exception 'a new record cannot be trimmed' using errcode = 'DF001';
  end if;
  next := i.data;
  foreach v_key in array p_keys loop
    next := next - v_key;
    if was ? v_key then
      next := next || jsonb_build_object(v_key, was->v_key);
    end if;
  end loop;
  foreach v_key in array p_fields loop
    if was->'fields' ? v_key then
      next := jsonb_set(next, array['fields', v_key], was->'fields'->v_key);
    elsif next ? 'fields' then
      next := next #- array['fields', v_key];
    end if;
  end loop;
  if was->'provenance' ? p_name then
    next := jsonb_set(next, array['provenance', p_name], was->'provenance'->p_name);
  else
    next := next #- array['provenance', p_name];
  end if;
  if not next ? 'fields' or next->'fields' = '{}' then
    next := (next - 'fields') || case when was ? 'fields' then jsonb_build_object('fields', was->'fields') else '{}' end;
  end if;
  update change_item set data = next where change_id = p_change and seq = p_seq;
  if next - 'provenance' = was - 'provenance' then
    delete from change_item where change_id = p_change and seq = p_seq;
  end if;
end $$;

-- Who lets somebody act for another: the person themselves, or a member of staff
-- who saw proof.
create function delegation_guard() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  if actor_kind() = 'citizen' then
    if not exists (select from account a where a.id = actor() and a.person_id = new.person_id) then
      raise exception 'only for oneself' using errcode = 'DF002';
    end if;
  elsif new.proof = '' or not exists (select from staff_scope r where r.staff_id = actor() and r.role in ('intake', 'protection')
      and r.valid_from <= new.granted_at and (r.valid_to is null or r.valid_to > new.granted_at)) then
    raise exception 'only with proof, at the counter' using errcode = 'DF002';
  end if;
  if exists (select from account a where a.id = new.account_id and a.person_id = new.person_id) then
    raise exception 'nobody is their own delegate' using errcode = '23514', constraint = 'delegation_self';
  end if;
  return new;
end $$;

-- An official who loses a role loses the cases that went with it at once; their
-- clocks run on (RULES R17).
create function release_cases() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  update case_file f set assigned_to = null
  where f.assigned_to = new.staff_id and f.state in ('submitted', 'waiting', 'recommended', 'endorsed', 'stale')
    and not staff_may(new.staff_id, f.desk, 'read', f.area_id, greatest(new.valid_to, new.valid_from));
  return new;
end $$;

create function release_cases_of_staff() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  update case_file f set assigned_to = null
  where f.assigned_to = new.id and f.state in ('submitted', 'waiting', 'recommended', 'endorsed', 'stale');
  return new;
end $$;
-- +goose StatementEnd
create trigger delegation_guard before insert on delegation for each row execute function delegation_guard();
create trigger case_step before insert on case_event for each row execute function case_step();
create trigger release_cases after update on staff_role for each row execute function release_cases();
create trigger release_cases_of_office after update on office_role for each row execute function release_cases();
create trigger release_cases_of_staff after update on staff for each row when (old.active and not new.active) execute function release_cases_of_staff();
grant execute on function barred(uuid), unseals(), trim_change(uuid, integer, text, text[], text[], timestamptz) to daftar_staff;
grant execute on function seal_case(uuid, timestamptz) to daftar_staff;
grant execute on function bar_named(uuid, uuid, timestamptz) to daftar_staff;

-- What is sealed is there for those who protect, and for nobody else: not to
-- open, not to count. What somebody is kept from is not there for them.
create policy case_file_access on case_file as restrictive to daftar_staff
  using (access = 'open' or access = 'restricted' and not barred(id) or access = 'sealed' and (select unseals()));

-- Somebody is said to have died also where an open case says so (RULES R16).
-- +goose StatementBegin
create or replace function reported_dead(p_person uuid) returns boolean language sql stable security definer
set search_path = public, pg_temp as $$
  select exists (
    select from amendment m join change c on c.id = m.change_id and c.state in ('proposed', 'verified', 'approved')
    join change_item i on i.change_id = c.id and i.subject_id = m.subject_id
    where m.subject_id = p_person and i.data->>'status' = 'deceased')
  or exists (
    select from case_subject s join case_file f on f.id = s.case_id and f.kind = 'death' and f.state not in ('draft', 'approved', 'refused', 'withdrawn')
    join change_item i on i.change_id = f.change_id and i.subject_id = p_person
    where s.subject_id = p_person and i.data->>'status' = 'deceased')
$$;
-- +goose StatementEnd

-- Whether where a case's people are is told to nobody but those who protect
-- (RULES R5): it was filed for a protected household, or for somebody of none who
-- lives in one.
-- +goose StatementBegin
create function place_kept(p_household uuid, p_person uuid) returns boolean
language sql stable security definer set search_path = public, pg_temp as $$
  select exists (
    select from household h where h.protected and (h.id = p_household or p_household is null and exists (
      select from membership m where m.person_id = p_person and m.household_id = h.id and m.end_date is null and m.tie = 'usual')))
$$;
-- +goose StatementEnd
grant execute on function place_kept(uuid, uuid) to daftar_staff, daftar_jobs;

-- Staff are kept from the cases of their own people, too, where a case is for one
-- of them or would change their records (RULES R8).
-- +goose StatementBegin
create function kept_subject(p_case uuid, p_person uuid, p_records uuid[]) returns boolean
language sql stable security definer set search_path = public, pg_temp as $$
  select coalesce(p_person = any(p_records), false)
      or exists (select from case_subject s where s.case_id = p_case and s.subject_id = any(p_records))
$$;
-- +goose StatementEnd
grant execute on function kept_subject(uuid, uuid, uuid[]) to daftar_staff;

-- Whether a case may be given to a member of staff, to take a step with it: who
-- works at its desk for its area, and is not kept from it. Asked of a colleague by
-- whoever has the case.
-- +goose StatementBegin
create function may_have(p_case uuid, p_staff uuid, p_step text, p_at timestamptz) returns boolean
language plpgsql stable security definer set search_path = public, pg_temp as $$
declare
  f case_file%rowtype;
  k record;
begin
  select x.* into f from case_file x where x.id = p_case;
  if f.id is null or not staff_may(p_staff, f.desk, p_step, f.area_id, p_at)
     or exists (select from case_barrier b where b.case_id = p_case and b.staff_id = p_staff) then
    return false;
  end if;
  select * into k from kept_of(p_staff);
  return not kept_case(f.account_id, f.household_id, f.draft, k.people, k.households, k.numbers)
     and not kept_subject(f.id, f.person_id, k.people || k.households);
end $$;
-- +goose StatementEnd
grant execute on function may_have(uuid, uuid, text, timestamptz) to daftar_staff;
create policy case_file_kept_subject on case_file as restrictive to daftar_staff
  using ((select cardinality(kept_people()) + cardinality(kept_households())) = 0
    or not kept_subject(id, person_id, array(select unnest(kept_people() || kept_households()))))
  with check (true);

-- +goose StatementBegin
do $$
declare
  t text;
begin
  foreach t in array '{case_event,evidence,case_subject,case_party,case_link,case_visit}'::text[] loop
    execute format('alter table %I enable row level security', t);
    execute format('create policy %I on %I to daftar_citizen, daftar_staff, daftar_jobs using (true)', t || '_use', t);
    execute format('create policy %I on %I as restrictive to daftar_staff using (exists (select from case_file f where f.id = case_id))', t || '_access', t);
  end loop;
end $$;
-- +goose StatementEnd
alter table decision enable row level security;
create policy decision_use on decision to daftar_citizen, daftar_staff, daftar_issuer, daftar_api, daftar_jobs using (true);
create policy decision_access on decision as restrictive to daftar_staff using (case_id is null or exists (select from case_file f where f.id = case_id));
create policy decision_audit on decision to daftar_auditor using (case_id is null or not sealed_case(case_id));
create policy case_event_audit on case_event to daftar_auditor using (not sealed_case(case_id) or action in ('alarmed', 'escalated'));

insert into outbox_kind (kind, role) values
  ('renew_case', 'daftar_citizen'), ('renew_case', 'daftar_staff'), ('renew_case', 'daftar_jobs'), ('settle_case', 'daftar_citizen'), ('settle_case', 'daftar_staff');

-- +goose Down
select 1;
