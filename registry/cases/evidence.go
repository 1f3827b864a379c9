package cases

import (
	"slices"

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

// maxEvidence is how many photos one case may hold.
const maxEvidence = 60

// Attach notes a photo that was stored, in place of an earlier one of the same
// member and kind.
func Attach(tx db.Tx, actor Actor, ref string, e Evidence) error {
	_, err := Edit(tx, actor, ref, func(d *Draft) error {
		if d.Member(e.Member) == nil {
			return fault.Hidden()
		}
		d.Mark("documents/" + e.Member)
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
	if err := Detach(tx, c, e.Member); err != nil {
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

// Detach takes a member's photo out of the case. It stays on file.
func Detach(tx db.Tx, c Case, member string) error {
	n, err := tx.Count(`update evidence set removed_at = $3 where case_id = $1 and member = $2 and removed_at is null`, c.ID, member, tx.Now())
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
	return slices.DeleteFunc(list, func(e Evidence) bool { return c.Draft.Member(e.Member) == nil }), err
}

// OneEvidence finds one photo of a case.
func OneEvidence(tx db.Tx, c Case, member string) (Evidence, error) {
	var e Evidence
	if c.Draft.Member(member) == nil {
		return e, fault.Hidden()
	}
	err := tx.Get(&e, `
		select id, member, kind, media_type, size, width, height, sha256, blob
		from evidence where case_id = $1 and member = $2 and removed_at is null`, c.ID, member)
	return e, err
}
