package e2e

import (
	"crypto/rand"
	"fmt"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"daftar/registry"
)

// Cells counts what the access matrix asked and what was answered otherwise than
// the policy says.
type Cells struct {
	t     *testing.T
	asked atomic.Int64
	mu    sync.Mutex
	wrong map[string][]string // route and what is wrong: for whom
}

func (c *Cells) deviates(who string, r Address, format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	what := r.Site + " " + r.Method + " " + r.Path + ": " + fmt.Sprintf(format, args...)
	c.wrong[what] = append(c.wrong[what], who)
}

func (c *Cells) report() {
	c.t.Logf("%d cells of the access matrix, %d deviations", c.asked.Load(), len(c.wrong))
	for _, what := range slices.Sorted(maps.Keys(c.wrong)) {
		c.t.Errorf("%s\n\tfor %s", what, strings.Join(c.wrong[what], ", "))
	}
}

// ask sends what a route could be sent, as a program would.
func (c *Cells) ask(v *Visitor, r Address, path string) Answer {
	c.asked.Add(1)
	var a Answer
	var err error
	if r.Method == http.MethodGet {
		a, err = v.get(path)
	} else {
		a, err = v.send(r.Method, path, "application/x-www-form-urlencoded", strings.NewReader(form(strings.TrimPrefix(r.Path, "/:lang")).Encode()))
	}
	if err != nil {
		c.t.Error(err)
	}
	return a
}

// holding is a visitor with a session that was made in the database.
func (s *System) holding(t *testing.T, site, base, subject string, strong bool) *Visitor {
	t.Helper()
	secret := rand.Text()
	column, age := "account_id", "null"
	if site == "admin" {
		column = "staff_id"
	}
	if strong {
		age = "now()"
	}
	s.sql(t, fmt.Sprintf(`insert into session (id, token_hash, audience, %s, auth_time, created_at, seen_at, expires_at, strong_at)
		values (gen_random_uuid(), sha256('%s'), '%s', '%s', now(), now(), now(), now() + interval '8 hours', %s)`, column, secret, site, subject, age))
	v := newVisitor(t, base, "en")
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	jar.SetCookies(u, []*http.Cookie{{Name: "daftar_" + site, Value: secret, Path: "/"}})
	v.client.Jar = jar
	return v
}

// officer makes a member of staff with one role in one area.
func (s *System) officer(t *testing.T, role, area string) string {
	t.Helper()
	return s.sql(t, fmt.Sprintf(`with s as (insert into staff (id, provider, sub, name) values (gen_random_uuid(), 'staff', 'matrix-%[1]s-%[2]s', 'M. %[1]s') returning id)
		, r as (insert into staff_role (staff_id, role, area_id, valid_from) select s.id, '%[1]s', a.id, now() - interval '1 day' from s, area a where a.code = '%[2]s')
		select id from s`, role, area))
}

// TestAccessMatrix asks for every route of every site as every kind of principal,
// for what is theirs, another area's or person's, absent and malformed. What is
// expected follows from the route's permission, the policy and the relation.
func TestAccessMatrix(t *testing.T) {
	t.Parallel()
	s := ownSystem(t)
	cells := &Cells{t: t, wrong: map[string][]string{}}
	routes := s.addresses(t)

	rosa := signedIn(t, s.portal(), "en", "rosa")
	ref := rosa.applies(t, "/apply", rosasHousehold())
	intake := signedIn(t, s.admin(), "en", "intake")
	draft := intake.starts(t, "/counter")
	person := s.sql(t, `select ref from person where full_name = 'Tomás Rivera'`)
	quality := signedIn(t, s.admin(), "en", "dataquality")
	a, err := quality.post("/people/"+person+"/propose", url.Values{"base": {"1"}, "nature": {"correction"}, "reason": {"mistake"},
		"method": {"document"}, "note": {"His card"}, "full_name": {"Tomás Rivera Díaz"}, "sex": {"male"}})
	change := amendmentRef.FindString(a.header.Get("Location"))
	if err != nil || change == "" {
		t.Fatal(a.status, headings(a.body), err)
	}
	things := []Thing{
		{base: "/cases/:ref", ref: ref, unknown: newRef(registry.RefCase), visit: s.planned(t, ref)},
		{base: "/counter/for/:ref", ref: person, unknown: newRef(registry.RefPerson)},
		{base: "/counter/:ref", ref: draft, unknown: newRef(registry.RefCase), row: "1"},
		{base: "/people/:ref", ref: person, unknown: newRef(registry.RefPerson)},
		{base: "/households/:ref", ref: s.sql(t, `select h.ref from household h join membership m on m.household_id = h.id join person p on p.id = m.person_id where p.ref = '`+person+`'`), unknown: newRef(registry.RefHousehold)},
		{base: "/groups/:ref", ref: s.sql(t, `select ref from group_record where type = 'union'`), unknown: newRef(registry.RefGroup)},
		{base: "/changes/:ref", ref: change, unknown: newRef(registry.RefAmendment)},
		{base: "/duplicates/pairs/:ref", ref: s.sql(t, `select ref from duplicate_pair`), unknown: newRef(registry.RefPair)},
	}
	officers, citizens := s.officers(t), s.citizens(t)
	before := s.everything(t)
	s.staffCells(t, cells, officers, routes, things)
	s.citizenCells(t, cells, citizens, routes, Thing{base: "/cases/:ref", ref: ref, unknown: newRef(registry.RefCase)}, Thing{base: "/apply/:ref", ref: ref, unknown: newRef(registry.RefCase), row: "1"})
	s.anonymousCells(t, cells, routes, things)
	if s.everything(t) != before {
		t.Error("something changed that nobody had a right to")
	}
	s.kinCells(t, cells, routes, citizens)
	s.publicCells(t, cells, routes)
	// A role that ended is refused with the next request.
	v := officers["verifier"].own
	if a, err := v.get("/cases"); err != nil || a.status != http.StatusOK {
		t.Fatal(a.status, err)
	}
	s.sql(t, `update staff_role set valid_to = now() where role = 'verifier' and staff_id in (select id from staff where sub like 'matrix-%')`)
	if a, err := v.get("/cases"); err != nil || a.status != http.StatusForbidden {
		t.Error("a role that ended is answered with ", a.status, err)
	}
	cells.report()
}

// thingOf is the thing that a route is about, if the test has one.
func thingOf(path string, things []Thing) (Thing, bool) {
	for _, th := range things {
		if path == th.base || strings.HasPrefix(path, th.base+"/") {
			return th, true
		}
	}
	return Thing{}, false
}

// Officers are of one role: in the capital, where the things are; in the north;
// and again in the capital, without a step-up.
type Officers struct{ own, other, weak *Visitor }

func (s *System) officers(t *testing.T) map[string]Officers {
	t.Helper()
	officers := map[string]Officers{}
	for role := range policy {
		own := s.officer(t, role, "MJ01")
		officers[role] = Officers{s.holding(t, "admin", s.admin(), own, true), s.holding(t, "admin", s.admin(), s.officer(t, role, "MJ02"), true), s.holding(t, "admin", s.admin(), own, false)}
	}
	return officers
}

// staffCells: each role, in the capital and in the north.
func (s *System) staffCells(t *testing.T, cells *Cells, officers map[string]Officers, routes []Address, things []Thing) {
	t.Helper()
	var all sync.WaitGroup
	turn := make(chan struct{}, 4)
	for role, o := range officers {
		all.Go(func() {
			turn <- struct{}{}
			defer func() { <-turn }()
			for _, r := range routes {
				path, ok := r.local()
				if r.Site != "admin" || !ok || r.Permission == "public" || strings.HasPrefix(path, "/sign-ins") || path == "/stay" || path == "/sign-out" {
					continue
				}
				th, known := thingOf(path, things)
				if !known {
					th = Thing{base: path, ref: newRef(registry.RefCase), unknown: newRef(registry.RefCase), row: "1"}
				}
				allowed := r.Permission == "staff" || slices.Contains(policy[role], r.Permission)
				if !allowed {
					real := cells.ask(o.own, r, th.at(path, th.ref))
					if real.status != http.StatusForbidden {
						cells.deviates(role, r, "answered with %d without the permission", real.status)
					}
					for name, v := range map[string]*Visitor{"in the north": o.other, "without a step-up": o.weak} {
						if a := cells.ask(v, r, th.at(path, th.ref)); a.whole() != real.whole() {
							cells.deviates(role+" "+name, r, "not answered as in the capital")
						}
					}
					for _, id := range []string{th.unknown, "nonsense"} {
						if a := cells.ask(o.own, r, th.at(path, id)); a.whole() != real.whole() {
							cells.deviates(role, r, "tells whether something exists")
						}
					}
					continue
				}
				if r.Strong { // whatever is sent, there or not: the step-up comes first
					for _, id := range []string{th.ref, th.unknown, "nonsense"} {
						if a := cells.ask(o.weak, r, th.at(path, id)); a.status != http.StatusSeeOther || !strings.Contains(a.to, "/step-up?") {
							cells.deviates(role, r, "answered with %d without a step-up", a.status)
						}
					}
				}
				if !strings.Contains(path, "/:") {
					if r.Method == http.MethodGet {
						if a := cells.ask(o.own, r, path); a.status >= 400 && a.status != http.StatusPreconditionRequired {
							cells.deviates(role, r, "answered with %d though it is permitted", a.status)
						}
					}
					continue
				}
				none := cells.ask(o.own, r, th.at(path, th.unknown))
				if known && none.status != http.StatusNotFound {
					cells.deviates(role, r, "what is not there is answered with %d", none.status)
				}
				if a := cells.ask(o.own, r, th.at(path, "nonsense")); a.whole() != none.whole() && known {
					cells.deviates(role, r, "a malformed reference is not answered as one that does not exist: %d and %d", a.status, none.status)
				}
				if !known {
					continue
				}
				if a := cells.ask(o.other, r, th.at(path, th.ref)); a.whole() != none.whole() {
					cells.deviates(role, r, "another area's is not answered as one that does not exist: %d and %d", a.status, none.status)
				}
				if r.Method == http.MethodGet {
					if a := cells.ask(o.own, r, th.at(path, th.ref)); a.status >= 500 {
						cells.deviates(role, r, "answered with %d", a.status)
					}
				}
			}
		})
	}
	all.Wait()
}

// citizens are people to whom something of another might seem to belong.
func (s *System) citizens(t *testing.T) map[string]*Visitor {
	t.Helper()
	account := func(name, person string) string {
		return s.sql(t, fmt.Sprintf(`insert into account (id, provider, sub, person_id, created_at) values (gen_random_uuid(), 'citizen', 'matrix-%s', (%s), now()) returning id`, name, person))
	}
	byName := func(latin string) string {
		return `select id from person where full_name_latin = '` + latin + `' limit 1`
	}
	principals := map[string]string{
		"not registered":            account("none", `select null::uuid`),
		"head of another household": account("head", byName("Amina Yusuf")),
		"member of another household": account("member", `select m.person_id from membership m join person p on p.id = m.person_id
			where m.household_id = (select household_id from membership x join person y on y.id = x.person_id where y.full_name_latin = 'Amina Yusuf' and x.tie = 'usual' and x.end_date is null) and m.relationship <> 'head' limit 1`),
		"protected": account("protected", `select p.id from person p join membership m on m.person_id = p.id join household h on h.id = m.household_id where h.protected limit 1`),
	}
	visitors := map[string]*Visitor{}
	for who, id := range principals {
		visitors[who] = s.holding(t, "portal", s.portal(), id, true)
	}
	return visitors
}

// citizenCells: what is one person's, asked for by others.
func (s *System) citizenCells(t *testing.T, cells *Cells, citizens map[string]*Visitor, routes []Address, things ...Thing) {
	t.Helper()
	var all sync.WaitGroup
	for who, v := range citizens {
		all.Go(func() {
			for _, r := range routes {
				path, ok := r.local()
				if r.Site != "portal" || !ok || !strings.Contains(path, "/:") {
					continue
				}
				th, known := thingOf(path, things)
				if !known {
					continue
				}
				none := cells.ask(v, r, th.at(path, th.unknown))
				if none.status != http.StatusNotFound {
					cells.deviates(who, r, "what is not there is answered with %d", none.status)
				}
				for name, ref := range map[string]string{"another person's": th.ref, "a malformed one": "nonsense"} {
					if a := cells.ask(v, r, th.at(path, ref)); a.whole() != none.whole() {
						cells.deviates(who, r, "%s is not answered as one that does not exist: %d and %d", name, a.status, none.status)
					}
				}
			}
		})
	}
	all.Wait()
}

// anonymousCells: nobody in particular is led to the sign-in, whatever they ask
// for.
func (s *System) anonymousCells(t *testing.T, cells *Cells, routes []Address, things []Thing) {
	t.Helper()
	for _, r := range routes {
		path, ok := r.local()
		if !ok || r.Permission == "public" || r.Site != "admin" && r.Site != "portal" {
			continue
		}
		base := map[string]string{"admin": s.admin(), "portal": s.portal()}[r.Site]
		v := newVisitor(t, base, "en")
		th, known := thingOf(path, things)
		if !known {
			th = Thing{base: path, ref: newRef(registry.RefCase), unknown: newRef(registry.RefCase), row: "1"}
		}
		for _, ref := range []string{th.ref, th.unknown, "nonsense"} {
			if a := cells.ask(v, r, th.at(path, ref)); a.status != http.StatusSeeOther || !strings.HasPrefix(a.to, base+"/en/sign-in") {
				cells.deviates("anonymous", r, "answered with %d %s", a.status, a.to)
			}
		}
	}
}
