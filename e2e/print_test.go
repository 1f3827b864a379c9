package e2e

import (
	"fmt"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// TestPrinting looks at the pages that people take home on paper as a printer
// does: the reference is on them, and nothing that only a screen can use.
func TestPrinting(t *testing.T) {
	t.Parallel()
	for _, lang := range []string{"en", "ar"} {
		t.Run(lang, func(t *testing.T) {
			t.Parallel()
			s := ownSystem(t)
			ref := signedIn(t, s.portal(), lang, "rosa").applies(t, "/apply", rosasHousehold())
			counter := signedIn(t, s.admin(), lang, "intake").applies(t, "/counter", aHousehold("Mama Ngina", ""))

			rosa := newBrowser(t, "print-rosa", s.portal(), lang, true)
			rosa.open("/sign-in?to=/home")
			rosa.signIn("rosa")
			rosa.open("/apply/" + ref + "/receipt")
			code := rosa.find(`document.querySelector('.dft-code').innerText.trim()`)
			rosa.prints("receipt", ref, code, "Rosa Delgado")
			rosa.open("/cases/" + ref)
			rosa.prints("case", ref)

			intake := newBrowser(t, "print-intake", s.admin(), lang, true)
			intake.open("/sign-in?to=/counter")
			intake.signIn("intake")
			intake.open("/counter/" + counter + "/receipt")
			intake.prints("counter-receipt", counter, "Mama Ngina", intake.say("receipt.signature"))

			amina := newBrowser(t, "print-amina", s.portal(), lang, true)
			amina.open("/sign-in?to=/record")
			amina.signIn("amina")
			amina.prints("record", s.sql(t, `select ref from person where full_name = 'آمنة يوسف'`), "آمنة يوسف")
			amina.open("/credentials")
			amina.next0()
			amina.prints("offer", amina.say("credential.household-registration.name"))
		})
	}
}

// prints looks at the page on paper.
func (b *Browser) prints(name string, texts ...string) {
	b.t.Helper()
	media := func(kind string) {
		if _, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: kind}); err != nil {
			b.t.Fatal(err)
		}
	}
	media("print")
	defer media("")
	b.says(texts...)
	if shown := b.find(interactive); shown != "" {
		b.t.Errorf("%s, %s: on paper there is %s", b.story, name, shown)
	}
	if over := b.find(overflow); over != "" {
		b.fail(fmt.Errorf("%s: too wide for the paper: %s", name, over))
	}
}

// interactive lists what is visible and of no use on paper.
const interactive = `[...document.querySelectorAll('button, input, select, textarea, summary, nav, .govuk-button, [role=button], .govuk-skip-link, .dft-no-print, header *')]
	.filter(e => e.checkVisibility({visibilityProperty: true}) && e.getBoundingClientRect().height > 1)
	.map(e => e.outerHTML.slice(0, 120)).join('\n')`
