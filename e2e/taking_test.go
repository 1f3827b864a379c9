package e2e

import (
	"bufio"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"daftar/demo"
	"daftar/mockid"
	"daftar/notify"
	"daftar/registry"
)

// TestTakingAway is amina's household, which has become better off. The rule
// proposes to end the child grant; an officer looks and sends; she is told that
// there is news, opens the letter in her language, reads why and until when she
// can appeal; it ends on the day, and not before (RULES R3, R6, R10, R12).
func TestTakingAway(t *testing.T) {
	t.Parallel()
	for _, lang := range []string{"en", "ar"} {
		t.Run(lang, func(t *testing.T) {
			t.Parallel()
			takingAway(t, lang)
		})
	}
}

func takingAway(t *testing.T, lang string) {
	s := ownSystem(t)
	s.sql(t, `insert into setting (key, value, updated_at) values ('notices', '{"quiet_from": "", "quiet_to": "", "gap": 0}', now())`) // at night, too, and at once
	amina := newBrowser(t, "taking-amina", s.portal(), lang, lang == "en")
	amina.open("/sign-in?to=/notices/reach")
	amina.signIn("amina")
	amina.look("reach")
	amina.choose("language", lang)
	amina.next()
	amina.at("/notices")
	amina.look("no-notices")
	s.betterOff(t, lang)
	ref := s.until(t, `select ref from decision where state = 'proposed'`)

	officer := amina.colleague("taking-officer", s.admin())
	officer.staffSignIn("programme")
	officer.press(`.govuk-service-navigation__link[href$="/decisions"]`)
	officer.says(ref, officer.say("proposals.fresh"))
	officer.look("proposals")
	officer.open("/decisions/" + ref)
	officer.says(officer.say("decision.outcome.not_eligible"), officer.say("criterion.not_met"))
	officer.hides("آمنة يوسف", "Amina") // the decision is about facts and not about a name
	officer.look("proposal")
	officer.pressText(officer.say("proposal.aside"))
	officer.says(officer.say("proposal.error.note"))
	officer.look("aside-error")
	amina.open("/home")
	amina.hides(ref, amina.say("decision.state.proposed"))
	officer.pressText(officer.say("proposal.send"))
	letter := s.until(t, `select ref from letter where kind = 'adverse' and composed_at is not null`)
	s.until(t, `select 'sent' from notice_delivery d join notice n on n.id = d.notice_id and n.kind = 'letter' where d.channel = 'sms' and d.state = 'sent'`)
	officer.open("/decisions/" + ref)
	officer.says(letter, officer.say("told.title"))
	officer.do(chromedp.Evaluate[chromedp.Void](`document.querySelectorAll('details').forEach(d => { d.open = true })`))
	officer.says("…71", officer.say("delivery.state.sent"))
	officer.look("sent")
	s.onlyNews(t, lang)

	amina.open("/home")
	amina.says(amina.say("home.planned", "Programme", s.programme(t, lang)))
	amina.look("home")
	amina.open("/decisions/" + ref)
	amina.says(amina.say("decision.not_served"))
	amina.open("/notices")
	amina.look("notices")
	amina.press(`main .govuk-task-list a`)
	amina.says(amina.say("notice.letter.title"))
	amina.look("notice")
	amina.pressText(amina.say("letter.read"))
	amina.at("/letters/" + letter)
	amina.says(s.programme(t, lang), "30", ref)
	if lang == "ar" { // nobody has reviewed the Arabic text: the English one counts
		amina.says(amina.say("letter.draft"), "لم يتغير شيء بعد", "Nothing has changed yet")
	}
	amina.look("letter")
	s.until(t, `select 'served' from decision where state = 'served'`)
	amina.open("/decisions/" + ref)
	amina.says(amina.say("clock.appeal"), amina.say("clock.from"), amina.say("decision.state.served"))
	amina.look("served")
	officer.open("/decisions/" + ref)
	officer.look("served")

	// The day comes. What is due is done when the worker starts, too.
	s.sql(t, `set session_replication_role = replica; update decision set served_on = served_on - 100, appeal_until = appeal_until - interval '100 days',
		effective_at = effective_at - interval '100 days' where state = 'served'; update letter_event set on_day = on_day - 100`)
	s.kill()
	if err := s.launch(); err != nil {
		t.Fatal(err)
	}
	s.until(t, `select 'done' from decision where ref = '`+ref+`' and state = 'in_force'`)
	amina.open("/decisions/" + ref)
	amina.says(amina.say("decision.state.in_force"))
	amina.look("in-force")
	others(t, s, ref, letter)
}

// betterOff has three officers record that amina's household lives better now.
func (s *System) betterOff(t *testing.T, lang string) {
	t.Helper()
	home := s.sql(t, `select h.ref from household h join membership m on m.household_id = h.id join person p on p.id = m.person_id where p.full_name = 'آمنة يوسف'`)
	form := url.Values{"base": {s.sql(t, `select version from household where ref = '`+home+`'`)}, "nature": {"event"}, "reason": {"income"}, "method": {"document"}, "note": {"New house"},
		"directions": {"Blue door behind the harbour mosque"}, "area": {"MJ010101"}}
	for code, value := range map[string]string{"tenure": "owned", "rooms": "5", "floor": "tile", "walls": "brick", "roof": "tile", "water": "piped_home",
		"toilet": "flush_sewer", "electricity": "yes", "cook_fuel": "electricity", "livelihood": "wages", "monthly_income": "2600"} {
		form.Set("f."+code, value)
	}
	form["f.assets"] = []string{"car", "refrigerator", "tv", "cellphone", "bank_account"}
	a, err := signedIn(t, s.admin(), lang, "dataquality").post("/households/"+home+"/propose", form)
	change := amendmentRef.FindString(a.header.Get("Location"))
	if err != nil || change == "" {
		t.Fatal(a.status, headings(a.body), err)
	}
	signedIn(t, s.admin(), lang, "verifier").mustSave(t, "/changes/"+change+"/verify", nil)
	signedIn(t, s.admin(), lang, "approver").mustSave(t, "/changes/"+change+"/decide", url.Values{"decision": {"approve"}, "answer": {""}})
}

// until waits for what a job brings about.
func (s *System) until(t *testing.T, query string) string {
	t.Helper()
	for range 300 {
		if got := s.sql(t, query); got != "" {
			return got
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatal("never: ", query)
	return ""
}

func (s *System) programme(t *testing.T, lang string) string {
	t.Helper()
	return s.sql(t, `select name->>'`+lang+`' from programme where code = 'child-grant'`)
}

// onlyNews reads what left the house: two text messages, about her first sign-in
// and about the letter. Each says that there is news, leads to the start of the
// portal, and says no more.
func (s *System) onlyNews(t *testing.T, lang string) {
	t.Helper()
	file, err := os.Open(filepath.Join(s.dir, "sent", "messages.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	n := 0
	for lines := bufio.NewScanner(file); lines.Scan(); n++ {
		var sent notify.Sent
		if err := json.Unmarshal(lines.Bytes(), &sent); err != nil {
			t.Fatal(err)
		}
		news := func(lang string) string { // at her first sign-in she had not said in which language
			return (&Browser{t: t, lang: lang}).say("notice.out.own", "Link", s.portal()+"/"+lang)
		}
		if sent.Channel != "sms" || sent.To != "+254700100471" || sent.Body != news(lang) && (n > 0 || sent.Body != news("en") && sent.Body != news("ar")) {
			t.Errorf("%+v", sent)
		}
	}
	if n != 2 {
		t.Errorf("%d messages left the house", n)
	}
}

// others asks for what is amina's and the office's as somebody else.
func others(t *testing.T, s *System, decision, letter string) {
	t.Helper()
	routes := s.addresses(t)
	notice := s.sql(t, `select ref from notice where kind = 'letter' limit 1`)
	hidden(t, s, routes, "portal", signedIn(t, s.portal(), "en", "amina"), signedIn(t, s.portal(), "en", "tomas"),
		Thing{base: "/notices/:ref", ref: notice, unknown: newRef(registry.RefNotice)}, Thing{base: "/letters/:ref", ref: letter, unknown: newRef(registry.RefLetter)},
		Thing{base: "/decisions/:ref", ref: decision, unknown: newRef(registry.RefDecision)})
	for _, role := range []string{"programme", "intake"} {
		s.sql(t, `insert into staff_role (staff_id, role, area_id, valid_from)
			select r.staff_id, '`+role+`', r.area_id, r.valid_from from staff_role r join area a on a.id = r.area_id where a.code = 'MJ02' and r.role = 'approver'`)
	}
	north := signedIn(t, s.admin(), "en", "approver-north")
	hidden(t, s, routes, "admin", signedIn(t, s.admin(), "en", "programme"), north, Thing{base: "/decisions/:ref", ref: decision, unknown: newRef(registry.RefDecision)})
	hidden(t, s, routes, "admin", signedIn(t, s.admin(), "en", "intake"), north, Thing{base: "/letters/:ref", ref: letter, unknown: newRef(registry.RefLetter)})
	for path, ref := range map[string]string{"/decisions": decision, "/letters": letter} {
		if page := north.mustGet(t, path); strings.Contains(page, ref) {
			t.Errorf("%s of another region lists %s", path, ref)
		}
	}
}

// TestLettersOnPaper is a letter for somebody who cannot be reached: it is
// printed, posted and comes back, and each step is proof. The texts are
// reviewed by somebody else than who wrote them, the ministry decides on a
// harsh rule, and an outage is recorded.
func TestLettersOnPaper(t *testing.T) {
	t.Parallel()
	for _, lang := range []string{"en", "ar"} {
		t.Run(lang, func(t *testing.T) {
			t.Parallel()
			lettersOnPaper(t, lang)
		})
	}
}

func lettersOnPaper(t *testing.T, lang string) {
	s := ownSystem(t)
	ref := registry.RefOf(registry.RefLetter, "222222222")
	s.sql(t, `insert into letter (id, ref, kind, person_id, household_id, area_id, language, facts, written_at, once)
		select gen_random_uuid(), '`+ref+`', 'refused', p.id, h.id, h.area_id, '`+lang+`',
		  jsonb_build_object('programme', g.name, 'reference', 'D-22222-22222', 'days', 30, 'reasons', '[{"key": "criterion.not_met"}]'::jsonb), now(), 'x'
		from person p join membership m on m.person_id = p.id join household h on h.id = m.household_id, programme g
		where p.full_name = 'Tomás Rivera' and g.code = 'child-grant';
		insert into outbox (kind, ref, version, created_at) select 'compose_letter', id, 1, now() from letter`)
	s.until(t, `select 'wanted' from letter where paper = 'wanted'`)

	clerk := newBrowser(t, "paper-clerk", s.admin(), lang, true)
	clerk.staffSignIn("intake")
	clerk.press(`.govuk-service-navigation__link[href$="/letters"]`)
	clerk.says(ref, "Tomás Rivera")
	clerk.look("queue")
	clerk.open("/letters/" + ref)
	clerk.says("Tomás Rivera", "Ferry landing, red boat house", "D-22222-22222")
	clerk.look("sheet")
	clerk.next()
	clerk.says(clerk.say("paper.error.step"))
	clerk.look("sheet-error")
	for _, step := range []string{"printed", "posted", "returned"} {
		clerk.choose("step", step)
		clerk.next()
	}
	clerk.says(clerk.say("paper.event.posted"), clerk.say("paper.event.returned"))
	clerk.look("returned")
	clerk.prints("letter", "Tomás Rivera", "D-22222-22222", clerk.say("receipt.signature"))
	visitor := signedIn(t, s.admin(), lang, "intake")
	long := strings.Repeat("x", 5000)
	for _, bad := range []Bad{
		{"note", url.Values{"step": {"posted"}, "day": {"2026-01-01"}, "note": {""}}, "step", "paper.error.step", nil},
		{"note", url.Values{"step": {"wanted"}, "day": {"2999-01-01"}, "note": {""}}, "day", "paper.error.day", nil},
		{"note", url.Values{"step": {"wanted"}, "day": {"soon"}, "note": {""}}, "day", "paper.error.day", nil},
		{"note", url.Values{"step": {"wanted"}, "day": {"2026-01-01"}, "note": {long}}, "note", "field.error.too_long", []any{"Max", 500}},
	} {
		visitor.isRefused(t, "/letters/"+ref+"/", bad)
	}

	writer := clerk.colleague("paper-writer", s.admin())
	writer.staffSignIn("programme")
	writer.press(`.govuk-service-navigation__link[href$="/letters/texts"]`)
	writer.look("texts")
	writer.open("/letters/texts/refused/ar")
	writer.look("text")
	writer.fill("title", "رسالة")
	writer.next()
	writer.look("text-saved")
	reviewer := clerk.colleague("paper-reviewer", s.admin())
	reviewer.staffSignIn("appeals")
	reviewer.open("/letters/texts/refused/ar")
	reviewer.look("to-review")
	reviewer.pressText(reviewer.say("lettertext.review"))
	reviewer.at("/letters/texts")
	programme := signedIn(t, s.admin(), lang, "programme")
	body := "{reasons}\n\n{days}"
	for _, bad := range []Bad{
		{"refused/en", url.Values{"title": {""}, "body": {body}}, "title", "lettertext.error.empty", nil},
		{"refused/en", url.Values{"title": {"x"}, "body": {"{days}"}}, "body", "lettertext.error.must", []any{"Name", "{reasons}"}},
		{"refused/en", url.Values{"title": {"x"}, "body": {body + " {salary}"}}, "body", "lettertext.error.name", []any{"Name", "{salary}"}},
		{"refused/en", url.Values{"title": {long}, "body": {body}}, "title", "field.error.too_long", []any{"Max", 200}},
	} {
		programme.isRefused(t, "/letters/texts/", bad)
	}
	programme.mustAnswer(t, http.MethodGet, "/letters/texts/refused/xx", nil, http.StatusNotFound)

	s.harshRule(t)
	ministry := clerk.colleague("paper-ministry", s.admin())
	ministry.staffSignIn("ministry")
	ministry.press(`.govuk-service-navigation__link[href$="/rules"]`)
	ministry.says(ministry.say("rule.state.waiting"))
	ministry.look("rules")
	ministry.open("/rules/child-grant/2")
	ministry.look("rule")
	ministry.next()
	ministry.says(ministry.say("decide.error.decision"), ministry.say("rule.error.note"))
	ministry.look("rule-error")
	ministry.choose("decision", "approve")
	ministry.fill("note", "As parliament decided.")
	ministry.next()
	ministry.says(ministry.say("rule.state.approved"), "As parliament decided.")
	ministry.look("rule-approved")

	operator := clerk.colleague("paper-operator", s.admin())
	operator.staffSignIn("sysadmin")
	operator.press(`.govuk-service-navigation__link[href$="/outages"]`)
	operator.look("outages")
	operator.next()
	operator.says(operator.say("outage.error.from_day"), operator.say("outage.error.to_day"), operator.say("outage.error.note"))
	operator.look("outages-error")
	sysadmin := signedIn(t, s.admin(), lang, "sysadmin")
	sysadmin.mustSave(t, "/outages", url.Values{"from_day": {"2026-01-05"}, "from_time": {"08:00"}, "to_day": {"2026-01-06"}, "to_time": {"12:30"}, "note": {"No network in the north"}})
	operator.open("/outages")
	operator.says("No network in the north")
	operator.look("outages-recorded")
	when := func(from, to, clock string) url.Values {
		return url.Values{"from_day": {from}, "from_time": {clock}, "to_day": {to}, "to_time": {"12:30"}, "note": {"x"}}
	}
	for _, bad := range []Bad{
		{"outages", when("2026-01-05", "2026-01-04", "08:00"), "to_day", "outage.error.order", nil},
		{"outages", when("2026-01-05", "2999-01-04", "08:00"), "to_day", "outage.error.future", nil},
		{"outages", when("2020-01-05", "2021-01-04", "08:00"), "to_day", "outage.error.long", nil},
		{"outages", when("2026-01-05", "2026-01-06", "8 o'clock"), "from_time", "outage.error.time", nil},
	} {
		sysadmin.isRefused(t, "/", bad)
	}
	signedIn(t, s.portal(), lang, "amina").isRefused(t, "/notices/", Bad{"reach", url.Values{"language": {"xx"}, "channel": {"pigeon"}}, "language", "reach.error.language", nil})
}

// harshRule publishes a version that would take the child grant from everybody,
// and measures it.
func (s *System) harshRule(t *testing.T) {
	t.Helper()
	s.sql(t, `insert into programme_rule (id, programme_id, version, rule, published_at)
		select gen_random_uuid(), programme_id, 2, '{"criteria": [{"code": "big", "label": {"en": "More than ten people live with you.", "ar": "يعيش معك أكثر من عشرة أشخاص."}, "when": "household.size > 10"}]}', now()
		from programme_rule r join programme p on p.id = r.programme_id where p.code = 'child-grant';
		insert into rule_review (rule_id, state) select id, 'measuring' from programme_rule where version = 2;
		insert into outbox (kind, ref, version, created_at) select 'measure_rule', id, 1, now() from programme_rule where version = 2`)
	s.until(t, `select 'waiting' from rule_review where state = 'waiting'`)
}

// TestPDF reads the receipt and the letter as files: the same words, in both
// directions; where there is no Chromium the page says so.
func TestPDF(t *testing.T) {
	t.Parallel()
	s := ownSystem(t)
	subject := mockid.Subject(demo.CitizenRealm, "joseph")
	for _, lang := range []string{"en", "ar"} {
		rosa := signedIn(t, s.portal(), lang, "rosa")
		ref := s.sql(t, `select ref from case_file limit 1`)
		if ref == "" {
			ref = rosa.applies(t, "/apply", rosasHousehold())
		}
		say := (&Browser{t: t, lang: lang}).say
		receipt := rosa.pdf(t, lang+"-receipt", "/apply/"+ref+"/receipt/pdf")
		for _, want := range []string{ref, "Rosa Delgado", firstWord(say("receipt.title"))} {
			if !strings.Contains(receipt, want) {
				t.Errorf("%s: the receipt does not say %q: %s", lang, want, receipt)
			}
		}
		joseph := signedIn(t, s.portal(), lang, "joseph")
		s.sql(t, `lock table notice, notice_delivery in exclusive mode; -- the worker may be about to send one
			delete from letter_event; delete from notice_delivery; delete from notice; delete from letter;
			insert into letter (id, ref, kind, person_id, household_id, area_id, decision_id, language, facts, written_at, once)
			select gen_random_uuid(), '`+registry.RefOf(registry.RefLetter, "222222222")+`', 'refused', a.person_id, h.id, h.area_id, d.id, '`+lang+`',
			  jsonb_build_object('programme', g.name, 'reference', d.ref, 'days', 30, 'reasons', '[{"key": "criterion.not_met"}]'::jsonb), now(), 'x'
			from account a join membership m on m.person_id = a.person_id join household h on h.id = m.household_id
			join decision d on d.household_id = h.id join programme g on g.id = d.programme_id where a.sub = '`+subject+`' limit 1;
			insert into outbox (kind, ref, version, created_at) select 'compose_letter', id, 1, now() from letter`)
		s.until(t, `select 'composed' from letter where composed_at is not null`)
		letter := joseph.pdf(t, lang+"-letter", "/letters/"+registry.RefOf(registry.RefLetter, "222222222")+"/pdf")
		for _, want := range []string{s.sql(t, `select facts->>'reference' from letter`), "30", s.programme(t, "en"), map[string]string{"en": "appeal", "ar": "أسرتك"}[lang]} {
			if !strings.Contains(letter, want) {
				t.Errorf("%s: the letter does not say %q: %s", lang, want, letter)
			}
		}
	}
	// without a browser
	s.kill()
	s.extra = []string{"CHROME_PATH=/nonexistent/chromium"}
	if err := s.launch(); err != nil {
		t.Fatal(err)
	}
	b := newBrowser(t, "pdf-none", s.portal(), "en", false)
	b.open("/sign-in?to=/home")
	b.signIn("rosa")
	b.open("/apply/" + s.sql(t, `select ref from case_file limit 1`) + "/receipt/pdf")
	b.says(b.say("pdf.none"), "Rosa Delgado")
	b.look("receipt")
}

func firstWord(s string) string { return strings.Fields(s)[0] }

// pdf fetches a PDF and returns its text. With SCREENSHOTS it is kept.
func (v *Visitor) pdf(t *testing.T, name, path string) string {
	t.Helper()
	a, err := v.get(path)
	if err != nil {
		t.Fatal(err)
	}
	if a.status != http.StatusOK || a.header.Get("Content-Type") != "application/pdf" || !strings.HasPrefix(a.body, "%PDF-") {
		t.Fatalf("%s is answered with %d, %s", path, a.status, a.header.Get("Content-Type"))
	}
	dir := t.TempDir()
	if shots := os.Getenv("SCREENSHOTS"); shots != "" {
		dir = shots
	}
	file := filepath.Join(dir, name+".pdf")
	if err := os.WriteFile(file, []byte(a.body), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "pdftotext", "-layout", "-enc", "UTF-8", file, "-").Output()
	if err != nil {
		t.Fatal("pdftotext (poppler-utils, make deps-test): ", err)
	}
	return string(out)
}
