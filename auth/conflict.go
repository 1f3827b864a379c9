package auth

import "slices"

// Why two roles are not for one person. Each has the message "role.conflict.<why>".
const (
	ConflictHands   = "hands"   // one proposes or checks what the other decides
	ConflictSystem  = "system"  // whoever runs the system sees nobody's data
	ConflictAuditor = "auditor" // whoever audits changes nothing
)

// hands are the steps of one kind of thing, each for somebody else. Within one
// role the database keeps the hands apart, for each thing (DESIGN 3.1).
var hands = [][]Permission{
	{CaseIntake, CaseRecommend, CaseDecide},
	{ChangePropose, ChangeVerify, ChangeApprove},
	{AreaPropose, AreaApprove},
	{ImportRun, ImportApprove},
	{SettingEdit, SettingApprove},
	{DelayRequest, DelayDecide},
	{LetterEdit, LetterReview},
	{DecisionSend, RuleApprove},
}

// personal are the permissions that show people's data.
var personal = []Permission{CaseRead, CaseIntake, PersonRead, PersonNumber, PersonSearch, PersonExport, FilterUse, CredentialRead, LetterPrint, DecisionSend,
	QuestionAnswer, AlertRead, DuplicateRead, ImportRead, LookRelease}

// ShowsPeople reports whether a role shows people's data.
func ShowsPeople(role string) bool { return Shows(roles[role]) }

// Shows reports whether permissions show people's data.
func Shows(permissions []Permission) bool {
	return slices.ContainsFunc(personal, func(p Permission) bool { return slices.Contains(permissions, p) })
}

// RoleConflict says why somebody with one role cannot have the other; "" when
// they can. The table role_conflict says the same; a test compares them.
func RoleConflict(a, b string) string {
	if a == b {
		return ""
	}
	if a == "auditor" || b == "auditor" {
		return ConflictAuditor
	}
	runs := func(role string) bool { return slices.Contains(roles[role], SettingEdit) }
	if runs(a) && ShowsPeople(b) || runs(b) && ShowsPeople(a) {
		return ConflictSystem
	}
	for _, steps := range hands {
		for i, one := range steps {
			for j, other := range steps {
				if i != j && slices.Contains(roles[a], one) && slices.Contains(roles[b], other) && meet(a, b, one) {
					return ConflictHands
				}
			}
		}
	}
	return ""
}

// meet reports whether two roles come to the same cases: steps of other kinds of
// things meet everywhere.
func meet(a, b string, step Permission) bool {
	if step != CaseIntake && step != CaseRecommend && step != CaseDecide {
		return true
	}
	return slices.ContainsFunc(desks[a], func(d string) bool { return slices.Contains(desks[b], d) })
}
