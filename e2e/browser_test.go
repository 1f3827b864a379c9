package e2e

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// Browser is one person's browser: a fresh profile of Chromium.
type Browser struct {
	t       *testing.T
	ctx     context.Context
	base    string // origin of the site
	lang    string
	scripts bool
	story   string // names the screenshots

	mu       sync.Mutex
	problems []string // console errors, exceptions, policy violations
	looked   int
}

// chromium is the browser to drive; the tests need one.
func chromium(t *testing.T) string {
	t.Helper()
	for _, name := range []string{os.Getenv("CHROME_PATH"), "chromium", "chromium-browser", "google-chrome"} {
		if name == "" {
			continue
		}
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Fatal("no Chromium: run \"make deps-test\", or set CHROME_PATH")
	return ""
}

// newBrowser opens a browser for a story. Without scripts, no page may run any.
func newBrowser(t *testing.T, story, base, lang string, scripts bool) *Browser {
	t.Helper()
	opts := []chromedp.ExecAllocatorOption{
		chromedp.ExecPath(chromium(t)), chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck, chromedp.Headless,
		chromedp.DisableGPU, chromedp.IgnoreCertErrors,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
		chromedp.Flag("disable-dev-shm-usage", true),
		chromedp.UserDataDir(t.TempDir()),
	}
	if os.Geteuid() == 0 {
		opts = append(opts, chromedp.NoSandbox)
	}
	alloc, stop := chromedp.NewExecAllocator(context.Background(), opts...)
	ctx, cancel := chromedp.NewContext(alloc)
	ctx, timeout := context.WithTimeout(ctx, 8*time.Minute)
	b := &Browser{t: t, ctx: ctx, base: base, lang: lang, scripts: scripts, story: story}
	t.Cleanup(func() {
		_ = chromedp.Cancel(ctx) // waits until the browser has ended
		timeout()
		cancel()
		stop()
	})
	b.do(chromedp.EmulateViewport(1280, 900))
	b.allowScripts(scripts)
	go b.watch()
	return b
}

// allowScripts lets pages run scripts, or not, from the next page on.
func (b *Browser) allowScripts(yes bool) {
	b.t.Helper()
	if _, err := chromedp.Call(b.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !yes}); err != nil {
		b.t.Fatal(err)
	}
}

// watch collects what a developer's console would show.
func (b *Browser) watch() {
	note := func(s string) {
		b.mu.Lock()
		b.problems = append(b.problems, s)
		b.mu.Unlock()
	}
	go func() {
		for ev, err := range chromedp.Events(b.ctx, runtime.ExceptionThrown) {
			if err != nil {
				return
			}
			note("exception: " + ev.ExceptionDetails.Text)
		}
	}()
	go func() {
		for ev, err := range chromedp.Events(b.ctx, runtime.ConsoleAPICalled) {
			if err != nil {
				return
			}
			if ev.Type == runtime.ConsoleAPICalledTypeError {
				note("console.error")
			}
		}
	}()
	for ev, err := range chromedp.Events(b.ctx, log.EntryAdded) {
		if err != nil {
			return
		}
		// A form with an error is answered with 422, and a record with 428 until
		// somebody says what for: the console reports both.
		answered := ev.Entry.Source == log.EntrySourceNetwork && (strings.Contains(ev.Entry.Text, "status of 422") || strings.Contains(ev.Entry.Text, "status of 428"))
		if ev.Entry.Level == log.EntryLevelError && !answered {
			note(fmt.Sprintf("%s: %s %s", ev.Entry.Source, ev.Entry.Text, ev.Entry.URL))
		}
	}
}

func (b *Browser) do(actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, actions...); err != nil {
		b.fail(err)
	}
}

func (b *Browser) fail(err error) {
	b.t.Helper()
	where, _ := chromedp.Run(b.ctx, chromedp.Location())
	if shot, e := chromedp.Run(b.ctx, chromedp.CaptureScreenshot()); e == nil {
		b.save("failed", shot)
	}
	b.t.Fatalf("%s at %s: %v\n%s", b.story, where, err, b.textOrNothing())
}

func (b *Browser) textOrNothing() string {
	s, _ := chromedp.Run(b.ctx, chromedp.Evaluate[string](`document.querySelector('main')?.innerText ?? ''`))
	return s
}

// open goes to a path of the site, in the story's language.
func (b *Browser) open(path string) {
	b.t.Helper()
	b.visit(b.base + "/" + b.lang + path)
}

func (b *Browser) visit(address string) {
	b.t.Helper()
	b.do(chromedp.Navigate(address))
}

// press clicks an element and waits for the page that follows.
func (b *Browser) press(selector string) {
	b.t.Helper()
	if _, err := chromedp.Run(b.ctx, chromedp.WaitEvent(page.LoadEventFired, nil, chromedp.Click(chromedp.CSS(selector)))); err != nil {
		b.fail(fmt.Errorf("press %s: %w", selector, err))
	}
}

// next presses the main form's button.
func (b *Browser) next() {
	b.t.Helper()
	b.press(`#main-form button[type=submit].govuk-button`)
}

// pressText clicks the link or button that says exactly text.
func (b *Browser) pressText(text string) {
	b.t.Helper()
	xpath := fmt.Sprintf(`//main//*[self::a or self::button][normalize-space(.)=%q]`, text)
	if _, err := chromedp.Run(b.ctx, chromedp.WaitEvent(page.LoadEventFired, nil, chromedp.Click(xpath))); err != nil {
		b.fail(fmt.Errorf("press %q: %w", text, err))
	}
}

// fill types into an input, in place of what is there.
func (b *Browser) fill(name, value string) {
	b.t.Helper()
	sel := chromedp.CSS(fmt.Sprintf(`[name=%q]`, name))
	there, err := chromedp.Run(b.ctx, chromedp.Value(sel))
	if err != nil {
		b.fail(err)
	}
	if there != "" {
		b.do(chromedp.Clear(sel))
	}
	if value != "" {
		b.do(chromedp.SendKeys(sel, value))
	}
}

// choose picks a radio or checkbox by its label, as a finger does.
func (b *Browser) choose(name, value string) {
	b.t.Helper()
	id, err := chromedp.Run(b.ctx, chromedp.AttributeValue(chromedp.CSS(fmt.Sprintf(`input[name=%q][value=%q]`, name, value)), "id"))
	if err != nil {
		b.fail(err)
	}
	b.do(chromedp.Click(chromedp.CSS(fmt.Sprintf(`label[for=%q]`, id.Value))))
}

// pick chooses from a select.
func (b *Browser) pick(name, value string) {
	b.t.Helper()
	b.do(chromedp.SetValue(chromedp.CSS(fmt.Sprintf(`select[name=%q]`, name)), value))
}

// text is what the page says.
func (b *Browser) text() string {
	b.t.Helper()
	s, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](`document.querySelector('main').innerText`))
	if err != nil {
		b.fail(err)
	}
	return s
}

// find evaluates an expression to a string.
func (b *Browser) find(expression string) string {
	b.t.Helper()
	s, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](expression))
	if err != nil {
		b.fail(err)
	}
	return s
}

func (b *Browser) location() string {
	b.t.Helper()
	s, err := chromedp.Run(b.ctx, chromedp.Location())
	if err != nil {
		b.fail(err)
	}
	return s
}

// says fails unless the page says every text.
func (b *Browser) says(texts ...string) {
	b.t.Helper()
	page := strings.ReplaceAll(b.text(), "\u2011", "-") // references in running text do not break
	for _, s := range texts {
		if !strings.Contains(page, s) {
			b.fail(fmt.Errorf("the page does not say %q", s))
		}
	}
}

// hides fails when the page's source holds a text.
func (b *Browser) hides(texts ...string) {
	b.t.Helper()
	source := b.find(`document.documentElement.outerHTML`)
	for _, s := range texts {
		if strings.Contains(source, s) {
			b.fail(fmt.Errorf("the page holds %q", s))
		}
	}
}

// at fails unless the path, after the language, is the one expected.
func (b *Browser) at(path string) {
	b.t.Helper()
	want := b.base + "/" + b.lang + path
	if got, _, _ := strings.Cut(b.location(), "?"); got != want {
		b.fail(fmt.Errorf("at %s instead of %s", got, want))
	}
}

// look checks the page as it is: no accessibility violation and no sideways
// scrolling at 320 and at 1280 pixels, the right language and direction,
// nothing in the console. It leaves a screenshot of each where SCREENSHOTS says.
func (b *Browser) look(name string) {
	b.t.Helper()
	b.looked++
	want := map[string]string{"en": "ltr", "ar": "rtl", "en-XA": "ltr"}[b.lang]
	if got := b.find(`document.documentElement.lang + ' ' + document.documentElement.dir`); got != b.lang+" "+want {
		b.fail(fmt.Errorf("language and direction are %q", got))
	}
	for _, width := range []int64{320, 1280} {
		b.do(chromedp.EmulateViewport(width, 900))
		if over := b.find(overflow); over != "" {
			b.fail(fmt.Errorf("%s: too wide at %d: %s", name, width, over))
		}
		page := sha256.Sum256([]byte(fmt.Sprint(width, anyPort.ReplaceAllString(b.find(`document.documentElement.outerHTML`), ""))))
		if _, fine := accessible.Load(page); !fine {
			violations := b.axe()
			for _, v := range violations {
				b.t.Errorf("%s %s at %d: %s", b.story, name, width, v)
			}
			if len(violations) == 0 {
				accessible.Store(page, true)
			}
		}
		b.shoot(fmt.Sprintf("%02d-%s-%d", b.looked, name, width), width)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, p := range b.problems {
		b.t.Errorf("%s %s: console: %s", b.story, name, p)
	}
	b.problems = nil
}

// accessible are the pages in which axe-core found nothing, by their digest and
// width: the same page of another story is not asked about again.
var accessible sync.Map

// anyPort tells the demos of two stories apart.
var anyPort = regexp.MustCompile(`localhost:\d+`)

// overflow names the first thing that reaches beyond the page on either side:
// in a right-to-left page, what sticks out on the right cannot be scrolled to.
const overflow = `(() => {
	const wide = document.documentElement.clientWidth;
	for (const e of document.querySelectorAll('body *')) {
		const r = e.getBoundingClientRect(), hidden = e.closest('.govuk-visually-hidden, .govuk-skip-link, .dft-cards thead');
		if (!hidden && r.width > 1 && r.height > 1 && (r.right > wide + 1 || r.left < -1)) return e.outerHTML.slice(0, 120);
	}
	return document.documentElement.scrollWidth > wide ? 'scrolls sideways' : '';
})()`

// shoot takes a picture of the whole page.
func (b *Browser) shoot(name string, width int64) {
	if os.Getenv("SCREENSHOTS") == "" {
		return
	}
	height, err := chromedp.Run(b.ctx, chromedp.Evaluate[int64](`document.documentElement.scrollHeight`))
	if err != nil {
		return
	}
	b.do(chromedp.EmulateViewport(width, max(height, 700)))
	if shot, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot()); err == nil {
		b.save(name, shot)
	}
}

func (b *Browser) save(name string, shot []byte) {
	dir := os.Getenv("SCREENSHOTS")
	if dir == "" {
		return
	}
	dir = filepath.Join(dir, b.story+"-"+b.lang)
	if err := os.MkdirAll(dir, 0o755); err == nil {
		_ = os.WriteFile(filepath.Join(dir, name+".png"), shot, 0o644)
	}
}

var axeSource = sync.OnceValues(func() (string, error) {
	b, err := os.ReadFile("node/node_modules/axe-core/axe.min.js")
	return string(b), err
})

// axeTags are the rules that every page keeps.
const axeTags = `["wcag2a","wcag2aa","wcag21a","wcag21aa","wcag22aa","best-practice","EN-301-549"]`

// axe runs axe-core in the page and returns the violations.
func (b *Browser) axe() []string {
	b.t.Helper()
	source, err := axeSource()
	if err != nil {
		b.t.Fatal("axe-core is missing (make deps-test): ", err)
	}
	if !b.scripts { // axe itself needs timers; the page's own scripts were not loaded
		b.allowScripts(true)
		defer b.allowScripts(false)
	}
	if b.find(`typeof axe`) == "undefined" { // the page keeps it from one width to the next
		b.do(chromedp.Evaluate[chromedp.Void](source))
	}
	out, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](`
		axe.run(document, {runOnly: {type: 'tag', values: `+axeTags+`}}).then(r => JSON.stringify(
			r.violations.flatMap(v => v.nodes.map(n => v.id + ': ' + v.help + ' ' + n.html.slice(0, 200)))))`,
		chromedp.EvalAwaitPromise))
	if err != nil {
		b.fail(fmt.Errorf("axe: %w", err))
	}
	var violations []string
	if err := json.Unmarshal([]byte(out), &violations); err != nil {
		b.fail(err)
	}
	return violations
}

// signIn signs in at the mock identity provider.
func (b *Browser) signIn(person string) {
	b.t.Helper()
	b.press(fmt.Sprintf(`button[name=person][value=%q]`, person))
}
