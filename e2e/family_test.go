package e2e

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// TestHeadDies: her husband tells of it at the counter. Nothing stops by the
// report; with proof and two officials the payments pass to the alternative, the
// headship is vacant, and nobody applies again (RULES R16).
func TestHeadDies(t *testing.T) {
	t.Parallel()
	for _, lang := range []string{"en", "ar"} {
		t.Run(lang, func(t *testing.T) {
			t.Parallel()
			s := ownSystem(t)
			his := s.sql(t, `select ref from person where full_name_latin = 'Bilal Yusuf'`)
			hers := s.sql(t, `select ref from person where full_name_latin = 'Amina Yusuf'`)
			enrolled := `select count(*) from decision d join membership m on m.household_id = d.household_id join person p on p.id = m.person_id
				where p.full_name_latin = 'Bilal Yusuf' and d.kind = 'programme' and d.superseded_at is null and d.outcome = 'eligible'`
			before := s.sql(t, enrolled)

			desk := newBrowser(t, "death-desk", s.admin(), lang, lang == "en")
			desk.staffSignIn("intake")
			ref := desk.tellsAtTheCounter(his, "death", func() {
				desk.choose("answer", hers)
				desk.next()
				day := time.Now().AddDate(0, 0, -3)
				desk.fill("answer-day", day.Format("2"))
				desk.fill("answer-month", day.Format("1"))
				desk.fill("answer-year", day.Format("2006"))
				desk.next()
				desk.next() // who receives the payments is left open: he is there already
				desk.next() // and so is who cares for the children
				desk.look("proof")
				desk.choose("kind", "burial_permit")
				desk.attach("photo", "permit.jpg", photo())
				desk.press(`button[name=do][value=add]`)
				desk.press(`button[name=do][value=on]`)
			})
			if got := s.sql(t, `select status from person where ref = '`+hers+`'`); got != "active" {
				t.Errorf("a report alone made her %s", got)
			}
			if n := s.sql(t, `select count(*) from notice where created_at > now() - interval '1 hour' and person_id = (select id from person where ref = '`+hers+`')`); n != "0" {
				t.Errorf("%s pieces of news for somebody reported dead", n)
			}
			signedIn(t, s.admin(), lang, "verifier").recommends(t, ref, "approve")
			approver := desk.colleague("death-approver", s.admin())
			approver.staffSignIn("approver")
			approver.open("/cases/" + ref)
			approver.look("case")
			approver.pressText(approver.say("case.approve"))
			approver.next()
			approver.says(approver.say("office.state.approved"))

			if got := s.sql(t, `select status from person where ref = '`+hers+`'`); got != "deceased" {
				t.Errorf("she is %q", got)
			}
			if got := s.sql(t, `select string_agg(p.full_name_latin, ' ') from membership_role r join person p on p.id = r.person_id
				join membership m on m.person_id = p.id and m.household_id = r.household_id where r.role = 'payee' and r.end_date is null and m.household_id = (
				select household_id from membership b join person x on x.id = b.person_id where x.ref = '`+his+`' and b.end_date is null)`); got != "Bilal Yusuf" {
				t.Errorf("paid is %q", got)
			}
			if after := s.sql(t, enrolled); after != before || before == "0" {
				t.Errorf("%s decisions in their favour before, %s after", before, after)
			}
			home := s.sql(t, `select h.ref from household h join membership m on m.household_id = h.id join person p on p.id = m.person_id where p.ref = '`+his+`'`)
			record := desk.colleague("death-record", s.admin())
			record.staffSignIn("dataquality")
			record.needs("/households/"+home, "correction")
			record.look("household")
		})
	}
}

// tellsAtTheCounter finds somebody, tells of an event for them, and comes to the
// receipt.
func (b *Browser) tellsAtTheCounter(person, kind string, answers func()) (ref string) {
	b.t.Helper()
	b.open("/counter")
	b.look("counter")
	b.fill("ref", person)
	b.press(`form[action$="/counter/find"] button[type=submit]`)
	b.look("for")
	b.press(`form[action$="/counter/for/` + person + `"] button[value=` + kind + `]`)
	if ref = caseRef.FindString(b.location()); ref == "" {
		b.t.Fatalf("at %s", b.location())
	}
	b.look("first")
	answers()
	b.look("check")
	b.choose("agree", "yes")
	b.next()
	b.says(ref)
	b.look("receipt")
	return ref
}

// TestHeadOfSixteen: a household of children only. He is its head and tells what
// happened himself; an adult who is appointed receives the money, and no child can
// be put in her place (RULES R15, R17).
func TestHeadOfSixteen(t *testing.T) {
	t.Parallel()
	s := ownSystem(t)
	ibrahim := newBrowser(t, "sixteen-ibrahim", s.portal(), "ar", true)
	ibrahim.open("/sign-in?to=/record")
	ibrahim.signIn("ibrahim")
	ibrahim.says("خديجة عمر", "يحيى عمر")
	ibrahim.look("record")
	ibrahim.begins("payee")
	ibrahim.hides("خديجة عمر", "يحيى عمر")
	ibrahim.look("payee")
	child := s.sql(t, `select ref from person where full_name_latin = 'Khadija Omar'`)
	v := signedIn(t, s.portal(), "ar", "ibrahim")
	ref := v.tells(t, "payee")
	v.mustAnswer(t, http.MethodPost, "/request/"+ref+"/q/who", one("answer", child), http.StatusUnprocessableEntity)

	ref = ibrahim.begins("moved")
	ibrahim.choose("answer", "all")
	ibrahim.next()
	for _, area := range []string{"MJ01", "MJ0101", "MJ010102"} {
		ibrahim.choose("answer", area)
		ibrahim.next()
	}
	ibrahim.fill("answer", "فوق المخبز")
	ibrahim.next()
	ibrahim.next()
	ibrahim.press(`button[name=do][value=on]`)
	ibrahim.look("check")
	ibrahim.choose("agree", "yes")
	ibrahim.next()
	ibrahim.look("receipt")
	signedIn(t, s.admin(), "ar", "verifier").recommends(t, ref, "approve")
	signedIn(t, s.admin(), "ar", "approver").approves(t, ref)
	if got := s.sql(t, `select a.code from household h join area a on a.id = h.area_id join membership m on m.household_id = h.id join person p on p.id = m.person_id
		where p.full_name_latin = 'Ibrahim Omar' and m.end_date is null`); got != "MJ010102" {
		t.Errorf("they live in %s", got)
	}
	if got := s.sql(t, `select p.full_name_latin from membership_role r join person p on p.id = r.person_id join membership m on m.household_id = r.household_id
		join person i on i.id = m.person_id where i.full_name_latin = 'Ibrahim Omar' and r.role = 'payee' and r.end_date is null and m.end_date is null`); got != "Fatima Hassan" {
		t.Errorf("%s receives what his household gets", got)
	}
}

// TestSecondWife: she and her children are a household of their own; her husband
// lives with his first wife. She tells of a birth; nobody is moved by it, and
// neither household sees the other's (RULES R4, R15).
func TestSecondWife(t *testing.T) {
	t.Parallel()
	s := ownSystem(t)
	zawadi := newBrowser(t, "second-wife", s.portal(), "en", false)
	zawadi.open("/sign-in?to=/record")
	zawadi.signIn("zawadi")
	zawadi.says("Neema Mushi", "Juma Mushi")
	zawadi.hides("Halima Mushi", "blue gate")
	zawadi.look("record")
	hers := s.sql(t, `select ref from person where full_name = 'Zawadi Mushi'`)
	where := `select string_agg(p.full_name || ' in ' || h.ref, ', ' order by p.full_name) from membership m join household h on h.id = m.household_id
		join person p on p.id = m.person_id where p.full_name like '%Mushi' and p.full_name <> 'Imani Mushi' and m.tie = 'usual' and m.end_date is null`
	before := s.sql(t, where)
	v := signedIn(t, s.portal(), "en", "zawadi")
	ref := v.tells(t, "birth")
	born := time.Now().AddDate(0, 0, -4)
	v.fills(t, "/request/"+ref, []Page{
		{"q/parent", one("answer", hers)},
		{"q/other_parent", one("answer", "")},
		{"q/born", url.Values{"answer-day": {born.Format("2")}, "answer-month": {born.Format("1")}, "answer-year": {born.Format("2006")}}},
		{"q/babies", one("another", "yes")},
		{"q/babies/rows/new", url.Values{"name": {"Imani Mushi"}, "sex": {"female"}}},
		{"q/babies", one("another", "no")},
		{"proof", one("do", "on")},
	})
	if page := v.mustGet(t, "/request/"+ref+"/q/other_parent"); strings.Contains(page, "Juma Mushi") {
		t.Error("he is offered as one who lives there")
	}
	v.mustSave(t, "/request/"+ref+"/check", url.Values{"note": {""}, "agree": {"yes"}})
	signedIn(t, s.admin(), "en", "verifier").recommends(t, ref, "approve")
	signedIn(t, s.admin(), "en", "approver").approves(t, ref)
	zawadi.open("/record")
	zawadi.says("Imani Mushi")
	zawadi.hides("Halima Mushi")
	zawadi.look("record-after")
	if after := s.sql(t, where); after != before {
		t.Errorf("they lived %s and live %s", before, after)
	}
}
