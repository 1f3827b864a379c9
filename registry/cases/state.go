// Package cases is everything that people ask of the registry: registrations,
// applications, life events, complaints, appeals. A case is a draft saved page
// by page, then a proposed change with its evidence, then a decision. What can
// be asked for is data (package kinds); what it does to records is pure code
// (package effect); who may take which step is the machine in this file.
package cases

import (
	"slices"

	"daftar/db"
	"daftar/fault"
	"daftar/registry/deadline"
)

// State is where a case stands. Each has the message "case.state.<state>".
type State string

// The states of a case.
const (
	StateDraft       State = "draft"       // being filled in
	StateSubmitted   State = "submitted"   // with the office
	StateWaiting     State = "waiting"     // with the applicant, who was asked something
	StateRecommended State = "recommended" // checked; waiting for the decision
	StateEndorsed    State = "endorsed"    // one official agreed; a second one has to
	StateStale       State = "stale"       // the record moved on; the proposal is being made anew
	StateJoined      State = "joined"      // the same event was filed before: it goes the way of that case
	StateApproved    State = "approved"
	StateRefused     State = "refused"
	StateWithdrawn   State = "withdrawn"
)

// States lists the states.
func States() []State {
	return []State{StateDraft, StateSubmitted, StateWaiting, StateRecommended, StateEndorsed, StateStale, StateJoined,
		StateApproved, StateRefused, StateWithdrawn}
}

// Action is one step of a case. Each has the messages "case.action.<action>"
// and "office.action.<action>".
type Action string

// The steps that move a case.
const (
	Submitted   Action = "submitted"
	Asked       Action = "asked"
	Answered    Action = "answered"
	Lapsed      Action = "lapsed" // the answer did not come in time
	Recommended Action = "recommended"
	Returned    Action = "returned"
	Endorsed    Action = "endorsed" // the first of two who decide
	Approved    Action = "approved"
	Refused     Action = "refused"
	Withdrawn   Action = "withdrawn"
	Staled      Action = "staled"
	Renewed     Action = "renewed"
	Joined      Action = "joined"
	Parted      Action = "parted" // the case that it had joined was withdrawn
)

// The steps that leave it where it is.
const (
	Said      Action = "said"  // a message
	Added     Action = "added" // a document
	Told      Action = "told"  // somebody affected
	Agreed    Action = "agreed"
	Objected  Action = "objected"
	Noted     Action = "noted"
	Assigned  Action = "assigned"
	Released  Action = "released"
	Trimmed   Action = "trimmed" // values taken out of the proposal
	Linked    Action = "linked"
	Visit     Action = "visit" // planned
	Visited   Action = "visited"
	Barred    Action = "barred" // somebody was named
	Escalated Action = "escalated"
	Alarmed   Action = "alarmed"
)

// Hand says whose step it is.
type Hand string

// The hands. Each has the message "case.hand.<hand>".
const (
	ByApplicant Hand = "applicant" // who asks, or an officer for somebody at the counter
	ByAffected  Hand = "affected"  // an adult whom it affects
	ByOfficer   Hand = "officer"
	ByClock     Hand = "clock" // the system, by rule
)

// Transition is one step that there is. Step names the permission at the case's
// desk that an officer needs; Hands, the number of officials of the cases in
// which the step exists, 0 for all.
type Transition struct {
	From   State // Any for every state
	Action Action
	To     State // Any: the case stays
	By     Hand
	Step   string
	Hands  []int
}

// in reports whether cases that take so many officials have the step.
func (t Transition) in(hands int) bool { return t.Hands == nil || slices.Contains(t.Hands, hands) }

// Any stands for every state.
const Any State = "*"

// transitions is the whole life of a case. The table case_transition says the
// same to the database; a test compares them.
var transitions = []Transition{
	{StateDraft, Submitted, StateSubmitted, ByApplicant, "", nil},
	{StateDraft, Withdrawn, StateWithdrawn, ByApplicant, "", nil},
	{StateSubmitted, Asked, StateWaiting, ByOfficer, "ask", nil},
	{StateSubmitted, Recommended, StateRecommended, ByOfficer, "recommend", []int{2, 3}},
	{StateSubmitted, Approved, StateApproved, ByOfficer, "decide", []int{1}},
	{StateSubmitted, Refused, StateRefused, ByOfficer, "decide", []int{1}},
	{StateSubmitted, Joined, StateJoined, ByClock, "", nil},
	{StateSubmitted, Staled, StateStale, ByClock, "", nil},
	{StateSubmitted, Withdrawn, StateWithdrawn, ByApplicant, "", nil},
	{StateWaiting, Answered, StateSubmitted, ByApplicant, "", nil},
	{StateWaiting, Lapsed, StateSubmitted, ByClock, "", nil},
	{StateWaiting, Withdrawn, StateWithdrawn, ByApplicant, "", nil},
	{StateRecommended, Returned, StateSubmitted, ByOfficer, "decide", nil},
	{StateRecommended, Approved, StateApproved, ByOfficer, "decide", []int{2}},
	{StateRecommended, Endorsed, StateEndorsed, ByOfficer, "decide", []int{3}},
	{StateRecommended, Refused, StateRefused, ByOfficer, "decide", []int{2, 3}},
	{StateRecommended, Staled, StateStale, ByClock, "", nil},
	{StateRecommended, Withdrawn, StateWithdrawn, ByApplicant, "", nil},
	{StateEndorsed, Approved, StateApproved, ByOfficer, "decide", []int{3}},
	{StateEndorsed, Returned, StateSubmitted, ByOfficer, "decide", nil},
	{StateEndorsed, Staled, StateStale, ByClock, "", nil},
	{StateEndorsed, Withdrawn, StateWithdrawn, ByApplicant, "", nil},
	{StateStale, Renewed, StateSubmitted, ByClock, "", nil},
	{StateStale, Withdrawn, StateWithdrawn, ByApplicant, "", nil},
	{StateJoined, Approved, StateApproved, ByClock, "", nil},
	{StateJoined, Refused, StateRefused, ByClock, "", nil},
	{StateJoined, Parted, StateSubmitted, ByClock, "", nil},
	{StateJoined, Withdrawn, StateWithdrawn, ByApplicant, "", nil},

	{Any, Said, Any, ByApplicant, "", nil},
	{Any, Said, Any, ByOfficer, "ask", nil},
	{Any, Added, Any, ByApplicant, "", nil},
	{Any, Told, Any, ByClock, "", nil},
	{Any, Agreed, Any, ByAffected, "", nil},
	{Any, Objected, Any, ByAffected, "", nil},
	{Any, Noted, Any, ByOfficer, "read", nil},
	{Any, Assigned, Any, ByOfficer, "read", nil},
	{Any, Trimmed, Any, ByOfficer, "read", nil},
	{Any, Linked, Any, ByOfficer, "read", nil},
	{Any, Visit, Any, ByOfficer, "ask", nil},
	{Any, Visited, Any, ByOfficer, "ask", nil},
	{Any, Barred, Any, ByOfficer, "ask", nil},
	{Any, Released, Any, ByClock, "", nil},
	{Any, Escalated, Any, ByClock, "", nil},
	{Any, Alarmed, Any, ByClock, "", nil},
}

// Transitions lists every step that there is.
func Transitions() []Transition { return slices.Clone(transitions) }

// Life is all that the rules of a case look at.
type Life struct {
	State   State
	Hands   int     // how many officials it takes: 1 decides; 2 check and decide; 3 need a second one who decides
	Asks    int     // how often the clock was stopped
	Filed   []db.ID // who asked for it, took it or answered: none of them checks or decides
	Checked []db.ID // who recommended, also earlier
	Agreed  []db.ID // who endorsed, also earlier
	Apart   []db.ID // who touched the decision that is appealed
}

// Step is somebody's attempt to take a step.
type Step struct {
	Action Action
	By     db.ID
	As     Hand // an officer's is also the applicant's at the counter
}

// find is the transition of an attempt.
func (l Life) find(s Step) (Transition, bool) {
	for _, by := range []Hand{s.As, ByApplicant, ByAffected} {
		for _, t := range transitions {
			if t.Action == s.Action && (t.From == l.State || t.From == Any) && t.By == by && t.in(l.Hands) {
				return t, true
			}
		}
		if s.As != ByOfficer {
			break
		}
	}
	return Transition{}, false
}

// Next is the life after a step. A step that is not there now is a
// fault.Conflict; one that is somebody else's, fault.Forbidden. Where an officer
// may work is not looked at here.
func (l Life) Next(s Step) (Life, error) {
	t, ok := l.find(s)
	if !ok {
		for _, other := range []int{1, 2, 3} {
			l.Hands, other = other, l.Hands
			if t, there := l.find(s); there && t.By == s.As {
				return l.with(other), fault.New(fault.Forbidden, "error.separate_hands")
			}
			l.Hands = other
		}
		return l, fault.New(fault.Conflict, "error.out_of_order")
	}
	if s.As == ByOfficer && !l.separate(s) {
		return l, fault.New(fault.Forbidden, "error.separate_hands")
	}
	if s.Action == Asked && l.Asks >= deadline.Waits {
		return l, fault.New(fault.Conflict, "case.error.asked_enough")
	}
	if t.To != Any {
		l.State = t.To
	}
	switch s.Action {
	case Asked:
		l.Asks++
	case Submitted, Answered:
		l.Filed = append(slices.Clone(l.Filed), s.By)
	case Recommended:
		l.Checked = append(slices.Clone(l.Checked), s.By)
	case Endorsed:
		l.Agreed = append(slices.Clone(l.Agreed), s.By)
	}
	return l, nil
}

func (l Life) with(hands int) Life { l.Hands = hands; return l }

// separate reports whether an officer's hands are free for a step.
func (l Life) separate(s Step) bool {
	in := func(list []db.ID) bool { return slices.Contains(list, s.By) }
	switch s.Action {
	case Recommended:
		return !in(l.Filed) && !in(l.Agreed)
	case Returned:
		return !in(l.Filed) && !in(l.Checked) && !in(l.Agreed)
	case Endorsed, Approved, Refused:
		return !in(l.Filed) && !in(l.Checked) && !in(l.Agreed) && !in(l.Apart)
	}
	return true
}

// May reports whether somebody could take a step now.
func (l Life) May(action Action, by db.ID, as Hand) bool {
	_, err := l.Next(Step{Action: action, By: by, As: as})
	return err == nil
}

// Open reports whether the office owes an answer.
func (s State) Open() bool { return slices.Contains(openStates, s) || s == StateJoined }

// openStates are those in the queue; the indexes of case_file list them too.
var openStates = []State{StateSubmitted, StateWaiting, StateRecommended, StateEndorsed, StateStale}

// Closed reports whether a case is over.
func (s State) Closed() bool { return s == StateApproved || s == StateRefused || s == StateWithdrawn }

// Editable reports whether the applicant may change the answers.
func (s State) Editable() bool { return s == StateDraft || s == StateWaiting }
