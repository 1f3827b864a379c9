package i18n

import (
	"context"
	"database/sql/driver"
	"encoding/json"
	"fmt"
)

// Text is a text held in the database, by language tag, for example the label
// of a field or the name of an area: {"en": "Roof", "ar": "السقف"}.
type Text map[string]string

// In returns the text in the printer's language, else in the source language,
// else in any.
func (t Text) In(p *Printer) string {
	if p.Tag == Pseudo {
		return pseudo(t[Source])
	}
	if s := t[p.Tag]; s != "" {
		return s
	}
	if s := t[Source]; s != "" {
		return s
	}
	for _, s := range t {
		return s
	}
	return ""
}

// For returns the text in the context's language.
func (t Text) For(ctx context.Context) string { return t.In(From(ctx)) }

// Scan reads a jsonb column.
func (t *Text) Scan(src any) error { return scanJSON(src, t) }

// Value writes a jsonb column.
func (t Text) Value() (driver.Value, error) {
	b, err := json.Marshal(map[string]string(t))
	return string(b), err
}

func scanJSON(src, dst any) error {
	switch v := src.(type) {
	case nil:
		return nil
	case []byte:
		return json.Unmarshal(v, dst)
	case string:
		return json.Unmarshal([]byte(v), dst)
	}
	return fmt.Errorf("cannot read %T as JSON", src)
}
