package cases

import (
	"daftar/db"
	"daftar/registry"
)

// leftAlone opens a sealed case for each child whom an approved change left without a
// caregiver and without an adult in the home: with the clock of those who protect
// people, who are the only ones to know of it (RULES R8, R16). The case is nobody's own.
func leftAlone(tx db.Tx, officer Actor, c Case, children []Uncared) error {
	for _, child := range children {
		if !child.Alone {
			continue
		}
		ref, err := Begin(tx, officer, Opening{Kind: "alone", Household: child.Household, Language: c.Language,
			Answers: registry.Values{"who": child.Name + " " + child.Ref}, Links: []Link{{Other: c.ID, Relation: "follows"}}})
		if err != nil {
			return err
		}
		if _, err := File(tx, officer, ref); err != nil {
			return err
		}
	}
	return nil
}

// wouldLeave are those for whom nobody cares any more once a case's change is applied.
func wouldLeave(tx db.Tx, c Case) ([]Uncared, error) {
	list, err := Proposed(tx, c)
	if err != nil {
		return nil, err
	}
	return Uncareds(tx, list)
}
