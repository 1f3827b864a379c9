package amend

import (
	"encoding/json"
	"slices"
	"strings"

	"daftar/db"
	"daftar/fault"
	"daftar/registry"
	"daftar/registry/audit"
	"daftar/registry/credentials"
	"daftar/registry/dedup"
)

// Merge is a proposal to make one record of two, or to take that back.
type Merge struct {
	ID       db.ID  `db:"id"`
	Change   db.ID  `db:"change_id"`
	Pair     db.ID  `db:"pair_id"`
	PairRef  string `db:"pair_ref"`
	Kept     db.ID  `db:"kept_id"`
	KeptRef  string `db:"kept_ref"`
	Ended    db.ID  `db:"ended_id"`
	EndedRef string `db:"ended_ref"`
	Undoes   *db.ID `db:"undoes"`
	State    string `db:"state"`  // of the change
	Ref      string `db:"ref"`    // of the proposal
	Undone   string `db:"undone"` // reference of the proposal to take it back, where there is one that was not refused
	Accounts int    `db:"accounts"`
	Revoked  int    `db:"revoked"`
}

const mergeQuery = `
	select g.id, g.change_id, g.pair_id, q.ref as pair_ref, g.kept_id, k.ref as kept_ref, g.ended_id, e.ref as ended_ref, g.undoes, c.state, m.ref,
	       coalesce((select um.ref from record_merge u join change uc on uc.id = u.change_id join amendment um on um.change_id = u.change_id
	                 where u.undoes = g.id and uc.state in ('proposed', 'verified', 'applied')), '') as undone,
	       cardinality(g.accounts) as accounts, cardinality(g.credentials) as revoked
	from record_merge g join change c on c.id = g.change_id join amendment m on m.change_id = g.change_id
	join duplicate_pair q on q.id = g.pair_id join person k on k.id = g.kept_id join person e on e.id = g.ended_id `

// MergeOf is the merge that a change proposes; false when it proposes something
// else.
func MergeOf(tx db.Tx, change db.ID) (Merge, bool, error) {
	var m Merge
	err := tx.Get(&m, mergeQuery+`where g.change_id = $1`, change)
	if fault.Is(err, fault.NotFound) {
		return m, false, nil
	}
	return m, err == nil, err
}

// MergesOf lists the merges of a pair, the newest first, those that were taken
// back or refused among them.
func MergesOf(tx db.Tx, pair db.ID) ([]Merge, error) {
	var list []Merge
	err := tx.Select(&list, mergeQuery+`where g.pair_id = $1 order by g.id desc`, pair)
	return list, err
}

// MergeDraft is what somebody proposes: which of a pair goes on, and which values
// it takes from the other.
type MergeDraft struct {
	Pair     string // reference
	Keep     string // reference of the record that goes on
	Versions [2]int // of the two records, as they were looked at: A and B
	Take     []string
	Note     string
	Lang     string
}

// Merger prepares a merge of two people's records as they are.
func Merger(tx db.Tx, kept, ended db.ID) (m registry.Merger, versions [2]int, err error) {
	m = registry.Merger{KeptID: kept, EndedID: ended, NewID: tx.NewID}
	if m.Kept, versions[0], err = registry.CurrentPerson(tx, kept); err != nil {
		return m, versions, err
	}
	if m.Ended, versions[1], err = registry.CurrentPerson(tx, ended); err != nil {
		return m, versions, err
	}
	m.Day, err = registry.DayOf(tx, tx.Now())
	return m, versions, err
}

// ProposeMerge says that a pair is one person, and proposes to merge the two
// records. It returns the proposal's reference.
func ProposeMerge(tx db.Tx, r registry.Reader, d MergeDraft) (string, error) {
	pair, err := dedup.Find(tx, r, d.Pair)
	if err != nil {
		return "", err
	}
	kept, ended := pair.A.Person, pair.B.Person
	versions := d.Versions
	switch d.Keep {
	case pair.A.Ref:
	case pair.B.Ref:
		kept, ended = ended, kept
		versions[0], versions[1] = versions[1], versions[0]
	default:
		return "", fault.Hidden()
	}
	m, now, err := Merger(tx, kept, ended)
	if err != nil {
		return "", err
	}
	if now != versions {
		return "", fault.New(fault.Conflict, "error.stale")
	}
	m.Take = d.Take
	items, err := mergeItems(tx, m, now)
	if err != nil {
		return "", err
	}
	if err := dedup.Decide(tx, r, d.Pair, dedup.SaidSame, d.Note, d.Lang); err != nil {
		return "", err
	}
	return store(tx, items, Merge{Pair: pair.ID, Kept: kept, Ended: ended}, d.Note, d.Lang)
}

// store proposes the items and notes what they are for.
func store(tx db.Tx, items []registry.Item, m Merge, note, lang string) (string, error) {
	change, err := registry.Propose(tx, registry.OriginCase, items)
	if err != nil {
		return "", err
	}
	if err := registry.Try(tx, change); err != nil {
		return "", err
	}
	ref := registry.NewRef(registry.RefAmendment, tx.Rand())
	if err := tx.Exec(`
		insert into amendment (id, ref, change_id, subject_kind, subject_id, note, note_lang, proposed_at)
		values ($1, $2, $3, 'person', $4, $5, $6, $7)`, tx.NewID(), ref, change, m.Kept, note, lang, tx.Now()); err != nil {
		return "", err
	}
	if err := tx.Exec(`insert into record_merge (id, change_id, pair_id, kept_id, ended_id, undoes) values ($1, $2, $3, $4, $5, $6)`,
		tx.NewID(), change, m.Pair, m.Kept, m.Ended, m.Undoes); err != nil {
		return "", err
	}
	return ref, write(tx, "change.proposed", registry.KindPerson, m.Kept, change)
}

// mergeItems are the next states of every record that a merge touches: the two,
// those who are related to the one that ends or cared for them, groups, and a
// household that nobody is left in.
func mergeItems(tx db.Tx, m registry.Merger, versions [2]int) ([]registry.Item, error) {
	var chained bool
	if err := tx.Get(&chained, `select exists (select from person where merged_into = $1)`, m.EndedID); err != nil {
		return nil, err
	}
	if chained {
		return nil, fault.New(fault.Conflict, "merge.error.chain", "Ref", m.Ended.Ref)
	}
	kept, ended, err := m.Merge()
	if err != nil {
		return nil, err
	}
	item := func(kind string, id db.ID, version int, data any) registry.Item {
		return registry.Item{Kind: kind, Subject: id, BaseVersion: version, Nature: registry.Correction, Reason: "duplicate", Data: data}
	}
	items := []registry.Item{item(registry.KindPerson, m.KeptID, versions[0], kept), item(registry.KindPerson, m.EndedID, versions[1], ended)}
	var others []db.ID
	if err := tx.Select(&others, `
		select person_id from relation where other_id = $1 union select person_id from membership_role where of_id = $1`, m.EndedID); err != nil {
		return nil, err
	}
	for _, id := range others {
		if id == m.KeptID || id == m.EndedID {
			continue
		}
		p, version, err := registry.CurrentPerson(tx, id)
		if err != nil {
			return nil, err
		}
		if next, changed := m.Repoint(id, p); changed {
			items = append(items, item(registry.KindPerson, id, version, next))
		}
	}
	places := [][2]db.ID{{m.EndedID, m.KeptID}}
	home, left, err := emptied(tx, m, kept)
	if err != nil {
		return nil, err
	}
	if left {
		h, version, err := registry.CurrentHousehold(tx, home)
		if err != nil {
			return nil, err
		}
		h.Status, h.StatusReason, h.StatusDate = "ended", "duplicate", m.Day
		items = append(items, item(registry.KindHousehold, home, version, h))
		lives, _ := kept.Residence(m.Day)
		places = append(places, [2]db.ID{home, lives.HouseholdID})
	}
	groups, err := regrouped(tx, m, places, item)
	return append(items, groups...), err
}

// emptied is the household that the record which ends was the last of, if nobody
// else belongs to it and the person does not move there.
func emptied(tx db.Tx, m registry.Merger, kept registry.PersonData) (db.ID, bool, error) {
	t, ok := m.Ended.Residence(m.Day)
	if !ok {
		return db.ID{}, false, nil
	}
	if slices.ContainsFunc(kept.Memberships, func(x registry.MembershipData) bool { return x.HouseholdID == t.HouseholdID && x.EndDate == "" }) {
		return db.ID{}, false, nil
	}
	var empty bool
	err := tx.Get(&empty, `
		select h.status = 'active' and not exists (
			select from membership m where m.household_id = h.id and m.end_date is null and m.person_id <> $2)
		from household h where h.id = $1`, t.HouseholdID, m.EndedID)
	return t.HouseholdID, empty, err
}

// regrouped are the groups in which somebody takes another's place.
func regrouped(tx db.Tx, m registry.Merger, places [][2]db.ID, item func(string, db.ID, int, any) registry.Item) ([]registry.Item, error) {
	next, versions := map[db.ID]registry.GroupData{}, map[db.ID]int{}
	var order []db.ID
	for _, place := range places {
		var ids []db.ID
		if err := tx.Select(&ids, `
			select distinct group_id from group_member where (person_id = $1 or household_id = $1) and end_date is null order by group_id`, place[0]); err != nil {
			return nil, err
		}
		for _, id := range ids {
			if _, ok := versions[id]; !ok {
				g, version, err := registry.CurrentGroup(tx, id)
				if err != nil {
					return nil, err
				}
				next[id], versions[id] = g, version
				order = append(order, id)
			}
			next[id], _ = m.RepointGroup(next[id], place[0], place[1])
		}
	}
	var items []registry.Item
	for _, id := range order {
		items = append(items, item(registry.KindGroup, id, versions[id], next[id]))
	}
	return items, nil
}

// ProposeUndo proposes to take an applied merge back: every record that it wrote
// as it was before. fault.Conflict names those that moved on since.
func ProposeUndo(tx db.Tx, r registry.Reader, ref, note, lang string) (string, error) {
	a, err := Find(tx, r, ref)
	if err != nil {
		return "", err
	}
	m, ok, err := MergeOf(tx, a.Change)
	if err != nil {
		return "", err
	}
	if !ok || m.Undoes != nil || m.State != Applied {
		return "", fault.Hidden()
	}
	if m.Undone != "" {
		return "", fault.New(fault.Conflict, "merge.error.undone", "Ref", m.Undone)
	}
	items, err := undoItems(tx, m)
	if err != nil {
		return "", err
	}
	return store(tx, items, Merge{Pair: m.Pair, Kept: m.Kept, Ended: m.Ended, Undoes: &m.ID}, note, lang)
}

func undoItems(tx db.Tx, m Merge) ([]registry.Item, error) {
	var rows []struct {
		Kind    string `db:"kind"`
		Subject db.ID  `db:"subject_id"`
		Base    int    `db:"base_version"`
		Now     int    `db:"now"`
		Ref     string `db:"ref"`
		Before  []byte `db:"before"`
	}
	if err := tx.Select(&rows, `
		select i.kind, i.subject_id, i.base_version, (select max(v.version) from record_version v where v.subject_id = i.subject_id) as now,
		       i.data->>'ref' as ref, old.data as before
		from change_item i join record_state old on old.subject_id = i.subject_id and old.version = i.base_version
		where i.change_id = $1 order by i.seq`, m.Change); err != nil {
		return nil, err
	}
	var items []registry.Item
	var moved []string
	for _, row := range rows {
		if row.Now != row.Base+1 {
			moved = append(moved, row.Ref)
		}
		items = append(items, registry.Item{Kind: row.Kind, Subject: row.Subject, BaseVersion: row.Now, Nature: registry.Correction, Reason: "restored",
			Data: json.RawMessage(row.Before)})
	}
	if moved != nil {
		return nil, fault.New(fault.Conflict, "merge.error.moved", "Refs", strings.Join(moved, ", "))
	}
	return items, nil
}

// settled does what an applied merge does beside the records: whoever signed in
// to the record that ended signs in to the other, and its credentials end. Taking
// a merge back moves the accounts back; credentials stay revoked, since nobody
// can tell who saw that they were, and new ones can be issued.
func settled(tx db.Tx, change db.ID) error {
	m, ok, err := MergeOf(tx, change)
	if err != nil || !ok {
		return err
	}
	if m.Undoes != nil {
		if err := tx.Exec(`
			update account a set person_id = $2 from record_merge g where g.id = $1 and a.id = any(g.accounts) and a.person_id = $3`,
			*m.Undoes, m.Ended, m.Kept); err != nil {
			return err
		}
		return dedup.NoteMerge(tx, m.Pair, dedup.Undone)
	}
	var accounts []db.ID
	if err := tx.Select(&accounts, `update account set person_id = $2 where person_id = $1 returning id`, m.Ended, m.Kept); err != nil {
		return err
	}
	revoked, err := credentials.EndAll(tx, m.Ended, "duplicate")
	if err != nil {
		return err
	}
	if err := tx.Exec(`update record_merge set accounts = $2::uuid[], credentials = $3::uuid[] where id = $1`,
		m.ID, registry.Texts(accounts), registry.Texts(revoked)); err != nil {
		return err
	}
	for _, id := range accounts {
		if err := audit.Write(tx, audit.Event{Action: "account.moved", SubjectKind: "person", Subject: m.Ended, Change: change,
			Detail: map[string]any{"account": id}}); err != nil {
			return err
		}
	}
	return dedup.NoteMerge(tx, m.Pair, dedup.Merged)
}

// unsettled opens the pair of a merge that was refused or withdrawn again.
func unsettled(tx db.Tx, change db.ID) error {
	m, ok, err := MergeOf(tx, change)
	if err != nil || !ok || m.Undoes != nil {
		return err
	}
	return dedup.NoteMerge(tx, m.Pair, dedup.NotMerged)
}
