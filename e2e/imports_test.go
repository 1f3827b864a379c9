package e2e

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// TestImports is the story of a list: a template is filled in, first badly and
// then well; one officer sends it, another approves it, and it is taken back.
func TestImports(t *testing.T) {
	t.Parallel()
	for _, lang := range []string{"en", "ar"} {
		t.Run(lang, func(t *testing.T) {
			t.Parallel()
			listComesIn(t, lang)
		})
	}
}

// homesCSV and peopleCSV are two households with three people, as an office
// writes them: headers of its own, answers in words.
const (
	homesCSV  = "hhid;village;address;electricity\nA1;MJ010101;Blue door;yes\nA2;MJ010102;;no\n"
	peopleCSV = "hhid;name;gender;dob;relation to head;national id\n" +
		"A1;Salma Idris;F;1980-02-03;head;MJ 7000 0001\nA1;Musa Idris;M;2015;son;\nA2;Halima Noor;F;12/1990;head;\n"
)

func listComesIn(t *testing.T, lang string) {
	s := ownSystem(t)
	clerk := newBrowser(t, "imports-dataquality", s.admin(), lang, true)
	clerk.staffSignIn("dataquality")
	clerk.press(`.govuk-service-navigation__link[href$="/imports"]`)
	clerk.look("imports")
	clerk.press(`#main-content a[href$="/imports/new"]`)
	clerk.look("new")
	clerk.next()
	clerk.says(clerk.say("import.error.no_file"))
	clerk.look("new-empty")

	// files that are no list, and one that has a bad row
	clerk.upload(t, map[string]string{"photo.csv": "\x89PNG\r\n\x1a\n\x00\x00"})
	if clerk.find(`document.querySelector('#encoding').value`) != "" {
		t.Error("an encoding is chosen for the files")
	}
	clerk.says("photo.csv")
	arabic := map[string]string{"homes.csv": "hhid;\xe3\xcf\xed\xe4\xc9\nA1;\xe3\n"} // a file of an old office program
	clerk.upload(t, arabic)
	clerk.at("/imports/new")
	clerk.pick("encoding", "windows-1256")
	clerk.upload(t, arabic)
	clerk.says(clerk.say("import.prepare"))
	clerk.open("/imports/new")
	clerk.upload(t, map[string]string{"homes.csv": homesCSV, "people.csv": strings.Replace(peopleCSV, "2015", "2999", 1)})
	clerk.says(clerk.say("import.prepare"))
	clerk.look("draft")
	clerk.columns()
	clerk.saysWhat()
	clerk.pressText(clerk.say("import.start"))
	clerk.settles(s, "checked")
	clerk.says("people.csv", "2999", clerk.say("birth.error.future"), clerk.say("import.hint.checked_problems"))
	clerk.look("problems")
	if file := clerk.download(t, `#main-content a[href$="/problems"]`); !strings.Contains(file, "people.csv,,3,dob,2999,") || !strings.Contains(file, clerk.say("birth.error.future")) {
		t.Errorf("the file of problems says %q", file)
	}
	clerk.pressText(clerk.say("import.withdraw"))
	clerk.says(clerk.say("import.state.withdrawn"))
	before := s.everything(t)

	// the same, corrected: the mapping was kept
	clerk.open("/imports/new")
	clerk.upload(t, map[string]string{"homes.csv": homesCSV, "people.csv": peopleCSV})
	clerk.press(`#main-content a[href$="/columns"]`)
	if got := clerk.find(`document.querySelector('select[name=column-7]').value`); got != "birth_date" {
		t.Errorf("the column is %q", got)
	}
	clerk.next()
	clerk.pressText(clerk.say("import.start"))
	clerk.settles(s, "checked")
	clerk.says(clerk.say("import.hint.checked"))
	clerk.look("checked")
	clerk.press(`#main-content a[href$="/records"]`)
	clerk.says("Salma Idris", "Blue door")
	clerk.look("records")
	clerk.press(`.govuk-back-link`)
	clerk.pressText(clerk.say("import.send"))
	clerk.says(clerk.say("import.state.proposed"))
	ref := clerk.ref()
	if s.everything(t) == "" || s.sql(t, `select count(*) from person where full_name like '%Idris'`) != "0" {
		t.Error("somebody is registered before anybody agreed")
	}
	_ = before
	nobodyElseDecides(t, s, lang, ref)

	approver := clerk.colleague("imports-approver", s.admin())
	approver.staffSignIn("approver")
	approver.agreesTo(s, ref)
	if got := s.sql(t, `select string_agg(p.full_name || ' ' || a.code || ' ' || p.birth_from || ' ' || m.relationship, ', ' order by p.full_name)
		from person p join membership m on m.person_id = p.id join household h on h.id = m.household_id join area a on a.id = h.area_id where p.full_name ~ 'Idris|Noor'`); got !=
		"Halima Noor MJ010102 1990-12-01 head, Musa Idris MJ010101 2015-01-01 child, Salma Idris MJ010101 1980-02-03 head" {
		t.Errorf("registered: %s", got)
	}

	// somebody's record moves on; the batch is taken back, but for her
	moved := s.sql(t, `select ref from person where full_name = 'Halima Noor'`)
	s.sql(t, fmt.Sprintf(`with c as (select gen_random_uuid() id) insert into change (id, origin, state, proposed_at, proposed_by, approved_at, approved_by, approved_hash, applied_at)
		select id, 'batch', 'applied', now(), gen_random_uuid(), now(), gen_random_uuid(), '', now() from c;
		insert into record_version (subject_id, version, change_id, seq, recorded_at) select v.subject_id, 2, v.change_id, v.seq, now() from record_version v join person p on p.id = v.subject_id where p.ref = '%s'`, moved))
	clerk.open("/imports/" + ref)
	clerk.press(`#main-content a[href$="/undo"]`)
	clerk.look("undo")
	clerk.next()
	clerk.says(clerk.say("areas.error.note"))
	clerk.fill("note", "The wrong list")
	clerk.next()
	clerk.settles(s, "checked")
	clerk.says(moved, clerk.say("import.undo.moved"), "The wrong list")
	clerk.look("undo-checked")
	clerk.pressText(clerk.say("import.send_undo_rest"))
	approver.agreesTo(s, clerk.ref())
	if got := s.sql(t, `select string_agg(full_name || ' ' || status, ', ' order by full_name) from person where full_name ~ 'Idris|Noor'`); got != "Halima Noor active, Musa Idris error, Salma Idris error" {
		t.Errorf("taken back: %s", got)
	}
	clerk.open("/imports/" + clerk.ref())
	clerk.says(clerk.say("import.hint.taken_back_rest"), moved)
	clerk.open("/imports/" + ref)
	clerk.says(clerk.say("import.hint.partly_undone"))
	clerk.open("/imports")
	clerk.look("list")
	clerk.open("/imports/mappings")
	clerk.look("mappings")
}

// upload chooses files and sends them.
func (b *Browser) upload(t *testing.T, files map[string]string) {
	t.Helper()
	dir := t.TempDir()
	var paths []string
	for _, name := range []string{"homes.csv", "people.csv", "photo.csv"} {
		if text, ok := files[name]; ok {
			path := filepath.Join(dir, name)
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			paths = append(paths, path)
		}
	}
	b.do(chromedp.SetUploadFiles(chromedp.CSS(`input[name=files]`), paths))
	b.next()
}

// columns looks at what was suggested, corrects it, and keeps it.
func (b *Browser) columns() {
	b.t.Helper()
	b.press(`#main-content a[href$="/columns"]`)
	b.look("columns")
	b.pick("column-5", "household") // two columns for one thing
	b.next()
	b.says(b.say("import.error.target_twice", "Target", b.say("import.column.household")))
	b.look("columns-error")
	b.pick("column-5", "full_name")
	b.next()
	b.press(`#main-content a[href$="/options"]`)
	b.look("options")
	b.choose("match", "new")
	b.fill("name", "Village lists")
	b.next()
}

// saysWhat says what words mean that are no answers.
func (b *Browser) saysWhat() {
	b.t.Helper()
	b.press(`#main-content a[href$="/answers"]`)
	b.says("F", "M", "son")
	b.look("answers")
	b.pick("value-0", "female")
	b.pick("value-1", "male")
	b.pick("value-2", "child")
	b.next()
	b.press(`#main-content a[href$="/options"]`) // kept with the answers
	b.fill("name", "Village lists")
	b.next()
}

// settles waits until the batch of the page is in a state.
func (b *Browser) settles(s *System, state string) {
	b.t.Helper()
	ref := b.ref()
	got := ""
	for range 600 {
		if got = s.sql(b.t, fmt.Sprintf(`select state from import_batch where ref = '%s'`, ref)); got != "checking" && got != "approved" {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	if got != state {
		b.t.Fatalf("the batch is %s, not %s: %s", got, state, s.sql(b.t, fmt.Sprintf(`select failure from import_batch where ref = '%s'`, ref)))
	}
	b.open("/imports/" + ref)
	b.says(b.say("import.state." + state))
}

// ref is the reference at the end of the page's address.
func (b *Browser) ref() string {
	path, _, _ := strings.Cut(b.location(), "?")
	parts := strings.Split(path, "/imports/")
	return strings.Split(parts[len(parts)-1], "/")[0]
}

// download reads what a link leads to, as the browser's own user.
func (b *Browser) download(t *testing.T, link string) string {
	t.Helper()
	text, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](
		fmt.Sprintf(`fetch(document.querySelector(%q).href).then(r => r.text())`, link), chromedp.EvalAwaitPromise))
	if err != nil {
		b.fail(err)
	}
	return text
}

// agreesTo approves a batch and waits until it is done.
func (b *Browser) agreesTo(s *System, ref string) {
	b.t.Helper()
	b.open("/imports")
	b.press(fmt.Sprintf(`#main-content a[href$="/imports/%s"]`, ref))
	b.look("proposal")
	b.press(`#main-content a[href$="/decide"]`)
	b.look("decide")
	b.choose("decision", "refuse")
	b.next()
	b.says(b.say("areas.error.note"))
	b.choose("decision", "approve")
	b.next()
	b.settles(s, "applied")
	b.look("applied")
}

// nobodyElseDecides: not who sent it, not another region's officer, and others
// have no such page.
func nobodyElseDecides(t *testing.T, s *System, lang, ref string) {
	t.Helper()
	clerk := signedIn(t, s.admin(), lang, "dataquality")
	clerk.mustAnswer(t, http.MethodPost, "/imports/"+ref+"/decide", url.Values{"decision": {"approve"}, "note": {""}}, http.StatusForbidden)
	north := signedIn(t, s.admin(), lang, "approver-north")
	north.mustAnswer(t, http.MethodGet, "/imports/"+ref, nil, http.StatusNotFound)
	north.mustAnswer(t, http.MethodGet, "/imports/"+ref+"/problems", nil, http.StatusNotFound)
	north.mustAnswer(t, http.MethodPost, "/imports/"+ref+"/decide", url.Values{"decision": {"approve"}, "note": {""}}, http.StatusNotFound)
	approver := signedIn(t, s.admin(), lang, "approver")
	approver.mustAnswer(t, http.MethodGet, "/imports/new", nil, http.StatusForbidden)
	approver.mustAnswer(t, http.MethodPost, "/imports/"+ref+"/withdraw", url.Values{}, http.StatusForbidden)
	intake := signedIn(t, s.admin(), lang, "intake")
	intake.mustAnswer(t, http.MethodGet, "/imports", nil, http.StatusForbidden)
}
