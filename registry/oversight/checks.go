package oversight

import (
	"database/sql"
	"encoding/json"
	"time"

	"daftar/db"
	"daftar/registry"
	"daftar/registry/audit"
	"daftar/registry/audit/seal"
	"daftar/registry/jobs"
)

// CheckEvery is how often the worker verifies the whole log unasked.
const CheckEvery = 24 * time.Hour

// Check is one verification of the log.
type Check struct {
	ID       db.ID        `db:"id"`
	Ref      string       `db:"ref"`
	Asked    time.Time    `db:"asked_at"`
	Asker    string       `db:"asker"` // "" for the worker
	Finished sql.NullTime `db:"finished_at"`
	Failed   string       `db:"failed"`
	Raw      []byte       `db:"report"`
	Report   seal.Report  `db:"-"`
}

// Ask has the log verified in the background.
func Ask(tx db.Tx) (string, error) {
	id, ref := tx.NewID(), registry.NewRef(registry.RefCheck, tx.Rand())
	if err := tx.Exec(`insert into audit_check (id, ref, asked_at) values ($1, $2, $3)`, id, ref, tx.Now()); err != nil {
		return "", err
	}
	if err := tx.Enqueue(jobs.KindVerifyAudit, id, 1); err != nil {
		return "", err
	}
	return ref, audit.Write(tx, audit.Event{Action: "audit.check_asked", SubjectKind: "check", Subject: id, Purpose: "audit"})
}

// AskDaily is Ask, unless that was done within a day.
func AskDaily(tx db.Tx) error {
	var recent bool
	if err := tx.Get(&recent, `select exists (select from audit_check where asked_at > $1)`, tx.Now().Add(-CheckEvery)); err != nil || recent {
		return err
	}
	_, err := Ask(tx)
	return err
}

// Finish keeps what a verification found, or why it could not be done.
func Finish(tx db.Tx, id db.ID, r seal.Report, failed string) error {
	raw, err := json.Marshal(r)
	if err != nil {
		return err
	}
	if err := tx.Exec(`update audit_check set finished_at = $2, report = $3, failed = $4 where id = $1`, id, tx.Now(), string(raw), failed); err != nil {
		return err
	}
	return audit.Write(tx, audit.Event{Action: "audit.checked", SubjectKind: "check", Subject: id, Purpose: "audit",
		Detail: map[string]any{"entries": r.Size, "problems": len(r.Problems) + r.More}})
}

// Checks lists the latest verifications.
func Checks(tx db.Tx) ([]Check, error) {
	var list []Check
	err := tx.Select(&list, `
		select k.id, k.ref, k.asked_at, coalesce(s.name, '') as asker, k.finished_at, k.failed, coalesce(k.report, '{}') as report
		from audit_check k left join staff s on s.id = k.asked_by order by k.asked_at desc limit 20`)
	for i := range list {
		if err == nil {
			err = json.Unmarshal(list[i].Raw, &list[i].Report)
		}
	}
	return list, err
}

// Head is the log's latest checkpoint.
type Head struct {
	Size int64     `db:"size"`
	At   time.Time `db:"at"`
	Note string    `db:"note"`
}

// Latest is the latest checkpoint; nil before there is one.
func Latest(tx db.Tx) (*Head, error) {
	var list []Head
	err := tx.Select(&list, `select size, at, note from audit_checkpoint order by size desc limit 1`)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return &list[0], nil
}
