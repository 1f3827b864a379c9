-- +goose Up

-- Data keys (docs/decisions/0033-sealing.md): in a schema of their own, which
-- "daftar db dump" leaves out and "daftar keys dump" writes apart. Each is wrapped
-- under a class key that the database never sees. Who deletes one makes what is
-- sealed under it unreadable.
create schema seal;
create table seal.data_key (
  class   text not null check (class in ('file', 'case', 'index')),
  owner   uuid not null,                         -- the file, the case; of an index nobody
  kek     bigint not null,                       -- which class key
  wrapped bytea not null,
  made_at timestamptz not null,
  primary key (owner, class)
);
create index data_key_kek on seal.data_key (class, kek, owner);
grant usage on schema seal to daftar_citizen, daftar_staff, daftar_jobs;
grant select, insert on seal.data_key to daftar_citizen, daftar_staff, daftar_jobs;
grant update (kek, wrapped), delete on seal.data_key to daftar_jobs;
alter table seal.data_key enable row level security, force row level security;
create policy owner on seal.data_key to current_user using (true);
create policy in_context on seal.data_key to daftar_citizen, daftar_staff, daftar_jobs using ((select in_any_context()) is not null);

-- When nothing was left of what was said in a case.
alter table case_file add column erased_at timestamptz;
create index case_file_kept on case_file (created_at) where erased_at is null and state in ('draft', 'refused', 'withdrawn', 'approved');

-- Something that must not be deleted, whatever the rules say: a court asks for it.
-- It holds from the moment it is asked for; a second person agrees, and agrees to
-- its end. Who has it ended in secret would have to be two.
create table legal_hold (
  id           uuid primary key,
  ref          text not null unique,
  kind         text not null check (kind in ('person', 'case')),
  subject_id   uuid not null,
  reason       text not null,
  reason_lang  text not null,
  asked_at     timestamptz not null,
  asked_by     uuid not null default actor() references staff,
  confirmed_at timestamptz,
  confirmed_by uuid references staff,
  lift_at      timestamptz,                      -- when its end was asked for
  lift_by      uuid references staff,
  ended_at     timestamptz,
  ended_by     uuid references staff,
  constraint legal_hold_hands check (confirmed_by <> asked_by and ended_by <> lift_by and (confirmed_at is not null or ended_by <> asked_by)),
  check ((confirmed_at is null) = (confirmed_by is null) and (lift_at is null) = (lift_by is null) and (ended_at is null) = (ended_by is null)),
  check (ended_at is null or confirmed_at is null or lift_at is not null)
);
create index legal_hold_subject on legal_hold (subject_id) where ended_at is null;
grant select, insert (id, ref, kind, subject_id, reason, reason_lang, asked_at) on legal_hold to daftar_staff;
grant select on legal_hold to daftar_jobs, daftar_auditor;

-- +goose StatementBegin
create function lift_hold(p_id uuid, p_now timestamptz) returns void
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  update legal_hold set lift_at = p_now, lift_by = actor()
  where id = p_id and ended_at is null and lift_at is null and confirmed_at is not null and actor() is not null;
  if not found then
    raise exception 'this hold is not to be ended' using errcode = 'DF001';
  end if;
end $$;

-- The second person: on a new hold, or on its end.
create function decide_hold(p_id uuid, p_agree boolean, p_now timestamptz) returns void
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  h legal_hold%rowtype;
begin
  select x.* into h from legal_hold x where x.id = p_id for update;
  if h.id is null or h.ended_at is not null or h.confirmed_at is not null and h.lift_at is null then
    raise exception 'this hold waits for nobody' using errcode = 'DF001';
  end if;
  if actor() is null or actor() = coalesce(h.lift_by, h.asked_by) then
    raise exception 'somebody else agrees to a hold' using errcode = 'DF002';
  end if;
  if h.lift_at is not null and p_agree or h.lift_at is null and not p_agree then
    update legal_hold set ended_at = p_now, ended_by = actor() where id = p_id;
  elsif h.lift_at is not null then
    update legal_hold set lift_at = null, lift_by = null where id = p_id;
  else
    update legal_hold set confirmed_at = p_now, confirmed_by = actor() where id = p_id;
  end if;
end $$;

create function case_held(p_case uuid) returns boolean language sql stable security definer set search_path = public, pg_temp as $$
  select exists (select from legal_hold h where h.ended_at is null and (
    h.subject_id = p_case
    or h.subject_id = (select f.person_id from case_file f where f.id = p_case)
    or h.subject_id in (select s.subject_id from case_subject s where s.case_id = p_case)))
$$;

create function person_held(p_person uuid) returns boolean language sql stable security definer set search_path = public, pg_temp as $$
  select exists (select from legal_hold h where h.ended_at is null and (
    h.subject_id = p_person
    or h.kind = 'case' and (exists (select from case_file f where f.id = h.subject_id and f.person_id = p_person)
      or exists (select from case_subject s where s.case_id = h.subject_id and s.subject_id = p_person))))
$$;
-- +goose StatementEnd
grant execute on function lift_hold(uuid, timestamptz), decide_hold(uuid, boolean, timestamptz) to daftar_staff;
grant execute on function case_held(uuid), person_held(uuid) to daftar_staff, daftar_jobs;

-- People whose time is over: listed by a job, erased when somebody has agreed.
create table erasure_due (
  id          uuid primary key,
  ref         text not null unique,
  person_id   uuid not null unique references person,
  due_on      date not null,
  listed_at   timestamptz not null,
  approved_at timestamptz,
  approved_by uuid references staff,
  check ((approved_at is null) = (approved_by is null))
);
create index erasure_due_list on erasure_due (due_on, ref) where approved_at is null;
grant select, insert (id, ref, person_id, due_on, listed_at), delete on erasure_due to daftar_jobs;
grant select on erasure_due to daftar_staff;

-- What was erased: references alone, for ever. A restored backup is erased again
-- by it (docs/decisions/0033-sealing.md).
create table erasure (
  kind        text not null check (kind in ('person', 'case', 'evidence')),
  subject_id  uuid not null,
  at          timestamptz not null,
  rule        text not null,                     -- a kind of registry.Retention
  approved_by uuid,                              -- of a person: who agreed
  primary key (kind, subject_id)
);
create index erasure_at on erasure (at desc);
grant select on erasure to daftar_staff, daftar_jobs, daftar_auditor;
create trigger append_only before update or delete on erasure for each row execute function append_only();
create trigger append_only_all before truncate on erasure for each statement execute function append_only();

-- +goose StatementBegin
create function approve_erasure(p_id uuid, p_now timestamptz) returns void
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  update erasure_due d set approved_at = p_now, approved_by = actor()
  where d.id = p_id and d.approved_at is null and actor() is not null and not person_held(d.person_id);
  if not found then
    raise exception 'nobody waits to be erased here' using errcode = 'DF001';
  end if;
end $$;

-- Deletes the photos of a case and returns where they are in the blob store; null
-- where a hold forbids it.
create function erase_evidence(p_case uuid, p_rule text, p_now timestamptz) returns text[]
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  v_blobs text[];
begin
  perform from case_file f where f.id = p_case for update;
  if case_held(p_case) then
    return null;
  end if;
  with gone as (delete from evidence e where e.case_id = p_case returning e.blob)
  select coalesce(array_agg(g.blob), '{}') into v_blobs from gone g;
  delete from blob_scan b where b.blob = any(v_blobs);
  insert into erasure (kind, subject_id, at, rule) values ('evidence', p_case, p_now, p_rule) on conflict do nothing;
  return v_blobs;
end $$;

-- Leaves of a case that it was, what it was about by reference, and how it ended.
-- What was approved is the record's and stays with it.
create function erase_case(p_case uuid, p_rule text, p_now timestamptz) returns text[]
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  v_blobs text[] := erase_evidence(p_case, p_rule, p_now);
  v_change uuid;
begin
  if v_blobs is null then
    return null;
  end if;
  update case_event e set note = '' where e.case_id = p_case and e.note <> '';
  update case_visit v set what = '', findings = '' where v.case_id = p_case;
  update decision d set note = '' where d.case_id = p_case and d.note <> '';
  delete from letter_event e using letter l where l.id = e.letter_id and l.case_id = p_case;
  delete from notice_delivery d using notice n where n.id = d.notice_id and n.case_id = p_case;
  delete from notice n where n.case_id = p_case or n.letter_id in (select l.id from letter l where l.case_id = p_case);
  delete from letter l where l.case_id = p_case;
  update change_item i set data = '{}' from case_file f join change c on c.id = f.change_id
  where f.id = p_case and i.change_id = c.id and c.state in ('refused', 'superseded');
  update case_file f set draft = '{}', applicant = '', erased_at = p_now, state = case f.state when 'draft' then 'withdrawn' else f.state end,
    news_at = null where f.id = p_case;
  insert into erasure (kind, subject_id, at, rule) values ('case', p_case, p_now, p_rule) on conflict do nothing;
  return v_blobs;
end $$;

-- Leaves of a person a record without anything of theirs: others point at it. The
-- photos among their answers are returned as above. Only after somebody agreed.
create function erase_person(p_person uuid, p_rule text, p_approved_by uuid, p_now timestamptz) returns text[]
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  v_blobs text[];
  v_refs text[];
begin
  perform from person p where p.id = p_person for update;
  if person_held(p_person) then
    return null;
  end if;
  v_refs := array(
    select distinct a.value from change_item i cross join lateral jsonb_each_text(case when jsonb_typeof(i.data->'fields') = 'object' then i.data->'fields' else '{}' end) a
    where i.subject_id = p_person and a.value ~ '^F-');
  with gone as (delete from file f where f.ref = any(v_refs) returning f.blob)
  select coalesce(array_agg(g.blob), '{}') into v_blobs from gone g;
  delete from blob_scan b where b.blob = any(v_blobs);

  update change_item i set data = jsonb_build_object('status', i.data->'status', 'status_date', i.data->'status_date', 'status_reason', i.data->'status_reason')
  where i.subject_id = p_person;
  update person p set full_name = null, full_name_latin = null, family_name = null, given_name = null, other_names = null, sex = 'unknown',
    birth_from = null, birth_to = null, tags = '{}', fields = '{}', provenance = '{}' where p.id = p_person;
  delete from identifier i where i.subject_id = p_person;
  delete from contact c where c.person_id = p_person;
  delete from contact_hold c where c.person_id = p_person;
  delete from relation r where p_person in (r.person_id, r.other_id);
  delete from membership_role r where p_person in (r.person_id, r.of_id);
  delete from membership m where m.person_id = p_person;
  delete from membership_lost m where m.person_id = p_person;
  delete from group_member m where m.person_id = p_person;
  delete from calculated c where c.subject_id = p_person;
  delete from person_search s where s.person_id = p_person;
  delete from dedup_record d where d.person_id = p_person;
  delete from dedup_todo d where d.person_id = p_person;
  update duplicate_pair d set parts = '[]', state = case d.state when 'open' then 'different' else d.state end where p_person in (d.a_id, d.b_id);
  update duplicate_decision d set note = '' from duplicate_pair x where x.id = d.pair_id and p_person in (x.a_id, x.b_id);
  update amendment a set note = '', answer = '' where a.subject_id = p_person;
  update look_question q set words = '', answer = '' where q.person_id = p_person;
  update account_link l set proof = '' where l.person_id = p_person;
  update delegation d set proof = '' where d.person_id = p_person;
  update data_copy c set content = null where c.person_id = p_person;
  delete from letter_event e using letter l where l.id = e.letter_id and l.person_id = p_person;
  delete from notice_delivery d using notice n where n.id = d.notice_id and n.person_id = p_person;
  delete from notice n where n.person_id = p_person or n.letter_id in (select l.id from letter l where l.person_id = p_person);
  delete from letter l where l.person_id = p_person;
  delete from notice_setting n where n.person_id = p_person;
  update account a set name = '', claims = '{}' where a.person_id = p_person;

  delete from erasure_due d where d.person_id = p_person;
  insert into erasure (kind, subject_id, at, rule, approved_by) values ('person', p_person, p_now, p_rule, p_approved_by) on conflict do nothing;
  return v_blobs;
end $$;
-- +goose StatementEnd
grant execute on function approve_erasure(uuid, timestamptz) to daftar_staff;
grant execute on function erase_evidence(uuid, text, timestamptz), erase_case(uuid, text, timestamptz), erase_person(uuid, text, uuid, timestamptz) to daftar_jobs;

-- Sign-ins, and credentials that ended, are nobody's words: they are deleted when
-- their time is over, here and in a restored backup alike.
grant delete on credential_copy, credential, credential_offer to daftar_jobs;

-- Puts sealed words of a sealed case in the place of plain ones: those from before it
-- was sealed. Nothing else changes what was written.
-- +goose StatementBegin
create function seal_words(p_case uuid, p_column text, p_row uuid, p_words text) returns void
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  if p_words not like 'sealed:%' or not exists (select from case_file f where f.id = p_case and 'sealed' in (f.access, f.access_wanted)) then
    raise exception 'these are no words of a sealed case' using errcode = 'DF001';
  end if;
  case p_column
    when 'case_event.note' then update case_event e set note = p_words where e.id = p_row and e.case_id = p_case and e.note not like 'sealed:%';
    when 'case_visit.what' then update case_visit v set what = p_words where v.id = p_row and v.case_id = p_case and v.what not like 'sealed:%';
    when 'case_visit.findings' then update case_visit v set findings = p_words where v.id = p_row and v.case_id = p_case and v.findings not like 'sealed:%';
  end case;
end $$;
-- +goose StatementEnd
grant execute on function seal_words(uuid, text, uuid, text) to daftar_jobs;
insert into outbox_kind (kind, role) values ('seal_case', 'daftar_citizen'), ('seal_case', 'daftar_staff');

-- +goose Down
select 1;
