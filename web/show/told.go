package show

import (
	"daftar/i18n"
	"daftar/registry/notices"
	"daftar/web/ui"
)

// NoticeTitle says in a line what somebody was told.
func NoticeTitle(p *i18n.Printer, n notices.Told) string {
	return p.T("notice."+n.Kind+".title", "Programme", n.Programme.In(p), "Ref", Unbroken(n.CaseRef))
}

// NoticeText is the rest of it.
func NoticeText(p *i18n.Printer, n notices.Told) string {
	return p.T("notice."+n.Kind+".text", "Programme", n.Programme.In(p), "Ref", Unbroken(n.CaseRef))
}

// Deliveries says what became of a notice on each channel.
func Deliveries(p *i18n.Printer, n notices.Told) []ui.Row {
	portal := p.T("delivery.unread")
	if n.ReadAt.Valid {
		portal = p.T("delivery.read", "Date", p.Time(n.ReadAt.Time))
	}
	rows := []ui.Row{{Key: p.T("delivery.channel.portal"), Value: portal}}
	for _, d := range n.Channels {
		row := ui.Row{Key: p.T("delivery.channel." + d.Channel), Value: p.T("delivery.state." + d.State)}
		if d.Hint != "" {
			row.Lines = append(row.Lines, d.Hint)
		}
		switch {
		case d.Why == "":
		case p.Has("delivery.why." + d.Why):
			row.Lines = append(row.Lines, p.T("delivery.why."+d.Why))
		default:
			row.Lines = append(row.Lines, d.Why) // the gateway's own code
		}
		row.Source = p.Time(d.ChangedAt)
		rows = append(rows, row)
	}
	return rows
}
