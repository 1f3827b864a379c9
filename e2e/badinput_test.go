package e2e

import (
	"bytes"
	"fmt"
	"html"
	"image"
	"image/png"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"daftar/demo"
	"daftar/mockid"
	"daftar/web"
)

// Bad is a form that must be refused: what is typed, which input is wrong and
// the sentence that says so.
type Bad struct {
	page  string // after the application's address
	form  url.Values
	input string
	key   string // of the message
	args  []any
}

// badAnswers are wrong answers about rosa's household: her, aged 29, and a
// child of three.
func badAnswers() []Bad {
	long := strings.Repeat("é", 5000)
	name := func(page, typed, key string, args ...any) Bad {
		return Bad{page, url.Values{"full_name": {typed}, "full_name_latin": {"Lucia"}}, "full_name", key, args}
	}
	birth := func(day, month, year, age, input, key string) Bad {
		return Bad{"people/2/birth", url.Values{"day": {day}, "month": {month}, "year": {year}, "age": {age}}, input, key, nil}
	}
	about := func(sex, relationship, input, key string, args ...any) Bad {
		return Bad{"people/2/about", url.Values{"sex": {sex}, "relationship": {relationship}}, input, key, args}
	}
	answer := func(field, typed, key string, args ...any) Bad {
		return Bad{"q/" + field, one("answer", typed), "answer", key, args}
	}
	next := time.Now().AddDate(1, 0, 0)
	return []Bad{
		name("people/1/name", long, "field.error.too_long", "Max", 120),
		name("people/2/name", "Lucía\x00Delgado", "field.error.characters"),
		name("people/2/name", "Lucía \xff\xfe", "field.error.characters"),
		name("people/2/name", "Lucía \u202eodagleD", "field.error.characters"),
		name("people/2/name", " \t ", "name.error.missing"),
		name("people/2/name", "\x00", "field.error.characters"),
		{"people/2/name", url.Values{"full_name": {"Lucía"}, "full_name_latin": {long}}, "full_name_latin", "field.error.too_long", []any{"Max", 120}},

		birth("31", "12", "2999", "", "year", "birth.error.future"),
		birth(fmt.Sprint(next.Day()), fmt.Sprint(int(next.Month())), fmt.Sprint(next.Year()), "", "year", "birth.error.future"),
		birth("31", "2", "2020", "", "day", "birth.error.day"),
		birth("29", "2", "2023", "", "day", "birth.error.day"),
		birth("32", "1", "2020", "", "day", "birth.error.day"),
		birth("0", "1", "2020", "", "day", "birth.error.day"),
		birth("1", "13", "2020", "", "month", "birth.error.month"),
		birth("1", "", "2020", "", "month", "birth.error.month_missing"),
		birth("1", "1", "", "", "year", "birth.error.year_missing"),
		birth("1", "1", "1850", "", "year", "birth.error.year_range"),
		birth("1", "1", "99999999999999999999", "", "year", "birth.error.year"),
		birth("1", "1", "20\x0020", "", "year", "field.error.characters"),
		birth("", "", "", "-1", "age", "birth.error.age"),
		birth("", "", "", "126", "age", "birth.error.age"),
		birth("", "", "", "3\x00", "age", "field.error.characters"),
		birth("1", "1", "2020", "3", "age", "birth.error.both"),

		// who is whom, in a circle
		about("female", "head", "relationship", "people.error.two_heads", "First", "Rosa Delgado", "Second", "Lucía Delgado"),
		about("female", "parent", "relationship", "people.error.parent_younger", "Name", "Lucía Delgado", "Head", "Rosa Delgado"),
		about("female", "grandparent", "relationship", "people.error.parent_younger", "Name", "Lucía Delgado", "Head", "Rosa Delgado"),
		about("female", "self", "relationship", "about.error.relationship"),
		about("dragon", "child", "sex", "about.error.sex"),
		about("fem\x00ale", "child", "sex", "about.error.sex"),
		{"people/2/id", one("national_id", "mj 1005 3382"), "national_id", "id.error.twice", []any{"Name", "Rosa Delgado"}},
		{"people/2/id", one("national_id", "MJ"), "national_id", "id.error.short", nil},
		{"people/2/id", one("national_id", long), "national_id", "field.error.too_long", []any{"Max", 30}},
		{"people/2/id", one("national_id", "MJ-1\x0022-333"), "national_id", "field.error.characters", nil},
		{"people/2/q/disability", one("answer", "maybe"), "answer", "field.error.choice", nil},
		{"people/2/remove", one("remove", "maybe"), "remove", "people.error.remove", nil},
		{"people", one("another", "2"), "another", "people.error.another", nil},

		{"area", one("area", "MJ9999"), "area", "area.error.missing", nil},
		{"area", one("area", "MJ"), "area", "area.error.missing", nil},
		{"directions", one("directions", long), "directions", "field.error.too_long", []any{"Max", 500}},
		{"directions", one("directions", "Behind\x00the bakery"), "directions", "field.error.characters", nil},
		answer("rooms", "two", "field.error.number"),
		answer("rooms", "1.5", "field.error.whole"),
		answer("rooms", "-1", "field.error.min", "Min", "0"),
		answer("monthly_income", "1e3", "field.error.number"),
		answer("monthly_income", strings.Repeat("9", 400), "field.error.number"),
		answer("monthly_income", "NaN", "field.error.number"),
		answer("monthly_income", "9\x000", "field.error.characters"),
		answer("tenure", "palace", "field.error.choice"),
		{"q/tenure", url.Values{"answer": {"rented", "owned"}}, "answer", "field.error.one", nil},
		{"q/assets", url.Values{"answer": {"radio", "dragon"}}, "answer", "field.error.choice", nil},
		{"check", url.Values{"note": {""}, "agree": {"maybe"}}, "agree", "check.error.agree", nil},
	}
}

// TestBadInput sends wrong answers on every kind of question: each is refused
// with 422 and one sentence, in the summary and beside the input; what was
// typed is still there, and nothing is saved.
func TestBadInput(t *testing.T) {
	t.Parallel()
	s := ownSystem(t)
	first := signedIn(t, s.portal(), "en", "rosa")
	for method, status := range map[string]int{http.MethodGet: http.StatusOK, http.MethodPost: http.StatusConflict} { // what happened to whom nobody knows
		if a, err := first.send(method, "/events/birth", "application/x-www-form-urlencoded", nil); err != nil || a.status != status || !strings.Contains(a.body, `href="/en/apply"`) {
			t.Errorf("%s what happened, before she is registered: %d %v", method, a.status, err)
		}
	}
	ref := first.starts(t, "/apply")
	first.fills(t, "/apply/"+ref, rosasHousehold())
	for _, lang := range []string{"en", "ar"} {
		rosa := signedIn(t, s.portal(), lang, "rosa")
		before := s.everything(t)
		for _, bad := range badAnswers() {
			rosa.isRefused(t, "/apply/"+ref+"/", bad)
		}
		if s.everything(t) != before {
			t.Error("something that was refused is saved")
		}
	}
	// the two before would fit alone: the child's age was changed after her place
	first.mustSave(t, "/apply/"+ref+"/people/2/birth", one("age", "60"))
	page := first.mustAnswer(t, http.MethodPost, "/apply/"+ref+"/check", form("/apply/:ref/check"), http.StatusUnprocessableEntity)
	if say := (&Browser{t: t, lang: "en"}).say("people.error.child_older", "Name", "Lucía Delgado", "Head", "Rosa Delgado"); !strings.Contains(html.UnescapeString(page), say) {
		t.Errorf("a daughter of 60 is answered with %s", headings(page))
	}
	if got := s.sql(t, `select state || (select count(*) from change where origin = 'case') from case_file`); got != "draft0" {
		t.Errorf("the case is %s", got)
	}
}

// TestBadInputOfEvents is TestBadInput for what people tell of a birth.
func TestBadInputOfEvents(t *testing.T) {
	t.Parallel()
	s := ownSystem(t)
	first := signedIn(t, s.portal(), "en", "amina")
	ref := first.tells(t, "birth")
	if page := first.mustGet(t, "/events/birth"); !strings.Contains(page, "/request/"+ref) {
		t.Error("the page before does not lead to what was begun")
	}
	page := first.mustGet(t, "/request/"+ref+"/q/parent")
	parent := regexp.MustCompile(`name="answer"[^>]*value="(P-[^"]*)"`).FindStringSubmatch(page)
	if parent == nil {
		t.Fatal("nobody to choose: ", headings(page))
	}
	first.mustSave(t, "/request/"+ref+"/q/parent", one("answer", parent[1]))
	day := func(d, m, y, input, key string, args ...any) Bad {
		return Bad{"q/born", url.Values{"answer-day": {d}, "answer-month": {m}, "answer-year": {y}}, "answer-" + input, key, args}
	}
	for _, lang := range []string{"en", "ar"} {
		amina := signedIn(t, s.portal(), lang, "amina")
		before := s.everything(t)
		for _, bad := range []Bad{
			{"q/other_parent", one("answer", parent[1]), "answer", "field.error.choice", nil},
			day("31", "2", "2026", "day", "field.error.no_day"),
			day("2", "3", "20\x0026", "day", "field.error.characters"),
			day("2", "3", "2999", "day", "field.error.no_day"),
			day("", "", "", "day", "question.error.needed"),
			{"q/babies", one("another", "no"), "another", "question.error.needed_row", nil},
		} {
			amina.isRefused(t, "/request/"+ref+"/", bad)
		}
		if s.everything(t) != before {
			t.Error("something that was refused is saved")
		}
	}
}

// TestBadInputOfStaff is TestBadInput for the office's forms and the public one.
func TestBadInputOfStaff(t *testing.T) {
	t.Parallel()
	s := ownSystem(t)
	ref := signedIn(t, s.portal(), "en", "rosa").applies(t, "/apply", rosasHousehold())
	long := strings.Repeat("x", 5000)
	tooLong := []any{"Max", 1000}
	verifier, approver := signedIn(t, s.admin(), "ar", "verifier"), signedIn(t, s.admin(), "en", "approver")
	rosa := signedIn(t, s.portal(), "ar", "rosa")
	kase := "/cases/" + ref + "/"
	before := s.everything(t)
	for _, bad := range []Bad{
		{"ask", url.Values{"pages": {"q/rooms"}, "note": {""}}, "note", "ask.error.note", nil},
		{"ask", url.Values{"pages": {"q/rooms"}, "note": {long}}, "note", "field.error.too_long", tooLong},
		{"ask", url.Values{"pages": {"q/rooms"}, "note": {"Why\x00?"}}, "note", "field.error.characters", nil},
		{"ask", url.Values{"pages": {"q/dragons"}, "note": {"Why?"}}, "pages", "field.error.choice", nil},
		{"recommend", url.Values{"outcome": {"maybe"}, "note": {"Good people"}}, "outcome", "recommend.error.outcome", nil},
		{"recommend", url.Values{"outcome": {"approve"}, "note": {long}}, "note", "field.error.too_long", tooLong},
	} {
		verifier.isRefused(t, kase, bad)
	}
	if s.everything(t) != before {
		t.Error("something that was refused is saved")
	}
	verifier.recommends(t, ref, "approve")
	before = s.everything(t)
	for _, bad := range []Bad{
		{"decide", url.Values{"decision": {"approve"}, "reason": {"proven_false:home"}, "note": {"Good people"}}, "reason", "decide.error.reason_without_refusal", nil},
		{"decide", url.Values{"decision": {"maybe"}, "note": {"Good people"}}, "decision", "decide.error.decision", nil},
		{"decide", url.Values{"decision": {"refuse"}, "reason": {"poor"}, "note": {"Good people"}}, "reason", "case.error.reason", nil},
		{"decide", url.Values{"decision": {"return"}, "note": {""}}, "note", "decide.error.note", nil},
		{"decide", url.Values{"decision": {"approve"}, "note": {long}}, "note", "field.error.too_long", tooLong},
	} {
		approver.isRefused(t, kase, bad)
	}
	rosa.isRefused(t, kase, Bad{"withdraw", one("withdraw", "maybe"), "withdraw", "withdraw.error.missing", nil})
	for _, bad := range []Bad{
		{"status", url.Values{"ref": {""}, "code": {"AAAAA-AAAAA"}}, "ref", "status.error.ref", nil},
		{"status", url.Values{"ref": {"C-1"}, "code": {""}}, "code", "status.error.code", nil},
		{"status", url.Values{"ref": {long}, "code": {"A"}}, "ref", "field.error.too_long", []any{"Max", 30}},
		{"status", url.Values{"ref": {"C\x00"}, "code": {"A"}}, "ref", "field.error.characters", nil},
		{"status", url.Values{"ref": {ref}, "code": {"' or ''='"}}, "ref", "status.error.unknown", nil},
	} {
		newVisitor(t, s.portal(), "en").isRefused(t, "/", bad)
	}
	if s.everything(t) != before {
		t.Error("something that was refused is saved")
	}
}

// TestStalePageOfTheOffice recommends and decides from pages that were opened
// before the applicant or a colleague changed the case: nothing is decided on
// answers that nobody has looked at, and what was typed is kept.
func TestStalePageOfTheOffice(t *testing.T) {
	t.Parallel()
	s := ownSystem(t)
	rosa := signedIn(t, s.portal(), "en", "rosa")
	ref := rosa.applies(t, "/apply", rosasHousehold())
	verifier, approver := signedIn(t, s.admin(), "en", "verifier"), signedIn(t, s.admin(), "ar", "approver")
	kase := "/cases/" + ref
	seen := func(v *Visitor, step string) string {
		m := seenVersion.FindStringSubmatch(v.mustGet(t, kase+"/"+step))
		if m == nil {
			t.Fatalf("the page %s does not say which version it shows", step)
		}
		return m[1]
	}
	stale := func(v *Visitor, step string, form url.Values) {
		t.Helper()
		before := s.caseAsItIs(t, ref)
		form.Set("note", "As I saw it")
		page := html.UnescapeString(v.mustAnswer(t, http.MethodPost, kase+"/"+step, form, http.StatusConflict))
		if say := (&Browser{t: t, lang: v.lang}).say("case.error.moved"); !strings.Contains(page, say) || !strings.Contains(page, "As I saw it") {
			t.Errorf("%s from an old page is answered with %s", step, headings(page))
		}
		if after := s.caseAsItIs(t, ref); after != before {
			t.Errorf("%s from an old page: the case was %s and is %s", step, before, after)
		}
	}
	old := seen(verifier, "recommend")
	verifier.mustSave(t, kase+"/ask", url.Values{"pages": {"q/tenure"}, "note": {"Rented?"}})
	rosa.mustSave(t, "/apply/"+ref+"/q/tenure", one("answer", "free"))
	rosa.mustSave(t, "/apply/"+ref+"/check", one("note", ""))
	stale(verifier, "recommend", url.Values{"seen": {old}, "outcome": {"approve"}})
	stale(verifier, "recommend", url.Values{"seen": {""}, "outcome": {"approve"}})
	verifier.recommends(t, ref, "approve")
	old = seen(approver, "decide")
	approver.mustSave(t, kase+"/decide", url.Values{"decision": {"return"}, "note": {"Look again"}})
	verifier.recommends(t, ref, "refuse")
	stale(approver, "decide", url.Values{"seen": {old}, "decision": {"approve"}})
	approver.approves(t, ref)
}

var spoilt = strings.NewReplacer("\x00", "", "\xff", "", "\xfe", "", "\u202e", "")

// isRefused sends a form and reads the page that must come back.
func (v *Visitor) isRefused(t *testing.T, base string, bad Bad) {
	t.Helper()
	page := html.UnescapeString(v.mustAnswer(t, http.MethodPost, base+bad.page, bad.form, http.StatusUnprocessableEntity))
	b := &Browser{t: t, lang: v.lang}
	sentence := b.say(bad.key, bad.args...)
	if strings.HasPrefix(sentence, "[") || strings.Contains(sentence, "<no value>") {
		t.Fatalf("%s has no sentence: %s", bad.key, sentence)
	}
	about := fmt.Sprintf("%s %s with %s", v.lang, bad.page, bad.key)
	if !strings.Contains(page, `<a href="#`+bad.input+`">`+sentence+`</a>`) {
		t.Errorf("%s: the summary does not say %q: %s", about, sentence, headings(page))
	}
	if !regexp.MustCompile(`(?s)class="govuk-error-message"[^>]*>\s*<span[^>]*>[^<]*</span>\s*` + regexp.QuoteMeta(sentence) + `\s*</p>`).MatchString(page) {
		t.Errorf("%s: nothing beside the input says %q", about, sentence)
	}
	if !strings.Contains(page, `id="`+bad.input+`"`) {
		t.Errorf("%s: the summary leads nowhere", about)
	}
	for name, values := range bad.form {
		for _, value := range values {
			if kept := spoilt.Replace(value); kept != "" && !keeps(page, name, kept) {
				t.Errorf("%s: %s does not hold %.60q any more", about, name, kept)
			}
		}
	}
	if leak := leaks.FindString(page); leak != "" {
		t.Errorf("%s: the page says %q: %.300s", about, leak, page[max(0, strings.Index(page, leak)-150):])
	}
}

var control = regexp.MustCompile(`(?s)<(input|textarea|select)\b[^>]*\bname="([^"]*)"[^>]*>(?:([^<]*)</textarea>)?`)

// keeps reports whether an input still holds a value. One that it never
// offered, a choice that there is not, has no place to be.
func keeps(page, name, value string) bool {
	offered := false
	for _, c := range control.FindAllStringSubmatch(page, -1) {
		if c[2] != name {
			continue
		}
		choice := strings.Contains(c[0], `type="radio"`) || strings.Contains(c[0], `type="checkbox"`)
		switch {
		case c[1] == "textarea":
			return c[3] == value
		case c[1] == "select":
			return !strings.Contains(page, `<option value="`+value+`"`) || strings.Contains(page, `<option value="`+value+`" selected`)
		case !choice:
			return strings.Contains(c[0], `value="`+value+`"`)
		case strings.Contains(c[0], `value="`+value+`"`):
			offered = true
			if strings.Contains(c[0], " checked") {
				return true
			}
		}
	}
	return !offered
}

// TestBadUploads sends files that only say they are photos, and much too large
// bodies: nothing of them is kept.
func TestBadUploads(t *testing.T) {
	t.Parallel()
	s := ownSystem(t)
	rosa := signedIn(t, s.portal(), "en", "rosa")
	ref := rosa.starts(t, "/apply")
	rosa.fills(t, "/apply/"+ref, rosasHousehold())
	before := s.everything(t)
	page := "/apply/" + ref + "/documents/2"
	say := (&Browser{t: t, lang: "en"}).say
	script := []byte("<html><script>alert(1)</script></html>")
	for _, bad := range []struct {
		name, file string
		content    []byte
		key        string
	}{
		{"HTML named .png", "certificate.png", script, "upload.error.type"},
		{"HTML behind a JPEG's first bytes", "certificate.jpg", append([]byte("\xff\xd8\xff\xe0"), script...), "upload.error.broken"},
		{"HTML behind a GIF's", "certificate.jpg", append([]byte("GIF89a/*"), script...), "upload.error.type"},
		{"SVG", "certificate.svg", []byte(`<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>`), "upload.error.type"},
		{"a PDF", "certificate.jpg", []byte("%PDF-1.7\n1 0 obj"), "upload.error.type"},
		{"half a JPEG", "certificate.jpg", photo()[:len(photo())/2], "upload.error.broken"},
		{"a JPEG's header", "certificate.jpg", photo()[:200], "upload.error.broken"},
		{"a PNG's header", "certificate.png", pngOf(t, 2, 2)[:40], "upload.error.broken"},
		{"a bomb", "certificate.png", bomb(t), "upload.error.pixels"},
		{"nothing", "certificate.png", nil, "upload.error.missing"},
	} {
		a, err := rosa.upload(page, "photo", bad.file, bad.content)
		if err != nil {
			t.Fatal(bad.name, err)
		}
		besideTheField(t, bad.name, a, say(bad.key))
	}

	ten := bytes.Repeat([]byte("x"), 10<<20)
	if a, err := rosa.upload(page, "photo", "certificate.jpg", append(photo(), ten...)); err != nil {
		t.Error(err)
	} else {
		besideTheField(t, "a photo of 10 MB", a, say("document.error.too_large", "Max", 8))
	}
	if a, err := rosa.post(page, one("full_name", string(ten))); err != nil {
		t.Error(err)
	} else {
		besideTheField(t, "a form of 10 MB in place of a photo", a, say("document.error.too_large", "Max", 8))
	}
	for _, path := range []string{"/apply/" + ref + "/people/2/name", "/status"} {
		a, err := rosa.post(path, one("full_name", string(ten)))
		if err != nil {
			t.Error(err)
			continue
		}
		tooLarge(t, "a form of 10 MB at "+path, a, say("error.too_large"))
	}
	if s.everything(t) != before {
		t.Error("something that was refused is saved")
	}
	if n := strings.TrimSpace(s.sql(t, `select count(*) from evidence`)); n != "0" {
		t.Errorf("%s photos are kept", n)
	}

	// a picture and a page at once: the picture alone is kept, made anew
	if a, err := rosa.upload(page, "photo", "both.html", append(photo(), script...)); err != nil || a.status != http.StatusSeeOther {
		t.Fatal(a.status, err)
	}
	kept, err := rosa.get(page + "/photo")
	if err != nil {
		t.Fatal(err)
	}
	if kept.header.Get("Content-Type") != "image/jpeg" || kept.header.Get("X-Content-Type-Options") != "nosniff" || strings.Contains(kept.body, "script") {
		t.Errorf("the picture that was a page comes back as %s", kept.header)
	}
}

// besideTheField expects a sentence twice: in the summary and at the input.
func besideTheField(t *testing.T, what string, a Answer, sentence string) {
	t.Helper()
	if n := strings.Count(html.UnescapeString(a.body), sentence); a.status != http.StatusUnprocessableEntity || n != 2 {
		t.Errorf("%s is answered with %d, and %d times %q: %s", what, a.status, n, sentence, headings(a.body))
	}
}

func tooLarge(t *testing.T, what string, a Answer, sentence string) {
	t.Helper()
	if a.status != http.StatusRequestEntityTooLarge || !strings.Contains(html.UnescapeString(a.body), sentence) {
		t.Errorf("%s is answered with %d: %s", what, a.status, headings(a.body))
	}
}

func pngOf(t *testing.T, width, height int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, width, height))); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// bomb is a small file of 100 million pixels.
func bomb(t *testing.T) []byte {
	t.Helper()
	return pngOf(t, 10_000, 10_000)
}

// leaks is what no answer may hold: traces, SQL, the text of errors.
var leaks = regexp.MustCompile(`goroutine \d|\.go:\d|runtime error|\bpanic\b|SQLSTATE|pq: |ERROR: |\bsql: |pgx[:/]|strconv\.|json: |` +
	`invalid character '|unexpected EOF|context deadline|dial tcp|no rows in|violates |relation "|<nil>|&lt;nil&gt;|%!|map\[|0xc0|<no value>|&lt;no value`)

// nasty values break what takes them for something else.
var nasty = []string{
	"\x00", "' or 1=1 --", strings.Repeat("a", 5000), "\xff\xfe", "../../../etc/passwd", "💥", "{{.}}%n%s%d", "9223372036854775808",
	"3000000000", "2026-01-01|\x00", strings.Repeat("é", 999), "\r\nX-Evil: 1",
}

// TestNothingLeaks asks every declared address of every site, as nobody, as a
// citizen and as staff, by GET and POST, with nasty values in the path, the
// query and the form: no answer tells about the inside, and none is a failure
// of the server.
func TestNothingLeaks(t *testing.T) {
	t.Parallel()
	s := ownSystem(t)
	routes := s.addresses(t)
	directory := web.New(web.Config{Name: "mockid", Origin: s.mockid()})
	if err := mockid.New(directory, true, nil, nil, nil, time.Now); err != nil {
		t.Fatal(err)
	}
	for _, r := range directory.Routes() {
		routes = append(routes, Address{Site: "mockid", Method: r.Method, Path: r.FullPath()})
	}

	rosa := signedIn(t, s.portal(), "en", "rosa")
	ref := rosa.starts(t, "/apply")
	rosa.fills(t, "/apply/"+ref, rosasHousehold())
	intake := signedIn(t, s.admin(), "en", "intake")
	for _, role := range []string{"verifier", "approver", "credential"} {
		s.grant(t, "intake", role)
	}
	counter := intake.starts(t, "/counter")
	intake.fills(t, "/counter/"+counter, aHousehold("Mama Ngina", ""))
	intake.mustSave(t, "/counter/"+counter+"/people", one("another", "yes"))

	hunts := []*Hunt{
		{site: "portal", ref: ref, base: s.portal(), as: map[string]*Visitor{"nobody": newVisitor(t, s.portal(), "en"), "rosa": rosa}},
		{site: "admin", ref: counter, base: s.admin(), as: map[string]*Visitor{"nobody": newVisitor(t, s.admin(), "en"), "intake": intake}},
		{site: "issuer", base: s.issuer(), as: map[string]*Visitor{"nobody": newVisitor(t, s.issuer(), "en")}},
		{site: "mockid", base: s.mockid(), as: map[string]*Visitor{"nobody": newVisitor(t, s.mockid(), "en")}},
	}
	t.Run("hunt", func(t *testing.T) {
		for _, h := range hunts {
			t.Run(h.site, func(t *testing.T) {
				t.Parallel()
				h.run(t, routes)
			})
		}
	})
	for _, line := range strings.Split(s.log.String(), "\n") {
		if strings.Contains(line, `"level":"ERROR"`) && !strings.Contains(line, `"status":501`) {
			t.Errorf("the program logged a failure: %.500s", line)
		}
	}
}

// Hunt is one site and who asks it.
type Hunt struct {
	site, base, ref string
	as              map[string]*Visitor
	asked           int
}

func (h *Hunt) run(t *testing.T, routes []Address) {
	methods := map[string][]string{} // that an address declares
	for _, r := range routes {
		if r.Site == h.site {
			methods[r.Path] = append(methods[r.Path], r.Method)
		}
	}
	for who, v := range h.as {
		for path, declared := range methods {
			if strings.HasSuffix(path, "/sign-out") && who != "nobody" {
				continue
			}
			h.address(t, who, v, path, declared)
		}
		// beside every address
		for _, path := range []string{"/", "/en/", "/xx/home", "/en/\xff", "/%00", "/%zz", "//evil.example/", "/en/../../etc/passwd", "/assets/../main.go",
			"/assets/%2e%2e/x", "/.git/config", "/en?" + strings.Repeat("a=1&", 2000), "/en/cases/%", "/\u202e"} {
			for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodHead, http.MethodPut, http.MethodDelete, "TRACE", "PROPFIND"} {
				h.send(t, who, v, method, path, "", "")
			}
		}
	}
	t.Logf("%d requests", h.asked)
	if h.asked < 500 {
		t.Error("hardly anything was asked")
	}
}

var parameter = regexp.MustCompile(`:(lang|ref|member|code|list|type|version|realm)`)

// address asks one address by its methods: with nasty values for each parameter
// of the path, in the query, and in every input of its form; and once by the
// method that it does not have.
func (h *Hunt) address(t *testing.T, who string, v *Visitor, path string, methods []string) {
	known := map[string]string{":lang": "en", ":ref": h.ref, ":member": "2", ":code": "rooms", ":list": "0", ":type": "household-registration", ":version": "1", ":realm": demo.CitizenRealm}
	if strings.Contains(path, "/people/") {
		known[":code"] = "disability"
	}
	fill := func(name, value string) string {
		values := maps.Clone(known)
		values[name] = value
		return parameter.ReplaceAllStringFunc(path, func(p string) string { return values[p] })
	}
	good := fill("", "")
	inputs := []string{"type", "grant_type", "pre-authorized_code", "tx_code", "credential_configuration_id", "proofs", "person", "client_id", "code"}
	if a, err := v.get(h.base + good); err == nil {
		for _, c := range control.FindAllStringSubmatch(a.body, -1) {
			if !slices.Contains(inputs, c[2]) && c[2] != "switch-language" {
				inputs = append(inputs, c[2])
			}
		}
		if i := strings.Index(a.body, `id="main-form"`); i > 0 {
			inputs = inputs[9:] // the page's own alone: others are refused at once
		}
	}
	values := nasty
	if who == "nobody" && len(h.as) > 1 {
		values = nasty[:5] // most is behind the sign-in, and the others ask for all of it
	}
	for _, value := range values {
		for _, name := range parameter.FindAllString(path, -1) {
			for _, written := range slices.Compact([]string{url.PathEscape(value), value}) {
				for _, method := range methods {
					h.send(t, who, v, method, fill(name, written), "", "")
				}
			}
		}
		query, body, short := url.Values{}, url.Values{}, value[:min(len(value), 120)]
		for _, name := range []string{"in", "from", "to", "ref", "view", "after", "state", "code", "iss", "error", "strong", "time", "client_id",
			"redirect_uri", "response_type", "scope", "ui_locales", "post_logout_redirect_uri", "id_token_hint"} {
			query.Set(name, short)
		}
		for _, name := range inputs {
			body.Set(name, short)
		}
		h.send(t, who, v, http.MethodGet, good+"?"+query.Encode(), "", "")
		for _, name := range []string{"in", "after", "ref"} { // one alone reaches further than all together
			h.send(t, who, v, http.MethodGet, good+"?"+url.Values{name: {value}}.Encode(), "", "")
		}
		if slices.Contains(methods, http.MethodPost) {
			h.send(t, who, v, http.MethodPost, good, "application/x-www-form-urlencoded", body.Encode())
		}
	}
	h.send(t, who, v, http.MethodGet, good, "", "")
	for contentType, body := range map[string]string{
		"application/json":                         `{"status":"approved","proofs":{"jwt":["a.b.c"]},"credential_configuration_id":1}`,
		"application/json; charset=utf-16":         "\x00{",
		"multipart/form-data; boundary=x":          "--x\r\nContent-Disposition: form-data; name=\"photo\"; filename=\"../../x\"\r\n\r\n",
		"multipart/form-data":                      "--",
		"application/x-www-form-urlencoded":        "%zz=%&;=;",
		"application/x-www-form-urlencoded; a=b;;": strings.Repeat("a=1&", 5000),
		"text/xml": "<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><x>&e;</x>",
		"":         "x",
	} {
		h.send(t, who, v, http.MethodPost, good, contentType, body)
	}
}

// send sends the target as it is, byte for byte, and looks at the answer.
func (h *Hunt) send(t *testing.T, who string, v *Visitor, method, target, contentType, body string) {
	if strings.ContainsAny(target, " \x00\r\n") { // no request line can hold it; the escaped one is sent too
		return
	}
	r, err := http.NewRequest(method, h.base, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.URL.Opaque = target
	if strings.HasPrefix(target, "//") {
		r.URL.Opaque = h.base + target
	}
	if method != http.MethodGet {
		r.Header.Set("Origin", h.base)
		if contentType != "" {
			r.Header.Set("Content-Type", contentType)
		}
	}
	a, err := v.do(r)
	h.asked++
	what := fmt.Sprintf("%s: %s %.120q %s %.60q", who, method, target, contentType, body)
	if err != nil {
		t.Errorf("%s is not answered: %v", what, err)
		return
	}
	if a.status >= 500 && a.status != http.StatusNotImplemented { // lists of the past (draft-ietf-oauth-status-list, section 8.4)
		t.Errorf("%s is answered with %d", what, a.status)
	}
	if leak := leaks.FindString(a.whole()); leak != "" {
		t.Errorf("%s says %q", what, leak)
	}
	if a.header.Get("X-Evil") != "" {
		t.Errorf("%s sets a header", what)
	}
}
