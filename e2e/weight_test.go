package e2e

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// What a page may weigh on the line: headers and compressed bodies together
// (the design, section 6; the bar, number 3).
const (
	firstView    = 40_000 // bytes of the first view
	firstFetches = 5
	laterPage    = 5_000 // bytes of every page after it
	staffView    = 120_000
)

// TestPageWeight counts what really crosses the line: the first view, every
// later page, and that nothing comes from anywhere else.
func TestPageWeight(t *testing.T) {
	t.Parallel()
	s, ref := rosasDraft(t)
	for _, lang := range []string{"en", "ar"} {
		t.Run(lang, func(t *testing.T) {
			t.Parallel()
			b := newBrowser(t, "weight", s.portal(), lang, true)
			line := b.listen()

			b.open("")
			first := line.drain(t)
			first.fromHere(t, b)
			bytes, files := first.bytes()+iconBytes(t, b), first.files()
			t.Logf("first view: %d bytes in %v", bytes, files)
			if bytes > firstView {
				t.Errorf("the first view weighs %d bytes: %v", bytes, first)
			}
			if len(files)+1 > firstFetches {
				t.Errorf("the first view takes %d requests: %v", len(files), files)
			}

			b.open("/sign-in?to=/home")
			b.signIn("rosa")
			line.forget()
			for _, path := range []string{
				"/home", "/help", "/accessibility", "/privacy", "/status", "/record", "/credentials", "/apply", "/apply/" + ref,
				"/apply/" + ref + "/people", "/apply/" + ref + "/people/2/name", "/apply/" + ref + "/people/2/birth",
				"/apply/" + ref + "/people/2/about", "/apply/" + ref + "/area", "/apply/" + ref + "/directions",
				"/apply/" + ref + "/q/water", "/apply/" + ref + "/q/toilet", "/apply/" + ref + "/documents/2", "/apply/" + ref + "/check", "/not-there",
			} {
				b.open(path)
				later := line.drain(t)
				later.fromHere(t, b)
				if n := later.bytes(); n > laterPage {
					t.Errorf("%s weighs %d bytes: %v", path, n, later)
				}
				if files := later.files(); len(files) != 1 {
					t.Errorf("%s takes %d requests: %v", path, len(files), files)
				}
			}
		})
	}
	t.Run("registered", func(t *testing.T) { // with all that is known about a household of five
		t.Parallel()
		b := newBrowser(t, "weight-amina", s.portal(), "ar", true)
		b.open("/sign-in?to=/home")
		b.signIn("amina")
		decision := b.find(`document.querySelector('main a[href*="/decisions/"]').getAttribute('href').slice(3)`)
		line := b.listen()
		for _, path := range []string{"/home", "/record", "/credentials", "/notices", "/notices/reach", decision} {
			b.open(path)
			if later := line.drain(t); later.bytes() > laterPage {
				t.Errorf("%s weighs %d bytes: %v", path, later.bytes(), later)
			}
		}
	})
	t.Run("staff", func(t *testing.T) {
		t.Parallel()
		b := newBrowser(t, "weight-staff", s.admin(), "en", true)
		line := b.listen()
		b.open("")
		if first := line.drain(t); first.bytes() > staffView {
			t.Errorf("the first view weighs %d bytes: %v", first.bytes(), first)
		}
	})
}

// icon is how the address of a site's icon ends.
const icon = "/icon.svg"

// iconBytes is the weight of the icon, which a browser asks for on its own.
func iconBytes(t *testing.T, b *Browser) int {
	t.Helper()
	address := b.find(`document.querySelector('link[rel=icon]').href`)
	if !strings.HasSuffix(address, icon) {
		t.Fatalf("the icon is at %s", address)
	}
	return len(newVisitor(t, b.base, b.lang).mustGet(t, address)) // not even compressed
}

// fetch is one request of a page, and what its answer weighed on the line.
type fetch struct {
	url   string
	bytes int
	cache bool
	done  bool
}

type fetches []fetch

func (list fetches) bytes() (n int) {
	for _, f := range list {
		n += f.bytes
	}
	return n
}

// files are the addresses that were really asked for.
func (list fetches) files() (urls []string) {
	for _, f := range list {
		if !f.cache {
			urls = append(urls, f.url)
		}
	}
	return urls
}

// fromHere fails when a page asked any other site.
func (list fetches) fromHere(t *testing.T, b *Browser) {
	t.Helper()
	for _, f := range list {
		if !strings.HasPrefix(f.url, b.base+"/") {
			t.Errorf("a page asked %s", f.url)
		}
	}
}

func (list fetches) String() string {
	var s []string
	for _, f := range list {
		s = append(s, fmt.Sprintf("%s %d", f.url, f.bytes))
	}
	return strings.Join(s, ", ")
}

// Line collects what a browser fetches.
type Line struct {
	b     *Browser
	mu    sync.Mutex
	order []string
	seen  map[string]*fetch
}

// listen starts to collect.
func (b *Browser) listen() *Line {
	b.t.Helper()
	l := &Line{b: b, seen: map[string]*fetch{}}
	if _, err := chromedp.Call(b.ctx, network.Enable, network.EnableParams{}); err != nil {
		b.t.Fatal(err)
	}
	if err := chromedp.Listen(b.ctx, l.note); err != nil {
		b.t.Fatal(err)
	}
	return l
}

func (l *Line) note(ev any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	on := func(id network.RequestID, f func(*fetch)) {
		if one := l.seen[string(id)]; one != nil {
			f(one)
		}
	}
	switch ev := ev.(type) {
	case *network.EventRequestWillBeSent:
		if strings.HasSuffix(ev.Request.URL, icon) { // fetched outside the page, with no word of its end
			return
		}
		if l.seen[string(ev.RequestID)] == nil {
			l.order = append(l.order, string(ev.RequestID))
		}
		l.seen[string(ev.RequestID)] = &fetch{url: ev.Request.URL}
	case *network.EventRequestServedFromCache:
		on(ev.RequestID, func(f *fetch) { f.cache, f.done = true, true }) // it may say no more
	case *network.EventResponseReceived:
		on(ev.RequestID, func(f *fetch) { f.cache = f.cache || ev.Response.FromDiskCache })
	case *network.EventLoadingFinished:
		on(ev.RequestID, func(f *fetch) { f.bytes, f.done = int(ev.EncodedDataLength), true })
	case *network.EventLoadingFailed:
		on(ev.RequestID, func(f *fetch) { f.done = true })
	}
}

// forget drops what was seen so far.
func (l *Line) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.order, l.seen = nil, map[string]*fetch{}
}

// drain waits until everything asked for has come, returns it and forgets it.
func (l *Line) drain(t *testing.T) fetches {
	t.Helper()
	var list fetches
	for range 2000 {
		l.mu.Lock()
		list = nil
		done := len(l.order) > 0
		for _, id := range l.order {
			list = append(list, *l.seen[id])
			done = done && l.seen[id].done
		}
		if done {
			l.order, l.seen = nil, map[string]*fetch{}
			l.mu.Unlock()
			return list
		}
		l.mu.Unlock()
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("the page does not finish loading: %v", list)
	return nil
}
