package e2e

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

var draft struct {
	once sync.Once
	ref  string
}

// rosasDraft is rosa's application on the shared demo, answered but for the
// questions about what her household lives on. Who uses it answers questions
// that no other test answers, and never sends it.
func rosasDraft(t *testing.T) (*System, string) {
	t.Helper()
	s := sharedSystem(t)
	draft.once.Do(func() {
		rosa := signedIn(t, s.portal(), "en", "rosa")
		ref := rosa.starts(t, "/apply")
		rosa.fills(t, "/apply/"+ref, rosasHousehold()[:20])
		draft.ref = ref
	})
	if draft.ref == "" {
		t.Fatal("there is no draft")
	}
	return s, draft.ref
}

// answerOf is what the database holds of an application: an expression on its
// draft.
func (s *System) answerOf(t *testing.T, ref, expression string) string {
	t.Helper()
	return s.sql(t, fmt.Sprintf(`select coalesce((draft%s)::text, '') from case_file where ref = '%s'`, expression, ref))
}

// switchTo presses the other language inside a form.
func (b *Browser) switchTo(lang string) {
	b.t.Helper()
	b.press(fmt.Sprintf(`.govuk-language-navigation [name=switch-language][lang=%q]`, lang))
	b.lang = lang
}

// TestLanguageSwitch types into a question, changes the language in the middle,
// finds everything typed still there and nothing saved, and saves it then.
func TestLanguageSwitch(t *testing.T) {
	t.Parallel()
	s, ref := rosasDraft(t)
	for _, scripts := range []bool{true, false} { // one after the other: they answer the same questions
		name := map[bool]string{true: "scripts", false: "no-scripts"}[scripts]
		t.Run(name, func(t *testing.T) {
			rosa := newBrowser(t, "switch-"+name, s.portal(), "en", scripts)
			rosa.open("/sign-in?to=/home")
			rosa.signIn("rosa")

			// one line of text
			before := s.answerOf(t, ref, "->'members'->1->>'full_name'")
			typed := "Lucía " + name
			rosa.open("/apply/" + ref + "/people/2/name?from=check")
			rosa.fill("full_name", typed)
			rosa.switchTo("ar")
			rosa.at("/apply/" + ref + "/people/2/name")
			rosa.says(rosa.say("name.title.other"))
			rosa.holds("full_name", typed)
			rosa.look("switched")
			if got := s.answerOf(t, ref, "->'members'->1->>'full_name'"); got != before {
				t.Errorf("switching saved %q", got)
			}
			rosa.next()
			if got := s.answerOf(t, ref, "->'members'->1->>'full_name'"); got != typed {
				t.Errorf("saved %q instead of %q", got, typed)
			}

			// several boxes, there and back, and with an error on the page
			before = s.answerOf(t, ref, "->'fields'->'assets'")
			rosa.open("/apply/" + ref + "/q/assets")
			rosa.choose("answer", "bicycle")
			rosa.choose("answer", "tv")
			rosa.switchTo("en")
			rosa.ticks("answer", "bicycle tv")
			rosa.choose("answer", "tv")
			rosa.switchTo("ar")
			rosa.ticks("answer", "bicycle")
			if got := s.answerOf(t, ref, "->'fields'->'assets'"); got != before {
				t.Errorf("switching saved %s", got)
			}
			rosa.choose("answer", "bicycle")
			rosa.next()

			rosa.open("/apply/" + ref + "/q/monthly_income")
			rosa.fill("answer", "a lot")
			rosa.next()
			rosa.says(rosa.say("field.error.number"))
			rosa.switchTo("en")
			rosa.holds("answer", "a lot")
			if got := s.answerOf(t, ref, "->'fields'->'monthly_income'"); got != "" {
				t.Errorf("switching saved %s", got)
			}
		})
	}
}

// holds fails unless an input holds a value.
func (b *Browser) holds(name, value string) {
	b.t.Helper()
	if got := b.find(fmt.Sprintf(`document.querySelector('[name=%q]').value`, name)); got != value {
		b.fail(fmt.Errorf("%s holds %q instead of %q", name, got, value))
	}
}

// ticks fails unless exactly these boxes are ticked.
func (b *Browser) ticks(name, values string) {
	b.t.Helper()
	if got := b.find(fmt.Sprintf(`[...document.querySelectorAll('[name=%q]:checked')].map(e => e.value).join(' ')`, name)); got != values {
		b.fail(fmt.Errorf("ticked are %q instead of %q", got, values))
	}
}

// TestKeyboard signs in, answers and saves by Tab, Space, Enter and letters
// alone; the first Tab leads past the header, and an error takes the focus.
func TestKeyboard(t *testing.T) {
	t.Parallel()
	s, ref := rosasDraft(t)
	for _, scripts := range []bool{true, false} {
		name := map[bool]string{true: "scripts", false: "no-scripts"}[scripts]
		t.Run(name, func(t *testing.T) {
			rosa := newBrowser(t, "keyboard-"+name, s.portal(), "en", scripts)
			rosa.open("/home") // leads to the sign-in
			rosa.tabTo(`button[name=person][value=rosa]`)
			rosa.enter()
			rosa.at("/home")

			// the skip link comes first, and the next Tab is inside the content
			rosa.open("/apply/" + ref + "/q/livelihood")
			rosa.tab()
			rosa.focused(`.govuk-skip-link`)
			if shown := rosa.find(`String(document.activeElement.getBoundingClientRect().height > 20)`); shown != "true" {
				t.Error("the skip link is not shown when it has the focus")
			}
			rosa.follow()
			rosa.tab()
			rosa.focused(`main *`)

			// a question with choices: Tab to it, Space, arrows, Enter
			rosa.open("/apply/" + ref + "/q/livelihood")
			rosa.tabTo(`[name=answer]`)
			rosa.keys(" ")
			rosa.keys(kb.ArrowDown)
			rosa.ticks("answer", "fishing")
			rosa.outlined()
			rosa.tabTo(`#main-form button[type=submit].govuk-button`)
			rosa.outlined()
			rosa.enter()
			if got := s.answerOf(t, ref, "->'fields'->>'livelihood'"); got != "fishing" {
				t.Errorf("saved %q", got)
			}
			rosa.clear(ref, "/q/livelihood", s)

			// an error: its summary has the focus, and leads to the input
			rosa.open("/apply/" + ref + "/people/2/birth")
			rosa.tabTo(`[name=age]`)
			rosa.keys("x")
			rosa.enter() // in an input, Enter is the main button
			rosa.at("/apply/" + ref + "/people/2/birth")
			rosa.says(rosa.say("birth.error.age"))
			if title := rosa.find(`document.title`); title != rosa.say("page.title_error", "Title", rosa.say("page.title", "Title", rosa.say("birth.title.other"), "Service", rosa.say("service.name"))) {
				t.Errorf("the title is %q", title)
			}
			if scripts { // nothing but a script can move it there
				rosa.focused(`.govuk-error-summary`)
			}
			rosa.tabTo(`.govuk-error-summary a`)
			t.Log(rosa.find(`document.activeElement.outerHTML.slice(0, 120)+document.querySelector('.govuk-error-summary').outerHTML.slice(0,100)`))
			rosa.follow()
			t.Log(rosa.find(`document.activeElement.outerHTML.slice(0, 120)+document.querySelector('.govuk-error-summary').outerHTML.slice(0,100)`))
			if scripts {
				rosa.focused(`#age`)
			}
		})
	}
}

// clear takes an answer of a question with choices away again, as plain HTTP.
func (b *Browser) clear(ref, question string, s *System) {
	b.t.Helper()
	signedIn(b.t, s.portal(), b.lang, "rosa").mustSave(b.t, "/apply/"+ref+question, nil)
}

func (b *Browser) keys(keys string) {
	b.t.Helper()
	b.do(chromedp.KeyEvent(keys))
}

func (b *Browser) tab() {
	b.t.Helper()
	b.keys(kb.Tab)
}

// tabTo presses Tab until an element that the selector matches has the focus.
func (b *Browser) tabTo(selector string) {
	b.t.Helper()
	for range 60 {
		if b.hasFocus(selector) {
			return
		}
		b.tab()
	}
	b.fail(fmt.Errorf("60 times Tab do not lead to %s", selector))
}

// enter presses Enter and waits for the page that follows.
func (b *Browser) enter() {
	b.t.Helper()
	if _, err := chromedp.Run(b.ctx, chromedp.WaitEvent(page.LoadEventFired, nil, chromedp.KeyEvent(kb.Enter))); err != nil {
		b.fail(fmt.Errorf("Enter: %w", err))
	}
}

// follow presses Enter on a link within the page. A keyboard's key press goes no
// further once the link has taken it; the one of chromedp would go on into the
// input that the link leads to.
func (b *Browser) follow() {
	b.t.Helper()
	key := input.DispatchKeyEventParams{Key: "Enter", Code: "Enter", WindowsVirtualKeyCode: 13, NativeVirtualKeyCode: 13}
	for _, key.Type = range []input.DispatchKeyEventType{input.DispatchKeyEventTypeRawKeyDown, input.DispatchKeyEventTypeKeyUp} {
		if _, err := chromedp.Call(b.ctx, input.DispatchKeyEvent, key); err != nil {
			b.fail(err)
		}
	}
}

func (b *Browser) hasFocus(selector string) bool {
	b.t.Helper()
	return b.find(fmt.Sprintf(`String(document.activeElement?.matches(%q))`, selector)) == "true"
}

// focused waits until what the selector matches has the focus: a page's script
// sets it when the page is there.
func (b *Browser) focused(selector string) {
	b.t.Helper()
	for range 100 {
		if b.hasFocus(selector) {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	b.fail(fmt.Errorf("the focus is on %s instead of %s", b.find(`document.activeElement.outerHTML.slice(0, 120)`), selector))
}

// outlined fails when what has the focus does not show it.
func (b *Browser) outlined() {
	b.t.Helper()
	if got := b.find(`(() => {
		const e = document.activeElement, label = e.labels?.[0]
		return [e, ...(label ? [label] : [])].some(x => ['', '::before', '::after'].some(p => {
			const c = getComputedStyle(x, p || null)
			return c.outlineStyle !== 'none' && parseFloat(c.outlineWidth) > 0 || c.boxShadow !== 'none'
		})) ? 'shown' : e.outerHTML.slice(0, 120)
	})()`); got != "shown" {
		b.fail(fmt.Errorf("the focus cannot be seen on %s", got))
	}
}
