// Package oversight is for auditors and data protection officers: the audit log,
// patterns of reading that stand out, people's questions about looks at their
// records, and what is held back from people for a while.
package oversight

import (
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"daftar/auth"
	"daftar/db"
	"daftar/fault"
	"daftar/i18n"
	"daftar/registry/filters"
	"daftar/registry/oversight"
	"daftar/web"
	"daftar/web/ui"
)

// asAuditor runs a function as the database's auditor, who reads the log and
// writes nothing.
func asAuditor(c *web.Ctx, fn func(db.Tx) error) error {
	who := c.Who()
	who.Role = db.Auditor
	return c.DB().View(c.Context(), who, fn)
}

// logPage is a page of the log with the form that chose it.
type logPage struct {
	Form     *ui.Form
	Officers []ui.Choice
	Purposes []ui.Choice
	Rows     [][]ui.Cell
	First    string
	Next     string
	Chosen   url.Values // the filter, for the export
}

// inputs are those of the filter.
var inputs = []string{"person", "case", "officer", "action", "purpose", "from", "to"}

// lately is how far back the log is shown when nothing is said.
const lately = 31 * 24 * time.Hour

// Log shows entries, the latest first. That it was read is written down before.
func Log(c *web.Ctx) error {
	values := url.Values{}
	for _, name := range inputs {
		values.Set(name, c.Query(name))
	}
	f, err := readFilter(c, values)
	if before, wrong := strconv.ParseInt(c.Query("before"), 10, 64); c.Query("before") != "" {
		if wrong != nil {
			return fault.New(fault.Malformed, "error.malformed")
		}
		f.Before = time.UnixMicro(before)
	}
	if err != nil {
		pg, loadErr := newLogPage(c, values)
		if loadErr != nil {
			return loadErr
		}
		pg.Form.Err = web.AsFault(err)
		return c.RenderStatus(web.Status(fault.Invalid), auditPage(pg))
	}
	if err := c.WithTx(func(tx db.Tx) error { return oversight.Note(tx, f, "audit.read") }); err != nil {
		return err
	}
	pg, err := newLogPage(c, values)
	if err != nil {
		return err
	}
	var rows []oversight.Row
	var next time.Time
	err = asAuditor(c, func(tx db.Tx) (err error) {
		rows, next, err = oversight.List(tx, f, oversight.PageSize)
		return err
	})
	if fault.Is(err, fault.NotFound) { // of a reference that nobody has
		rows, err = nil, nil
	}
	if err != nil {
		return err
	}
	pg.Rows = cells(c.Printer(), rows)
	query := strings.TrimSuffix("/audit?"+trimmed(values).Encode(), "?")
	if !f.Before.IsZero() {
		pg.First = query
	}
	if !next.IsZero() {
		v := trimmed(values)
		v.Set("before", strconv.FormatInt(next.UnixMicro(), 10))
		pg.Next = "/audit?" + v.Encode()
	}
	return c.Render(auditPage(pg))
}

func trimmed(values url.Values) url.Values {
	out := url.Values{}
	for name, v := range values {
		if v[0] != "" {
			out[name] = v
		}
	}
	return out
}

func newLogPage(c *web.Ctx, values url.Values) (logPage, error) {
	p := c.Printer()
	pg := logPage{Form: &ui.Form{Values: values}, Chosen: values}
	for _, code := range append(auth.Purposes(), "audit", "investigation", "queue") {
		pg.Purposes = append(pg.Purposes, ui.Choice{Value: code, Label: known(p, "purpose.", code)})
	}
	err := asAuditor(c, func(tx db.Tx) error {
		list, err := oversight.Officers(tx)
		for _, o := range list {
			pg.Officers = append(pg.Officers, ui.Choice{Value: o.Ref(), Label: o.Name})
		}
		return err
	})
	return pg, err
}

// readFilter reads the filter's inputs; days are those of the country.
func readFilter(c *web.Ctx, values url.Values) (oversight.Filter, error) {
	f := oversight.Filter{Person: strings.TrimSpace(values.Get("person")), Case: strings.TrimSpace(values.Get("case")), Officer: values.Get("officer"),
		Action: strings.TrimSpace(values.Get("action")), Purpose: values.Get("purpose")}
	var check fault.Check
	day := func(name string, plus int) time.Time {
		s := strings.TrimSpace(i18n.LatinDigits(values.Get(name)))
		if s == "" {
			return time.Time{}
		}
		t, err := time.ParseInLocation(time.DateOnly, s, c.Printer().Zone)
		if err != nil {
			check.Fail(name, "audit.error.day")
		}
		return t.AddDate(0, 0, plus)
	}
	f.From, f.To = day("from", 0), day("to", 1)
	if f.From.IsZero() && f.Person == "" && f.Case == "" && f.Officer == "" {
		f.From = c.Now().Add(-lately) // else a rare action would be looked for from the beginning
	}
	return f, check.Err()
}

// known is the message of a code, where there is one.
func known(p *i18n.Printer, prefix, code string) string {
	if code != "" && p.Has(prefix+code) {
		return p.T(prefix + code)
	}
	return code
}

func who(p *i18n.Printer, r oversight.Row) string {
	if r.Staff != "" {
		return r.Staff
	}
	return p.T("audit.actor." + r.ActorKind)
}

func why(p *i18n.Printer, r oversight.Row) string {
	if r.CaseRef != "" {
		return r.CaseRef
	}
	return known(p, "purpose.", r.Purpose)
}

func about(p *i18n.Printer, r oversight.Row) string {
	switch {
	case r.SubjectRef != "":
		return r.SubjectRef
	case r.SubjectName != "":
		return r.SubjectName
	case r.Subjects > 0:
		return p.N("audit.subjects", r.Subjects)
	}
	return known(p, "audit.subject.", r.SubjectKind)
}

func number(p *i18n.Printer, r oversight.Row) string {
	if r.Idx == nil {
		return p.T("audit.unsealed")
	}
	return strconv.FormatInt(*r.Idx, 10)
}

func cells(p *i18n.Printer, rows []oversight.Row) [][]ui.Cell {
	var out [][]ui.Cell
	for _, r := range rows {
		subject := ui.Cell{Text: about(p, r), LTR: r.SubjectRef != ""}
		if r.SubjectKind == "person" && r.SubjectRef != "" {
			subject.Path = "/audit?person=" + r.SubjectRef
		}
		reason := ui.Cell{Text: why(p, r), LTR: r.CaseRef != ""}
		if r.CaseRef != "" {
			reason.Path = "/audit?case=" + r.CaseRef
		}
		out = append(out, []ui.Cell{{Text: p.Time(r.At)}, {Text: who(p, r)}, {Text: known(p, "audit.action.", r.Action)}, subject, reason,
			{Text: known(p, "audit.client.", r.Client)}, {Text: number(p, r), LTR: true}})
	}
	return out
}

// exportLimit is how many entries a file has at most.
const exportLimit = 20_000

// Export takes what the filter finds away as a file.
func Export(c *web.Ctx) error {
	form, err := c.Form(inputs...)
	if err != nil {
		return err
	}
	values := url.Values{}
	for _, name := range inputs {
		values.Set(name, form.Get(name))
	}
	f, err := readFilter(c, values)
	if err != nil {
		return err
	}
	if err := c.WithTx(func(tx db.Tx) error { return oversight.Note(tx, f, "audit.exported") }); err != nil {
		return err
	}
	var rows []oversight.Row
	if err := asAuditor(c, func(tx db.Tx) (err error) {
		rows, _, err = oversight.List(tx, f, exportLimit)
		return err
	}); err != nil {
		return err
	}
	p := c.Printer()
	var t filters.Table
	for _, key := range []string{"audit.when", "audit.who", "audit.actor_kind", "audit.action", "audit.about", "audit.subject_kind", "audit.why", "audit.basis", "audit.client", "audit.number"} {
		t.Header = append(t.Header, p.T(key))
	}
	for _, r := range rows {
		line := []filters.Cell{}
		for _, s := range []string{r.At.UTC().Format(time.RFC3339Nano), who(p, r), r.ActorKind, r.Action, about(p, r), r.SubjectKind, why(p, r), r.Basis, r.Client, number(p, r)} {
			line = append(line, filters.Cell{Text: s})
		}
		t.Rows = append(t.Rows, line)
	}
	body, err := t.CSV()
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderCacheControl, "no-store")
	c.Set(fiber.HeaderContentDisposition, `attachment; filename="audit.csv"`)
	return c.Send(fiber.StatusOK, "text/csv; charset=utf-8", body)
}
