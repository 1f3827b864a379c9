package show

import (
	"daftar/i18n"
	"daftar/registry"
	"daftar/web/ui"
)

// Retention says for how long each kind of data is kept.
func Retention(p *i18n.Printer, kept registry.Retention) []ui.Row {
	var rows []ui.Row
	for _, kind := range registry.RetentionKinds() {
		if months, ok := kept[kind]; ok {
			rows = append(rows, ui.Row{Key: p.T("retention." + kind), Value: Months(p, months)})
		}
	}
	return rows
}

// Months is a length of time, in years where it is whole years; "for good" for
// none.
func Months(p *i18n.Printer, n int) string {
	switch {
	case n == 0:
		return p.T("retention.for_good")
	case n%12 == 0:
		return p.N("retention.years", n/12)
	}
	return p.N("retention.months", n)
}
