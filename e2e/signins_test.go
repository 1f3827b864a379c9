package e2e

import (
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// hurry makes a page's clock run 300 times as fast, so that 20 minutes are four
// seconds; not while the page asks, unless it is told to go on.
const hurry = `(() => {
	const now = Date.now, later = window.setTimeout
	const rate = () => document.getElementById('idle')?.open && !window.goOn ? 1 : 300
	let last = now(), clock = last
	Date.now = () => { const t = now(); clock += rate() * (t - last); last = t; return clock }
	window.setTimeout = (f, ms, ...rest) => later(f, ms / rate(), ...rest)
})()`

// TestIdle leaves a page alone: whoever is there is asked in time, and keeps what
// they typed; then nobody is there, and nothing of theirs is left on the screen.
func TestIdle(t *testing.T) {
	t.Parallel()
	s := sharedSystem(t)
	for _, lang := range []string{"en", "ar"} {
		t.Run(lang, func(t *testing.T) {
			t.Parallel()
			b := newBrowser(t, "idle-"+lang, s.portal(), lang, true)
			b.open("/sign-in")
			b.signIn("zawadi")
			if _, err := chromedp.Call(b.ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: hurry}); err != nil {
				t.Fatal(err)
			}
			b.open("/status")
			b.fill("ref", "C-7KQ2M")
			asked := func() string { return b.find(`String(!!document.querySelector('#idle')?.open)`) }
			b.until(func() bool { return asked() == "true" })
			b.waits("#idle", b.say("idle.text"))
			b.find(`(document.querySelector('#idle button').click(), '')`)
			b.until(func() bool { return asked() == "false" })
			b.holds("ref", "C-7KQ2M")
			b.find(`(window.goOn = true, '')`)
			b.until(func() bool { return strings.Contains(b.location(), "/signed-out") })
			b.says(b.say("signin.out.idle"))
			b.hides("C-7KQ2M")
		})
	}
}

// until waits for something that a script does.
func (b *Browser) until(true func() bool) {
	b.t.Helper()
	for range 1000 {
		if true() {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	b.t.Fatal("it does not come")
}

// TestSignIns finds a sign-in that somebody did not make, and ends it.
func TestSignIns(t *testing.T) {
	t.Parallel()
	s := sharedSystem(t)
	other := signedIn(t, s.portal(), "en", "tomas")
	b := newBrowser(t, "sign-ins", s.portal(), "en", true)
	b.open("/sign-in")
	b.signIn("tomas")
	b.open("/home")
	b.press(`.dft-signout a`)
	b.at("/sign-ins")
	b.says(b.say("signin.list.title"), b.say("signin.this"), b.say("signin.device.computer"))
	b.look("list")
	b.press(`form[action$="/not-me"] button`)
	b.says(b.say("signin.done.disputed"), b.say("signin.disputed_next"))
	b.look("disputed")
	if a, err := other.get("/home"); err != nil || a.status == 200 {
		t.Error("still signed in there:", a.status, err)
	}
}
