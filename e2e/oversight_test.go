package e2e

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestLooks is what people know of who looked at them (Estonia's data tracker;
// RULES R4, R8): a clerk opens a record and the person sees it at once, asks, and
// is answered by somebody else; an investigation comes to light by itself;
// looks for protection only after a review.
func TestLooks(t *testing.T) {
	t.Parallel()
	for _, lang := range []string{"en", "ar"} {
		t.Run(lang, func(t *testing.T) {
			t.Parallel()
			theyLook(t, lang)
		})
	}
}

// record is the address of somebody's record in the admin area.
func (s *System) record(t *testing.T, latin string) string {
	t.Helper()
	return "/people/" + s.sql(t, `select ref from person where full_name_latin = '`+latin+`' or full_name = '`+latin+`'`)
}

// reader is an officer who has said what they look records up for.
func (s *System) reader(t *testing.T, lang, officer string) *Visitor {
	t.Helper()
	v := signedIn(t, s.admin(), lang, officer)
	v.mustSave(t, "/purpose", url.Values{"purpose": {"check"}, "to": {""}})
	return v
}

func theyLook(t *testing.T, lang string) {
	s := ownSystem(t)
	amina := newBrowser(t, "looks-amina", s.portal(), lang, lang == "en")
	amina.open("/sign-in?to=/record/looks")
	amina.signIn("amina")
	amina.says(amina.say("looks.none"))

	verifier := s.reader(t, lang, "verifier")
	verifier.mustGet(t, s.record(t, "Amina Yusuf"))
	verifier.mustGet(t, s.record(t, "Joseph Okello"))
	amina.open("/record/looks")
	amina.says(amina.say("looks.person.read"), amina.say("role.verifier"), amina.say("looks.kind.identity"), amina.say("basis.legal_obligation"))
	amina.hides("Joseph", "Okello", "Yusuf, Amina") // nobody else is named
	amina.look("seen")

	// the same as a file
	her := signedIn(t, s.portal(), lang, "amina")
	var file struct {
		FindUsage []map[string]any
	}
	if err := json.Unmarshal([]byte(her.mustGet(t, "/record/looks.json")), &file); err != nil || len(file.FindUsage) != 1 {
		t.Fatal(len(file.FindUsage), err)
	}
	for name, want := range map[string]string{"actionCode": "person.read", "receiverSystem": "daftar-admin", "receiverCode": "MJ01", "legalBasisCode": "legal_obligation"} {
		if got := file.FindUsage[0][name]; got != want {
			t.Errorf("%s is %v instead of %s", name, got, want)
		}
	}

	// she asks; whoever looked does not answer
	amina.press(`#main-content a[href*="/record/looks/E-"]`)
	amina.look("ask")
	amina.next()
	amina.says(amina.say("looks.error.words"))
	amina.fill("words", "Why did somebody look on a Sunday?")
	amina.next()
	amina.at("/record/looks")
	amina.says("Why did somebody look on a Sunday?", amina.say("looks.asked"))
	amina.look("asked")
	dpo := amina.colleague("looks-dpo", s.admin())
	dpo.staffSignIn("dpo")
	dpo.open("/questions")
	dpo.look("questions")
	dpo.press(`#main-content a[href*="/questions/Q-"]`)
	dpo.says("Why did somebody look on a Sunday?", dpo.say("audit.action.person.read"))
	dpo.next()
	dpo.says(dpo.say("finding.error"), dpo.say("question.error.answer"))
	dpo.look("question-error")
	dpo.choose("finding", "proper")
	dpo.fill("answer", "The officer prepared a visit to your home.")
	dpo.next()
	dpo.says(dpo.say("finding.proper"), "The officer prepared a visit to your home.")
	dpo.look("question-answered")
	amina.open("/record/looks")
	amina.says("The officer prepared a visit to your home.", amina.say("finding.proper"))
	amina.look("answered")
	signedIn(t, s.portal(), lang, "tomas").mustAnswer(t, http.MethodGet, "/record/looks/"+file.FindUsage[0]["entry"].(string), nil, http.StatusNotFound)

	investigates(t, s, dpo)
	protects(t, s, dpo)
}

// investigates holds back a look until a day; then it is there by itself.
func investigates(t *testing.T, s *System, dpo *Browser) {
	t.Helper()
	lang, tomas := dpo.lang, strings.TrimPrefix(s.record(t, "Tomás Rivera"), "/people/")
	officer := dpo.colleague("looks-investigator", s.admin())
	officer.staffSignIn("approver2")
	officer.open("/delays/new")
	officer.look("delay")
	officer.fill("person", "P-22222-22222")
	officer.fill("reason", "Two addresses")
	officer.next()
	officer.says(officer.say("audit.error.day"))
	officer.look("delay-error")
	officer.fill("person", tomas)
	officer.find(`document.querySelector('[name=until]').value = '` + s.sql(t, `select to_char(now() + interval '20 days', 'YYYY-MM-DD')`) + `'`)
	officer.next()
	officer.at("/delays")
	officer.says(tomas, officer.say("delay.waiting"))
	ref := regexp.MustCompile(`W-[2-9A-Z]{5}-[2-9A-Z]{5}`).FindString(officer.text())
	investigator := s.reader(t, lang, "approver2")
	investigator.mustAnswer(t, http.MethodPost, "/delays/"+ref, one("decision", "approve"), http.StatusForbidden)
	dpo.open("/delays")
	dpo.look("delays")
	dpo.press(`button[name=decision][value=approve]`)
	dpo.says(dpo.say("delay.hidden"))
	investigator.mustGet(t, "/people/"+tomas)
	his := signedIn(t, s.portal(), lang, "tomas")
	role := officer.say("role.approver2")
	if page := his.mustGet(t, "/record/looks"); strings.Contains(page, role) {
		t.Error("the investigation is seen too early")
	}
	s.sql(t, `update look_delay set requested_at = requested_at - interval '30 days', until = now() - interval '1 second'`)
	s.sql(t, `update look_delay set until = now() + interval '1 second'`)
	investigator.mustGet(t, "/people/"+tomas)
	time.Sleep(1100 * time.Millisecond) // the day has come
	if page := his.mustGet(t, "/record/looks"); !strings.Contains(page, role) || !strings.Contains(page, officer.say("looks.delayed")) {
		t.Error("the investigation does not come to light")
	}
}

// protects hides a look for protection until somebody else has reviewed it.
func protects(t *testing.T, s *System, dpo *Browser) {
	t.Helper()
	lang := dpo.lang
	protection := s.reader(t, lang, "protection")
	leila := s.record(t, "Leila Karim")
	protection.mustGet(t, leila)
	her := signedIn(t, s.portal(), lang, "leila")
	role := dpo.say("role.protection")
	hidden := func(when string) {
		t.Helper()
		if page := her.mustGet(t, "/record/looks"); strings.Contains(page, role) {
			t.Error("the protection officer is seen ", when)
		}
	}
	hidden("at once")
	form := url.Values{"person": {strings.TrimPrefix(leila, "/people/")}, "review": {"She has a phone of her own"}, "agree": {"yes"}}
	protection.mustSave(t, "/releases", form)
	hidden("after their own review")
	dpo.open("/releases")
	dpo.says(strings.TrimPrefix(leila, "/people/"))
	dpo.look("releases")
	dpo.fill("person", form.Get("person"))
	dpo.fill("review", form.Get("review"))
	dpo.next()
	dpo.says(dpo.say("release.error.agree"))
	dpo.choose("agree", "yes")
	dpo.next()
	dpo.says(dpo.say("release.none"))
	if page := her.mustGet(t, "/record/looks"); !strings.Contains(page, role) {
		t.Error("what was released is not shown")
	}
	if page := signedIn(t, s.admin(), lang, "auditor").mustGet(t, "/audit?person="+form.Get("person")); strings.Contains(page, "ليلى") || strings.Contains(page, "Leila") {
		t.Error("the auditor reads a name")
	}
}

// TestAuditor is abuse case 24 as a story: an auditor reads the log, which is
// written down; somebody with the database in their hands changes an entry; a
// check names it, and so does the command, with the second party's checkpoints.
func TestAuditor(t *testing.T) {
	t.Parallel()
	s := ownSystem(t)
	rosa := signedIn(t, s.portal(), "en", "rosa")
	ref := rosa.applies(t, "/apply", rosasHousehold())
	s.reader(t, "en", "verifier").mustGet(t, s.record(t, "Amina Yusuf"))
	receipt := rosa.mustGet(t, "/apply/"+ref+"/receipt")
	leaf := regexp.MustCompile(`[0-9a-f]{64}`).FindString(receipt)
	if leaf == "" {
		t.Fatal("no leaf hash on the receipt")
	}
	anybody := newVisitor(t, s.portal(), "en")
	proof := s.proven(t, anybody, leaf)
	if strings.Contains(proof, ref) {
		t.Error("the proof says what it is about")
	}

	b := newBrowser(t, "auditor", s.admin(), "en", true)
	b.staffSignIn("auditor")
	b.at("/audit")
	b.says(b.say("audit.action.person.read"), ref)
	b.hides("Amina", "Delgado")
	b.look("log")
	b.fill("action", "case")
	b.next0()
	b.hides(b.say("audit.action.person.read"))
	b.look("log-filtered")
	auditor := signedIn(t, s.admin(), "en", "auditor")
	auditor.mustAnswer(t, http.MethodGet, "/audit?from=yesterday", nil, http.StatusUnprocessableEntity)
	for query, want := range map[string]bool{
		"?case=" + ref: true, "?action=case.submitted": true, "?action=case": true, "?action=ca": false, "?person=P-22222-22222": false, "?from=2999-01-01": false,
		"?purpose=queue": false, "?officer=S-22222-22222": false,
	} {
		if page := auditor.mustGet(t, "/audit"+query); strings.Contains(page, "<tbody") != want {
			t.Errorf("%s finds something: %v", query, !want)
		}
	}
	file := auditor.mustAnswer(t, http.MethodPost, "/audit/export", url.Values{"action": {"case.submitted"}}, http.StatusOK)
	if strings.Count(file, "case.submitted") != 1 || !strings.Contains(file, ref) {
		t.Errorf("the file is %q", file)
	}
	if n := s.sql(t, `select count(*) from audit_event e join staff s on s.id = e.actor where e.action in ('audit.read', 'audit.exported') and s.name <> ''`); n < "9" && len(n) == 1 {
		t.Errorf("%s readings of the log are written down", n)
	}
	// what the office sees, a page at a time
	first := auditor.mustGet(t, "/audit")
	next := regexp.MustCompile(`/audit\?before=\d+`).FindString(first)
	if next == "" || !strings.Contains(auditor.mustGet(t, next), "<tbody") {
		t.Error("there is no second page")
	}

	// the second party has a copy of what was signed so far
	kept := filepath.Join(s.dir, "kept")
	if err := os.WriteFile(kept, []byte(anybody.mustGet(t, s.portal()+"/audit/checkpoints")), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := s.run(t, "audit", "verify", "--checkpoints", kept); !strings.Contains(got, "are as they were sealed") {
		t.Errorf("a sound log: %s", got)
	}
	b.open("/audit/checks")
	b.finds1(b.say("audit.check.sound"))
	b.look("sound")
	s.offline(t, proof, kept, leaf)

	// an entry changes, behind the program's back
	idx := s.sql(t, `begin; set session_replication_role = replica; with it as (
		update audit_event e set actor = null, detail = '{}' from audit_leaf l where l.event_id = e.id and l.at = e.at and e.action = 'person.read' returning l.idx) select idx from it; commit`)
	b.finds1(b.say("audit.check.changed"), b.say("audit.problem.altered", "Which", idx))
	b.look("changed")
	said := s.fails(t, 1, []string{"audit", "verify", "--checkpoints", kept}, "the audit log was changed: entry "+idx)
	if !strings.Contains(said, "was changed after it was sealed") {
		t.Errorf("verify says %q", said)
	}

	// last week's backup
	s.backUp(t)
	s.fails(t, 1, []string{"audit", "verify", "--checkpoints", kept}, "the audit log was changed")
	if ready := s.ready(t, "alarm"); !strings.Contains(ready, "the audit log was changed") {
		t.Errorf("the program does not notice: %s", ready)
	}
}

// proven waits until the entry of a receipt is sealed and returns its proof.
func (s *System) proven(t *testing.T, anybody *Visitor, leaf string) string {
	t.Helper()
	for range 100 {
		if a, err := anybody.get(s.portal() + "/audit/proof/" + leaf); err == nil && a.status == http.StatusOK {
			if page := anybody.mustGet(t, "/audit/proof/"+leaf); !strings.Contains(page, leaf) {
				t.Error("the page does not show the hash")
			}
			return a.body
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatal("the receipt's entry is not sealed")
	return ""
}

// offline checks a proof with nothing but the public key and the second party's
// checkpoints.
func (s *System) offline(t *testing.T, proof, kept, leaf string) {
	t.Helper()
	keys := s.writeText(t, "keys.txt", s.run(t, "audit", "keys"))
	file := s.writeText(t, "proof.json", proof)
	if got := s.run(t, "audit", "verify", "--receipt", file, "--keys", keys, "--checkpoints", kept); !strings.Contains(got, "is in the log, and was when") {
		t.Errorf("a proof in a file: %s", got)
	}
	if got := s.run(t, "audit", "verify", "--receipt", leaf, "--checkpoints", kept); !strings.Contains(got, "is in the log, and was when") {
		t.Errorf("a proof by hash: %s", got)
	}
	forged := s.writeText(t, "forged.json", strings.Replace(proof, leaf[:8], "00000000", 1))
	s.fails(t, 1, []string{"audit", "verify", "--receipt", forged, "--keys", keys}, "is not in the log")
	s.fails(t, 1, []string{"audit", "verify", "--receipt", strings.Repeat("ab", 32)}, "no entry with this hash")
	s.fails(t, 2, []string{"audit", "verify", "--receipt", "nonsense"}, "neither a file nor a leaf hash")
}

// finds1 asks for a check of the log and waits for what it says.
func (b *Browser) finds1(words ...string) {
	b.t.Helper()
	b.open("/audit/checks")
	b.next0()
	for range 200 {
		b.open("/audit/checks")
		if strings.Contains(b.find(`document.querySelector('main section').innerText`), words[0]) {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	b.says(words...)
}

// ready waits until the operator's page says a word.
func (s *System) ready(t *testing.T, word string) string {
	t.Helper()
	v := newVisitor(t, s.origin(4), "")
	body := ""
	for range 100 {
		if a, err := v.get(s.origin(4) + "/readyz"); err == nil {
			if body = a.body; strings.Contains(body, word) {
				return body
			}
		}
		time.Sleep(100 * time.Millisecond)
	}
	return body
}

// TestAlerts is abuse case 17: a clerk browses. Somebody is told within minutes,
// and each person sees it.
func TestAlerts(t *testing.T) {
	t.Parallel()
	s := ownSystem(t)
	verifier := s.reader(t, "en", "verifier")
	s.sql(t, `update staff set name = 'Ruth Okello' where name = (select s.name from staff s join staff_role r on r.staff_id = s.id where r.role = 'verifier' limit 1)`)
	verifier.mustGet(t, s.record(t, "Joseph Okello"))
	b := newBrowser(t, "alerts", s.admin(), "en", true)
	b.staffSignIn("dpo")
	dpo := signedIn(t, s.admin(), "en", "dpo")
	for range 140 { // the worker looks every minute
		if strings.Contains(dpo.mustGet(t, "/alerts"), "Ruth Okello") {
			break
		}
		time.Sleep(500 * time.Millisecond)
	}
	b.open("/alerts")
	b.says("Ruth Okello", b.say("alert.kind.surname"))
	b.look("alerts")
	b.press(`#main-content a[href*="/alerts/N-"]`)
	b.next()
	b.says(b.say("finding.error"), b.say("finding.error.note"))
	b.look("alert-error")
	b.choose("finding", "improper")
	b.fill("note", "They are cousins.")
	b.next()
	b.says(b.say("finding.improper"), "They are cousins.")
	b.look("alert-closed")
	b.pressText(b.say("alert.log"))
	b.says(b.say("audit.action.person.read"))
}

// TestOldBackup restores a database that is older than the second party's last
// checkpoint: the program does not start on it, and goes on under another name
// once somebody says that the entries are lost for good.
func TestOldBackup(t *testing.T) {
	t.Parallel()
	s := ownSystem(t)
	s.kill()
	s.kept = t.TempDir()
	s.again(t)
	signedIn(t, s.portal(), "en", "rosa").applies(t, "/apply", rosasHousehold())
	last := s.sealed(t, s.kept)
	s.kill()
	s.backUp(t)
	if err := s.launch(); err == nil || !strings.Contains(err.Error(), "the audit log was changed") || !strings.Contains(err.Error(), "accept-loss") {
		t.Fatalf("it starts on an old backup: %v", err)
	}
	s.fails(t, 1, []string{"audit", "verify", "--checkpoints", s.kept}, "the audit log was changed", "to "+last)
	if got := s.run(t, "audit", "accept-loss", "--reason", "the disk burnt"); !strings.Contains(got, "/audit#2") {
		t.Errorf("accept-loss says %q", got)
	}
	s.again(t)
	signedIn(t, s.portal(), "en", "rosa").mustGet(t, "/home")
	s.sealed(t, s.kept)
	s.fails(t, 1, []string{"audit", "verify", "--checkpoints", s.kept}, "the audit log was changed") // for ever
	s.fails(t, 1, []string{"audit", "accept-loss", "--reason", "again"}, "no loss to accept")
	if n := s.sql(t, `select count(*) from audit_event where action = 'audit.loss_accepted'`); n != "1" {
		t.Errorf("%s entries about the loss", n)
	}
}

// backUp has the log be as it was at its first checkpoint. What was written since
// had its entries until then.
func (s *System) backUp(t *testing.T) {
	t.Helper()
	if writes, err := s.unauditedWrites(t.Context()); writes != "" || err != nil {
		t.Errorf("written without an entry in the audit log: %s %v", writes, err)
	}
	s.sql(t, `truncate written.note`)
	s.sql(t, `begin; set session_replication_role = replica;
		delete from audit_checkpoint where size > (select min(size) from audit_checkpoint);
		update audit_log set size = (select size from audit_checkpoint);
		delete from audit_leaf where idx >= (select size from audit_log);
		delete from audit_event e where not exists (select from audit_leaf l where l.event_id = e.id and l.at = e.at);
		delete from written.note; commit`) // which had entries
}

// again starts the program where it was.
func (s *System) again(t *testing.T) {
	t.Helper()
	for range 50 {
		err := s.launch()
		if err == nil {
			return
		}
		if !errors.Is(err, errPortTaken) {
			t.Fatal(err)
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatal(errPortTaken)
}

// sealed waits until everything is sealed and given away, and returns the number
// of the last entry.
func (s *System) sealed(t *testing.T, kept string) string {
	t.Helper()
	for range 200 {
		size, all, _ := strings.Cut(s.sql(t, `select (select max(size) from audit_checkpoint) || ' ' || (select count(*) from audit_event)`), " ")
		files, err := filepath.Glob(filepath.Join(kept, "*.checkpoints"))
		if err == nil && size == all && len(files) > 0 {
			if b, err := os.ReadFile(files[len(files)-1]); err == nil && strings.Contains(string(b), "\n"+size+"\n") {
				n, _ := strconv.Atoi(size)
				return strconv.Itoa(n - 1)
			}
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatal("not everything is sealed and given away")
	return ""
}
