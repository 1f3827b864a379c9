package i18n

import (
	"math"
	"strings"
	"time"

	goi18n "github.com/nicksnyder/go-i18n/v2/i18n"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

// Setup is what a country decides about how people are spoken to. Whatever it
// leaves out, or what is not shipped, is as without it.
type Setup struct {
	Zone    *time.Location
	Offered []string // tags of languages, the default one first; all when empty
	Writing map[string]Writing
	Money   Money
	Service Text            // what the service is called
	Owner   Text            // whose it is
	Names   map[string]Text // of what the country made up itself, by the key of its message: "role.<code>"
}

// Writing is how a language writes numbers and days.
type Writing struct {
	Digits    string   `json:"digits,omitempty" yaml:"digits,omitempty"`            // of Locale.Numberings; 0–9 when empty
	Calendars []string `json:"calendars,omitempty" yaml:"calendars,flow,omitempty"` // one or two of Calendars; Gregorian when empty
}

// Money is the country's currency.
type Money struct {
	Code     string `json:"code" yaml:"code"` // ISO 4217: "KES"
	Decimals int    `json:"decimals" yaml:"decimals"`
	Name     Text   `json:"name" yaml:"name,flow"`
	Written  Text   `json:"written" yaml:"written,flow"` // an amount: "{amount} KES"; the code in front when empty
}

// Amount stands for the number in Money.Written.
const Amount = "{amount}"

// Configure makes the printers anew. Those handed out before stay as they are,
// so that a page is of one piece.
func (b *Bundle) Configure(s Setup) {
	if s.Zone == nil {
		s.Zone = time.UTC
	}
	now := &state{printers: map[string]*Printer{}}
	source := goi18n.NewLocalizer(b.messages, Source)
	for _, l := range Locales() {
		w := s.Writing[l.Tag]
		if !l.writes(w.Digits) {
			w.Digits = "latn"
		}
		var calendars []string
		for _, c := range w.Calendars {
			if known(c) && len(calendars) < 2 {
				calendars = append(calendars, c)
			}
		}
		if w.Calendars = calendars; len(calendars) == 0 {
			w.Calendars = []string{Gregorian}
		}
		format := l.Tag
		if l.Tag == Pseudo {
			format = Source
		}
		now.printers[l.Tag] = &Printer{
			Locale: l, Zone: s.Zone, setup: &s, writing: w, source: source, bundle: b,
			loc: goi18n.NewLocalizer(b.messages, l.Tag),
			// Pinned: x/text's own digits differ between Arabic regions.
			numbers: message.NewPrinter(language.MustParse(format + "-u-nu-" + w.Digits)),
		}
	}
	for _, tag := range s.Offered {
		if p := now.printers[tag]; p != nil && !p.Hidden {
			now.offered = append(now.offered, p.Locale)
		}
	}
	if len(now.offered) == 0 {
		now.offered = Shipped()
	}
	b.now.Store(now)
}

// With is a bundle with the same messages that speaks by another setup: to look
// at it before it holds.
func (b *Bundle) With(s Setup) *Bundle {
	other := &Bundle{messages: b.messages}
	other.Configure(s)
	return other
}

// Service is what the service is called.
func (p *Printer) Service() string {
	if name := p.setup.Service.In(p); name != "" {
		return name
	}
	return p.T("service.name")
}

// Owner is whose service it is: a ministry; the service itself where no country
// says so.
func (p *Printer) Owner() string {
	if name := p.setup.Owner.In(p); name != "" {
		return name
	}
	return p.Service()
}

// Money shows an amount of the country's currency.
func (p *Printer) Money(amount float64) string {
	number := p.Number(int(amount))
	if amount != math.Trunc(amount) || math.Abs(amount) > 1e15 {
		number = p.numbers.Sprintf("%.*f", p.setup.Money.Decimals, amount)
	}
	if written := p.written(); written != "" {
		return strings.ReplaceAll(written, Amount, number)
	}
	return strings.TrimSpace(p.setup.Money.Code + " " + number)
}

// MoneyDecimals is how many digits of the currency are after the point.
func (p *Printer) MoneyDecimals() int { return p.setup.Money.Decimals }

// Currency is what stands beside an amount that is typed.
func (p *Printer) Currency() string {
	if written := p.written(); written != "" {
		return strings.TrimSpace(strings.ReplaceAll(written, Amount, ""))
	}
	return p.setup.Money.Code
}

// written is how this language, and no other, writes an amount.
func (p *Printer) written() string {
	if p.Tag == Pseudo {
		return p.setup.Money.Written[Source]
	}
	return p.setup.Money.Written[p.Tag]
}
