package registry

import (
	"time"

	"daftar/db"
)

// SourceKind says how information reached the registry.
type SourceKind string

// The kinds of source. Each has the message "source.<kind>".
const (
	SourceSelf       SourceKind = "self_declared" // the person, in the portal
	SourceCounter    SourceKind = "counter"       // the person, to an officer
	SourceNationalID SourceKind = "national_id"   // the identity provider
	SourceImport     SourceKind = "import"        // a file
	SourceOffice     SourceKind = "office"        // an officer, who proposed a change
	SourceCalculated SourceKind = "calculated"    // a machine, out of other values
)

// Source is where values came from and when.
type Source struct {
	ID      db.ID      `db:"id"`
	Kind    SourceKind `db:"kind"`
	At      time.Time  `db:"at"`
	Label   string     `db:"label"`
	Method  string     `db:"method"` // one of VerificationMethods, or nothing
	CaseRef string     `db:"case_ref"`
	// Applicant is the account whose case it was; nil at the counter.
	Applicant *db.ID `db:"account_id"`
}

// AddSource notes a source for values that are about to be proposed.
func AddSource(tx db.Tx, kind SourceKind, caseID *db.ID, label string) (db.ID, error) {
	id := tx.NewID()
	err := tx.Exec(`insert into source (id, kind, at, case_id, label) values ($1, $2, $3, $4, $5)`, id, kind, tx.Now(), caseID, label)
	return id, err
}

// AddOfficeSource notes that an officer says so, and how it was checked: one of
// VerificationMethods.
func AddOfficeSource(tx db.Tx, method string) (db.ID, error) {
	id := tx.NewID()
	err := tx.Exec(`insert into source (id, kind, at, method) values ($1, $2, $3, nullif($4, ''))`, id, SourceOffice, tx.Now(), method)
	return id, err
}

// Sources finds the sources that the provenances name.
func Sources(tx db.Tx, provenances ...Provenance) (map[db.ID]Source, error) {
	seen := map[string]bool{}
	var ids []string
	for _, p := range provenances {
		for _, id := range p {
			if !seen[id.String()] {
				seen[id.String()] = true
				ids = append(ids, id.String())
			}
		}
	}
	var rows []Source
	err := tx.Select(&rows, `
		select s.id, s.kind, s.at, s.label, coalesce(s.method, '') as method, coalesce(c.ref, '') as case_ref, c.account_id
		from source s left join case_file c on c.id = s.case_id
		where s.id = any($1::uuid[])`, ids)
	found := map[db.ID]Source{}
	for _, s := range rows {
		found[s.ID] = s
	}
	return found, err
}
