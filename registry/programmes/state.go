package programmes

import "daftar/fault"

// State is where a decision stands. A decision that gives or refuses is in
// force as it is made; one that would take away goes the long way (RULES R10).
// Each has the message "decision.state.<state>".
type State string

// The states of a decision.
const (
	Proposed   State = "proposed"  // nothing has changed; an officer looks at it, and then it is sent
	Served     State = "served"    // proven to have arrived: the time to appeal runs
	Suspended  State = "suspended" // an appeal holds it up
	Upheld     State = "upheld"    // the appeal did not help; it comes into force with the next period
	InForce    State = "in_force"
	Overturned State = "overturned" // the appeal did help
	Withdrawn  State = "withdrawn"  // taken back before it came into force
)

// States lists them.
func States() []State {
	return []State{Proposed, Served, Suspended, Upheld, InForce, Overturned, Withdrawn}
}

// Step is what can happen to a decision that would take something away.
type Step string

// The steps.
const (
	Serve    Step = "serve"    // it is proven that it arrived
	Unserve  Step = "unserve"  // the letter came back: it did not
	Withdraw Step = "withdraw" // by an officer, or because the facts say otherwise now
	Suspend  Step = "suspend"  // an appeal, in time or late
	Uphold   Step = "uphold"
	Overturn Step = "overturn"
	Enforce  Step = "enforce" // the day has come
)

// life is the whole life of such a decision; decision_step in the database says
// the same.
var life = map[State]map[Step]State{
	Proposed:  {Serve: Served, Withdraw: Withdrawn, Suspend: Suspended},
	Served:    {Unserve: Proposed, Withdraw: Withdrawn, Suspend: Suspended, Enforce: InForce},
	Suspended: {Uphold: Upheld, Overturn: Overturned},
	Upheld:    {Suspend: Suspended, Enforce: InForce}, // a second appeal; else the day comes
	InForce:   {Suspend: Suspended},                   // a late appeal whose cause was accepted
}

// Next is the state after a step; fault.Conflict when the decision is not
// there.
func Next(s State, step Step) (State, error) {
	next, ok := life[s][step]
	if !ok {
		return s, fault.New(fault.Conflict, "error.out_of_order")
	}
	return next, nil
}

// Open reports whether it is still to be seen what becomes of it.
func (s State) Open() bool {
	return s == Proposed || s == Served || s == Suspended || s == Upheld
}
