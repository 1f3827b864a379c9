package cases_test

import (
	"fmt"
	"testing"

	"github.com/google/uuid"

	"daftar/db"
	"daftar/fault"
	"daftar/registry/cases"
)

// certificate is evidence about a member.
func certificate(member string) cases.Evidence {
	return cases.Evidence{
		Member: member, Kind: cases.EvidenceBirthCertificate, MediaType: "image/jpeg", Size: 100, Width: 10, Height: 10,
		SHA256: make([]byte, 32), Blob: someBlob,
	}
}

func TestEvidence(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	c := o.crew(t)
	ref := o.filled(t, c.citizen)
	names := map[string]string{} // of the photos, by blob
	attach := func(member, name string) error {
		blob := uuid.NewSHA1(uuid.NameSpaceOID, []byte(name)).String()
		names[blob] = name
		return o.WithTx(t.Context(), c.citizen.Principal, func(tx db.Tx) error {
			e := certificate(member)
			e.Blob = blob
			return cases.Attach(tx, c.citizen.Actor, ref, e)
		})
	}
	list := func() (blobs []string) {
		o.do(t, c.citizen.Principal, func(tx db.Tx) error {
			found, err := cases.EvidenceOf(tx, o.read(t, c.citizen, ref))
			for _, e := range found {
				blobs = append(blobs, e.Member+":"+names[e.Blob])
			}
			return err
		})
		return blobs
	}
	for _, blob := range []string{"first", "second"} {
		if err := attach("2", blob); err != nil {
			t.Fatal(err)
		}
		o.Clock.Add(1e9)
	}
	if err := attach("1", "hers"); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(list()); got != "[2:second 1:hers]" {
		t.Error("in place of the first: ", got)
	}
	if n := o.count(t, `select count(*) from evidence`); n != 3 {
		t.Errorf("%d on file", n)
	}
	for _, member := range []string{"3", "", "1' or '1"} {
		if err := attach(member, "x"); !fault.Is(err, fault.NotFound) {
			t.Errorf("of member %q: %v", member, err)
		}
	}
	o.do(t, c.citizen.Principal, func(tx db.Tx) error { return cases.Detach(tx, o.read(t, c.citizen, ref), "2") })
	if got := fmt.Sprint(list()); got != "[1:hers]" {
		t.Error("taken out: ", got)
	}

	for n := o.count(t, `select count(*) from evidence`); n < 60; n++ {
		if err := attach("2", "more"); err != nil {
			t.Fatal(err)
		}
	}
	if err := attach("2", "too many"); !fault.Is(err, fault.Conflict) {
		t.Error("the 61st: ", err)
	}
	if err := o.take(t, c, ref, cases.Submitted); err != nil {
		t.Fatal(err)
	}
	if err := attach("1", "late"); !fault.Is(err, fault.Conflict) {
		t.Error("after it was sent: ", err)
	}
	// The office sees what came, and nobody takes it off the file.
	if e := o.evidence(t, c.intake, ref, "1"); names[e.Blob] != "hers" || e.MediaType != "image/jpeg" {
		t.Errorf("%+v", e)
	}
	for _, statement := range []string{`delete from evidence`, `update evidence set blob = 'x'`, `update evidence set case_id = gen_random_uuid()`} {
		if o.raw(t, c.intake.Principal, statement) == nil || o.raw(t, c.citizen.Principal, statement) == nil {
			t.Error("a site may ", statement)
		}
	}
}

func (o *office) evidence(t *testing.T, who hand, ref, member string) (e cases.Evidence) {
	t.Helper()
	o.do(t, who.Principal, func(tx db.Tx) (err error) {
		c, err := cases.Read(tx, who.Actor, ref)
		if err != nil {
			return err
		}
		e, err = cases.OneEvidence(tx, c, member)
		return err
	})
	return e
}

// A member who is taken out of the application takes their papers along.
func TestEvidenceOfSomebodyTakenOut(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	who := o.citizen(t)
	ref := o.filled(t, who)
	o.do(t, who.Principal, func(tx db.Tx) error { return cases.Attach(tx, who.Actor, ref, certificate("2")) })
	o.do(t, who.Principal, func(tx db.Tx) error {
		_, err := cases.Edit(tx, who.Actor, ref, func(d *cases.Draft) error { return d.RemoveMember("2") })
		return err
	})
	o.do(t, who.Principal, func(tx db.Tx) error {
		list, err := cases.EvidenceOf(tx, o.read(t, who, ref))
		if len(list) != 0 {
			t.Errorf("%+v", list)
		}
		return err
	})
}
