package e2e

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// secrets are what only the person may read: planted in the record, one of each
// kind, each with a token of its own.
func (s *System) plant(t *testing.T, latin, token string) {
	t.Helper()
	s.sql(t, fmt.Sprintf(`update change_item set data = data || jsonb_build_object('other_names', 'Other%[2]s', 'tags', jsonb_build_array('tag%[2]s'),
			'fields', coalesce(data->'fields', '{}') || '{"disability": "yes"}',
			'contacts', jsonb_build_array(jsonb_build_object('kind', 'phone', 'value', '+25470%[2]s', 'owner', 'own', 'safe', jsonb_build_array('codes')),
			                              jsonb_build_object('kind', 'email', 'value', 'secret%[2]s@example.org', 'owner', 'own', 'protected', true)))
		where subject_id = (select id from person where full_name_latin = '%[1]s' or full_name = '%[1]s') and kind = 'person'`, latin, token))
	s.sql(t, fmt.Sprintf(`insert into identifier (subject_kind, subject_id, type, value, provenance)
		select 'person', id, 'passport', 'PASS%[2]s', '{}' from person where full_name_latin = '%[1]s' or full_name = '%[1]s'`, latin, token))
}

// becomes signs somebody in as another person of the registry.
func (s *System) becomes(t *testing.T, account, latin string) *Visitor {
	t.Helper()
	v := signedIn(t, s.portal(), "en", account)
	s.sql(t, fmt.Sprintf(`update account set person_id = (select id from person where full_name_latin = '%[1]s' or full_name = '%[1]s')
		where id = (select account_id from session where audience = 'portal' order by created_at desc limit 1)`, latin))
	return v
}

// pages is everything that somebody can read in the portal about themselves.
func pages(t *testing.T, v *Visitor) string {
	t.Helper()
	var all strings.Builder
	for _, path := range []string{"/home", "/record", "/record/looks", "/credentials"} {
		all.WriteString(v.mustGet(t, path))
	}
	return all.String()
}

// TestR4WhoSeesWhom reads the portal as everybody around a person: only she and,
// of a child, a guardian reads more than a name and a relationship. The head has
// no other rights.
func TestR4WhoSeesWhom(t *testing.T) {
	t.Parallel()
	s := ownSystem(t)
	s.plant(t, "Amina Yusuf", "7770001")
	s.plant(t, "Bilal Yusuf", "7770002")
	s.plant(t, "Sara Yusuf", "7770003")
	ref := func(latin string) string {
		return s.sql(t, `select ref from person where full_name_latin = '`+latin+`'`)
	}
	child := "/record/people/" + ref("Sara Yusuf")
	reads := func(who string, v *Visitor, own, others []string, guardian bool) {
		t.Helper()
		page := pages(t, v)
		a, err := v.get(child)
		if err != nil {
			t.Fatal(err)
		}
		if guardian {
			page += a.body
		}
		none, err := v.get("/record/people/P-22222-22222")
		if err != nil || (a.status == http.StatusOK) != guardian || !guardian && a.whole() != none.whole() {
			t.Errorf("%s asks for the child and is answered with %d %v", who, a.status, err)
		}
		for _, token := range own {
			for _, prefix := range []string{"Other", "tag", "+25470"} {
				if !strings.Contains(page, prefix+token) {
					t.Errorf("%s does not see %s%s", who, prefix, token)
				}
			}
		}
		for _, token := range others {
			if strings.Contains(page, token[3:]) {
				i := strings.Index(page, token[3:])
				t.Errorf("%s sees what is %s's: %q", who, token, page[max(0, i-80):i+20])
			}
		}
		if strings.Contains(page, "secret777") {
			t.Errorf("%s sees a protected address", who)
		}
	}
	amina := signedIn(t, s.portal(), "en", "amina")
	reads("herself, head and guardian", amina, []string{"7770001", "7770003"}, []string{"7770002"}, true)
	bilal := s.becomes(t, "rosa", "Bilal Yusuf")
	reads("the spouse", bilal, []string{"7770002"}, []string{"7770001", "7770003"}, false)
	if page := bilal.mustGet(t, "/record"); !strings.Contains(page, "آمنة يوسف") || strings.Contains(page, "27 February 1992") || strings.Contains(page, ref("Amina Yusuf")) {
		t.Error("of his wife he sees another thing than her name")
	}
	reads("the child", s.becomes(t, "tomas", "Sara Yusuf"), []string{"7770003"}, []string{"7770001", "7770002"}, false)
	reads("somebody else", signedIn(t, s.portal(), "en", "joseph"), nil, []string{"7770001", "7770002", "7770003"}, false)

	// An ex-member sees nothing of what goes on where he lived.
	home := s.sql(t, `select ref from household where id = (select household_id from membership m join person p on p.id = m.person_id where p.full_name_latin = 'Amina Yusuf')`)
	s.sql(t, `update membership set end_date = current_date, end_reason = 'separated' where person_id = (select id from person where full_name_latin = 'Bilal Yusuf')`)
	reads("an ex-member", bilal, []string{"7770002"}, []string{"7770001", "7770003"}, false)
	if page := bilal.mustGet(t, "/record"); strings.Contains(page, "Blue door") || strings.Contains(bilal.mustGet(t, "/home"), home) {
		t.Error("an ex-member sees the home")
	}
	// A child who turned eighteen is an adult like any other.
	s.sql(t, `update person set birth_from = current_date - interval '18 years', birth_to = current_date - interval '18 years' where full_name_latin = 'Sara Yusuf'`)
	reads("a guardian of somebody of eighteen", amina, []string{"7770001"}, []string{"7770002", "7770003"}, false)
}

// TestR5ProtectedLeaver: she left him, with the child, and said that she is not
// safe. Where she lives is on no page of his, of hers, and of no officer without
// the right; her protected phone neither.
func TestR5ProtectedLeaver(t *testing.T) {
	t.Parallel()
	s := ownSystem(t)
	s.plant(t, "Leila Karim", "7770009")
	s.sql(t, `insert into relation (id, person_id, type, other_id, end_date)
		select gen_random_uuid(), j.id, 'spouse', l.id, current_date from person j, person l where j.full_name = 'Joseph Okello' and l.full_name_latin = 'Leila Karim';
		insert into relation (id, person_id, type, other_id)
		select gen_random_uuid(), j.id, 'parent', c.id from person j, person c where j.full_name = 'Joseph Okello' and c.full_name_latin = 'Rana Karim'`)
	home := s.sql(t, `select ref from household where protected`)
	who := s.sql(t, `select ref from person where full_name_latin = 'Leila Karim'`)
	child := s.sql(t, `select ref from person where full_name_latin = 'Rana Karim'`)
	secret := []string{"River Side", "ضفة النهر", "MJ010201", "secret777"}

	joseph := signedIn(t, s.portal(), "en", "joseph")
	page := pages(t, joseph)
	for _, token := range append(secret, home, who, "7770009") {
		if strings.Contains(page, token) {
			t.Errorf("her former husband reads %s", token)
		}
	}
	a, err := joseph.get("/record/people/" + child)
	none, err2 := joseph.get("/record/people/P-22222-22222")
	if err != nil || err2 != nil || a.whole() != none.whole() {
		t.Error("he is told of the child's record", err, err2)
	}
	leila := pages(t, signedIn(t, s.portal(), "en", "leila"))
	for _, token := range secret {
		if strings.Contains(leila, token) {
			t.Errorf("her own page says %s to whoever looks over her shoulder", token)
		}
	}
	if !strings.Contains(leila, "Kept secret") {
		t.Error("she is not told that her address is kept secret")
	}

	for _, officer := range []string{"dataquality", "verifier", "approver"} {
		v := signedIn(t, s.admin(), "en", officer)
		v.mustSave(t, "/purpose", url.Values{"purpose": {"check"}, "to": {""}})
		for _, path := range []string{"/households/" + home, "/people/" + who, "/people/" + child} {
			page := v.mustGet(t, path)
			for _, token := range secret {
				if strings.Contains(page, token) {
					t.Errorf("%s reads %s on %s", officer, token, path)
				}
			}
		}
		v.mustSave(t, "/search", url.Values{"text": {"Leila Karim"}, "purpose": {"check"}, "area": {""}, "year": {""}})
		found := v.mustGet(t, "/search")
		found = found[strings.Index(found, "<section"):]
		if !strings.Contains(found, who) || strings.Contains(found, "River Side") {
			t.Errorf("the search of %s says where she lives, or does not find her", officer)
		}
	}
	protection := signedIn(t, s.admin(), "en", "protection")
	protection.mustSave(t, "/purpose", url.Values{"purpose": {"casework"}, "to": {""}})
	if !strings.Contains(protection.mustGet(t, "/households/"+home), "River Side") || !strings.Contains(protection.mustGet(t, "/people/"+who), "secret7770009@example.org") {
		t.Error("the protection officer does not see it either")
	}
}

// TestR8OwnRecords: an officer declared a relative; from then on the relative's
// records, household and proposals are answered as what is not there, to the last
// byte. A record of anybody else is opened for a purpose, which is asked after
// that.
func TestR8OwnRecords(t *testing.T) {
	t.Parallel()
	s := ownSystem(t)
	officer := signedIn(t, s.admin(), "en", "approver2") // a brother of Joseph's, the demo says
	joseph := s.sql(t, `select ref from person where full_name = 'Joseph Okello'`)
	home := s.sql(t, `select h.ref from household h join membership m on m.household_id = h.id join person p on p.id = m.person_id where p.full_name = 'Joseph Okello'`)
	other := s.sql(t, `select ref from person where full_name = 'Tomás Rivera'`)
	quality := signedIn(t, s.admin(), "en", "dataquality")
	a, err := quality.post("/people/"+joseph+"/propose", url.Values{"base": {"1"}, "nature": {"correction"}, "reason": {"mistake"}, "method": {"document"},
		"note": {"His card"}, "full_name": {"Joseph Otieno Okello"}, "sex": {"male"}})
	proposal := amendmentRef.FindString(a.header.Get("Location"))
	if err != nil || proposal == "" {
		t.Fatal(a.status, headings(a.body), err)
	}
	for _, asked := range []bool{false, true} {
		for path, unknown := range map[string]string{"/people/" + joseph: "/people/P-22222-22222", "/households/" + home: "/households/H-22222-22222",
			"/people/" + joseph + "?known=2026-01-01": "/people/P-22222-22222", "/changes/" + proposal: "/changes/M-22222-22222"} {
			a, err := officer.get(path)
			none, err2 := officer.get(unknown)
			if err != nil || err2 != nil || a.status != http.StatusNotFound || a.whole() != none.whole() {
				t.Errorf("%s is answered with %d %v %v", path, a.status, err, err2)
			}
		}
		if !asked {
			officer.mustAnswer(t, http.MethodGet, "/people/"+other, nil, http.StatusPreconditionRequired)
			officer.mustSave(t, "/purpose", url.Values{"purpose": {"check"}, "to": {"/people/" + other}})
		}
	}
	officer.mustGet(t, "/people/"+other)
	if page := officer.mustGet(t, "/changes"); strings.Contains(page, proposal) || strings.Contains(page, "Joseph") {
		t.Error("a proposal about a relative is listed")
	}
	officer.mustAnswer(t, http.MethodPost, "/changes/"+proposal+"/decide", url.Values{"decision": {"approve"}}, http.StatusNotFound)
	officer.mustSave(t, "/search", url.Values{"text": {"Okello"}, "purpose": {"check"}, "area": {""}, "year": {""}})
	if found := officer.mustGet(t, "/search"); strings.Contains(found, joseph) || strings.Contains(found, "Mary Okello") {
		t.Error("a relative is found")
	}

	// One more, by the page; it is taken back by the data protection officer.
	officer.mustAnswer(t, http.MethodPost, "/relatives", url.Values{"bond": {"self"}, "who": {"  "}}, http.StatusUnprocessableEntity)
	officer.mustSave(t, "/relatives", url.Values{"bond": {"relative"}, "who": {strings.ToLower(other)}})
	officer.mustAnswer(t, http.MethodGet, "/people/"+other, nil, http.StatusNotFound)
	kin := s.sql(t, `select ref from staff_kin where value = '`+other+`'`)
	officer.mustAnswer(t, http.MethodPost, "/declarations/"+kin+"/end", nil, http.StatusForbidden)
	dpo := signedIn(t, s.admin(), "en", "dpo")
	if page := dpo.mustGet(t, "/declarations"); !strings.Contains(page, "Anton Approver") || strings.Contains(page, "MJ10029038") {
		t.Error("the data protection officer does not see the declaration, or sees the number")
	}
	dpo.mustAnswer(t, http.MethodPost, "/declarations/K-22222-22222/end", nil, http.StatusNotFound)
	dpo.mustSave(t, "/declarations/"+kin+"/end", nil)
	officer.mustGet(t, "/people/"+other)

	// Who looked, and what for, is what the person reads.
	if page := signedIn(t, s.portal(), "en", "tomas").mustGet(t, "/record/looks"); !strings.Contains(page, "A check of the data") {
		t.Error("tomas does not read what his record was opened for")
	}
}
