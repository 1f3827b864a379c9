package auth

import (
	"encoding/json"
	"maps"
	"slices"

	"daftar/db"
	"daftar/fault"
	"daftar/registry"
	"daftar/registry/audit"
)

// Provider rows of identity_provider.
const (
	CitizenProvider = "citizen"
	StaffProvider   = "staff"
)

// SetProviders notes the addresses of the providers, by their row.
func SetProviders(tx db.Tx, issuers map[string]string) error {
	for _, id := range slices.Sorted(maps.Keys(issuers)) {
		issuer := issuers[id]
		set, err := tx.Count(`
			insert into identity_provider (id, issuer) values ($1, $2)
			on conflict (id) do update set issuer = excluded.issuer where identity_provider.issuer <> excluded.issuer`, id, issuer)
		if err != nil {
			return err
		}
		if set == 0 {
			continue
		}
		if err := audit.Write(tx, audit.Event{Action: "provider.set", Detail: map[string]any{"provider": id, "issuer": issuer}}); err != nil {
			return err
		}
	}
	return nil
}

// Account returns the citizen's account for a subject at the provider, made at
// the first sign-in. An account with no record is linked to the one living
// person with the same verified national identifier, never by name.
func Account(tx db.Tx, id Identity) (db.ID, error) {
	claims, err := json.Marshal(id.Claims)
	if err != nil {
		return db.ID{}, err
	}
	var account struct {
		ID     db.ID  `db:"id"`
		Person *db.ID `db:"person_id"`
	}
	err = tx.Get(&account, `
		insert into account (id, provider, sub, name, claims, created_at) values ($1, $2, $3, $4, $5, $6)
		on conflict (provider, sub) do update set name = excluded.name, claims = excluded.claims
		returning id, person_id`,
		tx.NewID(), CitizenProvider, id.Sub, id.Name, string(claims), tx.Now())
	if err != nil {
		return db.ID{}, err
	}
	if account.Person != nil || id.Claims.NationalID == "" {
		return account.ID, nil
	}
	return account.ID, claimed(tx, account.ID, id.Claims.NationalID)
}

// StaffMember returns the member of staff for a subject at the staff
// directory; fault.Forbidden when the directory knows somebody whom the
// registry does not. Where the directory says who somebody is, their own record
// is kept from them from then on (RULES R8).
func StaffMember(tx db.Tx, id Identity) (db.ID, error) {
	var staff db.ID
	err := tx.Get(&staff, `select id from staff where provider = $1 and sub = $2 and active`, StaffProvider, id.Sub)
	if fault.Is(err, fault.NotFound) {
		return staff, fault.New(fault.Forbidden, "signin.error.not_staff")
	}
	if number := registry.NormalIdentifier(id.Claims.NationalID); err == nil && number != "" {
		err = tx.Exec(`select declare_self($1, $2, $3, $4, $5, $6)`, tx.NewID(), registry.NewRef(registry.RefKin, tx.Rand()), staff, registry.NationalID, number, tx.Now())
	}
	return staff, err
}

// Claims is what the national identity provider says about a citizen. It only
// pre-fills an application, except for the identifier, which it vouches for.
type Claims struct {
	Name       string `json:"name,omitempty"`
	NameLatin  string `json:"name_latin,omitempty"`
	BirthDate  string `json:"birthdate,omitempty"` // 2006-01-02
	Sex        string `json:"sex,omitempty"`       // female, male or other
	NationalID string `json:"national_id,omitempty"`
}

// ClaimsOf reads what an account's provider said at the last sign-in.
func ClaimsOf(tx db.Tx, account db.ID) (Claims, error) {
	var raw []byte
	if err := tx.Get(&raw, `select claims from account where id = $1`, account); err != nil {
		return Claims{}, err
	}
	var c Claims
	return c, json.Unmarshal(raw, &c)
}
