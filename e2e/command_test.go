package e2e

import (
	"crypto/x509"
	"encoding/csv"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"daftar/mockid"
	"daftar/web"
)

// fails runs a command that must end with an exit code and say texts to the
// operator, without a word of Go.
func (s *System) fails(t *testing.T, code int, args []string, texts ...string) string {
	t.Helper()
	out, err := s.try(t.Context(), args...)
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != code {
		t.Errorf("daftar %v: %v instead of exit code %d", args, err, code)
		return out
	}
	said := out + err.Error()
	for _, text := range texts {
		if !strings.Contains(said, text) {
			t.Errorf("daftar %v does not say %q:\n%s", args, text, said)
		}
	}
	if strings.Contains(said, "goroutine ") || strings.Contains(said, "panic") || strings.Contains(said, "0xc0") {
		t.Errorf("daftar %v breaks down:\n%s", args, said)
	}
	return said
}

// nowhere is a system that was never started.
func nowhere(t *testing.T) *System {
	t.Helper()
	base, err := freePorts(6)
	if err != nil {
		t.Fatal(err)
	}
	return &System{dir: t.TempDir(), base: base}
}

// TestCommandMistakes calls the program in wrong ways: each mistake is named,
// with what to do about it, and 2 is the exit code of a wrong call.
func TestCommandMistakes(t *testing.T) {
	t.Parallel()
	s := nowhere(t)
	file := filepath.Join(s.dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		code  int
		args  []string
		texts []string
	}{
		{2, []string{}, []string{"serve", "import"}},
		{2, []string{"frobnicate"}, []string{"frobnicate"}},
		{2, []string{"serve", "--frobnicate"}, []string{"--frobnicate"}},
		{2, []string{"serve"}, []string{"DAFTAR_DATABASE_URL", "--demo"}},
		{2, []string{"serve", "--only", "mockid"}, []string{"--only"}},
		{2, []string{"serve", "--tls", "yes"}, []string{"--tls"}},
		{2, []string{"serve", "--demo", "--listen", "0.0.0.0"}, []string{"loopback", "0.0.0.0"}},
		{2, []string{"--port-base", "many", "serve"}, []string{"port-base"}},
		{2, []string{"--log-level", "loud", "version"}, []string{"log-level"}},
		{2, []string{"offer", "--type", "household-registration"}, []string{"--person"}},
		{2, []string{"offer", "--person", "amina", "--type", "passport"}, []string{"passport", "household-registration"}},
		{2, []string{"import", "dragons", file, file, "--mapping", file}, []string{"dragons"}},
		{2, []string{"import", "households", "none.csv", "none.csv", "--mapping", file}, []string{"none.csv"}},
		{1, []string{"import", "households", file, file, "--mapping", file}, []string{file, "the mapping is empty"}},
		{2, []string{"db", "run"}, nil},
		{1, []string{"--state-dir", filepath.Join(file, "state"), "keys", "list"}, []string{"DAFTAR_STATE_DIR", file}},
		{1, []string{"--state-dir", filepath.Join(file, "state"), "serve", "--demo"}, []string{"DAFTAR_STATE_DIR", file}},
	} {
		s.fails(t, c.code, c.args, c.texts...)
	}
	if files, err := os.ReadDir(s.dir); err != nil || len(files) != 1 {
		t.Errorf("a mistake leaves %v", files)
	}
	t.Run("environment", func(t *testing.T) {
		t.Parallel()
		cmd := exec.CommandContext(t.Context(), binary, "version")
		cmd.Env = append(s.env(), "DAFTAR_PORTBASE=1")
		if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), "DAFTAR_PORTBASE") {
			t.Errorf("a misspelt variable is not noticed: %s", out)
		}
		cmd = exec.CommandContext(t.Context(), binary, "config")
		cmd.Env = append(s.env(), "DAFTAR_DATABASE_URL=postgres://u:hidden@db/x", "DAFTAR_STAFF_CLIENT_SECRET=hidden")
		if out, err := cmd.Output(); err != nil || strings.Contains(string(out), "hidden") || !strings.Contains(string(out), "DAFTAR_PORT_BASE") {
			t.Errorf("config prints %s (%v)", out, err)
		}
	})
	t.Run("busy port", func(t *testing.T) {
		t.Parallel()
		s := nowhere(t)
		ln, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", s.base+1))
		if err != nil {
			t.Skip("the port was taken in the meantime")
		}
		defer func() { _ = ln.Close() }()
		s.fails(t, 1, []string{"serve", "--demo"}, fmt.Sprintf("port %d (admin) is in use", s.base+1), "DAFTAR_PORT_BASE")
		if files, err := os.ReadDir(s.dir); err != nil || len(files) != 0 {
			t.Errorf("it left %v", files)
		}
	})
}

// TestOutsideTheDemo starts the program on a database of its own without
// --demo: there is no mock identity provider, and nobody invented.
func TestOutsideTheDemo(t *testing.T) {
	t.Parallel()
	if err := mockid.New(web.New(web.Config{}), false, nil, nil, nil, time.Now); err == nil {
		t.Error("the mock identity provider runs outside a demo")
	}
	s := nowhere(t)
	if err := os.Chmod(s.dir, 0o711); err != nil {
		t.Fatal(err)
	}
	s.log = &syncBuffer{}
	s.cmd = exec.Command(binary, "db", "run", "--", binary, "serve")
	s.cmd.Env = append(s.env(), "DAFTAR_CITIZEN_ISSUER=https://id.invalid", "DAFTAR_STAFF_ISSUER=https://staff.invalid")
	s.cmd.Stdout, s.cmd.Stderr = s.log, s.log
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { _ = s.cmd.Wait() }()
	t.Cleanup(func() {
		_ = s.cmd.Process.Signal(os.Interrupt)
		s.wait()
	})
	s.explain(t)
	for range 600 {
		if strings.Contains(s.log.String(), "Daftar is running") {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	if page := newVisitor(t, s.portal(), "en").mustGet(t, ""); strings.Contains(page, "dft-demo") {
		t.Error("the portal says that it is a demo")
	}
	if _, err := newVisitor(t, s.mockid(), "en").get(s.mockid() + "/citizen/jwks"); err == nil {
		t.Error("the mock identity provider answers")
	}
	if n := s.sql(t, `select (select count(*) from person) + (select count(*) from staff)`); n != "0" {
		t.Errorf("%s people from the start", n)
	}
	s.fails(t, 1, []string{"offer", "--person", "amina", "--type", "household-registration"}, `no person "amina"`)
}

// TestCommands uses the commands that the README tells of on a running demo.
func TestCommands(t *testing.T) {
	t.Parallel()
	s := sharedSystem(t)
	block, _ := pem.Decode([]byte(s.run(t, "keys", "root")))
	if block == nil {
		t.Fatal("the root is not PEM")
	}
	root, err := x509.ParseCertificate(block.Bytes)
	if err != nil || !root.IsCA {
		t.Errorf("the root is no authority: %v", err)
	}
	if names := s.run(t, "keys", "list"); !strings.Contains(names, "root.key") || strings.Contains(names, "PRIVATE") {
		t.Errorf("the keys are %q", names)
	}
	link, code := s.offer(t, "fatima", "person-registration")
	if !strings.HasPrefix(link, "openid-credential-offer://?credential_offer_uri=") || !regexp.MustCompile(`^\d{6}$`).MatchString(code) {
		t.Errorf("the offer is %q, its code %q", link, code)
	}
	s.fails(t, 1, []string{"offer", "--person", "nobody", "--type", "household-registration"}, `no person "nobody"`)
	s.fails(t, 1, []string{"offer", "--person", newRef('P'), "--type", "household-registration"}, "no person")
	s.fails(t, 1, []string{"offer", "--person", "joseph", "--type", "programme-eligibility"}, "not entitled")
	if got := s.run(t, "db", "run", "--", "sh", "-c", `psql -qAtc "set daftar.kind = 'job'; select count(*) > 5 from person" "$DAFTAR_DATABASE_URL_JOBS" 2>&1 || echo "$DAFTAR_DATABASE_URL_JOBS"`); !strings.HasPrefix(got, "t") && !strings.Contains(got, "daftar_jobs") {
		t.Errorf("a command with the database says %q", got)
	}
	s.fails(t, 7, []string{"db", "run", "--", "sh", "-c", "exit 7"})
	if got := s.run(t, "migrate"); !regexp.MustCompile(`^the schema is at version \d+\n$`).MatchString(got) {
		t.Errorf("migrate says %q", got)
	}
	if got := s.run(t, "status", "publish"); got != "" && !strings.HasPrefix(got, "list ") {
		t.Errorf("status publish says %q", got)
	}
}

// survey is where the survey lies, if it is here.
const survey = "../../shared/data/household-survey"

// sample is a small file in the shape of the survey: three households of six.
func sample() (households, people [][]string) {
	row := func(s string) []string { return strings.Split(s, ",") }
	households = [][]string{
		row("hid,geo1,geo2,ea,urbrur,hhsize,statocc,rooms,bedrooms,floor,walls,roof,water,piped_water,toilet,flush_toilet,electricity,cook_fuel,phone,cell,car,bicycle,motorcycle,refrigerator,tv,radio,bank,deaths_12m,exp_01,exp_02,exp_03,exp_04,exp_05,exp_06,exp_07,exp_08,exp_09,exp_10,exp_11,exp_12,tot_exp,tot_food,share_food,pc_exp,quint_nat,quint_urb,quint_rur,hhweight,popweight"),
		row("a1,1,11,11066,2,1,2,1,0,2,6,5,11,1,22,2,1,3,0,1,0,0,0,0,0,0,1,0,1755,71,279,676,258,78,273,264,103,90,571,234,4652,1755,0.377,4652,5,4,,1,1"),
		row("a2,1,11,11094,2,2,1,1,1,2,3,5,11,1,21,2,1,2,0,1,0,0,0,1,1,0,1,0,3700,174,660,2921,340,238,1049,592,206,149,576,928,11533,3700,0.321,5766.5,5,5,,1,2"),
		row("a3,1,11,11094,2,3,1,2,1,1,1,8,31,2,31,2,0,4,0,0,0,1,0,0,0,1,0,0,400,0,60,0,40,38,49,0,0,0,0,28,615,400,0.65,205,1,,1,1,3"),
	}
	people = [][]string{
		row("hid,idno,relation,sex,age,age_month,marstat,religion,school_attend,educ_attain,yrs_school,literacy,act_status,labor_force,occupation,industry,migrate_recent,disability,blind,deaf,mental,ch_weight,ch_height,children_born,children_surv,births_12m,hhweight"),
		row("a1,1,1,2,54,,2,6,2,1,0,1,3,2,0,0,20,0,0,0,0,,,1,1,0,1"),
		row("a2,1,1,1,54,,2,7,4,1,0,1,1,1,7,3,12,0,0,0,0,,,,,,1"),
		row("a2,2,2,2,50,,2,7,4,1,0,1,1,1,7,3,12,0,0,0,0,,,,,,1"),
		row("a3,1,1,2,31,,4,7,4,1,0,2,1,1,7,3,12,1,0,0,0,,,,,,1"),
		row("a3,2,3,1,9,,1,7,1,1,3,1,0,,,,12,0,0,0,0,,,,,,1"),
		row("a3,3,3,2,1,14,,7,,,,0,0,,,,12,0,0,0,0,,,,,,1"),
	}
	return households, people
}

// write writes a table into the system's directory.
func (s *System) write(t *testing.T, name string, rows [][]string) string {
	t.Helper()
	var b strings.Builder
	w := csv.NewWriter(&b)
	if err := w.WriteAll(rows); err != nil {
		t.Fatal(err)
	}
	return s.writeText(t, name, b.String())
}

func (s *System) read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(s.dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func (s *System) writeText(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(s.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// with is a table with one value changed; rows count as lines do, from 1.
func with(rows [][]string, line int, column, value string) [][]string {
	out := make([][]string, len(rows))
	for i, row := range rows {
		out[i] = append([]string(nil), row...)
	}
	for i, name := range rows[0] {
		if name == column {
			out[line-1][i] = value
		}
	}
	return out
}

// TestImport brings files in: broken ones are refused as a whole, with file,
// line, column, value and rule; on wish the good rows are loaded; loading twice
// changes nothing.
func TestImport(t *testing.T) {
	t.Parallel()
	s := ownSystem(t)
	mapping, err := filepath.Abs("../docs/mappings/survey.yaml")
	if err != nil {
		t.Fatal(err)
	}
	households, people := sample()
	load := func(homes, persons string, more ...string) []string {
		return append([]string{"import", "households", homes, persons, "--mapping", mapping}, more...)
	}
	good, persons := s.write(t, "households.csv", households), s.write(t, "people.csv", people)
	before := s.everything(t)
	for _, c := range []struct {
		homes, persons string
		says           string
	}{
		{s.write(t, "floor.csv", with(households, 3, "floor", "99")), persons, `floor.csv:3: floor = "99": `},
		{s.write(t, "size.csv", with(households, 4, "hhsize", "9")), persons, `size.csv:4: hhsize = "9": The people in the files: 3.`},
		{s.write(t, "twice.csv", with(households, 4, "hid", "a2")), persons, `twice.csv:4: hid = "a2": The same household is on line 3.`},
		{s.write(t, "area.csv", with(households, 2, "geo2", "77")), persons, `area.csv:2: geo2 = "77": `},
		{s.write(t, "rooms.csv", with(households, 2, "rooms", "=1+1")), persons, `rooms.csv:2: rooms = "=1+1": `},
		{s.write(t, "utf8.csv", with(households, 2, "ea", "\xff")), persons, `utf8.csv:2: ea = "?": The text is not UTF-8.`},
		{good, s.write(t, "strange.csv", with(people, 2, "hid", "zz")), `strange.csv:2: hid = "zz": There is no such household.`},
		{good, s.write(t, "heads.csv", with(people, 4, "relation", "1")), `heads.csv:4: relation = "1": The household has a head already.`},
		{good, s.write(t, "same.csv", with(people, 4, "idno", "1")), `same.csv:4: idno = "1": The household has this person already, on line 3.`},
		{good, s.write(t, "old.csv", with(people, 4, "age", "300")), `old.csv:4: age = "300": `},
		{good, s.write(t, "column.csv", with(people, 1, "age", "years")), `column "years" is neither mapped nor ignored`},
		{good, s.write(t, "empty.csv", nil), `empty.csv: There is no header line.`},
		{good, s.writeText(t, "quote.csv", strings.Join(people[0], ",")+"\na1,\"1,1\n"), `quote.csv:2: The line is not valid CSV: a quote is never closed`},
		{good, s.writeText(t, "cut.csv", strings.Join(people[0], ",")+"\na1,1,1,2"), `cut.csv:2: The file ends in the middle of a line: 4 columns instead of 27.`},
		{good, s.writeText(t, "utf16.csv", "\xff\xfeh\x00i\x00d\x00"), `utf16.csv: The text is UTF-16.`},
	} {
		s.fails(t, 1, load(c.homes, c.persons), c.says)
		if s.everything(t) != before {
			t.Fatalf("a file with %q was written", c.says)
		}
	}
	said := s.fails(t, 1, load(s.write(t, "floor.csv", with(households, 3, "floor", "99")), persons), "nothing was written", "--skip-bad")
	if strings.Contains(said, "batch") {
		t.Errorf("a broken file made a batch: %s", said)
	}

	if got := s.run(t, load(good, persons, "--dry-run")...); !strings.Contains(got, "read 3 households and 6 people") || !strings.Contains(got, "nothing was written: 9 new, 0 changed, 0 the same, 0 rejected") {
		t.Errorf("a dry run says %q", got)
	}
	if s.everything(t) != before {
		t.Fatal("a dry run wrote something")
	}

	// the good rows of a bad file; the others go to files for the office
	bad := s.write(t, "some.csv", with(with(households, 3, "floor", "=cmd()"), 4, "ea", "\xff"))
	if got := s.run(t, load(bad, persons, "--skip-bad")...); !strings.Contains(got, "2 new") || !strings.Contains(got, "some.problems.csv") {
		t.Errorf("--skip-bad says %q", got)
	}
	rows, err := csv.NewReader(strings.NewReader(s.read(t, "some.problems.csv"))).ReadAll()
	if err != nil || len(rows) < 3 || strings.Join(rows[0], " ") != "file line column value rule" ||
		strings.Join(rows[1][:4], " ") != "some.csv 3 floor '=cmd()" || rows[1][4] == "" {
		t.Errorf("the problems are %q (%v)", rows, err)
	}
	counts := `select (select count(*) from household h join identifier i on i.subject_id = h.id where i.type = 'survey_household') || ' ' ||
		(select count(*) from person p join identifier i on i.subject_id = p.id where i.type = 'survey_person')`
	if got := s.sql(t, counts); got != "1 1" {
		t.Errorf("the good rows are %s", got)
	}

	// what was left out, corrected; then everything once more
	corrected := strings.NewReplacer("=cmd()", "2", "\xff", "11094").Replace(s.read(t, "some.rejects.csv"))
	if got := s.run(t, load(s.writeText(t, "corrected.csv", corrected), filepath.Join(s.dir, "people.rejects.csv"))...); !strings.Contains(got, "7 new, 0 changed, 0 the same") {
		t.Errorf("the corrected rows say %q", got)
	}
	if got := s.run(t, load(good, persons)...); !strings.Contains(got, "nothing to do: all 9 records are in the registry already") {
		t.Errorf("loading twice says %q", got)
	}
	if got := s.sql(t, counts); got != "3 6" {
		t.Errorf("loading twice leaves %s", got)
	}

	// one change
	if got := s.run(t, load(s.write(t, "moved.csv", with(households, 2, "rooms", "2")), persons)...); !strings.Contains(got, "0 new, 1 changed, 8 the same") {
		t.Errorf("one change says %q", got)
	}
	if got := s.sql(t, `select max(version) || ' ' || count(*) from household h join identifier i on i.subject_id = h.id where i.type = 'survey_household'`); got != "2 3" {
		t.Errorf("one change leaves %s", got)
	}
	// nobody decides alone
	if got := s.sql(t, `select count(*) from change where origin = 'batch' and (approved_by = proposed_by or state = 'applied' and approved_by is null)`); got != "0" {
		t.Errorf("%s batches without separate hands", got)
	}
}

// TestSurvey imports the whole survey where it is present, and the sample where
// it is not.
func TestSurvey(t *testing.T) {
	t.Parallel()
	s := ownSystem(t)
	mapping, err1 := filepath.Abs("../docs/mappings/survey.yaml")
	homes, err2 := filepath.Abs(filepath.Join(survey, "households.csv"))
	persons, err3 := filepath.Abs(filepath.Join(survey, "individuals.csv"))
	if err := errors.Join(err1, err2, err3); err != nil {
		t.Fatal(err)
	}
	want := "4072 16588"
	if _, err := os.Stat(homes); err != nil {
		households, people := sample()
		homes, persons, want = s.write(t, "households.csv", households), s.write(t, "people.csv", people), "3 6"
	}
	args := []string{"import", "households", homes, persons, "--mapping", mapping}
	t.Log(strings.TrimSpace(s.run(t, args...)))
	if got := s.sql(t, `select count(*) filter (where type = 'survey_household') || ' ' || count(*) filter (where type = 'survey_person') from identifier`); got != want {
		t.Errorf("households and people: %s instead of %s", got, want)
	}
	for what, broken := range map[string]string{
		"households without exactly one head": `select count(*) from (select household_id from membership m join identifier i on i.subject_id = m.household_id
			and i.type = 'survey_household' where end_date is null group by 1 having count(*) filter (where relationship = 'head') <> 1) x`,
		"people in no household": `select count(*) from identifier i where i.type = 'survey_person'
			and not exists (select from membership m where m.person_id = i.subject_id and m.end_date is null)`,
		"records without a source": `select count(*) from person p join identifier i on i.subject_id = p.id and i.type = 'survey_person'
			where not exists (select from source s where s.id = (p.provenance->>'*')::uuid and s.kind = 'import')`,
		"records without a version": `select count(*) from identifier i where i.type like 'survey_%' and not exists (select from record_version v where v.subject_id = i.subject_id)`,
	} {
		if n := s.sql(t, broken); n != "0" {
			t.Errorf("%s %s", n, what)
		}
	}
	if got := s.run(t, args...); !strings.Contains(got, "nothing to do") {
		t.Errorf("once more says %q", got)
	}
	_ = newVisitor(t, s.admin(), "en").mustGet(t, "") // it serves on
}
