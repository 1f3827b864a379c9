// Package admin is the staff's site, on its own origin. This list is all of it.
package admin

import (
	"github.com/gofiber/fiber/v2"

	"daftar/admin/areas"
	"daftar/admin/cases"
	"daftar/admin/changes"
	"daftar/admin/credentials"
	"daftar/admin/fields"
	"daftar/admin/filters"
	"daftar/admin/freezes"
	"daftar/admin/home"
	"daftar/admin/letters"
	"daftar/admin/people"
	"daftar/admin/purpose"
	"daftar/admin/search"
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
		{auth.PersonSearch, ui.NavItem{Key: "nav.search", Path: "/search"}},
		{auth.PersonSearch, ui.NavItem{Key: "nav.filters", Path: "/filters"}},
		{auth.CredentialRead, ui.NavItem{Key: "nav.credentials", Path: "/credentials"}},
		{auth.FieldEdit, ui.NavItem{Key: "nav.fields", Path: "/fields"}},
		{auth.FreezeEdit, ui.NavItem{Key: "nav.freezes", Path: "/freezes"}},
		{auth.LetterEdit, ui.NavItem{Key: "nav.letters", Path: "/letters"}},
		{auth.AreaRead, ui.NavItem{Key: "nav.areas", Path: "/areas"}},
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
	routes := []web.Route{
		{Method: get, Path: "/", Permission: auth.Public, Handler: home.Root, Bare: true},
		{Method: get, Path: "", Permission: auth.Public, Handler: home.Start},

		// cases
		{Method: get, Path: "/cases", Permission: auth.CaseRead, Handler: cases.Queue},
		{Method: get, Path: "/cases/:ref", Permission: auth.CaseRead, Handler: cases.Show},
		{Method: get, Path: "/cases/:ref/evidence/:member", Permission: auth.CaseRead, Handler: evidence.Photo},
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
		{Method: get, Path: "/visits", Permission: auth.CaseRead, Handler: cases.Rounds},
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
		{Method: get, Path: "/letters", Permission: auth.LetterEdit, Handler: letters.List},
		{Method: get, Path: "/letters/:code/:tag", Permission: auth.LetterEdit, Handler: letters.Show},
		{Method: post, Path: "/letters/:code/:tag", Permission: auth.LetterEdit, Handler: letters.Write},
		{Method: post, Path: "/letters/:code/:tag/review", Permission: auth.LetterEdit, Handler: letters.Review},

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

		// records, and proposals to change them
		{Method: get, Path: "/people/:ref", Permission: auth.PersonRead, Handler: people.Person},
		{Method: get, Path: "/people/:ref/propose", Permission: auth.ChangePropose, Handler: people.ProposePerson},
		{Method: post, Path: "/people/:ref/propose", Permission: auth.ChangePropose, Handler: people.SendPerson},
		{Method: get, Path: "/people/:ref/outcome", Permission: auth.ChangePropose, Handler: people.OutcomeForm},
		{Method: post, Path: "/people/:ref/outcome", Permission: auth.ChangePropose, Handler: people.Outcome},
		{Method: get, Path: "/households/:ref", Permission: auth.PersonRead, Handler: people.Household},
		{Method: get, Path: "/households/:ref/propose", Permission: auth.ChangePropose, Handler: people.ProposeHousehold},
		{Method: post, Path: "/households/:ref/propose", Permission: auth.ChangePropose, Handler: people.SendHousehold},
		{Method: get, Path: "/groups/:ref", Permission: auth.PersonRead, Handler: people.Group},
		{Method: get, Path: "/changes", Permission: auth.ChangeRead, Handler: changes.List},
		{Method: get, Path: "/changes/:ref", Permission: auth.ChangeRead, Handler: changes.Show},
		{Method: post, Path: "/changes/:ref/verify", Permission: auth.ChangeVerify, Handler: changes.Verify},
		{Method: post, Path: "/changes/:ref/decide", Permission: auth.ChangeApprove, Handler: changes.Decide},
		{Method: post, Path: "/changes/:ref/withdraw", Permission: auth.ChangePropose, Handler: changes.Withdraw},
		// finding people
		{Method: get, Path: "/search", Permission: auth.PersonSearch, Handler: search.Form},
		{Method: post, Path: "/search", Permission: auth.PersonSearch, Handler: search.Find},
		{Method: post, Path: "/purpose", Permission: auth.Staff, Handler: purpose.Set},
		{Method: get, Path: "/filters", Permission: auth.PersonSearch, Handler: filters.List},
		{Method: get, Path: "/filters/new", Permission: auth.PersonSearch, Handler: filters.NewForm},
		{Method: post, Path: "/filters/new", Permission: auth.PersonSearch, Handler: filters.New},
		{Method: get, Path: "/filters/:ref", Permission: auth.PersonSearch, Handler: filters.Show},
		{Method: post, Path: "/filters/:ref", Permission: auth.PersonSearch, Handler: filters.Change},
		{Method: get, Path: "/filters/:ref/add", Permission: auth.PersonSearch, Handler: filters.AddForm},
		{Method: post, Path: "/filters/:ref/add", Permission: auth.PersonSearch, Handler: filters.Add},
		{Method: post, Path: "/filters/:ref/share", Permission: auth.FilterShare, Handler: filters.Share},
		{Method: get, Path: "/filters/:ref/export", Permission: auth.PersonExport, Handler: filters.ExportForm},
		{Method: post, Path: "/filters/:ref/export", Permission: auth.PersonExport, Handler: filters.Export},
		{Method: get, Path: "/filters/:ref/remove", Permission: auth.PersonSearch, Handler: filters.RemoveForm},
		{Method: post, Path: "/filters/:ref/remove", Permission: auth.PersonSearch, Handler: filters.Remove},

		// credentials
		{Method: get, Path: "/credentials", Permission: auth.CredentialRead, Handler: credentials.Find},
		{Method: get, Path: "/credentials/:ref/revoke", Permission: auth.CredentialRevoke, Handler: credentials.RevokeForm},
		{Method: post, Path: "/credentials/:ref/revoke", Permission: auth.CredentialRevoke, Handler: credentials.Revoke},

		// field definitions
		{Method: get, Path: "/fields", Permission: auth.FieldEdit, Handler: fields.List},
		{Method: post, Path: "/fields/packs", Permission: auth.FieldEdit, Handler: fields.InstallPack},
		{Method: get, Path: "/fields/new", Permission: auth.FieldEdit, Handler: fields.NewForm},
		{Method: post, Path: "/fields/new", Permission: auth.FieldEdit, Handler: fields.New},
		{Method: get, Path: "/fields/:subject/:code", Permission: auth.FieldEdit, Handler: fields.Show},
		{Method: get, Path: "/fields/:subject/:code/edit", Permission: auth.FieldEdit, Handler: fields.EditForm},
		{Method: post, Path: "/fields/:subject/:code/edit", Permission: auth.FieldEdit, Handler: fields.Edit},
		{Method: post, Path: "/fields/:subject/:code/preview", Permission: auth.FieldEdit, Handler: fields.Preview},
		{Method: post, Path: "/fields/:subject/:code/publish", Permission: auth.FieldEdit, Handler: fields.Publish},
		{Method: post, Path: "/fields/:subject/:code/discard", Permission: auth.FieldEdit, Handler: fields.Discard},
		{Method: post, Path: "/fields/:subject/:code/retire", Permission: auth.FieldEdit, Handler: fields.Retire},

		// areas
		{Method: get, Path: "/areas", Permission: auth.AreaRead, Handler: areas.Browse},
		{Method: get, Path: "/areas/changes", Permission: auth.AreaRead, Handler: areas.Changes},
		{Method: get, Path: "/areas/changes/:ref", Permission: auth.AreaRead, Handler: areas.Change},
		{Method: post, Path: "/areas/changes/:ref/send", Permission: auth.AreaPropose, Handler: areas.Send},
		{Method: post, Path: "/areas/changes/:ref/withdraw", Permission: auth.AreaPropose, Handler: areas.Withdraw},
		{Method: get, Path: "/areas/changes/:ref/decide", Permission: auth.AreaApprove, Handler: areas.DecideForm},
		{Method: post, Path: "/areas/changes/:ref/decide", Permission: auth.AreaApprove, Handler: areas.Decide},
		{Method: get, Path: "/areas/import", Permission: auth.AreaPropose, Handler: areas.ImportForm},
		{Method: post, Path: "/areas/import", Permission: auth.AreaPropose, Handler: areas.Import, Upload: true},
		{Method: get, Path: "/areas/at/:code", Permission: auth.AreaRead, Handler: areas.Show},
		{Method: get, Path: "/areas/at/:code/names", Permission: auth.AreaPropose, Handler: areas.NamesForm},
		{Method: post, Path: "/areas/at/:code/names", Permission: auth.AreaPropose, Handler: areas.Names},
		{Method: get, Path: "/areas/at/:code/merge", Permission: auth.AreaPropose, Handler: areas.MergeForm},
		{Method: post, Path: "/areas/at/:code/merge", Permission: auth.AreaPropose, Handler: areas.Merge},
		{Method: get, Path: "/areas/at/:code/split", Permission: auth.AreaPropose, Handler: areas.SplitForm},
		{Method: post, Path: "/areas/at/:code/split", Permission: auth.AreaPropose, Handler: areas.Split},
	}
	routes = append(routes, signin.Routes(auth.Admin, cfg.Provider)...)
	routes = append(routes, filing.Site{Permission: auth.CaseIntake, Counter: true, Blobs: cfg.Blobs, Codes: cfg.Codes, PortalURL: cfg.PortalURL}.Routes()...)
	return append(routes, intake.Site{
		Base: "/counter", Permission: auth.CaseIntake, Counter: true, Blobs: cfg.Blobs, Codes: cfg.Codes, PortalURL: cfg.PortalURL,
	}.Routes()...)
}
