-- +goose Up

-- Which account is whose (docs/decisions/0027-account-and-person.md). The role of
-- the portal cannot write account.person_id: only the functions here do, and what
-- the office does when it approves a registration or merges two records.

-- How an account came to a person. The row stays when records are merged.
create table account_link (
  id          uuid primary key,
  ref         text not null unique,
  account_id  uuid not null references account,
  person_id   uuid not null references person,
  how         text not null check (how in ('claim', 'office')),
  state       text not null check (state in ('proposed', 'linked', 'refused')),
  proof       text not null default '',             -- what the officer saw
  proposed_by uuid references staff,
  proposed_at timestamptz not null,
  decided_by  uuid references staff,
  decided_at  timestamptz,
  held_until  timestamptz,                          -- until then payments and contacts stay as they are: link_holds
  check ((how = 'office') = (proposed_by is not null)),
  check ((state = 'proposed') = (decided_at is null)),
  check ((state = 'linked') = (held_until is not null)),
  check (decided_by <> proposed_by)
);
create unique index account_link_account on account_link (account_id) where state <> 'refused';
create index account_link_person on account_link (person_id);
create index account_link_open on account_link (proposed_at) where state = 'proposed';
grant select on account_link to daftar_citizen, daftar_staff, daftar_jobs, daftar_auditor;
alter table account_link enable row level security;
create policy own on account_link for select to daftar_citizen using (account_id = actor());
create policy office on account_link for select to daftar_staff using (person_id <> all (array(select unnest(kept_people()))));
create policy worker on account_link for select to daftar_jobs using (true);
create policy auditor on account_link for select to daftar_auditor using (true);

-- What somebody who is not linked shows at an office: it names their account, once,
-- for a day. Only its hash is kept.
create table account_code (
  account_id uuid primary key references account,
  code_hash  bytea not null unique,
  expires_at timestamptz not null
);
create index account_code_expiry on account_code (expires_at);
grant select, insert, update (code_hash, expires_at) on account_code to daftar_citizen;
grant select (expires_at), delete on account_code to daftar_jobs;
alter table account_code enable row level security;
create policy own on account_code to daftar_citizen using (account_id = actor()) with check (account_id = actor());
create policy worker on account_code to daftar_jobs using (true);

-- Links an account to the one living person with the verified national number that
-- its provider vouched for, and says who that is; null where there is none or more
-- than one, and where the account is somebody's already: nothing tells which.
-- +goose StatementBegin
create function link_by_claim(p_id uuid, p_ref text, p_account uuid, p_type text, p_number text, p_at timestamptz) returns uuid
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  v_person uuid;
begin
  perform from account a where a.id = p_account and a.person_id is null for update;
  if not found or p_number = '' then
    return null;
  end if;
  -- as the provider said it at the last sign-in, whatever the caller says
  if regexp_replace(upper(translate((select a.claims->>'national_id' from account a where a.id = p_account), '٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹', '01234567890123456789')), '[^[:alnum:]]', '', 'g') is distinct from p_number then
    return null;
  end if;
  select (array_agg(p.id))[1] into v_person
  from identifier i join person p on p.id = i.subject_id
  where i.type = p_type and i.value = p_number and i.status = 'verified' and i.subject_kind = 'person' and p.status = 'active'
  having count(distinct p.id) = 1;
  if v_person is null then
    return null;
  end if;
  update account_link set state = 'refused', decided_at = p_at where account_id = p_account and state = 'proposed'; -- the number says more
  insert into account_link (id, ref, account_id, person_id, how, state, proposed_at, decided_at, held_until)
  values (p_id, p_ref, p_account, v_person, 'claim', 'linked', p_at, p_at, p_at + interval '24 hours');
  update account set person_id = v_person where id = p_account;
  return v_person;
end $$;

-- Whether an account may be tied to a person at all; the error names why not.
create function link_barrier(p_account uuid, p_person uuid) returns void
language plpgsql stable security definer set search_path = public, pg_temp as $$
begin
  if exists (select from account a where a.id = p_account and a.person_id is not null) then
    raise exception 'the account is somebody''s' using errcode = 'DF005', constraint = 'link_used';
  elsif not exists (select from person p where p.id = p_person and p.status = 'active') then
    raise exception 'the person is not on record as living' using errcode = 'DF005', constraint = 'link_person';
  elsif exists (select from account a where a.person_id = p_person) then
    raise exception 'the person signs in already' using errcode = 'DF005', constraint = 'link_taken';
  elsif exists (select from identifier i where i.subject_id = p_person and i.status = 'contested') then
    raise exception 'two people claim the person''s number' using errcode = 'DF005', constraint = 'link_contested';
  end if;
end $$;

-- The first official: who is present showed the code of their account, and proof
-- of who they are. The code is used up.
create function propose_link(p_id uuid, p_ref text, p_code bytea, p_person uuid, p_proof text, p_at timestamptz) returns uuid
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  v_account uuid;
begin
  if p_proof = '' or not exists (select from staff_scope r where r.staff_id = actor() and r.role in ('intake', 'protection')
      and r.valid_from <= p_at and (r.valid_to is null or r.valid_to > p_at)) then
    raise exception 'only with proof, at the counter' using errcode = 'DF002';
  end if;
  delete from account_code where code_hash = p_code and expires_at > p_at returning account_id into v_account;
  if v_account is null then
    raise exception 'no such code' using errcode = 'DF005', constraint = 'link_code';
  end if;
  perform link_barrier(v_account, p_person);
  begin
    insert into account_link (id, ref, account_id, person_id, how, state, proof, proposed_by, proposed_at)
    values (p_id, p_ref, v_account, p_person, 'office', 'proposed', p_proof, actor(), p_at);
  exception when unique_violation then
    raise exception 'the account waits for somebody' using errcode = 'DF005', constraint = 'link_twice';
  end;
  return v_account;
end $$;

-- The second: another one, of those who approve; where the person is protected, one
-- who protects. Everything is looked at again.
create function decide_link(p_ref text, p_yes boolean, p_at timestamptz) returns uuid
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  l account_link;
begin
  select * into l from account_link where ref = p_ref for update;
  if not found or l.state <> 'proposed' then
    raise exception 'the link was not proposed' using errcode = 'DF001';
  end if;
  if l.proposed_by = actor() or not exists (select from staff_scope r where r.staff_id = actor()
      and (r.role = 'protection' or r.role in ('approver', 'approver2') and not exists (
        select from membership m join household h on h.id = m.household_id and h.protected where m.person_id = l.person_id and m.end_date is null))
      and r.valid_from <= p_at and (r.valid_to is null or r.valid_to > p_at)) then
    raise exception 'another official decides' using errcode = 'DF002';
  end if;
  if p_yes then
    perform link_barrier(l.account_id, l.person_id);
    update account set person_id = l.person_id where id = l.account_id and person_id is null;
  end if;
  update account_link set state = case when p_yes then 'linked' else 'refused' end, decided_by = actor(), decided_at = p_at,
    held_until = case when p_yes then p_at + interval '24 hours' end
  where id = l.id;
  return l.person_id;
end $$;

-- Until when what a case asks for waits: whoever came to a record a short while ago
-- asks for nothing about its payments, nor for other ways to reach the person.
-- Whoever it belongs to has a day to say, on their own phone, that it was not them.
create function link_holds(p_case uuid, p_at timestamptz) returns timestamptz
language sql stable security definer set search_path = public, pg_temp as $$
  select max(l.held_until) from account_link l, case_file f join case_kind k on k.id = f.kind_id
  where actor_kind() = 'citizen' and l.account_id = actor() and l.state = 'linked' and l.held_until > p_at and f.id = p_case
    and (k.definition->>'effect' = 'payee' or exists (select from contacts_changed(f.change_id)))
$$;

create function held_link() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  if new.action in ('submitted', 'answered') and link_holds(new.case_id, new.at) is not null then
    raise exception 'the account was tied to the person less than a day ago' using errcode = 'DF005', constraint = 'link_held';
  end if;
  return new;
end $$;
-- +goose StatementEnd
create trigger held_link before insert on case_event for each row execute function held_link();
revoke execute on function link_by_claim(uuid, text, uuid, text, text, timestamptz), link_barrier(uuid, uuid),
  propose_link(uuid, text, bytea, uuid, text, timestamptz), decide_link(text, boolean, timestamptz), link_holds(uuid, timestamptz) from public;
grant execute on function link_by_claim(uuid, text, uuid, text, text, timestamptz), link_holds(uuid, timestamptz) to daftar_citizen;
grant execute on function propose_link(uuid, text, bytea, uuid, text, timestamptz), decide_link(text, boolean, timestamptz) to daftar_staff;

-- +goose Down
select 1;
