package i18n

import (
	"strings"

	goi18n "github.com/nicksnyder/go-i18n/v2/i18n"
)

// Pseudo is the locale that makes untranslated text visible: vowels doubled,
// between ⟦ and ⟧. Any visible text without the marks bypasses the messages.
const Pseudo = "en-XA"

func pseudoMessages(source []*goi18n.Message) []*goi18n.Message {
	var out []*goi18n.Message
	for _, m := range source {
		c := *m
		for _, form := range []*string{&c.Zero, &c.One, &c.Two, &c.Few, &c.Many, &c.Other} {
			*form = pseudo(*form)
		}
		out = append(out, &c)
	}
	return out
}

// pseudo leaves {{.Placeholders}} alone.
func pseudo(s string) string {
	if s == "" {
		return ""
	}
	var b strings.Builder
	b.WriteString("⟦")
	depth := 0
	for _, r := range s {
		switch r {
		case '{':
			depth++
		case '}':
			depth--
		}
		b.WriteRune(r)
		if depth == 0 && strings.ContainsRune("aeiouAEIOU", r) {
			b.WriteRune(r)
		}
	}
	b.WriteString("⟧")
	return b.String()
}
