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

// speak ends that when it is decided: of somebody who is not dead after all. The
// record of who died says so itself from then on.
func speak(tx db.Tx, c Case, approved bool) error {
	if c.Kind == "death" && !approved || c.Kind == "alive" && approved {
		who, err := whom(tx, c)
		if err != nil || who == nil {
			return err
		}
		return notices.Release(tx, *who, notices.ReportedDead)
	}
	return nil
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
