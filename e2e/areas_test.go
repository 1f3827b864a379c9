package e2e

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/xuri/excelize/v2"
)

// TestAreas is the story of a reform: a list of areas is imported, first a bad
// one and then a good one; two wards are merged, another is divided; outlines
// come in. One officer proposes, another approves, the households follow.
func TestAreas(t *testing.T) {
	t.Parallel()
	for _, lang := range []string{"en", "ar"} {
		t.Run(lang, func(t *testing.T) {
			t.Parallel()
			reform(t, lang)
		})
	}
}

// wards is a list of the demo's wards in one district, as OCHA lays it out.
func wards(t *testing.T, dir string, change func(*excelize.File)) string {
	t.Helper()
	f := excelize.NewFile()
	defer func() { _ = f.Close() }()
	rows := map[string][][]any{
		"Admin3": {
			{"ADM3_EN", "ADM3_AR", "ADM3_PCODE", "ADM2_PCODE", "ADM1_PCODE", "ADM0_PCODE", "validOn"},
			{"Old Harbour", "الميناء القديم", "MJ010101", "MJ0101", "MJ01", "MJ", 45218},
			{"Spice Market", "سوق التوابل", "MJ010102", "MJ0101", "MJ01", "MJ", 45218},
			{"Fort", "القلعة", "MJ010103", "MJ0101", "MJ01", "MJ", 45218},
			{"River Side", "ضفة النهر", "MJ010201", "MJ0102", "MJ01", "MJ", 45218},
			{"Hill Side", "سفح التل", "MJ010202", "MJ0102", "MJ01", "MJ", 45218},
		},
		"Read me": {{"Wards of the capital"}},
	}
	for name, list := range rows {
		if _, err := f.NewSheet(name); err != nil {
			t.Fatal(err)
		}
		for i, row := range list {
			if err := f.SetSheetRow(name, fmt.Sprintf("A%d", i+1), &row); err != nil {
				t.Fatal(err)
			}
		}
	}
	_ = f.DeleteSheet("Sheet1")
	change(f)
	path := filepath.Join(dir, fmt.Sprintf("wards-%d.xlsx", time.Now().UnixNano()))
	if err := f.SaveAs(path); err != nil {
		t.Fatal(err)
	}
	return path
}

func reform(t *testing.T, lang string) {
	s := ownSystem(t)
	clerk := newBrowser(t, "areas-dataquality", s.admin(), lang, true)
	clerk.staffSignIn("dataquality")
	clerk.press(`.govuk-service-navigation__link[href$="/areas"]`)
	clerk.look("areas")

	clerk.badList(t)
	ref := clerk.goodList(t)
	approver := clerk.colleague("areas-approver", s.admin())
	approver.staffSignIn("approver")
	approver.agrees(s, ref)
	if got := s.sql(t, `select name->>'en' || ' ' || version from area where code = 'MJ010101'`); got != "Old Harbour 2" {
		t.Errorf("renamed to %q", got)
	}

	// who knows the old name finds it, and sees what it was
	clerk.open("/areas")
	clerk.fill("q", map[string]string{"en": "harbor", "ar": "الميناء"}[lang])
	clerk.press(`form[role=search] button`)
	clerk.says("MJ010101")
	clerk.look("found")
	clerk.press(`#main-content a[href$="/areas/at/MJ010101"]`)
	clerk.says(clerk.say("areas.what.renamed"))

	households := s.sql(t, `select count(*) from household h join area a on a.id = h.area_id where a.code in ('MJ010101', 'MJ010102')`)
	ref = clerk.merges()
	approver.agrees(s, ref)
	if got := s.sql(t, `select (select count(*) from household h join area a on a.id = h.area_id where a.code = 'MJ010101') || ' ' ||
		(select count(*) from area where code = 'MJ010102' and valid_to is not null)`); got != households+" 1" {
		t.Errorf("%s instead of %s households live in the merged area", got, households)
	}
	clerk.open("/areas/at/MJ010101")
	clerk.look("merged")
	clerk.open("/areas/at/MJ010102")
	clerk.look("ended")

	household := s.sql(t, `select h.ref from household h join area a on a.id = h.area_id where a.code = 'MJ010101' order by h.ref limit 1`)
	ref = clerk.splits(household)
	approver.agrees(s, ref)
	if got := s.sql(t, fmt.Sprintf(`select a.code || ' ' || h.version from household h join area a on a.id = h.area_id where h.ref = '%s'`, household)); !strings.HasPrefix(got, "MJ010104 ") {
		t.Errorf("the household is in %s", got)
	}

	ref = clerk.byHand()
	approver.agrees(s, ref)
	if got := s.sql(t, `select level || ' ' || kind from area where code = 'MJ010199'`); got != "3 free_port" {
		t.Errorf("the area that was added is %s", got)
	}
	clerk.outlines(t, s, approver)
	outsiders(t, s, lang, ref)
}

// badList uploads files that are wrong, each in its own way; nothing is kept.
func (b *Browser) badList(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	b.open("/areas/import")
	b.look("import")
	b.next()
	b.says(b.say("areas.error.file"))
	b.look("import-empty")
	upload := func(path string) {
		t.Helper()
		b.do(chromedp.SetUploadFiles(chromedp.CSS(`input[name=file]`), []string{path}))
		b.next()
	}
	upload(wards(t, dir, func(f *excelize.File) { _ = f.SetCellFormula("Admin3", "A3", "=A2") }))
	b.says("Admin3", "3")
	b.look("import-formula")
	upload(wards(t, dir, func(f *excelize.File) {
		_ = f.SetCellValue("Admin3", "D3", "")
		_ = f.SetCellValue("Admin3", "C5", "MJ010101")
		_ = f.SetCellValue("Admin3", "D6", "MJ0999")
	}))
	b.says(b.say("areas.problem.no_parent"), "ADM2_PCODE", "MJ0999")
	b.look("import-problems")
	b.open("/areas/changes")
	b.says(b.say("areas.no_changes"))
}

// goodList uploads a right one, looks at the diff and sends it.
func (b *Browser) goodList(t *testing.T) string {
	t.Helper()
	b.open("/areas/import")
	b.do(chromedp.SetUploadFiles(chromedp.CSS(`input[name=file]`), []string{wards(t, t.TempDir(), func(*excelize.File) {})}))
	b.next()
	b.says("MJ010103", b.say("areas.what.new"), b.say("areas.what.renamed"), b.say("areas.change_state.draft"))
	b.look("diff")
	return b.sends()
}

// sends hands the draft on the page over for approval.
func (b *Browser) sends() string {
	b.t.Helper()
	b.press(`form[action$="/send"] button`)
	b.says(b.say("areas.change_state.proposed"))
	parts := strings.Split(strings.Split(b.location(), "?")[0], "/")
	return parts[len(parts)-1]
}

// agrees approves a proposal and waits until it is done.
func (b *Browser) agrees(s *System, ref string) {
	b.t.Helper()
	b.open("/areas/changes")
	b.look("changes")
	b.press(fmt.Sprintf(`#main-content a[href$="/areas/changes/%s"]`, ref))
	b.look("proposal")
	b.press(`#main-content a[href$="/decide"]`)
	b.look("decide")
	b.choose("decision", "refuse")
	b.next()
	b.says(b.say("areas.error.note"))
	b.choose("decision", "approve")
	b.next()
	for range 100 {
		if s.sql(b.t, fmt.Sprintf(`select state from area_change where ref = '%s'`, ref)) == "applied" {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	b.open("/areas/changes/" + ref)
	b.says(b.say("areas.change_state.applied"))
	b.look("applied")
}

func (b *Browser) merges() string {
	b.t.Helper()
	b.open("/areas/at/MJ010101")
	b.look("area")
	b.press(`#main-content a[href$="/merge"]`)
	b.look("merge")
	b.next()
	b.says(b.say("areas.error.into"), b.say("areas.error.reason"))
	b.look("merge-errors")
	b.choose("with", "MJ010102")
	b.choose("into", "this")
	b.fill("reason", "Decree 12")
	b.next()
	b.says("MJ010102", b.say("areas.what.retired"), "Decree 12")
	b.look("merge-diff")
	return b.sends()
}

func (b *Browser) splits(household string) string {
	b.t.Helper()
	b.open("/areas/at/MJ010101/split")
	b.look("split")
	b.choose("rest", "stays")
	b.fill("code_1", "MJ010104")
	b.fill("name_1_en", "New Quay")
	b.fill("name_1_ar", "الرصيف الجديد")
	b.fill("holds_1", "H-22222-22222")
	b.fill("reason", "Decree 13")
	b.next()
	b.says("H-22222-22222")
	b.look("split-error")
	b.fill("holds_1", household)
	b.next()
	b.says("MJ010104", b.say("areas.what.kept"))
	b.look("split-diff")
	return b.sends()
}

// byHand is refused what no area may do, and adds one.
func (b *Browser) byHand() string {
	b.t.Helper()
	b.open("/areas/at/MJ0101/move")
	b.fill("in", "MJ010103")
	b.fill("reason", "Decree 14")
	b.next()
	b.says(b.say("areas.error.move_inside"))
	b.look("move-error")
	b.open("/areas/at/MJ010101/end")
	b.fill("reason", "Decree 14")
	b.next()
	b.look("end-error")
	b.open("/areas/at/MJ0101")
	b.press(`#main-content a[href$="/add"]`)
	b.next()
	b.says(b.say("areas.problem.no_name"), b.say("areas.error.reason"))
	b.look("add-errors")
	b.fill("code", "mj010199")
	b.fill("name_en", "Free Port")
	b.fill("name_ar", "الميناء الحر")
	b.fill("kind_new", "Free port")
	b.fill("reason", "Decree 14")
	b.next()
	b.says("MJ010199", b.say("areas.what.new"))
	b.look("add-diff")
	return b.sends()
}

// outlines imports GeoJSON and looks at the map.
func (b *Browser) outlines(t *testing.T, s *System, approver *Browser) {
	t.Helper()
	var out bytes.Buffer
	out.WriteString(`{"type":"FeatureCollection","features":[`)
	for i, code := range []string{"MJ0101", "MJ010101", "MJ010103"} {
		x := float64(i) / 2
		if i > 0 {
			out.WriteString(",")
			x = float64(i - 1)
		}
		fmt.Fprintf(&out, `{"type":"Feature","properties":{"pcode":%q},"geometry":{"type":"Polygon","coordinates":[[[%g,0],[%g,0],[%g,1],[%g,1],[%g,0]]]}}`,
			code, x, x+map[bool]float64{true: 2, false: 1}[i == 0], x+map[bool]float64{true: 2, false: 1}[i == 0], x, x)
	}
	out.WriteString(`]}`)
	path := filepath.Join(t.TempDir(), "outlines.geojson")
	if err := os.WriteFile(path, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	b.open("/areas/import")
	b.do(chromedp.SetUploadFiles(chromedp.CSS(`input[name=file]`), []string{path}))
	b.next()
	b.says(b.say("areas.what.outlined"))
	approver.agrees(s, b.sends())
	b.open("/areas/at/MJ0101")
	if n := b.find(`String(document.querySelectorAll('svg.dft-map path').length)`); n != "3" {
		t.Errorf("%s outlines on the map", n)
	}
	b.look("map")
}

// outsiders have no say: another region's officers, and roles without areas.
func outsiders(t *testing.T, s *System, lang, ref string) {
	t.Helper()
	north := signedIn(t, s.admin(), lang, "approver-north")
	north.mustAnswer(t, http.MethodGet, "/areas/changes/"+ref, nil, http.StatusNotFound)
	north.mustAnswer(t, http.MethodPost, "/areas/changes/"+ref+"/decide", url.Values{"decision": {"approve"}, "note": {""}}, http.StatusNotFound)
	north.mustAnswer(t, http.MethodGet, "/areas/import", nil, http.StatusForbidden)
	intake := signedIn(t, s.admin(), lang, "intake")
	intake.mustAnswer(t, http.MethodGet, "/areas", nil, http.StatusForbidden)
	clerk := signedIn(t, s.admin(), lang, "dataquality")
	clerk.mustAnswer(t, http.MethodGet, "/areas/at/MJ020101/merge", nil, http.StatusNotFound)
	clerk.mustAnswer(t, http.MethodPost, "/areas/changes/"+ref+"/decide", url.Values{"decision": {"approve"}}, http.StatusForbidden)
}
