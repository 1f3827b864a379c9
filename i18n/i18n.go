// Package i18n gives every user-visible text: messages by key through go-i18n,
// texts held in the database, dates, numbers and the pseudo-locale.
package i18n

import (
	"context"
	"fmt"
	"io/fs"
	"strings"
	"sync/atomic"
	"time"

	"github.com/BurntSushi/toml"
	goi18n "github.com/nicksnyder/go-i18n/v2/i18n"
	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"daftar/fault"
)

// Locale is one language of the interface.
type Locale struct {
	Tag    string // the first part of every path: "en", "ar", "en-XA"
	Dir    string // "ltr" or "rtl"
	Name   string // in its own language
	Hidden bool   // left out of the language switch: for tests only
	format language.Tag
}

// Locales lists the shipped languages, the source language first. Digits are
// pinned (-u-nu-latn), because x/text's own defaults differ between Arabic
// regions.
func Locales() []Locale {
	return []Locale{
		{Tag: "en", Dir: "ltr", Name: "English", format: language.MustParse("en")},
		{Tag: "ar", Dir: "rtl", Name: "العربية", format: language.MustParse("ar-u-nu-latn")},
		{Tag: Pseudo, Dir: "ltr", Name: "⟦Ëñglïsh⟧", Hidden: true, format: language.MustParse("en")},
	}
}

// Source is the language the messages are written in first.
const Source = "en"

// Bundle holds the messages of every locale. It is safe for concurrent use.
type Bundle struct {
	printers map[string]*Printer
	order    []Locale
	misses   atomic.Int64
}

// Printer speaks one locale.
type Printer struct {
	Locale
	Zone    *time.Location // where "today" is for the people served
	bundle  *Bundle
	loc     *goi18n.Localizer
	numbers *message.Printer
}

// Load reads active.<tag>.toml for every locale from files. Dates are shown in
// zone.
func Load(files fs.FS, zone *time.Location) (*Bundle, error) {
	messages := goi18n.NewBundle(language.MustParse(Source))
	messages.RegisterUnmarshalFunc("toml", toml.Unmarshal)
	b := &Bundle{printers: map[string]*Printer{}, order: Locales()}
	for _, l := range b.order {
		if l.Tag == Pseudo {
			continue
		}
		file, err := messages.LoadMessageFileFS(files, "active."+l.Tag+".toml")
		if err != nil {
			return nil, fmt.Errorf("messages of %s: %w", l.Tag, err)
		}
		if l.Tag == Source {
			if err := messages.AddMessages(language.MustParse(Pseudo), pseudoMessages(file.Messages)...); err != nil {
				return nil, err
			}
		}
	}
	for _, l := range b.order {
		b.printers[l.Tag] = &Printer{
			Locale: l, Zone: zone, bundle: b,
			loc:     goi18n.NewLocalizer(messages, l.Tag),
			numbers: message.NewPrinter(l.format),
		}
	}
	return b, nil
}

// Printer returns the printer of a locale tag, or nil when it is not shipped.
func (b *Bundle) Printer(tag string) *Printer { return b.printers[tag] }

// Locales lists what the language switch offers.
func (b *Bundle) Locales() []Locale {
	var shown []Locale
	for _, l := range b.order {
		if !l.Hidden {
			shown = append(shown, l)
		}
	}
	return shown
}

// Preferred chooses the locale for an Accept-Language header.
func (b *Bundle) Preferred(header string) Locale {
	shown := b.Locales()
	tags := make([]language.Tag, len(shown))
	for i, l := range shown {
		tags[i] = language.MustParse(l.Tag)
	}
	wanted, _, err := language.ParseAcceptLanguage(header)
	if err != nil {
		return shown[0]
	}
	// By index: the matcher may answer with a tag that is none of ours.
	_, i, _ := language.NewMatcher(tags).Match(wanted...)
	return shown[i]
}

// Misses counts lookups that fell back to English or to the bare key.
func (b *Bundle) Misses() int64 { return b.misses.Load() }

// T returns the message of key; args are pairs of name and value.
func (p *Printer) T(key string, args ...any) string {
	return p.localize(&goi18n.LocalizeConfig{MessageID: key, TemplateData: fault.Pairs(args...)})
}

// N returns the message of key in the plural form for count, which the
// message may show as {{.Count}}.
func (p *Printer) N(key string, count int, args ...any) string {
	data := fault.Pairs(append([]any{"Count", p.Number(count)}, args...)...)
	return p.localize(&goi18n.LocalizeConfig{MessageID: key, TemplateData: data, PluralCount: count})
}

func (p *Printer) localize(c *goi18n.LocalizeConfig) string {
	text, err := p.loc.Localize(c)
	if err != nil {
		p.bundle.misses.Add(1)
	}
	if text == "" {
		return "[" + c.MessageID + "]"
	}
	return text
}

// Has reports whether the source language has the key.
func (p *Printer) Has(key string) bool {
	text, _ := p.bundle.printers[Source].loc.Localize(&goi18n.LocalizeConfig{MessageID: key, PluralCount: 1})
	return text != ""
}

// Number formats an integer with the locale's grouping and digits.
func (p *Printer) Number(n int) string { return p.numbers.Sprintf("%d", n) }

// Decimal formats a number with at most two decimals.
func (p *Printer) Decimal(f float64) string {
	s := p.numbers.Sprintf("%.2f", f)
	return strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(s, "0"), "0"), ".")
}

// List joins items as a plain enumeration in the locale's punctuation.
func (p *Printer) List(items []string) string { return strings.Join(items, p.T("list.separator")) }

type printerKey struct{}

// With returns a context that speaks p.
func With(ctx context.Context, p *Printer) context.Context {
	return context.WithValue(ctx, printerKey{}, p)
}

// From returns the context's printer. A context without one is a programming
// error and panics at once, in any test that renders.
func From(ctx context.Context) *Printer { return ctx.Value(printerKey{}).(*Printer) }

// T returns the message of key in the context's language.
func T(ctx context.Context, key string, args ...any) string { return From(ctx).T(key, args...) }

// N returns the message of key in the plural form for count.
func N(ctx context.Context, key string, count int, args ...any) string {
	return From(ctx).N(key, count, args...)
}
