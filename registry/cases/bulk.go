package cases

import (
	"context"
	"errors"
	"slices"

	"daftar/db"
	"daftar/fault"
)

// maxBulk is how many cases are approved at once, at most.
const maxBulk = 50

// Unfit is why a case cannot be approved with others.
type Unfit struct {
	Ref  string
	Key  string // a message
	Args map[string]any
}

// Approvable looks at cases before they are approved at once. One in which the
// officer had a hand, or that is not there to be approved, makes the whole list
// unfit: nobody learns by trying which of them would go through.
func Approvable(tx db.Tx, officer Actor, refs []string) (ready []Case, unfit []Unfit, err error) {
	if len(refs) > maxBulk {
		return nil, nil, fault.New(fault.Conflict, "bulk.error.too_many", "Max", maxBulk)
	}
	for _, ref := range refs {
		c, err := Load(tx, officer, ref)
		if err != nil {
			return nil, nil, err
		}
		events, err := Events(tx, c, true)
		if err != nil {
			return nil, nil, err
		}
		kind, err := c.Of(tx)
		if err != nil {
			return nil, nil, err
		}
		life := LifeOf(c, events)
		moved, err := Moved(tx, c)
		switch {
		case err != nil:
			return nil, nil, err
		case c.State != StateRecommended && c.State != StateEndorsed || c.Hands < 2:
			unfit = append(unfit, Unfit{Ref: c.Ref, Key: "error.out_of_order"})
		case !life.May(Approved, officer.ID, ByOfficer) && !life.May(Endorsed, officer.ID, ByOfficer):
			unfit = append(unfit, Unfit{Ref: c.Ref, Key: "error.separate_hands"})
		case !favourable(kind.Family) || recommended(events) != "approve":
			unfit = append(unfit, Unfit{Ref: c.Ref, Key: "bulk.error.single"})
		case moved:
			unfit = append(unfit, Unfit{Ref: c.Ref, Key: "error.stale"})
		}
		if err := mayApprove(tx, c, kind); err != nil && !slices.ContainsFunc(unfit, func(u Unfit) bool { return u.Ref == c.Ref }) {
			if !fault.Is(err, fault.Conflict) {
				return nil, nil, err
			}
			var e *fault.Error
			errors.As(err, &e)
			unfit = append(unfit, Unfit{Ref: c.Ref, Key: e.Key, Args: e.Args})
		}
		ready = append(ready, c)
	}
	return ready, unfit, nil
}

// favourable reports whether approving a kind can take nothing away from
// anybody: what can is decided one by one (RULES R10).
func favourable(family string) bool {
	return slices.Contains([]string{"registration", "programme", "recertification"}, family)
}

// recommended is what the last check recommends; "" for nothing.
func recommended(events []Event) string {
	for _, e := range events {
		if e.Action == Recommended {
			outcome, _ := e.Facts["outcome"].(string)
			return outcome
		}
	}
	return ""
}

// Result says what became of one case of many.
type Result struct {
	Ref   string
	State State
	Key   string // what went wrong: a message; "" for nothing
}

// ApproveAll approves cases that Approvable found ready, each in a transaction of
// its own, with one reason for all. It refuses the list as a whole when one is
// unfit.
func ApproveAll(ctx context.Context, d *db.DB, who db.Principal, officer Actor, refs []string, reason, lang string) ([]Result, error) {
	err := d.WithTx(ctx, who, func(tx db.Tx) error {
		_, unfit, err := Approvable(tx, officer, refs)
		if err == nil && len(unfit) > 0 {
			err = fault.New(fault.Forbidden, "bulk.error.unfit")
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	var results []Result
	for _, ref := range refs {
		r := Result{Ref: ref}
		err := d.WithTx(ctx, who, func(tx db.Tx) error {
			c, err := Decide(tx, officer, ref, Ruling{Approve: true, Note: reason, Lang: lang})
			r.State = c.State
			if err == nil && c.Renewing {
				r.Key = "error.stale"
			}
			return err
		})
		if fault.Is(err, fault.Conflict) || fault.Is(err, fault.Forbidden) {
			r.Key, err = keyOf(err), nil
		}
		if err != nil {
			return results, err
		}
		results = append(results, r)
	}
	return results, nil
}

func keyOf(err error) string {
	var e *fault.Error
	if errors.As(err, &e) {
		return e.Key
	}
	return ""
}
