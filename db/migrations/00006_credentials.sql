-- +goose Up

-- A list of status bits (draft-ietf-oauth-status-list). version moves with
-- every bit that changes; token is the signed list of token_version.
create table status_list (
  id            integer primary key,
  size          integer not null,
  version       integer not null default 1,
  token         text not null default '',
  token_uri     text not null default '',     -- its sub: where it is published
  token_version integer not null default 0,
  token_expires timestamptz,
  created_at    timestamptz not null
);
grant select, insert, update (token, token_uri, token_version, token_expires) on status_list to daftar_issuer;
grant select, update (version) on status_list to daftar_staff, daftar_jobs; -- who may revoke

create table credential_offer (
  id           uuid primary key,
  ref          text not null unique,             -- unguessable: part of the offer's address
  person_id    uuid not null references person,  -- the holder
  type         text not null,
  decision_id  uuid references decision,         -- the decision it is about, where the type has one
  code_hash    bytea not null unique,            -- of the pre-authorized code
  tx_tries     integer not null default 0,
  channel      text not null check (channel in ('portal', 'counter')),
  state        text not null default 'open' check (state in ('open', 'redeemed', 'issued', 'failed', 'cancelled', 'locked')),
  created_at   timestamptz not null,
  expires_at   timestamptz not null,
  redeemed_at  timestamptz
);
create index credential_offer_person on credential_offer (person_id, created_at desc);
grant select, insert on credential_offer to daftar_citizen, daftar_staff, daftar_jobs;
grant update (state) on credential_offer to daftar_citizen, daftar_staff, daftar_jobs; -- a newer one cancels it
grant select, update (state, redeemed_at, tx_tries) on credential_offer to daftar_issuer;

create table wallet_token (
  hash       bytea primary key,
  offer_id   uuid not null references credential_offer,
  person_id  uuid not null references person,
  type       text not null,
  jkt        text,                               -- DPoP key thumbprint; null: Bearer
  created_at timestamptz not null,
  expires_at timestamptz not null
);
create index wallet_token_expiry on wallet_token (expires_at);
grant select, insert on wallet_token to daftar_issuer;
grant select, delete on wallet_token to daftar_jobs;

-- One issuance to one wallet: what was said, not the signed credential itself.
create table credential (
  id            uuid primary key,
  ref           text not null unique,
  offer_id      uuid references credential_offer,
  person_id     uuid not null references person,     -- the holder
  household_id  uuid references household,           -- the subject, where it is a household
  decision_id   uuid references decision,
  type          text not null,
  format        text not null,
  dataset_hash  bytea not null,
  issued_at     timestamptz not null,
  expires_at    timestamptz not null,
  state         text not null default 'valid' check (state in ('valid', 'revoked')),
  revoked_at    timestamptz,
  revoked_by    uuid,
  reason        text,
  note          text not null default '',
  notification  text not null unique,
  wallet_event  text check (wallet_event in ('credential_accepted', 'credential_failure', 'credential_deleted')),
  wallet_event_at timestamptz,
  check ((state = 'revoked') = (revoked_at is not null and reason is not null))
);
create index credential_person on credential (person_id, issued_at desc);
create index credential_household on credential (household_id);
grant select on credential to daftar_citizen, daftar_staff, daftar_issuer, daftar_jobs;
grant insert (id, ref, offer_id, person_id, household_id, decision_id, type, format, dataset_hash, issued_at, expires_at, notification),
  update (wallet_event, wallet_event_at) on credential to daftar_issuer;
grant update (state, revoked_at, revoked_by, reason, note) on credential to daftar_staff, daftar_jobs;

-- Each copy has its own holder key and its own random status index.
create table credential_copy (
  list_id       integer not null references status_list,
  idx           integer not null check (idx >= 0),
  credential_id uuid not null references credential,
  holder_key    text not null default '',        -- the thumbprint of the wallet's key: who asks again with it gets the same place
  status        smallint not null default 0 check (status in (0, 1)),   -- 0 valid, 1 invalid
  primary key (list_id, idx)
);
create index credential_copy_credential on credential_copy (credential_id);
create index credential_copy_invalid on credential_copy (list_id, idx) where status <> 0;
grant select on credential_copy to daftar_citizen, daftar_staff, daftar_issuer, daftar_jobs;
grant insert on credential_copy to daftar_issuer;
grant update (status) on credential_copy to daftar_staff, daftar_jobs;

-- +goose Down
select 1;
