package importer

import (
	"database/sql"
	"encoding/json"
	"time"

	"daftar/db"
	"daftar/fault"
	"daftar/registry"
)

// States of a batch. Each has the message "import.state.<state>".
const (
	Draft     = "draft"     // files and mapping are being chosen
	Checking  = "checking"  // a job reads the files
	Checked   = "checked"   // it can be sent
	Same      = "unchanged" // there is nothing in it that the registry does not have
	Failed    = "failed"    // it cannot be read at all
	Proposed  = "proposed"  // it waits for somebody's decision
	Approved  = "approved"  // a job applies it
	Applied   = "applied"
	Undone    = "undone" // all of it was taken back
	Refused   = "refused"
	Withdrawn = "withdrawn"
	Stale     = "stale" // a record or an area changed since: it has to be checked again
)

// Officer is who works with batches: in which areas, and by which roles.
type Officer struct {
	ID    db.ID
	Areas []db.ID
	Roles []string
}

// Upload is a file of a batch.
type Upload struct {
	Name string `json:"name"`
	Key  string `json:"key"` // of the blob; "" once it is no longer kept
	Size int64  `json:"size"`
	Choices
}

// Message is a message key with its values.
type Message struct {
	Key  string         `json:"key"`
	Args map[string]any `json:"args,omitempty"`
}

// Batch is one import, or one roll back, as its pages show it.
type Batch struct {
	ID         db.ID            `db:"id"`
	Ref        string           `db:"ref"`
	State      string           `db:"state"`
	Source     string           `db:"source"`
	Files      jsonOf[[]Upload] `db:"files"`
	Mapping    string           `db:"mapping"`
	Counts     jsonOf[Counts]   `db:"counts"`
	Problems   int              `db:"problems"`
	Notices    int              `db:"notices"`
	Failure    jsonOf[*Message] `db:"failure"`
	Progress   jsonOf[Progress] `db:"progress"`
	Change     *db.ID           `db:"change_id"`
	Undoes     *db.ID           `db:"undoes"`
	UndoesRef  string           `db:"undoes_ref"`
	UndoneBy   string           `db:"undone_by"` // reference of a roll back that was not given up
	UndoneIs   string           `db:"undone_is"` // and its state
	Note       string           `db:"note"`
	NoteLang   string           `db:"note_lang"`
	Answer     string           `db:"answer"`
	AnswerLang string           `db:"answer_lang"`
	CreatedAt  time.Time        `db:"created_at"`
	CreatedBy  db.ID            `db:"created_by"`
	Creator    string           `db:"creator"` // "" for a command
	Decider    string           `db:"decider"`
	AppliedAt  sql.NullTime     `db:"applied_at"`
}

// jsonOf reads a jsonb column.
type jsonOf[T any] struct{ V T }

// Scan reads a jsonb column.
func (j *jsonOf[T]) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		return nil
	case []byte:
		return json.Unmarshal(v, &j.V)
	case string:
		return json.Unmarshal([]byte(v), &j.V)
	}
	return fault.New(fault.Internal, "error.internal")
}

const batchColumns = `b.id, b.ref, b.state, b.source, b.files, b.mapping, b.counts, b.problems, b.notices, b.failure, b.progress, b.change_id,
	b.undoes, coalesce(o.ref, '') as undoes_ref, coalesce(u.ref, '') as undone_by, coalesce(u.state, '') as undone_is,
	b.note, b.note_lang, b.answer, b.answer_lang, b.created_at, b.created_by, coalesce(c.name, '') as creator, coalesce(d.name, '') as decider, b.applied_at
	from import_batch b left join staff c on c.id = b.created_by left join staff d on d.id = b.decided_by
	left join import_batch o on o.id = b.undoes
	left join import_batch u on u.undoes = b.id and u.state not in ('refused', 'withdrawn', 'failed', 'stale', 'draft', 'checking', 'checked', 'unchanged')`

// visible is the condition that a batch is the business of the officer $1 with
// the areas $2: their own, or one that was sent and is about nobody elsewhere.
const visible = `(b.created_by = $1 or b.state in ('proposed', 'approved', 'applied', 'undone', 'refused', 'stale') and ` + answered + `)`

const answered = `not exists (
	select from import_area t left join area a on a.id = t.area_id
	where t.batch_id = b.id and (a.l0 = any($2) or a.l1 = any($2) or a.l2 = any($2) or a.l3 = any($2) or a.l4 = any($2) or a.l5 = any($2)) is not true)
	and (not b.homeless or exists (select from area n where n.level = 0 and n.id = any($2)))`

// Load finds a batch by its reference. What is not the officer's business is not
// there.
func Load(tx db.Tx, who Officer, ref string) (Batch, error) {
	var b Batch
	canonical, ok := registry.ParseRef(registry.RefBatch, ref)
	if !ok {
		return b, fault.Hidden()
	}
	err := tx.Get(&b, `select `+batchColumns+` where b.ref = $3 and `+visible, who.ID, registry.Texts(who.Areas), canonical)
	return b, err
}

// List lists batches, the newest first: so many, from before a moment on.
func List(tx db.Tx, who Officer, before time.Time, limit int) ([]Batch, error) {
	var list []Batch
	err := tx.Select(&list, `select `+batchColumns+` where b.created_at < $3 and `+visible+` order by b.created_at desc, b.id limit $4`,
		who.ID, registry.Texts(who.Areas), before, limit)
	return list, err
}

// Mine reports whether the officer made the batch.
func (b Batch) Mine(who Officer) bool { return b.CreatedBy == who.ID }

// Running reports whether a job is at it.
func (b Batch) Running() bool { return b.State == Checking || b.State == Approved }

// Parsed is the batch's mapping; nil where the columns name themselves.
func (b Batch) Parsed(c *Catalogue) (*Mapping, error) { return parseMapping(b.Mapping, c) }

func parseMapping(text string, c *Catalogue) (*Mapping, error) {
	if text == "" {
		return nil, nil
	}
	return ReadMapping(stringReader(text), c)
}
