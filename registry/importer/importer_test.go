package importer_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf16"

	"daftar/db"
	"daftar/fault"
	"daftar/registry"
	"daftar/registry/importer"
)

func TestSmallSurvey(t *testing.T) {
	t.Parallel()
	o := open(t)
	r := o.load(t, small(t))
	if want := (importer.Counts{Households: 4, People: 10, Added: 14}); r.Counts != want {
		t.Errorf("%+v", r.Counts)
	}
	got := get[string](t, o, `
		select concat_ws(' ', p.full_name, p.sex, p.birth_from, p.birth_to, m.relationship, a.code, h.fields->>'floor', h.fields->>'assets', p.fields->>'blind',
		       p.fields->>'literate', src.kind, src.label)
		from identifier i join person p on p.id = i.subject_id join membership m on m.person_id = p.id join household h on h.id = m.household_id
		join area a on a.id = h.area_id join source src on src.id = (p.provenance->>'*')::uuid
		where i.type = 'survey_person' and i.value = 'bbb/1'`)
	if want := `female 1951-07-01 1952-06-30 head SV-D12 earth ["bank_account", "car", "cellphone", "radio", "tv"] yes yes import h.csv, p.csv`; got != want {
		t.Errorf("%s\n%s", got, want)
	}
	// "0" says that the question was not asked, which is not "no".
	if n := get[int](t, o, `
		select count(*) from identifier i join person p on p.id = i.subject_id
		where i.type = 'survey_person' and i.value = 'aaa/3' and not p.fields ? 'literate' and p.fields->>'disability' = 'no'`); n != 1 {
		t.Error("no answer became an answer")
	}
	if path := get[string](t, o, `select p.code from area a join area p on p.id = a.parent_id where a.code = 'SV-D21'`); path != "SV-R2" {
		t.Error(path)
	}
}

func TestLoadingAgainChangesNothing(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.load(t, small(t))
	versions := get[int](t, o, `select count(*) from record_version`)
	r := o.load(t, small(t))
	if want := (importer.Counts{Households: 4, People: 10, Unchanged: 14}); r.Counts != want {
		t.Errorf("%+v", r.Counts)
	}
	if n := get[int](t, o, `select count(*) from record_version`); n != versions {
		t.Errorf("%d versions, then %d", versions, n)
	}
	if err := importer.Apply(t.Context(), o.DB.DB, o.approver, r.Batch); !fault.Is(err, fault.Conflict) {
		t.Error("a batch that changes nothing was applied: ", err)
	}
}

func TestChangedRowChangesItsRecordAlone(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		to      func(survey) survey
		subject string
		check   string // over person or household r, of the subject
	}{
		"a field":          {func(s survey) survey { return s.home(2, "floor", "6") }, "aaa", `r.fields->>'floor' = 'other' and r.fields->>'walls' = 'brick'`},
		"a field to empty": {func(s survey) survey { return s.home(2, "floor", "") }, "aaa", `not r.fields ? 'floor' and r.fields->>'walls' = 'brick'`},
		"an area":          {func(s survey) survey { return s.home(2, "geo2", "18") }, "aaa", `(select code from area where id = r.area_id) = 'SV-D18'`},
		"an age":           {func(s survey) survey { return s.person(2, "age", "45") }, "aaa/1", `r.birth_to = '1978-06-30'`},
		"an age to empty":  {func(s survey) survey { return s.person(2, "age", "") }, "aaa/1", `r.birth_to is null`},
		"a sex":            {func(s survey) survey { return s.person(2, "sex", "2") }, "aaa/1", `r.sex = 'female'`},
		"a relationship": {func(s survey) survey { return s.person(3, "relation", "4") }, "aaa/2", `
			(select string_agg(relationship || coalesce(' until ' || end_date, ''), ', ' order by end_date) from membership where person_id = r.id) = 'spouse until 2026-03-03, other_relative'`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := open(t)
			o.load(t, small(t))
			o.Clock.Add(24 * time.Hour)
			changed := c.to(small(t))
			if r := o.load(t, changed); r.Counts.Changed != 1 || r.Counts.Unchanged != 13 || r.Counts.Added != 0 {
				t.Errorf("%+v, %v", r.Counts, r.found)
			}
			if got := get[string](t, o, `select string_agg(i.value || ' ' || v.version, ',') from record_version v join identifier i on i.subject_id = v.subject_id where v.version > 1`); got != c.subject+" 2" {
				t.Errorf("new versions: %s", got)
			}
			table := "household"
			if strings.Contains(c.subject, "/") {
				table = "person"
			}
			if !get[bool](t, o, `select `+c.check+` from `+table+` r join identifier i on i.subject_id = r.id where i.value = $1`, c.subject) {
				t.Error("the record does not say what the file says")
			}
			if r := o.load(t, changed); r.Counts.Unchanged != 14 {
				t.Errorf("the third time: %+v", r.Counts)
			}
		})
	}
}

// What others said about a household stays, and stays theirs.
func TestImportKeepsWhatItDoesNotSay(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.load(t, small(t))
	var change, source db.ID
	if err := o.WithTx(t.Context(), o.proposer, func(tx db.Tx) (err error) {
		if source, err = registry.AddSource(tx, registry.SourceCounter, nil, ""); err != nil {
			return err
		}
		var now struct {
			ID   db.ID  `db:"id"`
			Data []byte `db:"data"`
		}
		if err := tx.Get(&now, `
			select i.subject_id as id, v.data || jsonb_build_object('directions', 'Blue door', 'fields', v.data->'fields' || '{"livelihood": "farming"}',
			       'provenance', v.data->'provenance' || jsonb_build_object('directions', $1::uuid, 'livelihood', $1::uuid)) as data
			from identifier i join record_state v on v.subject_id = i.subject_id where i.value = 'aaa'`, source); err != nil {
			return err
		}
		change, err = registry.Propose(tx, registry.OriginBatch, []registry.Item{{Kind: registry.KindHousehold, Subject: now.ID, BaseVersion: 1, Data: json(now.Data)}})
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if err := o.WithTx(t.Context(), o.approver, func(tx db.Tx) error {
		return errors.Join(registry.Approve(tx, change), registry.Apply(tx, change))
	}); err != nil {
		t.Fatal(err)
	}
	if r := o.load(t, small(t)); r.Counts.Unchanged != 14 {
		t.Errorf("the same file again: %+v", r.Counts)
	}
	o.load(t, small(t).home(2, "floor", "6").home(2, "geo2", "18"))
	got := get[string](t, o, `
		select concat_ws(' ', h.directions, h.fields->>'livelihood', h.fields->>'floor',
		       (select string_agg(key || '=' || s.kind, ' ' order by key) from jsonb_each_text(h.provenance) join source s on s.id = value::uuid))
		from household h join identifier i on i.subject_id = h.id where i.value = 'aaa'`)
	if want := "Blue door farming other *=import area=import directions=counter floor=import livelihood=counter"; got != want {
		t.Errorf("%s\n%s", got, want)
	}
}

// json is a document that is one already.
type json []byte

func (j json) MarshalJSON() ([]byte, error) { return j, nil }

func TestDryRunWritesNothing(t *testing.T) {
	t.Parallel()
	o := open(t)
	before := o.written(t)
	r := o.load2(t, small(t), dryRun)
	if r.Counts.Added != 14 || r.Batch != "" || o.written(t) != before {
		t.Errorf("%+v, %q", r.Counts, r.Batch)
	}
	if r := o.load2(t, small(t).person(2, "age", "300"), dryRun, skipBad); r.Counts.Added != 10 || r.Counts.Rejected != 4 || o.written(t) != before {
		t.Errorf("%+v", r.Counts)
	}
}

// load2 stages only.
func (o office) load2(t *testing.T, s survey, change ...func(*importer.Options)) report {
	t.Helper()
	r, err := o.stage(t.Context(), s, change...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// lines of a file, changed.
func lines(b []byte, change func([]string) []string) []byte {
	return []byte(strings.Join(change(strings.SplitAfter(string(b), "\n")), ""))
}

func latin1(b []byte) []byte { return bytes.ReplaceAll(b, []byte("11001"), []byte("Pe\xf1a")) }

func utf16le(b []byte) []byte {
	out := []byte{0xff, 0xfe}
	for _, u := range utf16.Encode([]rune(string(b))) {
		out = append(out, byte(u), byte(u>>8))
	}
	return out
}

func TestBadRowsAreRefusedWhole(t *testing.T) {
	t.Parallel()
	o := open(t)
	before := o.written(t)
	for name, c := range map[string]struct {
		bad  func(survey) survey
		want string // the first problem
	}{
		"unknown code of a household": {func(s survey) survey { return s.home(3, "roof", "77") }, `h.csv:3: roof = "77": This is none of the answers.`},
		"unknown code of a person":    {func(s survey) survey { return s.person(4, "sex", "9") }, `p.csv:4: sex = "9": This is none of the answers.`},
		"unknown relationship":        {func(s survey) survey { return s.person(4, "relation", "") }, `p.csv:4: relation = "": Say who this person is to the head of the household.`},
		"unknown yes":                 {func(s survey) survey { return s.home(2, "tv", "2") }, `h.csv:2: tv = "2": This is none of the answers.`},
		"unknown area":                {func(s survey) survey { return s.home(2, "geo2", "19") }, `h.csv:2: geo2 = "19": There is no such area.`},
		"area of another region":      {func(s survey) survey { return s.home(4, "geo2", "11") }, `h.csv:4: geo2 = "11": The area SV-D11 lies in SV-R1, not in SV-R2.`},
		"no household":                {func(s survey) survey { return s.person(6, "hid", "zzz") }, `p.csv:6: hid = "zzz": There is no such household.`},
		"no key of a household":       {func(s survey) survey { return s.home(2, "hid", " ") }, `h.csv:2: hid = " ": A household needs a key of at most 100 characters.`},
		"no key of a person":          {func(s survey) survey { return s.person(2, "idno", "") }, `p.csv:2: idno = "": A person needs a key of at most 100 characters.`},
		"household twice":             {func(s survey) survey { return s.home(3, "hid", "aaa") }, `h.csv:3: hid = "aaa": The same household is on line 2.`},
		"person twice":                {func(s survey) survey { return s.person(3, "idno", "1") }, `p.csv:3: idno = "1": The household has this person already, on line 2.`},
		"two heads":                   {func(s survey) survey { return s.person(3, "relation", "1") }, `p.csv:3: relation = "1": The household has a head already.`},
		"nobody in it":                {func(s survey) survey { s.people = lines(s.people, drop(4)); return s }, `h.csv:3: hid = "bbb": Nobody lives in this household.`},
		"fewer than it says":          {func(s survey) survey { s.people = lines(s.people, drop(3)); return s }, `h.csv:2: hhsize = "3": The people in the files: 2.`},
		"a size that is none":         {func(s survey) survey { return s.home(2, "hhsize", "3x") }, `h.csv:2: hhsize = "3x": A household has at least one person.`},
		"age 300":                     {func(s survey) survey { return s.person(5, "age", "300") }, `p.csv:5: age = "300": An age is a whole number from 0 to 125.`},
		"age -1":                      {func(s survey) survey { return s.person(5, "age", "-1") }, `p.csv:5: age = "-1": An age is a whole number from 0 to 125.`},
		"age in words":                {func(s survey) survey { return s.person(5, "age", "ten") }, `p.csv:5: age = "ten": An age is a whole number from 0 to 125.`},
		"months of another age":       {func(s survey) survey { return s.person(4, "age_month", "40") }, `p.csv:4: age_month = "40": The months do not agree with the years.`},
		"a number out of its range":   {func(s survey) survey { return s.home(2, "rooms", "61") }, `h.csv:2: rooms = "61": Enter a number that is not above 60`},
		"a number in words":           {func(s survey) survey { return s.home(2, "rooms", "many") }, `h.csv:2: rooms = "many": Enter a number, such as 250`},
		"truncated last line":         {func(s survey) survey { s.people = s.people[:len(s.people)-20]; return s }, `p.csv:11: The file ends in the middle of a line: 19 columns instead of 27.`},
		"a line too short":            {func(s survey) survey { s.people = lines(s.people, put(3, "aaa,2\n")); return s }, `p.csv:3: The line has 2 columns instead of 27.`},
		"an empty line is none":       {func(s survey) survey { s.people = lines(s.people, put(3, "\n,\n")); return s }, `p.csv:4: The line has 2 columns instead of 27.`},
		"Latin-1":                     {func(s survey) survey { s.households = latin1(s.households); return s }, `h.csv:2: ea = "Pe?a": The text is not UTF-8. Choose its encoding, or save it as UTF-8.`},
		"null byte":                   {func(s survey) survey { return s.home(2, "ea", "11\x00001") }, `h.csv:2: ea = "11\x00001": This has characters that no text has.`},
		"header twice": {func(s survey) survey {
			s.people = lines(s.people, func(l []string) []string { return append(l[:2:2], append(l[:1:1], l[2:]...)...) })
			return s
		}, `p.csv:3: sex = "sex": This is none of the answers.`},
		"quote in the middle":          {func(s survey) survey { return s.home(2, "ea", `11"001`) }, `h.csv:2: The line is not valid CSV: a quote stands inside a cell.`},
		"quote that nothing ends":      {func(s survey) survey { return s.person(10, "idno", `"1`) }, `p.csv:10: The line is not valid CSV: a quote is never closed, or something follows it.`},
		"a line that is far too long":  {func(s survey) survey { return s.home(2, "ea", strings.Repeat("1", 2<<20)) }, `h.csv:2: The line is too long.`},
		"a text that is too long":      {func(s survey) survey { return s.home(2, "ea", strings.Repeat("1", 5000)) }, `h.csv:2: ea = "` + strings.Repeat("1", 200) + `…": Use at most 200 characters`},
		"a household on the last line": {func(s survey) survey { return s.home(5, "floor", "0") }, `h.csv:5: floor = "0": This is none of the answers.`},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := o.stage(t.Context(), c.bad(small(t)))
			if err != nil {
				t.Fatal(err)
			}
			if r.Problems == 0 || r.Problems != len(r.found) || r.Batch != "" {
				t.Fatalf("%d problems, %d told, batch %q", r.Problems, len(r.found), r.Batch)
			}
			if got := r.found[0].Say(printers[0]); got != c.want {
				t.Errorf("%s\n%s", got, c.want)
			}
			if o.written(t) != before {
				t.Error("something was written")
			}
		})
	}
}

func drop(i int) func([]string) []string {
	return func(l []string) []string { return append(l[:i:i], l[i+1:]...) }
}

func put(line int, text string) func([]string) []string {
	return func(l []string) []string { l[line-1] = text; return l }
}

// A file that cannot be a table is refused before its first row.
func TestFilesThatAreNoTable(t *testing.T) {
	t.Parallel()
	o := open(t)
	before := o.written(t)
	for name, c := range map[string]struct {
		bad  func(survey) survey
		want string
	}{
		"empty":       {func(s survey) survey { s.people = nil; return s }, "p.csv: There is no header line."},
		"only a mark": {func(s survey) survey { s.people = []byte("\ufeff"); return s }, "p.csv: There is no header line."},
		"UTF-16":      {func(s survey) survey { s.households = utf16le(s.households); return s }, "h.csv: The text is UTF-16. Choose that encoding, or save it as UTF-8."},
		"unknown column": {func(s survey) survey {
			s.people = bytes.Replace(s.people, []byte(",sex,"), []byte(",religion2,"), 1)
			return s
		}, `p.csv: Line 1: the column "religion2" is neither mapped nor ignored.`},
		"no such column": {func(s survey) survey { s.households = []byte("hid,geo1,geo2\n"); return s }, `h.csv: Line 1: the column "bank" is missing.`},
		"a column twice": {func(s survey) survey {
			s.people = bytes.Replace(s.people, []byte(",sex,"), []byte(",age,"), 1)
			return s
		}, `p.csv: Line 1: the column "age" appears twice.`},
		"a picture":            {func(s survey) survey { s.people = []byte("\x89PNG\r\n\x1a\n\x00\x00\x00"); return s }, "p.csv: The header has characters that no text has."},
		"an old workbook":      {func(s survey) survey { s.people = []byte("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"); return s }, "p.csv: This is a workbook of the old kind. Save it as XLSX or CSV."},
		"no workbook":          {func(s survey) survey { s.people = []byte("PK\x03\x04 and then nothing"); return s }, "p.csv: The file cannot be read as an XLSX workbook."},
		"quotes in its header": {func(s survey) survey { s.people = []byte(`"hid,idno`); return s }, "p.csv: There is no header line."},
		"a list of strangers":  {func(s survey) survey { s.people = []byte("a,b\n1,2\n"); return s }, "p.csv: It is not clear what this list holds."},
		"10,000 columns": {func(s survey) survey {
			s.people = []byte(strings.Repeat("x,", 9999) + "hid\n")
			return s
		}, `p.csv: There are more than 500 columns.`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := o.stage(t.Context(), c.bad(small(t)), skipBad)
			if p, ok := importer.AboutFile(err); !ok || p.Say(printers[0]) != c.want {
				t.Errorf("%v\n%s\n%s", err, p.Say(printers[0]), c.want)
			}
			if o.written(t) != before {
				t.Error("something was written")
			}
		})
	}
}

func TestFilesAsOtherProgramsWriteThem(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func([]byte) []byte{
		"byte order mark":    func(b []byte) []byte { return append([]byte("\ufeff"), b...) },
		"CRLF":               func(b []byte) []byte { return bytes.ReplaceAll(b, []byte("\n"), []byte("\r\n")) },
		"no end of the last": func(b []byte) []byte { return bytes.TrimSuffix(b, []byte("\n")) },
		"every cell quoted": func(b []byte) []byte {
			b = bytes.ReplaceAll(bytes.TrimSuffix(b, []byte("\n")), []byte(","), []byte(`","`))
			return []byte(`"` + string(bytes.ReplaceAll(b, []byte("\n"), []byte("\"\n\""))) + "\"\n")
		},
		"empty lines": func(b []byte) []byte { return bytes.ReplaceAll(b, []byte("\n"), []byte("\n\n")) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := open(t)
			o.load(t, small(t))
			s := small(t)
			if r := o.load(t, survey{change(s.households), change(s.people)}); r.Counts.Unchanged != 14 || r.Problems > 0 {
				t.Errorf("%+v, %v", r.Counts, r.found)
			}
		})
	}
}

// Which file holds what is seen by its columns.
func TestFilesInAnyOrder(t *testing.T) {
	t.Parallel()
	o := open(t)
	r := o.load(t, small(t), func(o *importer.Options) { o.Files[0], o.Files[1] = o.Files[1], o.Files[0] })
	if r.Counts.Added != 14 {
		t.Errorf("%+v %v", r.Counts, r.found)
	}
}

// Every file cut off anywhere is refused or, where the cut is between two
// lines or in a column that is not taken, read as what is there.
func TestCutAnywhere(t *testing.T) {
	t.Parallel()
	o := open(t)
	before := o.written(t)
	s := small(t)
	for cut := 1; cut < len(s.people); cut += 37 {
		r, err := o.stage(t.Context(), survey{s.households, s.people[:cut]})
		if err == nil && r.Problems == 0 {
			t.Errorf("%d bytes of the people file were taken for all of it", cut)
		}
	}
	if o.written(t) != before {
		t.Error("something was written")
	}
}

func TestSkipBadLoadsTheRestAndTheRejectsLater(t *testing.T) {
	t.Parallel()
	o := open(t)
	good := small(t)
	bad := good.home(3, "roof", "77"). // household bbb, and so its one person
						person(3, "age", "300").    // aaa/2, and so all of aaa
						person(7, "hid", "zzz").    // ccc/2
						person(10, "relation", "8") // ddd/1, the head, and so all of ddd
	r := o.load(t, bad, skipBad)
	if want := (importer.Counts{Households: 4, People: 10, Rejected: 10, Added: 4}); r.Counts != want || r.Problems != 11 {
		t.Errorf("%+v, %v", r.Counts, r.found)
	}
	pick := func(b []byte, n ...int) string {
		l := strings.SplitAfter(string(b), "\n")
		out := l[0]
		for _, i := range n {
			out += l[i-1]
		}
		return out
	}
	rest := r.rest()
	if got, want := string(rest.households), pick(bad.households, 2, 3, 5); got != want {
		t.Errorf("households left out:\n%s\n%s", got, want)
	}
	if got, want := string(rest.people), pick(bad.people, 2, 3, 4, 5, 7, 10, 11); got != want {
		t.Errorf("people left out:\n%s\n%s", got, want)
	}

	// As they are, they are refused again, for the same reasons.
	if again, err := o.stage(t.Context(), rest); err != nil || again.Problems != 10 {
		t.Errorf("%v, %v", again.found, err)
	}
	corrected := rest.home(3, "roof", "5").person(3, "age", "39").person(6, "hid", "ccc").person(7, "relation", "1")
	if r := o.load(t, corrected); r.Counts.Added != 10 || r.Problems > 0 {
		t.Errorf("%+v, %v", r.Counts, r.found)
	}
	if r := o.load(t, good); r.Counts.Unchanged != 14 {
		t.Errorf("then the whole: %+v", r.Counts)
	}
}

// A household in the registry has one head, whichever file brings the second.
func TestSecondHeadInAnotherFile(t *testing.T) {
	t.Parallel()
	o := open(t)
	s := small(t)
	o.load(t, s)
	header := bytes.SplitAfter(s.households, []byte("\n"))[0]
	more := survey{header, lines(s.people, func(l []string) []string { return l[:2] })}
	if r := o.load(t, more); r.Counts.Unchanged != 1 {
		t.Errorf("the head again: %+v, %v", r.Counts, r.found)
	}
	r := o.load(t, more.person(2, "idno", "9"), skipBad)
	if len(r.found) != 1 || r.found[0].Key != "import.problem.two_heads" || r.Counts.Rejected != 1 {
		t.Errorf("another head: %+v, %v", r.Counts, r.found)
	}
	if r := o.load(t, more.person(2, "idno", "9").person(2, "relation", "4")); r.Counts.Added != 1 {
		t.Errorf("another relative: %+v, %v", r.Counts, r.found)
	}
}

func TestProposerCannotApprove(t *testing.T) {
	t.Parallel()
	o := open(t)
	r := o.load2(t, small(t))
	for name, who := range map[string]db.Principal{"the proposer": o.proposer, "nobody": worker} {
		if err := importer.Apply(t.Context(), o.DB.DB, who, r.Batch); !fault.Is(err, fault.Forbidden) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := get[int](t, o, `select count(*) from identifier where type = 'survey_household'`); n != 0 {
		t.Errorf("%d households", n)
	}
	if n := get[int](t, o, `select count(*) from area where code like 'SV%'`); n != 0 {
		t.Errorf("%d areas", n)
	}
	if err := importer.Apply(t.Context(), o.DB.DB, o.approver, r.Batch); err != nil {
		t.Fatal(err)
	}
	if err := importer.Apply(t.Context(), o.DB.DB, o.approver, r.Batch); !fault.Is(err, fault.Conflict) {
		t.Errorf("a second time: %v", err)
	}
	for _, ref := range []string{"", "IMP-0000-0000-0", "x'; drop table person; --"} {
		if err := importer.Apply(t.Context(), o.DB.DB, o.approver, ref); !fault.Is(err, fault.NotFound) {
			t.Errorf("%q: %v", ref, err)
		}
	}
}

// Whichever of several imports of one file comes first, the records exist once.
func TestTheSameFileTwiceAtOnce(t *testing.T) {
	t.Parallel()
	o := open(t)
	const n = 4
	var outcomes [n]error
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			r, err := o.stage(t.Context(), small(t))
			if err == nil && r.Counts.Added > 0 {
				err = importer.Apply(t.Context(), o.DB.DB, o.approver, r.Batch)
			}
			outcomes[i] = err
		})
	}
	all.Wait()
	done := 0
	for _, err := range outcomes {
		if err == nil {
			done++
		} else if !fault.Is(err, fault.Conflict) {
			t.Errorf("%v", err)
		}
	}
	if done == 0 {
		t.Error("none of them was loaded")
	}
	if n := get[int](t, o, `select count(*) from identifier where type like 'survey%'`); n != 14 {
		t.Errorf("%d records instead of 14", n)
	}
}

// Two batches that were both new when they were made: the second is refused,
// where the areas are there and where they are not.
func TestTwoBatchesOfTheSameRecords(t *testing.T) {
	t.Parallel()
	for _, known := range []bool{false, true} {
		t.Run(fmt.Sprint(known), func(t *testing.T) {
			t.Parallel()
			o := open(t)
			if known {
				s := small(t)
				other := survey{bytes.ReplaceAll(s.households, []byte("\n"), []byte("\n9")), bytes.ReplaceAll(s.people, []byte("\n"), []byte("\n9"))}
				o.load(t, survey{bytes.TrimSuffix(other.households, []byte("9")), bytes.TrimSuffix(other.people, []byte("9"))})
			}
			one, two := o.load2(t, small(t)), o.load2(t, small(t))
			if err := importer.Apply(t.Context(), o.DB.DB, o.approver, two.Batch); err != nil {
				t.Fatal(err)
			}
			if err := importer.Apply(t.Context(), o.DB.DB, o.approver, one.Batch); !fault.Is(err, fault.Conflict) {
				t.Errorf("the second: %v", err)
			}
			if n := get[int](t, o, `select count(*) from identifier where type = 'survey_household' and value in ('aaa', 'bbb', 'ccc', 'ddd')`); n != 4 {
				t.Errorf("%d households instead of 4", n)
			}
		})
	}
}

// A batch that was made before a record changed does not undo the change.
func TestStaleBatch(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.load(t, small(t))
	stale := o.load2(t, small(t).home(2, "floor", "1"))
	o.load(t, small(t).home(2, "floor", "5"))
	if err := importer.Apply(t.Context(), o.DB.DB, o.approver, stale.Batch); !fault.Is(err, fault.Conflict) {
		t.Error(err)
	}
	if got := get[string](t, o, `select h.fields->>'floor' from household h join identifier i on i.subject_id = h.id where i.value = 'aaa'`); got != "wood" {
		t.Error(got)
	}
}

func TestStoppedInBetween(t *testing.T) {
	t.Parallel()
	o := open(t)
	before := o.written(t)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	s := small(t)
	_, err := o.stage(ctx, s, func(o *importer.Options) {
		o.SkipBad, o.Left = true, nil
		o.Files[0].Body, o.Files[0].Size = endless(s.households), 1<<50
		o.Progress = func(p importer.Progress) {
			if p.Rows >= 3000 {
				stop()
			}
		}
	})
	if err == nil || ctx.Err() == nil {
		t.Error("it was not stopped: ", err)
	}
	if o.written(t) != before {
		t.Error("something was written")
	}

	r := o.load2(t, s)
	staged := o.written(t)
	if err := importer.Apply(ctx, o.DB.DB, o.approver, r.Batch); err == nil {
		t.Error("applied in a context that is over")
	}
	if o.written(t) != staged {
		t.Error("something was written")
	}
	if err := importer.Apply(t.Context(), o.DB.DB, o.approver, r.Batch); err != nil {
		t.Error(err)
	}
}

// Killed while it is being applied: the server goes away at the last step.
func TestConnectionLostWhileApplying(t *testing.T) {
	t.Parallel()
	o := open(t)
	r := o.load2(t, small(t))
	before := o.written(t)
	// Somebody holds the batch; the approval waits, and its connection is cut.
	err := o.WithTx(t.Context(), worker, func(tx db.Tx) error {
		if err := tx.Exec(`select from import_batch for update`); err != nil {
			return err
		}
		ctx, stop := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer stop()
		if err := importer.Apply(ctx, o.DB.DB, o.approver, r.Batch); !fault.Is(err, fault.Unavailable) {
			t.Errorf("%v", err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if o.written(t) != before {
		t.Error("something was written")
	}
	if err := importer.Apply(t.Context(), o.DB.DB, o.approver, r.Batch); err != nil {
		t.Error(err)
	}
}

// The World Bank's survey, where it is at hand.
func TestWholeSurvey(t *testing.T) {
	const dir = "../../../shared/data/household-survey/"
	if testing.Short() {
		t.Skip("20,660 rows, twice")
	}
	if _, err := os.Stat(dir + "households.csv"); err != nil {
		t.Skip("the survey is not here")
	}
	o := open(t)
	s := survey{file(t, dir+"households.csv"), file(t, dir+"individuals.csv")}
	r := o.load(t, s)
	if want := (importer.Counts{Households: 4072, People: 16588, Added: 4072 + 16588}); r.Counts != want || r.Problems > 0 {
		t.Errorf("%+v, %d problems", r.Counts, r.Problems)
	}
	for query, want := range map[string]int{
		`select count(*) from identifier where type = 'survey_household'`:                                                                                                          4072,
		`select count(*) from identifier where type = 'survey_person'`:                                                                                                             16588,
		`select count(*) from membership m join identifier i on i.type = 'survey_person' and i.subject_id = m.person_id where m.relationship = 'head'`:                             4072,
		`select count(*) from household h join identifier i on i.type = 'survey_household' and i.subject_id = h.id where h.fields ? 'welfare_quintile' and h.fields ? 'exp_total'`: 4072,
		`select count(*) from person p join identifier i on i.type = 'survey_person' and i.subject_id = p.id where p.full_name is not null`:                                        0,
		`select count(*) from area where code like 'SV-R%'`:                                                                                                                        10,
	} {
		if n := get[int](t, o, query); n != want {
			t.Errorf("%d instead of %d: %s", n, want, query)
		}
	}
	if r := o.load(t, s); r.Counts.Unchanged != 4072+16588 {
		t.Errorf("again: %+v", r.Counts)
	}
}
