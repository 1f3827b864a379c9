package cases

import (
	"daftar/db"
	"daftar/registry/cases/effect"
	"daftar/registry/notices"
)

// hush keeps phones silent about whom it would harm: somebody who was reported
// dead (RULES R16), and somebody who said that they are not safe (R5).
func hush(tx db.Tx, c Case, out effect.Out) error {
	if out.Unsafe && c.Person != nil {
		return notices.Hold(tx, *c.Person, notices.NotSafe, &c.ID)
	}
	if c.Kind != "death" {
		return nil
	}
	dead, err := whom(tx, c)
	if err != nil || dead == nil {
		return err
	}
	return notices.Hold(tx, *dead, notices.ReportedDead, &c.ID)
}

// speak ends that when a case is over: of somebody who is not dead after all, unless
// another case still says so. The record of who died says it from then on.
func speak(tx db.Tx, c Case) error {
	approved := c.State == StateApproved
	if c.Kind == "death" && approved || c.Kind == "alive" && !approved || c.Kind != "death" && c.Kind != "alive" {
		return nil
	}
	who, err := whom(tx, c)
	if err != nil || who == nil {
		return err
	}
	var told bool
	if err := tx.Get(&told, `
		select exists (select from case_subject s join case_file f on f.id = s.case_id
			where s.subject_id = $1 and f.id <> $2 and f.kind = 'death' and f.draft->'answers'->>'who' = $3
			  and f.state not in ('draft', 'approved', 'refused', 'withdrawn'))`, *who, c.ID, text(c.Draft.Answers, "who")); err != nil || told {
		return err
	}
	return notices.Release(tx, *who, notices.ReportedDead)
}

// whom is whom the answer "who" names, if there is such a record.
func whom(tx db.Tx, c Case) (*db.ID, error) {
	var list []db.ID
	err := tx.Select(&list, `select id from person where ref = $1`, text(c.Draft.Answers, "who"))
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return &list[0], nil
}
