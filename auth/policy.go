package auth

import "slices"

// Permission is one thing that a route lets somebody do. Every route names
// one; a role is a set of them. This file is the whole policy.
type Permission string

// The permissions.
const (
	Public  Permission = "public"  // anybody, signed in or not
	Citizen Permission = "citizen" // anybody signed in to the portal, for themselves
	Staff   Permission = "staff"   // anybody signed in to the admin area

	CaseRead         Permission = "case.read"
	CaseAsk          Permission = "case.ask"
	CaseIntake       Permission = "case.intake"    // take an application at the counter
	CaseRecommend    Permission = "case.recommend" // check the evidence and propose the decision
	CaseDecide       Permission = "case.decide"
	CredentialRead   Permission = "credential.read"
	CredentialRevoke Permission = "credential.revoke"
	FieldEdit        Permission = "field.edit" // define what is asked and stored
	SettingRead      Permission = "setting.read"
	SettingEdit      Permission = "setting.edit"    // propose settings; those that need one person hold at once
	SettingApprove   Permission = "setting.approve" // be the second person
	AreaRead         Permission = "area.read"
	AreaPropose      Permission = "area.propose" // imports, corrections, merges, splits
	AreaApprove      Permission = "area.approve"

	ImportRead    Permission = "import.read"    // batches that were sent, and their records
	ImportRun     Permission = "import.run"     // bring files in, and ask for a batch to be taken back
	ImportApprove Permission = "import.approve" // decide on either

	PersonRead      Permission = "person.read"      // records of people, households and groups
	PersonProtected Permission = "person.protected" // and the places and contacts that are told to nobody else
	ChangeRead      Permission = "change.read"
	ChangePropose   Permission = "change.propose" // propose a correction, a change or an outcome for a record
	ChangeVerify    Permission = "change.verify"
	ChangeApprove   Permission = "change.approve"
	PersonSearch    Permission = "person.search" // find somebody of whom one knows something
	FilterUse       Permission = "filter.use"    // list who meets conditions
	PersonExport    Permission = "person.export" // take what a filter finds away as a file
	FilterShare     Permission = "filter.share"  // let a role use one's filter

	AuditRead       Permission = "audit.read"      // the log of who did what, and its verifications
	AlertRead       Permission = "alert.read"      // patterns of reading that stand out
	QuestionAnswer  Permission = "question.answer" // what people ask about looks at their records
	DelayRead       Permission = "delay.read"      // what is held back from people, and why
	DelayRequest    Permission = "delay.request"
	DelayDecide     Permission = "delay.decide"
	LookRelease     Permission = "look.release" // show what was read for protection
	KinEnd          Permission = "kin.end"      // see whom staff declared as their relatives, and end a declaration
	DuplicateRead   Permission = "duplicate.read"
	DuplicateDecide Permission = "duplicate.decide" // say whether two records are of one person, and propose to merge them
	LetterPrint     Permission = "letter.print"     // print letters and note how they were delivered
	LetterRead      Permission = "letter.read"      // the texts that they are written in
	LetterEdit      Permission = "letter.edit"      // write those texts
	LetterReview    Permission = "letter.review"    // and say that they may go out
	DecisionSend    Permission = "decision.send"    // send what would take something away, or set it aside
	RuleRead        Permission = "rule.read"        // the versions of rules and what they would do
	RuleApprove     Permission = "rule.approve"     // the ministry, on those that would take much away
	OutageRecord    Permission = "outage.record"    // when the service was down
)

// roles says what each staff role may do. A role that is missing here, or
// empty, may sign in and do nothing.
var roles = map[string][]Permission{
	"intake":      {CaseRead, CaseAsk, CaseIntake, PersonSearch, LetterPrint},
	"verifier":    {CaseRead, CaseAsk, CaseRecommend, PersonRead, ChangeRead, ChangeVerify, PersonSearch, FilterUse, DuplicateRead},
	"approver":    {CaseRead, CaseDecide, AreaRead, AreaApprove, ImportRead, ImportApprove, PersonRead, ChangeRead, ChangeApprove, PersonSearch, FilterUse, DuplicateRead},
	"approver2":   {CaseRead, CaseDecide, AreaRead, AreaApprove, ImportRead, ImportApprove, PersonRead, ChangeRead, ChangeApprove, PersonSearch, FilterUse, DelayRead, DelayRequest, DuplicateRead},
	"appeals":     {PersonSearch, LetterRead, LetterReview},
	"grievance":   {PersonSearch},
	"protection":  {PersonRead, PersonProtected, ChangeRead, ChangePropose, PersonSearch, FilterUse, LookRelease, DuplicateRead, DuplicateDecide, LetterPrint},
	"dataquality": {FieldEdit, AreaRead, AreaPropose, ImportRead, ImportRun, PersonRead, ChangeRead, ChangePropose, PersonSearch, FilterUse, PersonExport, FilterShare, DuplicateRead, DuplicateDecide},
	"programme":   {PersonSearch, FilterUse, PersonExport, FilterShare, DelayRead, DelayRequest, LetterRead, LetterEdit, DecisionSend, RuleRead},
	"credential":  {CredentialRead, CredentialRevoke, PersonSearch},
	"auditor":     {AuditRead, DelayRead}, // sees everything but sealed cases, and changes nothing
	"dpo":         {AuditRead, AlertRead, QuestionAnswer, DelayRead, DelayDecide, LookRelease, KinEnd, SettingRead, SettingApprove},
	"sysadmin":    {FieldEdit, SettingRead, SettingEdit, SettingApprove, OutageRecord}, // runs the system and sees nobody's data
	"ministry":    {RuleRead, RuleApprove},
}

// Roles lists the roles that the principal has, wherever.
func (p Principal) Roles() []string {
	var list []string
	for _, g := range p.Grants {
		if !slices.Contains(list, g.Role) {
			list = append(list, g.Role)
		}
	}
	return list
}

// RolesThat lists the staff roles with a permission, in order.
func RolesThat(may Permission) []string {
	var list []string
	for name, permissions := range roles {
		if slices.Contains(permissions, may) {
			list = append(list, name)
		}
	}
	slices.Sort(list)
	return list
}

// Roles lists the staff roles that may be given.
func Roles() []string {
	var names []string
	for name := range roles {
		names = append(names, name)
	}
	return names
}
