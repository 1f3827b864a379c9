package seed

import (
	"encoding/csv"
	"io"
	"strconv"
	"strings"
)

// Truth writes what is known of pairs of records as CSV.
type Truth struct{ w *csv.Writer }

// NewTruth begins a file.
func NewTruth(w io.Writer) (*Truth, error) {
	t := &Truth{w: csv.NewWriter(w)}
	return t, t.w.Write([]string{"a", "b", "same", "kind", "errors", "script", "sex"})
}

// Add writes the pairs of a household.
func (t *Truth) Add(pairs []Pair) error {
	for _, p := range pairs {
		if err := t.w.Write([]string{p.A, p.B, strconv.FormatBool(p.Same), p.Kind, strings.Join(p.Errors, "+"), string(p.Script), p.Sex}); err != nil {
			return err
		}
	}
	return nil
}

// Flush ends the file.
func (t *Truth) Flush() error {
	t.w.Flush()
	return t.w.Error()
}
