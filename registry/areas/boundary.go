package areas

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"strings"

	"github.com/paulmach/orb"
	"github.com/paulmach/orb/encoding/wkb"
	"github.com/paulmach/orb/planar"
	"github.com/paulmach/orb/project"
	"github.com/paulmach/orb/simplify"

	"daftar/db"
	"daftar/fault"
)

// Limits of a file of outlines.
const (
	MaxBoundaryFile = 64 << 20 // bytes
	maxFeature      = 8 << 20  // bytes of one feature
	maxPoints       = 200_000  // of one outline
)

// feature is one feature of a GeoJSON file (RFC 7946 section 3.2).
type feature struct {
	Type       string         `json:"type"`
	Properties map[string]any `json:"properties"`
	Geometry   struct {
		Type        string          `json:"type"`
		Coordinates json.RawMessage `json:"coordinates"`
	} `json:"geometry"`
}

var codeProperty = regexp.MustCompile(`(?i)^(?:adm(?:in)?([0-9])_?)?p_?code$`)

// code is the P-code of a feature: the one of the deepest level.
func (f feature) code() string {
	best, level := "", -1
	for name, value := range f.Properties {
		m := codeProperty.FindStringSubmatch(name)
		s, ok := value.(string)
		if m == nil || !ok {
			continue
		}
		n := 0
		if m[1] != "" {
			n = int(m[1][0] - '0')
		}
		if n > level {
			best, level = s, n
		}
	}
	return strings.TrimSpace(best)
}

// outline reads a feature's geometry. RFC 7946 section 3.1.6: rings are closed
// and have at least four positions.
func (f feature) outline() (orb.MultiPolygon, string) {
	var m orb.MultiPolygon
	var err error
	switch f.Geometry.Type {
	case "Polygon":
		var p orb.Polygon
		err = json.Unmarshal(f.Geometry.Coordinates, &p)
		m = orb.MultiPolygon{p}
	case "MultiPolygon":
		err = json.Unmarshal(f.Geometry.Coordinates, &m)
	default:
		return nil, "areas.problem.geometry"
	}
	if err != nil || len(m) == 0 {
		return nil, "areas.problem.geometry"
	}
	points := 0
	for _, p := range m {
		if len(p) == 0 {
			return nil, "areas.problem.geometry"
		}
		for _, ring := range p {
			if points += len(ring); points > maxPoints {
				return nil, "areas.problem.points"
			}
			if len(ring) < 4 || ring[0] != ring[len(ring)-1] {
				return nil, "areas.problem.ring"
			}
			for _, at := range ring {
				if math.Abs(at[0]) > 180 || math.Abs(at[1]) > 90 {
					return nil, "areas.problem.degrees"
				}
			}
		}
	}
	if planar.Area(m) == 0 {
		return nil, "areas.problem.ring"
	}
	return m, ""
}

// ReadBoundaries says what a GeoJSON file of outlines does: each is matched to
// an area by its P-code. Features are read one at a time.
func ReadBoundaries(tx db.Tx, who Actor, r io.Reader) (*Plan, error) {
	reg, err := load(tx, who)
	if err != nil {
		return nil, err
	}
	p := newPlan()
	seen := map[string]bool{}
	err = features(r, func(n int, f feature) {
		bad := func(property, value, key string) {
			if len(p.Problems) < maxProblems {
				p.Problems = append(p.Problems, Problem{Row: n, Column: property, Value: clip(value), Key: key})
			}
		}
		code := f.code()
		a := reg.byCode[code]
		switch {
		case code == "":
			bad("properties", "", "areas.problem.no_code")
			return
		case a == nil:
			bad("properties", code, "areas.problem.unknown")
			return
		case seen[code]:
			bad("properties", code, "areas.problem.outline_twice")
			return
		case !reg.answers([]db.ID{a.ID}):
			bad("properties", code, "areas.problem.not_yours")
			return
		}
		seen[code] = true
		m, key := f.outline()
		if key != "" {
			bad("geometry", code, key)
			return
		}
		raw, err := wkb.Marshal(m)
		if err != nil {
			bad("geometry", code, "areas.problem.geometry")
			return
		}
		p.add(Item{Area: *a, What: []string{Outlined}, Scope: []db.ID{a.ID}, Geometry: raw})
	})
	return p, err
}

var errGeoJSON = errors.New("no GeoJSON feature collection")

// features streams the features of a collection.
func features(r io.Reader, each func(int, feature)) error {
	bounded := &io.LimitedReader{R: r, N: MaxBoundaryFile + 1}
	wrong := func(err error) error {
		if bounded.N == 0 {
			return fault.New(fault.Invalid, "areas.error.boundary_size", "Max", MaxBoundaryFile>>20)
		}
		return fault.Wrap(err, fault.Invalid, "areas.error.geojson")
	}
	d := json.NewDecoder(bounded)
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return wrong(errGeoJSON)
	}
	n := 0
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return wrong(err)
		}
		if key != "features" {
			var skip json.RawMessage
			if err := d.Decode(&skip); err != nil {
				return wrong(err)
			}
			continue
		}
		if t, err := d.Token(); err != nil || t != json.Delim('[') {
			return wrong(errGeoJSON)
		}
		for d.More() {
			var raw json.RawMessage
			if err := d.Decode(&raw); err != nil {
				return wrong(err)
			}
			n++
			var f feature
			if len(raw) > maxFeature {
				return wrong(fmt.Errorf("feature %d is too large", n))
			}
			if err := json.Unmarshal(raw, &f); err != nil {
				return wrong(err)
			}
			each(n, f)
		}
		if _, err := d.Token(); err != nil {
			return wrong(err)
		}
	}
	if _, err := d.Token(); err != nil || n == 0 {
		return wrong(errGeoJSON)
	}
	return nil
}

// Shape is an outline ready to be drawn.
type Shape struct {
	Code  string
	Path  string // SVG path data
	Inner bool   // an area inside the one that the map is of
}

// Map is an area's outline with those of the areas inside it, in the units of
// its view box.
type Map struct {
	Width, Height float64
	Shapes        []Shape
}

const mapWidth = 600

// LoadMap draws an area; a map without shapes when it has no outline, nor any
// area inside it.
func LoadMap(tx db.Tx, a Area) (Map, error) {
	var rows []struct {
		ID       db.ID  `db:"id"`
		Code     string `db:"code"`
		Geometry []byte `db:"geometry"`
	}
	if err := tx.Select(&rows, `
		select a.id, a.code, b.geometry from area a join area_boundary b on b.area_id = a.id
		where a.id = $1 or (a.parent_id = $1 and a.valid_to is null)
		order by a.id <> $1, a.code limit 500`, a.ID); err != nil || len(rows) == 0 {
		return Map{}, err
	}
	var outlines []orb.Geometry
	bound := orb.Bound{Min: orb.Point{math.Inf(1), math.Inf(1)}, Max: orb.Point{math.Inf(-1), math.Inf(-1)}}
	for _, r := range rows {
		g, err := wkb.Unmarshal(r.Geometry)
		if err != nil {
			return Map{}, err
		}
		g = project.Geometry(g, project.WGS84.ToMercator)
		outlines = append(outlines, g)
		bound = bound.Union(g.Bound())
	}
	wide, high := bound.Max[0]-bound.Min[0], bound.Max[1]-bound.Min[1]
	if wide <= 0 || high <= 0 {
		return Map{}, nil
	}
	scale := mapWidth / math.Max(wide, high)
	m := Map{Width: wide * scale, Height: high * scale}
	rough := simplify.DouglasPeucker(1 / scale) // a unit of the drawing
	for i, g := range outlines {
		multi, ok := rough.Simplify(g).(orb.MultiPolygon)
		if !ok {
			continue
		}
		m.Shapes = append(m.Shapes, Shape{Code: rows[i].Code, Inner: rows[i].ID != a.ID, Path: path(multi, bound, scale)})
	}
	return m, nil
}

// path writes polygons as SVG path data, north up.
func path(m orb.MultiPolygon, bound orb.Bound, scale float64) string {
	var b strings.Builder
	for _, polygon := range m {
		for _, ring := range polygon {
			if len(ring) < 4 {
				continue // smaller than a unit of the drawing
			}
			for i, at := range ring[:len(ring)-1] {
				c := 'L'
				if i == 0 {
					c = 'M'
				}
				fmt.Fprintf(&b, "%c%.1f %.1f", c, (at[0]-bound.Min[0])*scale, (bound.Max[1]-at[1])*scale)
			}
			b.WriteByte('Z')
		}
	}
	return b.String()
}
