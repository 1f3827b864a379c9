package i18n_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/BurntSushi/toml"

	"daftar/i18n"
	"daftar/locales"
)

// forms are the plural forms that a language needs (CLDR).
var forms = map[string][]string{
	"en": {"one", "other"},
	"ar": {"zero", "one", "two", "few", "many", "other"},
}

// messages reads a message file: the plural forms of each key.
func messages(t *testing.T, tag string) map[string]map[string]string {
	t.Helper()
	raw, err := locales.FS.ReadFile("active." + tag + ".toml")
	if err != nil {
		t.Fatal(err)
	}
	var file map[string]any
	if err := toml.Unmarshal(raw, &file); err != nil {
		t.Fatal(tag, err)
	}
	out := map[string]map[string]string{}
	for key, value := range file {
		switch v := value.(type) {
		case string:
			out[key] = map[string]string{"other": v}
		case map[string]any:
			out[key] = map[string]string{}
			for form, text := range v {
				out[key][form] = text.(string)
			}
		}
	}
	return out
}

func tags() []string {
	var list []string
	for _, l := range i18n.Locales() {
		if l.Tag != i18n.Pseudo {
			list = append(list, l.Tag)
		}
	}
	return list
}

func TestEveryKeyInEveryLanguage(t *testing.T) {
	t.Parallel()
	source := messages(t, i18n.Source)
	for _, tag := range tags() {
		theirs := messages(t, tag)
		for key := range source {
			if theirs[key] == nil {
				t.Errorf("%s has no %q", tag, key)
			}
		}
		for key := range theirs {
			if source[key] == nil {
				t.Errorf("%s has %q, which the source language does not", tag, key)
			}
		}
	}
}

var placeholder = regexp.MustCompile(`{{\s*\.(\w+)\s*}}`)

func placeholders(s string) []string {
	var list []string
	for _, m := range placeholder.FindAllStringSubmatch(s, -1) {
		list = append(list, m[1])
	}
	slices.Sort(list)
	return slices.Compact(list)
}

func TestPluralFormsAndPlaceholders(t *testing.T) {
	t.Parallel()
	source := messages(t, i18n.Source)
	for _, tag := range tags() {
		for key, theirs := range messages(t, tag) {
			want := placeholders(source[key]["other"])
			if len(source[key]) > 1 {
				for _, form := range forms[tag] {
					if theirs[form] == "" {
						t.Errorf("%s: %q has no form %q", tag, key, form)
					}
				}
				if len(theirs) != len(forms[tag]) {
					t.Errorf("%s: %q has %d forms, the language has %d", tag, key, len(theirs), len(forms[tag]))
				}
			}
			for form, text := range theirs {
				got := placeholders(text)
				// "one person" may do without the number.
				if form == "zero" || form == "one" || form == "two" {
					got = append(got, "Count")
					slices.Sort(got)
					got = slices.Compact(got)
				}
				if !slices.Equal(got, want) {
					t.Errorf("%s: %q (%s) has the placeholders %v instead of %v", tag, key, form, got, want)
				}
			}
		}
	}
}

func TestNoMarkupAndNoEdges(t *testing.T) {
	t.Parallel()
	for _, tag := range tags() {
		for key, theirs := range messages(t, tag) {
			for _, text := range theirs {
				if strings.ContainsAny(text, "<>&") {
					t.Errorf("%s: %q holds markup", tag, key)
				}
				if text == "" || text != strings.TrimSpace(text) && key != "list.separator" {
					t.Errorf("%s: %q is empty or has a space at an end", tag, key)
				}
			}
		}
	}
}

// RULES R3: at most 20 words in a sentence, and no official jargon.
func TestPlainLanguage(t *testing.T) {
	t.Parallel()
	end := regexp.MustCompile(`[.?!:؟]\s+`)
	jargon := map[string][]string{
		"en": {"herewith", "aforementioned", "pursuant", "in respect of", "utilise", "commence", "ascertain", "notwithstanding", "beneficiary", "eligibility", "adjudicat", "remit "},
		"ar": {"بموجب", "المذكور أعلاه", "المشار إليه", "وفقا لأحكام", "بناء عليه", "حيث أن"},
	}
	for _, tag := range tags() {
		for key, theirs := range messages(t, tag) {
			for _, text := range theirs {
				for _, sentence := range end.Split(text, -1) {
					if n := len(strings.Fields(sentence)); n > 20 {
						t.Errorf("%s: %q has a sentence of %d words", tag, key, n)
					}
				}
				for _, word := range jargon[tag] {
					if strings.Contains(strings.ToLower(text), word) {
						t.Errorf("%s: %q says %q", tag, key, word)
					}
				}
			}
		}
	}
}

// keyLike finds string literals that look like message keys, and the prefixes
// that code completes ("sex." + code).
var (
	keyLike    = regexp.MustCompile(`"([a-z][a-z0-9_-]*(?:\.[a-z0-9_-]+)+)"`)
	prefixLike = regexp.MustCompile(`"([a-z][a-z0-9_-]*(?:\.[a-z0-9_-]+)*\.)"`)
	bare       = regexp.MustCompile(`\bT\((?:ctx, )?"([a-z][a-z0-9_.-]+)"\)`) // called with nothing to fill in
	direct     = regexp.MustCompile(`(?:i18n\.T\(ctx, |i18n\.N\(ctx, |\.T\(|\.N\(|Key: |Fail\("[a-z_/-]*", |fault\.New\([a-zA-Z.]+, |fault\.Wrap\([a-z]+, [a-zA-Z.]+, )"([a-z][a-z0-9_.-]+)"`)
)

func TestKeysAndCodeAgree(t *testing.T) {
	t.Parallel()
	source := messages(t, i18n.Source)
	used, prefixes := map[string]bool{}, map[string]bool{}
	root := ".."
	err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "node_modules" || d.Name() == "bin" || strings.HasPrefix(d.Name(), ".") && d.Name() != "..") {
			return filepath.SkipDir
		}
		isCode := strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go") && !strings.HasSuffix(path, "_templ.go")
		if !isCode && !strings.HasSuffix(path, ".templ") {
			return nil
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		text := string(raw)
		for _, m := range keyLike.FindAllStringSubmatch(text, -1) {
			used[m[1]] = true
		}
		for _, m := range prefixLike.FindAllStringSubmatch(text, -1) {
			prefixes[m[1]] = true
		}
		for _, m := range bare.FindAllStringSubmatch(text, -1) {
			if names := placeholders(source[m[1]]["other"]); len(names) > 0 {
				t.Errorf("%s does not say what %v of %q are", path, names, m[1])
			}
		}
		for _, m := range direct.FindAllStringSubmatch(text, -1) {
			if strings.Contains(m[1], ".") && !strings.HasSuffix(m[1], ".") && source[m[1]] == nil {
				t.Errorf("%s uses the key %q, which no language has", path, m[1])
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for key := range source {
		if used[key] {
			continue
		}
		byPrefix := false
		for i := range key {
			byPrefix = byPrefix || key[i] == '.' && prefixes[key[:i+1]]
		}
		// textPage completes <page>.title and <page>.<number>; credential types
		// complete "credential." with their own last part.
		if first, _, _ := strings.Cut(key, "."); slices.Contains([]string{"help", "accessibility", "privacy"}, first) {
			byPrefix = true
		}
		if !byPrefix {
			t.Errorf("the key %q is not used", key)
		}
	}
}

func load(t *testing.T) *i18n.Bundle {
	t.Helper()
	b, err := i18n.Load(locales.FS, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestArabicHasItsSixForms(t *testing.T) {
	t.Parallel()
	p := load(t).Printer("ar")
	seen := map[string]bool{}
	for _, n := range []int{0, 1, 2, 3, 11, 100} {
		seen[p.N("people.count", n)] = true
	}
	if len(seen) != 6 {
		t.Errorf("%d different texts: %v", len(seen), seen)
	}
}

func TestPseudoLocaleMarksEverything(t *testing.T) {
	t.Parallel()
	b := load(t)
	p := b.Printer(i18n.Pseudo)
	for key := range messages(t, i18n.Source) {
		if text := p.N(key, 2, "Name", "x"); !strings.HasPrefix(text, "⟦") || !strings.HasSuffix(text, "⟧") {
			t.Errorf("%q is %q", key, text)
		}
	}
	if got := p.T("people.remove_name", "Name", "Aeo"); !strings.Contains(got, "Aeo") || strings.Contains(got, "Aaee") {
		t.Errorf("the placeholder's value was changed: %q", got)
	}
	if got := (i18n.Text{"en": "Roof"}).In(p); got != "⟦Rooooff⟧" && got != "⟦Roooof⟧" {
		t.Errorf("a text of the database is %q", got)
	}
}

func TestMissingMessagesAreCounted(t *testing.T) {
	t.Parallel()
	b := load(t)
	if got := b.Printer("ar").T("no.such.key"); got != "[no.such.key]" || b.Misses() != 1 {
		t.Errorf("%q, %d misses", got, b.Misses())
	}
}

func TestDatesAndDigits(t *testing.T) {
	t.Parallel()
	b := load(t)
	day := time.Date(2026, 3, 27, 22, 5, 0, 0, time.UTC)
	if got := b.Printer("en").Time(day); got != "27 March 2026, 22:05" {
		t.Error(got)
	}
	if got := b.Printer("ar").Day(day); got != "27 مارس 2026" {
		t.Error(got)
	}
	if got := b.Printer("ar").Number(1234567); got != "1,234,567" {
		t.Errorf("Arabic digits are not pinned: %q", got)
	}
	until := time.Date(2026, 12, 3, 0, 0, 0, 0, time.UTC) // as a fault carries it
	if got := b.Printer("en").T("case.error.may_object", "Date", until); !strings.Contains(got, "until 3 December 2026.") {
		t.Error(got)
	}
	if got := b.Printer("ar").T("case.error.frozen", "Date", until); strings.Contains(got, "UTC") || !strings.Contains(got, "3 ديسمبر 2026") {
		t.Error(got)
	}
	if got := i18n.LatinDigits("٢٧ ۳ २"); got != "27 3 2" {
		t.Error(got)
	}
}

func TestPreferred(t *testing.T) {
	t.Parallel()
	b := load(t)
	for header, want := range map[string]string{"ar-EG,en;q=0.5": "ar", "sw-KE, en": "en", "": "en", "x;;q=": "en"} {
		if got := b.Preferred(header).Tag; got != want {
			t.Errorf("%q: %s", header, got)
		}
	}
}
