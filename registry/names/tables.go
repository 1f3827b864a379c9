package names

import "regexp"

// span is a range of code points.
type span struct{ from, to rune }

// marks are dropped: accents, Hebrew points, Arabic vowel signs and the
// tatweel, the nukta, what joins and does not join, and apostrophes of all
// kinds. Vowel signs of Indic scripts are letters here.
var marks = []span{
	{0x27, 0x27}, {0x60, 0x60}, {0xAD, 0xAD}, {0x2B0, 0x2FF}, {0x300, 0x36F}, {0x483, 0x489},
	{0x591, 0x5BD}, {0x5BF, 0x5BF}, {0x5C1, 0x5C2}, {0x5C4, 0x5C5}, {0x5C7, 0x5C7},
	{0x610, 0x61A}, {0x640, 0x640}, {0x64B, 0x65F}, {0x670, 0x670}, {0x6D6, 0x6DC}, {0x6DF, 0x6E4}, {0x6E7, 0x6E8}, {0x6EA, 0x6ED},
	{0x93C, 0x93C}, {0x9BC, 0x9BC}, {0xA3C, 0xA3C}, {0xABC, 0xABC}, {0x135D, 0x135F},
	{0x200B, 0x200F}, {0x2018, 0x201B}, {0x202A, 0x202E}, {0x2032, 0x2032}, {0x2060, 0x206F}, {0xFEFF, 0xFEFF},
}

// separators stand between words: what is neither a letter nor a digit.
var separators = []span{
	{0x01, 0x26}, {0x28, 0x2F}, {0x3A, 0x40}, {0x5B, 0x5F}, {0x7B, 0xA9}, {0xAB, 0xAC}, {0xAE, 0xB4}, {0xB6, 0xB9}, {0xBB, 0xBF},
	{0xD7, 0xD7}, {0xF7, 0xF7}, {0x387, 0x387}, {0x55A, 0x55F}, {0x589, 0x58A}, {0x5BE, 0x5BE}, {0x5C0, 0x5C0}, {0x5C3, 0x5C3}, {0x5F3, 0x5F4},
	{0x600, 0x60F}, {0x61B, 0x61F}, {0x66A, 0x66D}, {0x6D4, 0x6D4}, {0x6DD, 0x6DE}, {0x6E9, 0x6E9}, {0x964, 0x965}, {0x1361, 0x1368},
	{0x2000, 0x200A}, {0x2010, 0x2017}, {0x201C, 0x2029}, {0x202F, 0x2031}, {0x2033, 0x205F}, {0x20A0, 0x20BF}, {0x2190, 0x23FF}, {0x2500, 0x27BF},
	{0x3000, 0x3003}, {0x3008, 0x3020}, {0x30FB, 0x30FB}, {0xFFFC, 0xFFFD},
}

// same are letters that are written as one.
type same struct {
	as   rune
	from string
}

// spellings are the letters that keyboards and clerks use for one another. The
// alif has lost what stood on it by then, and others their accents: those are
// marks.
var spellings = []same{
	{'o', "Øø"}, {'d', "ĐđÐðƊɗ"}, {'l', "Łł"}, {'h', "Ħħ"}, {'i', "ı"}, {'n', "Ŋŋ"}, {'e', "Əə"}, {'t', "Ŧŧ"}, {'b', "Ɓɓ"}, {'k', "Ƙƙ"}, {'y', "Ƴƴ"},
	{'σ', "ς"},
	{'е', "Єє"}, {'і', "Ӏӏ"}, {'г', "Ґґ"}, {'к', "Ққ"}, {'н', "Ңң"}, {'у', "ҮүҰұ"}, {'һ', "Һ"}, {'ә', "Ә"}, {'ө', "Ө"},
	{'ا', "ٱ"}, {'ي', "ىیېےۍ"}, {'ه', "ةہھەۃ"}, {'ك', "کڪڭگ"},
}

// runs are the scripts with capitals, and digits: each run is written as the
// one that begins elsewhere.
var runs = []struct {
	span
	as rune
}{
	{span{'A', 'Z'}, 'a'}, {span{0x391, 0x3A9}, 0x3B1}, {span{0x410, 0x42F}, 0x430}, {span{0x402, 0x40F}, 0x452}, {span{0x531, 0x556}, 0x561},
	{span{0x660, 0x669}, '0'}, {span{0x6F0, 0x6F9}, '0'}, {span{0x966, 0x96F}, '0'}, {span{0x9E6, 0x9EF}, '0'},
}

// spelt are letters that stand for two, or for nothing.
var spelt = [][2]string{{"ß", "ss"}, {"ẞ", "ss"}, {"Æ", "ae"}, {"æ", "ae"}, {"Œ", "oe"}, {"œ", "oe"}, {"Þ", "th"}, {"þ", "th"}, {"ء", ""}}

// compound is one way of writing a name of two parts, brought to the common one.
type compound struct {
	has string // what a name must contain for it: most do not
	re  *regexp.Regexp
	to  string
}

// The order counts. PostgreSQL reads the patterns the same way.
var compounds = []compound{
	{"abd", regexp.MustCompile(`(^| )abd[aeiou]l ?([a-z][a-z][a-z])`), "${1}abd al${2}"},       // abdulrahman, abdel rahman, abdullah
	{"abd", regexp.MustCompile(`(^| )abd[aeiou][rsntdz] ([a-z][a-z][a-z])`), "${1}abd al${2}"}, // abdur rahman
	{"abd", regexp.MustCompile(`(^| )abd[aeiou]([rsntdz][a-z][a-z][a-z])`), "${1}abd al${2}"},  // abdirahman
	{"عبدال", regexp.MustCompile(`(^| )عبدال`), "${1}عبد ال"},
	{"l ", regexp.MustCompile(`(^| )(al|el) ([^ ])`), "${1}${2}${3}"}, // al hassan
	{"ال ", regexp.MustCompile(`(^| )ال ([^ ])`), "${1}ال${2}"},
}

// digraphs are groups of letters for one sound, in order. They are Latin but
// for the last, the double l of الله, which is written as one elsewhere.
var digraphs = [][2]string{
	{"sch", "s"}, {"sh", "s"}, {"ch", "s"}, {"kh", "k"}, {"gh", "j"}, {"dh", "d"}, {"th", "t"}, {"ph", "f"}, {"bh", "b"},
	{"zh", "j"}, {"jh", "j"}, {"dj", "j"}, {"ck", "k"}, {"ce", "se"}, {"ci", "si"}, {"cy", "sy"}, {"qu", "k"}, {"x", "ks"},
	{"لل", "ل"},
}

// weak letters are dropped; w and y stay where a word begins with them.
const weak = "aeiouwy"

// sounds give the letters of every script one of a few Latin consonants, or a
// weak letter. Sounds that languages exchange share one: p and b, g and j, v and f.
var sounds = append([]same{
	{'k', "cq"}, {'j', "g"}, {'b', "p"}, {'f', "v"},
	// Arabic, Persian, Urdu
	{'a', "اع"}, {'b', "بپ"}, {'t', "تثطټٹ"}, {'j', "جغژ"}, {'s', "سشصچ"}, {'h', "حه"}, {'k', "خقك"}, {'d', "دذضډڈ"},
	{'r', "رړڑ"}, {'z', "زظ"}, {'f', "فڤ"}, {'l', "ل"}, {'m', "م"}, {'n', "نڼں"}, {'w', "و"}, {'y', "ي"},
	// Hebrew
	{'a', "אע"}, {'b', "בפף"}, {'j', "ג"}, {'d', "ד"}, {'h', "הח"}, {'w', "ו"}, {'z', "ז"}, {'t', "טת"}, {'y', "י"}, {'k', "כךק"},
	{'l', "ל"}, {'m', "מם"}, {'n', "נן"}, {'s', "סצץש"}, {'r', "ר"},
	// Greek
	{'a', "αεηιουω"}, {'f', "βφ"}, {'j', "γ"}, {'d', "δ"}, {'z', "ζ"}, {'t', "θτ"}, {'k', "κξχ"}, {'l', "λ"}, {'m', "μ"}, {'n', "ν"}, {'b', "πψ"}, {'r', "ρ"}, {'s', "σ"},
	// Cyrillic
	{'a', "аеиоуъыьэюєіїўүұәө"}, {'y', "яйј"}, {'b', "бп"}, {'f', "вф"}, {'j', "гжђѓџғ"}, {'d', "д"}, {'z', "з"}, {'k', "кхќқ"}, {'l', "лљ"}, {'m', "м"}, {'n', "нњң"},
	{'r', "р"}, {'s', "сцчшщѕћ"}, {'t', "т"}, {'h', "һ"},
}, append(indic(), ethiopic()...)...)

// indic scripts lie in blocks of one order: what Devanagari has at a place, the
// others have too.
func indic() []same {
	const consonants = "kkjjnssjjnttddnttddnnbfbbmyrrlllfsssh" // U+0915 to U+0939
	var all []same
	for block := rune(0x900); block <= 0xD00; block += 0x80 {
		all = append(all, same{'n', string([]rune{block + 1, block + 2})})
		for i, to := range consonants {
			all = append(all, same{to, string(block + 0x15 + rune(i))})
		}
		for _, vowels := range []span{{0x04, 0x14}, {0x3D, 0x4D}} {
			for r := vowels.from; r <= vowels.to; r++ {
				all = append(all, same{'a', string(block + r)})
			}
		}
	}
	return all
}

// ethiopic has a row of eight for each consonant, one for each vowel.
func ethiopic() []same {
	const rows = "hlhmsrsskkkkbftshhnnakkkkwazjyddjjjjtsbssfb" // from U+1200
	var all []same
	for i, to := range rows {
		for form := range rune(8) {
			all = append(all, same{to, string(0x1200 + rune(8*i) + form)})
		}
	}
	return all
}

// foldRune and soundRune are the tables as they are looked up.
var foldRune, soundRune = foldTable(), soundTable()

func foldTable() map[rune]string {
	table := map[rune]string{}
	for _, run := range runs {
		for r := run.from; r <= run.to; r++ {
			table[r] = string(run.as + r - run.from)
		}
	}
	for _, s := range spellings {
		for _, r := range s.from {
			table[r] = string(s.as)
		}
	}
	for _, s := range spelt {
		for _, r := range s[0] {
			table[r] = s[1]
		}
	}
	for _, m := range marks {
		for r := m.from; r <= m.to; r++ {
			table[r] = ""
		}
	}
	for _, m := range separators {
		for r := m.from; r <= m.to; r++ {
			table[r] = " "
		}
	}
	// Capitals that are listed under another letter than their own small one.
	for r, to := range table {
		for _, small := range to {
			if again, ok := table[small]; ok && to != " " {
				table[r] = again
			}
		}
	}
	return table
}

func soundTable() map[rune]rune {
	table := map[rune]rune{}
	for _, s := range sounds {
		for _, r := range s.from {
			table[r] = s.as
		}
	}
	return table
}

// inOrder lists a table's letters, so that what is made of it is the same each time.
func inOrder[V any](table map[rune]V, each func(rune, V)) {
	for r := rune(0); r < 0x10000; r++ {
		if v, ok := table[r]; ok {
			each(r, v)
		}
	}
}
