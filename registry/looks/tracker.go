package looks

import (
	"time"

	"daftar/db"
	"daftar/i18n"
	"daftar/registry"
)

// Document is the list as a file, with the names that Estonia's data tracker uses
// for the answer of findUsage (e-gov/AJ): logtime, action, receiverCode,
// receiverName, receiverSystem, within a usagePeriod.
type Document struct {
	Format      string  `json:"format"`
	UsagePeriod Span    `json:"usagePeriod"`
	Heartbeat   string  `json:"heartbeat"` // when the list was made
	FindUsage   []Usage `json:"findUsage"`
}

// Span is from when to when usages are listed.
type Span struct {
	From string `json:"from"`
	To   string `json:"to"`
}

// Usage is one use of a person's data. Texts are in the language asked for; what
// ends in Code is for programs.
type Usage struct {
	LogTime        string   `json:"logtime"`
	Action         string   `json:"action"`
	ActionCode     string   `json:"actionCode"`
	ReceiverCode   string   `json:"receiverCode"` // of the office's area
	ReceiverName   string   `json:"receiverName"`
	ReceiverSystem string   `json:"receiverSystem"`
	ReceiverRole   string   `json:"receiverRole"`
	Purpose        string   `json:"purpose"`
	PurposeCode    string   `json:"purposeCode"`
	LegalBasis     string   `json:"legalBasis"`
	LegalBasisCode string   `json:"legalBasisCode"`
	Data           []string `json:"data"`
	Fields         []string `json:"fields,omitempty"` // codes, of an export
	Delayed        bool     `json:"delayed"`
	Entry          string   `json:"entry"` // to ask about it with
}

// Format names the document's form.
const Format = "daftar-data-tracker-1"

// Words are a look in words.
type Words struct {
	Action, Purpose, Basis, Role, Office string
	Kinds                                []string
}

// In words a look in a language.
func (l Look) In(p *i18n.Printer, country registry.Country) Words {
	known := func(prefix, code, otherwise string) string {
		if code != "" && p.Has(prefix+code) {
			return p.T(prefix + code)
		}
		return p.T(otherwise)
	}
	w := Words{
		Action: known("looks.", l.Action, "looks.person.read"), Purpose: known("purpose.", l.Purpose, "looks.no_purpose"),
		Basis: known("basis.", l.Basis, "basis.public_task"), Role: known("role.", l.Role, "looks.office"), Office: country.Name.In(p),
	}
	if l.Office != "" && l.Office != country.Code {
		w.Office = p.T("looks.office_of", "Area", l.OfficeName.In(p), "Country", country.Name.In(p))
	}
	w.Kinds = KindNames(p, Kinds(l.Action))
	return w
}

// Track writes a list as a document.
func Track(list []Look, person db.ID, now time.Time, p *i18n.Printer, country registry.Country) Document {
	at := func(t time.Time) string { return t.UTC().Format(time.RFC3339) }
	d := Document{Format: Format, UsagePeriod: Span{From: at(now.Add(-Period)), To: at(now)}, Heartbeat: at(now), FindUsage: []Usage{}}
	for _, l := range list {
		w := l.In(p, country)
		office := l.Office
		if office == "" {
			office = country.Code
		}
		d.FindUsage = append(d.FindUsage, Usage{
			LogTime: at(l.At), Action: w.Action, ActionCode: l.Action, ReceiverCode: office, ReceiverName: w.Office, ReceiverSystem: "daftar-admin",
			ReceiverRole: w.Role, Purpose: w.Purpose, PurposeCode: l.Purpose, LegalBasis: w.Basis, LegalBasisCode: l.Basis,
			Data: w.Kinds, Fields: l.Columns, Delayed: l.Delayed, Entry: l.Ref(person),
		})
	}
	return d
}
