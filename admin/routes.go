// Package admin is the staff's site, on its own origin. This list is all of it.
package admin

import (
	"github.com/gofiber/fiber/v2"

	"daftar/admin/areas"
	"daftar/admin/cases"
	"daftar/admin/changes"
	"daftar/admin/credentials"
	"daftar/admin/decisions"
	"daftar/admin/duplicates"
	"daftar/admin/emergency"
	"daftar/admin/fields"
	"daftar/admin/filters"
	"daftar/admin/freezes"
	"daftar/admin/home"
	"daftar/admin/imports"
	"daftar/admin/kin"
	"daftar/admin/letters"
	"daftar/admin/links"
	"daftar/admin/outages"
	"daftar/admin/oversight"
	"daftar/admin/people"
	"daftar/admin/processing"
	"daftar/admin/purpose"
	"daftar/admin/retention"
	"daftar/admin/rules"
	"daftar/admin/search"
	"daftar/admin/settings"
	"daftar/auth"
	"daftar/blob"
	registrycases "daftar/registry/cases"
	"daftar/web"
	"daftar/web/filing"
	"daftar/web/intake"
	"daftar/web/signin"
	"daftar/web/ui"
)

// Config is what the staff's pages need.
type Config struct {
	Provider *auth.Provider
	Passkeys *auth.Passkeys
	Blobs    *blob.Dir
	Codes    registrycases.Codes
	// PortalURL is printed on receipts.
	PortalURL string
}

// Nav lists the main pages that somebody may open.
func Nav(p auth.Principal) []ui.NavItem {
	var items []ui.NavItem
	for _, item := range []struct {
		need auth.Permission
		ui.NavItem
	}{
		{auth.CaseRead, ui.NavItem{Key: "nav.queue", Path: "/cases"}},
		{auth.CaseIntake, ui.NavItem{Key: "nav.counter", Path: "/counter"}},
		{auth.ChangeRead, ui.NavItem{Key: "nav.changes", Path: "/changes"}},
		{auth.AccountLink, ui.NavItem{Key: "nav.links", Path: "/links"}},
		{auth.DuplicateRead, ui.NavItem{Key: "nav.duplicates", Path: "/duplicates"}},
		{auth.PersonSearch, ui.NavItem{Key: "nav.search", Path: "/search"}},
		{auth.PersonRead, ui.NavItem{Key: "nav.groups", Path: "/groups"}},
		{auth.FilterUse, ui.NavItem{Key: "nav.filters", Path: "/filters"}},
		{auth.LetterPrint, ui.NavItem{Key: "nav.letters", Path: "/letters"}},
		{auth.LetterRead, ui.NavItem{Key: "nav.lettertexts", Path: "/letters/texts"}},
		{auth.DecisionSend, ui.NavItem{Key: "nav.decisions", Path: "/decisions"}},
		{auth.RuleRead, ui.NavItem{Key: "nav.rules", Path: "/rules"}},
		{auth.OutageRecord, ui.NavItem{Key: "nav.outages", Path: "/outages"}},
		{auth.CredentialRead, ui.NavItem{Key: "nav.credentials", Path: "/credentials"}},
		{auth.FieldEdit, ui.NavItem{Key: "nav.fields", Path: "/fields"}},
		{auth.FreezeEdit, ui.NavItem{Key: "nav.freezes", Path: "/freezes"}},
		{auth.AreaRead, ui.NavItem{Key: "nav.areas", Path: "/areas"}},
		{auth.AuditRead, ui.NavItem{Key: "nav.audit", Path: "/audit"}},
		{auth.AlertRead, ui.NavItem{Key: "nav.alerts", Path: "/alerts"}},
		{auth.QuestionAnswer, ui.NavItem{Key: "nav.questions", Path: "/questions"}},
		{auth.DelayRead, ui.NavItem{Key: "nav.delays", Path: "/delays"}},
		{auth.LookRelease, ui.NavItem{Key: "nav.releases", Path: "/releases"}},
		{auth.ProcessingRead, ui.NavItem{Key: "nav.processing", Path: "/processing"}},
		{auth.EmergencyAsk, ui.NavItem{Key: "nav.emergency", Path: "/emergency"}},
		{auth.EmergencyOpen, ui.NavItem{Key: "nav.emergencies", Path: "/emergency/requests"}},
		{auth.KinEnd, ui.NavItem{Key: "nav.declarations", Path: "/declarations"}},
		{auth.ErasureApprove, ui.NavItem{Key: "nav.erasures", Path: "/erasures"}},
		{auth.HoldDecide, ui.NavItem{Key: "nav.holds", Path: "/holds"}},
		{auth.Staff, ui.NavItem{Key: "nav.relatives", Path: "/relatives"}},
		{auth.SettingRead, ui.NavItem{Key: "nav.settings", Path: "/settings"}},
		{auth.ImportRead, ui.NavItem{Key: "nav.imports", Path: "/imports"}},
	} {
		if p.May(item.need) {
			items = append(items, item.NavItem)
		}
	}
	return items
}

// Routes lists every page of the admin area.
func Routes(cfg Config) []web.Route {
	const get, post = fiber.MethodGet, fiber.MethodPost
	evidence := cases.Evidence{Blobs: cfg.Blobs}
	records := people.Proposals{Blobs: cfg.Blobs}
	imp := imports.Pages{Blobs: cfg.Blobs}
	routes := []web.Route{
		web.Logo(),
		{Method: get, Path: "/", Permission: auth.Public, Handler: home.Root, Bare: true},
		{Method: get, Path: "", Permission: auth.Public, Handler: home.Start},

		// what is erased, and what is held
		{Method: get, Path: "/erasures", Permission: auth.ErasureApprove, Handler: retention.Show},
		{Method: post, Path: "/erasures/:ref", Permission: auth.ErasureApprove, Handler: retention.Erase},
		{Method: post, Path: "/holds", Permission: auth.ErasureApprove, Handler: retention.Hold},
		{Method: post, Path: "/holds/:ref/lift", Permission: auth.ErasureApprove, Handler: retention.Lift},
		{Method: get, Path: "/holds", Permission: auth.HoldDecide, Handler: retention.Holds},
		{Method: post, Path: "/holds/:ref", Permission: auth.HoldDecide, Handler: retention.Decide},

		// whom one is close to
		{Method: get, Path: "/relatives", Permission: auth.Staff, Handler: kin.Mine},
		{Method: post, Path: "/relatives", Permission: auth.Staff, Handler: kin.Declare},
		{Method: get, Path: "/declarations", Permission: auth.KinEnd, Handler: kin.Others},
		{Method: post, Path: "/declarations/:ref/end", Permission: auth.KinEnd, Handler: kin.End},

		// records that two people open for a while
		{Method: get, Path: "/emergency", Permission: auth.EmergencyAsk, Handler: emergency.Mine},
		{Method: post, Path: "/emergency", Permission: auth.EmergencyAsk, Handler: emergency.Ask},
		{Method: post, Path: "/emergency/:ref/end", Permission: auth.Staff, Handler: emergency.End},
		{Method: get, Path: "/emergency/requests", Permission: auth.EmergencyOpen, Handler: emergency.Waiting},
		{Method: post, Path: "/emergency/requests/:ref", Permission: auth.EmergencyOpen, Handler: emergency.Decide},
		{Method: post, Path: "/emergency/requests/:ref/end", Permission: auth.EmergencyOpen, Handler: emergency.End},

		// cases
		{Method: get, Path: "/cases", Permission: auth.CaseRead, Handler: cases.Queue},
		{Method: get, Path: "/cases/:ref", Permission: auth.CaseRead, Handler: cases.Show},
		{Method: get, Path: "/cases/:ref/photos/:photo", Permission: auth.CaseRead, Handler: evidence.Answer},
		{Method: get, Path: "/cases/:ref/ask", Permission: auth.CaseAsk, Handler: cases.AskForm},
		{Method: post, Path: "/cases/:ref/ask", Permission: auth.CaseAsk, Handler: cases.Ask},
		{Method: get, Path: "/cases/:ref/recommend", Permission: auth.CaseRecommend, Handler: cases.RecommendForm},
		{Method: post, Path: "/cases/:ref/recommend", Permission: auth.CaseRecommend, Handler: cases.Recommend},
		{Method: get, Path: "/cases/:ref/decide", Permission: auth.CaseDecide, Handler: cases.DecideForm},
		{Method: post, Path: "/cases/:ref/decide", Permission: auth.CaseDecide, Handler: cases.Decide},
		{Method: post, Path: "/cases/next", Permission: auth.CaseRead, Handler: cases.Next},
		{Method: post, Path: "/cases/keys", Permission: auth.CaseRead, Handler: cases.Keys},
		{Method: post, Path: "/cases/bulk", Permission: auth.CaseDecide, Handler: cases.BulkForm},
		{Method: post, Path: "/cases/bulk/approve", Permission: auth.CaseDecide, Handler: cases.Bulk},
		{Method: get, Path: "/cases/:ref/documents/:id", Permission: auth.CaseRead, Handler: evidence.Document},
		{Method: get, Path: "/cases/:ref/note", Permission: auth.CaseRead, Handler: cases.NoteForm},
		{Method: post, Path: "/cases/:ref/note", Permission: auth.CaseRead, Handler: cases.Note},
		{Method: get, Path: "/cases/:ref/say", Permission: auth.CaseAsk, Handler: cases.SayForm},
		{Method: post, Path: "/cases/:ref/say", Permission: auth.CaseAsk, Handler: cases.Say},
		{Method: get, Path: "/cases/:ref/assign", Permission: auth.CaseRead, Handler: cases.AssignForm},
		{Method: post, Path: "/cases/:ref/assign", Permission: auth.CaseRead, Handler: cases.Assign},
		{Method: get, Path: "/cases/:ref/link", Permission: auth.CaseRead, Handler: cases.LinkForm},
		{Method: post, Path: "/cases/:ref/link", Permission: auth.CaseRead, Handler: cases.Link},
		{Method: get, Path: "/cases/:ref/visits", Permission: auth.CaseAsk, Handler: cases.VisitForm},
		{Method: post, Path: "/cases/:ref/visits", Permission: auth.CaseAsk, Handler: cases.Visit},
		{Method: get, Path: "/cases/:ref/visits/:visit", Permission: auth.CaseAsk, Handler: cases.ReportForm},
		{Method: post, Path: "/cases/:ref/visits/:visit", Permission: auth.CaseAsk, Handler: cases.Report},
		{Method: get, Path: "/vacant", Permission: auth.CaseRead, Handler: cases.Vacant},
		{Method: get, Path: "/visits", Permission: auth.CaseRead, Handler: cases.Rounds},
		{Method: get, Path: "/cases/:ref/same", Permission: auth.CaseRead, Handler: cases.SameForm},
		{Method: post, Path: "/cases/:ref/same", Permission: auth.CaseRead, Handler: cases.Same},
		{Method: get, Path: "/cases/:ref/trim", Permission: auth.CaseRead, Handler: cases.TrimForm},
		{Method: post, Path: "/cases/:ref/trim", Permission: auth.CaseRead, Handler: cases.Trim},
		{Method: get, Path: "/cases/:ref/undo", Permission: auth.CaseOpen, Handler: cases.UndoForm},
		{Method: post, Path: "/cases/:ref/undo", Permission: auth.CaseOpen, Handler: cases.Undo},
		{Method: get, Path: "/cases/:ref/official", Permission: auth.CaseAsk, Handler: cases.OfficialForm},
		{Method: post, Path: "/cases/:ref/official", Permission: auth.CaseAsk, Handler: cases.Official},
		{Method: get, Path: "/cases/:ref/seal", Permission: auth.CaseAsk, Handler: cases.SealForm},
		{Method: post, Path: "/cases/:ref/seal", Permission: auth.CaseAsk, Handler: cases.Seal},
		{Method: get, Path: "/freezes", Permission: auth.FreezeEdit, Handler: freezes.List},
		{Method: post, Path: "/freezes", Permission: auth.FreezeEdit, Handler: freezes.Add},
		{Method: post, Path: "/freezes/:id/end", Permission: auth.FreezeEdit, Handler: freezes.End},

		// the counter
		{Method: get, Path: "/counter", Permission: auth.CaseIntake, Handler: cases.Counter},
		{Method: post, Path: "/counter", Permission: auth.CaseIntake, Handler: cases.StartAtCounter},
		{Method: post, Path: "/counter/find", Permission: auth.CaseIntake, Handler: cases.FindAtCounter},
		{Method: post, Path: "/counter/complaint", Permission: auth.CaseIntake, Handler: cases.ComplainAtCounter},
		{Method: get, Path: "/counter/for/:ref", Permission: auth.CaseIntake, Handler: cases.ForSomebody},
		{Method: post, Path: "/counter/for/:ref", Permission: auth.CaseIntake, Handler: cases.StartFor},
		{Method: get, Path: "/counter/for/:ref/delegates", Permission: auth.DelegateGrant, Handler: cases.DelegateForm},
		{Method: post, Path: "/counter/for/:ref/delegates", Permission: auth.DelegateGrant, Handler: cases.Delegate},
		{Method: post, Path: "/counter/for/:ref/delegates/:delegation/revoke", Permission: auth.DelegateGrant, Handler: cases.RevokeDelegate},
		{Method: get, Path: "/counter/for/:ref/account", Permission: auth.DelegateGrant, Handler: cases.AccountForm},
		{Method: post, Path: "/counter/for/:ref/account", Permission: auth.DelegateGrant, Handler: cases.Account},
		{Method: get, Path: "/links", Permission: auth.AccountLink, Handler: links.List},
		{Method: get, Path: "/links/:ref", Permission: auth.AccountLink, Handler: links.Show},
		{Method: post, Path: "/links/:ref", Permission: auth.AccountLink, Handler: links.Decide},

		// records, and proposals to change them
		{Method: get, Path: "/people/:ref", Permission: auth.PersonRead, Handler: people.Person},
		{Method: get, Path: "/people/:ref/propose", Permission: auth.ChangePropose, Handler: people.ProposePerson},
		{Method: post, Path: "/people/:ref/propose", Permission: auth.ChangePropose, Handler: records.SendPerson, Upload: true},
		{Method: get, Path: "/people/:ref/numbers", Permission: auth.PersonNumber, Handler: people.NumberForm},
		{Method: post, Path: "/people/:ref/numbers", Permission: auth.PersonNumber, Handler: people.ShowNumber},
		{Method: get, Path: "/people/:ref/outcome", Permission: auth.ChangePropose, Handler: people.OutcomeForm},
		{Method: post, Path: "/people/:ref/outcome", Permission: auth.ChangePropose, Handler: people.Outcome},
		{Method: get, Path: "/households/:ref", Permission: auth.PersonRead, Handler: people.Household},
		{Method: get, Path: "/households/:ref/propose", Permission: auth.ChangePropose, Handler: people.ProposeHousehold},
		{Method: get, Path: "/people/:ref/propose/:part", Permission: auth.ChangePropose, Handler: people.PersonPart},
		{Method: post, Path: "/people/:ref/propose/:part", Permission: auth.ChangePropose, Handler: people.SendPersonPart},
		{Method: get, Path: "/households/:ref/propose/:part", Permission: auth.ChangePropose, Handler: people.HouseholdPart},
		{Method: post, Path: "/households/:ref/propose/:part", Permission: auth.ChangePropose, Handler: people.SendHouseholdPart},
		{Method: get, Path: "/groups", Permission: auth.PersonRead, Handler: filters.GroupList},
		{Method: get, Path: "/groups/new", Permission: auth.ChangePropose, Handler: people.NewGroupForm},
		{Method: post, Path: "/groups/new", Permission: auth.ChangePropose, Handler: people.NewGroup},
		{Method: post, Path: "/households/:ref/propose", Permission: auth.ChangePropose, Handler: records.SendHousehold, Upload: true},
		{Method: get, Path: "/people/:ref/photos/:photo", Permission: auth.PersonRead, Handler: records.PersonPhoto},
		{Method: get, Path: "/households/:ref/photos/:photo", Permission: auth.PersonRead, Handler: records.HouseholdPhoto},
		{Method: get, Path: "/groups/:ref", Permission: auth.PersonRead, Handler: people.Group},
		{Method: get, Path: "/groups/:ref/propose/:part", Permission: auth.ChangePropose, Handler: people.GroupPart},
		{Method: post, Path: "/groups/:ref/propose/:part", Permission: auth.ChangePropose, Handler: people.SendGroupPart},
		{Method: get, Path: "/changes", Permission: auth.ChangeRead, Handler: changes.List},
		{Method: get, Path: "/changes/:ref", Permission: auth.ChangeRead, Handler: changes.Show},
		{Method: post, Path: "/changes/:ref/verify", Permission: auth.ChangeVerify, Handler: changes.Verify},
		{Method: post, Path: "/changes/:ref/reject", Permission: auth.ChangeVerify, Handler: changes.Reject},
		{Method: post, Path: "/changes/:ref/again", Permission: auth.ChangePropose, Handler: changes.Again},
		{Method: post, Path: "/changes/:ref/decide", Permission: auth.ChangeApprove, Handler: changes.Decide},
		{Method: post, Path: "/changes/:ref/withdraw", Permission: auth.ChangePropose, Handler: changes.Withdraw},
		{Method: get, Path: "/changes/:ref/undo", Permission: auth.ChangePropose, Handler: changes.UndoForm},
		{Method: post, Path: "/changes/:ref/undo", Permission: auth.ChangePropose, Handler: changes.Undo},

		// records that may be of one person
		{Method: get, Path: "/duplicates", Permission: auth.DuplicateRead, Handler: duplicates.List},
		{Method: get, Path: "/duplicates/open", Permission: auth.DuplicateDecide, Handler: duplicates.OpenForm},
		{Method: post, Path: "/duplicates/open", Permission: auth.DuplicateDecide, Handler: duplicates.Open},
		{Method: get, Path: "/duplicates/pairs/:ref", Permission: auth.DuplicateRead, Handler: duplicates.Show},
		{Method: post, Path: "/duplicates/pairs/:ref/say", Permission: auth.DuplicateDecide, Handler: duplicates.Say},
		{Method: get, Path: "/duplicates/pairs/:ref/merge", Permission: auth.DuplicateDecide, Handler: duplicates.MergeForm},
		{Method: post, Path: "/duplicates/pairs/:ref/merge", Permission: auth.DuplicateDecide, Handler: duplicates.Merge},

		// finding people
		{Method: get, Path: "/search", Permission: auth.PersonSearch, Handler: search.Form},
		{Method: post, Path: "/search", Permission: auth.PersonSearch, Handler: search.Find},
		{Method: post, Path: "/purpose", Permission: auth.Staff, Handler: purpose.Set},
		{Method: get, Path: "/filters", Permission: auth.FilterUse, Handler: filters.List},
		{Method: get, Path: "/filters/new", Permission: auth.FilterUse, Handler: filters.NewForm},
		{Method: post, Path: "/filters/new", Permission: auth.FilterUse, Handler: filters.New},
		{Method: get, Path: "/filters/:ref", Permission: auth.FilterUse, Handler: filters.Show},
		{Method: post, Path: "/filters/:ref", Permission: auth.FilterUse, Handler: filters.Change},
		{Method: get, Path: "/filters/:ref/add", Permission: auth.FilterUse, Handler: filters.AddForm},
		{Method: post, Path: "/filters/:ref/add", Permission: auth.FilterUse, Handler: filters.Add},
		{Method: post, Path: "/filters/:ref/share", Permission: auth.FilterShare, Handler: filters.Share},
		{Method: get, Path: "/filters/:ref/export", Permission: auth.PersonExport, Handler: filters.ExportForm},
		{Method: post, Path: "/filters/:ref/export", Permission: auth.PersonExport, Handler: filters.Export},
		{Method: get, Path: "/filters/:ref/remove", Permission: auth.FilterUse, Handler: filters.RemoveForm},
		{Method: post, Path: "/filters/:ref/remove", Permission: auth.FilterUse, Handler: filters.Remove},

		// letters: on paper, and the texts that they are written in
		{Method: get, Path: "/letters", Permission: auth.LetterPrint, Handler: letters.Queue},
		{Method: get, Path: "/letters/texts", Permission: auth.LetterRead, Handler: letters.Texts},
		{Method: get, Path: "/letters/texts/:kind/:language", Permission: auth.LetterRead, Handler: letters.Text},
		{Method: post, Path: "/letters/texts/:kind/:language", Permission: auth.LetterEdit, Handler: letters.Write},
		{Method: post, Path: "/letters/texts/:kind/:language/review", Permission: auth.LetterReview, Handler: letters.Review},
		{Method: get, Path: "/letters/:ref", Permission: auth.LetterPrint, Handler: letters.Show},
		{Method: get, Path: "/letters/:ref/pdf", Permission: auth.LetterPrint, Handler: letters.PDF},
		{Method: post, Path: "/letters/:ref/note", Permission: auth.LetterPrint, Handler: letters.Note},

		// decisions that would take something away, and rules that would
		{Method: get, Path: "/decisions", Permission: auth.DecisionSend, Handler: decisions.List},
		{Method: get, Path: "/decisions/:ref", Permission: auth.DecisionSend, Handler: decisions.Show},
		{Method: post, Path: "/decisions/:ref/send", Permission: auth.DecisionSend, Handler: decisions.Send},
		{Method: post, Path: "/decisions/:ref/aside", Permission: auth.DecisionSend, Handler: decisions.SetAside},
		{Method: get, Path: "/rules", Permission: auth.RuleRead, Handler: rules.List},
		{Method: get, Path: "/rules/:code/:version", Permission: auth.RuleRead, Handler: rules.Show},
		{Method: post, Path: "/rules/:code/:version/decide", Permission: auth.RuleApprove, Handler: rules.Decide},

		// when the service was down
		{Method: get, Path: "/outages", Permission: auth.OutageRecord, Handler: outages.List},
		{Method: post, Path: "/outages", Permission: auth.OutageRecord, Handler: outages.Record},

		// credentials
		{Method: get, Path: "/credentials", Permission: auth.CredentialRead, Handler: credentials.Find},
		{Method: get, Path: "/credentials/:ref/revoke", Permission: auth.CredentialRevoke, Handler: credentials.RevokeForm},
		{Method: post, Path: "/credentials/:ref/revoke", Permission: auth.CredentialRevoke, Handler: credentials.Revoke},

		// field definitions
		{Method: get, Path: "/fields", Permission: auth.FieldEdit, Handler: fields.List},
		{Method: post, Path: "/fields/packs", Permission: auth.FieldEdit, Handler: fields.InstallPack},
		{Method: get, Path: "/fields/new", Permission: auth.FieldEdit, Handler: fields.NewForm},
		{Method: post, Path: "/fields/new", Permission: auth.FieldEdit, Handler: fields.New},
		{Method: get, Path: "/fields/schemas/:subject", Permission: auth.FieldEdit, Handler: fields.Schema},
		{Method: get, Path: "/fields/:subject/:code", Permission: auth.FieldEdit, Handler: fields.Show},
		{Method: get, Path: "/fields/:subject/:code/edit", Permission: auth.FieldEdit, Handler: fields.EditForm},
		{Method: post, Path: "/fields/:subject/:code/edit", Permission: auth.FieldEdit, Handler: fields.Edit},
		{Method: post, Path: "/fields/:subject/:code/preview", Permission: auth.FieldEdit, Handler: fields.Preview},
		{Method: post, Path: "/fields/:subject/:code/publish", Permission: auth.FieldEdit, Handler: fields.Publish},
		{Method: post, Path: "/fields/:subject/:code/discard", Permission: auth.FieldEdit, Handler: fields.Discard},
		{Method: post, Path: "/fields/:subject/:code/retire", Permission: auth.FieldEdit, Handler: fields.Retire},

		// oversight
		{Method: get, Path: "/processing", Permission: auth.ProcessingRead, Handler: processing.Show},
		{Method: get, Path: "/processing/file", Permission: auth.ProcessingRead, Handler: processing.File},
		{Method: get, Path: "/audit", Permission: auth.AuditRead, Handler: oversight.Log},
		{Method: post, Path: "/audit/export", Permission: auth.AuditRead, Strong: true, Handler: oversight.Export},
		{Method: get, Path: "/audit/checks", Permission: auth.AuditRead, Handler: oversight.Checks},
		{Method: post, Path: "/audit/checks", Permission: auth.AuditRead, Handler: oversight.Check},
		{Method: get, Path: "/alerts", Permission: auth.AlertRead, Handler: oversight.Alerts},
		{Method: get, Path: "/alerts/:ref", Permission: auth.AlertRead, Handler: oversight.Alert},
		{Method: post, Path: "/alerts/:ref", Permission: auth.AlertRead, Handler: oversight.CloseAlert},
		{Method: get, Path: "/refusals", Permission: auth.AlertRead, Handler: oversight.Refusals},
		{Method: get, Path: "/questions", Permission: auth.QuestionAnswer, Handler: oversight.Questions},
		{Method: get, Path: "/questions/:ref", Permission: auth.QuestionAnswer, Handler: oversight.Question},
		{Method: post, Path: "/questions/:ref", Permission: auth.QuestionAnswer, Handler: oversight.Answer},
		{Method: get, Path: "/delays", Permission: auth.DelayRead, Handler: oversight.Delays},
		{Method: get, Path: "/delays/new", Permission: auth.DelayRequest, Handler: oversight.DelayForm},
		{Method: post, Path: "/delays/new", Permission: auth.DelayRequest, Handler: oversight.RequestDelay},
		{Method: post, Path: "/delays/:ref", Permission: auth.DelayDecide, Handler: oversight.DecideDelay},
		{Method: get, Path: "/releases", Permission: auth.LookRelease, Handler: oversight.Releases},
		{Method: post, Path: "/releases", Permission: auth.LookRelease, Handler: oversight.Release},

		// areas
		{Method: get, Path: "/areas", Permission: auth.AreaRead, Handler: areas.Browse},
		{Method: get, Path: "/areas/changes", Permission: auth.AreaRead, Handler: areas.Changes},
		{Method: get, Path: "/areas/changes/:ref", Permission: auth.AreaRead, Handler: areas.Change},
		{Method: post, Path: "/areas/changes/:ref/send", Permission: auth.AreaPropose, Handler: areas.Send},
		{Method: post, Path: "/areas/changes/:ref/withdraw", Permission: auth.AreaPropose, Handler: areas.Withdraw},
		{Method: get, Path: "/areas/changes/:ref/decide", Permission: auth.AreaApprove, Handler: areas.DecideForm},
		{Method: post, Path: "/areas/changes/:ref/decide", Permission: auth.AreaApprove, Handler: areas.Decide},
		{Method: post, Path: "/areas/changes/:ref/retry", Permission: auth.AreaApprove, Handler: areas.Retry},
		{Method: get, Path: "/areas/import", Permission: auth.AreaPropose, Handler: areas.ImportForm},
		{Method: post, Path: "/areas/import", Permission: auth.AreaPropose, Handler: areas.Import, Upload: true},
		{Method: get, Path: "/areas/left", Permission: auth.ChangePropose, Handler: areas.Left},
		{Method: get, Path: "/areas/at/:code", Permission: auth.AreaRead, Handler: areas.Show},
		{Method: get, Path: "/areas/at/:code/names", Permission: auth.AreaPropose, Handler: areas.NamesForm},
		{Method: post, Path: "/areas/at/:code/names", Permission: auth.AreaPropose, Handler: areas.Names},
		{Method: get, Path: "/areas/at/:code/add", Permission: auth.AreaPropose, Handler: areas.AddForm},
		{Method: post, Path: "/areas/at/:code/add", Permission: auth.AreaPropose, Handler: areas.Add},
		{Method: get, Path: "/areas/at/:code/move", Permission: auth.AreaPropose, Handler: areas.MoveForm},
		{Method: post, Path: "/areas/at/:code/move", Permission: auth.AreaPropose, Handler: areas.Move},
		{Method: get, Path: "/areas/at/:code/end", Permission: auth.AreaPropose, Handler: areas.EndForm},
		{Method: post, Path: "/areas/at/:code/end", Permission: auth.AreaPropose, Handler: areas.End},
		{Method: get, Path: "/areas/at/:code/merge", Permission: auth.AreaPropose, Handler: areas.MergeForm},
		{Method: post, Path: "/areas/at/:code/merge", Permission: auth.AreaPropose, Handler: areas.Merge},
		{Method: get, Path: "/areas/at/:code/split", Permission: auth.AreaPropose, Handler: areas.SplitForm},
		{Method: post, Path: "/areas/at/:code/split", Permission: auth.AreaPropose, Handler: areas.Split},
	}
	routes = append(routes, settings.Routes(Nav)...)
	routes = append(routes,
		// imports
		web.Route{Method: get, Path: "/imports", Permission: auth.ImportRead, Handler: imp.List},
		web.Route{Method: get, Path: "/imports/new", Permission: auth.ImportRun, Handler: imp.NewForm},
		web.Route{Method: post, Path: "/imports/new", Permission: auth.ImportRun, Handler: imp.New, Stream: true},
		web.Route{Method: get, Path: "/imports/template", Permission: auth.ImportRun, Handler: imp.Template},
		web.Route{Method: get, Path: "/imports/template/:table", Permission: auth.ImportRun, Handler: imp.TableTemplate},
		web.Route{Method: get, Path: "/imports/mappings", Permission: auth.ImportRun, Handler: imp.Mappings},
		web.Route{Method: get, Path: "/imports/mappings/:ref", Permission: auth.ImportRun, Handler: imp.Mapping},
		web.Route{Method: post, Path: "/imports/mappings/:ref/remove", Permission: auth.ImportRun, Handler: imp.RemoveMapping},
		web.Route{Method: get, Path: "/imports/:ref", Permission: auth.ImportRead, Handler: imp.Show},
		web.Route{Method: get, Path: "/imports/:ref/state", Permission: auth.ImportRead, Handler: imp.State},
		web.Route{Method: get, Path: "/imports/:ref/files", Permission: auth.ImportRun, Handler: imp.FilesForm},
		web.Route{Method: post, Path: "/imports/:ref/files", Permission: auth.ImportRun, Handler: imp.Files},
		web.Route{Method: get, Path: "/imports/:ref/columns", Permission: auth.ImportRun, Handler: imp.ColumnsForm},
		web.Route{Method: post, Path: "/imports/:ref/columns", Permission: auth.ImportRun, Handler: imp.Columns},
		web.Route{Method: get, Path: "/imports/:ref/answers", Permission: auth.ImportRun, Handler: imp.AnswersForm},
		web.Route{Method: post, Path: "/imports/:ref/answers", Permission: auth.ImportRun, Handler: imp.Answers},
		web.Route{Method: get, Path: "/imports/:ref/options", Permission: auth.ImportRun, Handler: imp.OptionsForm},
		web.Route{Method: post, Path: "/imports/:ref/options", Permission: auth.ImportRun, Handler: imp.Options},
		web.Route{Method: get, Path: "/imports/:ref/mapping", Permission: auth.ImportRun, Handler: imp.MappingFile},
		web.Route{Method: post, Path: "/imports/:ref/mapping", Permission: auth.ImportRun, Handler: imp.UseMapping, Upload: true},
		web.Route{Method: post, Path: "/imports/:ref/start", Permission: auth.ImportRun, Handler: imp.Start},
		web.Route{Method: post, Path: "/imports/:ref/reopen", Permission: auth.ImportRun, Handler: imp.Reopen},
		web.Route{Method: post, Path: "/imports/:ref/send", Permission: auth.ImportRun, Handler: imp.Send},
		web.Route{Method: post, Path: "/imports/:ref/withdraw", Permission: auth.ImportRun, Handler: imp.Withdraw},
		web.Route{Method: get, Path: "/imports/:ref/problems", Permission: auth.ImportRead, Handler: imp.Problems},
		web.Route{Method: get, Path: "/imports/:ref/records", Permission: auth.ImportRead, Handler: imp.Records},
		web.Route{Method: get, Path: "/imports/:ref/duplicates", Permission: auth.ImportRead, Handler: imp.Alike},
		web.Route{Method: get, Path: "/imports/:ref/decide", Permission: auth.ImportApprove, Handler: imp.DecideForm},
		web.Route{Method: post, Path: "/imports/:ref/decide", Permission: auth.ImportApprove, Handler: imp.Decide},
		web.Route{Method: get, Path: "/imports/:ref/undo", Permission: auth.ImportRun, Handler: imp.UndoForm},
		web.Route{Method: post, Path: "/imports/:ref/undo", Permission: auth.ImportRun, Handler: imp.Undo},
	)
	routes = append(routes, signin.Routes(auth.Admin, cfg.Provider)...)
	routes = append(routes, signin.PasskeyRoutes(cfg.Passkeys)...)
	routes = append(routes, filing.Site{Permission: auth.CaseIntake, Counter: true, Blobs: cfg.Blobs, Codes: cfg.Codes, PortalURL: cfg.PortalURL}.Routes()...)
	return append(routes, intake.Site{
		Base: "/counter", Permission: auth.CaseIntake, Counter: true, Blobs: cfg.Blobs, Codes: cfg.Codes, PortalURL: cfg.PortalURL,
	}.Routes()...)
}
