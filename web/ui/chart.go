package ui

import (
	"context"
	"strconv"
	"strings"

	"daftar/i18n"
)

// Charts are drawn on the server, 320 units wide: at that width of a screen one
// unit is one pixel. Colours come from the style sheet, which a strict policy
// allows; every chart has a table beside it that says the same.
const (
	chartWidth = 320
	lineHeight = 17 // of a label
	barHeight  = 14
	barGap     = 14
	plotHeight = 150
	plotStart  = 44 // room for the numbers of the axis
	plotTop    = 10
	labelRunes = 42 // of a line of a label
)

// Bar is one number of a bar chart.
type Bar struct {
	Label string
	Shown string // the number in words
	N     int
	Known bool // false: it is withheld, and has no bar
}

// drawnBar is a bar with its place.
type drawnBar struct {
	Bar
	lines          []string
	top            []int // of each line of the label: its baseline
	x, y, width    int
	valueX, valueY int
}

// draw places bars one below the other; right to left, they begin at the right.
func draw(bars []Bar, rtl bool) (list []drawnBar, height int) {
	most := 1
	for _, b := range bars {
		if b.Known {
			most = max(most, b.N)
		}
	}
	const room = 60 // for the number after the longest bar
	for _, b := range bars {
		d := drawnBar{Bar: b, lines: wrap(b.Label, labelRunes)}
		for range d.lines {
			height += lineHeight
			d.top = append(d.top, height-4)
		}
		d.y = height
		if b.Known && b.N > 0 {
			d.width = max(2, b.N*(chartWidth-room)/most)
		}
		d.valueX, d.valueY = d.width+6, height+barHeight-2
		if d.width == 0 {
			d.valueX = 0
		}
		if rtl {
			d.x, d.valueX = chartWidth-d.width, chartWidth-d.valueX
		}
		height += barHeight + barGap
		list = append(list, d)
	}
	return list, height
}

// wrap breaks a text into lines of at most so many characters, between words.
func wrap(s string, runes int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(s) {
		if line != "" && len([]rune(line))+1+len([]rune(word)) > runes {
			lines = append(lines, line)
			line = ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}

// Point is one number of a line chart.
type Point struct {
	Label string // of the axis: a month
	N     int
	Known bool // false: withheld; the line has a gap
}

// Line is a line chart of numbers from 0 to Most.
type Line struct {
	Points []Point
	Most   int
	Scale  func(n int) string // a number of the axis in words
}

// x is the place of the i-th point; time runs in the direction of reading.
func (l Line) x(i int, rtl bool) int {
	x := plotStart
	if len(l.Points) > 1 {
		x += i * (chartWidth - plotStart - 8) / (len(l.Points) - 1)
	}
	if rtl {
		return chartWidth - x
	}
	return x
}

func (l Line) y(n int) int { return plotTop + plotHeight - n*plotHeight/max(1, l.Most) }

// runs are the pieces of the line between gaps, as points of a polyline.
func (l Line) runs(rtl bool) []string {
	var list []string
	var run []string
	end := func() {
		if len(run) > 1 {
			list = append(list, strings.Join(run, " "))
		}
		run = nil
	}
	for i, p := range l.Points {
		if !p.Known {
			end()
			continue
		}
		run = append(run, strconv.Itoa(l.x(i, rtl))+","+strconv.Itoa(l.y(p.N)))
	}
	end()
	return list
}

// ticks are the numbers of the axis.
func (l Line) ticks() []int { return []int{0, l.Most / 2, l.Most} }

func rtl(ctx context.Context) bool { return i18n.From(ctx).Dir == "rtl" }

// side is where something stands that is x from where reading begins.
func side(ctx context.Context, x int) string {
	if rtl(ctx) {
		x = chartWidth - x
	}
	return strconv.Itoa(x)
}
