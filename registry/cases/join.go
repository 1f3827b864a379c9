package cases

import (
	"context"
	"slices"
	"time"

	"daftar/db"
	"daftar/registry"
	"daftar/registry/cases/kinds"
	"daftar/registry/jobs"
	"daftar/registry/names"
)

// Same says how two filings compare.
type Same int

// Filings of different events; of events that a person should look at; of one.
const (
	Different Same = iota
	Perhaps
	SameEvent
)

// told lists the kinds of which one event may be told twice: those that Compare
// knows.
var told = []string{"birth", "death", "alive"}

// Compare compares two filings of a kind by their answers: the same event told
// twice, by both parents or by two members of a household, is one case. Twins
// told apart are two events.
func Compare(kind string, a, b registry.Values) Same {
	switch kind {
	case "death", "alive":
		if text(a, "who") != "" && text(a, "who") == text(b, "who") {
			return SameEvent
		}
	case "birth":
		return compareBirths(a, b)
	}
	return Different
}

func text(v registry.Values, code string) string { s, _ := v[code].(string); return s }

// birthDays is how far apart two people may remember one day.
const birthDays = 3

func compareBirths(a, b registry.Values) Same {
	x, err := time.Parse(time.DateOnly, text(a, "born"))
	y, err2 := time.Parse(time.DateOnly, text(b, "born"))
	if err != nil || err2 != nil || x.Sub(y).Abs() > birthDays*24*time.Hour {
		return Different
	}
	mine, theirs := registry.Rows(a["babies"]), registry.Rows(b["babies"])
	if len(mine) != len(theirs) {
		return Perhaps
	}
	differ := func(column string) bool {
		values := func(rows []registry.Row) (list []string) {
			for _, r := range rows {
				if s, _ := r[column].(string); s != "" {
					list = append(list, names.Fold(s)) // another spelling or a space is no other name
				}
			}
			slices.Sort(list)
			return list
		}
		p, q := values(mine), values(theirs)
		return len(p) == len(mine) && len(q) == len(theirs) && !slices.Equal(p, q)
	}
	if differ("sex") || differ("name") {
		return Perhaps // of one day, and not the same child: twins, or a mistake
	}
	return SameEvent
}

// joinDays is how far back an earlier filing is looked for.
const joinDays = 120

// Settle does what follows from a step of a case: one that tells of an event that
// was told before joins the earlier case, and one that is over takes those that
// had joined it along.
func Settle(ctx context.Context, d *db.DB, id db.ID) error {
	return d.WithTx(ctx, db.Principal{Role: db.Jobs, Kind: "job"}, func(tx db.Tx) error {
		c, err := byID(tx, id)
		if err != nil {
			return err
		}
		switch c.State {
		case StateSubmitted:
			return join(tx, c)
		case StateApproved, StateRefused, StateWithdrawn:
			if err := speak(tx, c); err != nil {
				return err
			}
			if c.State == StateApproved && c.Appeals != nil {
				if err := overturn(tx, c); err != nil {
					return err
				}
			}
			return follow(tx, c)
		}
		return nil
	})
}

// join lets a case go the way of an earlier one about the same event.
func join(tx db.Tx, c Case) error {
	if c.Household == nil {
		return nil
	}
	if err := tx.Exec(`select pg_advisory_xact_lock(hashtext('join' || $1))`, c.Household.String()); err != nil {
		return err
	}
	if done, err := onceOnly(tx, &c); done || err != nil {
		return err
	}
	var earlier []Case
	if err := tx.Select(&earlier, `
		select `+caseColumns+` from case_subject s join case_file c on c.id = s.case_id
		where s.subject_id = $1 and c.kind = $2 and c.id <> $3 and c.joined_to is null and c.submitted_at > $4
		  and (c.submitted_at, c.id) < ($5, $3) and c.state in ('submitted', 'waiting', 'recommended', 'endorsed', 'stale')
		order by c.submitted_at, c.id for update of c`,
		*c.Household, c.Kind, c.ID, tx.Now().AddDate(0, 0, -joinDays), c.SubmittedAt.Time); err != nil {
		return err
	}
	for i := range earlier {
		first := &earlier[i]
		if err := first.decode(tx); err != nil {
			return err
		}
		switch Compare(c.Kind, first.Draft.Answers, c.Draft.Answers) {
		case SameEvent:
			return joins(tx, &c, *first)
		case Perhaps:
			if err := link(tx, c.ID, Link{Other: first.ID, Relation: "about"}); err != nil {
				return err
			}
		}
	}
	return nil
}

// joins lets a case go the way of another one about the same event; one that was
// approved already takes it along at once.
func joins(tx db.Tx, c *Case, first Case) error {
	if err := unlodge(tx, c); err != nil {
		return err
	}
	if err := tx.Exec(`update case_file set joined_to = $2, due_on = $3 where id = $1`, c.ID, first.ID, first.DueOn.Time); err != nil {
		return err
	}
	if err := link(tx, c.ID, Link{Other: first.ID, Relation: "same"}); err != nil {
		return err
	}
	if err := move(tx, c, step{action: Joined, private: true}); err != nil || first.State != StateApproved {
		return err
	}
	return follow(tx, first)
}

// follow takes the cases that joined one along when it is over.
func follow(tx db.Tx, c Case) error {
	var joined []Case
	if err := tx.Select(&joined, `select `+caseColumns+` from case_file c where c.joined_to = $1 and c.state = 'joined' for update of c`, c.ID); err != nil {
		return err
	}
	for i := range joined {
		j := &joined[i]
		if err := j.decode(tx); err != nil {
			return err
		}
		action := map[State]Action{StateApproved: Approved, StateRefused: Refused, StateWithdrawn: Parted}[c.State]
		s := step{action: action}
		if action == Refused {
			if err := tx.Get(&s.reason, `select reason from decision where case_id = $1`, c.ID); err != nil {
				return err
			}
		}
		if action != Parted {
			if err := tx.Exec(`update case_file set decided_at = $2 where id = $1`, j.ID, tx.Now()); err != nil {
				return err
			}
			if err := move(tx, j, s); err != nil {
				return err
			}
			if err := tellObjectors(tx, *j); err != nil {
				return err
			}
			if err := replyToo(tx, *j); err != nil {
				return err
			}
			continue
		}
		if err := part(tx, j); err != nil {
			return err
		}
	}
	return nil
}

// replyToo writes to whoever told of the same event: what was decided and for which
// reason, and not the words that were for the other one (RULES R17).
func replyToo(tx db.Tx, j Case) error {
	kind, err := kinds.ByID(tx, j.KindID)
	if err != nil {
		return err
	}
	d, err := DecisionOf(tx, j)
	if err != nil {
		return err
	}
	d.Note = ""
	return reply(tx, j, kind, d)
}

// part lets a case stand alone again: its own proposal is made once more.
func part(tx db.Tx, j *Case) error {
	j.Change = nil // it was taken back when the case joined
	if err := tx.Exec(`update case_file set change_id = null where id = $1`, j.ID); err != nil {
		return err
	}
	if err := move(tx, j, step{action: Parted, private: true}); err != nil {
		return err
	}
	return tx.Enqueue(jobs.KindRenewCase, j.ID, j.Version)
}
