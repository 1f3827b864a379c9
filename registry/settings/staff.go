package settings

import (
	"regexp"

	"daftar/db"
	"daftar/fault"
)

// staffProvider is the row of identity_provider that staff sign in with; package
// auth, which is above, calls it StaffProvider.
const staffProvider = "staff"

// Official is a member of staff as a thing that changes: somebody begins to work
// here, or leaves. Account is the subject ("sub", OpenID Connect Core, section 2)
// that the staff directory gives them.
type Official struct {
	Account string `json:"account" db:"sub"`
	Name    string `json:"name" db:"name"`
	Ended   bool   `json:"ended,omitempty" db:"ended"`
}

// maxOfficial is the longest name of a member of staff.
const maxOfficial = 200

// accountForm is a subject: at most 255 ASCII characters, case sensitive.
var accountForm = regexp.MustCompile(`^[\x21-\x7e]{1,255}$`)

// ProposeOfficial proposes that somebody begins to work here, with a first role.
// Nobody can sign in by it before a second person agreed.
func ProposeOfficial(tx db.Tx, o Official, first Role, p Proposal) (string, error) {
	var check fault.Check
	if !accountForm.MatchString(o.Account) {
		check.Fail("account", "setting.error.account")
	}
	if o.Name == "" {
		check.Fail("name", "setting.error.staff_name")
	} else if len([]rune(o.Name)) > maxOfficial {
		check.Fail("name", "setting.error.long", "Max", maxOfficial)
	}
	var there []Member
	if err := tx.Select(&there, `select id, name, active from staff where provider = $1 and sub = $2`, staffProvider, o.Account); err != nil {
		return "", err
	}
	if len(there) > 0 {
		check.Fail("account", "setting.error.account_taken", "Name", there[0].Name)
	}
	if err := check.Err(); err != nil {
		return "", err
	}
	id := tx.NewID()
	first.Staff, first.Name, first.Ended = id, o.Name, false
	p.Items = []Item{{Kind: KindStaff, Key: id.String(), Value: encode(o)}, {Kind: first.kind(), Key: first.Key(), Value: encode(first)}}
	return storeAndSend(tx, p)
}

// ProposeLeaving proposes that somebody no longer works here, or does again. Who
// leaves has no role any more, and is signed out.
func ProposeLeaving(tx db.Tx, id db.ID, leaves bool, p Proposal) (string, error) {
	var was struct {
		Official
		Version int `db:"version"`
	}
	if err := tx.Get(&was, `select sub, name, not active as ended, version from staff where id = $1`, id); err != nil {
		return "", err
	}
	if was.Ended == leaves {
		return "", fault.New(fault.Conflict, "settings.error.nothing")
	}
	if id == tx.Who().Actor {
		return "", fault.New(fault.Invalid, "setting.error.leave_self")
	}
	next := was.Official
	next.Ended = leaves
	p.Items = []Item{{Kind: KindStaff, Key: id.String(), Base: was.Version, Before: encode(was.Official), Value: encode(next)}}
	return storeAndSend(tx, p)
}

func storeAndSend(tx db.Tx, p Proposal) (string, error) {
	ref, err := Store(tx, p)
	if err != nil {
		return "", err
	}
	_, err = Send(tx, ref)
	return ref, err
}
