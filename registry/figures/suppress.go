package figures

import (
	"cmp"
	"slices"
)

// Least is the smallest number of anything that is published; nobody is 0.
const Least = 10

// table is what was counted, with its sums: the last row is of all rows, the last
// column of all columns. Columns are areas, rows what was counted in them.
type table [][]int

// sums makes a table of counts without sums.
func sums(counts [][]int) table {
	t := make(table, len(counts)+1)
	columns := 0
	for _, row := range counts {
		columns = max(columns, len(row))
	}
	for r := range t {
		t[r] = make([]int, columns+1)
	}
	for r, row := range counts {
		for c, n := range row {
			t[r][c] += n
			t[r][columns] += n
			t[len(counts)][c] += n
			t[len(counts)][columns] += n
		}
	}
	return t
}

// withhold says which numbers of a table are kept back: those from 1 to 9, and as
// many others as it takes that none of those can be worked out from the rest and
// the sums. Of what is kept back
//   - what is known together, as the difference of a sum and what is shown of it,
//     is at least Least, and more than one number;
//   - no number follows from the others by arithmetic: for each there is another
//     table of whole numbers, none below 1, that shows all the same.
//
// The second is proved number by number with such a table (witnessed), and where
// that cannot be, the next smallest number is kept back too. In the end nothing
// but noughts is left, which gives nothing away.
func withhold(t table) [][]bool {
	hidden := make([][]bool, len(t))
	for r, row := range t {
		hidden[r] = make([]bool, len(row))
		for c, n := range row {
			hidden[r][c] = 0 < n && n < Least
		}
	}
	lines := linesOf(t)
	for {
		at, found := weak(t, hidden, lines)
		if !found {
			return hidden
		}
		next, ok := smallest(t, hidden, lines, at)
		if !ok {
			next, ok = smallest(t, hidden, lines, nil)
		}
		if !ok {
			return hidden
		}
		hidden[next.row][next.column] = true
	}
}

type place struct{ row, column int }

// line is a row or a column: its parts, and their sum as the last.
type line []place

func (l line) sum() place { return l[len(l)-1] }

func linesOf(t table) []line {
	var lines []line
	for r := range t {
		var l line
		for c := range t[r] {
			l = append(l, place{r, c})
		}
		lines = append(lines, l)
	}
	for c := range t[0] {
		var l line
		for r := range t {
			l = append(l, place{r, c})
		}
		lines = append(lines, l)
	}
	return lines
}

// weak finds numbers that are kept back and not well enough.
func weak(t table, hidden [][]bool, lines []line) (at []place, found bool) {
	for _, l := range lines {
		var parts []place
		together := 0
		for _, p := range l[:len(l)-1] {
			if hidden[p.row][p.column] {
				parts = append(parts, p)
				together += t[p.row][p.column]
			}
		}
		sum := hidden[l.sum().row][l.sum().column]
		switch {
		case sum && len(parts) == 0:
			return []place{l.sum()}, true
		case !sum && len(parts) > 0 && (len(parts) == 1 || together < Least):
			return parts, true
		}
	}
	moves := movesOf(hidden, lines)
	for r := range t {
		for c := range t[r] {
			if p := (place{r, c}); hidden[r][c] && !witnessed(t, moves, p) {
				return []place{p}, true
			}
		}
	}
	return nil, false
}

// smallest is the smallest number that is still shown on the lines of some places,
// sums last; on any line for nil.
func smallest(t table, hidden [][]bool, lines []line, of []place) (place, bool) {
	var list []place
	for _, l := range lines {
		if of != nil && !slices.ContainsFunc(l, func(p place) bool { return slices.Contains(of, p) }) {
			continue
		}
		for _, p := range l {
			if !hidden[p.row][p.column] && t[p.row][p.column] > 0 {
				list = append(list, p)
			}
		}
	}
	if len(list) == 0 {
		return place{}, false
	}
	isSum := func(p place) int {
		n := 0
		if p.row == len(t)-1 {
			n++
		}
		if p.column == len(t[0])-1 {
			n++
		}
		return n
	}
	return slices.MinFunc(list, func(a, b place) int {
		return cmp.Or(cmp.Compare(isSum(a), isSum(b)), cmp.Compare(t[a.row][a.column], t[b.row][b.column]),
			cmp.Compare(a.row, b.row), cmp.Compare(a.column, b.column))
	}), true
}

// move is a change of hidden numbers that changes no line: by how much each.
type move map[place]int

// witnessed reports whether one step along a move, or back, gives another table
// with a different number at p, and none below 1.
func witnessed(t table, moves []move, p place) bool {
	for _, m := range moves {
		if m[p] == 0 {
			continue
		}
		for _, sign := range []int{1, -1} {
			if !moved(m, func(q place, by int) bool { return t[q.row][q.column]+sign*by >= 1 }) {
				continue
			}
			return true
		}
	}
	return false
}

func moved(m move, fits func(place, int) bool) bool {
	for p, by := range m {
		if !fits(p, by) {
			return false
		}
	}
	return true
}

// movesOf is a basis of the moves: the null space of the lines over the hidden
// numbers, by elimination. The lines of a table are a network, so that every
// coefficient stays 1, 0 or -1 and no fraction arises. Sums come first: they
// follow from their parts, which makes a move of one part and its sums.
func movesOf(hidden [][]bool, lines []line) []move {
	var unknown []place
	last, end := len(hidden)-1, len(hidden[0])-1
	for r := range hidden {
		for c := range hidden[r] {
			if hidden[r][c] {
				unknown = append(unknown, place{r, c})
			}
		}
	}
	rank := func(p place) int {
		switch {
		case p.row == last && p.column == end:
			return 0
		case p.row == last || p.column == end:
			return 1
		}
		return 2
	}
	slices.SortStableFunc(unknown, func(a, b place) int { return cmp.Compare(rank(a), rank(b)) })
	index := map[place]int{}
	for i, p := range unknown {
		index[p] = i
	}
	var rows [][]int
	for _, l := range lines {
		row := make([]int, len(unknown))
		any := false
		for i, p := range l {
			if at, is := index[p]; is {
				row[at], any = 1, true
				if i == len(l)-1 {
					row[at] = -1
				}
			}
		}
		if any {
			rows = append(rows, row)
		}
	}
	pivots := reduce(rows, len(unknown))
	var moves []move
	for free := range unknown {
		if _, is := pivots[free]; is {
			continue
		}
		m := move{unknown[free]: 1}
		for column, row := range pivots {
			if by := -rows[row][free]; by != 0 {
				m[unknown[column]] = by
			}
		}
		moves = append(moves, m)
	}
	return moves
}

// reduce brings rows into reduced echelon form and returns the row of each pivot
// column.
func reduce(rows [][]int, columns int) map[int]int {
	pivots := map[int]int{}
	next := 0
	for c := 0; c < columns && next < len(rows); c++ {
		at := slices.IndexFunc(rows[next:], func(row []int) bool { return row[c] != 0 })
		if at < 0 {
			continue
		}
		at += next
		rows[next], rows[at] = rows[at], rows[next]
		pivot := rows[next]
		if pivot[c] < 0 {
			for i := range pivot {
				pivot[i] = -pivot[i]
			}
		}
		for r, row := range rows {
			if r == next || row[c] == 0 {
				continue
			}
			by := row[c] // of a network: 1 or -1, as the pivot is 1
			for i := range row {
				row[i] -= by * pivot[i]
			}
		}
		pivots[c] = next
		next++
	}
	return pivots
}
