package ui

import "regexp"

var grouped = regexp.MustCompile(`\+?\p{Nd}+(?:[ \x{00a0}-]\p{Nd}+)+`)

// isolated keeps numbers of several groups, such as phone numbers, in their
// order: in a right-to-left text the groups would else change places. It is text
// and no element, so that a sentence stays one piece of the page.
func isolated(text string) string {
	return grouped.ReplaceAllString(text, "\u2066$0\u2069")
}
