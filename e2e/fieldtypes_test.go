package e2e

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"daftar/registry"
)

// TestFieldTypes is every kind of question that a country can define, as a
// citizen answers it and as the office proposes it for a record: rosters with
// places in them, photos, values that are calculated, and what a credential
// says of them.
func TestFieldTypes(t *testing.T) {
	t.Parallel()
	for _, lang := range []string{"en", "ar"} {
		t.Run(lang, func(t *testing.T) {
			t.Parallel()
			s := ownSystem(t)
			quality := signedIn(t, s.admin(), lang, "dataquality")
			quality.mustSave(t, "/fields/packs", one("pack", "farmer"))
			quality.mustSave(t, "/fields/packs", one("pack", "coastal"))
			answersOfAFarm(t, s, lang)
			recordOfAFarm(t, s, lang)
			correctionOfAFarm(t, s, lang)
			claimOfACredential(t, s, lang)
		})
	}
}

// aPicture is a photo on disk.
func aPicture(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "paper.jpg")
	if err := os.WriteFile(path, photo(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func answersOfAFarm(t *testing.T, s *System, lang string) {
	rosa := signedIn(t, s.portal(), lang, "rosa")
	ref := rosa.starts(t, "/apply")
	at := "/apply/" + ref
	rosa.mustSave(t, at+"/q/farms", one("answer", "yes"))
	row := map[string][]string{"crop": {"maize"}, "ha": {"1.5"}, "place": {"Nowhere"}}
	rosa.mustAnswer(t, "POST", at+"/q/plots/rows/new", row, 422)
	row["place"] = []string{map[string]string{"en": "river side", "ar": "ضفة النهر"}[lang]}
	rosa.mustSave(t, at+"/q/plots/rows/new", row)
	if got := s.answerOf(t, ref, "->'fields'->'plots'->0->>'place'"); got != "MJ010201" {
		t.Errorf("the plot is in %s", got)
	}

	her := newBrowser(t, "types-rosa", s.portal(), lang, lang == "en")
	her.open("/sign-in?to=/home")
	her.signIn("rosa")
	her.open(at + "/q/land_document")
	her.look("photo")
	her.press(`button[name=do][value=upload]`)
	her.says(her.say("upload.error.missing"))
	her.do(chromedp.SetUploadFiles(chromedp.CSS(`input[name=photo]`), []string{aPicture(t)}))
	her.press(`button[name=do][value=upload]`)
	her.open(at + "/q/land_document")
	her.look("photo-there")
	if shown := her.find(`String(document.querySelector('main img').naturalWidth > 0)`); shown != "true" {
		t.Error("the photo is not shown")
	}

	her.open(at + "/q/flooded")
	her.choose("answer", "once")
	her.next()
	her.at(at + "/q/water_height")
	her.open(at + "/q/fled_to")
	her.look("place")
	her.choose("answer", "MJ01")
	her.next()
	her.look("place-inside")
	her.choose("answer", "MJ0101")
	her.next()
	her.choose("answer", "MJ0101") // somewhere in it
	her.next()
	if got := s.answerOf(t, ref, "->'fields'->>'fled_to'"); got != "MJ0101" {
		t.Errorf("they went to %s", got)
	}
	her.open(at + "/q/storm_losses")
	her.choose("answer", "home")
	her.next()
	her.at(at + "/q/storm_losses/evidence")
	her.look("evidence")
	her.press(`button[name=do][value=none]`) // having none stops nobody
	her.open(at + "/check")
	her.says(map[string]string{"en": "Old Town", "ar": "المدينة القديمة"}[lang], her.say("field.photo"))
	her.look("check")

	// nobody else's business, and not there where it is not asked
	amina := signedIn(t, s.portal(), lang, "amina")
	for _, path := range []string{"/q/land_document/photo", "/q/storm_losses/evidence", "/q/storm_losses/evidence/photo", "/q/fled_to"} {
		real, err1 := amina.get(at + path)
		none, err2 := amina.get("/apply/" + newRef(registry.RefCase) + path)
		if err1 != nil || err2 != nil || real.status != http.StatusNotFound || real.whole() != none.whole() {
			t.Errorf("%s of somebody else: %d, %v %v", path, real.status, err1, err2)
		}
	}
	for _, path := range []string{"/q/rooms/photo", "/q/rooms/evidence", "/q/warned/evidence", "/q/land_document/evidence"} {
		rosa.mustAnswer(t, "GET", at+path, nil, 404)
	}
	// a photo is what was uploaded, and never a reference that somebody typed
	rosa.mustAnswer(t, "POST", at+"/q/land_document", one("answer", "F-22222-22222"), 404)
	rosa.mustAnswer(t, "POST", at+"/q/land_document", nil, 404)
}

func recordOfAFarm(t *testing.T, s *System, lang string) {
	ref := s.sql(t, `select h.ref from household h join membership m on m.household_id = h.id and m.tie = 'usual'
		join person p on p.id = m.person_id where p.full_name_latin = 'Amina Yusuf'`)
	home := "/households/" + ref
	quality := newBrowser(t, "types-office", s.admin(), lang, lang == "ar")
	quality.staffSignIn("dataquality")
	quality.needs(home+"/propose", "correction")
	quality.look("propose")
	quality.choose("f.farms", "yes")
	quality.pick("f.plots.0.crop", "maize")
	quality.fill("f.plots.0.ha", "2.5")
	quality.fill("f.plots.0.place", "Atlantis")
	quality.choose("nature", "event")
	quality.pick("reason", "other")
	quality.pick("method", "document")
	quality.fill("note", "She showed me the field.")
	quality.press(`button[name=more][value=plots]`) // nothing is sent, and nothing is lost
	quality.holds("f.plots.0.ha", "2.5")
	quality.pick("f.plots.1.crop", "rice")
	quality.fill("f.plots.1.ha", "1")
	quality.fill("f.animals.0.heads", "-4")
	quality.press(sendButton)
	quality.says(quality.say("field.error.place"), quality.say("field.error.min", "Min", "0"))
	quality.holds("f.plots.1.ha", "1")
	quality.look("propose-error")
	quality.fill("f.plots.0.place", "MJ010201")
	quality.fill("f.animals.0.heads", "4")
	quality.do(chromedp.SetUploadFiles(chromedp.CSS(`input[name="f.land_document"]`), []string{aPicture(t)}))
	quality.press(sendButton)
	change := amendmentRef.FindString(quality.location())
	quality.says(change, quality.say("field.photo"), "2.5")
	quality.look("proposed")
	verifier, approver := signedIn(t, s.admin(), lang, "verifier"), signedIn(t, s.admin(), lang, "approver")
	verifier.mustSave(t, "/changes/"+change+"/verify", nil)
	approver.mustSave(t, "/changes/"+change+"/decide", map[string][]string{"decision": {"approve"}, "answer": {""}})

	// the job calculates what follows from it
	for range 400 {
		if s.sql(t, `select coalesce(c.values->>'farmed_area', '') || ' ' || coalesce(c.values->>'herd', '')
			from calculated c join household h on h.id = c.subject_id where h.ref = '`+ref+`'`) == "3.5 4" {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	quality.open(home)
	quality.says(quality.say("record.calculated"), "3.5", map[string]string{"en": "River Side", "ar": "ضفة النهر"}[lang], quality.say("field.photo"))
	quality.look("record")
	picture := quality.find(`document.querySelector('main a[href*="/photos/"]').getAttribute('href')`)
	picture = strings.TrimPrefix(picture, "/"+lang)
	if got, err := signedIn(t, s.admin(), lang, "verifier").get(picture); err != nil || got.status != http.StatusOK {
		t.Error("the photo of the record: ", got.status, err)
	}
	mine := signedIn(t, s.portal(), lang, "amina")
	photoRef := picture[strings.LastIndex(picture, "/")+1:]
	if got, err := mine.get("/record/photos/" + photoRef); err != nil || got.status != http.StatusOK {
		t.Error("the photo of one's own record: ", got.status, err)
	}
	mine.sees(t, "/record", photoRef)
	for name, ask := range map[string]func(string) (Answer, error){
		"another citizen": func(ref string) (Answer, error) {
			return signedIn(t, s.portal(), lang, "joseph").get("/record/photos/" + ref)
		},
		"another region": func(ref string) (Answer, error) {
			return signedIn(t, s.admin(), lang, "approver-north").get(strings.ReplaceAll(picture, photoRef, ref))
		},
	} {
		real, err1 := ask(photoRef)
		none, err2 := ask("F-22222-22222")
		if err1 != nil || err2 != nil || real.status != http.StatusNotFound || real.whole() != none.whole() {
			t.Errorf("%s: %d, %v %v", name, real.status, err1, err2)
		}
	}
}

// correctionOfAFarm is a citizen who puts right what is known of their plots: row by
// row, with what is on record to begin with.
func correctionOfAFarm(t *testing.T, s *System, lang string) {
	amina := signedIn(t, s.portal(), lang, "amina")
	ref := amina.tells(t, "correct")
	at := "/request/" + ref
	amina.mustSave(t, at+"/q/about", one("answer", "home"))
	amina.mustSave(t, at+"/q/home", one("answer", "plots"))
	her := newBrowser(t, "types-plots", s.portal(), lang, lang == "ar")
	her.open("/sign-in?to=/home")
	her.signIn("amina")
	her.open(at + "/q/home.plots")
	her.says("2.5", map[string]string{"en": "River Side", "ar": "ضفة النهر"}[lang])
	her.look("plots")
	her.press(`form[action$="/remove"] button`)
	if text := her.text(); strings.Contains(text, "2.5") {
		t.Error("the plot is still there: ", text)
	}
	her.press(`.govuk-summary-list__actions a`)
	her.holds("ha", "1")
	her.fill("ha", "1.25")
	her.next()
	her.choose("another", "no")
	her.next()
	her.at(at + "/proof")
	her.open(at + "/q/home.plots")
	her.says("1.25")
}

// sendButton is the last button of a form: others ask for another row.
const sendButton = `#main-form > button[type=submit].govuk-button:last-of-type`

func claimOfACredential(t *testing.T, s *System, lang string) {
	editor := newBrowser(t, "types-editor", s.admin(), lang, true)
	editor.staffSignIn("dataquality")
	editor.open("/fields/household/rooms/edit")
	editor.do(chromedp.Click(chromedp.CSS(`details:has([name=credential]) summary`)))
	editor.pick("credential", "household-registration")
	editor.fill("claim_name", "district")
	editor.next()
	editor.says(editor.say("field.error.claim_name"))
	editor.look("claim-error")
	editor.fill("claim_name", "rooms_number")
	editor.choose("claim_mandatory", "yes")
	editor.next()
	editor.pressText(editor.say("field.publish"))

	metadata := newVisitor(t, s.issuer(), lang).mustGet(t, s.issuer()+"/.well-known/openid-credential-issuer")
	for _, want := range []string{`"path":["rooms_number"]`, `"name":"الغرف"`, `"name":"Rooms"`, `/vct/household-registration/2"`} {
		if !strings.Contains(metadata, want) {
			t.Errorf("the issuer's metadata have no %s", want)
		}
	}
	for version, there := range map[int]bool{1: false, 2: true} {
		page := newVisitor(t, s.issuer(), lang).mustGet(t, fmt.Sprintf("%s/vct/household-registration/%d", s.issuer(), version))
		if strings.Contains(page, "rooms_number") != there {
			t.Errorf("version %d of the type: %s", version, page)
		}
	}
}
