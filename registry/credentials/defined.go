package credentials

import (
	"encoding/json"
	"slices"

	"daftar/db"
	"daftar/fault"
	"daftar/i18n"
	"daftar/registry"
	"daftar/registry/audit"
)

// Defined is a claim that a field definition makes: a value of the record, under
// the definition's label. What a credential of a version says is described by
// that version for good, so a version keeps all of it.
type Defined struct {
	Field     string             `json:"field"` // its code; the subject is the type's
	Name      string             `json:"name"`
	Type      registry.FieldType `json:"type"` // of the value
	Label     i18n.Text          `json:"label"`
	Mandatory bool               `json:"mandatory,omitempty"`
	Shown     bool               `json:"shown,omitempty"` // with every presentation
}

// Scan reads a jsonb column.
func (l *definedList) Scan(src any) error {
	raw, ok := src.([]byte)
	if !ok {
		raw = []byte(src.(string))
	}
	return json.Unmarshal(raw, l)
}

type definedList []Defined

// ClaimName is what a definition's claim is called.
func ClaimName(f registry.Field) string {
	if f.Claim.Name != "" {
		return f.Claim.Name
	}
	return f.Code
}

// definedBy lists the claims that definitions make of a type, in their order.
func definedBy(t Type, fields registry.Fields) definedList {
	list := definedList{}
	for _, f := range fields.Of(t.Subject) {
		if f.Claim.Credential != t.ID {
			continue
		}
		list = append(list, Defined{Field: f.Code, Name: ClaimName(f), Type: f.Shape(), Label: f.Label,
			Mandatory: f.Claim.Mandatory, Shown: f.Claim.Always})
	}
	return list
}

// Follow makes a new version of each type whose claims the published
// definitions change. It is called with every publication.
func Follow(tx db.Tx, fields registry.Fields) error {
	for _, t := range Types() {
		now := definedBy(t, fields)
		version, was, err := newest(tx, t.ID)
		if err != nil {
			return err
		}
		raw, err := json.Marshal(now)
		if err != nil {
			return err
		}
		before, err := json.Marshal(was)
		if err != nil {
			return err
		}
		if slices.Equal(raw, before) {
			continue
		}
		if err := tx.Exec(`insert into credential_version (type, version, claims, published_at) values ($1, $2, $3, $4)`,
			t.ID, version+1, string(raw), tx.Now()); err != nil {
			return err
		}
		if err := audit.Write(tx, audit.Event{Action: "credential.type_changed", SubjectKind: "credential_type",
			Detail: map[string]any{"type": t.ID, "version": version + 1}}); err != nil {
			return err
		}
	}
	return nil
}

// newest is the newest version of a type, with its defined claims.
func newest(tx db.Tx, id string) (int, definedList, error) {
	return version(tx, `select version, claims from credential_version where type = $1 order by version desc limit 1`, id)
}

func version(tx db.Tx, query string, args ...any) (int, definedList, error) {
	var row struct {
		Version int         `db:"version"`
		Claims  definedList `db:"claims"`
	}
	err := tx.Get(&row, query, args...)
	if fault.Is(err, fault.NotFound) {
		return 1, definedList{}, nil
	}
	return row.Version, row.Claims, err
}

// Load is a type as it is issued now, with the claims of definitions;
// fault.NotFound when there is none.
func Load(tx db.Tx, id string) (Type, error) {
	t, ok := Builtin(id)
	if !ok {
		return t, fault.Hidden()
	}
	n, defined, err := newest(tx, id)
	return t.with(n, defined), err
}

// LoadAll lists the types as they are issued now.
func LoadAll(tx db.Tx) ([]Type, error) {
	list := Types()
	for i := range list {
		n, defined, err := newest(tx, list[i].ID)
		if err != nil {
			return nil, err
		}
		list[i] = list[i].with(n, defined)
	}
	return list, nil
}

// LoadVersion is a type as it was issued in a version; fault.NotFound when it
// never was.
func LoadVersion(tx db.Tx, id string, n int) (Type, error) {
	t, ok := Builtin(id)
	if !ok || n < 1 {
		return t, fault.Hidden()
	}
	found, defined, err := version(tx, `select version, claims from credential_version where type = $1 and version = $2`, id, n)
	if err == nil && found != n {
		err = fault.Hidden()
	}
	return t.with(n, defined), err
}

// with is the type in a version, with its defined claims behind its own.
func (t Type) with(version int, defined definedList) Type {
	t.Version = version
	t.Claims = slices.Clone(t.Claims)
	for _, d := range defined {
		t.Claims = append(t.Claims, Claim{Path: []string{d.Name}, Mandatory: d.Mandatory, Shown: d.Shown, Label: d.Label, defined: &d})
	}
	return t
}

// say adds the claims of definitions to what a credential says: of a record with
// these values. Where a protected household lives is in none (RULES R5).
func (t Type) say(tx db.Tx, claims map[string]any, subject db.ID, values registry.Values, protected bool) error {
	var calculated []registry.Values
	for _, c := range t.Claims {
		if c.defined == nil {
			continue
		}
		value := values[c.defined.Field]
		if value == nil {
			if calculated == nil {
				if err := tx.Select(&calculated, `select values from calculated where subject_id = $1`, subject); err != nil {
					return err
				}
				calculated = append(calculated, registry.Values{})
			}
			value = calculated[0][c.defined.Field]
		}
		if value == registry.Unknown || protected && c.defined.Type == registry.TypeArea {
			value = nil
		}
		if value != nil || c.Mandatory {
			claims[c.Path[0]] = value // null: nothing is known
		}
	}
	return nil
}
