package areas

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"daftar/db"
	"daftar/fault"
	"daftar/registry"
	"daftar/registry/audit"
)

// Kinds of a change of areas. Each has the message "areas.change.<code>".
const (
	KindImport     = "import"
	KindMerge      = "merge"
	KindSplit      = "split"
	KindEdit       = "edit"
	KindBoundaries = "boundaries"
	KindAdd        = "add"
	KindMove       = "move"
	KindEnd        = "end"
)

// Draft is a plan with what is said about it.
type Draft struct {
	Kind   string
	On     string // "2006-01-02"
	Reason string
	Lang   string // of the reason
	Files  []string
	Digest []byte
}

// Propose stores a plan as a draft of the principal. Nothing of it is true
// until it was sent and somebody else approved it. It returns the reference.
func Propose(tx db.Tx, d Draft, p *Plan) (string, error) {
	if len(p.Problems) > 0 {
		return "", fault.New(fault.Invalid, "areas.error.problems")
	}
	if len(p.Items) == 0 {
		return "", fault.New(fault.Invalid, "areas.error.nothing")
	}
	counts, err := json.Marshal(p.Counts)
	if err != nil {
		return "", err
	}
	id, ref := tx.NewID(), registry.NewRef(registry.RefAreas, tx.Rand())
	if d.Files == nil {
		d.Files = []string{}
	}
	if err := tx.Exec(`
		insert into area_change (id, ref, kind, on_day, reason, reason_lang, files, digest, counts, answers, proposed_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
		id, ref, d.Kind, d.On, d.Reason, d.Lang, d.Files, d.Digest, string(counts), !p.stay, tx.Now()); err != nil {
		return "", err
	}
	if err := items(tx, id, p.Items); err != nil {
		return "", err
	}
	if err := moves(tx, id, p.moves); err != nil {
		return "", err
	}
	return ref, audit.Write(tx, audit.Event{Action: "areas.drafted", SubjectKind: "area_change", Subject: id, Detail: map[string]any{"kind": d.Kind, "counts": p.Counts}})
}

func items(tx db.Tx, change db.ID, list []Item) error {
	n := 0
	_, err := tx.CopyFrom("area_change_item", []string{
		"change_id", "seq", "area_id", "what", "version", "code", "level", "kind", "parent_id", "parent_code", "name",
		"alternative", "km2", "valid_from", "valid_to", "before", "rest_to", "scope", "geometry",
	}, pgx.CopyFromFunc(func() ([]any, error) {
		if n == len(list) {
			return nil, nil
		}
		it := list[n]
		n++
		name, err := json.Marshal(it.Name)
		if err != nil {
			return nil, err
		}
		before, err := it.Before.value()
		if err != nil {
			return nil, err
		}
		from, err := day(it.From)
		if err != nil {
			return nil, err
		}
		to, err := day(it.To)
		if err != nil {
			return nil, err
		}
		scope := make([][16]byte, len(it.Scope))
		for i, id := range it.Scope {
			scope[i] = id
		}
		other := []string(it.Alternative)
		if other == nil {
			other = []string{}
		}
		return []any{[16]byte(change), int32(n), [16]byte(it.ID), it.What, int32(it.Version), it.Code, int16(it.Level), it.Kind,
			raw(it.Parent), optional(it.ParentCode), name, other, it.Km2, from, to, before, raw(it.RestTo), scope, it.Geometry}, nil
	}))
	return err
}

func moves(tx db.Tx, change db.ID, to map[db.ID]db.ID) error {
	var rows [][]any
	for record, area := range to {
		rows = append(rows, []any{[16]byte(change), [16]byte(record), [16]byte(area)})
	}
	if len(rows) == 0 {
		return nil
	}
	_, err := tx.CopyFrom("area_change_move", []string{"change_id", "record_id", "area_id"}, pgx.CopyFromRows(rows))
	return err
}

func raw(id *db.ID) any {
	if id == nil {
		return nil
	}
	return [16]byte(*id)
}

func optional(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func day(s string) (any, error) {
	if s == "" {
		return nil, nil
	}
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return nil, fmt.Errorf("day of an area: %w", err)
	}
	return t, nil
}
