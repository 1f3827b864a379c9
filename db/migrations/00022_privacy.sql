-- +goose Up

-- What the registry tells everybody about itself: one row of numbers by month,
-- area of the first level and what was counted. Only what may be shown is kept
-- here: a number that is withheld is null, and nowhere else (docs/figures.md).
-- A month is counted once, after it ended: counted again, two versions could be
-- subtracted from one another.
create table public_month (
  month      date primary key check (extract(day from month) = 1),
  counted_at timestamptz not null
);
create table public_figure (
  month   date not null references public_month,
  area    text not null,                         -- P-code; '' is the country, '-' what belongs to no area of the first level
  measure text not null,                         -- of figures.Measures, or programme.<code>
  code    text not null,                         -- what was counted; '' is all of the measure
  n       integer check (n >= 0),                -- null: withheld
  primary key (month, measure, area, code)
);
grant select on public_month, public_figure to daftar_citizen, daftar_staff, daftar_auditor, daftar_jobs;
grant insert on public_month, public_figure to daftar_jobs;
alter table public_month enable row level security;
alter table public_figure enable row level security;
create policy public_month_all on public_month to daftar_citizen, daftar_staff, daftar_auditor, daftar_jobs using (true);
create policy public_figure_all on public_figure to daftar_citizen, daftar_staff, daftar_auditor, daftar_jobs using (true);
create trigger append_only before update or delete on public_figure for each row execute function append_only();
create trigger append_only before update or delete on public_month for each row execute function append_only();

-- Everything that the registry knows about somebody, put together for themselves
-- by a job (docs/copies.md). Each of its two forms is handed out once, to the
-- account that asked; then, or when its time is over, nothing of it is left.
create table data_copy (
  id         uuid primary key,
  ref        text not null unique,
  account_id uuid not null default actor() references account,
  person_id  uuid not null references person,
  asked_at   timestamptz not null,
  ready_at   timestamptz,
  expires_at timestamptz,
  content    jsonb,                                 -- copies.Copy
  file_at    timestamptz,                           -- when the file was taken
  paper_at   timestamptz,                           -- and the document
  check ((ready_at is null) = (expires_at is null) and (content is null or ready_at is not null))
);
create unique index data_copy_waiting on data_copy (account_id) where ready_at is null;
create index data_copy_account on data_copy (account_id, asked_at desc);
create index data_copy_expiry on data_copy (expires_at) where content is not null;
grant select, insert (id, ref, person_id, asked_at), update (file_at, paper_at, content) on data_copy to daftar_citizen;
grant select, insert, update on data_copy to daftar_jobs;
alter table data_copy enable row level security;
create policy data_copy_own on data_copy to daftar_citizen using (account_id = actor()) with check (account_id = actor() and person_id = own_person());
create policy data_copy_worker on data_copy to daftar_jobs using (true);
insert into outbox_kind (kind, role) values ('copy_data', 'daftar_citizen');

-- The job asks as the person's account, which is all that this answers to.
grant execute on function person_looks(uuid, timestamptz, timestamptz, integer) to daftar_jobs;

-- What data is used for, and on which legal basis (RULES R18). Only what rests on
-- consent can be given and withdrawn; auth.Purposes and audit.Bases say the same,
-- and a test compares them. The record of processing is made from here.
create table purpose (
  code      text primary key check (code ~ '^[a-z][a-z_]{0,30}$'),
  basis     text not null check (basis in ('own_request', 'public_task', 'legal_obligation', 'consent')),
  data      text[] not null,                       -- codes of looks.Kinds
  recipient jsonb not null,                        -- who gets to see it
  version   integer not null default 1,            -- of the text that people agree to
  text      jsonb not null default '{}',           -- where it rests on consent
  months    integer check (months > 0),            -- for how long a consent holds
  position  integer not null,
  check ((basis = 'consent') = (months is not null and text <> '{}'))
);
grant select on purpose to daftar_citizen, daftar_staff, daftar_issuer, daftar_api, daftar_jobs, daftar_auditor;
insert into purpose (code, basis, data, recipient, text, months, position) values
  ('casework', 'public_task', '{identity,place,answers,contact,household,case}', '{"en": "Officers of the offices in charge", "ar": "موظفو المكاتب المختصة"}', '{}', null, 1),
  ('correction', 'public_task', '{identity,place,answers,contact,household}', '{"en": "Officers who keep the records right", "ar": "الموظفون الذين يصححون السجلات"}', '{}', null, 2),
  ('programme', 'public_task', '{identity,place,answers,household}', '{"en": "Officers of the programmes", "ar": "موظفو البرامج"}', '{}', null, 3),
  ('request', 'own_request', '{identity,place,answers,contact,household,credentials}', '{"en": "You, and the office that you asked", "ar": "أنت والمكتب الذي طلبت منه"}', '{}', null, 4),
  ('complaint', 'legal_obligation', '{identity,place,answers,contact,case}', '{"en": "Officers who look into complaints", "ar": "الموظفون الذين ينظرون في الشكاوى"}', '{}', null, 5),
  ('check', 'legal_obligation', '{identity,place,answers,contact,household}', '{"en": "Officers who check how the work is done", "ar": "الموظفون الذين يتحققون من سير العمل"}', '{}', null, 6),
  ('audit', 'legal_obligation', '{case}', '{"en": "The auditor", "ar": "المدقق"}', '{}', null, 7),
  ('investigation', 'legal_obligation', '{identity,place,answers,contact,household,case}', '{"en": "Two officers who investigate together", "ar": "موظفان يحققان معا"}', '{}', null, 8),
  ('queue', 'public_task', '{identity,place,case}', '{"en": "Officers of the offices in charge", "ar": "موظفو المكاتب المختصة"}', '{}', null, 11),
  ('credential', 'public_task', '{identity,credentials}', '{"en": "Officers who end credentials", "ar": "الموظفون الذين ينهون الوثائق الرقمية"}', '{}', null, 12),
  ('duplicate', 'public_task', '{identity,place,household}', '{"en": "Officers who keep the records right", "ar": "الموظفون الذين يصححون السجلات"}', '{}', null, 13),
  ('import', 'public_task', '{identity,place,answers,household}', '{"en": "Officers who bring in lists", "ar": "الموظفون الذين يدخلون القوائم"}', '{}', null, 14),
  ('print', 'public_task', '{identity,place,case}', '{"en": "Officers who print letters", "ar": "الموظفون الذين يطبعون الرسائل"}', '{}', null, 15),
  ('research', 'consent', '{identity,place,answers}', '{"en": "The national statistics office", "ar": "مكتب الإحصاء الوطني"}',
   '{"en": "The national statistics office may get what you answered in your record, to study how people live. It may ask you to take part in a survey.", "ar": "يجوز أن يحصل مكتب الإحصاء الوطني على إجاباتك في سجلك ليدرس كيف يعيش الناس. وقد يطلب منك المشاركة في استبيان."}', 24, 9),
  ('employment', 'consent', '{identity,place,answers}', '{"en": "The employment service", "ar": "خدمة التوظيف"}',
   '{"en": "The employment service may get your name, your place and what you said about work. It may offer you work or a course.", "ar": "يجوز أن تحصل خدمة التوظيف على اسمك ومكانك وما قلته عن العمل. وقد تعرض عليك عملا أو دورة."}', 12, 10);

-- What somebody agreed to, in which version and language of the text, and until
-- when. Each adult for themselves; nothing is changed but that it was withdrawn.
create table consent (
  id           uuid primary key,
  ref          text not null unique,
  person_id    uuid not null references person,
  purpose      text not null references purpose,
  version      integer not null,
  language     text not null,
  text_hash    bytea not null check (octet_length(text_hash) = 32),  -- of what was read
  given_at     timestamptz not null,
  given_by     uuid not null default actor() references account,
  expires_at   timestamptz not null,
  withdrawn_at timestamptz,
  check (expires_at > given_at)
);
create unique index consent_standing on consent (person_id, purpose) where withdrawn_at is null;
grant select, insert (id, ref, person_id, purpose, version, language, text_hash, given_at, expires_at), update (withdrawn_at) on consent to daftar_citizen;
grant select on consent to daftar_jobs;
alter table purpose enable row level security;
alter table consent enable row level security;
create policy purpose_all on purpose to daftar_citizen, daftar_staff, daftar_issuer, daftar_api, daftar_jobs, daftar_auditor using (true);
create policy consent_own on consent to daftar_citizen using (person_id = own_person()) with check (person_id = own_person());
create policy consent_worker on consent to daftar_jobs using (true);

-- +goose StatementBegin
create function consent_guard() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
begin
  if tg_op = 'UPDATE' and (old.withdrawn_at is not null or new.withdrawn_at is null) then
    raise exception 'a consent is withdrawn once' using errcode = 'DF001';
  end if;
  if tg_op = 'INSERT' and not exists (select from purpose p where p.code = new.purpose and p.basis = 'consent' and p.version = new.version) then
    raise exception 'nobody is asked for consent to this' using errcode = 'DF001';
  end if;
  if tg_op = 'INSERT' and exists (select from person p where p.id = new.person_id and p.birth_to > local_day(new.given_at) - interval '18 years') then
    raise exception 'only adults are asked' using errcode = 'DF005', constraint = 'consent_adult';
  end if;
  return new;
end $$;

-- Whether a person's data may leave for a purpose, at this moment: the one check of
-- every outlet. What does not rest on consent does not ask for it; what the
-- registry does not know, it does not permit. It says nothing about why not.
create function permits(p_person uuid, p_purpose text, p_at timestamptz) returns boolean
language sql stable security definer set search_path = public, pg_temp as $$
  select exists (
    select from purpose p where p.code = p_purpose and (p.basis <> 'consent' or exists (
      select from consent c where c.person_id = p_person and c.purpose = p.code and c.withdrawn_at is null and c.expires_at > p_at)))
$$;

-- The same for a household: all who live there and are not known to be children
-- have to agree.
create function permits_household(p_household uuid, p_purpose text, p_at timestamptz) returns boolean
language sql stable security definer set search_path = public, pg_temp as $$
  select exists (select from purpose p where p.code = p_purpose)
    and not exists (
      select from membership m join person p on p.id = m.person_id
      where m.household_id = p_household and m.tie = 'usual' and m.end_date is null and p.status = 'active'
        and (p.birth_from is null or p.birth_from <= local_day(p_at) - interval '18 years') and not permits(p.id, p_purpose, p_at))
    and (exists (select from purpose p where p.code = p_purpose and p.basis <> 'consent')
      or exists (select from membership m where m.household_id = p_household and m.tie = 'usual' and m.end_date is null and permits(m.person_id, p_purpose, p_at)))
$$;
-- +goose StatementEnd
create trigger consent_guard before insert or update on consent for each row execute function consent_guard();
grant execute on function permits(uuid, text, timestamptz), permits_household(uuid, text, timestamptz) to daftar_staff, daftar_issuer, daftar_api, daftar_jobs;

-- +goose Down
select 1;
