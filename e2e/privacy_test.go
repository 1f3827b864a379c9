package e2e

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// TestPrivacy is what people can do about their data: agree that it is passed on
// and take that back, and nothing leaves any more within a second (RULES R18);
// and take a copy of everything away, once. And what everybody can see of the
// registry's work.
func TestPrivacy(t *testing.T) {
	t.Parallel()
	for _, lang := range []string{"en", "ar"} {
		t.Run(lang, func(t *testing.T) {
			t.Parallel()
			theyDecide(t, lang)
		})
	}
}

func theyDecide(t *testing.T, lang string) {
	s := ownSystem(t)
	programme := signedIn(t, s.admin(), lang, "programme")
	made := programme.mustSave(t, "/filters/new", url.Values{"name": {"Adults"}, "subject": {"person"}, "area": {""}})
	filter := made.to[strings.Index(made.to, "/filters/"):]
	programme.mustSave(t, filter+"/add", url.Values{"field": {"person.age"}, "op": {"at_least"}, "value": {"18"}})
	amina := s.sql(t, `select ref from person where full_name_latin = 'Amina Yusuf'`)
	inFile := func(purpose string) bool {
		return strings.Contains(programme.mustAnswer(t, http.MethodPost, filter+"/export", url.Values{"format": {"csv"}, "purpose": {purpose}, "columns": {"person.sex"}}, http.StatusOK), amina)
	}
	if !inFile("programme") || inFile("research") {
		t.Fatal("what rests on the law asks nobody, what rests on consent asks everybody")
	}

	b := newBrowser(t, "privacy-amina", s.portal(), lang, lang == "ar")
	b.open("/sign-in?to=/consents")
	b.signIn("amina")
	b.says(b.say("consent.title"), b.say("purpose.research"), b.say("basis.consent"), b.say("basis.public_task"))
	b.look("uses")
	b.press(`form[action$="/consents/give/research"] button`)
	b.says(b.say("consent.receipt_title"), b.say("consent.agreed"))
	b.look("receipt")
	if !inFile("research") || inFile("employment") {
		t.Error("she agreed to one purpose, and the file is as if not, or as if to all")
	}
	b.press(`form[action$="/withdraw"] button`)
	withdrawn := time.Now()
	if inFile("research") {
		t.Errorf("%s after she took it back she is in the file", time.Since(withdrawn))
	}
	b.says(b.say("consent.is_withdrawn"))
	b.look("withdrawn")

	// a copy of everything
	b.open("/record/copy")
	b.look("copy")
	b.press(`form[action$="/record/copy"] button`)
	for range 60 {
		if s.sql(t, `select count(*) from data_copy where ready_at is not null`) == "1" {
			break
		}
		time.Sleep(200 * time.Millisecond)
	}
	b.open("/record/copy")
	b.says(b.say("copy.take_file"), b.say("copy.take_paper"))
	b.look("ready")
	her := signedIn(t, s.portal(), lang, "amina")
	copied := "/record/copy/" + s.sql(t, `select ref from data_copy`)
	signedIn(t, s.portal(), lang, "joseph").mustAnswer(t, http.MethodPost, copied+"/file", nil, http.StatusNotFound)
	var file struct {
		Sections map[string][]map[string]any
	}
	if err := json.Unmarshal([]byte(her.mustAnswer(t, http.MethodPost, copied+"/file", nil, http.StatusOK)), &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Sections["person"]) != 1 || file.Sections["person"][0]["reference"] != amina || len(file.Sections["consents"]) != 1 {
		t.Errorf("the copy is not hers: %v", file.Sections["person"])
	}
	her.mustAnswer(t, http.MethodPost, copied+"/file", nil, http.StatusNotFound)
	her.mustAnswer(t, http.MethodPost, copied+"/document", nil, http.StatusOK)

	// the data protection officer sees what data is used for
	if page := signedIn(t, s.admin(), lang, "dpo").mustGet(t, "/processing"); !strings.Contains(page, b.say("purpose.research")) {
		t.Error("the record of processing lacks a purpose")
	}

	// and everybody how the registry works: nothing before the first month ended
	everybody := newBrowser(t, "privacy-everybody", s.portal(), lang, false)
	everybody.open("/figures")
	everybody.says(b.say("figures.none"))
	everybody.look("none")
	s.sql(t, `with m as (insert into public_month values ('2026-01-01', '2026-02-01') returning month)
		insert into public_figure select m.month, '', x.measure, x.code, x.n from m, (values
			('received', '', 1240), ('received', 'registration', 1200), ('received', 'birth', 40), ('received', 'death', null),
			('due', '', 900), ('due', 'on_time', 810), ('due', 'late', 90), ('decided', '', 500), ('decided', 'approved', 460),
			('decided', 'refused.proven_false', 40), ('appeals', '', 30), ('appeals', 'upheld', 12), ('appeals', 'dismissed', 18),
			('credentials', '', 700), ('credentials', 'person-registration', 700)) x (measure, code, n) returning 1`)
	everybody.open("/figures")
	everybody.says(b.say("figures.received"), "1,200", b.say("figures.withheld"))
	everybody.look("figures")
	for path, want := range map[string]string{"/figures.csv": "2026-01,,received,registration,1200,false", "/figures.json": `"smallest":10`} {
		r, err := http.Get(s.portal() + path)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(r.Body)
		if _ = r.Body.Close(); err != nil || !strings.Contains(string(body), want) {
			t.Errorf("%s: %v, %.300s", path, err, body)
		}
	}
}
