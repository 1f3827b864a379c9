package locales_test

import (
	"regexp"
	"testing"
	"unicode"

	"github.com/BurntSushi/toml"

	"daftar/locales"
)

// No English is left in Arabic: no word of Latin letters but the names that
// have no other writing.
func TestArabicIsArabic(t *testing.T) {
	t.Parallel()
	var file map[string]any
	if _, err := toml.DecodeFS(locales.FS, "active.ar.toml", &file); err != nil {
		t.Fatal(err)
	}
	latin := regexp.MustCompile(`[A-Za-z]+`)
	placeholder := regexp.MustCompile(`{{[^}]*}}|{[a-z]+}`)     // of messages, and of letters
	reference := regexp.MustCompile(`\b[A-Z0-9]+(-[A-Z0-9]*)+`) // such as C-7KQ2-M4
	allowed := map[string]bool{"QR": true, "YAML": true, "SVG": true, "JPEG": true, "PNG": true, "WebP": true, "OpenID": true, "WCAG": true, "AA": true, "MB": true, "Daftar": true,
		"CSV": true, "PDF": true, "JSON": true, "census": true, "XLSX": true, "GeoJSON": true, "ADM": true, "EN": true, "PCODE": true}
	check := func(key, text string) {
		text = reference.ReplaceAllString(placeholder.ReplaceAllString(text, ""), "")
		for _, word := range latin.FindAllString(text, -1) {
			if !allowed[word] {
				t.Errorf("%q says %q", key, word)
			}
		}
		for _, r := range text {
			if unicode.Is(unicode.Arabic, r) && r >= '٠' && r <= '٩' {
				t.Errorf("%q has a digit that is not pinned: %q", key, r)
			}
		}
	}
	for key, value := range file {
		switch v := value.(type) {
		case string:
			check(key, v)
		case map[string]any:
			for _, text := range v {
				check(key, text.(string))
			}
		}
	}
}
