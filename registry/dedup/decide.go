package dedup

import (
	"database/sql"
	"encoding/json"
	"time"

	"daftar/db"
	"daftar/fault"
	"daftar/registry"
	"daftar/registry/audit"
	"daftar/registry/jobs"
)

// State is where a pair stands. Each has the message "dedup.state.<state>".
type State string

// The states of a pair.
const (
	Open      State = "open"
	Unsure    State = "unsure"    // somebody looked, and could not tell
	Different State = "different" // two people
	Same      State = "same"      // one person: a merge is proposed, or done
)

// States lists them.
func States() []State { return []State{Open, Unsure, Same, Different} }

// Decision is what was said about a pair. Each has the message
// "dedup.decision.<decision>".
type Decision string

// What officers say, and what happened by itself.
const (
	SaidSame      Decision = "same"
	SaidDifferent Decision = "different"
	SaidUnsure    Decision = "unsure"
	Reopened      Decision = "reopened"   // one of the records changed
	Merged        Decision = "merged"     // the merge was approved
	NotMerged     Decision = "not_merged" // it was refused or withdrawn
	Undone        Decision = "undone"     // it was taken back
)

// Stored is a pair of records of the registry.
type Stored struct {
	Pair
	ID      db.ID     `db:"id"`
	Ref     string    `db:"ref"`
	State   State     `db:"state"`
	Points  float64   `db:"points"`
	Parts   []byte    `db:"parts"`
	Forced  bool      `db:"forced"`
	FoundAt time.Time `db:"found_at"`
	AID     db.ID     `db:"a_id"`
	BID     db.ID     `db:"b_id"`
}

const storedColumns = `q.id, q.ref, q.state, q.points, q.parts, q.forced, q.found_at, q.a_id, q.b_id`

// fill adds the two records and the score to pairs.
func fill(tx db.Tx, list []Stored) error {
	var ids []db.ID
	for _, s := range list {
		ids = append(ids, s.AID, s.BID)
	}
	known, err := sides(tx, ids)
	if err != nil {
		return err
	}
	for i := range list {
		s := &list[i]
		s.A, s.B, s.Score.Points, s.Score.Forced = known[s.AID], known[s.BID], s.Points, s.Forced
		if err := json.Unmarshal(s.Parts, &s.Score.Parts); err != nil {
			return err
		}
	}
	return nil
}

// seen is the condition that a pair q is the business of a reader whose areas are
// argument 1, and whose protected areas argument 2.
var seen = visible("q.a_id", 1, 2) + ` and ` + visible("q.b_id", 1, 2)

// Find reads a pair that is the reader's business: both records lie in their
// areas, and nobody in them is protected from their eyes (RULES R5).
func Find(tx db.Tx, r registry.Reader, ref string) (Stored, error) {
	canonical, ok := registry.ParseRef(registry.RefPair, ref)
	if !ok {
		return Stored{}, fault.Hidden()
	}
	list := make([]Stored, 1)
	if err := tx.Get(&list[0], `select `+storedColumns+` from duplicate_pair q where q.ref = $3 and `+seen,
		registry.Texts(r.Areas), registry.Texts(r.Protected), canonical); err != nil {
		return Stored{}, err
	}
	return list[0], fill(tx, list)
}

// Read is Find, and logs that both records were read for it.
func Read(tx db.Tx, r registry.Reader, ref string) (Stored, error) {
	s, err := Find(tx, r, ref)
	if err != nil {
		return s, err
	}
	for _, id := range []db.ID{s.AID, s.BID} {
		if err := audit.Write(tx, audit.Event{Action: "person.read", SubjectKind: "person", Subject: id, Purpose: "duplicate",
			Detail: map[string]any{"pair": s.ID}}); err != nil {
			return s, err
		}
	}
	return s, nil
}

// List shows pairs in a state, the strongest first, and logs who is in them.
// after is the reference of the last pair of the page before; more is set when
// there are others. Of pairs that wait for somebody, those of records that have
// ended meanwhile are left out.
func List(tx db.Tx, r registry.Reader, state State, after string, limit int) (list []Stored, more bool, err error) {
	if err := tx.Select(&list, `
		select `+storedColumns+` from duplicate_pair q
		where q.state = $3 and ($3 not in ('open', 'unsure') or not exists (
			select from person p where p.id in (q.a_id, q.b_id) and p.status in ('duplicate', 'error')))
		  and ($4 = '' or (-q.points, q.id) > (select -l.points, l.id from duplicate_pair l where l.ref = $4)) and `+seen+`
		order by q.points desc, q.id limit $5`, registry.Texts(r.Areas), registry.Texts(r.Protected), state, after, limit+1); err != nil {
		return nil, false, err
	}
	if more = len(list) > limit; more {
		list = list[:limit]
	}
	if err := fill(tx, list); err != nil {
		return nil, false, err
	}
	var subjects []db.ID
	shown := map[db.ID]bool{}
	for _, s := range list {
		for _, id := range []db.ID{s.AID, s.BID} {
			if !shown[id] {
				shown[id] = true
				subjects = append(subjects, id)
			}
		}
	}
	return list, more, audit.WriteAbout(tx, audit.Event{Action: "person.listed", Purpose: "duplicate"}, "person", subjects)
}

// OfPerson lists the pairs of somebody that are the reader's business and wait
// for a decision.
func OfPerson(tx db.Tx, r registry.Reader, person db.ID) ([]Stored, error) {
	var list []Stored
	if err := tx.Select(&list, `
		select `+storedColumns+` from duplicate_pair q
		where $3 in (q.a_id, q.b_id) and q.state in ('open', 'unsure') and `+seen+` and not exists (
			select from person p where p.id in (q.a_id, q.b_id) and p.status in ('duplicate', 'error'))
		order by q.points desc`, registry.Texts(r.Areas), registry.Texts(r.Protected), person); err != nil {
		return nil, err
	}
	return list, fill(tx, list)
}

// Said is one thing that was said about a pair.
type Said struct {
	At       time.Time      `db:"at"`
	By       sql.NullString `db:"by"` // name; none for what happened by itself
	Decision Decision       `db:"decision"`
	Note     string         `db:"note"`
	NoteLang string         `db:"note_lang"`
}

// History lists what was said about a pair, the latest first.
func History(tx db.Tx, pair db.ID) ([]Said, error) {
	var list []Said
	err := tx.Select(&list, `
		select d.at, s.name as by, d.decision, d.note, d.note_lang from duplicate_decision d left join staff s on s.id = d.by
		where d.pair_id = $1 order by d.at desc, d.id desc`, pair)
	return list, err
}

// Decide writes down what an officer says about a pair. A pair that a merge was
// proposed for is decided by that.
func Decide(tx db.Tx, r registry.Reader, ref string, d Decision, words, lang string) error {
	s, err := Find(tx, r, ref)
	if err != nil {
		return err
	}
	state := State(d)
	n, err := tx.Count(`update duplicate_pair set state = $2, decided_at = $3, decided_by = $4 where id = $1 and state <> 'same' and (state <> $2 or $2 = 'unsure')`,
		s.ID, state, tx.Now(), tx.Who().Actor)
	if err != nil {
		return err
	}
	if n == 0 {
		return fault.New(fault.Conflict, "dedup.error.decided")
	}
	if err := note(tx, s.ID, d, words, lang); err != nil {
		return err
	}
	if d == SaidDifferent { // what fitted less well may be the right one
		if err := again(tx, s.AID, s.BID); err != nil {
			return err
		}
	}
	return audit.Write(tx, audit.Event{Action: "duplicate." + string(d), SubjectKind: "person", Subject: s.AID, Purpose: "duplicate",
		Detail: map[string]any{"pair": s.ID, "other": s.BID}})
}

// again has people compared with everybody once more.
func again(tx db.Tx, people ...db.ID) error {
	for _, id := range people {
		if err := tx.Exec(`insert into dedup_todo (person_id, version) select id, version from person where id = $1 on conflict do nothing`, id); err != nil {
			return err
		}
		if err := tx.Enqueue(jobs.KindCheckDuplicates, id, 1); err != nil {
			return err
		}
	}
	return nil
}

// NoteMerge writes down what became of the merge of a pair. One that was not
// merged, or not for good, waits for a decision again.
func NoteMerge(tx db.Tx, pair db.ID, d Decision) error {
	if d != Merged {
		if err := tx.Exec(`update duplicate_pair set state = 'open' where id = $1 and state = 'same'`, pair); err != nil {
			return err
		}
	}
	return note(tx, pair, d, "", "")
}

// note writes down what was said about a pair.
func note(tx db.Tx, pair db.ID, d Decision, words, lang string) error {
	return tx.Exec(`insert into duplicate_decision (id, pair_id, at, decision, note, note_lang) values ($1, $2, $3, $4, $5, $6)`,
		tx.NewID(), pair, tx.Now(), d, words, lang)
}

// OpenPair makes a pair of two records that an officer thinks are of one person,
// whatever the scores say, and returns its reference. Both must be the reader's
// business.
func OpenPair(tx db.Tx, r registry.Reader, first, second string) (string, error) {
	a, err := registry.FindRecord(tx, r, registry.KindPerson, first)
	if err != nil {
		return "", err
	}
	b, err := registry.FindRecord(tx, r, registry.KindPerson, second)
	if err != nil {
		return "", err
	}
	if a == b {
		return "", fault.New(fault.Conflict, "dedup.error.self")
	}
	e, err := newEngine(tx)
	if err != nil {
		return "", err
	}
	m, err := e.two(a, b)
	if err != nil {
		return "", err
	}
	key := m.key()
	var was row
	err = tx.Get(&was, `select id, a_id, b_id, state, points, forced, a_stamp, b_stamp, true as done from duplicate_pair where a_id = $1 and b_id = $2`, key[0], key[1])
	if fault.Is(err, fault.NotFound) {
		if err = e.put(m, row{}); err == nil {
			err = audit.Write(tx, audit.Event{Action: "duplicate.opened", SubjectKind: "person", Subject: key[0], Purpose: "duplicate",
				Detail: map[string]any{"other": key[1]}})
		}
	}
	if err != nil {
		return "", err
	}
	var ref string
	if err := tx.Get(&ref, `select q.ref from duplicate_pair q where q.a_id = $3 and q.b_id = $4 and `+seen,
		registry.Texts(r.Areas), registry.Texts(r.Protected), key[0], key[1]); err != nil {
		return "", err
	}
	return ref, nil
}

// two compares two people of the registry, with those around them.
func (e *engine) two(a, b db.ID) (match, error) {
	homes, err := e.homesOf([]db.ID{a, b})
	if err != nil {
		return match{}, err
	}
	var list []match
	for i, h := range homes {
		list = append(list, e.lex.within(h)...)
		for _, other := range homes[:i] {
			list = append(list, e.lex.between(h, other, e.needed())...)
		}
	}
	for _, m := range list {
		if m.a.Person == a && m.b.Person == b || m.a.Person == b && m.b.Person == a {
			return m, nil
		}
	}
	return match{}, fault.New(fault.Conflict, "dedup.error.ended") // one of them is a duplicate or a mistake already
}
