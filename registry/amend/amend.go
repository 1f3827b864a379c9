// Package amend is what members of staff propose for one record: a correction,
// a change in the world, an outcome. One proposes, another verifies, a third
// approves; the database refuses anything else.
package amend

import (
	"bytes"
	"reflect"
	"slices"
	"strings"
	"time"

	"daftar/db"
	"daftar/fault"
	"daftar/registry"
	"daftar/registry/audit"
	"daftar/registry/history"
	"daftar/registry/jobs"
	"daftar/registry/notices"
)

// States of an amendment, which are those of its change. Each has the message
// "amend.state.<state>".
const (
	Proposed   = "proposed"
	Verified   = "verified"
	Applied    = "applied"
	Refused    = "refused"
	Superseded = "superseded"
)

// Draft is what somebody proposes.
type Draft struct {
	Item registry.Item
	// Also are records that change with it: the payee who is replaced, the head
	// who is none any more. They are the reader's business, too.
	Also []registry.Item
	// Method is how it was checked: one of registry.VerificationMethods.
	Method string
	Note   string // why, in the proposer's own words
	Lang   string
}

// Propose stores a proposal and returns its reference. Values that differ from
// the record come from the office from now on; with the reason "confirmed", all
// of them do. fault.Conflict when nothing differs. A new record has BaseVersion 0
// and its own Subject; ref is nothing then.
func Propose(tx db.Tx, r registry.Reader, ref string, d Draft) (string, error) {
	id := d.Item.Subject
	if d.Item.BaseVersion > 0 || ref != "" {
		var err error
		if id, err = registry.FindRecord(tx, r, d.Item.Kind, ref); err != nil {
			return "", err
		}
		d.Item.Subject = id
	}
	follow, err := homes(tx, d.Item)
	if err != nil {
		return "", err
	}
	items := append([]registry.Item{d.Item}, d.Also...)
	for _, it := range follow {
		if !slices.ContainsFunc(items, func(o registry.Item) bool { return o.Subject == it.Subject }) {
			items = append(items, it)
		}
	}
	for i := range items {
		if err := sourced(tx, r, &items[i], d.Method); err != nil {
			return "", err
		}
	}
	change, err := registry.Propose(tx, registry.OriginCase, items)
	if err != nil {
		return "", err
	}
	if err := registry.Try(tx, change); err != nil {
		return "", err
	}
	amendment, own := tx.NewID(), registry.NewRef(registry.RefAmendment, tx.Rand())
	if err := tx.Exec(`
		insert into amendment (id, ref, change_id, subject_kind, subject_id, note, note_lang, proposed_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8)`,
		amendment, own, change, d.Item.Kind, id, d.Note, d.Lang, tx.Now()); err != nil {
		return "", err
	}
	return own, write(tx, "change.proposed", d.Item.Kind, id, change)
}

// sourced gives what differs, or all that is confirmed, a source of its own.
func sourced(tx db.Tx, r registry.Reader, it *registry.Item, method string) error {
	versions, err := history.Versions(tx, it.Subject, tx.Now())
	if err != nil {
		return err
	}
	var old history.State
	switch {
	case len(versions) == 0 && it.BaseVersion == 0: // a new record
	case len(versions) == 0 || versions[len(versions)-1].Number != it.BaseVersion:
		return fault.New(fault.Conflict, "error.stale")
	default:
		old = versions[len(versions)-1].Data
	}
	next, err := history.Of(it.Data)
	if err != nil {
		return err
	}
	differs := history.Diff(old, next)
	if err := mayEdit(tx, r, it.Kind, differs); err != nil {
		return err
	}
	names := history.Names(differs)
	if old == nil {
		names = []string{"*"}
	}
	if it.Reason == "confirmed" && len(names) == 0 {
		names = []string{"*"}
	}
	if len(names) == 0 {
		return fault.New(fault.Conflict, "propose.error.nothing")
	}
	source, err := registry.AddOfficeSource(tx, method)
	if err != nil {
		return err
	}
	with := func(p registry.Provenance) registry.Provenance {
		if names[0] == "*" {
			return registry.Provenance{"*": source}
		}
		return p.With(source, names...)
	}
	switch data := it.Data.(type) {
	case registry.PersonData:
		if err := data.Check(); err != nil {
			return err
		}
		data.Provenance = with(data.Provenance)
		it.Data = data
	case registry.HouseholdData:
		data.Provenance = with(data.Provenance)
		it.Data = data
	case registry.GroupData:
		data.Provenance = with(data.Provenance)
		it.Data = data
	}
	return nil
}

// mayEdit refuses a change of a value that the proposer's roles may not see or
// change, whatever the form allowed; and of a value that formulas give.
func mayEdit(tx db.Tx, r registry.Reader, kind string, differs []history.Change) error {
	all, err := registry.LoadFields(tx)
	if err != nil {
		return err
	}
	for _, c := range differs {
		code, ok := strings.CutPrefix(c.What, "fields.")
		if !ok {
			continue
		}
		f, known := all.Of(kind).Get(code)
		if !known {
			continue
		}
		may := func(f registry.Field) bool { return f.May("see", r.Roles) && f.May("edit", r.Roles) }
		if f.Type == registry.TypeCalculated || !may(f) {
			return fault.New(fault.Forbidden, "propose.error.field", "Field", f.Label)
		}
		if column := otherCell(all.Columns(f), c.Old.Value(code), c.New.Value(code), may); column != nil {
			return fault.New(fault.Forbidden, "propose.error.field", "Field", column.Label)
		}
	}
	return nil
}

// otherCell is a column of a roster that may not be changed and differs in a row.
// A row that goes takes its cells with it.
func otherCell(columns registry.Fields, before, after any, may func(registry.Field) bool) *registry.Field {
	for _, row := range registry.Rows(after) {
		was, _ := registry.RowOf(before, row.ID())
		for _, column := range columns {
			if !may(column) && !reflect.DeepEqual(row[column.Code], was[column.Code]) {
				return &column
			}
		}
	}
	return nil
}

func write(tx db.Tx, action, kind string, subject, change db.ID) error {
	return audit.Write(tx, audit.Event{Action: action, SubjectKind: kind, Subject: subject, Change: change, Purpose: "correction"})
}

// Amendment is one proposal with what it would change.
type Amendment struct {
	ID          db.ID           `db:"id"`
	Ref         string          `db:"ref"`
	Change      db.ID           `db:"change_id"`
	State       string          `db:"state"`
	Kind        string          `db:"subject_kind"`
	Subject     db.ID           `db:"subject_id"`
	SubjectRef  string          `db:"subject_ref"`
	SubjectName string          `db:"subject_name"`
	Latin       string          `db:"subject_latin"` // the name in Latin letters
	Nature      registry.Nature `db:"nature"`
	Reason      string          `db:"reason"`
	EffectiveOn string          `db:"effective_on"`
	Note        string          `db:"note"`
	NoteLang    string          `db:"note_lang"`
	Answer      string          `db:"answer"`
	AnswerLang  string          `db:"answer_lang"`
	ProposedAt  time.Time       `db:"proposed_at"`
	Proposer    string          `db:"proposer"`
	ProposedBy  db.ID           `db:"proposed_by"`
	VerifiedBy  *db.ID          `db:"verified_by"`
	Verifier    string          `db:"verifier"`
	Base        int             `db:"base_version"`
	Data        []byte          `db:"data"`
	OldData     []byte          `db:"old_data"`
	Stale       bool            `db:"stale"` // it waits, and a record of it moved on
}

// Waits reports whether somebody still has to look at the proposal.
func (a Amendment) Waits() bool { return a.State == Proposed || a.State == Verified }

// Shown is the state as people read it: "stale" for a proposal that waits in vain.
func (a Amendment) Shown() string {
	if a.Stale {
		return "stale"
	}
	return a.State
}

const columns = `m.id, m.ref, m.change_id, c.state, m.subject_kind, m.subject_id, coalesce(p.ref, h.ref, g.ref, i.data->>'ref') as subject_ref,
	coalesce(p.full_name, g.name, i.data->>'name', '') as subject_name,
	coalesce(p.full_name_latin, g.name_latin, '') as subject_latin, i.nature, i.reason, coalesce(to_char(i.effective_on, 'YYYY-MM-DD'), '') as effective_on,
	m.note, m.note_lang, m.answer, m.answer_lang, m.proposed_at, coalesce(s.name, '') as proposer, c.proposed_by, c.verified_by,
	coalesce(v.name, '') as verifier, i.base_version, i.data, old.data as old_data,
	c.state in ('proposed', 'verified') and exists (
		select from change_item x where x.change_id = c.id
		  and x.base_version <> coalesce((select max(n.version) from record_version n where n.subject_id = x.subject_id), 0)) as stale`

const tables = `amendment m join change c on c.id = m.change_id join change_item i on i.change_id = c.id and i.subject_id = m.subject_id
	left join person p on p.id = m.subject_id left join household h on h.id = m.subject_id left join group_record g on g.id = m.subject_id
	left join staff s on s.id = c.proposed_by left join staff v on v.id = c.verified_by
	left join record_state old on old.subject_id = i.subject_id and old.version = i.base_version`

// Find reads a proposal about a record that is the reader's business.
func Find(tx db.Tx, r registry.Reader, ref string) (Amendment, error) {
	canonical, ok := registry.ParseRef(registry.RefAmendment, ref)
	if !ok {
		return Amendment{}, fault.Hidden()
	}
	var a Amendment
	if err := tx.Get(&a, `select `+columns+` from `+tables+` where m.ref = $1`, canonical); err != nil {
		return Amendment{}, err
	}
	var ours struct {
		Record bool `db:"record"`
		All    bool `db:"everything"` // that changes with it
	}
	if err := tx.Get(&ours, `select `+readable("$2", "$3")+` as record, not exists (
			select from change_item x where x.change_id = $2 and x.subject_id <> $3 and not `+registry.WithinReader("x.kind", "x.subject_id", 1)+`) as everything`,
		registry.Texts(r.Areas), a.Change, a.Subject); err != nil {
		return Amendment{}, err
	}
	merge, ok, err := MergeOf(tx, a.Change)
	if err != nil {
		return Amendment{}, err
	}
	if ok { // both records are the reader's business, or neither is; others that name them may be elsewhere
		_, err = registry.FindRecord(tx, r, registry.KindPerson, merge.EndedRef)
		if err != nil {
			return Amendment{}, err
		}
	}
	if !ours.Record || !ok && !ours.All {
		return Amendment{}, fault.Hidden()
	}
	return a, nil
}

// readable is the condition that the record of a change is the business of a reader
// whose areas are argument 1: that of a new one is where it will be.
func readable(change, subject string) string {
	return `exists (select from change_item i where i.change_id = ` + change + ` and i.subject_id = ` + subject + ` and (
		` + registry.WithinReader("i.kind", "i.subject_id", 1) + `
		or i.base_version = 0 and not exists (select from record_version v where v.subject_id = i.subject_id)
		   and exists (select from area a where a.id = (i.data->>'area_id')::uuid and array[a.l0, a.l1, a.l2, a.l3, a.l4, a.l5] && $1)))`
}

// Other is another record that a proposal changes along with its subject.
type Other struct {
	Kind    string `db:"kind"`
	Subject db.ID  `db:"subject_id"`
	Ref     string `db:"ref"`
	Name    string `db:"name"`
	Latin   string `db:"latin"`
	Data    []byte `db:"data"`
	OldData []byte `db:"old_data"`
}

// Others lists what a proposal changes beside its subject's record, of what is
// the reader's business; hidden counts the rest. The reading is logged.
func Others(tx db.Tx, r registry.Reader, a Amendment) (list []Other, hidden int, err error) {
	if err := tx.Select(&list, `
		select i.kind, i.subject_id, i.data->>'ref' as ref, coalesce(i.data->>'full_name', i.data->>'name', '') as name,
		       coalesce(i.data->>'full_name_latin', i.data->>'name_latin', '') as latin, i.data, old.data as old_data
		from change_item i left join record_state old on old.subject_id = i.subject_id and old.version = i.base_version
		where i.change_id = $1 and i.subject_id <> $2 and `+registry.WithinReader("i.kind", "i.subject_id", 3)+`
		order by i.seq`, a.Change, a.Subject, registry.Texts(r.Areas)); err != nil {
		return nil, 0, err
	}
	if err := tx.Get(&hidden, `select count(*) - 1 from change_item where change_id = $1`, a.Change); err != nil {
		return nil, 0, err
	}
	for _, o := range list {
		if err := write(tx, o.Kind+".read", o.Kind, o.Subject, a.Change); err != nil {
			return nil, 0, err
		}
	}
	return list, hidden - len(list), nil
}

// Read is Find, and logs that the record was read for it.
func Read(tx db.Tx, r registry.Reader, ref string) (Amendment, error) {
	a, err := Find(tx, r, ref)
	if err != nil {
		return a, err
	}
	return a, write(tx, a.Kind+".read", a.Kind, a.Subject, a.Change)
}

// Open lists the proposals that wait for somebody, and logs whose records they
// are about: first those of people who live after all, which take no more than
// the day (RULES R16), then the oldest. There are few: at most 200 are listed.
func Open(tx db.Tx, r registry.Reader) ([]Amendment, error) {
	var list []Amendment
	err := tx.Select(&list, `
		select `+columns+` from `+tables+`
		where c.state in ('proposed', 'verified') and `+readable("m.change_id", "m.subject_id")+`
		order by i.reason <> 'restored', m.proposed_at, m.id limit 200`, registry.Texts(r.Areas))
	if err != nil {
		return nil, err
	}
	subjects := make([]db.ID, len(list))
	for i, a := range list {
		subjects[i] = a.Subject
	}
	return list, audit.WriteAbout(tx, audit.Event{Action: "change.listed", Purpose: "correction"}, "record", subjects)
}

// Waiting lists the references of the proposals about a record that wait for
// somebody.
func Waiting(tx db.Tx, subject db.ID) ([]string, error) {
	var refs []string
	err := tx.Select(&refs, `
		select m.ref from amendment m join change c on c.id = m.change_id
		where m.subject_id = $1 and c.state in ('proposed', 'verified') order by m.proposed_at`, subject)
	return refs, err
}

// Returned lists one's own proposals that were refused, the newest first, and logs
// whose records they are about.
func Returned(tx db.Tx, r registry.Reader, since time.Time) ([]Amendment, error) {
	var list []Amendment
	err := tx.Select(&list, `
		select `+columns+` from `+tables+`
		where c.state = 'refused' and m.proposed_by = $2 and m.proposed_at >= $3 and `+readable("m.change_id", "m.subject_id")+`
		order by m.proposed_at desc, m.id limit 20`, registry.Texts(r.Areas), tx.Who().Actor, since)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	subjects := make([]db.ID, len(list))
	for i, a := range list {
		subjects[i] = a.Subject
	}
	return list, audit.WriteAbout(tx, audit.Event{Action: "change.listed", Purpose: "correction"}, "record", subjects)
}

// NumbersShown logs that the numbers of a proposal were shown as they are, to
// somebody who checks them.
func NumbersShown(tx db.Tx, a Amendment) error {
	return write(tx, "identifier.read", a.Kind, a.Subject, a.Change)
}

// Verify notes that somebody other than the proposer checked the proposal.
func Verify(tx db.Tx, r registry.Reader, ref string) error {
	a, err := Find(tx, r, ref)
	if err != nil {
		return err
	}
	if a.Stale {
		return fault.New(fault.Conflict, "error.stale")
	}
	if err := registry.Verify(tx, a.Change); err != nil {
		return err
	}
	return write(tx, "change.verified", a.Kind, a.Subject, a.Change)
}

// Approve applies a verified proposal. Programmes decide again for the
// households that it touches.
func Approve(tx db.Tx, r registry.Reader, ref string) error {
	a, err := Find(tx, r, ref)
	if err != nil {
		return err
	}
	if err := registry.Approve(tx, a.Change); err != nil {
		return err
	}
	touched, err := households(tx, a.Change)
	if err != nil {
		return err
	}
	if err := registry.Apply(tx, a.Change); err != nil {
		return err
	}
	if err := notices.Rerouted(tx, a.Change); err != nil {
		return err
	}
	after, err := households(tx, a.Change)
	if err != nil {
		return err
	}
	touched = append(touched, after...)
	slices.SortFunc(touched, func(x, y db.ID) int { return bytes.Compare(x[:], y[:]) })
	for _, id := range slices.Compact(touched) {
		if err := tx.Enqueue(jobs.KindAssessHousehold, id, a.Base+1); err != nil {
			return err
		}
	}
	if err := tx.Enqueue(jobs.KindRecomputeFields, a.Subject, a.Base+1); err != nil {
		return err
	}
	if err := settled(tx, a.Change); err != nil {
		return err
	}
	return audit.Write(tx, audit.Event{Action: "change.applied", SubjectKind: a.Kind, Subject: a.Subject, Before: a.Base, After: a.Base + 1,
		Change: a.Change, Purpose: "correction"})
}

// households are those that the values of the change's records count in.
func households(tx db.Tx, change db.ID) ([]db.ID, error) {
	var list []db.ID
	err := tx.Select(&list, `
		select i.subject_id from change_item i where i.change_id = $1 and i.kind = 'household'
		union select r.household_id from change_item i join residence r on r.person_id = i.subject_id where i.change_id = $1`, change)
	return list, err
}

// Refuse ends a proposal with the reason, in the officer's own words.
func Refuse(tx db.Tx, r registry.Reader, ref, answer, lang string) error {
	a, err := Find(tx, r, ref)
	if err != nil {
		return err
	}
	return refuse(tx, a, answer, lang)
}

// Reject is what somebody does who checks a proposal and finds that it is not
// right: it goes back to the proposer, refused, with the reason.
func Reject(tx db.Tx, r registry.Reader, ref, answer, lang string) error {
	a, err := Find(tx, r, ref)
	if err != nil {
		return err
	}
	if a.State != Proposed {
		return fault.New(fault.Conflict, "error.out_of_order")
	}
	return refuse(tx, a, answer, lang)
}

func refuse(tx db.Tx, a Amendment, answer, lang string) error {
	if err := registry.Refuse(tx, a.Change); err != nil {
		return err
	}
	if err := tx.Exec(`update amendment set answer = $2, answer_lang = $3 where id = $1`, a.ID, answer, lang); err != nil {
		return err
	}
	if err := unsettled(tx, a.Change); err != nil {
		return err
	}
	return write(tx, "change.refused", a.Kind, a.Subject, a.Change)
}

// Withdraw takes one's own proposal back.
func Withdraw(tx db.Tx, r registry.Reader, ref string) error {
	a, err := Find(tx, r, ref)
	if err != nil {
		return err
	}
	if a.ProposedBy != tx.Who().Actor {
		return fault.Hidden()
	}
	if err := registry.Supersede(tx, a.Change); err != nil {
		return err
	}
	if err := unsettled(tx, a.Change); err != nil {
		return err
	}
	return write(tx, "change.withdrawn", a.Kind, a.Subject, a.Change)
}
