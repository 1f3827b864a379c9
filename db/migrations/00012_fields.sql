-- +goose Up

-- Rosters are fields whose rows are described by fields of their own; a
-- calculated field has a formula. Roles say who may do what with a value; a key
-- that is missing leaves it to the sensitivity.
alter table field_definition
  drop constraint field_definition_subject_check,
  drop constraint field_definition_type_check,
  drop constraint field_definition_subject_code_version_key,
  add check (subject in ('person', 'household', 'application', 'event')),
  add check (type in ('text', 'number', 'money', 'yes_no', 'date', 'choice', 'choices', 'roster', 'calculated')),
  add column roster text not null default '',        -- code of the roster whose rows it describes
  add column formula text not null default '',       -- CEL over the other fields of the subject
  add column result text not null default '' check (result in ('', 'number', 'money', 'yes_no', 'text')),
  add column visible_when text not null default '',  -- CEL: asked only then
  add column evidence text not null default 'none' check (evidence in ('none', 'asked')),
  add column roles jsonb not null default '{}',      -- {"see": [...], "edit": [...], "filter": [...], "export": [...]}
  add column created_by uuid default actor(),
  add unique (subject, roster, code, version),
  add check ((type = 'calculated') = (formula <> '')),
  add check ((type = 'calculated') = (result <> '')),
  add check (roster = '' or type not in ('roster', 'calculated'));

-- The office writes drafts. What was published stays as it is, because values
-- rest on it: it is followed by a new version, or retired.
grant insert, delete, update on field_definition to daftar_staff;

-- +goose StatementBegin
create function field_definition_guard() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' then
    if old.published_at is not null then
      raise exception 'field % is in use', old.code using errcode = 'DF001';
    end if;
    return old;
  end if;
  if tg_op = 'UPDATE' and old.published_at is not null
     and to_jsonb(new) - 'retired_at' is distinct from to_jsonb(old) - 'retired_at' then
    raise exception 'field % was published', old.code using errcode = 'DF001';
  end if;
  -- A code keeps its type, and a choice its answers: stored values stay readable.
  if exists (select from field_definition f
             where f.subject = new.subject and f.roster = new.roster and f.code = new.code and f.id <> new.id
               and f.published_at is not null and (f.type <> new.type or f.result <> new.result)) then
    raise exception 'field % has another type', new.code using errcode = 'DF001';
  end if;
  return new;
end $$;
-- +goose StatementEnd
create trigger field_definition_guard before insert or update or delete on field_definition
  for each row execute function field_definition_guard();

-- What formulas gave, as of a version of the record and of the formulas. Jobs
-- keep it up to date; rules calculate for themselves.
create table calculated (
  subject_id uuid primary key,
  kind       text not null check (kind in ('person', 'household')),
  version    integer not null,
  stamp      text not null,
  values     jsonb not null,
  members    uuid[] not null default '{}',  -- who was counted in it
  due        date                           -- when one of them is older, and it has to be counted again
);
create index calculated_members on calculated using gin (members) where members <> '{}';
create index calculated_due on calculated (due) where due is not null;
grant select on calculated to daftar_citizen, daftar_staff, daftar_issuer, daftar_api, daftar_jobs;
grant insert, update, delete on calculated to daftar_jobs;

insert into outbox_kind (kind, role) values ('recompute_fields', 'daftar_staff'), ('recompute_fields', 'daftar_jobs');

-- +goose Down
select 1;
