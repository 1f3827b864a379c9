package e2e

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"unicode"

	"daftar/notify"
)

// canary is what people tell the registry in this test, by what it is. Each
// token is nowhere else in the program, so where one turns up it leaked.
var canary = map[string]string{
	"name":                    "Xanthoquill",
	"family name":             "Vebrazine",
	"address":                 "Krombovale",
	"free text":               "Plimmadorf",
	"note on a disability":    "Zwickanthem",
	"file name":               "Fezzograph",
	"mail address":            "quistelby",
	"phone":                   "700739182",
	"national number":         "73918264",
	"name of the national ID": "Delgado", // rosa's, which the provider tells
	"wrong value":             "Bruxomel",
	"what nobody asked for":   "Jandiwock",
}

// sightings finds canaries in what left the program, however it is written: in
// another case, with separators in numbers, encoded for an address or in base64.
func sightings(b []byte) (found []string) {
	text := string(bytes.ToLower(b))
	if decoded, err := url.QueryUnescape(text); err == nil {
		text += "\n" + decoded
	}
	digits := strings.Map(func(r rune) rune {
		if r == ' ' || r == '-' {
			return -1
		}
		return r
	}, text)
	for what, token := range canary {
		hit := strings.Contains(text, strings.ToLower(token)) || unicode.IsDigit(rune(token[0])) && strings.Contains(digits, token)
		for shift := range 3 { // the three ways that base64 cuts it
			coded := base64.RawStdEncoding.EncodeToString([]byte("xxx"[:shift] + token))
			coded = coded[[]int{0, 2, 3}[shift] : len(coded)-1] // without what depends on its neighbours
			hit = hit || bytes.Contains(b, []byte(coded)) || bytes.Contains(b, []byte(strings.NewReplacer("+", "-", "/", "_").Replace(coded)))
		}
		if hit {
			found = append(found, what)
		}
	}
	return found
}

// Track keeps every address that a browser would have in its history or send in
// a Referer: those asked for, and those led to.
type Track struct {
	mu   sync.Mutex
	seen bytes.Buffer
}

func (k *Track) follow(v *Visitor) *Visitor {
	v.client.Transport = tracked{v.client.Transport, k}
	return v
}

type tracked struct {
	next http.RoundTripper
	*Track
}

func (k tracked) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := k.next.RoundTrip(r)
	k.mu.Lock()
	defer k.mu.Unlock()
	fmt.Fprintln(&k.seen, r.URL)
	if err == nil {
		fmt.Fprintln(&k.seen, res.Header.Get("Location"), res.Header.Get("Refresh"), res.Header.Get("Link"))
	}
	return res, err
}

// TestNoCanaryLeaks is T6 of the security reference, and abuse case 23: people
// tell the registry what is nowhere else, through every door, with mistakes, with
// failures of the server, of a job and of a sign-in. None of it is in a log of the
// program or of PostgreSQL, though that logs every statement; in a metric, an
// address, a message, a file that is left, the audit log or a job.
func TestNoCanaryLeaks(t *testing.T) {
	t.Parallel()
	s := &System{}
	var err error
	if s.dir, err = os.MkdirTemp("/tmp", "daftar-e2e-state"); err != nil {
		t.Fatal(err)
	}
	temp := filepath.Join(s.dir, "tmp")
	if err := os.Chmod(s.dir, 0o711); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(temp, 0o777); err != nil {
		t.Fatal(err)
	}
	s.extra = []string{"DAFTAR_LOG_LEVEL=debug", "TMPDIR=" + temp}
	if err := s.start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.stop)
	s.explain(t)
	s.sql(t, `insert into setting (key, value, updated_at) values ('notices', '{"quiet_from": "", "quiet_to": "", "gap": 0, "per_day": 0}', now())`)
	for _, loud := range []string{"log_statement = 'all'", "log_min_duration_statement = 0", "log_min_error_statement = error"} {
		s.sql(t, "alter system set "+loud)
	}
	s.sql(t, "select pg_reload_conf()")

	k := &Canary{System: s, t: t, track: &Track{}}
	ref := k.citizen()
	k.staff(ref)
	k.wallet()
	k.imports()
	k.failures(ref)
	k.browser()
	k.reckon(temp)
}

// Canary is the test at work.
type Canary struct {
	*System
	t     *testing.T
	track *Track
}

func (k *Canary) as(base, person string) *Visitor {
	k.t.Helper()
	v := k.track.follow(newVisitor(k.t, base, "en"))
	if err := v.signIn(person); err != nil {
		k.t.Fatal(err)
	}
	return v
}

// citizen applies, makes mistakes, writes and sends a photo.
func (k *Canary) citizen() (ref string) {
	t := k.t
	rosa := k.as(k.portal(), "rosa")
	ref = rosa.starts(t, "/apply")
	pages := rosasHousehold()
	for i, p := range pages {
		switch p.path {
		case "people/2/name":
			pages[i].form = url.Values{"full_name": {canary["name"] + " " + canary["family name"]}, "full_name_latin": {""}}
		case "people/2/id":
			pages[i].form = one("national_id", "MJ-7391-8264")
		case "directions":
			pages[i].form = one("directions", "Behind the mill, "+canary["address"]+" lane")
		}
	}
	rosa.fills(t, "/apply/"+ref, pages)
	for path, form := range map[string]url.Values{
		"people/2/birth": {"age": {canary["wrong value"]}}, "q/rooms": one("answer", canary["wrong value"]), "area": one("area", canary["wrong value"]),
		"people/2/name": {"full_name": {strings.Repeat(canary["wrong value"], 500)}, "full_name_latin": {"\x00" + canary["wrong value"]}},
	} {
		if a, err := rosa.post("/apply/"+ref+"/"+path, form); err != nil || a.status/100 != 4 {
			t.Fatal(path, a.status, err)
		}
	}
	if a, err := rosa.post("/apply/"+ref+"/directions", url.Values{"directions": {"x"}, canary["what nobody asked for"]: {"x"}}); err != nil || a.status != http.StatusBadRequest {
		t.Fatal(a.status, err)
	}
	if a, err := rosa.upload("/apply/"+ref+"/documents/2", "photo", canary["file name"]+".jpg", photo()); err != nil || a.status != http.StatusSeeOther {
		t.Fatal(a.status, err)
	}
	rosa.mustSave(t, "/apply/"+ref+"/check", url.Values{"note": {canary["free text"]}, "agree": {"yes"}})
	rosa.sends(t, "/cases/"+ref+"/messages", "photo", map[string]string{canary["file name"] + ".jpg": string(photo())}, one("message", "She is called "+canary["name"]))
	for _, path := range []string{"/home", "/cases/" + ref, "/cases/" + ref + "/answers", "/apply/" + ref + "/receipt", "/notices", "/record"} {
		rosa.mustGet(t, path)
	}
	somebody := k.track.follow(newVisitor(t, k.portal(), "en"))
	somebody.mustAnswer(t, http.MethodPost, "/complain/service", url.Values{"what": {canary["free text"] + ", tell " + canary["phone"]}, "area": {"MJ0101"}}, http.StatusOK)
	somebody.mustAnswer(t, http.MethodPost, "/complain/service", url.Values{"what": {canary["free text"]}, "area": {canary["wrong value"]}}, http.StatusUnprocessableEntity)
	somebody.mustAnswer(t, http.MethodPost, "/status", url.Values{"ref": {canary["name"]}, "code": {canary["free text"]}}, http.StatusUnprocessableEntity)
	return ref
}

// sends a form with files.
func (v *Visitor) sends(t *testing.T, path, input string, files map[string]string, form url.Values) Answer {
	t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for name, content := range files {
		part, err := w.CreateFormFile(input, name)
		if err == nil {
			_, err = io.WriteString(part, content)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for name, values := range form {
		if err := w.WriteField(name, values[0]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	a, err := v.send(http.MethodPost, path, w.FormDataContentType(), &body)
	if err != nil || a.status != http.StatusSeeOther {
		t.Fatal(path, a.status, headings(a.body), err)
	}
	return a
}

// staff finds, notes, asks, decides, proposes and prints.
func (k *Canary) staff(ref string) {
	t := k.t
	verifier := k.as(k.admin(), "verifier")
	verifier.mustSave(t, "/purpose", url.Values{"purpose": {"check"}, "to": {""}})
	verifier.mustGet(t, "/cases/"+ref)
	verifier.mustGet(t, strings.Split(k.photoOf(t, ref), "\n")[0])
	verifier.mustSave(t, "/cases/"+ref+"/note", one("note", "Her hearing: "+canary["note on a disability"]))
	verifier.mustSave(t, "/cases/"+ref+"/say", one("note", "Dear "+canary["family name"]))
	verifier.mustSave(t, "/cases/"+ref+"/recommend", url.Values{"outcome": {"approve"}, "note": {canary["note on a disability"]}})
	approver := k.as(k.admin(), "approver")
	approver.approves(t, ref)
	k.until(t, `select 'decided' from decision d join case_file c on c.household_id = d.household_id where c.ref = '`+ref+`' and d.kind <> 'case'`)

	quality := k.as(k.admin(), "dataquality")
	quality.mustSave(t, "/purpose", url.Values{"purpose": {"check"}, "to": {""}})
	child := k.sql(t, `select p.ref from person p join membership m on m.person_id = p.id join case_file c on c.household_id = m.household_id where c.ref = '`+ref+`' and m.relationship = 'child'`)
	for _, text := range []string{canary["name"], canary["name"] + " " + canary["family name"], "MJ 7391 8264", "mj73918264", "+254 " + canary["phone"], canary["address"], canary["wrong value"] + "'\\%"} {
		page := quality.mustGet(t, quality.mustSave(t, "/search", url.Values{"text": {text}, "purpose": {"check"}}).to)
		if found := strings.Contains(page, child); !found && (text == canary["name"] || strings.Contains(strings.ToLower(text), "mj")) {
			t.Errorf("the search for %q does not find her: nothing was tried", text)
		}
	}
	quality.mustGet(t, "/people/"+child)
	proposal := url.Values{"base": {"1"}, "nature": {"correction"}, "reason": {"mistake"}, "method": {"document"}, "note": {canary["note on a disability"]},
		"full_name": {canary["name"] + " " + canary["family name"] + " II"}, "sex": {"female"}}
	if a, err := quality.post("/people/"+child+"/propose", proposal); err != nil || a.status != http.StatusSeeOther {
		t.Fatal(a.status, headings(a.body), err)
	}
	proposal.Set("sex", canary["wrong value"])
	quality.mustAnswer(t, http.MethodPost, "/people/"+child+"/propose", proposal, http.StatusUnprocessableEntity)

	programme := k.as(k.admin(), "programme")
	made := programme.mustSave(t, "/filters/new", url.Values{"name": {canary["free text"]}, "subject": {"person"}, "area": {""}})
	filter := made.to[strings.Index(made.to, "/filters/"):]
	programme.mustSave(t, filter+"/add", url.Values{"field": {"person.age"}, "op": {"at_most"}, "value": {"5"}})
	if file := programme.mustAnswer(t, http.MethodPost, filter+"/export", url.Values{"format": {"csv"}, "purpose": {"programme"}, "columns": {"person.sex"}}, http.StatusOK); !strings.Contains(file, child) {
		t.Error("she is not in the file")
	}

	// what she is told: news on her phone and by mail, a letter, and on paper
	k.sql(t, `insert into contact (person_id, kind, value, owner, safe) select a.person_id, x.kind, x.value, 'own', '{notices,codes}' from account a join case_file c on c.account_id = a.id,
		(select 'phone' as kind, '+254' || reverse('281937007') as value union all select 'email', reverse('ybletsiuq') || '@example.org') x where c.ref = '`+ref+`'`)
	k.sql(t, `with n as (insert into notice (id, ref, kind, person_id, once, created_at)
		select gen_random_uuid(), 'N-22222-22222', 'decision_made', a.person_id, 'canary', now() from account a join case_file c on c.account_id = a.id where c.ref = '`+ref+`' returning id)
		insert into outbox (kind, ref, version, created_at) select 'send_notice', id, 1, now() from n; select pg_notify('daftar_outbox', '')`)
	k.until(t, `select 'sent' from notice_delivery d join notice n on n.id = d.notice_id where n.once = 'canary' group by 1 having count(*) filter (where d.state = 'sent') >= 2`)
	rosa := k.as(k.portal(), "rosa")
	letter := k.until(t, `select l.ref from letter l join account a on a.person_id = l.person_id join case_file c on c.account_id = a.id where c.ref = '`+ref+`' limit 1`)
	if page := rosa.mustGet(t, "/letters/"+letter); !strings.Contains(page, "Delgado") {
		t.Error("the letter does not name her: nothing was tried")
	}
	if a, err := rosa.get("/letters/" + letter + "/pdf"); err != nil || a.status != http.StatusOK || !strings.HasPrefix(a.body, "%PDF-") {
		t.Error("no PDF: ", a.status, err)
	}
	rosa.mustSave(t, "/record/copy", nil)
	k.until(t, `select 'ready' from data_copy where ready_at is not null`)

	// the counter
	clerk := k.as(k.admin(), "intake")
	counter := clerk.starts(t, "/counter")
	clerk.fills(t, "/counter/"+counter, aHousehold("Old "+canary["family name"], canary["address"]))
	clerk.mustAnswer(t, http.MethodPost, "/counter/find", one("ref", canary["name"]), http.StatusUnprocessableEntity)
}

// wallet takes a credential with her name in it.
func (k *Canary) wallet() {
	link, code := k.offer(k.t, k.sql(k.t, `select p.ref from person p join account a on a.person_id = p.id join case_file c on c.account_id = a.id limit 1`), "person-registration")
	got := must(k.t, k.System, object{"do": "get", "offer": link, "txCode": code, "dpop": true, "copies": 1, "notify": "credential_accepted"})
	if len(sightings([]byte(jsonOf(k.t, got)))) == 0 {
		k.t.Error("the credential does not name her: nothing was tried")
	}
	issuer := k.track.follow(newVisitor(k.t, k.issuer(), "en"))
	for _, body := range []string{`{"proofs": "` + canary["free text"] + `"}`, `{"` + canary["free text"], canary["free text"]} {
		for _, path := range []string{"/credential", "/token", "/notification", "/nonce"} {
			if _, err := issuer.send(http.MethodPost, k.issuer()+path, "application/json", strings.NewReader(body)); err != nil {
				k.t.Fatal(err)
			}
		}
	}
}

// imports brings a list in: first with a bad row, then good, while the database
// refuses what the job writes.
func (k *Canary) imports() {
	t := k.t
	clerk := k.as(k.admin(), "dataquality")
	homes := "hhid;village;address\nA1;MJ010101;" + canary["address"] + "\n"
	people := "hhid;name;gender;dob;relation;national id;phone\nA1;" + canary["name"] + " Idris;female;1980-02-03;head;MJ 7391 8272;+254700739182\n"
	bad := strings.Replace(people, "1980-02-03", canary["wrong value"], 1)
	var ref string
	for _, list := range []string{bad, people} {
		ref = clerk.checks(t, map[string]string{"homes.csv": homes, canary["file name"] + ".csv": list})
		page := "/imports/" + ref
		k.until(t, `select state from import_batch where ref = '`+ref+`' and state not in ('draft', 'checking')`)
		clerk.mustGet(t, page)
		clerk.mustGet(t, page+"/records")
		if file := clerk.mustGet(t, page+"/problems"); strings.Contains(file, canary["wrong value"]) != (list == bad) {
			t.Errorf("the problems are not those of the file: %s", file)
		}
	}
	clerk.mustSave(t, "/imports/"+ref+"/send", nil)
	k.sql(t, `alter table identifier add constraint canary check (false) not valid`)
	k.as(k.admin(), "approver").mustSave(t, "/imports/"+ref+"/decide", url.Values{"decision": {"approve"}, "note": {canary["free text"]}})
	k.until(t, `select 'failed' from river.river_job where kind = 'apply_import' and errors is not null union select 'failed' from import_batch where ref = '`+ref+`' and failure is not null`)
	k.sql(t, `alter table identifier drop constraint canary`)
}

// checks brings files in, says what their columns are, and has them checked.
func (v *Visitor) checks(t *testing.T, files map[string]string) (ref string) {
	t.Helper()
	a := v.sends(t, "/imports/new", "files", files, nil)
	ref = a.to[strings.LastIndex(a.to, "/")+1:]
	targets := map[string]string{"hhid": "household", "village": "area", "address": "directions", "name": "full_name", "gender": "sex", "dob": "birth_date",
		"relation": "relationship", "national id": "id.national_id", "phone": "phone"}
	form := url.Values{}
	for _, m := range columnAsked.FindAllStringSubmatch(v.mustGet(t, "/imports/"+ref+"/columns"), -1) {
		form.Set(m[2], targets[m[1]])
	}
	v.mustSave(t, "/imports/"+ref+"/columns", form)
	v.mustSave(t, "/imports/"+ref+"/start", nil)
	return ref
}

// columnAsked is the header of a column, its examples, and the input that asks
// what it is.
var columnAsked = regexp.MustCompile(`(?s)<bdi>([^<]*)</bdi></td>\s*<td[^>]*><bdi>[^<]*</bdi></td>.*?for="(column-\d+)"`)

// failures: the server's own, and sign-ins that come to nothing.
func (k *Canary) failures(ref string) {
	t := k.t
	verifier := k.as(k.admin(), "verifier")
	for _, table := range []string{"case_event", "audit_event"} {
		k.sql(t, `alter table `+table+` add constraint canary check (false) not valid`)
		verifier.mustAnswer(t, http.MethodPost, "/cases/"+ref+"/note", one("note", canary["free text"]), http.StatusInternalServerError)
		k.sql(t, `alter table `+table+` drop constraint canary`)
	}
	k.sql(t, `alter table person_search rename to person_search_gone`)
	quality := k.as(k.admin(), "dataquality")
	quality.mustAnswer(t, http.MethodPost, "/search", url.Values{"text": {canary["name"]}, "purpose": {"check"}}, http.StatusInternalServerError)
	k.sql(t, `alter table person_search_gone rename to person_search`)

	// addresses that somebody else made up: not in the history that the program
	// writes, and not in its logs either
	anybody := newVisitor(t, k.portal(), "en")
	for _, path := range []string{"/search?text=" + canary["name"], "/" + canary["name"], "/cases/" + canary["name"], "/sign-in?to=/" + canary["name"],
		k.portal() + "/auth/callback?state=" + canary["name"] + ".en&code=" + canary["free text"], k.portal() + "/auth/callback?error=" + canary["free text"] + "&state=x"} {
		for _, base := range []string{k.portal(), k.admin()} {
			if _, err := anybody.get(strings.Replace(path, k.portal(), base, 1)); err != nil {
				t.Fatal(err)
			}
		}
	}
	r, err := http.NewRequest(http.MethodGet, k.portal()+"/en", nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"User-Agent", "Referer", "Accept-Language", "X-Forwarded-For", "Cookie"} {
		r.Header.Set(name, canary["free text"])
	}
	if _, err := anybody.do(r); err != nil {
		t.Fatal(err)
	}
	a, err := anybody.get("/sign-in")
	if err != nil {
		t.Fatal(err)
	}
	if a, err = anybody.post(a.to, url.Values{"person": {canary["name"]}}); err != nil || a.status/100 != 4 {
		t.Fatal(a.status, err)
	}
	stranger := newVisitor(t, k.admin(), "en")
	if a, err = stranger.get("/sign-in"); err != nil {
		t.Fatal(err)
	}
	if a, err = stranger.post(a.to, one("cancel", "1")); err == nil {
		a, err = stranger.get(a.to)
	}
	if err != nil || a.status != http.StatusForbidden {
		t.Fatal(a.status, err)
	}
}

// browser searches with scripts on: what Chromium keeps of it is looked at.
func (k *Canary) browser() {
	b := newBrowser(k.t, "canary", k.admin(), "en", true)
	b.staffSignIn("dataquality")
	b.open("/search")
	b.finds(canary["name"], "check", canary["family name"])
	fmt.Fprintln(&k.track.seen, b.find(`JSON.stringify([location.href, document.referrer, performance.getEntries().map(e => e.name), {...localStorage}, {...sessionStorage}, document.cookie, history.state])`))
}

// reckon looks for canaries wherever something could have been written down.
func (k *Canary) reckon(temp string) {
	t := k.t
	outlets := map[string][]byte{"the program's log": []byte(k.log.String()), "the addresses": k.track.seen.Bytes()}
	metrics, err := http.Get(k.origin(4) + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	outlets["the metrics"], err = io.ReadAll(metrics.Body)
	if err := metrics.Body.Close(); err != nil {
		t.Fatal(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	for what, query := range map[string]string{
		"the audit log": `select string_agg(e::text, e'\n') from audit_event e`, "the jobs": `select string_agg(j::text, e'\n') from river.river_job j`,
		"the outbox": `select coalesce(string_agg(o::text, e'\n'), '-') from outbox o`,
	} {
		outlets[what] = []byte(k.sql(t, query))
	}
	outlets["messages"] = k.messages()
	var database []byte
	if err := filepath.WalkDir(k.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return nil // it ended while we looked
		}
		name := strings.TrimPrefix(path, k.dir)
		switch {
		case d.IsDir() && (d.Name() == "evidence" || d.Name() == "base" || d.Name() == "pg_wal" || d.Name() == "sent"):
			return filepath.SkipDir // the data itself, and what was looked at above
		case d.Type().IsRegular():
			b, err := os.ReadFile(path)
			if err != nil {
				return nil
			}
			outlets["the file "+name] = append([]byte(name+"\n"), b...)
			if d.Name() == "server.log" {
				database = b
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for what, text := range outlets {
		if len(text) == 0 {
			t.Errorf("%s: empty", what)
		}
		for _, line := range bytes.Split(text, []byte("\n")) {
			if found := sightings(line); len(found) > 0 {
				t.Errorf("%s: %s in %.400q", what, strings.Join(found, ", "), line)
			}
		}
	}
	left, err := os.ReadDir(temp)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range left {
		if !strings.HasPrefix(f.Name(), "daftar-") || f.Name() == "daftar-pdf" {
			t.Errorf("%s is left in the directory for temporary files", f.Name())
		}
	}
	// the net has no hole: what is written down is found
	if len(database) < 100_000 || !bytes.Contains(database, []byte("execute")) {
		t.Errorf("PostgreSQL logged %d bytes, and not every statement", len(database))
	}
	for _, token := range []string{"x Xanthoquill", "MJ-7391-8264", "a=Krombo%76ale", base64.StdEncoding.EncodeToString([]byte(`{"name":"Vebrazine"}`))} {
		if len(sightings([]byte(token))) != 1 {
			t.Errorf("%q would not be found", token)
		}
	}
}

// messages are those that left, without the address that they went to.
func (k *Canary) messages() []byte {
	file, err := os.Open(filepath.Join(k.dir, "sent", "messages.jsonl"))
	if err != nil {
		k.t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	var all bytes.Buffer
	channels := map[string]bool{}
	for lines := bufio.NewScanner(file); lines.Scan(); {
		var sent notify.Sent
		if err := json.Unmarshal(lines.Bytes(), &sent); err != nil {
			k.t.Fatal(err)
		}
		channels[sent.Channel] = true
		sent.To = ""
		fmt.Fprintf(&all, "%+v\n", sent)
	}
	if !channels["sms"] || !channels["email"] {
		k.t.Errorf("no message left by each way: %v", channels)
	}
	return all.Bytes()
}
