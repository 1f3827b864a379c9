package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"daftar/registry"
)

// kin are people around Amina Yusuf, by what they are to her: none may more than
// somebody who never heard of her, but for what the relation gives (RULES R4).
func (s *System) kin(t *testing.T) map[string]*Visitor {
	t.Helper()
	id := func(name string) string {
		return `select id from person where '` + name + `' in (full_name_latin, full_name) limit 1`
	}
	home := `select household_id from membership m where m.person_id = (` + id("Amina Yusuf") + `) and m.tie = 'usual' and m.end_date is null`
	// Zawadi lived there once; Joseph is a guardian of the child, and no relative;
	// Bilal's daughter of an earlier marriage has turned eighteen and lives there.
	s.sql(t, `insert into membership (id, household_id, person_id, tie, relationship, start_date, end_date, end_reason)
			select gen_random_uuid(), (`+home+`), id, 'other', 'other_relative', '2020-01-01', '2024-01-01', 'separated' from person where 'Zawadi Mushi' in (full_name_latin, full_name) limit 1;
		insert into relation (id, person_id, type, other_id) select gen_random_uuid(), (`+id("Joseph Okello")+`), 'guardian', (`+id("Sara Yusuf")+`);
		insert into person (id, ref, version, change_id, full_name, full_name_latin, sex, birth_from, birth_to)
			select gen_random_uuid(), '`+newRef(registry.RefPerson)+`', 1, change_id, 'Nadia Yusuf', 'Nadia Yusuf', 'female', current_date - interval '18 years', current_date - interval '18 years' from person where full_name_latin = 'Sara Yusuf';
		insert into membership (id, household_id, person_id, tie, relationship, start_date) select gen_random_uuid(), (`+home+`), (`+id("Nadia Yusuf")+`), 'usual', 'child', '2010-01-01';
		insert into relation (id, person_id, type, other_id) select gen_random_uuid(), (`+id("Amina Yusuf")+`), 'parent', (`+id("Nadia Yusuf")+`)`)
	visitors := map[string]*Visitor{}
	for who, latin := range map[string]string{
		"spouse": "Bilal Yusuf", "ex-member": "Zawadi Mushi", "guardian of her child": "Joseph Okello", "child turned 18": "Nadia Yusuf", "child": "Sara Yusuf", "delegate": "Tomás Rivera",
	} {
		account := s.sql(t, fmt.Sprintf(`insert into account (id, provider, sub, person_id, created_at) select gen_random_uuid(), 'citizen', 'kin-%s', id, now() from person where '%s' in (full_name_latin, full_name) limit 1 returning id`,
			strings.ReplaceAll(who, " ", "-"), latin))
		visitors[who] = s.holding(t, "portal", s.portal(), account, true)
		if who == "delegate" {
			s.sql(t, `set session_replication_role = replica; insert into delegation (id, ref, person_id, account_id, role, kinds, valid_from, valid_to, granted_by_kind, granted_by, granted_at)
				select gen_random_uuid(), '`+newRef(registry.RefDelegation)+`', (`+id("Amina Yusuf")+`), '`+account+`', 'helper', '{birth}', current_date - 1, current_date + 30, 'citizen', gen_random_uuid(), now()`)
		}
	}
	return visitors
}

// kinCells: what is Amina's, asked for by everybody around her, and by who acts for
// her in something else.
func (s *System) kinCells(t *testing.T, cells *Cells, routes []Address, citizens map[string]*Visitor) {
	t.Helper()
	amina := signedIn(t, s.portal(), "en", "amina")
	job, birth := amina.tells(t, "job"), amina.tells(t, "birth")
	consent := amina.mustSave(t, "/consents/give/research", one("version", "1")).to
	offer := amina.mustSave(t, "/credentials/offer", one("type", "household-registration")).to
	amina.mustSave(t, "/record/copy", nil)
	s.reader(t, "en", "verifier").mustGet(t, s.record(t, "Amina Yusuf"))
	s.until(t, `select ref from data_copy where ready_at is not null`)
	people := s.kin(t)
	last := func(address string) string { return address[strings.LastIndex(address, "/")+1:] }
	person := func(latin string) string {
		return s.sql(t, `select ref from person where full_name_latin = '`+latin+`'`)
	}
	things := []Thing{
		{base: "/request/:ref", ref: job, unknown: newRef(registry.RefCase), page: "who"},
		{base: "/consents/:ref", ref: last(consent), unknown: newRef(registry.RefConsent)},
		{base: "/credentials/offers/:ref", ref: last(offer), unknown: strings.Repeat("a", len(last(offer)))},
		{base: "/notices/:ref", ref: s.sql(t, `select ref from notice where person_id = (select id from person where full_name_latin = 'Amina Yusuf') limit 1`), unknown: newRef(registry.RefNotice)},
		{base: "/record/copy/:ref", ref: s.sql(t, `select ref from data_copy`), unknown: newRef(registry.RefCopy)},
	}
	// where nobody asks about it, her own page is there for her: it is what the others lack
	for _, th := range things {
		for _, r := range routes {
			if path, _ := r.local(); r.Site == "portal" && path == th.base && r.Method == http.MethodGet {
				if a := cells.ask(amina, r, th.at(path, th.ref)); a.status >= 400 {
					cells.deviates("herself", r, "answered with %d", a.status)
				}
			}
		}
	}
	var all sync.WaitGroup
	for who, v := range people {
		all.Go(func() {
			for _, r := range routes {
				path, ok := r.local()
				th, known := thingOf(path, things)
				if r.Site != "portal" || !ok || !known {
					continue
				}
				none := cells.ask(v, r, th.at(path, th.unknown))
				if none.status != http.StatusNotFound {
					cells.deviates(who, r, "what is not there is answered with %d", none.status)
				}
				for name, ref := range map[string]string{"Amina's": th.ref, "a malformed one": "nonsense"} {
					if a := cells.ask(v, r, th.at(path, ref)); a.whole() != none.whole() {
						cells.deviates(who, r, "%s is not answered as one that does not exist: %d and %d", name, a.status, none.status)
					}
				}
			}
		})
	}
	all.Wait()

	// who acts for her in births sees the one that they began for her, and none that
	// she began herself
	begun := caseRef.FindString(people["delegate"].mustSave(t, "/delegates/"+s.sql(t, `select ref from delegation`)+"/start", one("kind", "birth")).to)
	child := Address{Site: "portal", Method: http.MethodGet, Path: "/:lang/record/people/:ref"}
	request := Address{Site: "portal", Method: http.MethodGet, Path: "/:lang/request/:ref"}
	people["herself"], people["somebody else"], people["protected"] = amina, citizens["not registered"], citizens["protected"]
	for _, c := range []struct {
		route Address
		path  string
		may   []string // everybody else gets what is not there
	}{
		{child, "/record/people/" + person("Sara Yusuf"), []string{"herself", "guardian of her child"}},
		{child, "/record/people/" + person("Nadia Yusuf"), nil}, // of age: nobody's ward
		{child, "/record/people/" + person("Bilal Yusuf"), nil}, // an adult
		{request, "/request/" + job, []string{"herself"}},
		{request, "/request/" + birth, []string{"herself"}},
		{request, "/request/" + begun, []string{"herself", "delegate"}},
	} {
		for who, v := range people {
			none := cells.ask(v, c.route, c.path[:strings.LastIndex(c.path, "/")+1]+"nonsense")
			a := cells.ask(v, c.route, c.path)
			if may := strings.Contains("|"+strings.Join(c.may, "|")+"|", "|"+who+"|"); may && a.status >= 400 || !may && a.whole() != none.whole() {
				cells.deviates(who, c.route, "%s is answered with %d, and what is not there with %d", c.path, a.status, none.status)
			}
		}
	}
}

// publicCells: what anybody may ask for, by references that nobody has and by
// malformed ones: of wallets, and of the log. The two are the same bytes.
func (s *System) publicCells(t *testing.T, cells *Cells, routes []Address) {
	t.Helper()
	unknown := map[string]string{":ref": strings.Repeat("a", 43), ":leaf": strings.Repeat("0", 64), ":list": "999", ":type": "nothing", ":version": "9", ":kind": "nothing", ":level": "9", "*": "999", ":lang": "en"}
	asked := 0
	for _, r := range routes {
		if !strings.Contains(strings.TrimPrefix(r.Path, "/:lang"), ":") || r.Permission != "public" || r.Method != http.MethodGet || r.Site != "issuer" && r.Site != "portal" {
			continue
		}
		base := map[string]string{"portal": s.portal(), "issuer": s.issuer()}[r.Site]
		v := newVisitor(t, base, "en")
		fill := func(other string) string {
			path := r.Path
			for name, value := range unknown {
				if other != "" && name != ":lang" {
					value = other
				}
				path = strings.Replace(path, name, value, 1)
			}
			return base + path
		}
		none := cells.ask(v, r, fill(""))
		if asked++; none.status != http.StatusNotFound {
			cells.deviates("anybody", r, "what is not there is answered with %d", none.status)
		}
		for _, bad := range []string{"nonsense", "%00", "..%2f..%2fetc", "-1", strings.Repeat("9", 40)} {
			if a := cells.ask(v, r, fill(bad)); a.status >= 500 || a.status == none.status && a.whole() != none.whole() {
				cells.deviates("anybody", r, "%s is not answered as what is not there: %d", bad, a.status)
			}
		}
	}
	if asked < 4 {
		t.Errorf("only %d public routes were asked", asked)
	}
}
