// Package copies puts together everything that the registry knows about
// somebody, for themselves: as a file with a published schema, and as a document
// to read (docs/copies.md).
package copies

import (
	"context"
	"database/sql"
	"encoding/json"
	"time"

	"daftar/db"
	"daftar/fault"
	"daftar/i18n"
	"daftar/registry"
	"daftar/registry/audit"
	"daftar/registry/jobs"
)

// TTL is how long a copy waits to be taken.
const TTL = 7 * 24 * time.Hour

// Version is that of the file's shape. It moves when a name or a type changes.
const Version = 1

// Request is a copy that somebody asked for.
type Request struct {
	ID      db.ID        `db:"id"`
	Ref     string       `db:"ref"`
	Asked   time.Time    `db:"asked_at"`
	Ready   sql.NullTime `db:"ready_at"`
	Expires sql.NullTime `db:"expires_at"`
	File    sql.NullTime `db:"file_at"`  // when the file was taken
	Paper   sql.NullTime `db:"paper_at"` // and the document
}

// Open reports whether something of it can still be taken.
func (r Request) Open(now time.Time) bool {
	return r.Ready.Valid && now.Before(r.Expires.Time) && !(r.File.Valid && r.Paper.Valid)
}

// Copy is the whole of it: entries by section and name.
type Copy struct {
	Version  int                         `json:"version"`
	Schema   string                      `json:"$schema"`
	Made     time.Time                   `json:"made_at"`
	Sections map[string][]map[string]any `json:"sections"`
}

// Ask asks for a copy of one's own record. A second request while the first one
// is under way is the first one.
func Ask(tx db.Tx, person db.ID) error {
	id := tx.NewID()
	n, err := tx.Count(`insert into data_copy (id, ref, person_id, asked_at) values ($1, $2, $3, $4) on conflict do nothing`,
		id, registry.NewRef(registry.RefCopy, tx.Rand()), person, tx.Now())
	if err != nil || n == 0 {
		return err
	}
	if err := tx.Enqueue(jobs.KindCopyData, id, 1); err != nil {
		return err
	}
	return audit.Write(tx, audit.Event{Action: "copy.asked", SubjectKind: "person", Subject: person})
}

// Mine lists what the account asked for, the latest first.
func Mine(tx db.Tx) ([]Request, error) {
	var list []Request
	err := tx.Select(&list, `select id, ref, asked_at, ready_at, expires_at, file_at, paper_at from data_copy
		where account_id = actor() order by asked_at desc limit 20`)
	return list, err
}

// Make puts a copy together, seen as the account that asked sees it.
func Make(ctx context.Context, d *db.DB, id db.ID) error {
	var of struct {
		Account db.ID `db:"account_id"`
		Person  db.ID `db:"person_id"`
	}
	worker := db.Principal{Role: db.Jobs, Kind: "job"}
	err := d.View(ctx, worker, func(tx db.Tx) error {
		return tx.Get(&of, `select account_id, person_id from data_copy where id = $1 and ready_at is null`, id)
	})
	if fault.Is(err, fault.NotFound) {
		return nil // made already
	}
	if err != nil {
		return err
	}
	worker.Actor = of.Account
	return d.WithTx(ctx, worker, func(tx db.Tx) error {
		c, err := Collect(tx, of.Person, of.Account)
		if err != nil {
			return err
		}
		raw, err := json.Marshal(c)
		if err != nil {
			return err
		}
		n, err := tx.Count(`update data_copy set content = $2, ready_at = $3, expires_at = $4 where id = $1 and ready_at is null`,
			id, string(raw), tx.Now(), tx.Now().Add(TTL))
		if err != nil || n == 0 {
			return err
		}
		return audit.Write(tx, audit.Event{Action: "copy.made", SubjectKind: "person", Subject: of.Person, Purpose: "request"})
	})
}

// Collect reads every section about a person. An account that is theirs no longer
// gets nothing.
func Collect(tx db.Tx, person, account db.ID) (Copy, error) {
	c := Copy{Version: Version, Schema: SchemaPath, Made: tx.Now().UTC(), Sections: map[string][]map[string]any{}}
	var accounts []db.ID
	if err := tx.Select(&accounts, `select id from account where person_id = $1`, person); err != nil {
		return c, err
	}
	theirs := false
	for _, a := range accounts {
		theirs = theirs || a == account
	}
	if !theirs {
		accounts = []db.ID{account}
	}
	for _, s := range Sections() {
		entries := []map[string]any{}
		if theirs {
			var raw []byte
			if err := tx.Get(&raw, s.query(), person, registry.Texts(accounts), tx.Now()); err != nil {
				return c, err
			}
			if err := json.Unmarshal(raw, &entries); err != nil {
				return c, err
			}
		}
		c.Sections[s.Code] = entries
	}
	return c, nil
}

// Form is a form in which a copy is taken.
type Form string

// The forms.
const (
	File  Form = "file"
	Paper Form = "paper"
)

// Take hands out one form of a copy, once; fault.NotFound for one that was taken,
// that is over, or that is not the account's.
func Take(tx db.Tx, ref string, form Form) (Copy, error) {
	canonical, _ := registry.ParseRef(registry.RefCopy, ref)
	column, other := "file_at", "paper_at"
	if form == Paper {
		column, other = other, column
	}
	var c Copy
	var raw []byte
	// One statement decides who was first. What both forms were taken of is gone.
	if err := tx.Get(&raw, `
		with taken as (
			select id, content from data_copy where ref = $1 and account_id = actor() and content is not null and expires_at > $2 and `+column+` is null for update)
		, kept as (
			update data_copy d set `+column+` = $2, content = case when d.`+other+` is null then d.content end from taken t where d.id = t.id)
		select content from taken`, canonical, tx.Now()); err != nil {
		return c, err
	}
	if err := json.Unmarshal(raw, &c); err != nil {
		return c, err
	}
	return c, audit.Write(tx, audit.Event{Action: "copy.taken", Detail: map[string]any{"copy": canonical, "form": string(form)}})
}

// Labels are what the values of records are called, by their code.
func Labels(tx db.Tx) (map[string]i18n.Text, error) {
	var list []struct {
		Code  string    `db:"code"`
		Label i18n.Text `db:"label"`
	}
	err := tx.Select(&list, `select distinct on (code) code, label from field_definition order by code, version desc`)
	labels := make(map[string]i18n.Text, len(list))
	for _, f := range list {
		labels[f.Code] = f.Label
	}
	return labels, err
}
