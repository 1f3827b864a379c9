-- +goose Up

-- Row security under everything (docs/decisions/0021-row-policies.md). Each
-- table has policies per role and is forced; nothing is seen before a principal
-- is set; views see what their reader sees.

-- The kind of principal of the transaction, if it is one of these; null on a
-- connection that db.View and db.WithTx did not prepare. Not a boolean: the planner
-- takes one for a condition that half of the rows meet, and "is not null" for one
-- that all do.
create function in_context(variadic p_kinds text[]) returns text language sql stable
return case when current_setting('daftar.kind', true) = any(p_kinds) then current_setting('daftar.kind', true) end;

create function in_any_context() returns text language sql stable
return nullif(current_setting('daftar.kind', true), '');
grant execute on function in_context(variadic text[]), in_any_context() to public;

-- The kinds of principal that a role works for; tables that hold what is somebody's own
-- are closed to those who did not sign in.
-- +goose StatementBegin
create function context_of(p_role text, p_table text) returns text language sql immutable as $$
  select case p_role
    when 'daftar_citizen' then 'in_context(''citizen'', ''anonymous'')'
    when 'daftar_staff' then case when p_table = any('{person,household,membership,identifier,contact,contact_hold,relation,membership_role,
      membership_lost,group_record,group_member,calculated,record_version,record_merge,change,change_item,amendment,
      case_file,case_event,case_subject,case_party,case_link,case_visit,evidence,file,decision,delegation,account,account_link,
      credential,credential_copy,credential_offer,credential_version,letter,letter_event,notice,notice_delivery,notice_setting,
      import_batch,import_problem,import_area,duplicate_pair,duplicate_decision,dedup_record,identifier_contest,
      person_search,household_search,group_search,look_delay,look_question,look_release,audit_alert,audit_check,staff_kin,rule_loss,
      saved_filter}'::text[]) then 'in_context(''staff'')' else 'in_context(''staff'', ''anonymous'')' end
    else 'in_any_context()'
  end
$$;

-- Closes what is open: row security, forced; the owner's own policy, as whom the
-- functions run; for each role with grants a policy, unless the table's file has
-- one, and the demand for a principal. db.Migrate calls it after the last file,
-- so that a table of any file has them.
create function protect_tables() returns void language plpgsql set search_path = public, pg_temp as $$
declare
  t record;
  r text;
begin
  for t in
    select c.oid, c.relname as name, c.relrowsecurity and c.relforcerowsecurity as forced
    from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and c.relname <> 'goose_db_version'
  loop
    if not t.forced then
      execute format('alter table %I enable row level security, force row level security', t.name);
    end if;
    if not exists (select from pg_policy where polrelid = t.oid and polname = 'owner') then
      execute format('create policy owner on %I to %I using (true)', t.name, current_user);
    end if;
    foreach r in array '{daftar_citizen,daftar_staff,daftar_issuer,daftar_api,daftar_jobs,daftar_auditor,daftar_search}'::text[] loop
      if has_any_column_privilege(r, t.oid, 'select, insert, update') or has_table_privilege(r, t.oid, 'delete') then
        if not exists (select from pg_policy where polrelid = t.oid and polpermissive and r::regrole = any(polroles)) then
          execute format('create policy %I on %I to %I using (true)', r, t.name, r);
        end if;
        if r <> 'daftar_search' and not exists (select from pg_policy where polrelid = t.oid and polname = r || '_context') then
          execute format('create policy %I on %I as restrictive to %I using ((select %s) is not null)', r || '_context', t.name, r, context_of(r, t.name));
        end if;
      end if;
    end loop;
  end loop;
  for t in
    select c.relname as name from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind = 'v'
      and not coalesce(c.reloptions @> '{security_invoker=true}', false)
      and not exists (select from pg_depend d where d.objid = c.oid and d.deptype = 'e')
  loop
    execute format('alter view %I set (security_invoker = true)', t.name);
  end loop;
end $$;
-- +goose StatementEnd

-- Since when a session is one of somebody who proved to be themselves in a strong
-- way; what was typed when that had to be asked for first.
alter table session add column strong_at timestamptz;

create table held_form (
  id         uuid primary key,
  staff_id   uuid not null default actor() references staff,
  path       text not null,                        -- after the language
  fields     jsonb not null,                       -- {"name": ["value"]}
  held_at    timestamptz not null
);
create index held_form_age on held_form (held_at);
grant select, insert (id, path, fields, held_at), delete on held_form to daftar_staff;
grant select, delete on held_form to daftar_jobs;
alter table held_form enable row level security;
create policy own on held_form to daftar_staff using (staff_id = actor());

-- Roles that are not for one person, both ways round; auth.RoleConflict says the
-- same, and why.
create table role_conflict (
  role  text not null,
  other text not null check (other <> role),
  primary key (role, other)
);
grant select on role_conflict to daftar_staff, daftar_jobs;
with pair (a, b) as (values
  ('appeals', 'auditor'), ('appeals', 'programme'), ('appeals', 'sysadmin'), ('approver', 'auditor'), ('approver', 'dataquality'),
  ('approver', 'intake'), ('approver', 'protection'), ('approver', 'sysadmin'), ('approver', 'verifier'), ('approver2', 'auditor'),
  ('approver2', 'dataquality'), ('approver2', 'dpo'), ('approver2', 'intake'), ('approver2', 'protection'), ('approver2', 'sysadmin'),
  ('approver2', 'verifier'), ('auditor', 'credential'), ('auditor', 'dataquality'), ('auditor', 'dpo'), ('auditor', 'grievance'),
  ('auditor', 'intake'), ('auditor', 'ministry'), ('auditor', 'programme'), ('auditor', 'protection'), ('auditor', 'support'),
  ('auditor', 'sysadmin'), ('auditor', 'verifier'), ('credential', 'sysadmin'), ('dataquality', 'sysadmin'), ('dataquality', 'verifier'),
  ('dpo', 'programme'), ('dpo', 'sysadmin'), ('grievance', 'sysadmin'), ('intake', 'sysadmin'), ('intake', 'verifier'),
  ('ministry', 'programme'), ('programme', 'sysadmin'), ('protection', 'sysadmin'), ('protection', 'verifier'), ('sysadmin', 'verifier'))
insert into role_conflict (role, other) select a, b from pair union select b, a from pair;

-- +goose StatementBegin
create function role_conflict_guard() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  -- Two proposals for one person, approved at once, would each not see the other.
  perform from staff s where s.id = new.staff_id for update;
  if (new.valid_to is null or new.valid_to > new.valid_from) and exists (
    select from role_conflict c join (
      select role, valid_from, valid_to from staff_role where staff_id = new.staff_id
      union all
      select role, valid_from, valid_to from office_role where staff_id = new.staff_id) r on r.role = c.other
    where c.role = new.role and (r.valid_to is null or r.valid_to > new.valid_from) and (new.valid_to is null or r.valid_from < new.valid_to)) then
    raise exception 'this role and another one of the same person exclude each other' using errcode = 'DF005', constraint = 'role_conflict';
  end if;
  return new;
end $$;
-- +goose StatementEnd
create trigger role_conflict_guard before insert or update on office_role for each row execute function role_conflict_guard();

-- What a reader of the view reads now as itself.
grant select on staff_role, office_role, office_scope to daftar_auditor, daftar_search;

-- +goose Down
select 1;
