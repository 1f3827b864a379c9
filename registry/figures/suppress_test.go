package figures

import (
	"testing"

	"pgregory.net/rapid"
)

// solver lists, by trying, tables of whole numbers that show what a published one
// shows: all those whose hidden numbers are at most one off what is true. Two
// values for a number prove that nobody can tell it, however much time they have.
// It knows nothing of how numbers were kept back, but that noughts are shown.
type solver struct {
	t      table
	hidden [][]bool
	cells  []place // inner cells that are hidden
	value  [][]int
	seen   map[place]map[int]bool
}

func (s *solver) rows() int    { return len(s.t) - 1 }
func (s *solver) columns() int { return len(s.t[0]) - 1 }

// left is what is left for the hidden cells of a line after those that are set;
// -1 when the sum is hidden.
func (s *solver) left(r, c int) int {
	sumRow, sumColumn := r, s.columns()
	if r < 0 {
		sumRow, sumColumn = s.rows(), c
	}
	if s.hidden[sumRow][sumColumn] {
		return -1
	}
	left := s.t[sumRow][sumColumn]
	if r >= 0 {
		for i := range s.columns() {
			left -= s.value[r][i]
		}
	} else {
		for i := range s.rows() {
			left -= s.value[i][c]
		}
	}
	return left
}

// try sets the hidden cells from the n-th on in every way.
func (s *solver) try(n int) {
	if n == len(s.cells) {
		s.note()
		return
	}
	p := s.cells[n]
	s.value[p.row][p.column] = 0
	most := s.t[p.row][p.column] + 1
	for _, left := range []int{s.left(p.row, 0), s.left(-1, p.column)} {
		if left >= 0 {
			most = min(most, left)
		}
	}
	for v := max(1, s.t[p.row][p.column]-1); v <= most; v++ {
		s.value[p.row][p.column] = v
		if s.closes(n, p) {
			s.try(n + 1)
		}
	}
	s.value[p.row][p.column] = 0
}

// closes reports whether lines whose last hidden cell is the n-th come out right.
func (s *solver) closes(n int, p place) bool {
	row, column := true, true
	for _, q := range s.cells[n+1:] {
		row = row && q.row != p.row
		column = column && q.column != p.column
	}
	return (!row || s.left(p.row, 0) <= 0) && (!column || s.left(-1, p.column) <= 0)
}

// note checks the sums and keeps what is hidden.
func (s *solver) note() {
	full := sums(s.value)
	for r := range s.t {
		for c := range s.t[r] {
			if !s.hidden[r][c] && full[r][c] != s.t[r][c] {
				return
			}
		}
	}
	for r := range s.t {
		for c := range s.t[r] {
			if s.hidden[r][c] {
				p := place{r, c}
				if s.seen[p] == nil {
					s.seen[p] = map[int]bool{}
				}
				s.seen[p][full[r][c]] = true
			}
		}
	}
}

// attack returns the values that each hidden number could have.
func attack(t table, hidden [][]bool) map[place]map[int]bool {
	s := &solver{t: t, hidden: hidden, seen: map[place]map[int]bool{}}
	for r := range s.rows() {
		s.value = append(s.value, make([]int, s.columns()))
		for c := range s.columns() {
			if hidden[r][c] {
				s.cells = append(s.cells, place{r, c})
			} else {
				s.value[r][c] = t[r][c]
			}
		}
	}
	s.try(0)
	return s.seen
}

// No number that is kept back can be worked out from what is shown and its sums.
func TestNothingKeptBackCanBeWorkedOut(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		rows, columns := rapid.IntRange(1, 3).Draw(t, "rows"), rapid.IntRange(1, 3).Draw(t, "columns")
		counts := make([][]int, rows)
		for r := range counts {
			// Mostly small, where the trouble is.
			counts[r] = rapid.SliceOfN(rapid.OneOf(rapid.IntRange(0, 3), rapid.IntRange(0, 14)), columns, columns).Draw(t, "row")
		}
		full := sums(counts)
		hidden := withhold(full)
		seen := attack(full, hidden)
		for r := range full {
			for c, n := range full[r] {
				switch {
				case 0 < n && n < Least && !hidden[r][c]:
					t.Fatalf("%v: %d is shown", full, n)
				case n == 0 && hidden[r][c]:
					t.Fatalf("%v: a nought is hidden at %d, %d", full, r, c)
				case hidden[r][c] && !seen[place{r, c}][n]:
					t.Fatalf("%v %v: the attacker does not find what is true of %d, %d: %v", full, hidden, r, c, seen)
				case hidden[r][c] && len(seen[place{r, c}]) < 2:
					t.Fatalf("%v %v: %d, %d can only be %d", full, hidden, r, c, n)
				}
			}
		}
	})
}

// What is left between a sum and what is shown of it is no small number either.
func TestNoSmallDifference(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		counts := make([][]int, rapid.IntRange(1, 9).Draw(t, "rows"))
		columns := rapid.IntRange(1, 9).Draw(t, "columns")
		for r := range counts {
			counts[r] = rapid.SliceOfN(rapid.OneOf(rapid.Just(0), rapid.IntRange(0, 12), rapid.IntRange(0, 200)), columns, columns).Draw(t, "row")
		}
		full := sums(counts)
		hidden := withhold(full)
		for _, l := range linesOf(full) {
			parts, together := 0, 0
			for _, p := range l[:len(l)-1] {
				if hidden[p.row][p.column] {
					parts++
					together += full[p.row][p.column]
				}
			}
			if sum := l.sum(); !hidden[sum.row][sum.column] && parts > 0 && (parts == 1 || together < Least) {
				t.Fatalf("%v: %d numbers that are %d together", full, parts, together)
			}
		}
	})
}

// The attacker of these tests finds what plain suppression gives away.
func TestAttackerFindsDifferences(t *testing.T) {
	t.Parallel()
	full := sums([][]int{{20, 3, 30}, {40, 50, 60}})
	hidden := [][]bool{{false, true, false, false}, {false, false, false, false}, {false, false, false, false}}
	if seen := attack(full, hidden); len(seen[place{0, 1}]) != 1 {
		t.Fatalf("one hidden number in a line of shown ones is %v", seen)
	}
	if !withhold(full)[0][1] || withhold(sums([][]int{{20, 30}}))[0][0] {
		t.Error("what is small is shown, or what is not is hidden")
	}
}
