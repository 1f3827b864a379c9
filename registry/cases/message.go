package cases

import (
	"context"
	"time"

	"daftar/db"
	"daftar/fault"
	"daftar/registry/cases/kinds"
	"daftar/registry/jobs"
)

// Say adds a message to a case that is with the office: from the applicant to
// the office or the other way.
func Say(tx db.Tx, actor Actor, ref, note, lang string, photos []Evidence) error {
	c, err := lock(tx, actor, ref)
	if err != nil {
		return err
	}
	return say(tx, &c, note, lang, photos)
}

func say(tx db.Tx, c *Case, note, lang string, photos []Evidence) error {
	if c.State == StateDraft {
		return fault.New(fault.Conflict, "error.out_of_order")
	}
	event, err := take(tx, c, step{action: Said, note: note, lang: lang})
	if err != nil {
		return err
	}
	for _, e := range photos {
		e.Event = &event
		if err := keep(tx, *c, e); err != nil {
			return err
		}
	}
	return nil
}

// AddDocument adds a document to a case that was sent: what was not at hand may
// follow. Whoever decides has seen it before, and a proposal that rests on proof is
// made anew with it.
func AddDocument(tx db.Tx, actor Actor, ref string, e Evidence) error {
	c, err := lock(tx, actor, ref)
	if err != nil {
		return err
	}
	if !c.State.Open() {
		return fault.New(fault.Conflict, "error.out_of_order")
	}
	event, err := take(tx, &c, step{action: Added, facts: map[string]any{"kind": e.Kind}})
	if err != nil {
		return err
	}
	e.Event = &event
	if err := keep(tx, c, e); err != nil || c.Change == nil {
		return err
	}
	return tx.Enqueue(jobs.KindRenewCase, c.ID, c.Version)
}

// Note adds words that only the office reads.
func Note(tx db.Tx, officer Actor, ref, note, lang string) error {
	c, err := lock(tx, officer, ref)
	if err != nil {
		return err
	}
	return move(tx, &c, step{action: Noted, note: note, lang: lang, private: true})
}

// Thread is what somebody with a receipt sees of a case without an account, and
// may answer.
type Thread struct {
	Status
	Case   Case
	Open   bool // there is more to see than the state
	Kind   kinds.Kind
	Events []Event
	Appeal *AppealTime // of a refusal
	Waits  time.Time   // until when an answer is waited for; zero when none is
}

// ThreadByCode is where a case stands, with its messages, for the reference and the
// code of its receipt. Whoever has the code of a case that is somebody's who is not
// safe sees no more than its state.
func ThreadByCode(ctx context.Context, d *db.DB, who db.Principal, codes Codes, from, ref, code string) (Thread, error) {
	s, c, err := byCode(ctx, d, who, codes, from, ref, code)
	if err != nil {
		return Thread{}, err
	}
	t := Thread{Status: s, Case: c}
	return t, d.View(ctx, who, func(tx db.Tx) error {
		if c.State == StateWaiting {
			if t.Waits, err = WaitsUntil(tx, c); err != nil {
				return err
			}
		}
		if c.Access == "sealed" && c.Account != nil { // somebody else may have found the receipt
			return nil
		}
		t.Open = true
		if t.Kind, err = kinds.ByID(tx, c.KindID); err != nil {
			return err
		}
		if t.Events, err = Events(tx, c, false); err != nil || c.State != StateRefused {
			return err
		}
		until, err := AppealTimeOf(tx, c)
		t.Appeal = &until
		return err
	})
}

// SayByCode is Say with the code of a receipt. Where the office asked something,
// the message is the answer.
func SayByCode(ctx context.Context, d *db.DB, who db.Principal, codes Codes, from, ref, code, note, lang string, photos []Evidence) error {
	_, c, err := byCode(ctx, d, who, codes, from, ref, code)
	if err != nil {
		return err
	}
	return d.WithTx(ctx, who, func(tx db.Tx) error {
		c, err := byID(tx, c.ID)
		if err != nil {
			return err
		}
		if c.State != StateWaiting {
			return say(tx, &c, note, lang, photos)
		}
		for _, e := range photos {
			if err := keep(tx, c, e); err != nil {
				return err
			}
		}
		if err := goOn(tx, &c); err != nil {
			return err
		}
		return move(tx, &c, step{action: Answered, note: note, lang: lang})
	})
}
