// Package ui holds the shared templ components: the page, its inputs and the
// patterns of GOV.UK Frontend that Daftar uses.
package ui

import (
	"context"
	"strconv"
	"strings"

	"daftar/fault"
	"daftar/i18n"
	"daftar/registry"
)

// Chrome is what surrounds every page of a site.
type Chrome struct {
	Site       string // "portal", "admin", "mockid"
	Demo       bool
	Path       string // of this page after the language, with its query; "" leads home
	SignedIn   bool
	Name       string // who is signed in
	Nav        []NavItem
	Languages  []i18n.Locale
	Style      string
	ExtraStyle string
	Script     string
	Passkeys   string // the script of pages with PageProps.Passkeys
	Icon       string
	Colour     string // of the palette
	Logo       Logo
	Contact    registry.ServiceContact
	Idle       int    // seconds without use after which the session ends; 0 for nobody signed in
	Inline     string // the style itself, for a document that stands alone: a PDF
	NoPDF      bool   // a PDF was asked for and could not be made

	Emergencies []Emergency // that are open to the member of staff who reads
}

// Emergency is a record that is open to somebody for a while.
type Emergency struct{ Ref, Record, Until string }

// Logo is the owner's mark; none without an address.
type Logo struct {
	URL           string
	Width, Height int
}

// height is how tall a logo stands in the header, in pixels.
const height = 40

func (l Logo) size() (width, tall string) {
	return strconv.Itoa(max(1, l.Width*height/max(1, l.Height))), strconv.Itoa(height)
}

// NavItem is one main page.
type NavItem struct {
	Key  string // message key
	Path string // after the language
}

type chromeKey struct{}

// WithChrome returns a context whose pages have the surroundings.
func WithChrome(ctx context.Context, c Chrome) context.Context {
	return context.WithValue(ctx, chromeKey{}, c)
}

// WithoutPDF is the surroundings of a page that stands in for a PDF.
func WithoutPDF(ctx context.Context) Chrome {
	c := chrome(ctx)
	c.NoPDF = true
	return c
}

func chrome(ctx context.Context) Chrome {
	c, _ := ctx.Value(chromeKey{}).(Chrome)
	return c
}

// Link is a path of this site in the page's language.
func Link(ctx context.Context, path string) string {
	return "/" + i18n.From(ctx).Tag + strings.TrimSuffix(path, "/")
}

// PageProps describes one page.
type PageProps struct {
	Title string // translated; the first heading says the same
	Back  string // path after the language; "" for no back link
	Form  *Form  // the page's main form, if it has one
	Wide  bool   // the full width, for tables and side-by-side views
	// Refresh loads the page again every five seconds where there are no scripts:
	// it waits for something elsewhere. With scripts, data-refresh asks.
	Refresh bool
	Exit    bool // a quick way out, for pages that somebody else must not see
	Keys    bool // single letters are commands here
	// Passkeys is a page that talks to an authenticator.
	Passkeys bool
}

func (p PageProps) title(ctx context.Context) string {
	title := i18n.T(ctx, "page.title", "Title", p.Title, "Service", i18n.From(ctx).Service())
	if p.Form.Failed() {
		return i18n.T(ctx, "page.title_error", "Title", title)
	}
	return title
}

// Form is the state of a form: what was typed and what is wrong with it.
type Form struct {
	Action string // path after the language; "" for this page's own
	Values map[string][]string
	Err    *fault.Error
	Links  map[string]string // where an error of a name is put right, if not on this page: after the language
}

// At is where an error is put right.
func (f *Form) At(ctx context.Context, name string) string {
	if path, ok := f.Links[name]; ok {
		return Link(ctx, path)
	}
	return "#" + name
}

// FormID is the id of a page's main form.
const FormID = "main-form"

// Failed reports whether something is wrong.
func (f *Form) Failed() bool { return f != nil && f.Err != nil }

// Value is what was typed into an input.
func (f *Form) Value(name string) string {
	if f == nil || len(f.Values[name]) == 0 {
		return ""
	}
	return f.Values[name][0]
}

// Has reports whether an input has the value, for radios and checkboxes.
func (f *Form) Has(name, value string) bool {
	if f == nil {
		return false
	}
	for _, v := range f.Values[name] {
		if v == value {
			return true
		}
	}
	return false
}

// Error is the message for an input; "" when it is right.
func (f *Form) Error(ctx context.Context, names ...string) string {
	if !f.Failed() {
		return ""
	}
	for _, name := range names {
		for _, e := range f.Err.Fields {
			if e.Name == name {
				return Message(ctx, e.Key, e.Args)
			}
		}
	}
	return ""
}

// Message renders a message key with its values, which may themselves be
// message keys (a leading "@") or texts from the database.
func Message(ctx context.Context, key string, args map[string]any) string {
	var pairs []any
	for name, value := range args {
		switch v := value.(type) {
		case fault.Nested:
			value = Message(ctx, v.Key, v.Args)
		case string:
			if strings.HasPrefix(v, "@") {
				value = i18n.T(ctx, v[1:])
			}
		}
		pairs = append(pairs, name, value)
	}
	return i18n.T(ctx, key, pairs...)
}
