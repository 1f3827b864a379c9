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
	KindVerifyAudit         = "verify_audit"
	KindCheckDuplicates     = "check_duplicates"
	KindCheckImport         = "check_import"
	KindApplyImport         = "apply_import"
	KindCompareImport       = "compare_import"
	KindAssessImport        = "assess_import"
	KindSendNotice          = "send_notice"
	KindComposeLetter       = "compose_letter"
	KindFollowLetter        = "follow_letter"
	KindScanBlob            = "scan_blob"
	KindMeasureRule         = "measure_rule"
	KindSettleCase          = "settle_case"
	KindRenewCase           = "renew_case"
	KindSealCase            = "seal_case"
	KindCopyData            = "copy_data"
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

// VerifyAudit verifies the audit log and keeps what it finds.
type VerifyAudit struct {
	Check db.ID `json:"check"`
}

// Kind names the job for river.
func (VerifyAudit) Kind() string { return KindVerifyAudit }

// CheckDuplicates compares people with everybody: those of a change that was
// applied, or one.
type CheckDuplicates struct {
	About db.ID `json:"about"` // the change or the person
}

// Kind names the job for river.
func (CheckDuplicates) Kind() string { return KindCheckDuplicates }

// CheckImport reads the files of a batch and proposes what is in them, or works
// out what taking a batch back would mean.
type CheckImport struct {
	Batch db.ID `json:"batch"`
}

// Kind names the job for river.
func (CheckImport) Kind() string { return KindCheckImport }

// ApplyImport makes an approved batch true.
type ApplyImport struct {
	Batch db.ID `json:"batch"`
}

// Kind names the job for river.
func (ApplyImport) Kind() string { return KindApplyImport }

// CompareImport finds whom of a batch the registry may have already.
type CompareImport struct {
	Batch db.ID `json:"batch"`
}

// Kind names the job for river.
func (CompareImport) Kind() string { return KindCompareImport }

// AssessImport decides the programmes of households that came with a batch.
type AssessImport struct {
	Batch db.ID `json:"batch"`
}

// Kind names the job for river.
func (AssessImport) Kind() string { return KindAssessImport }

// SendNotice carries a notice out of the house, on whichever channels it may
// go.
type SendNotice struct {
	Notice db.ID `json:"notice"`
}

// Kind names the job for river.
func (SendNotice) Kind() string { return KindSendNotice }

// ComposeLetter puts a letter into words.
type ComposeLetter struct {
	Letter db.ID `json:"letter"`
}

// Kind names the job for river.
func (ComposeLetter) Kind() string { return KindComposeLetter }

// FollowLetter does what follows from what happened to a letter.
type FollowLetter struct {
	Letter db.ID `json:"letter"`
}

// Kind names the job for river.
func (FollowLetter) Kind() string { return KindFollowLetter }

// ScanBlob has a file scanned. A blob's key is an identifier.
type ScanBlob struct {
	Blob db.ID `json:"blob"`
}

// Kind names the job for river.
func (ScanBlob) Kind() string { return KindScanBlob }

// MeasureRule finds out whom a new version of a rule would take something from.
type MeasureRule struct {
	Rule db.ID `json:"rule"`
}

// Kind names the job for river.
func (MeasureRule) Kind() string { return KindMeasureRule }

// SealCase seals what was written in a case before it was sealed.
type SealCase struct {
	Case db.ID `json:"case"`
}

// Kind names the job for river.
func (SealCase) Kind() string { return KindSealCase }

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

// CopyData puts together what is known about somebody who asked for it.
type CopyData struct {
	Copy db.ID `json:"copy"`
}

// Kind names the job for river.
func (CopyData) Kind() string { return KindCopyData }
