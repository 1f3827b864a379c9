package cases

import (
	"slices"
	"strings"

	"daftar/db"
	"daftar/fault"
	"daftar/registry/audit"
)

// Evidence is one photo that came with a case.
type Evidence struct {
	ID        db.ID  `db:"id"`
	Member    string `db:"member"`
	Kind      string `db:"kind"`
	MediaType string `db:"media_type"`
	Size      int    `db:"size"`
	Width     int    `db:"width"`
	Height    int    `db:"height"`
	SHA256    []byte `db:"sha256"`
	Blob      string `db:"blob"`
}

// EvidenceBirthCertificate is the kind of a birth certificate.
const EvidenceBirthCertificate = "birth_certificate"

// ofHousehold is whose evidence is about the whole household.
const ofHousehold = "home"

// Key names one photo of a case in an address: "2" for a child's certificate,
// "2.disability" and "home.flooded" for what backs an answer.
func (e Evidence) Key() string {
	if e.Kind == EvidenceBirthCertificate {
		return e.Member
	}
	if e.Member == "" {
		return ofHousehold + "." + e.Kind
	}
	return e.Member + "." + e.Kind
}

// evidenceOf is what a key names.
func evidenceOf(key string) (member, kind string) {
	member, kind, answer := strings.Cut(key, ".")
	switch {
	case !answer:
		return member, EvidenceBirthCertificate
	case member == ofHousehold:
		return "", kind
	}
	return member, kind
}

// about reports whether evidence can be about somebody of the draft, or about
// the household.
func (d *Draft) about(member, kind string) bool {
	if member == "" {
		return kind != EvidenceBirthCertificate
	}
	return d.Member(member) != nil
}

// page is the page of the form that asks for the evidence.
func (e Evidence) page() string {
	switch {
	case e.Kind == EvidenceBirthCertificate:
		return "documents/" + e.Member
	case e.Member == "":
		return "q/" + e.Kind + "/evidence"
	}
	return "people/" + e.Member + "/q/" + e.Kind + "/evidence"
}

// maxEvidence is how many photos one case may hold.
const maxEvidence = 60

// Attach notes a photo that was stored, in place of an earlier one of the same
// member and kind.
func Attach(tx db.Tx, actor Actor, ref string, e Evidence) error {
	_, err := Edit(tx, actor, ref, func(d *Draft) error {
		if !d.about(e.Member, e.Kind) {
			return fault.Hidden()
		}
		d.Mark(e.page())
		return nil
	})
	if err != nil {
		return err
	}
	c, err := Load(tx, actor, ref)
	if err != nil {
		return err
	}
	var n int
	if err := tx.Get(&n, `select count(*) from evidence where case_id = $1`, c.ID); err != nil {
		return err
	}
	if n >= maxEvidence {
		return fault.New(fault.Conflict, "upload.error.too_many")
	}
	if err := Detach(tx, c, e.Key()); err != nil {
		return err
	}
	id := tx.NewID()
	if err := tx.Exec(`
		insert into evidence (id, case_id, member, kind, media_type, size, width, height, sha256, blob, uploaded_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
		id, c.ID, e.Member, e.Kind, e.MediaType, e.Size, e.Width, e.Height, e.SHA256, e.Blob, tx.Now()); err != nil {
		return err
	}
	return audit.Write(tx, audit.Event{Action: "evidence.added", SubjectKind: "evidence", Subject: id, Case: c.ID})
}

// Detach takes a photo out of the case. It stays on file.
func Detach(tx db.Tx, c Case, key string) error {
	member, kind := evidenceOf(key)
	n, err := tx.Count(`update evidence set removed_at = $4 where case_id = $1 and member = $2 and kind = $3 and removed_at is null`,
		c.ID, member, kind, tx.Now())
	if err != nil || n == 0 {
		return err
	}
	return audit.Write(tx, audit.Event{Action: "evidence.removed", SubjectKind: "case", Subject: c.ID, Case: c.ID})
}

// EvidenceOf lists the photos of a case. Those of a member who was taken out of
// the application stay on file and are shown to nobody.
func EvidenceOf(tx db.Tx, c Case) ([]Evidence, error) {
	var list []Evidence
	err := tx.Select(&list, `
		select id, member, kind, media_type, size, width, height, sha256, blob
		from evidence where case_id = $1 and removed_at is null order by uploaded_at, id`, c.ID)
	return slices.DeleteFunc(list, func(e Evidence) bool { return !c.Draft.about(e.Member, e.Kind) }), err
}

// OneEvidence finds one photo of a case by its key.
func OneEvidence(tx db.Tx, c Case, key string) (Evidence, error) {
	var e Evidence
	member, kind := evidenceOf(key)
	if !c.Draft.about(member, kind) {
		return e, fault.Hidden()
	}
	err := tx.Get(&e, `
		select id, member, kind, media_type, size, width, height, sha256, blob
		from evidence where case_id = $1 and member = $2 and kind = $3 and removed_at is null`, c.ID, member, kind)
	return e, err
}
