package auth

import (
	"slices"

	"daftar/db"
)

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
	CaseOpen         Permission = "case.open"      // begin a case in the office: take a change back, two records of one person
	FreezeEdit       Permission = "freeze.edit"    // times in which decisions change no records
	DelegateGrant    Permission = "delegate.grant" // let somebody act for another, with proof
	AccountLink      Permission = "account.link"   // be the second to tie an account to a person
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
	PersonNumber    Permission = "person.number"    // see a number of somebody whole
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
	LookRelease     Permission = "look.release"    // show what was read for protection
	ProcessingRead  Permission = "processing.read" // what data is used for, and on which basis
	EmergencyAsk    Permission = "emergency.ask"   // ask for a record that one's role does not show
	EmergencyOpen   Permission = "emergency.open"  // be the second person
	KinEnd          Permission = "kin.end"         // see whom staff declared as their relatives, and end a declaration
	ErasureApprove  Permission = "erasure.approve" // agree that records whose time is over are erased, and ask for holds
	HoldDecide      Permission = "hold.decide"     // be the second person on a legal hold
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

// strong lists what nobody does on a sign-in alone: each must have proved within
// StepUpTTL, in a strong way, to be themselves. It holds for what changes
// something, not for looking at it.
var strong = []Permission{
	CaseDecide, ChangeApprove, ImportApprove, AreaApprove, SettingApprove, RuleApprove, DelayDecide,
	PersonExport, PersonNumber, LookRelease, EmergencyAsk, EmergencyOpen, AccountLink, ErasureApprove, HoldDecide,
}

// Strong reports whether something takes a step-up.
func (p Permission) Strong() bool { return slices.Contains(strong, p) }

// roles says what each staff role may do. A role that is missing here, or
// empty, may sign in and do nothing.
var roles = map[string][]Permission{
	"intake":      {CaseRead, CaseAsk, CaseIntake, PersonSearch, LetterPrint, DelegateGrant},
	"verifier":    {CaseRead, CaseAsk, CaseRecommend, PersonRead, PersonNumber, ChangeRead, ChangeVerify, PersonSearch, DuplicateRead, CaseOpen, FilterUse, EmergencyAsk},
	"approver":    {CaseRead, CaseDecide, AccountLink, AreaRead, AreaApprove, ImportRead, ImportApprove, PersonRead, ChangeRead, ChangeApprove, PersonSearch, DuplicateRead, CaseOpen, FilterUse, EmergencyAsk},
	"approver2":   {CaseRead, CaseDecide, AccountLink, AreaRead, AreaApprove, ImportRead, ImportApprove, PersonRead, ChangeRead, ChangeApprove, PersonSearch, DelayRead, DelayRequest, DuplicateRead, CaseOpen, FilterUse, EmergencyAsk, EmergencyOpen, HoldDecide},
	"appeals":     {PersonSearch, LetterRead, LetterReview, CaseRead, CaseAsk, CaseRecommend, CaseDecide},
	"grievance":   {PersonSearch, CaseRead, CaseAsk, CaseRecommend, CaseDecide},
	"protection":  {PersonRead, PersonProtected, PersonNumber, AccountLink, ChangeRead, ChangePropose, PersonSearch, LookRelease, DuplicateRead, DuplicateDecide, LetterPrint, CaseRead, CaseAsk, CaseRecommend, CaseDecide, FilterUse, EmergencyAsk, EmergencyOpen},
	"dataquality": {FieldEdit, AreaRead, AreaPropose, ImportRead, ImportRun, PersonRead, PersonNumber, ChangeRead, ChangePropose, PersonSearch, PersonExport, FilterShare, DuplicateRead, DuplicateDecide, CaseRead, CaseAsk, CaseOpen, FilterUse},
	"programme":   {PersonSearch, PersonExport, FilterShare, DelayRead, DelayRequest, LetterRead, LetterEdit, DecisionSend, RuleRead, FreezeEdit, FilterUse},
	"credential":  {CredentialRead, CredentialRevoke, PersonSearch},
	"auditor":     {AuditRead, DelayRead, ProcessingRead}, // sees everything but sealed cases, and changes nothing
	"dpo":         {AuditRead, AlertRead, QuestionAnswer, DelayRead, DelayDecide, LookRelease, KinEnd, ProcessingRead, SettingRead, SettingApprove, ErasureApprove},
	"sysadmin":    {FieldEdit, SettingRead, SettingEdit, SettingApprove, OutageRecord}, // runs the system and sees nobody's data
	"ministry":    {RuleRead, RuleApprove},
	"support":     {OutageRecord}, // says when the service was down; sees nobody's data
}

// desks says at which desks a role's permissions for cases hold. What is taken at
// the counter may be for counterDesks. The table desk_role says the same; a test
// compares them.
var desks = map[string][]string{
	"intake": {"office"}, "verifier": {"office", "quality"}, "approver": {"office", "quality"}, "approver2": {"office", "quality"},
	"appeals": {"appeals"}, "grievance": {"grievance"}, "protection": {"protection"}, "dataquality": {"quality"},
}

var counterDesks = []string{"office", "grievance", "appeals", "protection"}

// DesksOf lists the desks at which a role may do something with cases.
func DesksOf(role string, may Permission) []string {
	if !slices.Contains(roles[role], may) {
		return nil
	}
	if may == CaseIntake {
		return counterDesks
	}
	return desks[role]
}

// Desk is a desk of the case engine, for an area and everything inside it.
type Desk struct {
	Code string
	Area db.ID
}

// Desks lists where the principal may do something with cases.
func (p Principal) Desks(may Permission) []Desk {
	if p.Audience != Admin || !p.SignedIn() {
		return nil
	}
	var list []Desk
	for _, g := range p.Grants {
		for _, code := range g.desks(may) {
			if d := (Desk{code, g.Area}); !slices.Contains(list, d) {
				list = append(list, d)
			}
		}
	}
	return list
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
