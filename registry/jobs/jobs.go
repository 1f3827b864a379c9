// Package jobs names the background jobs and their arguments: references and
// versions, never personal data. Workers live with their feature and are
// registered in cmd.
package jobs

import "daftar/db"

// Kinds that may be enqueued; migrations list which role may ask for which.
const (
	KindAssessHousehold     = "assess_household"
	KindRecomputeFields     = "recompute_fields"
	KindApplyAreas          = "apply_area_change"
	KindContestedIdentifier = "contested_identifier"
	KindSettleCase          = "settle_case"
	KindRenewCase           = "renew_case"
)

// AssessHousehold decides every programme for a household, as it is in a
// version or later.
type AssessHousehold struct {
	Household db.ID `json:"household"`
	Version   int   `json:"version"`
}

// Kind names the job for river.
func (AssessHousehold) Kind() string { return KindAssessHousehold }

// RecomputeFields brings calculated values up to date after a formula or
// records changed.
type RecomputeFields struct {
	Reason db.ID `json:"reason"` // the definition or change that asked
}

// Kind names the job for river.
func (RecomputeFields) Kind() string { return KindRecomputeFields }

// ApplyAreas makes an approved change of areas true.
type ApplyAreas struct {
	Change db.ID `json:"change"`
}

// Kind names the job for river.
func (ApplyAreas) Kind() string { return KindApplyAreas }

// ContestedIdentifier says that a number of a person is claimed by another
// living person too, or is no longer.
type ContestedIdentifier struct {
	Person  db.ID `json:"person"`
	Version int   `json:"version"`
}

// Kind names the job for river.
func (ContestedIdentifier) Kind() string { return KindContestedIdentifier }

// SettleCase looks for an earlier case about the same event, and lets cases that
// joined another follow it.
type SettleCase struct {
	Case db.ID `json:"case"`
}

// Kind names the job for river.
func (SettleCase) Kind() string { return KindSettleCase }

// RenewCase makes the proposal of a case anew, because a record moved on.
type RenewCase struct {
	Case    db.ID `json:"case"`
	Version int   `json:"version"`
}

// Kind names the job for river.
func (RenewCase) Kind() string { return KindRenewCase }
