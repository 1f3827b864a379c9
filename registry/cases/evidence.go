package cases

import (
	"slices"
	"strings"

	"daftar/db"
	"daftar/fault"
	"daftar/registry/audit"
	"daftar/registry/quarantine"
)

// Evidence is one photo that came with a case. A document of several pages is
// several photos of one kind.
type Evidence struct {
	ID        db.ID  `db:"id"`
	Member    string `db:"member"` // of a registration: whose
	Kind      string `db:"kind"`   // a code of the kind's proof
	MediaType string `db:"media_type"`
	Size      int    `db:"size"`
	Width     int    `db:"width"`
	Height    int    `db:"height"`
	SHA256    []byte `db:"sha256"`
	Blob      string `db:"blob"`
	Event     *db.ID `db:"event_id"` // the message that it came with
}

// EvidenceBirthCertificate is the kind of a birth certificate.
const EvidenceBirthCertificate = "birth_certificate"

// EvidenceMessage is the kind of what comes with a message.
const EvidenceMessage = "message"

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

const evidenceColumns = `id, member, kind, media_type, size, width, height, sha256, blob, event_id`

// keep notes a photo that was stored.
func keep(tx db.Tx, c Case, e Evidence) error {
	var n int
	if err := tx.Get(&n, `select count(*) from evidence where case_id = $1`, c.ID); err != nil {
		return err
	}
	if n >= maxEvidence {
		return fault.New(fault.Conflict, "upload.error.too_many")
	}
	id := tx.NewID()
	if err := tx.Exec(`
		insert into evidence (id, case_id, member, kind, media_type, size, width, height, sha256, blob, uploaded_at, event_id)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
		id, c.ID, e.Member, e.Kind, e.MediaType, e.Size, e.Width, e.Height, e.SHA256, e.Blob, tx.Now(), e.Event); err != nil {
		return err
	}
	if err := quarantine.Hold(tx, e.Blob); err != nil {
		return err
	}
	return audit.Write(tx, audit.Event{Action: "evidence.added", SubjectKind: "evidence", Subject: id, Case: c.ID})
}

// Attach notes a photo of a member of a registration, in place of an earlier one
// of the same member and kind.
func Attach(tx db.Tx, actor Actor, ref string, e Evidence) error {
	c, err := Edit(tx, actor, ref, func(d *Draft) error {
		if !d.about(e.Member, e.Kind) {
			return fault.Hidden()
		}
		d.Mark(e.page())
		return nil
	})
	if err != nil {
		return err
	}
	if err := Detach(tx, c, e.Key()); err != nil {
		return err
	}
	return keep(tx, c, e)
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

// AttachPage notes one more page of a document, or one in place of an earlier
// page that came out badly.
func AttachPage(tx db.Tx, actor Actor, ref string, e Evidence, instead *db.ID) error {
	c, err := Edit(tx, actor, ref, func(d *Draft) error { d.Mark("proof"); return nil })
	if err != nil {
		return err
	}
	if instead != nil {
		if err := removePage(tx, c, *instead); err != nil {
			return err
		}
	}
	return keep(tx, c, e)
}

// DetachPage takes a page out of a case that can still be edited. It stays on
// file.
func DetachPage(tx db.Tx, actor Actor, ref string, id db.ID) error {
	c, err := Edit(tx, actor, ref, func(*Draft) error { return nil })
	if err != nil {
		return err
	}
	return removePage(tx, c, id)
}

func removePage(tx db.Tx, c Case, id db.ID) error {
	n, err := tx.Count(`update evidence set removed_at = $3 where case_id = $1 and id = $2 and removed_at is null`, c.ID, id, tx.Now())
	if err == nil && n == 0 {
		err = fault.Hidden()
	}
	if err != nil {
		return err
	}
	return audit.Write(tx, audit.Event{Action: "evidence.removed", SubjectKind: "case", Subject: c.ID, Case: c.ID})
}

// EvidenceOf lists the photos of a case, in the order in which they came. Those
// of a member who was taken out of the application stay on file and are shown to
// nobody.
func EvidenceOf(tx db.Tx, c Case) ([]Evidence, error) {
	var list []Evidence
	err := tx.Select(&list, `select `+evidenceColumns+` from evidence where case_id = $1 and removed_at is null order by uploaded_at, id`, c.ID)
	return slices.DeleteFunc(list, func(e Evidence) bool { return e.Member != "" && !c.Draft.about(e.Member, e.Kind) }), err
}

// OneEvidence finds one photo of a registration by its key.
func OneEvidence(tx db.Tx, c Case, key string) (Evidence, error) {
	var e Evidence
	member, kind := evidenceOf(key)
	if !c.Draft.about(member, kind) {
		return e, fault.Hidden()
	}
	err := tx.Get(&e, `select `+evidenceColumns+` from evidence where case_id = $1 and member = $2 and kind = $3 and removed_at is null`, c.ID, member, kind)
	return e, err
}

// PageOf finds one photo of a case by its identity.
func PageOf(tx db.Tx, c Case, id db.ID) (Evidence, error) {
	var e Evidence
	err := tx.Get(&e, `select `+evidenceColumns+` from evidence where case_id = $1 and id = $2 and removed_at is null`, c.ID, id)
	return e, err
}
