package importer_test

import (
	"bytes"
	"context"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"daftar/auth"
	"daftar/db"
	"daftar/db/dbtest"
	"daftar/demo"
	"daftar/i18n"
	"daftar/locales"
	"daftar/registry/importer"
)

func TestMain(m *testing.M) {
	importer.Beat(20 * time.Millisecond)
	dbtest.Main(m)
}

var worker = db.Principal{Role: db.Jobs, Kind: "job"}

// office is a demo country with a survey to import and two officers.
type office struct {
	*dbtest.DB
	proposer, approver db.Principal
	mapping            *importer.Mapping
}

// printers are the languages in which answers may be written; English first.
var printers = func() []*i18n.Printer {
	b, err := i18n.Load(locales.FS, time.UTC)
	if err != nil {
		panic(err)
	}
	return []*i18n.Printer{b.Printer("en"), b.Printer("ar")}
}()

func open(t testing.TB) office {
	t.Helper()
	o := office{DB: dbtest.New(t)}
	if err := demo.Seed(t.Context(), o.DB.DB, map[string]string{
		auth.CitizenProvider: "https://id.example/citizen", auth.StaffProvider: "https://id.example/staff",
	}); err != nil {
		t.Fatal(err)
	}
	var err error
	if o.proposer, err = demo.Staff(t.Context(), o.DB.DB, "dataquality"); err != nil {
		t.Fatal(err)
	}
	if o.approver, err = demo.Staff(t.Context(), o.DB.DB, "approver"); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open("../../docs/mappings/survey.yaml")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	o.read(t, func(tx db.Tx) error {
		c, err := importer.LoadCatalogue(tx, nil)
		if err != nil {
			return err
		}
		o.mapping, err = importer.ReadMapping(f, c)
		return err
	})
	return o
}

func (o office) read(t testing.TB, fn func(db.Tx) error) {
	t.Helper()
	if err := o.View(t.Context(), worker, fn); err != nil {
		t.Fatal(err)
	}
}

// get reads one value as whoever may see everything here.
func get[T any](t testing.TB, o office, query string, args ...any) (v T) {
	t.Helper()
	o.read(t, func(tx db.Tx) error { return tx.Get(&v, query, args...) })
	return v
}

// written counts everything that an import writes, in any table.
func (o office) written(t testing.TB) int {
	return get[int](t, o, `
		select (select count(*) from area) + (select count(*) from change) + (select count(*) from change_item) + (select count(*) from record_version)
		     + (select count(*) from household) + (select count(*) from person) + (select count(*) from membership) + (select count(*) from identifier)
		     + (select count(*) from import_batch) + (select count(*) from source)`)
}

// survey is a household file and a people file, in the survey's shape.
type survey struct{ households, people []byte }

func small(t testing.TB) survey {
	t.Helper()
	return survey{file(t, "testdata/households.csv"), file(t, "testdata/individuals.csv")}
}

func file(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// edit changes one cell; line 1 is the header.
func edit(b []byte, line int, column, value string) []byte {
	lines := strings.Split(string(b), "\n")
	i := slices.Index(strings.Split(lines[0], ","), column)
	cells := strings.Split(lines[line-1], ",")
	cells[i] = value
	lines[line-1] = strings.Join(cells, ",")
	return []byte(strings.Join(lines, "\n"))
}

// home and person change one cell of one of the files.
func (s survey) home(line int, column, value string) survey {
	s.households = edit(s.households, line, column, value)
	return s
}

func (s survey) person(line int, column, value string) survey {
	s.people = edit(s.people, line, column, value)
	return s
}

// report is what an import said.
type report struct {
	importer.Result
	found []importer.Problem
	left  map[string]*bytes.Buffer // the lines left out, by file
}

// stage runs an import up to its proposal.
func (o office) stage(ctx context.Context, s survey, change ...func(*importer.Options)) (report, error) {
	r := report{left: map[string]*bytes.Buffer{}}
	opts := importer.Options{
		Mapping: o.mapping, Printers: printers, Bad: func(p importer.Problem) { r.found = append(r.found, p) },
		Files: []importer.File{text("h.csv", s.households), text("p.csv", s.people)},
		Left: func(file string, line []byte) {
			if r.left[file] == nil {
				r.left[file] = &bytes.Buffer{}
			}
			_, _ = r.left[file].Write(line)
		},
	}
	for _, f := range change {
		f(&opts)
	}
	var err error
	r.Result, err = importer.Stage(ctx, o.DB.DB, o.proposer, opts)
	return r, err
}

func skipBad(o *importer.Options) { o.SkipBad = true }
func dryRun(o *importer.Options)  { o.DryRun = true }

// load imports and approves.
func (o office) load(t testing.TB, s survey, change ...func(*importer.Options)) report {
	t.Helper()
	r, err := o.stage(t.Context(), s, change...)
	if err != nil {
		t.Fatal(err)
	}
	if r.Counts.Added+r.Counts.Changed > 0 {
		if err := importer.Apply(t.Context(), o.DB.DB, o.approver, r.Batch); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

// rest is what was left out, as files to load again.
func (r report) rest() survey {
	return survey{r.left["h.csv"].Bytes(), r.left["p.csv"].Bytes()}
}

// text is a file of text.
func text(name string, b []byte) importer.File {
	return importer.File{Name: name, Body: bytes.NewReader(b), Size: int64(len(b))}
}

// endless is a file that never ends: its last row again and again.
type endless []byte

func (e endless) ReadAt(b []byte, at int64) (int, error) {
	lines := bytes.SplitAfter(e, []byte("\n"))
	last := lines[len(lines)-2]
	for i := range b {
		if n := at + int64(i); n < int64(len(e)) {
			b[i] = e[n]
		} else {
			b[i] = last[(n-int64(len(e)))%int64(len(last))]
		}
	}
	return len(b), nil
}

// connect opens a connection of one's own.
func connect(t testing.TB, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}
