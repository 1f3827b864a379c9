package e2e

import (
	"net/url"
	"strings"
	"testing"
	"time"
)

// TestFieldEditor defines a field while people use the portal: after it is
// published, the next page of somebody's form asks it, in either language.
func TestFieldEditor(t *testing.T) {
	t.Parallel()
	for _, lang := range []string{"en", "ar"} {
		t.Run(lang, func(t *testing.T) {
			t.Parallel()
			s := ownSystem(t)
			rosa := signedIn(t, s.portal(), lang, "rosa")
			ref := rosa.starts(t, "/apply")
			rosa.mustAnswer(t, "GET", "/apply/"+ref+"/q/wells", nil, 404)

			editor := newBrowser(t, "fields", s.admin(), lang, true)
			editor.staffSignIn("dataquality")
			editor.open("/fields")
			editor.look("fields")
			editor.pressText(editor.say("field.new"))
			editor.look("field-new")
			editor.choose("type", "number")
			editor.fill("code", "Wells!")
			editor.next()
			editor.says(editor.say("field.error.code"))
			editor.fill("code", "rooms")
			editor.next()
			editor.says(editor.say("field.error.taken"))
			editor.fill("code", "wells")
			editor.next()

			editor.fill("label-en", "Wells")
			editor.pick("section", "dwelling")
			editor.choose("asked", "yes")
			editor.next()
			editor.says(editor.say("field.error.label"))
			editor.look("field-error")
			editor.fill("label-ar", "الآبار")
			editor.fill("question-en", "How many wells do you use?")
			editor.fill("question-ar", "كم بئرا تستعملون؟")
			editor.waits(`#preview`, "كم بئرا تستعملون؟") // as it is typed
			editor.look("field-edit")
			editor.next()
			editor.says(editor.say("field.draft_note"))
			editor.look("field-draft")
			rosa.mustAnswer(t, "GET", "/apply/"+ref+"/q/wells", nil, 404) // nobody's business yet
			editor.pressText(editor.say("field.publish"))
			editor.look("fields-published")

			for tag, want := range map[string]string{"en": "How many wells do you use?", "ar": "كم بئرا تستعملون؟"} {
				if page := rosa.mustGet(t, s.portal()+"/"+tag+"/apply/"+ref+"/q/wells"); !strings.Contains(page, want) {
					t.Errorf("in %s the form does not ask %q", tag, want)
				}
			}
			rosa.mustAnswer(t, "POST", "/apply/"+ref+"/q/wells", one("answer", "two"), 422)
			rosa.mustSave(t, "/apply/"+ref+"/q/wells", one("answer", "2"))
			if got := s.answerOf(t, ref, "->'fields'->'wells'"); got != "2" {
				t.Errorf("stored %s", got)
			}
		})
	}
}

// TestNewRoster makes a roster in the editor: its columns are drafted while it is a
// draft itself, and one button puts all of it into the form.
func TestNewRoster(t *testing.T) {
	t.Parallel()
	s := ownSystem(t)
	rosa := signedIn(t, s.portal(), "en", "rosa")
	ref := rosa.starts(t, "/apply")
	editor := signedIn(t, s.admin(), "en", "dataquality")
	with := func(pairs ...string) url.Values {
		form := url.Values{}
		for i := 0; i < len(pairs); i += 2 {
			form.Set(pairs[i], pairs[i+1])
		}
		return form
	}
	named := func(en, ar string, more ...string) url.Values {
		return with(append([]string{"label-en", en, "label-ar", ar, "section", "dwelling", "sensitivity", "personal", "evidence", "none", "position", "900"}, more...)...)
	}
	editor.mustSave(t, "/fields/new", with("subject", "household", "type", "roster", "code", "boats"))
	editor.mustSave(t, "/fields/household/boats/edit", named("Boats", "القوارب", "asked", "yes"))
	editor.mustSave(t, "/fields/new", with("subject", "household", "roster", "household.boats", "type", "text", "code", "kind"))
	if page := editor.mustAnswer(t, "POST", "/fields/household/boats/publish", nil, 409); !strings.Contains(page, "kind") {
		t.Error("the column that is not complete is not named")
	}
	editor.mustSave(t, "/fields/household/boats.kind/edit", named("Kind", "النوع", "max_length", "40"))
	editor.mustAnswer(t, "POST", "/fields/household/boats.kind/publish", nil, 409)
	editor.mustSave(t, "/fields/household/boats/publish", nil)
	if page := rosa.mustGet(t, s.portal()+"/en/apply/"+ref+"/q/boats/rows/new"); !strings.Contains(page, `name="kind"`) {
		t.Error("the row of the new roster does not ask its column")
	}
}

// TestRoster installs the farming pack and answers its roster of plots: rows are
// added, changed and taken out, without scripts too.
func TestRoster(t *testing.T) {
	t.Parallel()
	for _, lang := range []string{"en", "ar"} {
		t.Run(lang, func(t *testing.T) {
			t.Parallel()
			s := ownSystem(t)
			signedIn(t, s.admin(), "en", "dataquality").mustSave(t, "/fields/packs", one("pack", "farmer"))
			scripts := lang == "ar"
			rosa := newBrowser(t, "roster", s.portal(), lang, scripts)
			rosa.open("/sign-in?to=/home")
			rosa.signIn("rosa")
			ref := signedIn(t, s.portal(), lang, "rosa").starts(t, "/apply")
			rosa.open("/apply/" + ref)
			rosa.says(rosa.say("task.farming"))
			rosa.open("/apply/" + ref + "/q/farms")
			rosa.choose("answer", "no")
			rosa.next()
			rosa.at("/apply/" + ref) // no plots are asked of who does not farm
			rosa.open("/apply/" + ref + "/q/farms")
			rosa.choose("answer", "yes")
			rosa.next()
			rosa.at("/apply/" + ref + "/q/plots")
			rosa.look("roster-empty")
			rosa.choose("another", "yes")
			rosa.next()
			rosa.look("roster-row")
			rosa.next() // nothing said
			rosa.says(rosa.say("roster.error.empty"))
			rosa.choose("crop", "maize")
			rosa.fill("ha", "-1")
			rosa.next()
			rosa.look("roster-error")
			rosa.holds("ha", "-1")
			rosa.fill("ha", "1.5")
			rosa.pick("place", "MJ010201") // a list of places, and nothing to spell
			rosa.next()
			rosa.look("roster-one")
			if got := s.answerOf(t, ref, "->'fields'->'plots'->0->>'place'"); got != "MJ010201" {
				t.Errorf("the plot is in %q", got)
			}
			rosa.says("1.5")
			rosa.press(`main a[href*="/rows/"]:not([href$="/remove"])`)
			rosa.fill("ha", "2.25")
			rosa.next()
			rosa.says("2.25")
			if got := s.answerOf(t, ref, "->'fields'->'plots'->0->'ha'"); got != "2.25" {
				t.Errorf("stored %s", got)
			}
			rosa.press(`main a[href$="/remove"]`)
			rosa.look("roster-remove")
			rosa.choose("remove", "yes")
			rosa.next()
			rosa.says(rosa.say("roster.none"))
			rosa.choose("another", "no")
			rosa.next()
			rosa.at("/apply/" + ref + "/q/animals")
		})
	}
}

// waits until an element says a text that a script brings.
func (b *Browser) waits(selector, text string) {
	b.t.Helper()
	for range 250 {
		if strings.Contains(b.find(`document.querySelector('`+selector+`').innerText`), text) {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	b.t.Fatalf("%s never says %q", selector, text)
}
