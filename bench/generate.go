package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
)

// survey is a household file and a people file in the shape that
// docs/mappings/survey.yaml maps.
type survey struct {
	households, people []byte
	homes, persons     int
}

// column is a column of codes, each as likely as the others.
type column struct {
	name  string
	codes []string
}

var dwelling = []column{
	{"urbrur", codes(1, 2)}, {"statocc", codes(1, 3)}, {"bedrooms", codes(0, 4)}, {"rooms", codes(1, 8)},
	{"floor", codes(1, 6)}, {"walls", codes(1, 8)}, {"roof", codes(1, 9)},
	{"water", strings.Fields("11 12 13 14 21 31 32 41 42 43 51 61 62 71")},
	{"toilet", strings.Fields("11 12 13 14 21 22 23 31 96")},
	{"electricity", codes(0, 1)}, {"cook_fuel", codes(1, 6)}, {"phone", codes(0, 1)}, {"cell", codes(0, 1)},
	{"car", codes(0, 1)}, {"bicycle", codes(0, 1)}, {"motorcycle", codes(0, 1)}, {"refrigerator", codes(0, 1)},
	{"tv", codes(0, 1)}, {"radio", codes(0, 1)}, {"bank", codes(0, 1)}, {"deaths_12m", codes(0, 2)}, {"quint_nat", codes(1, 5)},
}

var personal = []column{
	{"sex", codes(1, 2)}, {"marstat", codes(1, 4)}, {"school_attend", codes(1, 4)}, {"educ_attain", codes(0, 4)},
	{"yrs_school", codes(0, 18)}, {"literacy", codes(0, 2)}, {"act_status", codes(0, 3)}, {"disability", codes(0, 1)},
	{"blind", codes(0, 1)}, {"deaf", codes(0, 1)}, {"mental", codes(0, 1)},
}

// districts are the codes of geo2; all but the last digit is the region.
var districts = strings.Fields("11 12 13 21 22 23 31 32 41 42 51 52 53 61 62 71 72 81 82 91 92 93 101 102 103")

// expenses are the spending columns, beside the totals made of them.
const expenses = 12

func codes(first, last int) []string {
	var list []string
	for i := first; i <= last; i++ {
		list = append(list, strconv.Itoa(i))
	}
	return list
}

// generate makes files with exactly so many people, in households of one to
// seven. The same seed makes the same files, and another seed other keys.
func generate(people int, seed uint64) survey {
	r := rand.New(rand.NewPCG(seed, 1))
	homes, persons := &bytes.Buffer{}, &bytes.Buffer{}
	header(homes, "hid,geo1,geo2,ea,hhsize", dwelling)
	for i := range expenses {
		fmt.Fprintf(homes, ",exp_%02d", i+1)
	}
	homes.WriteString(",tot_exp,share_food,pc_exp\n")
	header(persons, "hid,idno,relation,age,age_month", personal)
	persons.WriteByte('\n')
	var s survey
	for s.persons < people {
		size := min(1+r.IntN(7), people-s.persons)
		hid := fmt.Sprintf("%x-%07x", seed, s.homes)
		writeHome(homes, r, hid, size)
		for n := range size {
			writePerson(persons, r, hid, n)
		}
		s.homes++
		s.persons += size
	}
	s.households, s.people = homes.Bytes(), persons.Bytes()
	return s
}

func header(w *bytes.Buffer, first string, columns []column) {
	w.WriteString(first)
	for _, c := range columns {
		w.WriteString("," + c.name)
	}
}

func draw(w *bytes.Buffer, r *rand.Rand, columns []column) {
	for _, c := range columns {
		w.WriteString("," + c.codes[r.IntN(len(c.codes))])
	}
}

func writeHome(w *bytes.Buffer, r *rand.Rand, hid string, size int) {
	district := districts[r.IntN(len(districts))]
	fmt.Fprintf(w, "%s,%s,%s,%s%03d,%d", hid, district[:len(district)-1], district, district, r.IntN(40), size)
	draw(w, r, dwelling)
	total, food := 0, 0
	for i := range expenses {
		amount := r.IntN(3000)
		if i == 0 {
			food = amount
		}
		total += amount
		fmt.Fprintf(w, ",%d", amount)
	}
	fmt.Fprintf(w, ",%d,%.3f,%.2f\n", total, float64(food)/float64(max(1, total)), float64(total)/float64(size))
}

func writePerson(w *bytes.Buffer, r *rand.Rand, hid string, n int) {
	relation, age, months := "1", 18+r.IntN(70), ""
	switch {
	case n == 1:
		relation = "2"
	case n > 1:
		relation, age = "3", r.IntN(18)
		if age < 5 {
			months = strconv.Itoa(12*age + r.IntN(12))
		}
	}
	fmt.Fprintf(w, "%s,%d,%s,%d,%s", hid, n+1, relation, age, months)
	draw(w, r, personal)
	w.WriteByte('\n')
}
