package importer_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"daftar/db"
	"daftar/fault"
	"daftar/i18n"
	"daftar/registry"
	"daftar/registry/fields"
	"daftar/registry/importer"
)

// bring stages files whose columns name themselves, or that the options map.
func (o office) bring(t testing.TB, files []importer.File, change ...func(*importer.Options)) report {
	t.Helper()
	r := report{left: map[string]*bytes.Buffer{}}
	opts := importer.Options{Files: files, Printers: printers, Bad: func(p importer.Problem) { r.found = append(r.found, p) }}
	for _, f := range change {
		f(&opts)
	}
	var err error
	if r.Result, err = importer.Stage(t.Context(), o.DB.DB, o.proposer, opts); err != nil {
		if p, ok := importer.AboutFile(err); ok {
			t.Fatal(p.Say(printers[0]))
		}
		t.Fatal(err)
	}
	return r
}

// in brings files in and has them approved.
func (o office) in(t testing.TB, files []importer.File, change ...func(*importer.Options)) report {
	t.Helper()
	r := o.bring(t, files, change...)
	if len(r.found) > r.Notices {
		t.Fatalf("%v", said(r.found))
	}
	if r.Counts.Added+r.Counts.Changed > 0 {
		if err := importer.Apply(t.Context(), o.DB.DB, o.approver, r.Batch); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

func said(list []importer.Problem) (lines []string) {
	for _, p := range list {
		lines = append(lines, p.Say(printers[0]))
	}
	return lines
}

func csvFile(name string, lines ...string) importer.File {
	return text(name, []byte(strings.Join(lines, "\n")+"\n"))
}

// person reads a record by a name.
func (o office) person(t testing.TB, name string) (registry.PersonData, int) {
	t.Helper()
	var p registry.PersonData
	version := 0
	o.read(t, func(tx db.Tx) error {
		var id db.ID
		if err := tx.Get(&id, `select id from person where full_name = $1 and status = 'active'`, name); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		var err error
		p, version, err = registry.CurrentPerson(tx, id)
		return err
	})
	return p, version
}

// farming installs the pack with rosters.
func (o office) farming(t testing.TB) {
	t.Helper()
	if err := o.WithTx(t.Context(), db.Principal{Role: db.Staff, Kind: "staff", Actor: o.proposer.Actor}, func(tx db.Tx) error {
		return fields.Install(tx, "farmer", []string{"en", "ar"})
	}); err != nil {
		t.Fatal(err)
	}
}

// area is the identity of an area.
func (o office) area(t testing.TB, code string) db.ID {
	return get[db.ID](t, o, `select id from area where code = $1`, code)
}

// A template that is filled in, in whatever language, is read without a mapping:
// every kind of value, in words or codes.
func TestTemplateFilledIn(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.farming(t)
	c := o.catalogue(t)
	for i, p := range printers {
		b, err := c.Template(p)
		if err != nil {
			t.Fatal(err)
		}
		f, err := excelize.OpenReader(bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(f.GetSheetList(), " "); got != "households people groups group_members plots animals codes help" {
			t.Errorf("sheets: %s", got)
		}
		fill := func(sheet string, rows ...map[string]any) {
			t.Helper()
			header, err := f.GetRows(sheet)
			if err != nil {
				t.Fatal(err)
			}
			for n, row := range rows {
				for code, value := range row {
					at := slices.IndexFunc(header[0], func(h string) bool { return strings.HasSuffix(h, "["+code+"]") })
					if at < 0 {
						t.Fatalf("%s has no column %s: %v", sheet, code, header[0])
					}
					cell, _ := excelize.CoordinatesToCellName(at+1, n+2)
					if err := f.SetCellValue(sheet, cell, value); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
		yes, head, own := p.T("answer.yes"), p.T("relationship.head"), p.T("contact.owner.shared")
		name := []string{"Amal", "Badr"}[i]
		fill("households", map[string]any{"household": "1", "area": []string{"Harbour", "الميناء"}[i], "directions": "Blue \"door\"", "protected": yes, "rooms": 3,
			"tenure": []string{"We rent it", "نستأجره"}[i], "assets": "radio; " + answerOf(t, c, "households", "assets", "bicycle", i), "monthly_income": "1,250", "electricity": "unknown", "tags": []string{"Displaced", "نازحون"}[i]})
		fill("people",
			map[string]any{"person": "a", "household": "1", "relationship": head, "full_name": name + " Saleh", "full_name_latin": "Latin " + name, "given_name": name, "family_name": "Saleh",
				"sex": p.T("sex.female"), "birth_date": time.Date(1980, 2, 3, 0, 0, 0, 0, time.UTC), "since": "2019-05-01", "roles": p.T("role.payee"), "cares_for": "b",
				"phone": "+254 700 000 001", "phone.owner": own, "phone.safe": p.T("contact.safe.codes"), "id.national_id": "mj-1234567" + fmt.Sprint(i), "disability": yes},
			map[string]any{"person": "b", "household": "1", "relationship": "child", "full_name": name + " Kid", "birth_date": "2015-06", "sex": "male"},
			map[string]any{"person": "c", "household": "1", "relationship": "parent", "given_name": name, "family_name": "Elder", "age": 70,
				"tie": p.T("tie.absent"), "since": "2020-01-01", "until": "2021-06-01", "tags": "pilot; displaced"})
		fill("plots", map[string]any{"household": "1", "crop": answerOf(t, c, "plots", "crop", "maize", i), "ha": 1.5}, map[string]any{"household": "1", "crop": "rice", "ha": "0.25"})
		var out bytes.Buffer
		if err := f.Write(&out); err != nil {
			t.Fatal(err)
		}
		r := o.in(t, []importer.File{text("filled.xlsx", out.Bytes())})
		if r.Counts.Added != 4 || r.Counts.Rosters != 2 {
			t.Errorf("%+v", r.Counts)
		}
		d, _ := o.person(t, name+" Saleh")
		m := d.Memberships[0]
		got := fmt.Sprint(d.FullNameLatin, d.GivenName, d.FamilyName, d.Sex, d.BirthFrom, d.BirthTo, d.Fields, m.Relationship, m.StartDate, len(m.Roles), m.Roles[0].Role, m.Roles[1].Role,
			d.Contacts, d.Identifiers[0].Type, d.Identifiers[0].Value, d.Identifiers[0].Status)
		want := fmt.Sprint("Latin "+name, name, "Saleh", "female", "1980-02-03", "1980-02-03", registry.Values{"disability": "yes"}, "head", "2019-05-01", 2, "payee", "caregiver",
			[]registry.ContactData{{Kind: "phone", Value: "+254700000001", Owner: "shared", Safe: []string{"codes"}}}, "national_id", "MJ1234567"+fmt.Sprint(i), "unverified")
		if got != want {
			t.Errorf("%s\n%s", got, want)
		}
		kid, _ := o.person(t, name+" Kid")
		elder, _ := o.person(t, name+" Elder")
		if kid.BirthFrom != "2015-06-01" || kid.BirthTo != "2015-06-30" || elder.BirthTo != "1956-03-02" {
			t.Errorf("%s %s %s", kid.BirthFrom, kid.BirthTo, elder.BirthTo)
		}
		if m := elder.Memberships[0]; m.Tie != registry.TieAbsent || m.StartDate != "2020-01-01" || m.EndDate != "2021-06-01" || !slices.Equal(elder.Tags, []string{"displaced", "pilot"}) {
			t.Errorf("%+v %q", m, elder.Tags)
		}
		got = get[string](t, o, `select concat_ws(' ', array_to_string(h.tags, ' '), a.code, h.directions, h.protected, h.fields - 'plots', jsonb_array_length(h.fields->'plots'), h.fields->'plots'->0->>'crop', h.fields->'plots'->1->>'ha')
			from household h join area a on a.id = h.area_id where h.id = $1`, m.HouseholdID)
		if want := `displaced MJ010101 Blue "door" t {"rooms": 3, "assets": ["bicycle", "radio"], "tenure": "rented", "electricity": "unknown", "monthly_income": 1250} 2 maize 0.25`; got != want {
			t.Errorf("%s\n%s", got, want)
		}
		// the very file again: nobody in it has a key that the registry knows
		_, err = importer.Stage(t.Context(), o.DB.DB, o.proposer, importer.Options{Files: []importer.File{text("filled.xlsx", out.Bytes())}, Printers: printers})
		var f2 *fault.Error
		if i == 0 && (!fault.Is(err, fault.Conflict) || !asFault(err, &f2) || f2.Key != "import.error.again") {
			t.Errorf("a second time: %v", err)
		}
	}
}

func asFault(err error, f **fault.Error) bool {
	e, ok := err.(*fault.Error)
	*f = e
	return ok
}

// answerOf is what an answer of a column is called.
func answerOf(t testing.TB, c *importer.Catalogue, table, code, answer string, language int) string {
	t.Helper()
	tb, ok := c.Table(table)
	target, ok2 := tb.Target(code)
	if !ok || !ok2 {
		t.Fatalf("no %s.%s", table, code)
	}
	return target.Answer(printers[language], answer)
}

// homesAndPeople is a village of two households, in CSV with codes for headers.
func homesAndPeople() []importer.File {
	return []importer.File{
		csvFile("homes.csv", "household,area,rooms,directions", "1,MJ010101,2,Blue door", "2,MJ010201,4,"),
		csvFile("people.csv", "household,person,relationship,full_name,sex,birth_date,id.national_id,phone",
			"1,1,head,Salma Idris,female,1980,MJ70000001,0700000001", "1,2,child,Musa Idris,male,2015-04-05,,", "2,1,head,Halima Noor,female,1950,MJ70000002,"),
	}
}

// A later file changes the records that it names: by reference, by a number. What
// it has no column for stays, and so does what it says nothing about.
func TestUpdates(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.in(t, homesAndPeople())
	salma, _ := o.person(t, "Salma Idris")
	musa, _ := o.person(t, "Musa Idris")
	home := get[string](t, o, `select ref from household where id = $1`, salma.Memberships[0].HouseholdID)
	o.Clock.Add(48 * time.Hour)

	r := o.in(t, []importer.File{
		csvFile("homes.csv", "ref,rooms,directions,area", strings.ToLower(home)+",3,,"),
		csvFile("people.csv", "ref,id.national_id,full_name_latin,sex,birth_date,household,relationship,phone,phone.owner",
			musa.Ref+",,Musa I.,,,,,,", ",MJ 7000 0001,,female,1980-05-06,,,0700000009,own", ",MJ70000002,,,1950,"+home+",parent,,"),
	})
	if want := (importer.Counts{Households: 1, People: 3, Changed: 4}); r.Counts != want {
		t.Errorf("%+v", r.Counts)
	}
	if got := get[string](t, o, `select concat_ws(' ', version, fields->>'rooms', directions) from household where ref = $1`, home); got != "2 3 Blue door" {
		t.Error(got)
	}
	d, version := o.person(t, "Salma Idris")
	if version != 2 || d.BirthFrom != "1980-05-06" || len(d.Contacts) != 1 || d.Contacts[0].Value != "0700000009" || d.Provenance["birth"] == d.Provenance["*"] || d.Provenance["sex"] != (db.ID{}) {
		t.Errorf("%d %+v", version, d)
	}
	if d, _ := o.person(t, "Musa Idris"); d.FullNameLatin != "Musa I." || d.BirthFrom != "2015-04-05" || d.Memberships[0].EndDate != "" {
		t.Errorf("%+v", d)
	}
	d, _ = o.person(t, "Halima Noor")
	if len(d.Memberships) != 2 || d.Memberships[0].EndDate != "2026-03-04" || d.Memberships[0].EndReason != "moved" || d.Memberships[1].Relationship != "parent" || d.Provenance["birth"] != (db.ID{}) {
		t.Errorf("she moved: %+v", d)
	}

	// the same again changes nothing; a file that clears takes values away
	again := []importer.File{csvFile("homes.csv", "ref,rooms,directions", home+",3,")}
	if r := o.in(t, again); r.Counts.Unchanged != 1 || r.Counts.Changed != 0 {
		t.Errorf("%+v", r.Counts)
	}
	clears := &importer.Mapping{Empty: "clear", Nature: "correction", On: "2026-01-01", Tables: map[string]importer.TableMapping{"households": {Columns: map[string]importer.Column{"ref": {To: "ref"}, "rooms": {To: "rooms"}, "directions": {To: "directions"}}}}}
	o.in(t, again, func(o *importer.Options) { o.Mapping = clears })
	if got := get[string](t, o, `select concat_ws('|', h.version, h.directions, i.nature, i.effective_on) from household h join record_version v on v.subject_id = h.id and v.version = h.version
		join change_item i on i.change_id = v.change_id and i.seq = v.seq where h.ref = $1`, home); got != "3||correction|2026-01-01" {
		t.Error(got)
	}
}

// Rows of a roster keep who they are when one of them changes.
func TestRosterRowsStay(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.farming(t)
	o.in(t, append(homesAndPeople(), csvFile("plots.csv", "household,crop,ha", "1,maize,1.5", "1,rice,2", "1,pulses,3", "2,maize,4")))
	home := get[string](t, o, `select ref from household where fields->>'rooms' = '2' and directions = 'Blue door'`)
	rows := func() string {
		return get[string](t, o, `select string_agg(r->>'id' || '=' || concat_ws(':', r->>'crop', r->>'ha'), ' ' order by n) from household h, jsonb_array_elements(h.fields->'plots') with ordinality x (r, n) where h.ref = $1`, home)
	}
	before := strings.Fields(rows())
	if len(before) != 3 {
		t.Fatal(before)
	}
	ids := make([]string, 3)
	for i, row := range before {
		ids[i], _, _ = strings.Cut(row, "=")
	}
	// only a list of plots, by the household's reference: one the same, one changed, one by its id, one new
	r := o.in(t, []importer.File{csvFile("plots.csv", "household,row,crop,ha", home+","+ids[2]+",pulses,9", home+",,rice,2", home+",,maize,1.75", home+",,wheat,1")})
	if r.Counts.Changed != 1 {
		t.Errorf("%+v", r.Counts)
	}
	after := rows()
	if want := fmt.Sprintf("%s=pulses:9 %s=rice:2 %s=maize:1.75 ", ids[2], ids[1], ids[0]); !strings.HasPrefix(after, want) || !strings.HasSuffix(after, "=wheat:1") {
		t.Errorf("%s\n%s", after, want)
	}
	if r := o.in(t, []importer.File{csvFile("plots.csv", "household,row,crop,ha", home+","+ids[2]+",pulses,9", home+",,rice,2", home+",,maize,1.75", home+",,wheat,1")}); r.Counts.Unchanged != 1 {
		t.Errorf("again: %+v", r.Counts)
	}
}

// What cannot be is refused, each thing by name.
func TestWhatCannotBe(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.farming(t)
	o.in(t, homesAndPeople())
	salma, _ := o.person(t, "Salma Idris")
	home := get[string](t, o, `select ref from household where id = $1`, salma.Memberships[0].HouseholdID)
	before := o.written(t)
	homes := func(rows ...string) importer.File {
		return csvFile("homes.csv", append([]string{"household,ref,area,directions,rooms,electricity,tags"}, rows...)...)
	}
	people := func(rows ...string) importer.File {
		return csvFile("people.csv", append([]string{"household,person,ref,relationship,full_name,sex,birth_date,since,until,cares_for,phone,email,id.national_id,id.national_id.verified"}, rows...)...)
	}
	long := strings.Repeat("é", 501)
	for name, c := range map[string]struct {
		files []importer.File
		want  string
	}{
		"nobody lives there":       {[]importer.File{homes("9,,MJ010101,,,,")}, `homes.csv:2: household = "9": Nobody lives in this household.`},
		"no area":                  {[]importer.File{homes("9,,,,,,")}, `homes.csv:2: area = "": A new household needs an area.`},
		"an area that is none":     {[]importer.File{homes("9,,Atlantis,,,,")}, `homes.csv:2: area = "Atlantis": There is no such area.`},
		"a reference that is none": {[]importer.File{homes("9,H-22222-22223,,,,,")}, `homes.csv:2: ref = "H-22222-22223": This is not a reference. One character may be wrong.`},
		"a reference of nobody":    {[]importer.File{homes("," + registry.RefOf(registry.RefHousehold, "222222222") + ",,,,,")}, `homes.csv:2: ref = "` + registry.RefOf(registry.RefHousehold, "222222222") + `": There is no such record.`},
		"the same household twice": {[]importer.File{homes(","+home+",,,1,,", ","+home+",,,2,,")}, `homes.csv:3: ref = "` + home + `": The same household is on line 2.`},
		"directions too long":      {[]importer.File{homes("," + home + ",," + long + ",,,")}, `homes.csv:2: directions = "` + strings.Repeat("é", 200) + `…": Use at most 500 characters.`},
		"too many rooms":           {[]importer.File{homes("," + home + ",,,61,,")}, `homes.csv:2: rooms = "61": Enter a number that is not above 60`},
		"rooms in words":           {[]importer.File{homes("," + home + ",,,some,,")}, `homes.csv:2: rooms = "some": Enter a number, such as 250`},
		"an answer of none":        {[]importer.File{homes("," + home + ",,,,perhaps,")}, `homes.csv:2: electricity = "perhaps": This is none of the answers.`},
		"a formula":                {[]importer.File{homes(`,` + home + `,,,=1+1,,`)}, `homes.csv:2: rooms = "=1+1": Enter a number, such as 250`},
		"a household of nobody":    {[]importer.File{people("77,1,,head,A B,,,,,,,,,")}, `people.csv:2: household = "77": There is no such household.`},
		"no relationship":          {[]importer.File{people(home + ",1,,,A B,,,,,,,,,")}, `people.csv:2: relationship = "": Say who this person is to the head of the household.`},
		"a relationship to nobody": {[]importer.File{people(",1,,child,A B,,,,,,,,,")}, `people.csv:2: household = "": Say which household this is about.`},
		"two heads":                {[]importer.File{people(home + ",1,,head,A B,,,,,,,,,")}, `people.csv:2: relationship = "head": The household has a head already.`},
		"two heads in the file":    {[]importer.File{homes("9,,MJ010101,,,,"), people("9,1,,head,A B,,,,,,,,,", "9,2,,head,C D,,,,,,,,,")}, `people.csv:3: relationship = "head": The household has a head already.`},
		"the same person twice":    {[]importer.File{people(home+",,"+salma.Ref+",,,,,,,,,,,", home+",,"+salma.Ref+",,,,,,,,,,,")}, `people.csv:3: ref = "` + salma.Ref + `": The same person is on line 2.`},
		"two usual residences":     {[]importer.File{homes("9,,MJ010101,,,,"), people("9,1,,head,A B,,,,,,,,MJ70000002,", home+",1,,child,A B,,,,,,,,MJ70000002,")}, `people.csv:3: The same person is on line 2.`},
		"the same key twice":       {[]importer.File{people(home+",7,,child,A B,,,,,,,,,", home+",7,,child,C D,,,,,,,,,")}, `people.csv:3: person = "7": The household has this person already, on line 2.`},
		"born tomorrow":            {[]importer.File{people(home + ",7,,child,A B,,2026-03-03,,,,,,,")}, `people.csv:2: birth_date = "2026-03-03": The date of birth cannot be in the future`},
		"born on 31 February":      {[]importer.File{people(home + ",7,,child,A B,,1980-02-31,,,,,,,")}, `people.csv:2: birth_date = "1980-02-31": Enter a day that this month has`},
		"gone before they came":    {[]importer.File{people(home + ",7,,child,A B,,,2020-01-02,2020-01-01,,,,,")}, `people.csv:2: until = "2020-01-01": It ends before it begins.`},
		"since no day":             {[]importer.File{people(home + ",7,,child,A B,,,2020,,,,,,")}, `people.csv:2: since = "2020": This is not a day such as 2026-03-27.`},
		"came tomorrow":            {[]importer.File{people(home + ",7,,child,A B,,,2026-03-03,,,,,,")}, `people.csv:2: since = "2026-03-03": This day is in the future.`},
		"leaves tomorrow":          {[]importer.File{people(home + ",7,,child,A B,,,,2026-03-03,,,,,")}, `people.csv:2: until = "2026-03-03": This day is in the future.`},
		"came before birth":        {[]importer.File{people(home + ",7,,child,A B,,2015,2014-12-31,,,,,,")}, `people.csv:2: since = "2014-12-31": This day is before the day of birth.`},
		"an age that cannot be":    {[]importer.File{csvFile("people.csv", "household,relationship,full_name,birth_date,age", home+",child,A B,2010,77")}, `people.csv:2: age = "77": This age does not agree with the date of birth.`},
		"one person in two homes": {[]importer.File{homes("9,,MJ010101,,,,"), people("9,P-77,,head,A B,,,,,,,,,", home+",P-77,,child,A B,,,,,,,,,")},
			`people.csv:3: person = "P-77": The same person lives in another household on line 2. Leave one of the two out, or say that one is another tie.`},
		"cares for oneself":           {[]importer.File{people(home + ",7,,child,A B,,,,,7,,,,")}, `people.csv:2: cares_for = "7": Nobody is their own caregiver.`},
		"cares for nobody":            {[]importer.File{people(home + ",7,,child,A B,,,,,8,,,,")}, `people.csv:2: cares_for = "8": There is no such person in the household.`},
		"not a phone":                 {[]importer.File{people(home + ",7,,child,A B,,,,,,ask me,,,")}, `people.csv:2: phone = "ask me": This is not a phone number.`},
		"not an address":              {[]importer.File{people(home + ",7,,child,A B,,,,,,,a@b,,")}, `people.csv:2: email = "a@b": This is not an e-mail address.`},
		"checked, and cannot be":      {[]importer.File{people(home + ",7,,child,A B,,,,,,,,12,yes")}, `people.csv:2: id.national_id = "12": A checked number must fit its kind. This one does not.`},
		"the number of somebody else": {[]importer.File{people(home + ",7,,child,A B,male,,,,,,,MJ70000001,")}, `people.csv:2: The number belongs to somebody with another sex or date of birth.`},
		"plots of nobody":             {[]importer.File{csvFile("plots.csv", "household,crop,ha", "77,maize,1")}, `plots.csv:2: household = "77": There is nobody of that name in the files or the registry.`},
		"too many plots":              {[]importer.File{csvFile("plots.csv", append([]string{"household,crop,ha"}, slices.Repeat([]string{home + ",maize,1"}, 51)...)...)}, `plots.csv:52: household = "` + home + `": A list has at most 50 rows for each record.`},
		"a line of 10 MB":             {[]importer.File{homes(","+home+",,"+strings.Repeat("x", 10<<20)+",,,", ","+home+",,,,,")}, `homes.csv:2: The line is too long.`},
		"a quote that nothing ends":   {[]importer.File{homes(`,"`+home+`,,,1,,`, ","+home+",,,2,,")}, `homes.csv:2: The line is not valid CSV: a quote is never closed, or something follows it.`},
		"a direction override":        {[]importer.File{people(home + ",7,,child,A \u202eB,,,,,,,,,")}, "people.csv:2: full_name = \"A \\u202eB\": This has characters that no text has."},
	} {
		t.Run(name, func(t *testing.T) {
			r := o.bring(t, c.files)
			if len(r.found) == 0 || r.Batch != "" || r.Problems == 0 {
				t.Fatalf("%d problems, batch %q", r.Problems, r.Batch)
			}
			if got := r.found[0].Say(printers[0]); got != c.want {
				t.Errorf("%s\n%s", got, c.want)
			}
			if o.written(t) != before {
				t.Error("something was written")
			}
		})
	}
	// worth knowing, and no reason to leave somebody out (RULES R1)
	r := o.bring(t, []importer.File{people(home + ",7,,child,A B,,,,,,,,12,")})
	if r.Problems != 0 || r.Notices != 1 || r.found[0].Key != "import.notice.number_unfit" {
		t.Errorf("%+v %v", r.Result, said(r.found))
	}
}

// An officer's rows are about their own areas: of records elsewhere nobody learns
// that they are there.
func TestScope(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.in(t, append(homesAndPeople(), csvFile("north.csv", "household,area", "3,MJ020101"), csvFile("northern.csv", "household,person,relationship,full_name,id.national_id", "3,1,head,Far Away,MJ70000003")))
	far, _ := o.person(t, "Far Away")
	farHome := get[string](t, o, `select ref from household where id = $1`, far.Memberships[0].HouseholdID)
	capital := func(opts *importer.Options) { opts.Scope = []db.ID{o.area(t, "MJ01")} }
	for want, files := range map[string][]importer.File{
		`h.csv:2: area = "MJ020101": This is outside your area.`:                                                            {csvFile("h.csv", "household,area", "9,MJ020101"), csvFile("p.csv", "household,relationship,full_name", "9,head,A B")},
		`h.csv:2: area = "Three Wells": This is outside your area.`:                                                         {csvFile("h.csv", "household,area", "9,Three Wells")},
		`h.csv:2: ref = "` + farHome + `": There is no such record.`:                                                        {csvFile("h.csv", "ref,rooms", farHome+",2")},
		`p.csv:2: ref = "` + far.Ref + `": There is no such record.`:                                                        {csvFile("p.csv", "ref,sex", far.Ref+",male")},
		`p.csv:2: household = "` + farHome + `": There is no such household.`:                                               {csvFile("p.csv", "household,relationship,full_name", farHome+",child,A B")},
		`p.csv:2: household = "": Say in which household. Only an officer for the whole country adds somebody without one.`: {csvFile("p.csv", "household,full_name", ",A B")},
	} {
		r := o.bring(t, files, capital)
		if len(r.found) == 0 || r.found[0].Say(printers[0]) != want {
			t.Errorf("%v\n%s", said(r.found), want)
		}
	}
	// somebody else's number makes a new record here, and a question for the office (R14)
	home := get[string](t, o, `select ref from household where fields->>'rooms' = '2' and directions = 'Blue door'`)
	if r := o.in(t, []importer.File{csvFile("p.csv", "household,relationship,full_name,id.national_id", home+",child,Near By,MJ70000003")}, capital); r.Counts.Added != 1 {
		t.Errorf("%+v", r.Counts)
	}
	if n := get[int](t, o, `select count(*) from identifier where value = 'MJ70000003' and status = 'contested'`); n != 2 {
		t.Errorf("%d claims are contested", n)
	}
	// for the whole country, somebody without a home is somebody
	if r := o.in(t, []importer.File{csvFile("p.csv", "full_name,sex", "No Home,male")}, func(opts *importer.Options) { opts.Scope = []db.ID{o.area(t, "MJ")} }); r.Counts.Added != 1 {
		t.Errorf("%+v", r.Counts)
	}
	// the batch is decided on by who answers for all of it
	r := o.bring(t, []importer.File{csvFile("h.csv", "household,area", "9,MJ020101"), csvFile("p.csv", "household,relationship,full_name", "9,head,A B")})
	for code, visible := range map[string]bool{"MJ01": false, "MJ02": true, "MJ": true} {
		err := o.View(t.Context(), worker, func(tx db.Tx) error {
			_, err := importer.Load(tx, importer.Officer{ID: o.approver.Actor, Areas: []db.ID{o.area(t, code)}}, r.Batch)
			return err
		})
		if visible != (err == nil) {
			t.Errorf("%s sees it: %v", code, err)
		}
	}
}

// Where an answer is a place, a file may name it by its code or by a name that one
// place only has, in rows of rosters too; what no place is called is refused, with
// the places that may be meant.
func TestPlacesAsAnswers(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.farming(t)
	if err := o.WithTx(t.Context(), db.Principal{Role: db.Staff, Kind: "staff", Actor: o.proposer.Actor}, func(tx db.Tx) error {
		id, err := fields.Store(tx, registry.Field{Subject: registry.KindPerson, Code: "born_at", Type: registry.TypeArea, Label: i18n.Text{"en": "Born at", "ar": "مكان الميلاد"}, Sensitivity: "personal", Section: "other"})
		if err != nil {
			return err
		}
		_, err = fields.Publish(tx, id, []string{"en", "ar"})
		return err
	}); err != nil {
		t.Fatal(err)
	}
	files := func(born, plot string) []importer.File {
		return []importer.File{csvFile("h.csv", "household,area", "1,MJ010101"), csvFile("p.csv", "household,relationship,full_name,born_at", "1,head,Amal Saleh,"+born),
			csvFile("plots.csv", "household,crop,place", "1,maize,"+plot)}
	}
	for want, list := range map[string][]importer.File{
		`p.csv:2: born_at = "Narnia": There is no place with this name or code`: files("Narnia", ""),
		`plots.csv:2: place = "ZZ99": There is no place with this name or code`: files("", "ZZ99"),
	} {
		if r := o.bring(t, list); len(r.found) == 0 || r.found[0].Say(printers[0]) != want {
			t.Errorf("%v\n%s", said(r.found), want)
		}
	}
	o.in(t, files("three wells", "mj010102"))
	d, _ := o.person(t, "Amal Saleh")
	if d.Fields["born_at"] != "MJ020101" {
		t.Errorf("%v", d.Fields)
	}
	if got := get[string](t, o, `select fields->'plots'->0->>'place' from household where id = $1`, d.Memberships[0].HouseholdID); got != "MJ010102" {
		t.Error(got)
	}
}

// Whether the number of somebody registered means them is the file's to say.
func TestNumbersOfTheRegistered(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.in(t, homesAndPeople())
	file := []importer.File{csvFile("p.csv", "full_name,id.national_id", "Somebody Else,MJ70000001")}
	m := &importer.Mapping{Match: "new", Tables: map[string]importer.TableMapping{"people": {Columns: map[string]importer.Column{"full_name": {To: "full_name"}, "id.national_id": {To: "id.national_id"}}}}}
	if r := o.bring(t, file); r.Counts.Changed != 1 {
		t.Errorf("update: %+v", r.Counts)
	}
	if r := o.in(t, file, func(o *importer.Options) { o.Mapping = m }); r.Counts.Added != 1 {
		t.Errorf("new: %+v", r.Counts)
	}
	if n := get[int](t, o, `select count(*) from identifier where value = 'MJ70000001' and status = 'contested'`); n != 2 {
		t.Errorf("%d claims are contested", n)
	}
}

// A list with keys of its own finds its records again.
func TestListsWithKeys(t *testing.T) {
	t.Parallel()
	o := open(t)
	list := func(opts *importer.Options) {
		opts.Mapping = &importer.Mapping{List: "census_2026", Tables: map[string]importer.TableMapping{
			"households": {Columns: map[string]importer.Column{"household": {To: "household"}, "area": {To: "area"}, "rooms": {To: "rooms"}, "directions": {To: "directions"}}},
			"people":     {Columns: map[string]importer.Column{"household": {To: "household"}, "person": {To: "person"}, "relationship": {To: "relationship"}, "full_name": {To: "full_name"}}, Ignore: []string{"sex", "birth_date", "id.national_id", "phone"}},
		}}
	}
	files := homesAndPeople()
	o.in(t, files, list)
	if r := o.in(t, files, list); r.Counts.Unchanged != 5 {
		t.Errorf("%+v", r.Counts)
	}
	more := []importer.File{csvFile("p.csv", "household,person,relationship,full_name", "1,3,child,Third Idris")}
	if r := o.in(t, more, list); r.Counts.Added != 1 {
		t.Errorf("%+v", r.Counts)
	}
	if got := get[string](t, o, `select string_agg(value, ' ' order by value) from identifier where type = 'census_2026_person'`); got != "1/1 1/2 1/3 2/1" {
		t.Error(got)
	}
}

// One household has one payee, who is of age: said at the check, and not when
// somebody has approved a million rows.
func TestPayeesOfTheFile(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.in(t, []importer.File{csvFile("homes.csv", "household,area,rooms", "1,MJ010101,2"),
		csvFile("people.csv", "household,person,relationship,full_name,birth_date,roles,id.national_id",
			"1,1,head,Salma Idris,1980-01-01,payee,MJ70000001", "1,2,spouse,Omar Idris,1979-02-02,,MJ70000003")})
	salma, _ := o.person(t, "Salma Idris")
	home := get[string](t, o, `select ref from household where id = $1`, salma.Memberships[0].HouseholdID)
	people := func(rows ...string) []importer.File {
		return []importer.File{csvFile("people.csv", append([]string{"household,person,relationship,full_name,birth_date,roles,until,id.national_id"}, rows...)...)}
	}
	for name, c := range map[string]struct {
		rows []string
		want string
	}{
		"beside the one in the registry": {[]string{home + ",7,child,A B,1999-01-01,payee,,"},
			`people.csv:2: roles = "payee": The household has a payee in the registry already. Say in the file that the other stops, or propose it on the record.`},
		"two in the file": {[]string{home + ",7,child,A B,1999-01-01,,,", home + ",1,head,Salma Idris,1980-01-01,payee,,MJ70000001", home + ",8,child,C D,1999-01-01,payee,,"},
			`people.csv:4: roles = "payee": The household has a payee on line 3 already.`},
		"a child": {[]string{home + ",7,child,A B,2015-01-01,alternate_payee,,"}, `people.csv:2: roles = "alternate_payee": Who receives the money must be an adult.`},
	} {
		if r := o.bring(t, people(c.rows...)); len(r.found) == 0 || r.found[0].Say(printers[0]) != c.want || r.Batch != "" {
			t.Errorf("%s: %v", name, said(r.found))
		}
	}
	// The same one again, and one who takes the place of another who leaves.
	if r := o.bring(t, people(home+",1,head,Salma Idris,1980-01-01,payee,,MJ70000001")); len(r.found) > 0 {
		t.Error(said(r.found))
	}
	o.in(t, people(home+",1,head,Salma Idris,1980-01-01,,2026-01-01,MJ70000001", home+",2,spouse,Omar Idris,1979-02-02,payee,,MJ70000003"))
	if name := get[string](t, o, `select p.full_name from membership_role r join person p on p.id = r.person_id where r.role = 'payee' and r.end_date is null`); name != "Omar Idris" {
		t.Error(name)
	}
}

// Rows that may be about one person are told, and nobody is left out for it.
func TestRowsThatMayBeOnePerson(t *testing.T) {
	t.Parallel()
	o := open(t)
	r := o.bring(t, []importer.File{csvFile("homes.csv", "household,area", "1,MJ010101", "2,MJ010201", "3,MJ010201"),
		csvFile("people.csv", "household,person,relationship,full_name,birth_date,id.national_id",
			"1,1,head,Hawa Three,1980-01-01,", "2,1,head,Hawa Three,1980-01-01,", "3,1,head,Hawa Three,1981-01-01,", // another day: nobody's double
			"1,2,child,A B,2000-01-01,MJ70000001", "1,3,child,C D,2001-01-01,MJ70000001")})
	want := []string{`people.csv:3: The person on line 2, in another household, has the same number in the list, name and date of birth. Both are new people.`,
		`people.csv:6: The same number is on line 5. It counts as not checked until an officer finds out whose it is.`}
	if got := said(r.found); r.Problems != 0 || r.Notices != 2 || !slices.Equal(got, want) {
		t.Errorf("%d problems:\n%s", r.Problems, strings.Join(got, "\n"))
	}
}

// A value that nobody could give any more stays where a record holds it, and is
// refused anywhere else: in another record, and where something else is held.
func TestWhatARecordHolds(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.in(t, homesAndPeople())
	publish := func(max float64, options ...string) {
		t.Helper()
		label := func(s string) i18n.Text { return i18n.Text{"en": s, "ar": s} }
		shed := registry.Field{Subject: "household", Code: "shed", Type: registry.TypeChoice, Label: label("Shed"), Sensitivity: "personal", Section: "other"}
		for _, code := range options {
			shed.Options = append(shed.Options, registry.Option{Code: code, Label: label("Of " + code)})
		}
		sheep := registry.Field{Subject: "household", Code: "sheep", Type: registry.TypeNumber, Label: label("Sheep"), Sensitivity: "personal", Section: "other", Rules: registry.FieldRules{Max: &max}}
		if err := o.WithTx(t.Context(), db.Principal{Role: db.Staff, Kind: "staff", Actor: o.proposer.Actor}, func(tx db.Tx) error {
			return fields.PublishAll(tx, registry.Fields{shed, sheep}, []string{"en", "ar"})
		}); err != nil {
			t.Fatal(err)
		}
	}
	salma, _ := o.person(t, "Salma Idris")
	halima, _ := o.person(t, "Halima Noor")
	ref := func(p registry.PersonData) string {
		return get[string](t, o, `select ref from household where id = $1`, p.Memberships[0].HouseholdID)
	}
	one, other := ref(salma), ref(halima)
	rows := func(rows ...string) []importer.File {
		return []importer.File{csvFile("homes.csv", append([]string{"ref,shed,sheep,directions"}, rows...)...)}
	}
	publish(60, "tin", "reed", "wood")
	o.in(t, rows(one+",reed,40,Gate", other+",tin,3,"))
	publish(10, "tin", "wood")
	r := o.in(t, rows(one+",Of reed,40,Green gate"))
	if got := get[string](t, o, `select concat_ws(' ', version, fields->>'shed', fields->>'sheep', directions) from household where ref = $1`, one); got != "3 reed 40 Green gate" || r.Counts.Changed != 1 {
		t.Errorf("%s, %+v", got, r.Counts)
	}
	r = o.bring(t, rows(one+",reed,41,", other+",reed,40,"))
	want := []string{`homes.csv:2: sheep = "41": Enter a number that is not above 10`, `homes.csv:3: shed = "reed": Choose one of the answers`, `homes.csv:3: sheep = "40": Enter a number that is not above 10`}
	if got := said(r.found); !slices.Equal(got, want) {
		t.Errorf("%s", strings.Join(got, "\n"))
	}
}

// A column that stands twice is named, in a template's sheet, and by its names in
// two languages.
func TestColumnsThatStandTwice(t *testing.T) {
	t.Parallel()
	o := open(t)
	b, err := o.catalogue(t).Template(printers[0])
	if err != nil {
		t.Fatal(err)
	}
	f, err := excelize.OpenReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	header, err := f.GetRows("people")
	if err != nil {
		t.Fatal(err)
	}
	at, _ := excelize.CoordinatesToCellName(len(header[0])+1, 1)
	if err := f.SetCellValue("people", at, header[0][0]); err != nil {
		t.Fatal(err)
	}
	var book bytes.Buffer
	if err := f.Write(&book); err != nil {
		t.Fatal(err)
	}
	for name, files := range map[string][]importer.File{
		header[0][0]:  {text("filled.xlsx", book.Bytes())},
		"غرف [rooms]": {csvFile("homes.csv", "household,area,Rooms [rooms],غرف [rooms]", "1,MJ010101,2,3")},
	} {
		_, err := importer.Stage(t.Context(), o.DB.DB, o.proposer, importer.Options{Files: files, Printers: printers, Bad: func(importer.Problem) {}})
		p, ok := importer.AboutFile(err)
		if !ok || !strings.Contains(p.Say(printers[0]), name) || p.Key != "import.error.column_twice" {
			t.Errorf("%s: %v %v", name, p, err)
		}
	}
}
