package cases

import (
	"time"

	"daftar/db"
	"daftar/fault"
	"daftar/i18n"
	"daftar/registry"
	"daftar/registry/cases/kinds"
	"daftar/registry/deadline"
	"daftar/registry/history"
	"daftar/registry/letters"
	"daftar/registry/programmes"
)

// The answer to a case is a letter of package letters: in a text that a person
// has reviewed, read in the portal or on paper, with proof of when it arrived.

// letterKind is the letter of an outcome.
func letterKind(tx db.Tx, c Case, kind kinds.Kind, outcome string) (string, error) {
	switch kind.Letters() {
	case "complaint":
		return "complaint_" + outcome, nil
	case "appeal":
		level, err := appealLevel(tx, c)
		if outcome != "refused" {
			outcome = "approved"
		} else if level >= maxAppeals {
			outcome = "final"
		}
		return "appeal_" + outcome, err
	}
	return "case_" + outcome, nil
}

// LetterOf is the letter that a decision on a case sends: its kind and its facts.
func LetterOf(tx db.Tx, c Case, kind kinds.Kind, d Decision) (string, letters.Facts, error) {
	text, detail := kind.ReasonText(d.Reason, d.Fact)
	f := letters.Facts{Request: kind.Title, Reference: c.Ref, Received: c.SubmittedAt.Time, Note: d.Note, NoteLang: d.Lang}
	for _, t := range []i18n.Text{text, detail} {
		if len(t) > 0 {
			f.Reasons = append(f.Reasons, letters.Reason{Text: t})
		}
	}
	var err error
	if f.Left, err = leftOut(tx, c); err != nil {
		return "", f, err
	}
	if d.Outcome == "approved" && len(f.Left) > 0 {
		d.Outcome = "partly"
	}
	name, err := letterKind(tx, c, kind, d.Outcome)
	return name, f, err
}

// reply writes to whoever asked. Nothing is written about a case that is sealed,
// because a letter lies about, nor to somebody who did not say who they are: both
// read the answer where the case is.
func reply(tx db.Tx, c Case, kind kinds.Kind, d Decision) error {
	if c.Access == "sealed" || c.Channel == ChannelAnonymous || c.Channel == ChannelEvent {
		return nil
	}
	name, facts, err := LetterOf(tx, c, kind, d)
	if err != nil {
		return err
	}
	n := letters.New{Kind: name, Person: c.Person, Language: c.Language, Household: c.Household, Area: *c.Area, Case: &c.ID, Facts: facts, Once: "case:" + c.ID.String()}
	if n.Person == nil {
		n.Account = c.Account
	}
	if who := c.Draft.Applicant(); who != nil && n.Person == nil && d.Outcome != "refused" { // in the registry from now on
		n.Person = &who.PersonID
	}
	return letters.Send(tx, n)
}

// leftOut names what was left out of a case's proposal.
func leftOut(tx db.Tx, c Case) ([]letters.Reason, error) {
	if c.Change == nil {
		return nil, nil
	}
	var names []string
	if err := tx.Select(&names, `
		select distinct v.name from case_event e, jsonb_array_elements_text(e.facts->'values') v (name)
		where e.case_id = $1 and e.action = 'trimmed' and e.facts->>'change' = $2 order by v.name`, c.ID, c.Change.String()); err != nil || len(names) == 0 {
		return nil, err
	}
	fields, err := registry.LoadFields(tx)
	if err != nil {
		return nil, err
	}
	var list []letters.Reason
	for _, name := range names {
		if code, ok := cutFields(name); ok {
			for _, f := range fields {
				if f.Code == code && f.Roster == "" {
					list = append(list, letters.Reason{Text: f.Label})
					break
				}
			}
		} else if key, ok := history.Labels[name]; ok {
			list = append(list, letters.Reason{Key: key})
		}
	}
	return list, nil
}

// AppealTime is until when a decision on a case can be appealed in time: from the
// day on which the letter about it is proven to have arrived (RULES R12). Without
// proof the time has not begun, and Served is false.
type AppealTime struct {
	Served  bool
	LastDay time.Time
	Until   time.Time // the instant at which that day ends
}

// Late reports whether the time is over. A late appeal is received, too.
func (t AppealTime) Late(now time.Time) bool { return t.Served && !now.Before(t.Until) }

// Lateness is until when what an appeal is of could be appealed, and whether the
// appeal came, or would come now, after that (RULES R12). Of there being no answer
// there is no last day.
type Lateness struct {
	AppealTime
	Late bool
}

// LatenessOf computes it.
func LatenessOf(tx db.Tx, c Case) (l Lateness, err error) {
	if c.Appeals == nil {
		return l, nil
	}
	var of []Case
	if err := tx.Select(&of, `select `+caseColumns+` from decision d join case_file c on c.id = d.case_id or c.joined_to = d.case_id
		where d.id = $1 and d.kind = 'case' order by c.person_id is distinct from $2, c.joined_to is not null, c.ref`, *c.Appeals, c.Person); err != nil {
		return l, err
	}
	if len(of) == 0 {
		d, err := programmes.DecisionByID(tx, *c.Appeals)
		if err != nil {
			return l, err
		}
		k, err := programmes.ClockOf(tx, d)
		if err != nil {
			return l, err
		}
		l.AppealTime = AppealTime{Served: k.Served, LastDay: k.LastDay, Until: k.Until}
	}
	for _, x := range of {
		if l.Served {
			break
		}
		own := c.Person != nil && x.Person != nil && *x.Person == *c.Person
		if c.Person != nil && !own { // of who objected
			l.AppealTime, err = ConcernTimeOf(tx, x, *c.Person)
		}
		if err == nil && !l.Served && (own || x.JoinedTo == nil) {
			l.AppealTime, err = AppealTimeOf(tx, x)
		}
		if err != nil || own { // each filer's time runs from their own letter
			break
		}
	}
	if err != nil {
		return l, err
	}
	at := tx.Now()
	if c.SubmittedAt.Valid {
		at = c.SubmittedAt.Time
	}
	l.Late = l.AppealTime.Late(at)
	return l, nil
}

// objectedLetter is the letter to whoever objected.
const objectedLetter = "objected"

// AppealTimeOf computes it from what is proven now, for whoever asked.
func AppealTimeOf(tx db.Tx, c Case) (AppealTime, error) {
	return appealTime(tx, c, func(l letters.Letter) bool { return l.Kind != objectedLetter })
}

// ConcernTimeOf is AppealTimeOf for somebody who objected.
func ConcernTimeOf(tx db.Tx, c Case, person db.ID) (AppealTime, error) {
	return appealTime(tx, c, func(l letters.Letter) bool { return l.Kind == objectedLetter && l.Person != nil && *l.Person == person })
}

func appealTime(tx db.Tx, c Case, to func(letters.Letter) bool) (t AppealTime, err error) {
	if c.Area == nil {
		return t, fault.Hidden()
	}
	list, err := letters.About(tx, c.ID)
	if err != nil {
		return t, err
	}
	for _, l := range list {
		on, proven := l.Served()
		if !proven || l.Decision != nil || !to(l) {
			continue
		}
		clock, err := deadline.Load(tx, *c.Area)
		if err != nil {
			return t, err
		}
		return AppealTime{true, clock.Appeal(on, deadline.AppealDays), clock.AppealUntil(on, deadline.AppealDays)}, nil
	}
	return t, nil
}
