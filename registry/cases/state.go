// Package cases is everything that people ask of the registry: for now,
// registrations. A case is a draft saved page by page, then a proposed change
// with its evidence, then a decision.
package cases

import "daftar/fault"

// State is where a case stands. Each has the message "case.state.<state>".
type State string

// The states of a case.
const (
	StateDraft       State = "draft"       // being filled in
	StateSubmitted   State = "submitted"   // with the office
	StateWaiting     State = "waiting"     // with the applicant, who was asked something
	StateRecommended State = "recommended" // checked; waiting for the decision
	StateApproved    State = "approved"
	StateRefused     State = "refused"
	StateWithdrawn   State = "withdrawn"
)

// Action is one step of a case.
type Action string

// The actions. Each has the message "case.action.<action>".
const (
	Submitted   Action = "submitted"
	Asked       Action = "asked"
	Answered    Action = "answered"
	Recommended Action = "recommended"
	Returned    Action = "returned"
	Approved    Action = "approved"
	Refused     Action = "refused"
	Withdrawn   Action = "withdrawn"
)

// transitions is the whole life of a case.
var transitions = map[State]map[Action]State{
	StateDraft:       {Submitted: StateSubmitted, Withdrawn: StateWithdrawn},
	StateSubmitted:   {Asked: StateWaiting, Recommended: StateRecommended, Withdrawn: StateWithdrawn},
	StateWaiting:     {Answered: StateSubmitted, Withdrawn: StateWithdrawn},
	StateRecommended: {Returned: StateSubmitted, Approved: StateApproved, Refused: StateRefused, Withdrawn: StateWithdrawn},
}

// Next is the state after an action; fault.Conflict when the case is not
// there.
func Next(s State, a Action) (State, error) {
	next, ok := transitions[s][a]
	if !ok {
		return s, fault.New(fault.Conflict, "error.out_of_order")
	}
	return next, nil
}

// Open reports whether the office owes an answer.
func (s State) Open() bool {
	return s == StateSubmitted || s == StateWaiting || s == StateRecommended
}

// Editable reports whether the applicant may change the answers.
func (s State) Editable() bool { return s == StateDraft || s == StateWaiting }
