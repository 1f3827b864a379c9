package seed

import (
	"fmt"
	"math"
	"strings"
)

// Area is one area of the generated country. Codes begin as the demo's do, so
// that a country seeded into the demo grows inside the demo's regions.
type Area struct {
	Code   string
	Parent string
	Level  int
	Kind   string
	Name   map[string]string
	Urban  bool
	Share  float64 // of the people of the country, with everything inside
	Leaf   bool    // people live here, in no smaller area
}

// regions says how a region is settled and which names are at home there.
var regions = []struct {
	en, ar  string
	urban   float64 // share of wards that are town
	scripts [3]float64
}{
	{"Capital", "العاصمة", 0.9, [3]float64{45, 30, 25}},
	{"North", "الشمال", 0.15, [3]float64{8, 82, 10}},
	{"Coast", "الساحل", 0.4, [3]float64{45, 50, 5}},
	{"Highlands", "المرتفعات", 0.2, [3]float64{12, 8, 80}},
	{"Lakes", "البحيرات", 0.25, [3]float64{85, 10, 5}},
	{"Plateau", "الهضبة", 0.2, [3]float64{30, 15, 55}},
	{"East", "الشرق", 0.1, [3]float64{10, 75, 15}},
	{"South", "الجنوب", 0.25, [3]float64{80, 15, 5}},
}

// Words that place names are made of, in English and in Arabic.
var (
	placeFirst = [][2]string{{"White", "الأبيض"}, {"Old", "القديم"}, {"New", "الجديد"}, {"Upper", "الأعلى"}, {"Lower", "الأسفل"}, {"Green", "الأخضر"}, {"Long", "الطويل"}, {"Red", "الأحمر"}, {"Dry", "الجاف"}, {"Great", "الكبير"}, {"Little", "الصغير"}, {"Black", "الأسود"}, {"East", "الشرقي"}, {"West", "الغربي"}, {"Deep", "العميق"}, {"Far", "البعيد"}}
	placeLast  = [][2]string{{"Hill", "التل"}, {"River", "النهر"}, {"Spring", "النبع"}, {"Market", "السوق"}, {"Valley", "الوادي"}, {"Bridge", "الجسر"}, {"Field", "الحقل"}, {"Rock", "الحجر"}, {"Road", "الطريق"}, {"Garden", "البستان"}, {"Gate", "الباب"}, {"Well", "البئر"}, {"Tree", "الشجر"}, {"Mountain", "الجبل"}, {"Island", "الجزر"}, {"Camp", "المخيم"}}
)

func placeName(n int) map[string]string {
	first, last := placeFirst[n/len(placeLast)%len(placeFirst)], placeLast[n%len(placeLast)]
	en, ar := first[0]+" "+last[0], last[1]+" "+first[1]
	if again := n / (len(placeFirst) * len(placeLast)); again > 0 {
		en, ar = fmt.Sprintf("%s %d", en, again+1), fmt.Sprintf("%s %d", ar, again+1)
	}
	return map[string]string{"en": en, "ar": ar}
}

// size draws a settlement's size: many small and few very large (Pareto).
func (r chance) size() float64 { return min(60, math.Pow(1-r.Float64(), -1/1.15)) }

// settle makes the areas: country, regions, districts, wards, and villages in
// the countryside. Thinly settled districts have nothing below them, town wards
// have no villages, so that people live at levels two to four.
func (c *Country) settle() {
	r := c.chance(0, forAreas)
	root := c.cfg.Country
	c.areas = append(c.areas, Area{Code: root, Kind: "country", Name: map[string]string{"en": "Marjan", "ar": "مرجان"}, Share: 1})
	for i, g := range regions {
		region := c.area(Area{Code: fmt.Sprintf("%s%02d", root, i+1), Parent: root, Level: 1, Kind: "region",
			Name: map[string]string{"en": g.en, "ar": g.ar}, Share: 1 / math.Pow(float64(i)+1.5, 0.9)})
		for d := range 4 + r.IntN(6) {
			district := c.area(Area{Code: fmt.Sprintf("%s%02d", region, d+1), Parent: region, Level: 2, Kind: "district", Share: r.size()})
			if r.is(0.06) && d > 1 {
				continue // desert: the district is the smallest area
			}
			for w := range 4 + r.IntN(9) {
				urban := r.is(g.urban)
				share := r.size()
				if urban {
					share *= 3
				}
				ward := c.area(Area{Code: fmt.Sprintf("%s%02d", district, w+1), Parent: district, Level: 3, Kind: "ward", Share: share, Urban: urban})
				if urban {
					continue
				}
				for v := range 3 + r.IntN(12) {
					c.area(Area{Code: fmt.Sprintf("%s%02d", ward, v+1), Parent: ward, Level: 4, Kind: "village", Share: r.size()})
				}
			}
		}
	}
	c.share()
}

func (c *Country) area(a Area) string {
	if a.Name == nil {
		a.Name = placeName(len(c.areas) * 7 % 4096)
	}
	c.areas = append(c.areas, a)
	return a.Code
}

// share makes shares of the country of the sizes among neighbours.
func (c *Country) share() {
	among, at, parent := map[string]float64{}, map[string]int{}, map[string]bool{}
	for i, a := range c.areas {
		among[a.Parent] += a.Share
		at[a.Code] = i
		parent[a.Parent] = true
	}
	var weights []float64
	for i := range c.areas {
		a := &c.areas[i]
		if a.Parent != "" {
			a.Share *= c.areas[at[a.Parent]].Share / among[a.Parent]
		}
		if a.Leaf = !parent[a.Code]; a.Leaf {
			c.leaves = append(c.leaves, i)
			weights = append(weights, a.Share)
		}
	}
	c.settled = newTable(weights)
}

// home draws where a household lives.
func (c *Country) home(r chance) *Area { return &c.areas[c.leaves[c.settled.at(r.Float64())]] }

// scriptIn draws the script of a household's names.
func (c *Country) scriptIn(r chance, a *Area) Script {
	region := strings.TrimPrefix(a.Code, c.cfg.Country)[:2]
	n := int(region[0]-'0')*10 + int(region[1]-'0') - 1
	return Scripts()[r.pick(regions[n].scripts[:]...)]
}
