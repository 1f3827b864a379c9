package show

import (
	"daftar/i18n"
	"daftar/registry"
	"daftar/web/ui"
)

// Office is what people need to find an office: on receipts and letters.
func Office(p *i18n.Printer, o registry.Office) []ui.Row {
	rows := []ui.Row{{Key: p.T("office.name"), Value: o.Name.In(p)}}
	if address := o.Address.In(p); address != "" {
		rows = append(rows, ui.Row{Key: p.T("office.address"), Value: address})
	}
	if o.Phone != "" {
		rows = append(rows, ui.Row{Key: p.T("office.phone"), Value: o.Phone, LTR: true})
	}
	if lines := Opening(p, o.Opening); len(lines) > 0 {
		rows = append(rows, ui.Row{Key: p.T("office.opening"), Value: lines[0], Lines: lines[1:]})
	}
	return rows
}

// Opening says when an office is open, a line for days with the same hours.
func Opening(p *i18n.Printer, o registry.Opening) []string {
	var lines []string
	said := map[string]bool{}
	for _, day := range registry.Weekdays() {
		hours := o[day]
		if hours == "" || said[hours] {
			continue
		}
		said[hours] = true
		var days []string
		for _, other := range registry.Weekdays() {
			if o[other] == hours {
				days = append(days, p.T("weekday."+other))
			}
		}
		lines = append(lines, p.T("office.open", "Days", p.List(days), "Hours", p.Hours(hours)))
	}
	return lines
}
