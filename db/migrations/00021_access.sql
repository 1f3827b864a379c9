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
      saved_filter,legal_hold,erasure_due,erasure}'::text[]) then 'in_context(''staff'')' else 'in_context(''staff'', ''anonymous'')' end
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
create function role_conflict_check(p_staff uuid, p_role text, p_from timestamptz, p_to timestamptz) returns void
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  -- Two proposals for one person, approved at once, would each not see the other.
  perform from staff s where s.id = p_staff for update;
  if (p_to is null or p_to > p_from) and exists (
    select from role_conflict c join (
      select role, valid_from, valid_to from staff_role where staff_id = p_staff
      union all
      select role, valid_from, valid_to from office_role where staff_id = p_staff) r on r.role = c.other
    where c.role = p_role and (r.valid_to is null or r.valid_to > p_from) and (p_to is null or r.valid_from < p_to)) then
    raise exception 'this role and another one of the same person exclude each other' using errcode = 'DF005', constraint = 'role_conflict';
  end if;
end $$;

create function role_conflict_guard() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  perform role_conflict_check(new.staff_id, new.role, new.valid_from, new.valid_to);
  return new;
end $$;
-- +goose StatementEnd
create trigger role_conflict_guard before insert or update on office_role for each row execute function role_conflict_guard();

-- What each role may do. For the shipped ones auth/policy.go says the same, and a
-- test compares them; the others are roles that the country composed.
create table role_permission (
  role       text not null,
  permission text not null,
  primary key (role, permission)
);
grant select on role_permission to daftar_staff, daftar_jobs;
insert into role_permission (role, permission) values
  ('appeals', 'case.ask'), ('appeals', 'case.decide'), ('appeals', 'case.read'), ('appeals', 'case.recommend'),
  ('appeals', 'letter.read'), ('appeals', 'letter.review'), ('appeals', 'person.search'), ('approver', 'account.link'),
  ('approver', 'area.approve'), ('approver', 'area.read'), ('approver', 'case.decide'), ('approver', 'case.open'),
  ('approver', 'case.read'), ('approver', 'change.approve'), ('approver', 'change.read'), ('approver', 'duplicate.read'),
  ('approver', 'emergency.ask'), ('approver', 'filter.use'), ('approver', 'import.approve'), ('approver', 'import.read'),
  ('approver', 'person.read'), ('approver', 'person.search'), ('approver2', 'account.link'), ('approver2', 'area.approve'),
  ('approver2', 'area.read'), ('approver2', 'case.decide'), ('approver2', 'case.open'), ('approver2', 'case.read'),
  ('approver2', 'change.approve'), ('approver2', 'change.read'), ('approver2', 'delay.read'), ('approver2', 'delay.request'),
  ('approver2', 'duplicate.read'), ('approver2', 'emergency.ask'), ('approver2', 'emergency.open'), ('approver2', 'filter.use'), ('approver2', 'hold.decide'),
  ('approver2', 'import.approve'), ('approver2', 'import.read'), ('approver2', 'person.read'), ('approver2', 'person.search'),
  ('auditor', 'audit.read'), ('auditor', 'delay.read'), ('auditor', 'processing.read'), ('credential', 'credential.read'),
  ('credential', 'credential.revoke'), ('credential', 'person.search'), ('dataquality', 'area.propose'),
  ('dataquality', 'area.read'), ('dataquality', 'case.ask'), ('dataquality', 'case.open'), ('dataquality', 'case.read'),
  ('dataquality', 'change.propose'), ('dataquality', 'change.read'), ('dataquality', 'duplicate.decide'),
  ('dataquality', 'duplicate.read'), ('dataquality', 'field.edit'), ('dataquality', 'filter.share'),
  ('dataquality', 'filter.use'), ('dataquality', 'import.read'), ('dataquality', 'import.run'), ('dataquality', 'person.export'), ('dataquality', 'person.number'),
  ('dataquality', 'person.read'), ('dataquality', 'person.search'), ('dpo', 'alert.read'), ('dpo', 'audit.read'),
  ('dpo', 'delay.decide'), ('dpo', 'delay.read'), ('dpo', 'erasure.approve'), ('dpo', 'kin.end'), ('dpo', 'look.release'), ('dpo', 'processing.read'),
  ('dpo', 'question.answer'), ('dpo', 'setting.approve'), ('dpo', 'setting.read'), ('grievance', 'case.ask'),
  ('grievance', 'case.decide'), ('grievance', 'case.read'), ('grievance', 'case.recommend'), ('grievance', 'person.search'),
  ('intake', 'case.ask'), ('intake', 'case.intake'), ('intake', 'case.read'), ('intake', 'delegate.grant'),
  ('intake', 'letter.print'), ('intake', 'person.search'), ('ministry', 'rule.approve'), ('ministry', 'rule.read'),
  ('programme', 'decision.send'), ('programme', 'delay.read'), ('programme', 'delay.request'), ('programme', 'filter.share'),
  ('programme', 'filter.use'), ('programme', 'freeze.edit'), ('programme', 'letter.edit'), ('programme', 'letter.read'),
  ('programme', 'person.export'), ('programme', 'person.search'), ('programme', 'rule.read'), ('protection', 'account.link'),
  ('protection', 'case.ask'), ('protection', 'case.decide'), ('protection', 'case.read'), ('protection', 'case.recommend'),
  ('protection', 'change.propose'), ('protection', 'change.read'), ('protection', 'duplicate.decide'),
  ('protection', 'duplicate.read'), ('protection', 'emergency.ask'), ('protection', 'emergency.open'),
  ('protection', 'filter.use'), ('protection', 'letter.print'), ('protection', 'look.release'),
  ('protection', 'person.number'), ('protection', 'person.protected'), ('protection', 'person.read'), ('protection', 'person.search'),
  ('support', 'outage.record'), ('sysadmin', 'field.edit'), ('sysadmin', 'outage.record'), ('sysadmin', 'setting.approve'),
  ('sysadmin', 'setting.edit'), ('sysadmin', 'setting.read'), ('verifier', 'case.ask'), ('verifier', 'case.open'),
  ('verifier', 'case.read'), ('verifier', 'case.recommend'), ('verifier', 'change.read'), ('verifier', 'change.verify'),
  ('verifier', 'duplicate.read'), ('verifier', 'emergency.ask'), ('verifier', 'filter.use'), ('verifier', 'person.number'), ('verifier', 'person.read'),
  ('verifier', 'person.search');

-- Roles that the country composed of permissions: apply_setting_change alone writes
-- them. desks says where those for cases hold; kinds, for which kinds of cases, and
-- programmes, for whose decisions: all when empty.
create table role_definition (
  code        text primary key check (code ~ '^[a-z][a-z0-9_]{1,30}$'),
  name        jsonb not null,
  permissions jsonb not null,
  desks       jsonb not null default '[]',
  kinds       jsonb not null default '[]',
  programmes  jsonb not null default '[]',
  retired     boolean not null default false,
  version     integer not null default 1
);
grant select on role_definition to daftar_citizen, daftar_staff, daftar_issuer, daftar_api, daftar_jobs;
alter table setting_kind drop constraint setting_kind_kind_check,
  add constraint setting_kind_kind_check check (kind in ('setting', 'identifier', 'office', 'office_role', 'area_kind', 'field', 'case_kind', 'passkey', 'role'));
insert into setting_kind (kind, key, hands) values ('role', '*', 2); -- what people may do

-- Steps of one kind of thing, each for somebody else; what shows people's data; what
-- stays with the shipped roles, because the database names them where it matters, or
-- because whoever composes roles would give themselves more (auth.RoleConflict says the
-- same of the first two).
create table permission_rule (
  permission text not null,
  rule       text not null check (rule in ('case', 'change', 'area', 'import', 'setting', 'delay', 'letter', 'loss', 'personal', 'kept')),
  primary key (permission, rule)
);
grant select on permission_rule to daftar_staff, daftar_jobs;
insert into permission_rule (permission, rule) values
  ('case.intake', 'case'), ('case.recommend', 'case'), ('case.decide', 'case'),
  ('change.propose', 'change'), ('change.verify', 'change'), ('change.approve', 'change'),
  ('area.propose', 'area'), ('area.approve', 'area'), ('import.run', 'import'), ('import.approve', 'import'),
  ('setting.edit', 'setting'), ('setting.approve', 'setting'), ('delay.request', 'delay'), ('delay.decide', 'delay'),
  ('letter.edit', 'letter'), ('letter.review', 'letter'), ('decision.send', 'loss'), ('rule.approve', 'loss'),
  ('case.read', 'personal'), ('case.intake', 'personal'), ('person.read', 'personal'), ('person.number', 'personal'), ('person.search', 'personal'), ('person.export', 'personal'),
  ('filter.use', 'personal'), ('credential.read', 'personal'), ('letter.print', 'personal'), ('decision.send', 'personal'),
  ('question.answer', 'personal'), ('alert.read', 'personal'), ('duplicate.read', 'personal'), ('import.read', 'personal'), ('look.release', 'personal'),
  ('person.protected', 'kept'), ('look.release', 'kept'), ('delegate.grant', 'kept'), ('account.link', 'kept'), ('kin.end', 'kept'),
  ('alert.read', 'kept'), ('audit.read', 'kept'), ('emergency.open', 'kept'), ('setting.edit', 'kept'), ('setting.approve', 'kept'), ('erasure.approve', 'kept'), ('hold.decide', 'kept');

-- +goose StatementBegin

-- Why two roles are not for one person; null when they are.
create function role_conflict_why(p_a text, p_b text) returns text
language sql stable security definer set search_path = public, pg_temp as $$
  select case
    when p_a = p_b then null
    when 'auditor' in (p_a, p_b) then 'auditor'
    when exists (
      select from role_permission x join role_permission y on x.permission = 'setting.edit'
      join permission_rule p on p.permission = y.permission and p.rule = 'personal'
      where (x.role, y.role) in ((p_a, p_b), (p_b, p_a))) then 'system'
    when exists (
      select from role_permission x join permission_rule r on r.permission = x.permission and r.rule not in ('personal', 'kept')
      join permission_rule s on s.rule = r.rule and s.permission <> r.permission
      join role_permission y on y.permission = s.permission
      where x.role = p_a and y.role = p_b and (r.rule <> 'case' or exists (
        select from desk_role d join desk_role e on e.desk = d.desk
        where d.role = p_a and e.role = p_b and d.step <> 'take' and e.step <> 'take'))) then 'hands'
  end
$$;

-- What is wrong with a set of permissions for one role; null for nothing.
create function role_wrong(p_permissions text[]) returns text
language sql stable security definer set search_path = public, pg_temp as $$
  select case
    when coalesce(cardinality(p_permissions), 0) = 0 then 'empty'
    when exists (select from unnest(p_permissions) u where not exists (
      select from role_permission r where r.permission = u and not exists (select from role_definition d where d.code = r.role))) then 'unknown'
    when exists (select from permission_rule r where r.rule = 'kept' and r.permission = any(p_permissions)) then 'kept'
    when exists (
      select from permission_rule r join permission_rule s on s.rule = r.rule and s.permission <> r.permission
      where r.rule not in ('personal', 'kept') and r.permission = any(p_permissions) and s.permission = any(p_permissions)) then 'hands'
  end
$$;

-- Makes a composed role true: what it may do, at which desks, and with which others it
-- is not for one person. Whoever has it already has it with the next request; two that
-- somebody has may not come to exclude each other.
create function apply_role(p_key text, p_base integer, d jsonb, p_now timestamptz) returns boolean language plpgsql as $$
declare
  v_permissions text[] := array(select jsonb_array_elements_text(coalesce(nullif(d->'permissions', 'null'), '[]')));
  v_retired boolean := coalesce((d->>'retired')::boolean, false);
begin
  if role_wrong(v_permissions) is not null or coalesce(d->'desks', '[]') @> '["protection"]'
     or p_base = 0 and exists (select from role_permission r where r.role = p_key) then
    raise exception 'the role cannot be composed like this' using errcode = 'DF005', constraint = 'role_composed';
  end if;
  if p_base = 0 then
    insert into role_definition (code, name, permissions, desks, kinds, programmes, retired)
    values (p_key, d->'name', d->'permissions', coalesce(d->'desks', '[]'), coalesce(d->'kinds', '[]'), coalesce(d->'programmes', '[]'), v_retired);
  else
    update role_definition set name = d->'name', permissions = d->'permissions', desks = coalesce(d->'desks', '[]'),
      kinds = coalesce(d->'kinds', '[]'), programmes = coalesce(d->'programmes', '[]'), retired = v_retired, version = p_base + 1
    where code = p_key and version = p_base;
    if not found then
      return false;
    end if;
  end if;
  delete from role_permission where role = p_key;
  delete from desk_role where role = p_key;
  delete from role_conflict where p_key in (role, other);
  if v_retired then
    return true;
  end if;
  insert into role_permission (role, permission) select distinct p_key, u from unnest(v_permissions) u;
  insert into desk_role (desk, step, role)
  select k, s.step, p_key from jsonb_array_elements_text(coalesce(d->'desks', '[]')) k
  join (values ('case.read', 'read'), ('case.ask', 'ask'), ('case.recommend', 'recommend'), ('case.decide', 'decide')) s (permission, step)
    on s.permission = any(v_permissions)
  union
  select k, 'take', p_key from unnest('{office,grievance,appeals,protection}'::text[]) k where 'case.intake' = any(v_permissions);
  insert into role_conflict (role, other)
  select p_key, o.role from (select distinct role from role_permission) o where role_conflict_why(p_key, o.role) is not null
  union
  select o.role, p_key from (select distinct role from role_permission) o where role_conflict_why(p_key, o.role) is not null;
  if exists (
    with has as (
      select staff_id, role from staff_role where valid_to is null or valid_to > p_now
      union select staff_id, role from office_role where valid_to is null or valid_to > p_now)
    select from has a join has b on b.staff_id = a.staff_id join role_conflict c on c.role = a.role and c.other = b.role where a.role = p_key) then
    raise exception 'somebody has this role and one that it would exclude' using errcode = 'DF005', constraint = 'role_conflict';
  end if;
  return true;
end $$;

-- At which desks a member of staff sees some kinds of cases only, and which.
create function limited_desks() returns text[]
language sql stable security definer set search_path = public, pg_temp as $$
  select coalesce(array_agg(x.desk), '{}') from (
    select d.desk from staff_scope r join desk_role d on d.role = r.role and d.step <> 'take'
    left join role_definition f on f.code = r.role
    where r.staff_id = actor() and (r.valid_to is null or r.valid_to > statement_timestamp())
    group by d.desk having bool_and(coalesce(jsonb_array_length(f.kinds), 0) > 0)) x
$$;

create function limited_kinds() returns text[]
language sql stable security definer set search_path = public, pg_temp as $$
  select coalesce(array_agg(distinct d.desk || ' ' || k.id), '{}')
  from staff_scope r join role_definition f on f.code = r.role join desk_role d on d.role = r.role
  join case_kind k on f.kinds ? k.code
  where r.staff_id = actor() and (r.valid_to is null or r.valid_to > statement_timestamp())
$$;
-- +goose StatementEnd
grant execute on function role_conflict_why(text, text), role_wrong(text[]) to daftar_staff, daftar_jobs;
grant execute on function limited_desks(), limited_kinds() to daftar_staff;
create policy kinds_of_role on case_file as restrictive for select to daftar_staff
  using (desk <> all (array(select unnest(limited_desks()))) or desk || ' ' || kind_id = any (array(select unnest(limited_kinds()))));

-- What a reader of the view reads now as itself.
grant select on staff_role, office_role, office_scope to daftar_auditor, daftar_search;

-- +goose Down
select 1;
