// Package search finds people and groups: by name in any script and spelling, or
// by a number. There is no list of everybody to leaf through. The database answers
// within the officer's areas (db/migrations/00010_search.sql).
package search

import (
	"database/sql"
	"strings"
	"unicode"

	"daftar/db"
	"daftar/fault"
	"daftar/i18n"
	"daftar/registry"
	"daftar/registry/audit"
	"daftar/registry/names"
)

// Officer is who searches. Areas are those in which they may.
type Officer struct {
	ID    db.ID
	Areas []db.ID
}

func (o Officer) areas() []string {
	ids := make([]string, len(o.Areas))
	for i, id := range o.Areas {
		ids[i] = id.String()
	}
	return ids
}

// Query is what was typed.
type Query struct {
	Text    string `json:"text"`    // a name, or a number
	Area    string `json:"area"`    // P-code; "" for anywhere
	Year    int    `json:"year"`    // of birth; 0 for any
	Similar bool   `json:"similar"` // names like it, too, where some are just so
}

// MaxHits is the most that a search shows. Who was not found by then is found
// with more of the name, not by leafing.
const MaxHits = 50

// Hit is somebody found, as far as a list shows them: enough to tell people
// apart, not enough to know them.
type Hit struct {
	ID        db.ID        `db:"id"`
	Ref       string       `db:"ref"`
	Name      string       `db:"full_name"`
	Latin     string       `db:"full_name_latin"`
	Sex       string       `db:"sex"`
	BirthFrom sql.NullTime `db:"birth_from"`
	BirthTo   sql.NullTime `db:"birth_to"`
	Status    string       `db:"status"`
	Protected bool         `db:"protected"`
	AreaName  i18n.Text    `db:"area_name"` // none for the protected (RULES R5)
	Tier      Tier         `db:"tier"`
}

// Years are the possible years of birth; 0 when not known.
func (h Hit) Years() (from, to int) {
	if !h.BirthFrom.Valid {
		return 0, 0
	}
	return h.BirthFrom.Time.Year(), h.BirthTo.Time.Year()
}

// Tier says how well a name fits. Each has the message "search.tier.<code>".
type Tier int

// The tiers, the best first.
const (
	Exact    Tier = 1 // the number, or every word as it was typed
	Like     Tier = 2 // words that hold those typed, or sound like them
	Misspelt Tier = 3
	Partly   Tier = 4 // all words but one
)

// Find looks for people and logs the search with whom it found. more is set
// when there may be others.
func Find(tx db.Tx, officer Officer, purpose string, q Query) (hits []Hit, more bool, err error) {
	found, by, err := q.find(tx, officer)
	if err != nil {
		return nil, false, err
	}
	if more = len(found) > MaxHits; more {
		found = found[:MaxHits]
	}
	ids, tiers := make([]string, len(found)), make([]int, len(found))
	for i, f := range found {
		ids[i], tiers[i] = f.Person.String(), f.Tier
	}
	if err := tx.Select(&hits, `
		select p.id, p.ref, coalesce(p.full_name, '') as full_name, coalesce(p.full_name_latin, '') as full_name_latin, p.sex,
		       p.birth_from, p.birth_to, p.status, s.protected, case when s.protected then '{}' else coalesce(a.name, '{}') end as area_name, f.tier
		from unnest($1::uuid[], $2::int[]) with ordinality f (id, tier, n)
		join person p on p.id = f.id join person_search s on s.person_id = p.id
		left join household h on h.id = s.household_id left join area a on a.id = h.area_id
		order by f.n`, ids, tiers); err != nil {
		return nil, false, err
	}
	subjects := make([]db.ID, len(hits)) // of those found, some may be kept from the officer
	for i, h := range hits {
		subjects[i] = h.ID
	}
	return hits, more, audit.WriteAbout(tx, audit.Event{Action: "person.searched", Purpose: purpose,
		Detail: map[string]any{"by": by, "found": len(hits)}}, "person", subjects)
}

// MaxGroups is the most groups that a search shows.
const MaxGroups = 20

// GroupHit is a group found.
type GroupHit struct {
	ID       db.ID     `db:"id"`
	Ref      string    `db:"ref"`
	Name     string    `db:"name"`
	Latin    string    `db:"name_latin"`
	Type     string    `db:"type"`
	Status   string    `db:"status"`
	AreaName i18n.Text `db:"area_name"`
	Tier     Tier      `db:"tier"`
}

// FindGroups looks for groups by what was typed, which is what people are looked
// for by, too, and logs which it found. A year of birth is about people alone.
func FindGroups(tx db.Tx, officer Officer, purpose string, q Query) (hits []GroupHit, more bool, err error) {
	words := words(q.Text)
	if len(words) == 0 || q.Year != 0 {
		return nil, false, nil
	}
	if err := tx.Select(&hits, `
		select g.id, g.ref, g.name, coalesce(g.name_latin, '') as name_latin, g.type, g.status, coalesce(a.name, '{}') as area_name, f.tier
		from search_groups($1, $2, $3, $4, $5, nullif($6, ''), $7, $8) with ordinality f (id, tier, n)
		join group_record g on g.id = f.id left join area a on a.id = g.area_id
		order by f.n`,
		tx.Now(), officer.areas(), registry.NormalIdentifier(q.Text), words, keysOf(words), q.Area, q.Similar, MaxGroups+1); err != nil {
		return nil, false, err
	}
	if more = len(hits) > MaxGroups; more {
		hits = hits[:MaxGroups]
	}
	subjects := make([]db.ID, len(hits))
	for i, h := range hits {
		subjects[i] = h.ID
	}
	return hits, more, audit.WriteAbout(tx, audit.Event{Action: "group.searched", Purpose: purpose,
		Detail: map[string]any{"found": len(hits)}}, registry.KindGroup, subjects)
}

type match struct {
	Person db.ID `db:"person_id"`
	Tier   int   `db:"tier"`
}

// find asks for whatever the text can be: a reference, an identifier, a phone,
// else a name.
func (q Query) find(tx db.Tx, officer Officer) (found []match, by string, err error) {
	if ref, ok := registry.ParseRef(registry.RefPerson, q.Text); ok {
		return q.number(tx, officer, "person", ref)
	}
	if ref, ok := registry.ParseRef(registry.RefHousehold, q.Text); ok {
		return q.number(tx, officer, "household", ref)
	}
	if strings.ContainsFunc(q.Text, unicode.IsDigit) {
		found, by, err = q.number(tx, officer, "identifier", registry.NormalIdentifier(q.Text))
		if phone, ok := phone(q.Text); ok && err == nil && len(found) == 0 {
			found, by, err = q.number(tx, officer, "phone", phone)
		}
		if err != nil || len(found) > 0 {
			return found, by, err
		}
	}
	words := words(q.Text)
	if len(words) == 0 && (q.Area == "" || q.Year == 0) {
		return nil, "", fault.New(fault.Invalid, "search.error.what")
	}
	err = tx.Select(&found, `select person_id, tier from search_names($1, $2, $3, $4, nullif($5, ''), nullif($6, 0), $7, $8)`,
		tx.Now(), officer.areas(), words, keysOf(words), q.Area, q.Year, q.Similar, MaxHits+1)
	return found, "name", err
}

func (q Query) number(tx db.Tx, officer Officer, kind, value string) (found []match, by string, err error) {
	err = tx.Select(&found, `select person_id, 1 as tier from search_number($1, $2, $3, $4, $5)`,
		tx.Now(), officer.areas(), kind, value, MaxHits+1)
	return found, kind, err
}

// Limits of a search: more words say no more, and longer ones are cut in the
// database as well.
const (
	maxWords  = 6
	wordRunes = 60
)

func words(text string) []string {
	list := names.Words(text)
	if len(list) > maxWords {
		list = list[:maxWords]
	}
	for i, w := range list {
		if r := []rune(w); len(r) > wordRunes {
			list[i] = string(r[:wordRunes])
		}
	}
	return list
}

func keysOf(words []string) []string {
	keys := make([]string, len(words))
	for i, w := range words {
		keys[i] = names.Key(w)
	}
	return keys
}

// phone is a telephone number as contacts hold it; false for what cannot be one.
func phone(text string) (string, bool) {
	var b strings.Builder
	for i, r := range i18n.LatinDigits(strings.TrimSpace(text)) {
		switch {
		case r >= '0' && r <= '9', r == '+' && i == 0:
			b.WriteRune(r)
		case unicode.IsSpace(r), strings.ContainsRune("-–./()", r), unicode.Is(unicode.Cf, r):
		default:
			return "", false
		}
	}
	number := b.String()
	if rest, ok := strings.CutPrefix(number, "00"); ok {
		number = "+" + rest
	}
	return number, len(number) >= 6 && len(number) <= 16
}
