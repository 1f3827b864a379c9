package cases

import "slices"

// Reason is a code for a refusal, with the facts that must be given with it.
// There are no others: RULES R1. Each has the message "case.reason.<code>".
type Reason struct {
	Code string
	Fact string   // name of the fact; "" for none
	Of   []string // the fact's possible codes, each with the message "case.fact.<fact>.<code>"
}

// Reasons lists the only grounds on which a registration may be refused.
func Reasons() []Reason {
	return []Reason{
		{Code: "already_registered", Fact: "where", Of: []string{"this_household", "another_household"}},
		{Code: "outside_rules", Fact: "rule", Of: []string{"lives_abroad", "not_a_household"}},
		{Code: "withdrawn", Fact: "how", Of: []string{"in_person", "in_writing"}},
		{Code: "proven_false", Fact: "what", Of: []string{"identity", "members", "home"}},
	}
}

// PermittedReason reports whether code is one of Reasons and fact one of its
// codes.
func PermittedReason(code, fact string) bool {
	return slices.ContainsFunc(Reasons(), func(r Reason) bool { return r.Code == code && slices.Contains(r.Of, fact) })
}
