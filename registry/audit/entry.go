package audit

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"time"

	"daftar/db"
)

// Entry is a row of the log as it is stored.
type Entry struct {
	ID          db.ID     `db:"id"`
	At          time.Time `db:"at"`
	ActorKind   string    `db:"actor_kind"`
	Actor       *db.ID    `db:"actor"`
	ActingFor   *db.ID    `db:"acting_for"`
	Session     *db.ID    `db:"session"`
	Client      *string   `db:"client"`
	Action      string    `db:"action"`
	SubjectKind *string   `db:"subject_kind"`
	Subject     *db.ID    `db:"subject"`
	Before      *int      `db:"before_version"`
	After       *int      `db:"after_version"`
	Case        *db.ID    `db:"case_id"`
	Change      *db.ID    `db:"change_id"`
	Purpose     *string   `db:"purpose"`
	Basis       *string   `db:"basis"`
	Subjects    int       `db:"subjects"` // how many it is about, beyond Subject
	Detail      string    `db:"detail"`   // as PostgreSQL writes jsonb
	// About are those many: "person <id>", in order.
	About []string `db:"-"`
}

// Columns are what an Entry is read from; the table is called e.
const Columns = `e.id, e.at, e.actor_kind, e.actor, e.acting_for, e.session, e.client, e.action, e.subject_kind, e.subject,
	e.before_version, e.after_version, e.case_id, e.change_id, e.purpose, e.basis, e.subjects, e.detail::text as detail`

// leafVersion names the encoding: it is part of what is hashed, so that a later
// encoding can never be taken for this one.
const leafVersion = "daftar-audit-1"

// Leaf is the entry as it is sealed: one JSON object in the form of RFC 8785
// (keys in order, no spaces), with texts, whole numbers and null as its only
// values. docs/audit.md describes each member.
func (e Entry) Leaf() []byte { return e.appendLeaf(make([]byte, 0, 1024)) }

// Hash is the entry's leaf hash (RFC 6962 section 2.1): SHA-256 of a zero byte
// and the leaf.
func (e Entry) Hash() [sha256.Size]byte {
	return sha256.Sum256(e.appendLeaf(make([]byte, 1, 1024)))
}

func (e Entry) appendLeaf(b []byte) []byte {
	b = appendText(append(b, `{"action":`...), e.Action)
	b = appendID(append(b, `,"actor":`...), e.Actor)
	b = appendText(append(b, `,"actor_kind":`...), e.ActorKind)
	b = appendNumber(append(b, `,"after":`...), e.After)
	b = e.At.UTC().AppendFormat(append(b, `,"at":"`...), "2006-01-02T15:04:05.000000Z")
	b = appendMaybe(append(b, `","basis":`...), e.Basis)
	b = appendNumber(append(b, `,"before":`...), e.Before)
	b = appendID(append(b, `,"case":`...), e.Case)
	b = appendID(append(b, `,"change":`...), e.Change)
	b = appendMaybe(append(b, `,"client":`...), e.Client)
	b = appendText(append(b, `,"detail":`...), e.Detail)
	b = appendID(append(b, `,"for":`...), e.ActingFor)
	b = appendID(append(b, `,"id":`...), &e.ID)
	b = appendMaybe(append(b, `,"purpose":`...), e.Purpose)
	b = appendID(append(b, `,"session":`...), e.Session)
	b = appendID(append(b, `,"subject":`...), e.Subject)
	b = appendMaybe(append(b, `,"subject_kind":`...), e.SubjectKind)
	b = appendText(append(b, `,"subjects":`...), e.subjects())
	return append(b, `,"v":"`+leafVersion+`"}`...)
}

func appendMaybe(b []byte, s *string) []byte {
	if s == nil {
		return append(b, "null"...)
	}
	return appendText(b, *s)
}

func appendID(b []byte, id *db.ID) []byte {
	if id == nil {
		return append(b, "null"...)
	}
	b = append(b, '"')
	for i, part := range [][]byte{id[:4], id[4:6], id[6:8], id[8:10], id[10:]} {
		if i > 0 {
			b = append(b, '-')
		}
		b = hex.AppendEncode(b, part)
	}
	return append(b, '"')
}

func appendNumber(b []byte, n *int) []byte {
	if n == nil {
		return append(b, "null"...)
	}
	return strconv.AppendInt(b, int64(*n), 10)
}

// subjects binds those whom the entry is about: how many it says there are, and
// the SHA-256 of who they are, a line each; "0" for none.
func (e Entry) subjects() string {
	n := strconv.Itoa(e.Subjects)
	if e.Subjects == 0 && len(e.About) == 0 {
		return n
	}
	h := sha256.New()
	for _, s := range slices.Sorted(slices.Values(e.About)) {
		_, _ = h.Write([]byte(s + "\n"))
	}
	return n + " " + hex.EncodeToString(h.Sum(nil))
}

// appendText writes a JSON string as RFC 8785 section 3.2.2.2 does: nothing is
// escaped but what has to be.
func appendText(b []byte, s string) []byte {
	const hexDigits = "0123456789abcdef"
	b = append(b, '"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c >= ' ':
			b = append(b, c)
		case c == '\n':
			b = append(b, '\\', 'n')
		case c == '\t':
			b = append(b, '\\', 't')
		case c == '\r':
			b = append(b, '\\', 'r')
		case c == '\b':
			b = append(b, '\\', 'b')
		case c == '\f':
			b = append(b, '\\', 'f')
		default:
			b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	return append(b, '"')
}

// LoadAbout reads whom entries are about, where there are many.
func LoadAbout(tx db.Tx, entries []Entry) error {
	type key struct {
		at int64
		id db.ID
	}
	at := map[key]int{}
	var times []time.Time
	var ids []string
	for i, e := range entries {
		if e.Subjects > 0 {
			at[key{e.At.UnixMicro(), e.ID}] = i
			times, ids = append(times, e.At), append(ids, e.ID.String())
		}
	}
	if len(ids) == 0 {
		return nil
	}
	var rows []struct {
		At      time.Time `db:"at"`
		ID      db.ID     `db:"event_id"`
		Kind    string    `db:"subject_kind"`
		Subject db.ID     `db:"subject"`
	}
	if err := tx.Select(&rows, `
		select s.at, s.event_id, s.subject_kind, s.subject
		from unnest($1::timestamptz[], $2::uuid[]) as w (at, id) join audit_subject s on s.at = w.at and s.event_id = w.id
		order by s.subject`, times, ids); err != nil {
		return err
	}
	for _, r := range rows {
		e := &entries[at[key{r.At.UnixMicro(), r.ID}]]
		e.About = append(e.About, r.Kind+" "+r.Subject.String())
	}
	return nil
}

// Sealed is an entry with its place in the tree.
type Sealed struct {
	Idx int64 `db:"idx"`
	Entry
}

// Range reads the entries whose leaves lie between from and to.
func Range(tx db.Tx, from, to int64) ([]Sealed, error) {
	list := make([]Sealed, 0, to-from)
	var about []int // places in the list of those that are about many
	err := tx.Each(func(row db.Row) error {
		var s Sealed
		e := &s.Entry
		if err := row.Scan(&s.Idx, &e.ID, &e.At, &e.ActorKind, &e.Actor, &e.ActingFor, &e.Session, &e.Client, &e.Action, &e.SubjectKind, &e.Subject,
			&e.Before, &e.After, &e.Case, &e.Change, &e.Purpose, &e.Basis, &e.Subjects, &e.Detail); err != nil {
			return err
		}
		if e.Subjects > 0 {
			about = append(about, len(list))
		}
		list = append(list, s)
		return nil
	}, `select l.idx, `+Columns+`
		from audit_leaf l join audit_event e on e.at = l.at and e.id = l.event_id
		where l.idx >= $1 and l.idx < $2 order by l.idx`, from, to)
	if err != nil || len(about) == 0 {
		return list, err
	}
	entries := make([]Entry, len(about))
	for i, at := range about {
		entries[i] = list[at].Entry
	}
	err = LoadAbout(tx, entries)
	for i, at := range about {
		list[at].Entry = entries[i]
	}
	return list, err
}
