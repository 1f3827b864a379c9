package registry

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"daftar/db"
)

// Item is the whole next state of one record, as proposed from BaseVersion
// (0 for a new record). What is approved is exactly what is applied.
type Item struct {
	Kind        string // KindHousehold, ...
	Subject     db.ID
	BaseVersion int
	Nature      Nature // Event when empty
	Reason      string // one of ChangeReasons, or nothing
	EffectiveOn string // since when it is so in the world, "2006-01-02"; "": since it is recorded
	Data        any    // PersonData, HouseholdData or GroupData
}

// Kinds of record.
const (
	KindHousehold = "household"
	KindPerson    = "person"
	KindGroup     = "group"
)

// Nature tells two kinds of change apart. Each has the message
// "nature.<nature>".
type Nature string

// The natures of a change.
const (
	Event      Nature = "event"      // the world moved: the old value was true until then
	Correction Nature = "correction" // the record was wrong: the old value never was
)

// ChangeReasons lists the coded reasons of a change. Each has the message
// "change.reason.<code>".
func ChangeReasons() []string {
	return []string{"registered", "imported", "mistake", "evidence", "moved", "born", "died", "married", "separated", "income", "health",
		"confirmed", "outcome", "restored", "areas", "duplicate", "other"}
}

// Origins of a change.
const (
	OriginCase  = "case"
	OriginBatch = "batch"
)

// Provenance says which source each value has; "*" stands for all that are
// not named.
type Provenance map[string]db.ID

// Of returns the source of a value.
func (p Provenance) Of(value string) (db.ID, bool) {
	if id, ok := p[value]; ok {
		return id, true
	}
	id, ok := p["*"]
	return id, ok
}

// With is p where values come from a source; every other value keeps its own.
func (p Provenance) With(source db.ID, values ...string) Provenance {
	next := Provenance{}
	for value, id := range p {
		next[value] = id
	}
	for _, value := range values {
		next[value] = source
	}
	return next
}

// Scan reads a jsonb column.
func (p *Provenance) Scan(src any) error { return scanJSON(src, p) }

// Values holds field values by code.
type Values map[string]any

// Scan reads a jsonb column.
func (v *Values) Scan(src any) error { return scanJSON(src, v) }

// Propose stores a change and its items. The proposer is the transaction's
// principal.
func Propose(tx db.Tx, origin string, items []Item) (db.ID, error) {
	id := tx.NewID()
	if err := tx.Exec(`insert into change (id, origin, proposed_at) values ($1, $2, $3)`, id, origin, tx.Now()); err != nil {
		return id, err
	}
	n := 0
	columns := []string{"change_id", "seq", "kind", "subject_id", "base_version", "nature", "reason", "effective_on", "data"}
	_, err := tx.CopyFrom("change_item", columns,
		pgx.CopyFromFunc(func() ([]any, error) {
			if n == len(items) {
				return nil, nil
			}
			it := items[n]
			n++
			if it.Nature == "" {
				it.Nature = Event
			}
			effective, err := optionalDay(it.EffectiveOn)
			if err != nil {
				return nil, err
			}
			data, err := json.Marshal(it.Data)
			return []any{[16]byte(id), int32(n), it.Kind, [16]byte(it.Subject), int32(it.BaseVersion),
				string(it.Nature), it.Reason, effective, data}, err
		}))
	if err != nil || !slices.ContainsFunc(items, func(it Item) bool { return it.Kind == KindPerson && it.BaseVersion > 0 }) {
		return id, err
	}
	return id, Follow(tx, id)
}

// Follow makes what follows of one's own proposal a part of it: a household that
// the last person leaves ends, and one that had ended for that goes on when
// somebody comes back. Apply adds what has come about since.
func Follow(tx db.Tx, change db.ID) error { return tx.Exec(`select propose_homes($1)`, change) }

// ItemsOf reads what a change proposes, as it stands.
func ItemsOf(tx db.Tx, change db.ID) ([]Item, error) {
	var rows []struct {
		Kind      string `db:"kind"`
		Subject   db.ID  `db:"subject_id"`
		Base      int    `db:"base_version"`
		Nature    Nature `db:"nature"`
		Reason    string `db:"reason"`
		Effective string `db:"effective"`
		Data      []byte `db:"data"`
	}
	err := tx.Select(&rows, `
		select kind, subject_id, base_version, nature, reason, coalesce(to_char(effective_on, 'YYYY-MM-DD'), '') as effective, data
		from change_item where change_id = $1 order by seq`, change)
	var items []Item
	for _, r := range rows {
		items = append(items, Item{Kind: r.Kind, Subject: r.Subject, BaseVersion: r.Base, Nature: r.Nature, Reason: r.Reason,
			EffectiveOn: r.Effective, Data: json.RawMessage(r.Data)})
	}
	return items, err
}

// optionalDay is a day for the database; nil for "".
func optionalDay(s string) (any, error) {
	if s == "" {
		return nil, nil
	}
	return time.Parse(time.DateOnly, s)
}

// Try refuses what Apply would refuse, with the same error, and changes nothing:
// whoever proposes hears of it at once, and not the third pair of hands.
func Try(tx db.Tx, change db.ID) error {
	return tx.Exec(`select try_change($1, $2)`, change, tx.Now())
}

// Verify records that the principal checked a proposal. Whoever proposed it is
// refused by the database (fault.Forbidden).
func Verify(tx db.Tx, change db.ID) error {
	return tx.Exec(`select verify_change($1, $2)`, change, tx.Now())
}

// Approve records the principal's approval of exactly these items. Whoever
// proposed or verified them is refused by the database (fault.Forbidden).
func Approve(tx db.Tx, change db.ID) error {
	return tx.Exec(`select approve_change($1, $2)`, change, tx.Now())
}

// Refuse ends a proposal without applying it.
func Refuse(tx db.Tx, change db.ID) error { return tx.Exec(`select refuse_change($1)`, change) }

// Return sends a verified proposal back to be checked again.
func Return(tx db.Tx, change db.ID) error { return tx.Exec(`select return_change($1)`, change) }

// Supersede ends a proposal that was not decided: in favour of a new one, or
// because it was withdrawn. A citizen may end only their own.
func Supersede(tx db.Tx, change db.ID) error { return tx.Exec(`select supersede_change($1)`, change) }

// Apply writes every version and record of an approved change. A record that
// moved on since the proposal is a fault.Conflict, and nothing is written.
func Apply(tx db.Tx, change db.ID) error {
	return tx.Exec(`select apply_change($1, $2)`, change, tx.Now())
}

// CurrentPerson reads the data and version of a person as they are now, for
// proposing the next.
func CurrentPerson(tx db.Tx, id db.ID) (PersonData, int, error) {
	var p PersonData
	version, err := current(tx, KindPerson, id, &p)
	return p, version, err
}

// CurrentHousehold is CurrentPerson for a household.
func CurrentHousehold(tx db.Tx, id db.ID) (HouseholdData, int, error) {
	var h HouseholdData
	version, err := current(tx, KindHousehold, id, &h)
	return h, version, err
}

// CurrentGroup is CurrentPerson for a group.
func CurrentGroup(tx db.Tx, id db.ID) (GroupData, int, error) {
	var g GroupData
	version, err := current(tx, KindGroup, id, &g)
	return g, version, err
}

func current(tx db.Tx, kind string, id db.ID, into any) (int, error) {
	var row struct {
		Version int    `db:"version"`
		Data    []byte `db:"data"`
	}
	if err := tx.Get(&row, `select version, data from record_state where subject_id = $1 and kind = $2 order by version desc limit 1`, id, kind); err != nil {
		return 0, err
	}
	return row.Version, json.Unmarshal(row.Data, into)
}
