package people

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/a-h/templ"

	"daftar/db"
	"daftar/fault"
	"daftar/i18n"
	"daftar/registry"
	"daftar/registry/amend"
	"daftar/registry/history"
	"daftar/web"
	"daftar/web/ui"
)

var outcomeInputs = []string{"base", "outcome", "date", "into", "relationship", "method", "note"}

// OutcomeForm asks how a person's record ends, or whether it goes on after all.
func OutcomeForm(c *web.Ctx) error {
	if _, ok, err := why(c, registry.KindPerson); err != nil || !ok {
		return err
	}
	v, err := loadProposal(c, registry.KindPerson)
	if err != nil {
		return err
	}
	v.Form.Values["base"] = []string{strconv.Itoa(v.Base)}
	return c.Render(outcomePage(v))
}

// Outcome takes the proposal: nothing is deleted, and others decide.
func Outcome(c *web.Ctx) error {
	v, err := loadProposal(c, registry.KindPerson)
	if err != nil {
		return err
	}
	return send(c, v.Kind, v.Form, outcomeInputs, func() templ.Component { return outcomePage(v) }, func(tx db.Tx, f *web.Form) (amend.Draft, error) {
		var check fault.Check
		d := amend.Draft{Lang: c.Printer().Tag}
		base, err := strconv.Atoi(f.Get("base"))
		if err != nil {
			return d, fault.Wrap(err, fault.Malformed, "error.malformed")
		}
		d.Item = registry.Item{BaseVersion: base, Nature: registry.Event, Reason: "outcome"}
		var next registry.PersonData
		if v.ended() {
			next, err = restored(tx, c, v, f, &check)
			d.Item.Nature, d.Item.Reason = registry.Correction, "restored"
		} else {
			next, err = concluded(tx, c, v, f, &check)
			d.Item.EffectiveOn = next.StatusDate
		}
		if err := check.Merge(err); err != nil {
			return d, err
		}
		d.Method = method(f, &check)
		d.Note = f.Required(&check, "note", maxNote, "propose.error.note")
		d.Item.Data = next
		return d, check.Err()
	})
}

func (v proposal) ended() bool { return v.Person.Status != "" && v.Person.Status != registry.Active }

// concluded is the record with the outcome of the form.
func concluded(tx db.Tx, c *web.Ctx, v proposal, f *web.Form, check *fault.Check) (registry.PersonData, error) {
	status, reason, _ := strings.Cut(f.Get("outcome"), ":")
	if status == "" {
		check.Fail("outcome", "outcome.missing.outcome")
		return v.Person, nil
	}
	var into *db.ID
	if status == registry.Duplicate {
		id, err := registry.FindRecord(tx, reader(c), registry.KindPerson, f.Get("into"))
		if fault.Is(err, fault.NotFound) {
			check.Fail("into", "outcome.missing.into")
			return v.Person, nil
		}
		if err != nil {
			return v.Person, err
		}
		if id == v.ID {
			check.Fail("into", "outcome.wrong.itself")
			return v.Person, nil
		}
		into = &id
	}
	return v.Person.Conclude(status, reason, i18n.LatinDigits(strings.TrimSpace(f.Get("date"))), into, registry.Today(c.Now(), c.Printer().Zone))
}

// restored is the record as if it had not ended, from the version before. Where
// somebody else is the head by now, they stay it, and so does a payee whom two
// officials appointed since: nobody has to wait for that to be sorted out.
func restored(tx db.Tx, c *web.Ctx, v proposal, f *web.Form, check *fault.Check) (registry.PersonData, error) {
	versions, err := history.Versions(tx, v.ID, tx.Now())
	if err != nil {
		return v.Person, err
	}
	var before registry.PersonData
	for _, version := range versions {
		var p registry.PersonData
		if err := version.Data.Into(&p); err != nil {
			return v.Person, err
		}
		if p.Status == "" || p.Status == registry.Active {
			before = p
		}
	}
	next, err := v.Person.Restore(before)
	if err != nil {
		return next, err
	}
	taken, err := registry.TakenIn(tx, next)
	if err != nil {
		return next, err
	}
	if len(taken.Heads) > 0 && !slices.Contains(registry.Relationships()[1:], f.Get("relationship")) {
		check.Fail("relationship", "outcome.missing.relationship")
	}
	return next.Yield(taken, f.Get("relationship"), v.Person.StatusDate), nil
}

// outcomeChoices are the outcomes, each with each of its reasons.
func outcomeChoices(ctx context.Context) []ui.Choice {
	var list []ui.Choice
	for _, o := range registry.Outcomes() {
		for _, reason := range o.Reasons {
			if reason != registry.TakenBack {
				list = append(list, ui.Choice{Value: o.Code + ":" + reason, Label: i18n.T(ctx, "outcome."+o.Code), Hint: i18n.T(ctx, "outcome."+o.Code+"."+reason)})
			}
		}
	}
	return list
}
