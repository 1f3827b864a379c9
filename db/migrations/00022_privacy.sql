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

-- +goose Down
select 1;
