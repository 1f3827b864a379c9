package e2e

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"daftar/registry"
)

// Address is one line of "daftar routes --json".
type Address struct {
	Site, Method, Path, Permission string
	Strong                         bool // takes a step-up
}

// addresses lists every route that the program declares.
func (s *System) addresses(t *testing.T) []Address {
	t.Helper()
	var list []Address
	if err := json.Unmarshal([]byte(s.run(t, "routes", "--json")), &list); err != nil {
		t.Fatal(err)
	}
	if len(list) < 100 {
		t.Fatalf("only %d routes", len(list))
	}
	return list
}

// local is the path after the language; false for an address without one.
func (a Address) local() (string, bool) { return strings.CutPrefix(a.Path, "/:lang") }

// Thing is something with a reference of its own, whose pages begin with base.
type Thing struct {
	base    string // "/cases/:ref"
	ref     string
	unknown string // a reference of the same form that nobody has
	row     string // of its plots, or of another roster
	id      string // of its document
	visit   string
	page    string // of its questions
}

// at fills the parameters of a path.
func (th Thing) at(path, ref string) string {
	if kind, _, ok := strings.Cut(strings.TrimPrefix(path, "/"), "/:ref/propose/:part"); ok {
		return strings.NewReplacer(":ref", ref, ":part", map[string]string{"people": "move", "households": "protect", "groups": "member"}[kind]).Replace(path)
	}
	code := "rooms"
	if strings.Contains(path, "/people/") {
		code = "disability"
	}
	if strings.Contains(path, "/rows/") {
		code = "plots"
	}
	pairs := []string{":ref", ref, ":member", "2", ":code", code, ":row", th.row}
	for name, value := range map[string]string{":id": th.id, ":visit": th.visit, ":page": th.page} {
		if value != "" {
			pairs = append(pairs, name, value)
		}
	}
	return strings.NewReplacer(pairs...).Replace(path)
}

// aFarm is what the farming pack asks, with one plot.
func aFarm() []Page {
	return []Page{
		{"q/farms", one("answer", "yes")},
		{"q/plots/rows/new", url.Values{"crop": {"maize"}, "ha": {"1.5"}}},
		{"q/plots", one("another", "no")},
		{"q/animals", one("another", "no")},
		{"q/land_document/photo", one("do", "none")},
	}
}

func newRef(kind rune) string { return registry.NewRef(kind, rand.Reader) }

// form is what the owner of a thing could send to a path, and be answered well.
func form(path string) url.Values {
	if strings.HasPrefix(path, "/consents/") {
		return nil // a button
	}
	_, page, _ := strings.Cut(path, "/:ref")
	page = strings.NewReplacer(":member", "2", "people/:member/q/:code", "people/2/q/disability", ":code", "rooms").Replace(strings.TrimPrefix(page, "/"))
	for _, p := range append(rosasHousehold(), aHousehold("Mama", "")...) {
		if p.path == page {
			return p.form
		}
	}
	return map[string]url.Values{
		"people/2/q/rooms":         one("answer", "no"),
		"q/rooms/rows/:row":        {"crop": {"maize"}},
		"q/rooms/rows/:row/remove": one("remove", "no"),
		"people/2/id":              one("national_id", ""),
		"people/2/remove":          one("remove", "yes"),
		"check":                    {"note": {""}, "agree": {"yes"}},
		"withdraw":                 one("withdraw", "yes"),
		"ask":                      {"pages": {"q/rooms"}, "note": {"Really?"}},
		"recommend":                {"outcome": {"approve"}, "note": {""}},
		"decide":                   approval(),
		"revoke":                   {"reason": {"lost_device"}, "note": {""}},
	}[page]
}

// everything is a fingerprint of all that a request about a case, a record, a
// decision or a credential could change.
func (s *System) everything(t *testing.T) string {
	t.Helper()
	var parts []string
	for _, table := range []string{
		"case_file", "case_event", "change", "change_item", "evidence", "decision", "record_version", "household", "person",
		"membership", "membership_role", "relation", "contact", "identifier", "group_record", "group_member", "amendment", "duplicate_decision", "record_merge", "account", "staff_role", "notice_setting",
		"account_link", "account_code", "case_party", "case_subject", "case_link", "case_visit", "case_freeze", "delegation", "staff_keys", "passkey", "emergency", "contact_hold", "letter_text", "service_outage", "rule_review", "credential", "credential_copy", "credential_offer",
	} {
		parts = append(parts, "select '"+table+"' || r::text as row from "+table+" r")
	}
	return s.sql(t, "select count(*) || ' ' || md5(string_agg(row, '' order by row)) from ("+strings.Join(parts, " union all ")+") rows")
}

// TestOthersThings asks for what belongs to somebody else, on every page that
// takes a reference: the answer is the very one for a reference that does not
// exist, to the last byte, and nothing changes.
func TestOthersThings(t *testing.T) {
	t.Parallel()
	s := ownSystem(t)
	routes := slices.DeleteFunc(s.addresses(t), func(a Address) bool {
		// no roster is about a person; TestPhotosThatAreAnswers has the photos
		return strings.Contains(a.Path, "/people/:member/q/:code/rows/") || strings.Contains(a.Path, "/photos/") ||
			strings.Contains(a.Path, "/q/:code/photo") || strings.Contains(a.Path, "/q/:code/evidence")
	})
	signedIn(t, s.admin(), "en", "dataquality").mustSave(t, "/fields/packs", one("pack", "farmer"))
	rosa, amina := signedIn(t, s.portal(), "en", "rosa"), signedIn(t, s.portal(), "en", "amina")

	// an application that is being filled in, with a photo
	ref := rosa.starts(t, "/apply")
	rosa.fills(t, "/apply/"+ref, append(rosasHousehold(), aFarm()...))
	rosa.attaches(t, "/apply/"+ref+"/documents/2")
	s.scanned(t)
	application := Thing{base: "/apply/:ref", ref: ref, unknown: newRef(registry.RefCase), row: s.answerOf(t, ref, "->'fields'->'plots'->0->>'id'")}
	hidden(t, s, routes, "portal", rosa, amina, application)

	// a case at the office
	rosa.mustSave(t, "/apply/"+ref+"/check", form("/apply/:ref/check"))
	kase := Thing{base: "/cases/:ref", ref: ref, unknown: newRef(registry.RefCase), id: s.sql(t, `select e.id from evidence e join case_file c on c.id = e.case_id where c.ref = '`+ref+`'`)}
	hidden(t, s, routes, "portal", rosa, amina, kase, application)

	// something that happened, half told, with a roster
	tomas := signedIn(t, s.portal(), "en", "tomas") // somebody in the registry with a decision of his own
	request := tomas.tells(t, "birth")
	tomas.mustSave(t, "/request/"+request+"/q/babies/rows/new", url.Values{"name": {"Nila"}, "sex": {"female"}})
	if a, err := tomas.upload("/request/"+request+"/proof", "photo", "certificate.jpg", photo(), url.Values{"kind": {"birth_certificate"}}); err != nil || a.status != http.StatusSeeOther {
		t.Fatal(a.status, headings(a.body), err)
	}
	told := Thing{base: "/request/:ref", ref: request, unknown: newRef(registry.RefCase), page: "babies", row: s.answerOf(t, request, "->'answers'->'babies'->0->>'id'"),
		id: s.sql(t, `select e.id from evidence e join case_file c on c.id = e.case_id where c.ref = '`+request+`'`)}
	hidden(t, s, routes, "portal", tomas, amina, told)

	// staff of another region, with every role there
	intake, north := signedIn(t, s.admin(), "en", "intake"), signedIn(t, s.admin(), "en", "approver-north")
	for _, role := range []string{"intake", "verifier", "credential", "dataquality"} {
		s.sql(t, `insert into staff_role (staff_id, role, area_id, valid_from)
			select r.staff_id, '`+role+`', r.area_id, r.valid_from from staff_role r join area a on a.id = r.area_id where a.code = 'MJ02' and r.role = 'approver'`)
	}
	kase.visit = s.planned(t, ref)
	counter := intake.starts(t, "/counter")
	intake.fills(t, "/counter/"+counter, append(aHousehold("Mama Ngina", ""), aFarm()...))
	intake.mustSave(t, "/counter/"+counter+"/people/2/name", one("full_name", "Nila"))
	intake.attaches(t, "/counter/"+counter+"/documents/2")
	s.scanned(t)
	hidden(t, s, routes, "admin", intake, north, kase,
		Thing{base: "/counter/for/:ref", ref: s.sql(t, `select ref from person where full_name = 'Tomás Rivera'`), unknown: newRef(registry.RefPerson)},
		Thing{base: "/counter/:ref", ref: counter, unknown: newRef(registry.RefCase), row: s.answerOf(t, counter, "->'fields'->'plots'->0->>'id'")})

	credential := newRef(registry.RefCredential)
	s.sql(t, `insert into credential (id, ref, person_id, type, format, dataset_hash, issued_at, expires_at, notification)
		select gen_random_uuid(), '`+credential+`', id, 'person-registration', 'dc+sd-jwt', '', now(), now() + interval '1 day', 'n'
		from person where full_name = 'Tomás Rivera'`)
	hidden(t, s, routes, "admin", signedIn(t, s.admin(), "en", "credential"), north, Thing{base: "/credentials/:ref", ref: credential, unknown: newRef(registry.RefCredential)})
	if page := north.mustGet(t, "/credentials?ref="+credential); strings.Contains(page, "Tomás") {
		t.Error("another region's credential is found")
	}
	// records, and a proposal to change one
	quality := signedIn(t, s.admin(), "en", "dataquality")
	person := s.sql(t, `select ref from person where full_name = 'Tomás Rivera'`)
	a, err := quality.post("/people/"+person+"/propose", url.Values{"base": {"1"}, "nature": {"correction"}, "reason": {"mistake"},
		"method": {"document"}, "note": {"His card"}, "full_name": {"Tomás Rivera Díaz"}, "sex": {"male"}})
	change := amendmentRef.FindString(a.header.Get("Location"))
	if err != nil || change == "" {
		t.Fatal(a.status, headings(a.body), err)
	}
	quality.mustSave(t, "/purpose", url.Values{"purpose": {"check"}, "to": {""}})
	undoing := func(a Address) bool { return strings.HasPrefix(a.Path, "/:lang/changes/:ref/undo") } // there for a merge that was done
	hidden(t, s, slices.DeleteFunc(slices.Clone(routes), undoing), "admin", quality, north,
		Thing{base: "/people/:ref", ref: person, unknown: newRef(registry.RefPerson)},
		Thing{base: "/households/:ref", ref: s.sql(t, `select h.ref from household h join membership m on m.household_id = h.id join person p on p.id = m.person_id where p.ref = '`+person+`'`), unknown: newRef(registry.RefHousehold)},
		Thing{base: "/groups/:ref", ref: s.sql(t, `select ref from group_record where type = 'union'`), unknown: newRef(registry.RefGroup)},
		Thing{base: "/changes/:ref", ref: change, unknown: newRef(registry.RefAmendment)})
	// two records of one person, and their merge
	pair := s.sql(t, `select ref from duplicate_pair`)
	hidden(t, s, routes, "admin", quality, north, Thing{base: "/duplicates/pairs/:ref", ref: pair, unknown: newRef(registry.RefPair)})
	a, err = quality.post("/duplicates/pairs/"+pair+"/merge", url.Values{"keep": {"a"}, "version_a": {"1"}, "version_b": {"1"}, "note": {"She said so"},
		"v.full_name": {"a"}, "v.home": {"b"}})
	merge := amendmentRef.FindString(a.header.Get("Location"))
	if err != nil || merge == "" {
		t.Fatal(a.status, headings(a.body), err)
	}
	s.agree(t, signedIn(t, s.admin(), "en", "verifier"), signedIn(t, s.admin(), "en", "approver"), merge)
	hidden(t, s, slices.DeleteFunc(slices.Clone(routes), func(a Address) bool { return !undoing(a) }), "admin", quality, north,
		Thing{base: "/changes/:ref", ref: merge, unknown: newRef(registry.RefAmendment)})
	if page := north.mustGet(t, "/duplicates"); strings.Contains(page, pair) {
		t.Error("another region's pair is listed")
	}
	if page := north.mustGet(t, "/changes"); strings.Contains(page, change) {
		t.Error("another region's proposal is listed")
	}
	if page := north.mustGet(t, "/cases"); strings.Contains(page, ref) {
		t.Error("another region's case is in the queue")
	}

	// a decision and an offer
	signedIn(t, s.admin(), "en", "verifier").recommends(t, ref, "approve")
	signedIn(t, s.admin(), "en", "approver").approves(t, ref)
	decision := s.decided(t, ref)
	offer := rosa.mustSave(t, "/credentials/offer", one("type", "household-registration")).to
	offer = offer[strings.LastIndex(offer, "/")+1:]
	hidden(t, s, routes, "portal", rosa, amina, kase, application, Thing{base: "/decisions/:ref", ref: decision, unknown: newRef(registry.RefDecision)},
		Thing{base: "/credentials/offers/:ref", ref: offer, unknown: strings.Repeat("a", len(offer))})
	hidden(t, s, routes, "portal", rosa, tomas, kase, Thing{base: "/decisions/:ref", ref: decision, unknown: newRef(registry.RefDecision)})
	ownPagesOnly(t, s, amina)
}

// planned has a visit planned for a case, and names it.
func (s *System) planned(t *testing.T, ref string) string {
	t.Helper()
	signedIn(t, s.admin(), "en", "verifier").mustSave(t, "/cases/"+ref+"/visits", url.Values{
		"on": {time.Now().AddDate(0, 0, 3).Format(time.DateOnly)}, "visitor": {s.sql(t, `select id from staff where name = 'Viktor Verifier'`)}, "what": {""}})
	return s.sql(t, `select v.id from case_visit v join case_file c on c.id = v.case_id where c.ref = '`+ref+`'`)
}

// attaches sends a photo that is one.
func (v *Visitor) attaches(t *testing.T, path string) {
	t.Helper()
	if a, err := v.upload(path, "photo", "certificate.jpg", photo()); err != nil || a.status != http.StatusSeeOther {
		t.Fatal(a.status, err)
	}
}

// decided waits for the programme's decision on the household of a case.
func (s *System) decided(t *testing.T, ref string) string {
	t.Helper()
	for range 200 {
		if d := s.sql(t, `select d.ref from decision d join case_file c on c.household_id = d.household_id
			where c.ref = '`+ref+`' and d.kind <> 'case' limit 1`); d != "" {
			return d
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatal("no decision was taken")
	return ""
}

// hidden has a stranger ask for things on every route that names them.
func hidden(t *testing.T, s *System, routes []Address, site string, owner, stranger *Visitor, things ...Thing) {
	t.Helper()
	for _, th := range things {
		asked := 0
		before := s.everything(t)
		for _, r := range routes {
			path, ok := r.local()
			if r.Site != site || !ok || path != th.base && !strings.HasPrefix(path, th.base+"/") {
				continue
			}
			asked++
			real, err := stranger.ask(r.Method, th.at(path, th.ref), form(path))
			if err != nil {
				t.Fatal(err)
			}
			if real.status != http.StatusNotFound {
				t.Errorf("%s %s of somebody else is answered with %d: %s", r.Method, path, real.status, headings(real.body))
			}
			for _, ref := range []string{th.unknown, "nonsense"} {
				none, err := stranger.ask(r.Method, th.at(path, ref), form(path))
				if err != nil {
					t.Fatal(err)
				}
				if got, want := real.whole(), none.whole(); got != want {
					t.Errorf("%s %s of somebody else is not answered as one that does not exist:\n%s\n\n%s", r.Method, path, got, want)
				}
			}
			if r.Method != http.MethodGet {
				continue
			}
			own, err := owner.ask(r.Method, th.at(path, th.ref), nil)
			if err != nil || own.status >= 400 && own.status != http.StatusForbidden { // another role's step
				t.Errorf("%s %s is not there for its owner either: %d %v", r.Method, path, own.status, err)
			}
		}
		if asked == 0 {
			t.Errorf("no route begins with %s", th.base)
		}
		if s.everything(t) != before {
			t.Errorf("a stranger changed something at %s", th.base)
		}
	}
}

// ask sends a request, with a form unless it is a GET.
func (v *Visitor) ask(method, path string, form url.Values) (Answer, error) {
	if method == http.MethodGet {
		return v.get(path)
	}
	return v.post(path, form)
}

// whole is all of an answer that its reader could compare, but the clock.
func (a Answer) whole() string {
	h := maps.Clone(a.header)
	delete(h, "Date")
	var b strings.Builder
	fmt.Fprintln(&b, a.status)
	_ = h.Write(&b)
	return b.String() + "\n" + a.body
}

// ownPagesOnly reads everything that somebody may read, whatever the query
// says: nobody of another household is on it.
func ownPagesOnly(t *testing.T, s *System, amina *Visitor) {
	t.Helper()
	others := strings.Split(s.sql(t, `select unnest(array[p.full_name, p.ref, h.ref]) from person p
		join membership m on m.person_id = p.id join household h on h.id = m.household_id
		where h.id <> (select m.household_id from membership m join person p on p.id = m.person_id where p.full_name = 'آمنة يوسف')`), "\n")
	if len(others) < 30 {
		t.Fatalf("only %d names of others", len(others))
	}
	for _, path := range []string{"/home", "/record", "/credentials", "/apply"} {
		for _, query := range []string{"", "?ref=", "?person=", "?household=", "?id="} {
			if query != "" {
				query += url.QueryEscape(others[1])
			}
			page := amina.mustGet(t, path+query)
			page = strings.ReplaceAll(page, query, "") // the language switch keeps it
			for _, other := range others {
				if strings.Contains(page, other) {
					t.Errorf("%s%s says %s to amina", path, query, other)
				}
			}
		}
	}
}

// policy is what each role may do, written down a second time: what auth/policy.go
// says is changed on purpose.
var policy = map[string][]string{
	"intake":      {"case.read", "case.ask", "case.intake", "person.search", "letter.print", "delegate.grant"},
	"verifier":    {"case.read", "case.ask", "case.recommend", "case.open", "person.read", "person.number", "change.read", "change.verify", "person.search", "duplicate.read", "filter.use", "emergency.ask"},
	"approver":    {"case.read", "case.decide", "account.link", "case.open", "area.read", "area.approve", "import.read", "import.approve", "person.read", "change.read", "change.approve", "person.search", "duplicate.read", "filter.use", "emergency.ask"},
	"approver2":   {"case.read", "case.decide", "account.link", "case.open", "area.read", "area.approve", "import.read", "import.approve", "person.read", "change.read", "change.approve", "person.search", "delay.read", "delay.request", "duplicate.read", "filter.use", "emergency.ask", "emergency.open", "hold.decide"},
	"appeals":     {"case.read", "case.ask", "case.recommend", "case.decide", "person.search", "letter.read", "letter.review"},
	"grievance":   {"case.read", "case.ask", "case.recommend", "case.decide", "person.search"},
	"protection":  {"case.read", "case.ask", "case.recommend", "case.decide", "account.link", "person.read", "person.protected", "person.number", "change.read", "change.propose", "person.search", "look.release", "duplicate.read", "duplicate.decide", "letter.print", "filter.use", "emergency.ask", "emergency.open"},
	"dataquality": {"case.read", "case.ask", "case.open", "field.edit", "area.read", "area.propose", "import.read", "import.run", "person.read", "person.number", "change.read", "change.propose", "person.search", "person.export", "filter.share", "duplicate.read", "duplicate.decide", "filter.use"},
	"programme":   {"freeze.edit", "person.search", "person.export", "filter.share", "delay.read", "delay.request", "letter.read", "letter.edit", "decision.send", "rule.read", "filter.use"},
	"credential":  {"credential.read", "credential.revoke", "person.search"},
	"auditor":     {"audit.read", "delay.read", "processing.read"},
	"dpo":         {"audit.read", "alert.read", "question.answer", "delay.read", "delay.decide", "look.release", "kin.end", "processing.read", "setting.read", "setting.approve", "erasure.approve"},
	"sysadmin":    {"field.edit", "setting.read", "setting.edit", "setting.approve", "outage.record"},
	"ministry":    {"rule.read", "rule.approve"},
	"support":     {"outage.record"},
}

// TestRolesKeepOut has every role ask for every page of the admin area: what
// its permission does not cover is refused before anything is looked up, so a
// case that exists is refused as one that does not.
func TestRolesKeepOut(t *testing.T) {
	t.Parallel()
	s := ownSystem(t)
	ref := signedIn(t, s.portal(), "en", "rosa").applies(t, "/apply", rosasHousehold())
	before := s.everything(t)
	for _, officer := range []string{
		"intake", "verifier", "approver", "approver2", "appeals", "grievance", "protection", "dataquality", "programme",
		"credential", "auditor", "dpo", "ministry", "sysadmin",
	} {
		v := signedIn(t, s.admin(), "en", officer)
		for _, r := range s.addresses(t) {
			path, ok := r.local()
			if r.Site != "admin" || !ok || r.Permission == "public" {
				continue
			}
			allowed := r.Permission == "staff" || slices.Contains(policy[officer], r.Permission)
			if allowed && r.Method != http.MethodGet {
				continue // other tests do
			}
			th := Thing{base: path, ref: ref, unknown: newRef(registry.RefCase), row: "1"}
			real, err := v.ask(r.Method, th.at(path, th.ref), form(path))
			if err != nil {
				t.Fatal(err)
			}
			if (real.status == http.StatusForbidden) == allowed {
				t.Errorf("%s: %s %s is answered with %d", officer, r.Method, path, real.status)
			}
			if allowed {
				continue
			}
			if none, err := v.ask(r.Method, th.at(path, th.unknown), form(path)); err != nil || none.whole() != real.whole() {
				t.Errorf("%s can tell from %s %s whether a case exists (%v)", officer, r.Method, path, err)
			}
		}
	}
	if s.everything(t) != before {
		t.Error("somebody without the role changed something")
	}
}

// surplus are inputs that no form has and a careless program would take.
var surplus = url.Values{
	"status": {"approved"}, "state": {"approved"}, "decided_by": {"00000000-0000-7000-8000-000000000001"}, "person_id": {"1"},
	"account_id": {"1"}, "id_verified": {"true"}, "version": {"9"}, "approved_by": {"1"}, "outcome_state": {"eligible"},
}

// TestSurplusInputs posts inputs that the page does not have, along with a good
// form: they are refused, not ignored, and nothing changes.
func TestSurplusInputs(t *testing.T) {
	t.Parallel()
	s := ownSystem(t)
	routes := s.addresses(t)
	rosa := signedIn(t, s.portal(), "en", "rosa")
	ref := rosa.starts(t, "/apply")
	rosa.fills(t, "/apply/"+ref, rosasHousehold())
	refuseSurplus(t, s, routes, "portal", rosa, ref)
	rosa.mustSave(t, "/apply/"+ref+"/check", form("/apply/:ref/check"))

	intake := signedIn(t, s.admin(), "en", "intake")
	counter := intake.starts(t, "/counter")
	intake.fills(t, "/counter/"+counter, aHousehold("Mama Ngina", ""))
	intake.mustSave(t, "/counter/"+counter+"/people", one("another", "yes"))
	refuseSurplus(t, s, routes, "admin", intake, counter)
	verifier := signedIn(t, s.admin(), "en", "verifier")
	refuseSurplus(t, s, routes, "admin", verifier, ref)
	verifier.recommends(t, ref, "approve")
	refuseSurplus(t, s, routes, "admin", signedIn(t, s.admin(), "en", "approver"), ref)
	if got := s.sql(t, `select state from case_file where ref = '`+ref+`'`); got != "recommended" {
		t.Errorf("the case is %s", got)
	}
}

func refuseSurplus(t *testing.T, s *System, routes []Address, site string, v *Visitor, ref string) {
	t.Helper()
	before, refused := s.everything(t), 0
	for _, r := range routes {
		path, ok := r.local()
		if r.Site != site || !ok || r.Method != http.MethodPost || path == "/sign-out" {
			continue
		}
		for name, value := range surplus {
			f := maps.Clone(form(path))
			if f == nil {
				f = url.Values{}
			}
			f[name] = value
			a, err := v.post(Thing{}.at(path, ref), f)
			if err != nil {
				t.Fatal(err)
			}
			switch a.status {
			case http.StatusBadRequest:
				refused++
			case http.StatusForbidden, http.StatusNotFound: // not this role's, or another kind of thing
			default:
				t.Errorf("%s with %s is answered with %d", path, name, a.status)
			}
		}
	}
	if refused < len(surplus) {
		t.Errorf("only %d forms were looked at", refused)
	}
	if s.everything(t) != before {
		t.Error("surplus inputs changed something")
	}
}
