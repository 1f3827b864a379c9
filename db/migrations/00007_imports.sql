-- +goose Up
create table import_batch (
  id          uuid primary key,
  ref         text not null unique,
  kind        text not null check (kind in ('households')),
  files       text[] not null,
  digest      bytea not null,
  state       text not null check (state in ('staged', 'applied', 'unchanged')),
  change_id   uuid references change,
  counts      jsonb not null,                    -- importer.Counts
  areas       jsonb not null default '[]',       -- areas that the files name and the registry does not have yet
  created_at  timestamptz not null,
  created_by  uuid not null default actor()
);
grant select, insert (id, ref, kind, files, digest, state, change_id, counts, areas, created_at), update (state) on import_batch to daftar_jobs;
grant select on import_batch to daftar_staff;

-- +goose Down
select 1;
