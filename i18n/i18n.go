// Package i18n gives every user-visible text: messages by key through go-i18n,
// texts held in the database, dates, numbers and the pseudo-locale.
package i18n

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"slices"
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
}

// Locales lists the shipped languages, the source language first.
func Locales() []Locale {
	return []Locale{
		{Tag: "en", Dir: "ltr", Name: "English"},
		{Tag: "ar", Dir: "rtl", Name: "العربية"},
		{Tag: Pseudo, Dir: "ltr", Name: "⟦Ëñglïsh⟧", Hidden: true},
	}
}

// Shipped lists the languages that a country can offer.
func Shipped() []Locale {
	return slices.DeleteFunc(Locales(), func(l Locale) bool { return l.Hidden })
}

// Source is the language the messages are written in first.
const Source = "en"

// Bundle holds the messages of every locale. It is safe for concurrent use.
type Bundle struct {
	messages *goi18n.Bundle
	now      atomic.Pointer[state]
	misses   atomic.Int64
}

// state is what a Setup made of the bundle.
type state struct {
	printers map[string]*Printer
	offered  []Locale
}

// Printer speaks one locale.
type Printer struct {
	Locale
	Zone    *time.Location // where "today" is for the people served
	setup   *Setup
	writing Writing
	source  *goi18n.Localizer
	bundle  *Bundle
	loc     *goi18n.Localizer
	numbers *message.Printer
}

// Load reads active.<tag>.toml for every locale from files. Dates are shown in
// zone, until Configure says more.
func Load(files fs.FS, zone *time.Location) (*Bundle, error) {
	b := &Bundle{messages: goi18n.NewBundle(language.MustParse(Source))}
	b.messages.RegisterUnmarshalFunc("toml", toml.Unmarshal)
	for _, l := range Locales() {
		if l.Tag == Pseudo {
			continue
		}
		file, err := b.messages.LoadMessageFileFS(files, "active."+l.Tag+".toml")
		if err != nil {
			return nil, fmt.Errorf("messages of %s: %w", l.Tag, err)
		}
		if l.Tag == Source {
			if err := b.messages.AddMessages(language.MustParse(Pseudo), pseudoMessages(file.Messages)...); err != nil {
				return nil, err
			}
		}
	}
	b.Configure(Setup{Zone: zone})
	return b, nil
}

// Printer returns the printer of a locale tag, or nil when it is not shipped.
func (b *Bundle) Printer(tag string) *Printer { return b.now.Load().printers[tag] }

// Locales lists the languages on offer, the default one first.
func (b *Bundle) Locales() []Locale { return b.now.Load().offered }

// Offers reports whether pages may be in a language: one on offer, or the
// pseudo-language of the tests.
func (b *Bundle) Offers(tag string) bool {
	return tag == Pseudo || slices.ContainsFunc(b.Locales(), func(l Locale) bool { return l.Tag == tag })
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
	if name, ok := p.setup.Names[key]; ok {
		return name.In(p)
	}
	return p.localize(&goi18n.LocalizeConfig{MessageID: key, TemplateData: fault.Pairs(args...)})
}

// N returns the message of key in the plural form for count, which the
// message may show as {{.Count}}.
func (p *Printer) N(key string, count int, args ...any) string {
	data := fault.Pairs(append([]any{"Count", p.Number(count)}, args...)...)
	return p.localize(&goi18n.LocalizeConfig{MessageID: key, TemplateData: data, PluralCount: count})
}

func (p *Printer) localize(c *goi18n.LocalizeConfig) string {
	if data, ok := c.TemplateData.(map[string]any); ok {
		c.TemplateData = p.values(data)
	}
	text, err := p.loc.Localize(c)
	if err != nil {
		p.bundle.misses.Add(1)
	}
	if text == "" {
		return "[" + c.MessageID + "]"
	}
	return text
}

// values writes the days and the texts among the values of a message as the language
// does: a fault carries them as they are. No value is shown as a program writes it.
func (p *Printer) values(data map[string]any) map[string]any {
	out := maps.Clone(data)
	for name, v := range data {
		switch v := v.(type) {
		case time.Time:
			out[name] = p.Day(v)
		case Moment:
			out[name] = p.Time(time.Time(v))
		case *time.Time:
			out[name] = ""
			if v != nil {
				out[name] = p.Day(*v)
			}
		case sql.NullTime:
			out[name] = ""
			if v.Valid {
				out[name] = p.Day(v.Time)
			}
		case Text:
			out[name] = v.In(p)
		case []Text:
			var list []string
			for _, t := range v {
				list = append(list, t.In(p))
			}
			out[name] = p.List(list)
		}
	}
	return out
}

// Has reports whether the source language has the key.
func (p *Printer) Has(key string) bool {
	text, _ := p.source.Localize(&goi18n.LocalizeConfig{MessageID: key, PluralCount: 1})
	return text != ""
}

// Number formats an integer with the locale's grouping and digits.
func (p *Printer) Number(n int) string { return p.numbers.Sprintf("%d", n) }

// Decimal formats a number with at most two decimals.
func (p *Printer) Decimal(f float64) string {
	decimals := 0
	for scale := 1.0; decimals < 2 && math.Abs(f*scale-math.Round(f*scale)) > 1e-9*math.Max(1, math.Abs(f*scale)); scale *= 10 {
		decimals++
	}
	return p.numbers.Sprintf("%.*f", decimals, f)
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
