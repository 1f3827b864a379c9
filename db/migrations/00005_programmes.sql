-- +goose Up

create table programme (
  id      uuid primary key,
  code    text not null unique,
  name    jsonb not null,
  summary jsonb not null default '{}',
  active  boolean not null default true
);
grant select on programme to daftar_citizen, daftar_staff, daftar_issuer, daftar_api, daftar_jobs;
grant insert, update on programme to daftar_jobs;

-- A rule is never changed: a new version is published.
create table programme_rule (
  id           uuid primary key,
  programme_id uuid not null references programme,
  version      integer not null check (version > 0),
  rule         jsonb not null,
  published_at timestamptz not null,
  unique (programme_id, version)
);
grant select on programme_rule to daftar_citizen, daftar_staff, daftar_issuer, daftar_api, daftar_jobs;
grant insert on programme_rule to daftar_jobs;

-- A decision about somebody, with everything needed to replay it.
create table decision (
  id           uuid primary key,
  ref          text not null unique,
  kind         text not null check (kind in ('case', 'programme')),
  case_id      uuid references case_file,
  programme_id uuid references programme,
  rule_id      uuid references programme_rule,
  household_id uuid references household,
  subject_version integer,                       -- of the household the rule saw
  outcome      text not null check (outcome in ('approved', 'partly', 'refused', 'eligible', 'not_eligible', 'unknown')),
  reason       text,
  facts        jsonb not null default '{}',
  note         text not null default '',
  note_lang    text not null default '',
  inputs       jsonb not null default '{}',
  criteria     jsonb not null default '[]',      -- [{"code","outcome","facts":[...]}]
  decided_at   timestamptz not null,
  decided_by   uuid,                             -- staff; none when a rule decided
  superseded_at timestamptz,
  check ((kind = 'case') = (case_id is not null) and (kind = 'programme') = (programme_id is not null and rule_id is not null and household_id is not null))
);
create unique index decision_case on decision (case_id) where kind = 'case';
create unique index decision_current on decision (programme_id, household_id) where kind = 'programme' and superseded_at is null;
create index decision_household on decision (household_id, decided_at desc);
grant select on decision to daftar_citizen, daftar_staff, daftar_issuer, daftar_api, daftar_jobs, daftar_auditor;
grant insert (id, ref, kind, case_id, household_id, outcome, reason, facts, note, note_lang, decided_at, decided_by) on decision to daftar_staff;
grant insert, update (superseded_at) on decision to daftar_jobs;

-- Who proposed, verified or answered a case never decides it, whatever the page
-- allowed; and a decision says what became of the change.
-- +goose StatementBegin
create function decision_guard() returns trigger language plpgsql as $$
begin
  if new.kind = 'case' then
    if new.decided_by is null or new.decided_by is distinct from actor() then
      raise exception 'a case is decided by who is signed in' using errcode = 'DF002';
    end if;
    if exists (select from case_event e where e.case_id = new.case_id and e.actor = new.decided_by
                 and e.action in ('submitted', 'answered', 'recommended', 'endorsed'))
       or exists (select from case_file f where f.id = new.case_id and new.decided_by in (f.account_id, f.opened_by)) then
      raise exception 'who proposed or verified a case cannot decide it' using errcode = 'DF002';
    end if;
    if not exists (select from case_file f where f.id = new.case_id and staff_may(new.decided_by, f.desk, 'decide', f.area_id, new.decided_at)) then
      raise exception 'not at this desk, or not for this area' using errcode = 'DF002';
    end if;
    if not exists (select from case_file f where f.id = new.case_id
                     and f.state in (case f.hands when 1 then 'submitted' when 3 then 'endorsed' else 'recommended' end,
                                     case when new.outcome = 'refused' and f.hands = 3 then 'recommended' end)) then
      raise exception 'the case is not waiting for a decision' using errcode = 'DF001';
    end if;
    if exists (select from case_file f join change c on c.id = f.change_id where f.id = new.case_id and f.joined_to is null
                 and c.state <> case new.outcome when 'refused' then 'refused' else 'applied' end) then
      raise exception 'the change was not %', new.outcome using errcode = 'DF001';
    end if;
  end if;
  return new;
end $$;
-- +goose StatementEnd
create trigger decision_guard before insert on decision for each row execute function decision_guard();

-- +goose Down
select 1;
