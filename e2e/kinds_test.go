package e2e

import (
	"net/url"
	"strings"
	"testing"

	"daftar/registry"
)

// TestKinds is what people can ask for as a country's own configuration: the
// office changes how long an answer takes and asks one question more, a second
// person agrees, and whoever begins from then on meets both. Who had begun goes
// on with what they began.
func TestKinds(t *testing.T) {
	t.Parallel()
	for _, lang := range []string{"en", "ar"} {
		t.Run(lang, func(t *testing.T) {
			t.Parallel()
			kindsOf(t, lang)
		})
	}
}

func kindsOf(t *testing.T, lang string) {
	s := ownSystem(t)
	amina := signedIn(t, s.portal(), lang, "amina")
	begun := amina.tells(t, "job")

	admin := newBrowser(t, "kinds", s.admin(), lang, true)
	admin.staffSignIn("sysadmin")
	admin.open("/settings/kinds")
	admin.says(admin.say("setting.kinds"))
	admin.look("kinds")
	admin.press(`main td a[href$="/settings/kinds/job"]`)
	admin.look("kind")

	// none of this is a request that people could make
	admin.fill("case_kinds.0.days", "0")
	admin.fill("case_kinds.0.title.en", "")
	admin.fill("case_kinds.0.from", "tomorrow")
	admin.next()
	admin.says(admin.say("settings.error.at_least_one"))
	admin.holds("case_kinds.0.days", "0")
	admin.fill("case_kinds.0.reasons", "recorded | only one language")
	admin.next()
	admin.says(admin.say("field.error.option_line", "Line", 1))
	admin.holds("case_kinds.0.reasons", "recorded | only one language")
	admin.fill("case_kinds.0.reasons", "recorded | We know it already. | نعرف هذا بالفعل.")
	admin.fill("case_kinds.0.days", "7")
	admin.fill("case_kinds.0.place.who", "")
	admin.next()
	admin.says(admin.say("settings.error.text"), admin.say("settings.error.day"))
	admin.look("kind-error")

	admin.open("/settings/kinds/job")
	admin.fill("case_kinds.0.days", "7")
	admin.pick("case_kinds.0.add", "household.rooms")
	admin.fill("case_kinds.0.help.who.en", "Also somebody who is away for a while")
	admin.fill("case_kinds.0.help.who.ar", "ولو كان غائبا لفترة")
	admin.fill("case_kinds.0.regional", "2")
	admin.fill("case_kinds.0.national", "4")
	admin.fill("case_kinds.0.reasons", "recorded | We know it already. | نعرف هذا بالفعل.\nseasonal | This work is seasonal. | هذا العمل موسمي.")
	admin.fill("reason", "Act 9 of 2026")
	admin.next()
	admin.says(admin.say("setting.state.proposed"), "Act 9 of 2026", "household.rooms")
	admin.look("kind-proposed")
	change := registryRef(admin.location())
	dpo := signedIn(t, s.admin(), lang, "dpo")
	before := amina.tells(t, "job")
	dpo.mustSave(t, "/settings/changes/"+change+"/decide", url.Values{"decision": {"approve"}, "note": {""}})

	ref := amina.tells(t, "job")
	portal := newBrowser(t, "kinds-portal", s.portal(), lang, false)
	portal.open("/sign-in?to=/request/" + ref + "/q/rooms")
	portal.signIn("amina")
	portal.look("question")
	if page := amina.mustGet(t, "/request/"+ref+"/q/who"); !strings.Contains(page, "Also somebody who is away") && !strings.Contains(page, "ولو كان غائبا") {
		t.Error("the help of the question is not asked with it")
	}
	if got := s.sql(t, `select string_agg(r->>'code', ' ') || ' ' || (definition->>'regional') || ' ' || (definition->>'national')
		from case_kind, jsonb_array_elements(definition->'reasons') r where code = 'job' and version = 2 group by definition`); got != "recorded seasonal 2 4" {
		t.Error("version 2 is", got)
	}
	whose := personRef.FindString(amina.mustGet(t, "/request/"+ref+"/q/who"))
	amina.fills(t, "/request/"+ref, []Page{
		{"q/who", one("answer", whose)}, {"q/since", nil}, {"q/work", one("answer", "")}, {"q/livelihood", one("answer", "none")},
		{"q/monthly_income", one("answer", "77")}, {"q/rooms", one("answer", "9")}, {"proof", one("do", "on")},
	})
	amina.mustSave(t, "/request/"+ref+"/check", url.Values{"note": {""}, "agree": {"yes"}})
	days := `select count(*) from generate_series((select submitted_at::date from case_file where ref = '` + ref + `') + 1, (select due_on from case_file where ref = '` + ref + `'), '1 day') d
		where extract(dow from d) not in (5, 6)`
	if n := s.sql(t, days); n != "6" && n != "7" && n != "8" { // the day turns at another hour in the country; a holiday may lie within
		t.Errorf("there are %s working days to answer", n)
	}
	if got := s.sql(t, `select i.data->'fields'->>'rooms' from case_file c join change_item i on i.change_id = c.change_id where c.ref = '`+ref+`'`); got != "9" {
		t.Errorf("it proposes %q rooms", got)
	}
	// what was begun before is as it was
	for _, old := range []string{begun, before} {
		amina.mustAnswer(t, "GET", "/request/"+old+"/q/rooms", nil, 404)
	}
	if got := s.sql(t, `select string_agg(version::text, ' ' order by version) from case_kind where code = 'job'`); got != "1 2" {
		t.Errorf("there are versions %s", got)
	}

	// off: nobody begins it, and what was begun goes on
	admin.open("/settings/kinds/job")
	admin.look("kind-history")
	admin.choose("case_kinds.0.off", "yes")
	admin.next()
	change = registryRef(admin.location())
	dpo.mustSave(t, "/settings/changes/"+change+"/decide", url.Values{"decision": {"approve"}, "note": {""}})
	amina.mustAnswer(t, "POST", "/events/job", nil, 404)
	amina.mustGet(t, "/request/"+begun+"/q/who")
}

// registryRef is the reference at the end of an address.
func registryRef(address string) string {
	ref, _ := registry.ParseRef(registry.RefSettings, address[strings.LastIndex(address, "/")+1:])
	return ref
}
