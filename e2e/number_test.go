package e2e

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// A record has its numbers masked. One is shown whole to whoever proves to be
// themselves and says what for, and the person can see it.
func TestNumberIsUnmaskedInTheLog(t *testing.T) {
	t.Parallel()
	s := ownSystem(t)
	person, number := s.sql(t, `select ref from person where full_name_latin = 'Amina Yusuf'`), s.sql(t, `
		select i.value from identifier i join person p on p.id = i.subject_id where p.full_name_latin = 'Amina Yusuf' and i.type = 'national_id'`)
	nth := s.sql(t, `select i.type || '.' || row_number() over (order by i.type, i.value) - 1 from identifier i join person p on p.id = i.subject_id
		where p.full_name_latin = 'Amina Yusuf' and i.status <> 'ended' order by i.type <> 'national_id' limit 1`)
	shown := func() string {
		return s.sql(t, `select count(*) || coalesce(' ' || string_agg(distinct e.purpose || ' ' || e.detail::text, ''), '')
			from audit_event e join person p on p.id = e.subject where p.ref = '`+person+`' and e.action = 'identifier.read'`)
	}
	page, asked := "/people/"+person+"/numbers", url.Values{"number": {nth}, "purpose": {"complaint"}}

	id := s.officer(t, "verifier", "MJ01")
	weak := s.holding(t, "admin", s.admin(), id, false)
	weak.mustAnswer(t, http.MethodGet, page, nil, http.StatusPreconditionRequired)
	weak.mustSave(t, "/purpose", url.Values{"purpose": {"check"}, "to": {""}})
	for _, path := range []string{"/people/" + person, page} {
		if answer := weak.mustGet(t, path); strings.Contains(answer, number) || !strings.Contains(answer, "••••"+number[len(number)-3:]) {
			t.Errorf("%s: the number is not masked", path)
		}
	}
	if a, err := weak.post(page, asked); err != nil || a.status != http.StatusSeeOther || !strings.Contains(a.to, "/step-up?") || strings.Contains(a.body, number) {
		t.Error("without a step-up: ", a.status, a.to, err)
	}

	v := s.holding(t, "admin", s.admin(), id, true)
	for name, wrong := range map[string]url.Values{
		"no purpose":              {"number": {nth}},
		"no number":               {"purpose": {"check"}},
		"a purpose that is none":  {"number": {nth}, "purpose": {"curiosity"}},
		"a number that they lack": {"number": {"national_id.99"}, "purpose": {"check"}},
	} {
		if answer := v.mustAnswer(t, http.MethodPost, page, wrong, http.StatusUnprocessableEntity); strings.Contains(answer, number) {
			t.Error(name, ": it is shown")
		}
	}
	if n := shown(); n != "0" {
		t.Error("logged before it was shown: ", n)
	}
	if answer := v.mustAnswer(t, http.MethodPost, page, asked, http.StatusOK); !strings.Contains(answer, number) {
		t.Error("it is not shown")
	}
	if n := shown(); n != `1 complaint {"type": "national_id"}` {
		t.Error("the log: ", n)
	}
	// not to those who approve, who read the record
	s.holding(t, "admin", s.admin(), s.officer(t, "approver", "MJ01"), true).mustAnswer(t, http.MethodPost, page, asked, http.StatusForbidden)

	amina := signedIn(t, s.portal(), "en", "amina")
	looks := amina.mustGet(t, "/record/looks")
	if !strings.Contains(looks, "Saw your number in full") || !strings.Contains(looks, "A complaint or appeal") {
		t.Error("she does not see it")
	}
}
