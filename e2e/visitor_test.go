package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"
)

// Visitor uses a site by plain HTTP, one request at a time: for many people at
// once, and for requests that no page offers. Its methods return errors,
// because the server may be away; the must-methods end the test instead.
type Visitor struct {
	base   string // origin of the site
	lang   string
	client *http.Client
	person string // who signed in
}

// Answer is what the server said.
type Answer struct {
	status int
	to     string // where a redirect leads: an absolute address
	body   string
	header http.Header
}

func newVisitor(t *testing.T, base, lang string) *Visitor {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	wire := &http.Transport{}
	t.Cleanup(wire.CloseIdleConnections)
	return &Visitor{base: base, lang: lang, client: &http.Client{
		Jar: jar, Transport: wire, Timeout: 20 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// signedIn is a visitor who signed in at the mock identity provider.
func signedIn(t *testing.T, base, lang, person string) *Visitor {
	t.Helper()
	v := newVisitor(t, base, lang)
	if err := v.signIn(person); err != nil {
		t.Fatalf("%s signs in: %v", person, err)
	}
	return v
}

// at is an address of the site: a path after the language, or a whole address.
func (v *Visitor) at(path string) string {
	if strings.HasPrefix(path, "http") {
		return path
	}
	return v.base + "/" + v.lang + path
}

func (v *Visitor) get(path string) (Answer, error) { return v.send(http.MethodGet, path, "", nil) }

// caseStep is a form of the office on a case, and seenVersion what it carries:
// which version of the case is before the officer.
var (
	caseStep    = regexp.MustCompile(`^/cases/[^/]+/(ask|recommend|decide|note|say|assign|link|visits|visits/[^/]+|trim|undo|official|seal|same)$`)
	rawTime     = regexp.MustCompile(`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)? [+-]\d{4} \w+`)
	seenVersion = regexp.MustCompile(`name="seen" value="(\d+)"`)
)

// post sends a form; one of the office on a case as it is on the page now.
func (v *Visitor) post(path string, form url.Values) (Answer, error) {
	if caseStep.MatchString(path) && !form.Has("seen") {
		page, err := v.get(path)
		if err != nil {
			return Answer{}, err
		}
		if m := seenVersion.FindStringSubmatch(page.body); m != nil {
			seen := url.Values{"seen": {m[1]}}
			for name, values := range form {
				seen[name] = values
			}
			form = seen
		}
	}
	a, err := v.send(http.MethodPost, path, "application/x-www-form-urlencoded", strings.NewReader(form.Encode()))
	if err != nil || v.person == "" || !strings.Contains(a.to, "/step-up?") {
		return a, err
	}
	if err := v.signIn(v.person); err != nil { // a long test: the strong sign-in counts no more
		return a, err
	}
	return v.send(http.MethodPost, path, "application/x-www-form-urlencoded", strings.NewReader(form.Encode()))
}

func (v *Visitor) send(method, path, contentType string, body io.Reader) (Answer, error) {
	r, err := http.NewRequest(method, v.at(path), body)
	if err != nil {
		return Answer{}, err
	}
	if method != http.MethodGet {
		r.Header.Set("Content-Type", contentType)
		r.Header.Set("Origin", r.URL.Scheme+"://"+r.URL.Host)
	}
	return v.do(r)
}

func (v *Visitor) do(r *http.Request) (Answer, error) {
	res, err := v.client.Do(r)
	if err != nil {
		return Answer{}, err
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return Answer{}, err
	}
	a := Answer{status: res.StatusCode, body: string(b), header: res.Header}
	if raw := rawTime.FindString(a.body); raw != "" {
		return Answer{}, fmt.Errorf("%s %s shows a time as a program writes it: %s", r.Method, r.URL.Path, raw)
	}
	if to, err := res.Location(); err == nil {
		a.to = to.String()
	}
	return a, nil
}

// signIn follows the redirects to the provider and back.
func (v *Visitor) signIn(person string) error {
	a, err := v.get("/sign-in")
	if err != nil {
		return err
	}
	if a.status != http.StatusSeeOther {
		return fmt.Errorf("the sign-in answered %d", a.status)
	}
	if a, err = v.post(a.to, url.Values{"person": {person}}); err != nil {
		return err
	}
	if a, err = v.get(a.to); err != nil { // the callback
		return err
	}
	if a.status != http.StatusSeeOther || len(v.cookies()) == 0 {
		return fmt.Errorf("the callback answered %d", a.status)
	}
	v.person = person
	return nil
}

func (v *Visitor) cookies() []*http.Cookie {
	u, err := url.Parse(v.base)
	if err != nil {
		return nil
	}
	return v.client.Jar.Cookies(u)
}

// save sends a form that must lead on to another page.
func (v *Visitor) save(path string, form url.Values) (Answer, error) {
	a, err := v.post(path, form)
	if err == nil && a.status != http.StatusSeeOther {
		err = &refusal{path: path, answer: a}
	}
	return a, err
}

// refusal is an answer of the server that is not the one hoped for.
type refusal struct {
	path   string
	answer Answer
}

func (r *refusal) Error() string {
	return fmt.Sprintf("%s answered %d: %s", r.path, r.answer.status, headings(r.answer.body))
}

// refused reports whether the server answered, and said no.
func refused(err error, status int) bool {
	var r *refusal
	return errors.As(err, &r) && r.answer.status == status
}

var heading = regexp.MustCompile(`<title>([^<]*)</title>|class="govuk-error-message"[^>]*>(.*?)</p>`)

// headings are the title and the error messages of a page, for a failed test.
func headings(page string) string {
	return strings.Join(heading.FindAllString(page, -1), " ")
}

func (v *Visitor) mustGet(t *testing.T, path string) string {
	t.Helper()
	a, err := v.get(path)
	if err != nil {
		t.Fatal(err)
	}
	if a.status != http.StatusOK {
		t.Fatal((&refusal{path: path, answer: a}).Error())
	}
	return a.body
}

func (v *Visitor) mustSave(t *testing.T, path string, form url.Values) Answer {
	t.Helper()
	a, err := v.save(path, form)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// mustAnswer sends a request that must be answered with a status.
func (v *Visitor) mustAnswer(t *testing.T, method, path string, form url.Values, status int) string {
	t.Helper()
	var a Answer
	var err error
	if method == http.MethodPost {
		a, err = v.post(path, form)
	} else {
		a, err = v.get(path)
	}
	if err != nil {
		t.Fatal(err)
	}
	if a.status != status {
		t.Fatalf("%s instead of %d", (&refusal{path: method + " " + path, answer: a}).Error(), status)
	}
	return a.body
}

// upload sends a photo, with what else the form has.
func (v *Visitor) upload(path, name, file string, content []byte, more ...url.Values) (Answer, error) {
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	part, err := w.CreateFormFile(name, file)
	if err == nil {
		_, err = part.Write(content)
	}
	for _, values := range more {
		for field, value := range values {
			err = errors.Join(err, w.WriteField(field, value[0]))
		}
	}
	if err := errors.Join(err, w.WriteField("do", "upload"), w.Close()); err != nil {
		return Answer{}, err
	}
	return v.send(http.MethodPost, path, w.FormDataContentType(), &body)
}

// Page is one page of an application and what is typed into it.
type Page struct {
	path string // below the application's address
	form url.Values
}

func one(name, value string) url.Values { return url.Values{name: {value}} }

// aHousehold is an application of one adult who knows her age and little else:
// no identifier, and no answer to what she does not know.
func aHousehold(name, directions string) []Page {
	return []Page{
		{"people/1/name", url.Values{"full_name": {name}, "full_name_latin": {""}}},
		{"people/1/birth", one("age", "60")},
		{"people/1/about", url.Values{"sex": {"female"}, "relationship": {"head"}}},
		{"people/1/id", one("national_id", "")},
		{"people/1/q/disability", one("answer", "unknown")},
		{"people", one("another", "no")},
		{"area", one("area", "MJ01")},
		{"area?in=MJ01", one("area", "MJ0101")},
		{"area?in=MJ0101", one("area", "MJ010101")},
		{"directions", one("directions", directions)},
		{"q/tenure", one("answer", "rented")},
		{"q/rooms", one("answer", "1")},
		{"q/floor", one("answer", "earth")},
		{"q/walls", one("answer", "scrap")},
		{"q/roof", one("answer", "scrap")},
		{"q/water", one("answer", "cart")},
		{"q/toilet", one("answer", "none")},
		{"q/electricity", one("answer", "no")},
		{"q/cook_fuel", one("answer", "wood")},
		{"q/assets", url.Values{}},
		{"q/livelihood", one("answer", "none")},
		{"q/monthly_income", one("answer", "")},
	}
}

// rosasHousehold is rosa's application in the portal, with a child of three.
// The national ID vouches for her own number, so nobody asks for it.
func rosasHousehold() []Page {
	pages := []Page{
		{"people/1/name", url.Values{"full_name": {"Rosa Delgado"}, "full_name_latin": {""}}},
		{"people/1/birth", one("age", "29")},
		{"people/1/about", url.Values{"sex": {"female"}, "relationship": {"head"}}},
		{"people/1/q/disability", one("answer", "no")},
		{"people", one("another", "yes")},
		{"people/2/name", url.Values{"full_name": {"Lucía Delgado"}, "full_name_latin": {""}}},
		{"people/2/birth", one("age", "3")},
		{"people/2/about", url.Values{"sex": {"female"}, "relationship": {"child"}}},
		{"people/2/id", one("national_id", "")},
		{"people/2/q/disability", one("answer", "unknown")},
	}
	for _, p := range aHousehold("", "Behind the bakery") {
		if !strings.HasPrefix(p.path, "people/") {
			pages = append(pages, p)
		}
	}
	return append(pages, Page{"documents/2", one("do", "none")})
}

// starts opens an application: at "/apply" for herself, at "/counter" for
// somebody else.
func (v *Visitor) starts(t *testing.T, site string) (ref string) {
	t.Helper()
	a := v.mustSave(t, site, nil)
	if ref = caseRef.FindString(a.to); ref == "" {
		t.Fatalf("started at %s", a.to)
	}
	return ref
}

// tells begins to tell of something that happened.
func (v *Visitor) tells(t *testing.T, kind string) (ref string) {
	t.Helper()
	a := v.mustSave(t, "/events/"+kind, nil)
	if ref = caseRef.FindString(a.to); ref == "" {
		t.Fatalf("started at %s", a.to)
	}
	return ref
}

// applies fills in an application and sends it.
func (v *Visitor) applies(t *testing.T, site string, pages []Page) (ref string) {
	t.Helper()
	ref = v.starts(t, site)
	v.fills(t, site+"/"+ref, pages)
	v.mustSave(t, site+"/"+ref+"/check", url.Values{"note": {""}, "agree": {"yes"}})
	return ref
}

func (v *Visitor) fills(t *testing.T, application string, pages []Page) {
	t.Helper()
	for _, p := range pages {
		v.mustSave(t, application+"/"+p.path, p.form)
	}
}

// The office's steps, without looking at the pages.

func (v *Visitor) recommends(t *testing.T, ref, outcome string) {
	t.Helper()
	v.mustSave(t, "/cases/"+ref+"/recommend", url.Values{"outcome": {outcome}, "note": {""}})
}

func (v *Visitor) approves(t *testing.T, ref string) {
	t.Helper()
	v.mustSave(t, "/cases/"+ref+"/decide", approval())
}

func approval() url.Values {
	return url.Values{"decision": {"approve"}, "reason": {""}, "note": {""}}
}
