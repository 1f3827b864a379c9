package intake

import (
	"slices"

	"github.com/a-h/templ"

	"daftar/db"
	"daftar/fault"
	"daftar/registry"
	"daftar/registry/cases"
	"daftar/web"
	"daftar/web/ui"
)

// noFixed is the choice of who has no fixed place: they belong to the office
// that registers them, and so to where it stands (RULES R1).
const noFixed = "no_fixed"

// area asks for the place where the household lives, one level at a time. Where
// no office is known to stand somewhere, who has no fixed place stays with the
// area chosen so far, once it is smaller than the country.
var area = page{
	inputs: []string{"area"},
	load: func(v *visit, tx db.Tx) error {
		if err := v.loadAreas(tx); err != nil {
			return err
		}
		here := v.path[len(v.path)-1].ID
		office, there, err := registry.OfficeOfCase(tx, v.c.OpenedBy, &here)
		if there && office.Seat != "" {
			v.office = office
		}
		return err
	},
	fill: func(v *visit) map[string][]string {
		if v.c.Draft.NoFixed != "" {
			return one("area", noFixed)
		}
		// The area just chosen is not yet an answer to where in it they live.
		if here := v.path[len(v.path)-1]; here.Code == v.c.Draft.AreaCode && !v.c.Draft.Done["area"] {
			return nil
		}
		return one("area", v.c.Draft.AreaCode)
	},
	read: func(v *visit, f *web.Form) (func(*cases.Draft) error, error) {
		var check fault.Check
		code := f.Get("area")
		if code == noFixed && v.office.Seat != "" {
			return func(d *cases.Draft) error {
				d.AreaCode, d.NoFixed = v.office.Seat, v.office.Code
				d.Mark("area")
				return nil
			}, nil
		}
		chosen := slices.ContainsFunc(v.areas, func(a registry.Area) bool { return a.Code == code })
		if here := v.path[len(v.path)-1]; !chosen && (code != here.Code || here.Level == 0) {
			check.Fail("area", "area.error.missing")
		}
		final := code == v.path[len(v.path)-1].Code || !v.hasSubareas(code)
		return func(d *cases.Draft) error {
			d.AreaCode, d.NoFixed = code, ""
			if final {
				d.Mark("area")
			} else {
				delete(d.Done, "area")
			}
			return nil
		}, check.Err()
	},
	view: func(v *visit, f *ui.Form) templ.Component { return areaPage(v, f) },
	next: func(v *visit, d *cases.Draft, _ *web.Form) string {
		if d.Done["area"] {
			return v.after("area")
		}
		to := "area?in=" + d.AreaCode
		if v.Query("from") == "check" {
			to += "&from=check"
		}
		return v.at(to)
	},
}

// loadAreas reads the areas to choose from: those inside the one in the query,
// or inside the country.
func (v *visit) loadAreas(tx db.Tx) error {
	settings, err := registry.LoadSettings(tx)
	if err != nil {
		return err
	}
	inside := v.Query("in")
	if inside == "" {
		inside = settings.Country.Code
	}
	parent, err := registry.AreaByCode(tx, inside)
	if err != nil {
		return err
	}
	if v.path, err = registry.AreaPath(tx, parent.ID); err != nil {
		return err
	}
	if v.path[0].Code != settings.Country.Code {
		return fault.Hidden()
	}
	v.areas, err = registry.Subareas(tx, inside)
	return err
}

// hasSubareas reports whether a chosen area has smaller ones.
func (v *visit) hasSubareas(code string) bool {
	var inside []registry.Area
	err := v.View(func(tx db.Tx) (err error) {
		inside, err = registry.Subareas(tx, code)
		return err
	})
	return err == nil && len(inside) > 0
}

var directions = page{
	inputs: []string{"directions"},
	key:    func(*visit) string { return "directions" },
	fill:   func(v *visit) map[string][]string { return one("directions", v.c.Draft.Directions) },
	read: func(_ *visit, f *web.Form) (func(*cases.Draft) error, error) {
		var check fault.Check
		text := f.Text(&check, "directions", 500)
		return func(d *cases.Draft) error { d.Directions = text; return nil }, check.Err()
	},
	view: func(v *visit, f *ui.Form) templ.Component { return directionsPage(v, f) },
}
