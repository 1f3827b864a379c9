package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// metric is one line of the table: what was measured in each pair, beside its
// limit in the same pair.
type metric struct {
	name   string
	unit   string
	limit  string // what the limit is; "" for a figure that has none
	values []float64
	limits []float64
}

// add notes one pair.
func (m *metric) add(value, limit float64) {
	m.values, m.limits = append(m.values, value), append(m.limits, limit)
}

// noisy is the movement of a limit, in percent of its median, beyond which the
// ratio says little.
const noisy = 15

// ratio is the median of the pairs' ratios.
func (m *metric) ratio() float64 {
	ratios := make([]float64, len(m.values))
	for i, v := range m.values {
		ratios[i] = v / m.limits[i]
	}
	return median(ratios)
}

// spread is how far apart the values are, in percent of their median.
func spread(values []float64) float64 {
	middle := median(values)
	if middle == 0 {
		return 0
	}
	return 100 * (slices.Max(values) - slices.Min(values)) / middle
}

func median(values []float64) float64 { return quantile(values, 0.5) }

// quantile is the q-th part of the values, by the nearest rank; the median of
// an even number lies between the two in the middle.
func quantile[T float64 | int64](values []T, q float64) T {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	if q == 0.5 && n%2 == 0 {
		return (sorted[n/2-1] + sorted[n/2]) / 2
	}
	return sorted[min(n-1, int(q*float64(n)))]
}

func (m *metric) row() []string {
	row := []string{m.name, number(median(m.values)) + " " + m.unit, "", "", ""}
	if m.limit == "" || len(m.limits) == 0 {
		return row
	}
	row[2] = number(median(m.limits)) + " " + m.unit + "  " + m.limit
	row[3] = fmt.Sprintf("%.2f", m.ratio())
	row[4] = fmt.Sprintf("%.0f%%", spread(m.limits))
	if spread(m.limits) > noisy {
		row[4] += " noisy"
	}
	return row
}

// number shows three significant digits, and whole numbers from 100 on.
func number(v float64) string {
	switch {
	case v >= 1000:
		s := fmt.Sprintf("%.0f", v)
		for i := len(s) - 3; i > 0; i -= 3 {
			s = s[:i] + "," + s[i:]
		}
		return s
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	case v >= 1:
		return fmt.Sprintf("%.2f", v)
	}
	return fmt.Sprintf("%.3f", v)
}

const legend = `
The ratio is value / limit: of a rate, the share of the limit that is reached;
of a time, how many times the limit it takes. It is the median of the pairs'
ratios. The spread is that of the limit, highest less lowest.
`

// writeTable writes the lines, aligned, and how to read them.
func writeTable(w io.Writer, metrics []*metric) error {
	rows := [][]string{{"", "value", "limit in the same run", "ratio", "spread"}}
	for _, m := range metrics {
		rows = append(rows, m.row())
	}
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	var b strings.Builder
	for _, row := range rows {
		var line strings.Builder
		for i, cell := range row {
			gap := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if i == 1 || i == 3 { // numbers end in the same column
				line.WriteString(gap + cell + "  ")
			} else {
				line.WriteString(cell + gap + "  ")
			}
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	_, err := io.WriteString(w, b.String()+legend)
	return err
}
