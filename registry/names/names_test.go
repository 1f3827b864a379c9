package names_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"daftar/db"
	"daftar/db/dbtest"
	"daftar/registry/names"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

func TestFold(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":                       "",
		"  Tomás   Rivera ":      "tomas rivera",
		"N'Diaye, Aïssatou":      "ndiaye aissatou",
		"N’Diaye":                "ndiaye",
		"Anne-Marie O'Brien":     "anne marie obrien",
		"Straße Øre Ægir Łukasz": "strasse ore aegir lukasz",
		"أحمد إبراهيم آمنة":      "احمد ابراهيم امنه",
		"مُحَمَّدٌ":              "محمد",
		"محـــمد":                "محمد",
		"فاطمة":                  "فاطمه",
		"علی کریمی":              "علي كريمي", // Persian letters
		"ليلى":                   "ليلي",
		"Abdul Rahman":           "abd alrahman",
		"Abdulrahman":            "abd alrahman",
		"Abdel-Rahman":           "abd alrahman",
		"Abd al Rahman":          "abd alrahman",
		"Abdirahman":             "abd alrahman",
		"Abdur Rahman":           "abd alrahman",
		"Abdullah":               "abd allah",
		"Abdi Hassan":            "abdi hassan",
		"عبدالرحمن":              "عبد الرحمن",
		"عبد الرحمن":             "عبد الرحمن",
		"Al-Hassan":              "alhassan",
		"Иван Ёлкин":             "иван елкин",
		"ΓΙΏΡΓΟΣ":                "γιωργοσ",
		"İBRAHİM":                "ibrahim",
		"Mohamed ١٢":             "mohamed 12",
		"ﻣﺤﻤﺪ":                   "محمد", // presentation forms, as old systems wrote them
		"ＭＡＲＩＡ":                  "maria",
		"राहुल":                  "राहुल",
		"--":                     "",
		"Nguyễn Thị":             "nguyen thi",
	} {
		if got := names.Fold(in); got != want {
			t.Errorf("%q is %q, not %q", in, got, want)
		}
	}
}

// Spellings and scripts of one name sound the same.
func TestKeysOfOneName(t *testing.T) {
	t.Parallel()
	for _, same := range [][]string{
		{"Mohammed", "Muhammad", "Mohamad", "Mohamed", "محمد"},
		{"Fatima", "Fatma", "Fatimah", "Faatima", "فاطمة", "Фатима", "ፋጢማ"},
		{"Hassan", "Hasan", "حسن"},
		{"Ibrahim", "Ebrahim", "Ibraheem", "إبراهيم", "ابراهيم"},
		{"Khadija", "Khadijah", "Kadija", "خديجة"},
		{"Yusuf", "Youssef", "Yousuf", "يوسف"},
		{"Rashid", "Rachid", "راشد", "Рашид"},
		{"Jamal", "Gamal", "Djamel", "جمال"},
		{"Sheikh", "Shaikh", "Cheikh", "شيخ"},
		{"Abdullah", "Abdallah", "عبد الله", "عبدالله", "Abd Allah"},
		{"Abdul Rahman", "Abdirahman", "Abdurrahman", "عبد الرحمن"},
		{"Layla", "Leila", "Laila", "ليلى"},
		{"Omar", "Umar", "عمر"},
		{"Rahul", "राहुल"},
		{"Sita", "Seeta", "सीता", "সীতা"},
		{"Selam", "ሰላም"},
		{"Aisha", "Aicha", "Ayesha", "عائشة"},
	} {
		want := names.Keys(same[0])
		for _, name := range same[1:] {
			if got := names.Keys(name); !slices.Equal(got, want) {
				t.Errorf("%s sounds %v, %s %v", name, got, same[0], want)
			}
		}
	}
	for _, other := range [][2]string{{"Amina", "Sara"}, {"Joseph", "Daniel"}, {"محمد", "أحمد"}, {"Maria", "Marta"}} {
		if slices.Equal(names.Keys(other[0]), names.Keys(other[1])) {
			t.Errorf("%s and %s sound the same", other[0], other[1])
		}
	}
	if names.Key("aia") == "" {
		t.Error("a word without consonants has no key")
	}
}

func TestMigrationHoldsTheTables(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("../../db/migrations/00010_search.sql")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(raw), names.SQL()) {
		_ = os.WriteFile(os.TempDir()+"/names.sql", []byte(names.SQL()), 0o644)
		t.Errorf("the migration holds other functions; they are in %s/names.sql", os.TempDir())
	}
}

// What the database stores must be what a search in Go asks for.
func TestDatabaseAgrees(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	conn, err := pgx.Connect(t.Context(), d.URL(db.Owner))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	random := rand.New(rand.NewPCG(1, 2))
	var in []string
	for range 4000 {
		in = append(in, anyName(random))
	}
	rows, err := conn.Query(t.Context(), `
		select n, name_fold(n), coalesce((select array_agg(name_key(w) order by i)
		       from unnest(string_to_array(nullif(name_fold(n), ''), ' ')) with ordinality as x (w, i)), '{}')
		from unnest($1::text[]) as n`, in)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var name, fold string
		var keys []string
		if err := rows.Scan(&name, &fold, &keys); err != nil {
			t.Fatal(err)
		}
		if got := names.Fold(name); got != fold {
			t.Fatalf("%+q: the database says %+q, Go %+q", name, fold, got)
		}
		if got := names.Keys(name); !slices.Equal(got, keys) {
			t.Fatalf("%+q: the database says %+q, Go %+q", name, keys, got)
		}
	}
	if rows.Err() != nil {
		t.Fatal(rows.Err())
	}
}

// anyName makes strings of the letters, marks and separators of several
// scripts, and of the syllables that compounds are made of.
func anyName(random *rand.Rand) string {
	ranges := [][2]rune{{0x20, 0x7E}, {'a', 'z'}, {'A', 'Z'}, {0xA0, 0x24F}, {0x300, 0x32F}, {0x370, 0x3FF}, {0x400, 0x52F},
		{0x591, 0x5F4}, {0x600, 0x6FF}, {0x900, 0xD4F}, {0x1200, 0x1368}, {0x2000, 0x206F}, {0x1E00, 0x1EFF}, {0xFB50, 0xFDFF}, {0xFE70, 0xFEFC}}
	pieces := []string{"abd", "abdul", "abdir", " al ", "el ", "rahman", "عبد", "ال", " ", "sh", "kh", "gh", "محمد", "لل", "ll", "ou"}
	var b strings.Builder
	r := ranges[random.IntN(len(ranges))]
	for range 1 + random.IntN(12) {
		switch random.IntN(6) {
		case 0:
			b.WriteString(pieces[random.IntN(len(pieces))])
		case 1:
			r = ranges[random.IntN(len(ranges))]
			fallthrough
		default:
			b.WriteRune(r[0] + rune(random.IntN(int(r[1]-r[0]+1))))
		}
	}
	return b.String()
}

func BenchmarkFold(b *testing.B) {
	for _, name := range []string{"Fatima Hassan Omar", "فاطمة حسن عمر"} {
		b.Run(fmt.Sprint(len(name)), func(b *testing.B) {
			for b.Loop() {
				names.Fold(name)
			}
		})
	}
}
