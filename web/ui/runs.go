package ui

import "regexp"

// run is a part of a text: a number of several groups, which are read from left to
// right in every script, or what stands around one.
type run struct {
	text   string
	number bool
}

var grouped = regexp.MustCompile(`\+?\p{Nd}+(?:[ \x{00a0}-]\p{Nd}+)+`)

// runs splits a text at its grouped numbers, such as phone numbers: in a
// right-to-left text their groups would else change places.
func runs(text string) []run {
	var list []run
	at := 0
	for _, found := range grouped.FindAllStringIndex(text, -1) {
		list = append(list, run{text: text[at:found[0]]}, run{text[found[0]:found[1]], true})
		at = found[1]
	}
	return append(list, run{text: text[at:]})
}
