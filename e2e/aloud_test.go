package e2e

import (
	"strings"
	"testing"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// recorder stands where a browser has voices: there are none on the machines that
// run the tests. It notes what would be said.
const recorder = `(() => {
	const heard = window.heard = []
	window.SpeechSynthesisUtterance = function (text) { this.text = text }
	Object.defineProperty(window, 'speechSynthesis', { value: Object.assign(new EventTarget(), {
		getVoices: () => [{ lang: 'en-GB' }, { lang: 'ar-EG' }], speak: u => heard.push(u.lang + ': ' + u.text), cancel: () => heard.push('silence') }) })
})()`

// TestAloud: questions and decisions can be listened to (RULES R3), each part in
// its own language, where the browser has a voice for the page's; else nothing is
// offered.
func TestAloud(t *testing.T) {
	t.Parallel()
	s := sharedSystem(t)
	for _, lang := range []string{"en", "ar"} {
		b := newBrowser(t, "aloud", s.portal(), lang, true)
		b.open("/events")
		if shown := b.find(`String(document.querySelector('[data-listen]').parentElement.hidden || speechSynthesis.getVoices().length > 0)`); shown != "true" {
			t.Error("it offers to read without a voice")
		}
		if _, err := chromedp.Call(b.ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: recorder}); err != nil {
			t.Fatal(err)
		}
		b.open("/events/birth")
		b.look("offered")
		b.do(chromedp.Click(chromedp.CSS(`[data-listen]`)))
		heard := b.find(`heard.join('\n')`)
		title := b.find(`document.querySelector('h1').innerText`)
		if !strings.Contains(heard, lang+": "+title) {
			t.Errorf("heard:\n%s", heard)
		}
		if got := b.find(`document.querySelector('[data-listen]').textContent`); got != b.say("listen.stop") {
			t.Errorf("the button says %q", got)
		}
		b.do(chromedp.Click(chromedp.CSS(`[data-listen]`)))
		if last := b.find(`heard.at(-1)`); last != "silence" {
			t.Errorf("it went on with %q", last)
		}
	}
}
