package e2e

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"daftar/registry"
)

// Abuse is the system under attack: rosa's case is the victim.
type Abuse struct {
	*System
	rosa *Visitor
	ref  string
}

// TestAbuse are the abuse cases of the security reference against the running
// program, by number (docs/abuse.md lists all 25, and where the others are).
func TestAbuse(t *testing.T) {
	t.Parallel()
	s := ownSystem(t)
	x := &Abuse{System: s, rosa: signedIn(t, s.portal(), "en", "rosa")}
	for _, c := range []struct {
		name   string
		attack func(*Abuse, *testing.T)
	}{
		{"15 one form twice on a slow line", (*Abuse).sentTwice},
		{"14 acknowledged, then killed", (*Abuse).killed},
		{"15 what happened told twice", (*Abuse).lifeEvent},
		{"01 somebody else's case by its reference", (*Abuse).othersThings},
		{"02 inputs that no form has", (*Abuse).surplus},
		{"05 a session from before the sign-in", (*Abuse).fixation},
		{"06 the callback of another browser, or of another issuer", (*Abuse).foreignCallback},
		{"07 a return address elsewhere", (*Abuse).openRedirect},
		{"16 a clerk outside the area, and without a purpose", (*Abuse).outside},
		{"17 a clerk who browses", (*Abuse).browses},
		{"18 the author approves, in a second role too", (*Abuse).approvesOwn},
		{"19 markup and formulas in a note", (*Abuse).markup},
		{"20 files that are something else", (*Abuse).uploads},
		{"22 after consent was taken back", (*Abuse).withdrawn},
		{"24 the owner of the database edits the log", (*Abuse).editsLog},
	} {
		t.Run(c.name, func(t *testing.T) { c.attack(x, t) })
	}
}

func (x *Abuse) othersThings(t *testing.T) {
	amina := signedIn(t, x.portal(), "en", "amina")
	before := x.everything(t)
	for _, path := range []string{"/cases/%s", "/cases/%s/answers", "/cases/%s/withdraw", "/apply/%s/people", "/apply/%s/receipt"} {
		real, err := amina.get(fmt.Sprintf(path, x.ref))
		if err != nil {
			t.Fatal(err)
		}
		none, err := amina.get(fmt.Sprintf(path, newRef(registry.RefCase)))
		if err != nil || real.status != http.StatusNotFound || real.whole() != none.whole() {
			t.Errorf("%s: %d, and %d for one that is not there (%v)", path, real.status, none.status, err)
		}
	}
	amina.mustAnswer(t, http.MethodPost, "/cases/"+x.ref+"/withdraw", one("withdraw", "yes"), http.StatusNotFound)
	if x.everything(t) != before {
		t.Error("something changed")
	}
	if n := x.sql(t, `select count(*) from audit_event where action = 'access.refused' and actor_kind = 'citizen' and detail->>'route' = '/cases/:ref'`); n != "1" {
		t.Errorf("%s entries of the attempts of a day on one page", n)
	}
}

func (x *Abuse) surplus(t *testing.T) {
	before := x.everything(t)
	amina := signedIn(t, x.portal(), "en", "amina")
	for name, value := range surplus {
		for path, form := range map[string]url.Values{"/events/birth": {}, "/consents/give/research": {}, "/notices/reach": {"language": {"en"}, "channel": {"sms"}}} {
			if form = url.Values(http.Header(form).Clone()); strings.HasPrefix(path, "/consents") && name == "version" {
				continue // which text was read
			}
			form[name] = value
			amina.mustAnswer(t, http.MethodPost, path, form, http.StatusBadRequest)
		}
	}
	if x.everything(t) != before {
		t.Error("something was stored")
	}
}

// fixation: the attacker knows the session that the victim's browser had before;
// it is another one afterwards, and neither an invented one nor the old one is
// good for anything.
func (x *Abuse) fixation(t *testing.T) {
	victim := newVisitor(t, x.portal(), "en")
	u, err := url.Parse(x.portal())
	if err != nil {
		t.Fatal(err)
	}
	planted := &http.Cookie{Name: "daftar_portal", Value: strings.Repeat("a", 43), Path: "/"}
	victim.client.Jar.SetCookies(u, []*http.Cookie{planted})
	for range 2 { // the second time, over a session that is good
		before := ""
		for _, c := range victim.cookies() {
			if c.Name == planted.Name {
				before = c.Value
			}
		}
		if err := victim.signIn("amina"); err != nil {
			t.Fatal(err)
		}
		attacker := newVisitor(t, x.portal(), "en")
		jar, err := cookiejar.New(nil)
		if err != nil {
			t.Fatal(err)
		}
		jar.SetCookies(u, []*http.Cookie{{Name: planted.Name, Value: before, Path: "/"}})
		attacker.client.Jar = jar
		attacker.mustAnswer(t, http.MethodGet, "/record", nil, http.StatusSeeOther)
		victim.mustGet(t, "/record")
	}
}

func (x *Abuse) foreignCallback(t *testing.T) {
	// The attacker signs in at the provider, and has the victim's browser finish it.
	attacker, victim := newVisitor(t, x.portal(), "en"), newVisitor(t, x.portal(), "en")
	begin := func(v *Visitor, person string) string {
		a, err := v.get("/sign-in")
		if err == nil {
			a, err = v.post(a.to, one("person", person))
		}
		if err != nil || !strings.Contains(a.to, "/auth/callback?") {
			t.Fatal(a.status, a.to, err)
		}
		return a.to
	}
	stolen := begin(attacker, "joseph")
	own := begin(victim, "amina")
	sessions := x.sql(t, `select count(*) from session`)
	swap := func(from, to, name string) string {
		a, err1 := url.Parse(from)
		b, err2 := url.Parse(to)
		if err1 != nil || err2 != nil {
			t.Fatal(err1, err2)
		}
		q := a.Query()
		q.Set(name, b.Query().Get(name))
		a.RawQuery = q.Encode()
		return a.String()
	}
	other, err := url.Parse(own)
	if err != nil {
		t.Fatal(err)
	}
	q := other.Query()
	q.Set("iss", "https://evil.example")
	other.RawQuery = q.Encode()
	for what, address := range map[string]string{
		"another browser's": stolen, "another browser's state": swap(own, stolen, "state"),
	} {
		if a, err := victim.get(address); err != nil || a.status != http.StatusForbidden {
			t.Errorf("%s: %d %v", what, a.status, err)
		}
	}
	if a, err := victim.get(other.String()); err != nil || a.status != http.StatusForbidden {
		t.Errorf("another issuer: %d %v", a.status, err)
	}
	if a, err := victim.get(own); err != nil || a.status != http.StatusForbidden {
		t.Errorf("a state that was used: %d %v", a.status, err)
	}
	if got := x.sql(t, `select count(*) from session`); got != sessions {
		t.Errorf("%s sessions instead of %s", got, sessions)
	}
}

func (x *Abuse) openRedirect(t *testing.T) {
	for _, to := range []string{"//evil.example", `/\evil.example`, `\\evil.example`, "/%5Cevil.example", "/%2F/evil.example", "https://evil.example/", "javascript:alert(1)",
		"/..//evil.example", "/\t/evil.example", "http:evil.example", "//evil.example@localhost/"} {
		v := newVisitor(t, x.portal(), "en")
		a, err := v.get("/sign-in?to=" + url.QueryEscape(to))
		if err == nil {
			a, err = v.post(a.to, one("person", "joseph"))
		}
		if err == nil {
			a, err = v.get(a.to)
		}
		if err != nil || a.to != x.portal()+"/en" && a.to != x.portal()+"/en/" {
			t.Errorf("%q leads to %s (%v)", to, a.to, err)
		}
	}
}

// sentTwice: rosa's application, begun twenty times at once, and sent as often.
// atOnce sends a form twenty times at once, and returns where it led.
func atOnce(t *testing.T, v *Visitor, path string, form url.Values) map[string]bool {
	t.Helper()
	var all sync.WaitGroup
	var mu sync.Mutex
	led := map[string]bool{}
	for range 20 {
		all.Go(func() {
			a, err := v.post(path, form)
			mu.Lock()
			defer mu.Unlock()
			if led[a.to] = true; err != nil || a.status != http.StatusSeeOther {
				t.Errorf("%s: %d %v", path, a.status, err)
			}
		})
	}
	all.Wait()
	return led
}

func (x *Abuse) sentTwice(t *testing.T) {
	begun := atOnce(t, x.rosa, "/apply", nil)
	for to := range begun {
		x.ref = caseRef.FindString(to)
	}
	x.rosa.fills(t, "/apply/"+x.ref, rosasHousehold())
	sent := atOnce(t, x.rosa, "/apply/"+x.ref+"/check", url.Values{"note": {""}, "agree": {"yes"}})
	if len(begun) != 1 || len(sent) != 1 {
		t.Errorf("not one application and one receipt: %v %v", begun, sent)
	}
	if got := x.sql(t, `select count(*) || ' ' || (select count(*) from case_event where action = 'submitted') from case_file`); got != "1 1" {
		t.Errorf("cases, and how often they were sent: %s", got)
	}
}

// lifeEvent is sentTwice of what else happened: begun, begun again after an answer,
// and sent.
func (x *Abuse) lifeEvent(t *testing.T) {
	tomas := signedIn(t, x.portal(), "en", "tomas")
	counts := func() string {
		return x.sql(t, `select count(*) || ' ' || count(*) filter (where state <> 'draft') from case_file where kind = 'job'`)
	}
	begun := atOnce(t, tomas, "/events/job", nil)
	ref := ""
	for to := range begun {
		ref = caseRef.FindString(to)
	}
	his := personRef.FindString(tomas.mustGet(t, "/request/"+ref+"/q/who"))
	tomas.fills(t, "/request/"+ref, []Page{{"q/who", one("answer", his)}, {"q/since", nil}, {"q/work", one("answer", "")},
		{"q/livelihood", one("answer", "none")}, {"q/monthly_income", one("answer", "90")}, {"proof", one("do", "on")}})
	if again := atOnce(t, tomas, "/events/job", nil); len(begun) != 1 || len(again) != 1 || counts() != "1 0" {
		t.Errorf("begun, and begun again: %v %v %s", begun, again, counts())
	}
	for to := range atOnce(t, tomas, "/request/"+ref+"/check", url.Values{"note": {""}, "agree": {"yes"}}) {
		if caseRef.FindString(to) != ref { // the receipt, or the case that is with the office already
			t.Errorf("sent, and led to %s", to)
		}
	}
	if got := counts(); got != "1 1" {
		t.Errorf("cases, and how many were sent: %s", got)
	}
}

// killed: what was acknowledged is there after kill -9, and the form that is sent
// again leads to the same receipt.
func (x *Abuse) killed(t *testing.T) {
	x.kill()
	x.again(t)
	if got := x.sql(t, `select state from case_file where ref = '`+x.ref+`'`); got != "submitted" {
		t.Fatalf("acknowledged, and %q after the program died", got)
	}
	if a := x.rosa.mustSave(t, "/apply/"+x.ref+"/check", url.Values{"note": {""}, "agree": {"yes"}}); caseRef.FindString(a.to) != x.ref {
		t.Errorf("sent again it leads to %s", a.to)
	}
	if got := x.sql(t, `select count(*) from case_event where action = 'submitted'`); got != "1" {
		t.Errorf("sent %s times", got)
	}
}

func (x *Abuse) outside(t *testing.T) {
	person := x.sql(t, `select ref from person where full_name = 'Tomás Rivera'`)
	north := signedIn(t, x.admin(), "en", "approver-north")
	for _, path := range []string{"/cases/", "/people/"} {
		ref, kind := x.ref, registry.RefCase
		if path == "/people/" {
			ref, kind = person, registry.RefPerson
			north.mustSave(t, "/purpose", url.Values{"purpose": {"check"}, "to": {""}})
		}
		real, err := north.get(path + ref)
		if err != nil {
			t.Fatal(err)
		}
		if none, err := north.get(path + newRef(kind)); err != nil || real.status != http.StatusNotFound || real.whole() != none.whole() {
			t.Errorf("%s: %d and %d %v", path, real.status, none.status, err)
		}
	}
	reads := func() string { return x.sql(t, `select count(*) from audit_event where action = 'person.read'`) }
	before := reads()
	page := signedIn(t, x.admin(), "en", "verifier").mustAnswer(t, http.MethodGet, "/people/"+person, nil, http.StatusPreconditionRequired)
	if strings.Contains(page, "Rivera") || reads() != before {
		t.Error("a record is read without a purpose")
	}
	// whoever protects data sees that it was tried, and not what it was
	list := signedIn(t, x.admin(), "en", "dpo").mustGet(t, "/refusals")
	for _, want := range []string{"Nadia North", "GET /cases/:ref", "GET /people/:ref", "Viktor Verifier"} {
		if !strings.Contains(list, want) {
			t.Errorf("the refused attempts do not say %s", want)
		}
	}
	if strings.Contains(list, person) || strings.Contains(list, x.ref) {
		t.Error("the refused attempts say which reference it was")
	}
}

// browses: what the officer reads outside cases is shown to whoever was read at
// once, and raises an alert.
func (x *Abuse) browses(t *testing.T) {
	x.sql(t, `insert into setting (key, value, updated_at) values ('audit_alerts', '{"many_per_hour": 2, "surname": 1, "prominent": 1}', now())`)
	clerk := x.reader(t, "en", "dataquality")
	for _, name := range []string{"Amina Yusuf", "Joseph Okello", "Tomás Rivera", "Zawadi Mushi"} {
		clerk.mustGet(t, x.record(t, name))
	}
	if page := signedIn(t, x.portal(), "en", "joseph").mustGet(t, "/record/looks"); !strings.Contains(page, (&Browser{t: t, lang: "en"}).say("role.dataquality")) {
		t.Error("he does not see that he was looked at")
	}
	x.kill()
	x.again(t) // the worker looks when it starts, and every minute
	dpo := signedIn(t, x.admin(), "en", "dpo")
	for range 140 {
		if strings.Contains(dpo.mustGet(t, "/alerts"), "/alerts/N-") {
			return
		}
		time.Sleep(500 * time.Millisecond)
	}
	t.Error("no alert")
}

// approvesOwn: whoever recommended has the approver's role as well.
func (x *Abuse) approvesOwn(t *testing.T) {
	x.grant(t, "verifier", "approver")
	verifier := signedIn(t, x.admin(), "en", "verifier")
	verifier.recommends(t, x.ref, "approve")
	before := x.caseAsItIs(t, x.ref)
	if a, err := verifier.post("/cases/"+x.ref+"/decide", approval()); err != nil || a.status/100 != 4 {
		t.Errorf("approves what she recommended: %d %v", a.status, err)
	}
	if x.caseAsItIs(t, x.ref) != before {
		t.Error("the case moved")
	}
	// and with the database in hand, as the role of the site
	_, err := x.query(t.Context(), fmt.Sprintf(`begin; set local role daftar_staff; select set_config('daftar.kind', 'staff', true), set_config('daftar.actor', (select id from staff where name = 'Viktor Verifier')::text, true);
		insert into case_event (id, case_id, at, action) select gen_random_uuid(), id, now(), 'approved' from case_file where ref = '%s'; commit`, x.ref))
	if err == nil || !strings.Contains(err.Error(), "who checked or agreed cannot do this") || x.caseAsItIs(t, x.ref) != before {
		t.Errorf("the database lets the author approve: %v", err)
	}
	x.withdrawGrant(t, "verifier", "approver")
}

func (x *Abuse) markup(t *testing.T) {
	const script, formula = `<script>alert(1)</script><svg onload=alert(2)>`, `=HYPERLINK("https://evil.example","x")`
	verifier := signedIn(t, x.admin(), "en", "verifier")
	for _, note := range []string{script, formula} {
		verifier.mustSave(t, "/cases/"+x.ref+"/note", one("note", note))
	}
	page := verifier.mustGet(t, "/cases/"+x.ref)
	if strings.Contains(page, "<script>alert") || strings.Contains(page, "<svg onload") || !strings.Contains(page, "&lt;script&gt;alert(1)") {
		t.Error("a note is markup")
	}
	// a list whose cells are formulas, and the file that says what is wrong with it
	clerk := signedIn(t, x.admin(), "en", "dataquality")
	ref := clerk.checks(t, map[string]string{"homes.csv": "hhid;village;address\nA1;MJ010101;x\n",
		"people.csv": "hhid;name;gender;dob;relation;national id\nA1;Salma Idris;female;" + `"=HYPERLINK(""https://evil.example"",""x"")"` + ";head;MJ 7391 8272\n"})
	x.until(t, `select state from import_batch where ref = '`+ref+`' and state not in ('draft', 'checking')`)
	file := clerk.mustGet(t, "/imports/"+ref+"/problems")
	if !strings.Contains(file, "HYPERLINK") {
		t.Errorf("nothing was tried: %s", file)
	}
	for _, row := range strings.Split(file, "\n") {
		for _, cell := range strings.Split(row, ",") {
			if strings.HasPrefix(strings.TrimLeft(cell, "\ufeff \t\""), "=") {
				t.Errorf("a formula is in the file: %q", row)
			}
		}
	}
}

// uploads: what is no photo is refused, and what is one is made anew, without where
// it was taken.
func (x *Abuse) uploads(t *testing.T) {
	verifier := signedIn(t, x.admin(), "en", "intake")
	ref := verifier.starts(t, "/counter")
	verifier.fills(t, "/counter/"+ref, aHousehold("Mama Ngina", ""))
	verifier.mustSave(t, "/counter/"+ref+"/people", one("another", "yes"))
	verifier.mustSave(t, "/counter/"+ref+"/people/2/name", url.Values{"full_name": {"Nila"}, "full_name_latin": {""}})
	page := "/counter/" + ref + "/documents/2"
	memory := x.resident(t)
	for name, content := range map[string][]byte{
		"certificate.jpg": append([]byte("\xff\xd8\xff\xe0"), "<script>alert(1)</script>"...), "certificate.png": bomb(t), "../../../etc/cron.d/x": []byte("* * * * * root true"),
		"x.svg": []byte(`<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>`),
	} {
		start := time.Now()
		if a, err := verifier.upload(page, "photo", name, content); err != nil || a.status != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d %v", name, a.status, err)
		}
		if took := time.Since(start); took > 20*time.Second {
			t.Errorf("%s took %s", name, took)
		}
	}
	if grown := x.resident(t) - memory; grown > 200<<20 { // a bomb of 100 million pixels would take 400 MB
		t.Errorf("the program grew by %d MB", grown>>20)
	}
	var plain bytes.Buffer
	if err := jpeg.Encode(&plain, image.NewGray(image.Rect(0, 0, 200, 200)), nil); err != nil {
		t.Fatal(err)
	}
	gps := "Exif\x00\x00MM\x00*GPSLatitude 33.5138"
	tagged := append([]byte("\xff\xd8\xff\xe1"+string([]byte{0, byte(len(gps) + 2)})+gps), plain.Bytes()[2:]...)
	if a, err := verifier.upload(page, "photo", "../../home.jpg", tagged); err != nil || a.status != http.StatusSeeOther {
		t.Fatal(a.status, headings(a.body), err)
	}
	kept := verifier.mustGet(t, page+"/photo")
	if strings.Contains(kept, "GPS") || !strings.HasPrefix(kept, "\xff\xd8") {
		t.Error("the photo says where it was taken")
	}
}

// resident is how much memory the program holds.
func (s *System) resident(t *testing.T) int {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", s.cmd.Process.Pid))
	if err != nil {
		t.Skip("no /proc here")
	}
	pages, err := strconv.Atoi(strings.Fields(string(b))[1])
	if err != nil {
		t.Fatal(err)
	}
	return pages * os.Getpagesize()
}

// withdrawn: each answer that is asked for after the withdrawal was acknowledged
// is without her; none before it lacks her.
func (x *Abuse) withdrawn(t *testing.T) {
	programme := signedIn(t, x.admin(), "en", "programme")
	made := programme.mustSave(t, "/filters/new", url.Values{"name": {"Adults"}, "subject": {"person"}, "area": {""}})
	filter := made.to[strings.Index(made.to, "/filters/"):]
	programme.mustSave(t, filter+"/add", url.Values{"field": {"person.age"}, "op": {"at_least"}, "value": {"18"}})
	amina := signedIn(t, x.portal(), "en", "amina")
	ref := x.sql(t, `select ref from person where full_name_latin = 'Amina Yusuf'`)
	in := func() bool {
		return strings.Contains(programme.mustAnswer(t, http.MethodPost, filter+"/export", url.Values{"format": {"csv"}, "purpose": {"research"}, "columns": {"person.sex"}}, http.StatusOK), ref)
	}
	for range 3 {
		agreed := amina.mustSave(t, "/consents/give/research", one("version", "1"))
		if !in() {
			t.Error("she agreed and is not in the file")
		}
		consent := agreed.to[strings.LastIndex(agreed.to, "/")+1:]
		amina.mustSave(t, "/consents/"+consent+"/withdraw", nil)
		if in() {
			t.Error("she took it back and is in the file")
		}
	}
}

// editsLog: with the database in hand, behind every trigger.
func (x *Abuse) editsLog(t *testing.T) {
	x.until(t, `select 'sealed' where exists (select from audit_leaf l join audit_event e on e.id = l.event_id and e.at = l.at where e.action = 'person.read')`)
	if got := x.run(t, "audit", "verify"); !strings.Contains(got, "are as they were sealed") {
		t.Fatal(got)
	}
	if _, err := x.query(t.Context(), `set role daftar_jobs; set daftar.kind = 'job'; update audit_event set detail = '{}'`); err == nil {
		t.Error("a role of the program may change the log")
	}
	idx := x.sql(t, `begin; set session_replication_role = replica; with it as (
		update audit_event e set actor = null from audit_leaf l where l.event_id = e.id and l.at = e.at and e.id = (select id from audit_event where action = 'person.read' limit 1) returning l.idx) select idx from it; commit`)
	x.fails(t, 1, []string{"audit", "verify"}, "the audit log was changed: entry "+idx)
}
