package registry

import (
	"slices"

	"daftar/db"
	"daftar/i18n"
)

// TagNoFixedPlace is the tag of a household that lives nowhere for long: its
// area is where the office stands that registered it. Tags of ours have the
// message "tag.<tag>".
const TagNoFixedPlace = "no_fixed_place"

// Tag is a word of the country's vocabulary with which records are marked.
type Tag struct {
	Code string    `json:"code" yaml:"code"`
	Name i18n.Text `json:"name" yaml:"name,flow"`
	Of   []string  `json:"of,omitempty" yaml:"of,omitempty,flow"` // KindPerson, KindHousehold, KindGroup; all of them when empty
}

// Tags are the vocabulary, in its order. What records held before stays, whether
// it is in it or not.
type Tags []Tag

// LoadTags reads the vocabulary.
func LoadTags(tx db.Tx) (Tags, error) {
	s, err := LoadSettings(tx)
	if err != nil {
		return nil, err
	}
	return s.Tags, nil
}

// For are the tags that records of a kind can have.
func (t Tags) For(kind string) Tags {
	return slices.DeleteFunc(slices.Clone(t), func(tag Tag) bool { return len(tag.Of) > 0 && !slices.Contains(tag.Of, kind) })
}

// Codes lists their codes.
func (t Tags) Codes() []string {
	var codes []string
	for _, tag := range t {
		codes = append(codes, tag.Code)
	}
	return codes
}

// Name is what a tag is called: by the vocabulary, by us, or by the word itself,
// which an office wrote before there was a vocabulary.
func (t Tags) Name(p *i18n.Printer, code string) string {
	for _, tag := range t {
		if tag.Code == code {
			return tag.Name.In(p)
		}
	}
	if p.Has("tag." + code) {
		return p.T("tag." + code)
	}
	return code
}
