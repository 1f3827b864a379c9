package e2e

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"daftar/i18n"
)

// TestPseudo walks through both sites in the pseudo-locale, as a citizen who
// applies, as one who is registered, and as staff: every text on every page
// went through the messages, and a text half as long again still fits a phone.
func TestPseudo(t *testing.T) {
	t.Parallel()
	s := ownSystem(t)
	rosa := signedIn(t, s.portal(), i18n.Pseudo, "rosa")
	ref := rosa.starts(t, "/apply")
	rosa.fills(t, "/apply/"+ref, rosasHousehold())
	rosa.attaches(t, "/apply/"+ref+"/documents/2")
	data := strings.Split(s.sql(t, `select full_name from person union select nullif(full_name_latin, '') from person where full_name_latin <> ''
		union select nullif(directions, '') from household where directions <> '' union select name from staff`), "\n")
	data = append(data, "Rosa Delgado", "Lucía Delgado", "Behind the bakery", "MJ-1005-3382", "One room.", "Really?", "Mama Ngina",
		"English", "العربية", "{programme}", "{reference}", "{days}", "{reasons}", "MJD") // languages are named in themselves, names in braces are code, and money's code is a setting

	b := newBrowser(t, "pseudo-rosa", s.portal(), i18n.Pseudo, true)
	b.crawl(data, "", "/status", "/not-there")
	b.open("/sign-in?to=/home")
	b.signIn("rosa")
	b.crawl(data, "/home", "/apply/"+ref, "/apply/"+ref+"/people/2/id", "/apply/"+ref+"/check", "/apply/"+ref+"/documents/2")
	for _, page := range []string{"people/2/name", "people", "people/2/about", "area", "check"} { // with their errors
		b.open("/apply/" + ref + "/" + page)
		b.do(chromedp.Evaluate[chromedp.Void](`document.querySelectorAll('#main-form input').forEach(e => { e.checked = false; if (e.type === 'text') e.value = '' })`))
		b.next()
		b.untranslated(page+" with errors", data)
	}

	rosa.mustSave(t, "/apply/"+ref+"/check", form("/apply/:ref/check"))
	verifier := signedIn(t, s.admin(), i18n.Pseudo, "verifier")
	verifier.mustSave(t, "/cases/"+ref+"/ask", form("/cases/:ref/ask"))
	b.crawl(data, "/home", "/cases/"+ref, "/apply/"+ref+"/receipt")
	rosa.mustSave(t, "/apply/"+ref+"/check", one("note", "One room."))
	counter := signedIn(t, s.admin(), i18n.Pseudo, "intake").applies(t, "/counter", aHousehold("Mama Ngina", ""))
	for officer, starts := range map[string][]string{
		"intake":     {"", "/cases", "/counter", "/counter/" + counter + "/receipt"},
		"verifier":   {"/cases/" + ref, "/cases/" + ref + "/recommend", "/cases/" + ref + "/ask"},
		"credential": {"/credentials", "/credentials?ref=" + newRef('V')},
		"programme":  {"/decisions", "/rules", "/rules/child-grant/1", "/letters/texts", "/letters/texts/adverse/en"},
	} {
		b := newBrowser(t, "pseudo-"+officer, s.admin(), i18n.Pseudo, true)
		b.open("/sign-in?to=/")
		b.signIn(officer)
		b.crawl(data, starts...)
	}
	for officer, path := range map[string]string{"sysadmin": "/outages", "ministry": "/rules"} {
		b := newBrowser(t, "pseudo-"+officer, s.admin(), i18n.Pseudo, true)
		b.open("/sign-in?to=" + path)
		b.signIn(officer)
		b.untranslated(path, data)
	}
	verifier.recommends(t, ref, "approve")
	signedIn(t, s.admin(), i18n.Pseudo, "approver").approves(t, ref)
	s.decided(t, ref)
	b.crawl(data, "/home", "/record", "/cases/"+ref)

	amina := newBrowser(t, "pseudo-amina", s.portal(), i18n.Pseudo, true)
	amina.open("/sign-in?to=/credentials")
	amina.signIn("amina")
	amina.crawl(data, "/home", "/record", "/credentials")
	amina.open("/credentials")
	amina.next0()
	amina.untranslated("offer", data)
	amina.press(`#main-content a[href$="/code"]`)
	amina.untranslated("code", data)
}

// crawl looks at pages and at every page that they lead to.
func (b *Browser) crawl(data []string, starts ...string) {
	b.t.Helper()
	b.do(chromedp.EmulateViewport(320, 900))
	var queue []string
	for _, path := range starts {
		queue = append(queue, b.base+"/"+b.lang+path)
	}
	for n := 0; n < len(queue); n++ {
		b.visit(queue[n])
		b.untranslated(queue[n], data)
		for _, link := range strings.Fields(b.find(`[...document.querySelectorAll('main a[href], nav a[href]')].map(a => a.href.split('#')[0]).join(' ')`)) {
			if strings.HasPrefix(link, b.base+"/"+b.lang) && !strings.Contains(link, "from=check") && !strings.Contains(link, "/evidence/") && !strings.HasSuffix(link, ".json") && !strings.HasSuffix(link, "/pdf") &&
				!strings.Contains(link, "/sign-in") && !slices.Contains(queue, link) {
				queue = append(queue, link)
			}
		}
		if len(queue) > 150 {
			b.t.Fatalf("%s has no end: %s", b.story, queue[n])
		}
	}
}

// untranslated fails for every text of the page that bypassed the messages and
// is not data, and for what does not fit.
func (b *Browser) untranslated(name string, data []string) {
	b.t.Helper()
	known, err := json.Marshal(data)
	if err != nil {
		b.t.Fatal(err)
	}
	if got := b.find(fmt.Sprintf(unmarked, known)); got != "" {
		b.t.Errorf("%s, %s: not through the messages: %s", b.story, name, got)
	}
	if got := b.find(`document.documentElement.lang`); got != b.lang {
		b.t.Errorf("%s, %s: the language is %s", b.story, name, got)
	}
	b.do(chromedp.EmulateViewport(320, 900))
	if over := b.find(overflow); over != "" {
		b.t.Errorf("%s, %s: too wide at 320: %s", b.story, name, over)
	}
}

// unmarked lists the texts of a page outside ⟦ and ⟧. Data is what people said
// or are called, references, codes and dates; languages are named in themselves.
const unmarked = `(data => {
	const bare = s => {
		for (let before; before !== s;) { before = s; s = s.replace(/⟦[^⟦⟧]*⟧/g, '') }
		for (const d of data) s = s.split(d).join('')
		return s.replace(/\b[A-Z]-[0-9A-Z]{5}-[0-9A-Z]{5}\b/g, '').replace(/\d{1,2} \p{L}+ \d{4}/gu, '')
	}
	const found = [], look = (e, s) => { if (/\p{L}/u.test(bare(s))) found.push(s.trim().slice(0, 80) + ' in ' + e.outerHTML.slice(0, 100)) }
	look(document.documentElement, document.title)
	const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
	while (texts.nextNode()) {
		const e = texts.currentNode.parentElement
		if (e.closest('[lang]') === document.documentElement && !e.closest('script, style, .dft-code')) look(e, texts.currentNode.data)
	}
	for (const e of document.querySelectorAll('[aria-label], [alt], [title], [placeholder], [data-copied], [data-label]')) {
		for (const name of ['aria-label', 'alt', 'title', 'placeholder', 'data-copied', 'data-label']) look(e, e.getAttribute(name) ?? '')
	}
	return found.join('\n')
})(%s)`
