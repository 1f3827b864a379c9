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

-- +goose Down
select 1;
