package importer_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"daftar/blob"
	"daftar/db"
	"daftar/fault"
	"daftar/registry"
	"daftar/registry/importer"
	"daftar/registry/programmes"
)

// desk is an office with a place for uploaded files, and what its officers may
// do where.
type desk struct {
	office
	blobs           *blob.Dir
	clerk, approver importer.Officer
}

func openDesk(t *testing.T) desk {
	t.Helper()
	o := open(t)
	blobs, err := blob.OpenDir(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	capital := []db.ID{o.area(t, "MJ01")}
	return desk{o, blobs, importer.Officer{ID: o.proposer.Actor, Areas: capital, Roles: []string{"dataquality"}}, importer.Officer{ID: o.office().Actor, Areas: capital, Roles: []string{"approver"}}}
}

func (o office) office() db.Principal { return o.approver }

// as does something as an officer does in the admin area.
func (d desk) as(t *testing.T, who importer.Officer, fn func(db.Tx) error) error {
	t.Helper()
	return d.WithTx(t.Context(), db.Principal{Role: db.Staff, Kind: "staff", Actor: who.ID}, fn)
}

func (d desk) must(t *testing.T, who importer.Officer, fn func(db.Tx) error) {
	t.Helper()
	if err := d.as(t, who, fn); err != nil {
		t.Fatal(err)
	}
}

// load reads a batch as its author.
func (d desk) load(t *testing.T, ref string) (b importer.Batch) {
	t.Helper()
	d.must(t, d.clerk, func(tx db.Tx) (err error) { b, err = importer.Load(tx, d.clerk, ref); return err })
	return b
}

// upload makes a draft of files.
func (d desk) upload(t *testing.T, files ...importer.File) (ref string) {
	t.Helper()
	var uploads []importer.Upload
	for i, f := range files {
		key := db.ID{byte(i), 1: byte(d.Clock.Now().Unix()), 15: byte(len(f.Name))}
		key[8] = byte(get[int](t, d.office, `select count(*) from import_batch`))
		if _, err := d.blobs.PutFrom(key.String(), io.NewSectionReader(f.Body, 0, f.Size), 1<<30); err != nil {
			t.Fatal(err)
		}
		uploads = append(uploads, importer.Upload{Name: f.Name, Key: key.String(), Size: f.Size})
	}
	d.must(t, d.clerk, func(tx db.Tx) (err error) { ref, err = importer.Create(tx, d.clerk, uploads); return err })
	return ref
}

// checked starts the check of a draft and runs its job.
func (d desk) checked(t *testing.T, ref string) importer.Batch {
	t.Helper()
	b := d.load(t, ref)
	d.must(t, d.clerk, func(tx db.Tx) error { return importer.Start(tx, b) })
	if err := importer.Check(t.Context(), d.DB.DB, d.blobs, printers, b.ID); err != nil {
		t.Fatal(err)
	}
	return d.load(t, ref)
}

// done sends a batch, has it approved and applied.
func (d desk) done(t *testing.T, b importer.Batch) importer.Batch {
	t.Helper()
	d.must(t, d.clerk, func(tx db.Tx) error { return importer.Send(tx, b) })
	d.must(t, d.approver, func(tx db.Tx) error { return importer.Decide(tx, d.approver, b.Ref, true, "", "en") })
	if err := importer.ApplyBatch(t.Context(), d.DB.DB, b.ID); err != nil {
		t.Fatal(err)
	}
	return d.load(t, b.Ref)
}

func (d desk) problems(t *testing.T, b importer.Batch) (lines []string) {
	t.Helper()
	d.must(t, d.clerk, func(tx db.Tx) error {
		list, err := importer.Problems(tx, b, 1000)
		lines = said(list)
		return err
	})
	return lines
}

// withBad is homesAndPeople with somebody born in the future, who lives alone.
func withBad() []importer.File {
	files := homesAndPeople()
	files[0] = csvFile("homes.csv", "household,area,rooms,directions", "1,MJ010101,2,Blue door", "2,MJ010201,4,", "3,MJ010101,1,")
	files[1] = csvFile("people.csv", "household,person,relationship,full_name,sex,birth_date,id.national_id,phone",
		"1,1,head,Salma Idris,female,1980,MJ70000001,0700000001", "3,1,head,=Musa,male,2999,,", "2,1,head,Halima Noor,female,1950,MJ70000002,")
	return files
}

func TestBatchFromUploadToRecord(t *testing.T) {
	t.Parallel()
	d := openDesk(t)
	b := d.checked(t, d.upload(t, withBad()...))
	if b.State != importer.Checked || b.Problems != 2 || b.Counts.V.Added != 4 || b.Counts.V.Rejected != 2 {
		t.Fatalf("%s %d %+v", b.State, b.Problems, b.Counts.V)
	}
	if got := d.problems(t, b); len(got) != 2 || got[0] != `people.csv:3: birth_date = "2999": The date of birth cannot be in the future` {
		t.Errorf("%q", got)
	}
	var file bytes.Buffer
	d.must(t, d.clerk, func(tx db.Tx) error { return importer.WriteProblems(tx, b, printers[1], &file) })
	if want := "people.csv,,3,birth_date,2999," + printers[1].T("birth.error.future") + "," + printers[1].T("import.report.error") + "\n"; !strings.Contains(file.String(), want) || !strings.HasPrefix(file.String(), "\ufeff"+printers[1].T("import.report.file")) {
		t.Errorf("%s", file.String())
	}
	var proposals []importer.Proposal
	d.must(t, d.clerk, func(tx db.Tx) (err error) { proposals, err = importer.Proposals(tx, b, "new", 1, 2); return err })
	if len(proposals) != 2 || proposals[0].Seq != 2 || proposals[0].Old != nil || proposals[1].Kind != registry.KindPerson {
		t.Errorf("%+v", proposals)
	}
	// nobody else sees it before it is sent
	if err := d.as(t, d.approver, func(tx db.Tx) error { _, err := importer.Load(tx, d.approver, b.Ref); return err }); !fault.Is(err, fault.NotFound) {
		t.Errorf("seen too early: %v", err)
	}
	b = d.done(t, b)
	if b.State != importer.Applied || !b.AppliedAt.Valid || get[int](t, d.office, `select count(*) from person where full_name in ('Salma Idris', 'Halima Noor')`) != 2 {
		t.Errorf("%s", b.State)
	}
	// the files are no longer kept, the records are
	if err := importer.Forget(t.Context(), d.DB.DB, d.blobs); err != nil {
		t.Fatal(err)
	}
	for _, u := range b.Files.V {
		if _, err := d.blobs.Open(u.Key); !fault.Is(err, fault.NotFound) {
			t.Errorf("%s: %v", u.Name, err)
		}
	}
	if get[int](t, d.office, `select count(*) from change_item where change_id = $1`, b.Change.String()) != 4 {
		t.Error("the history was forgotten")
	}
}

// Steps out of their order, or by somebody whose step it is not, are refused by
// the database.
func TestHandsOfABatch(t *testing.T) {
	t.Parallel()
	d := openDesk(t)
	ref := d.upload(t, homesAndPeople()...)
	draft := d.load(t, ref)
	other := importer.Officer{ID: db.ID{7, 15: 7}, Areas: d.clerk.Areas}
	refuse := func(name string, code fault.Code, who importer.Officer, fn func(db.Tx) error) {
		t.Helper()
		if err := d.as(t, who, fn); !fault.Is(err, code) {
			t.Errorf("%s: %v", name, err)
		}
	}
	decide := func(who importer.Officer, ref string) func(db.Tx) error {
		return func(tx db.Tx) error { return importer.Decide(tx, who, ref, true, "", "en") }
	}
	refuse("send a draft", fault.Conflict, d.clerk, func(tx db.Tx) error { return importer.Send(tx, draft) })
	refuse("another's start", fault.Conflict, other, func(tx db.Tx) error { return importer.Start(tx, draft) })
	refuse("another's withdrawal", fault.Conflict, other, func(tx db.Tx) error { return importer.Withdraw(tx, draft) })
	refuse("decide on a draft", fault.Conflict, d.approver, decide(d.approver, ref))
	b := d.checked(t, ref)
	refuse("change the mapping of what was checked", fault.Conflict, d.clerk, func(tx db.Tx) error { return importer.Map(tx, b, &importer.Mapping{}) })
	d.must(t, d.clerk, func(tx db.Tx) error { return importer.Send(tx, b) })
	refuse("decide on one's own", fault.Forbidden, d.clerk, decide(d.clerk, ref))
	refuse("decide for others", fault.NotFound, importer.Officer{ID: other.ID, Areas: []db.ID{d.area(t, "MJ02")}}, decide(importer.Officer{ID: other.ID, Areas: []db.ID{d.area(t, "MJ02")}}, ref))
	refuse("start what was sent", fault.Conflict, d.clerk, func(tx db.Tx) error { return importer.Start(tx, b) })
	// whoever has the web role's login cannot do it with statements, either
	for _, statement := range []string{
		`update import_batch set state = 'approved' where ref = '` + ref + `'`,
		`update import_batch set decided_by = created_by`,
		`update import_batch set mapping = 'x' where ref = '` + ref + `'`,
		`insert into import_batch (id, ref, created_at, state) values (gen_random_uuid(), 'B-1', now(), 'approved')`,
		`insert into import_batch (id, ref, created_at, created_by) values (gen_random_uuid(), 'B-1', now(), gen_random_uuid())`,
		`insert into import_batch (id, ref, created_at) values (gen_random_uuid(), 'B-1', now())`, // for all areas
		`delete from import_problem`, `update change set sealed_hash = null`, `select seal_change(gen_random_uuid())`, `select import_drop(gen_random_uuid())`,
		`insert into change_item (change_id, seq, kind, subject_id, base_version, data) select change_id, 99, 'person', gen_random_uuid(), 0, '{"ref": "P-1"}' from import_batch where ref = '` + ref + `'`,
	} {
		for _, who := range []importer.Officer{d.clerk, d.approver} {
			if err := d.as(t, who, func(tx db.Tx) error { return tx.Exec(statement) }); err == nil {
				t.Errorf("%s may %s", who.Roles, statement)
			}
		}
	}
	// a command that staged it cannot add to what was sealed
	if err := d.WithTx(t.Context(), d.proposer, func(tx db.Tx) error {
		return tx.Exec(`insert into change_item (change_id, seq, kind, subject_id, base_version, data) values ($1, 99, 'person', gen_random_uuid(), 0, '{}')`, *b.Change)
	}); !fault.Is(err, fault.Conflict) {
		t.Errorf("added to what was sealed: %v", err)
	}
	d.must(t, d.approver, decide(d.approver, ref))
	refuse("decide twice", fault.Conflict, d.approver, decide(d.approver, ref))
	// what was approved is what is applied: the owner's own hand is noticed
	owner(t, d.office, `update change_item set data = data || '{"full_name": "Mallory"}' where change_id = $1 and kind = 'person'`, *b.Change)
	if err := importer.ApplyBatch(t.Context(), d.DB.DB, b.ID); err != nil {
		t.Fatal(err)
	}
	if b = d.load(t, ref); b.State != importer.Stale || b.Failure.V.Key != "error.tampered" {
		t.Errorf("%s %+v", b.State, b.Failure.V)
	}
	// refused: nothing happened, and the words are kept
	b = d.checked(t, d.upload(t, homesAndPeople()...))
	d.must(t, d.clerk, func(tx db.Tx) error { return importer.Send(tx, b) })
	d.must(t, d.approver, func(tx db.Tx) error { return importer.Decide(tx, d.approver, b.Ref, false, "The wrong village", "en") })
	change := *b.Change
	if b = d.load(t, b.Ref); b.State != importer.Refused || b.Answer != "The wrong village" || get[int](t, d.office, `select count(*) from person where full_name = 'Salma Idris'`) != 0 {
		t.Errorf("%s %q", b.State, b.Answer)
	}
	if err := importer.Forget(t.Context(), d.DB.DB, d.blobs); err != nil {
		t.Fatal(err)
	}
	if n := get[int](t, d.office, `select count(*) from change_item where change_id = $1`, change); n != 0 {
		t.Errorf("%d rows about people who were never registered are kept", n)
	}
}

// owner does something as the owner of the schema.
func owner(t *testing.T, o office, statement string, args ...any) {
	t.Helper()
	conn := connect(t, o.URL(db.Owner))
	if _, err := conn.Exec(t.Context(), statement, args...); err != nil {
		t.Fatal(err)
	}
}

// A check that is cancelled stops, and leaves nothing but what it was.
func TestCancelledCheck(t *testing.T) {
	t.Parallel()
	d := openDesk(t)
	var b bytes.Buffer
	b.WriteString("full_name,household,relationship\n")
	for i := range 400_000 {
		fmt.Fprintf(&b, "Nobody %d,%d,head\n", i, i) // each is a problem, too
	}
	ref := d.upload(t, text("people.csv", b.Bytes()))
	batch := d.load(t, ref)
	d.must(t, d.clerk, func(tx db.Tx) error { return importer.Start(tx, batch) })
	ended := make(chan error, 1)
	go func() { ended <- importer.Check(t.Context(), d.DB.DB, d.blobs, printers, batch.ID) }()
	for range 1200 {
		if batch = d.load(t, ref); batch.Progress.V.Rows > 0 {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	if batch.Progress.V.Rows == 0 || batch.Progress.V.Step != "check" {
		t.Errorf("no progress is told: %+v in %s, %+v", batch.Progress.V, batch.State, batch.Failure.V)
	}
	d.must(t, d.clerk, func(tx db.Tx) error { return importer.Withdraw(tx, batch) })
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if batch = d.load(t, ref); batch.State != importer.Withdrawn || batch.Change != nil {
		t.Errorf("%s %v", batch.State, batch.Change)
	}
	if n := get[int](t, d.office, `select count(*) from change where origin = 'batch' and state = 'proposed'`); n != 0 {
		t.Errorf("%d proposals are left", n)
	}
}

// The program that was at a batch ended: the batch is taken up again, by one.
func TestResumed(t *testing.T) {
	t.Parallel()
	d := openDesk(t)
	ref := d.upload(t, homesAndPeople()...)
	b := d.load(t, ref)
	d.must(t, d.clerk, func(tx db.Tx) error { return importer.Start(tx, b) })
	ctx, kill := context.WithCancel(t.Context())
	kill()
	if err := importer.Check(ctx, d.DB.DB, d.blobs, printers, b.ID); err == nil {
		t.Error("checked in a context that is over")
	}
	resumed := func(want int) {
		t.Helper()
		if n, err := importer.Resume(t.Context(), d.DB.DB); err != nil || n != want {
			t.Errorf("%d batches were resumed instead of %d: %v", n, want, err)
		}
	}
	resumed(0) // somebody may still be at it
	d.Clock.Add(time.Minute)
	resumed(1)
	resumed(0)
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() {
			if err := importer.Check(t.Context(), d.DB.DB, d.blobs, printers, b.ID); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if b = d.load(t, ref); b.State != importer.Checked || b.Counts.V.Added != 5 {
		t.Fatalf("%s %+v", b.State, b.Counts.V)
	}
	d.must(t, d.clerk, func(tx db.Tx) error { return importer.Send(tx, b) })
	d.must(t, d.approver, func(tx db.Tx) error { return importer.Decide(tx, d.approver, ref, true, "", "en") })
	if err := importer.ApplyBatch(ctx, d.DB.DB, b.ID); err == nil {
		t.Error("applied in a context that is over")
	}
	d.Clock.Add(time.Minute)
	resumed(1)
	for range 3 {
		all.Go(func() {
			if err := importer.ApplyBatch(t.Context(), d.DB.DB, b.ID); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if b = d.load(t, ref); b.State != importer.Applied || get[int](t, d.office, `select count(*) from person where full_name = 'Salma Idris'`) != 1 {
		t.Errorf("%s", b.State)
	}
}

// The same files twice at once: one batch brings them in, the other does nothing.
func TestTheSameUploadTwiceAtOnce(t *testing.T) {
	t.Parallel()
	d := openDesk(t)
	one, two := d.checked(t, d.upload(t, homesAndPeople()...)), d.checked(t, d.upload(t, homesAndPeople()...))
	for _, b := range []importer.Batch{one, two} {
		d.must(t, d.clerk, func(tx db.Tx) error { return importer.Send(tx, b) })
		d.must(t, d.approver, func(tx db.Tx) error { return importer.Decide(tx, d.approver, b.Ref, true, "", "en") })
	}
	var all sync.WaitGroup
	for _, b := range []importer.Batch{one, two} {
		all.Go(func() {
			if err := importer.ApplyBatch(t.Context(), d.DB.DB, b.ID); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	states := []string{d.load(t, one.Ref).State, d.load(t, two.Ref).State}
	slices.Sort(states)
	if strings.Join(states, " ") != "applied stale" || get[int](t, d.office, `select count(*) from person where full_name = 'Salma Idris'`) != 1 {
		t.Errorf("%v", states)
	}
	// the other looks again, and is told
	stale := one
	if d.load(t, one.Ref).State == importer.Applied {
		stale = two
	}
	if again := d.checked(t, stale.Ref); again.State != importer.Failed || again.Failure.V.Key != "import.error.again" {
		t.Errorf("%s %+v", again.State, again.Failure.V)
	}
}

// Files that cannot be read at all say why, and nothing happens.
func TestFilesThatFail(t *testing.T) {
	t.Parallel()
	d := openDesk(t)
	before := d.written(t)
	for want, files := range map[string][]importer.File{
		"import.error.no_header":     {text("empty.csv", []byte("\n\n"))},
		"import.error.no_codes":      {csvFile("a.csv", "x,y", "1,2")},
		"import.error.nothing":       {csvFile("people.csv", "full_name,household,relationship")},
		"import.error.utf16":         {text("a.csv", utf16le([]byte("full_name\nA\n")))},
		"xlsx.error.unreadable":      {text("a.xlsx", []byte("PK\x03\x04nothing"))},
		"import.error.no_workbook":   {text("a.XLSX", []byte("hello"))},
		"import.error.column_needed": {csvFile("plots.csv", "area,rooms", "MJ01,2")},
	} {
		b := d.checked(t, d.upload(t, files...))
		if b.State != importer.Failed || b.Failure.V == nil || b.Failure.V.Key != want {
			t.Errorf("%s: %s %+v", want, b.State, b.Failure.V)
		}
	}
	if n := d.written(t) - get[int](t, d.office, `select count(*) from import_batch`); n != before {
		t.Error("something was written")
	}
}

// A null byte, which no text in PostgreSQL holds, is a problem of its line.
func TestNullByteIsAProblem(t *testing.T) {
	t.Parallel()
	d := openDesk(t)
	b := d.checked(t, d.upload(t, csvFile("people.csv", "full_name,household,relationship", "A\x00B,,head")))
	if b.State == importer.Failed || b.Problems != 1 {
		t.Fatalf("%s %d %+v", b.State, b.Problems, b.Failure.V)
	}
	if got := get[string](t, d.office, `select line || ' ' || value || ' ' || key from import_problem`); got != "2 A\u2400B import.problem.characters" {
		t.Error(got)
	}
}

// takeBack asks for a batch to be taken back and finds out what that means.
func (d desk) takeBack(t *testing.T, b importer.Batch) importer.Batch {
	t.Helper()
	var ref string
	d.must(t, d.clerk, func(tx db.Tx) (err error) {
		ref, err = importer.Undo(tx, d.clerk, b, "The wrong list", "en")
		return err
	})
	undo := d.load(t, ref)
	if err := importer.Check(t.Context(), d.DB.DB, d.blobs, printers, undo.ID); err != nil {
		t.Fatal(err)
	}
	return d.load(t, ref)
}

// A batch is taken back: what was new ends, what was changed is as it was, and
// the same files can come again.
func TestTakenBack(t *testing.T) {
	t.Parallel()
	d := openDesk(t)
	first := d.done(t, d.checked(t, d.upload(t, homesAndPeople()...)))
	salma, _ := d.person(t, "Salma Idris")
	d.Clock.Add(24 * time.Hour)
	update := d.done(t, d.checked(t, d.upload(t, csvFile("people.csv", "ref,full_name,household,relationship,birth_date", salma.Ref+",Salma Other,,,1980-07-08", ",New Child,"+get[string](t, d.office, `select ref from household where id = $1`, salma.Memberships[0].HouseholdID)+",child,2020"))))
	if update.Counts.V.Changed != 1 || update.Counts.V.Added != 1 {
		t.Fatalf("%+v", update.Counts.V)
	}
	d.Clock.Add(24 * time.Hour)
	undo := d.takeBack(t, update)
	if undo.State != importer.Checked || undo.Problems != 0 || undo.Counts.V.Changed != 1 || undo.Counts.V.Ended != 1 {
		t.Fatalf("%s %d %+v", undo.State, undo.Problems, undo.Counts.V)
	}
	// one at a time, and by two
	if err := d.as(t, d.clerk, func(tx db.Tx) error { _, err := importer.Undo(tx, d.clerk, update, "again", "en"); return err }); !fault.Is(err, fault.Conflict) {
		t.Errorf("twice at once: %v", err)
	}
	d.must(t, d.clerk, func(tx db.Tx) error { return importer.Send(tx, undo) })
	if err := d.as(t, d.clerk, func(tx db.Tx) error { return importer.Decide(tx, d.clerk, undo.Ref, true, "", "en") }); !fault.Is(err, fault.Forbidden) {
		t.Errorf("by one's own hand: %v", err)
	}
	d.must(t, d.approver, func(tx db.Tx) error { return importer.Decide(tx, d.approver, undo.Ref, true, "", "en") })
	if err := importer.ApplyBatch(t.Context(), d.DB.DB, undo.ID); err != nil {
		t.Fatal(err)
	}
	now, version := d.person(t, "Salma Idris")
	if version != 3 || now.BirthFrom != salma.BirthFrom || fmt.Sprint(now.Provenance) != fmt.Sprint(salma.Provenance) {
		t.Errorf("%d %+v", version, now)
	}
	if got := get[string](t, d.office, `select concat_ws(' ', p.status, p.status_reason, m.end_date, m.end_reason) from person p join membership m on m.person_id = p.id where p.full_name = 'New Child'`); got != "error import_undone 2026-03-04 error" {
		t.Error(got)
	}
	if got := get[string](t, d.office, `select nature || ' ' || reason from record_state where subject_id = (select id from person where ref = $1) and version = 3`, now.Ref); got != "correction mistake" {
		t.Error(got)
	}
	if got := d.load(t, update.Ref); got.State != importer.Undone || got.UndoneBy != undo.Ref {
		t.Errorf("%s %s", got.State, got.UndoneBy)
	}
	if err := d.as(t, d.clerk, func(tx db.Tx) error {
		_, err := importer.Undo(tx, d.clerk, d.load(t, update.Ref), "again", "en")
		return err
	}); !fault.Is(err, fault.Conflict) {
		t.Errorf("after it was taken back: %v", err)
	}
	// the whole first batch: she moved on with the second, by its own roll back
	undo = d.takeBack(t, first)
	if undo.Problems != 2 || undo.Counts.V.Ended != 3 || !slices.Contains(d.problems(t, undo), `: person = "`+salma.Ref+`": This record changed after the batch. It stays as it is.`) {
		t.Errorf("%d %+v %v", undo.Problems, undo.Counts.V, d.problems(t, undo))
	}
}

func TestTakenBackWholeAndLoadedAgain(t *testing.T) {
	t.Parallel()
	d := openDesk(t)
	first := d.done(t, d.checked(t, d.upload(t, homesAndPeople()...)))
	undone := d.done(t, d.takeBack(t, first))
	if undone.State != importer.Applied || d.load(t, first.Ref).State != importer.Undone {
		t.Fatalf("%s", undone.State)
	}
	if got := get[string](t, d.office, `select string_agg(h.status || ' ' || h.status_reason, ', ') from household h join change_item i on i.subject_id = h.id and i.change_id = $1`, *first.Change); got != "ended error, ended error" {
		t.Error(got)
	}
	if n := get[int](t, d.office, `select count(*) from record_version v join change_item i on i.subject_id = v.subject_id and i.change_id = $1`, *first.Change); n != 10 {
		t.Errorf("%d versions of five records: nothing is deleted", n)
	}
	again := d.done(t, d.checked(t, d.upload(t, homesAndPeople()...)))
	if again.State != importer.Applied || again.Counts.V.Added != 5 || get[int](t, d.office, `select count(*) from person where full_name = 'Salma Idris' and status = 'active'`) != 1 {
		t.Errorf("%s %+v", again.State, again.Counts.V)
	}
	// numbers of those who should not have been contest nothing
	if n := get[int](t, d.office, `select count(*) from identifier where status = 'contested'`); n != 0 {
		t.Errorf("%d contested", n)
	}
}

// A batch that takes the last person out of a household ends it, and taking the batch
// back brings both back; but for somebody who moved on since.
func TestABatchThatEmptiesAHousehold(t *testing.T) {
	t.Parallel()
	d := openDesk(t)
	d.done(t, d.checked(t, d.upload(t, homesAndPeople()...)))
	d.Clock.Add(24 * time.Hour)
	halima, _ := d.person(t, "Halima Noor")
	salma, _ := d.person(t, "Salma Idris")
	home := get[string](t, d.office, `select ref from household where id = $1`, salma.Memberships[0].HouseholdID)
	status := func() string {
		return get[string](t, d.office, `select concat_ws(' ', status, status_reason, status_date) from household where id = $1`, halima.Memberships[0].HouseholdID)
	}
	moves := []importer.File{csvFile("p.csv", "ref,household,relationship", halima.Ref+","+home+",parent")}
	update := d.done(t, d.checked(t, d.upload(t, moves...)))
	if s := status(); s != "ended empty 2026-03-03" {
		t.Error(s)
	}
	d.done(t, d.takeBack(t, update))
	if s := status(); s != "active" {
		t.Error("taken back: ", s)
	}
	update = d.done(t, d.checked(t, d.upload(t, csvFile("q.csv", "ref,household,relationship", halima.Ref+","+home+",parent"))))
	d.Clock.Add(24 * time.Hour)
	d.done(t, d.checked(t, d.upload(t, csvFile("r.csv", "ref,full_name", halima.Ref+",Halima N. Noor"))))
	if undo := d.takeBack(t, update); undo.Problems != 2 || undo.State != importer.Same {
		t.Errorf("%s %q", undo.State, d.problems(t, undo))
	}
	if s := status(); s != "ended empty 2026-03-03" {
		t.Error(s)
	}
}

// What moved on since is named and left alone; so is a household in which
// somebody else lives now. The rest may be taken back.
func TestTakenBackButForWhatMovedOn(t *testing.T) {
	t.Parallel()
	d := openDesk(t)
	first := d.done(t, d.checked(t, d.upload(t, homesAndPeople()...)))
	d.Clock.Add(24 * time.Hour)
	halima, _ := d.person(t, "Halima Noor")
	salma, _ := d.person(t, "Salma Idris")
	home := get[string](t, d.office, `select ref from household where id = $1`, salma.Memberships[0].HouseholdID)
	d.done(t, d.checked(t, d.upload(t, csvFile("p.csv", "ref,full_name,household,relationship", halima.Ref+",Halima N. Noor,,", ",Late Child,"+home+",child"))))
	undo := d.takeBack(t, first)
	want := []string{`: household = "` + home + `": Somebody whose record stays lives in this household. It stays, too.`, `: person = "` + halima.Ref + `": This record changed after the batch. It stays as it is.`}
	got := d.problems(t, undo)
	slices.Sort(got)
	if len(got) != 3 { // her household too: she lives there
		t.Errorf("%q", got)
	}
	for _, line := range want {
		if !slices.Contains(got, line) {
			t.Errorf("%q lacks %q", got, line)
		}
	}
	undo = d.done(t, undo)
	if undo.State != importer.Applied || undo.Counts.V.Ended != 2 {
		t.Errorf("%s %+v", undo.State, undo.Counts.V)
	}
	if got := get[string](t, d.office, `select string_agg(full_name || ' ' || status, ', ' order by full_name) from person where full_name ~ 'Idris|Noor|Late'`); got != "Halima N. Noor active, Late Child active, Musa Idris error, Salma Idris error" {
		t.Error(got)
	}
	if b := d.load(t, first.Ref); b.State != importer.Applied || b.UndoneBy != undo.Ref { // not all of it
		t.Errorf("%s %s", b.State, b.UndoneBy)
	}
}

// A mapping is kept for files with the same headers, and goes out and in as YAML.
func TestMappingsAreRemembered(t *testing.T) {
	t.Parallel()
	d := openDesk(t)
	c := d.catalogue(t)
	files := []importer.File{csvFile("x.csv", "HHID;Name;Gender;DOB", "1;A B;F;1/2/1980"), csvFile("y.csv", "HHID;Village", "1;MJ010101")}
	looks, err := importer.LookAt(files, c)
	if err != nil {
		t.Fatal(err)
	}
	if looks[0].Kind != importer.People || looks[1].Kind != importer.Households || looks[0].Delim != ";" {
		t.Errorf("%+v", looks)
	}
	m := c.Suggested(looks, printers...)
	if got := fmt.Sprint(m.Tables["people"].Columns["HHID"].To, m.Tables["people"].Columns["Name"].To, m.Tables["people"].Columns["Gender"].To, m.Tables["people"].Columns["DOB"].To, m.Tables["households"].Columns["Village"].To); got != "householdfull_namesexbirth_datearea" {
		t.Error(got)
	}
	table, _ := c.Table("people")
	if got := looks[0].Strange(c, table, "Gender", m.Tables["people"].Columns["Gender"], printers); len(got) != 1 || got[0] != "F" {
		t.Errorf("%q", got)
	}
	m.Tables["people"].Columns["Gender"] = importer.Column{To: "sex", Codes: map[string]string{"F": "female"}}
	m.Dates = "dmy"
	d.must(t, d.clerk, func(tx db.Tx) error {
		if err := importer.SaveMapping(tx, "Village", importer.Fingerprint(looks), m); err != nil {
			return err
		}
		again, err := importer.Remembered(tx, d.clerk.ID, looks, c, printers)
		if err != nil || again == nil || again.Dates != "dmy" || again.Tables["people"].Columns["Gender"].Codes["F"] != "female" {
			t.Errorf("%+v %v", again, err)
		}
		other, err := importer.LookAt([]importer.File{csvFile("x.csv", "HHID;Name", "1;A B")}, c)
		if err != nil {
			return err
		}
		if again, err := importer.Remembered(tx, d.clerk.ID, other, c, printers); err != nil || again != nil {
			t.Errorf("other headers: %+v %v", again, err)
		}
		list, err := importer.SavedMappings(tx, d.clerk.ID)
		if err != nil || len(list) != 1 || !list[0].Mine {
			return errors.Join(err, fmt.Errorf("%+v", list))
		}
		return importer.RemoveMapping(tx, d.clerk.ID, list[0].Ref)
	})
	// read with it: days first
	m.Tables["people"].Columns["HHID"] = importer.Column{To: "household"}
	m.Tables["people"] = importer.TableMapping{Columns: m.Tables["people"].Columns}
	files[0] = csvFile("x.csv", "HHID;Name;Gender;DOB;Rel", "1;A B;F;1/2/1980;head")
	m.Tables["people"].Columns["Rel"] = importer.Column{To: "relationship"}
	d.in(t, files, func(o *importer.Options) { o.Mapping = m })
	if p, _ := d.person(t, "A B"); p.BirthFrom != "1980-02-01" || p.Sex != "female" {
		t.Errorf("%+v", p)
	}
}

// Files as offices have them: other encodings, other marks, workbooks.
func TestOtherEncodings(t *testing.T) {
	t.Parallel()
	o := open(t)
	wide := csvFile("p.csv", "full_name,sex", "Ali Sixteen,male")
	wide.Body, wide.Size = bytes.NewReader(utf16le([]byte("full_name,sex\nAli Sixteen,male\n"))), int64(len(utf16le([]byte("full_name,sex\nAli Sixteen,male\n"))))
	wide.Encoding = "utf-16"
	arabic := text("p.csv", []byte("full_name|sex\n\xe3\xcd\xe3\xcf|male\n")) // محمد
	arabic.Encoding = "windows-1256"
	french := text("p.csv", []byte("full_name;sex\r\nAndr\xe9 Western;male\r\n"))
	french.Encoding = "windows-1252"
	for name, f := range map[string]importer.File{"Ali Sixteen": wide, "محمد": arabic, "André Western": french} {
		o.in(t, []importer.File{f})
		if p, _ := o.person(t, name); p.Sex != "male" {
			t.Errorf("%+v", p)
		}
	}
}

// What follows an applied batch: programmes are decided for whom it brought, once;
// and what precedes it: whoever decides can see who may be there already.
func TestBeforeAndAfterABatch(t *testing.T) {
	t.Parallel()
	d := openDesk(t)
	b := d.checked(t, d.upload(t, homesAndPeople()...))
	compared := 0
	compare := func(tx db.Tx, change db.ID) (any, int, error) {
		if compared++; change != *b.Change {
			t.Error("another change")
		}
		return []string{"a pair"}, 7, nil
	}
	known := func() (a importer.Alike, known bool) {
		d.must(t, d.approver, func(tx db.Tx) (err error) { a, known, err = importer.AlikeOf(tx, b); return err })
		return a, known
	}
	if _, ok := known(); ok {
		t.Error("known before it was found out")
	}
	for range 2 { // a job may run twice
		if err := importer.Compare(t.Context(), d.DB.DB, b.ID, compare); err != nil {
			t.Fatal(err)
		}
	}
	if a, ok := known(); !ok || compared != 1 || a.Total != 7 || string(a.Pairs) != `["a pair"]` {
		t.Errorf("%v after %d times: %+v", ok, compared, a)
	}
	var decided []db.ID
	decide := func(tx db.Tx, households []db.ID) error {
		decided = append(decided, households...)
		return programmes.AssessAll(tx, households)
	}
	if err := importer.Assess(t.Context(), d.DB.DB, b.ID, decide); err != nil || len(decided) > 0 {
		t.Errorf("%d decided before it was applied, %v", len(decided), err)
	}
	b = d.done(t, b)
	for range 2 {
		if err := importer.Assess(t.Context(), d.DB.DB, b.ID, decide); err != nil {
			t.Fatal(err)
		}
	}
	if len(decided) != 2 || get[int](t, d.office, `select count(*) from decision where household_id = any(array['`+decided[0].String()+`', '`+decided[1].String()+`']::uuid[])`) != 2 {
		t.Errorf("%d decided", len(decided))
	}
}

// A job that fails by our mistake leaves nobody waiting: the batch says so, and can
// be checked again, or is tried again by itself once it was approved.
func TestJobsThatFailAreTold(t *testing.T) {
	t.Parallel()
	d := openDesk(t)
	breaks := func(table string) {
		owner(t, d.office, `create or replace function break_it() returns trigger language plpgsql as $$ begin raise exception 'no' using errcode = '21000'; end $$`)
		owner(t, d.office, `create or replace trigger break_it before insert on `+table+` for each statement execute function break_it()`)
	}
	ref := d.upload(t, homesAndPeople()...)
	breaks("change_item")
	b := d.load(t, ref)
	d.must(t, d.clerk, func(tx db.Tx) error { return importer.Start(tx, b) })
	if err := importer.Check(t.Context(), d.DB.DB, d.blobs, printers, b.ID); err == nil {
		t.Fatal("it did not fail")
	}
	if b = d.load(t, ref); b.State != importer.Failed || b.Failure.V == nil || b.Failure.V.Key != "import.error.ours" {
		t.Errorf("%s %+v", b.State, b.Failure.V)
	}
	owner(t, d.office, `drop trigger break_it on change_item`)
	b = d.checked(t, ref)
	d.must(t, d.clerk, func(tx db.Tx) error { return importer.Send(tx, b) })
	d.must(t, d.approver, func(tx db.Tx) error { return importer.Decide(tx, d.approver, ref, true, "", "en") })
	breaks("person")
	if err := importer.ApplyBatch(t.Context(), d.DB.DB, b.ID); err == nil {
		t.Fatal("it did not fail")
	}
	if b = d.load(t, ref); b.State != importer.Approved || b.Failure.V == nil || b.Failure.V.Key != "import.error.ours" {
		t.Errorf("%s %+v", b.State, b.Failure.V)
	}
	owner(t, d.office, `drop trigger break_it on person`)
	if err := importer.ApplyBatch(t.Context(), d.DB.DB, b.ID); err != nil {
		t.Fatal(err)
	}
	if b = d.load(t, ref); b.State != importer.Applied || b.Failure.V != nil {
		t.Errorf("%s %+v", b.State, b.Failure.V)
	}
}
