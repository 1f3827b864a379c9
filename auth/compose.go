package auth

import (
	"encoding/json"
	"errors"
	"slices"

	"daftar/db"
)

// Composed is what a role may do that a country put together itself (Settings,
// Roles). The shipped ones are in policy.go.
type Composed struct {
	Permissions []Permission
	Desks       []string
	Programmes  []string // whose decisions it sends; all when empty
}

// shipped reports whether a role is one of the program's own.
func shipped(role string) bool { _, ok := roles[role]; return ok }

// Permissions lists what a shipped role may do; nil for another.
func Permissions(role string) []Permission { return roles[role] }

// permissions are what a grant lets somebody do.
func (g Grant) permissions() []Permission {
	if g.Composed != nil {
		return g.Composed.Permissions
	}
	return roles[g.Role]
}

// desks says at which desks a grant lets somebody do something with cases.
func (g Grant) desks(may Permission) []string {
	if g.Composed == nil {
		return DesksOf(g.Role, may)
	}
	switch {
	case !slices.Contains(g.Composed.Permissions, may):
		return nil
	case may == CaseIntake:
		return counterDesks
	}
	return g.Composed.Desks
}

// Programmes lists the programmes for which the principal has a permission; nil for all.
func (p Principal) Programmes(need Permission) []string {
	var list []string
	for _, g := range p.Grants {
		if !slices.Contains(g.permissions(), need) {
			continue
		}
		if g.Composed == nil || len(g.Composed.Programmes) == 0 {
			return nil
		}
		list = append(list, g.Composed.Programmes...)
	}
	return list
}

// compose looks up, for grants of roles that are not shipped, what they may do at
// this moment: nothing for a role that is retired.
func compose(tx db.Tx, grants []Grant) error {
	if !slices.ContainsFunc(grants, func(g Grant) bool { return !shipped(g.Role) }) {
		return nil
	}
	var rows []struct {
		Code        string `db:"code"`
		Permissions []byte `db:"permissions"`
		Desks       []byte `db:"desks"`
		Programmes  []byte `db:"programmes"`
	}
	if err := tx.Select(&rows, `select code, permissions, desks, programmes from role_definition where not retired`); err != nil {
		return err
	}
	for i, g := range grants {
		if shipped(g.Role) {
			continue
		}
		grants[i].Composed = &Composed{}
		for _, r := range rows {
			if r.Code != g.Role {
				continue
			}
			has := grants[i].Composed
			if err := errors.Join(json.Unmarshal(r.Permissions, &has.Permissions), json.Unmarshal(r.Desks, &has.Desks),
				json.Unmarshal(r.Programmes, &has.Programmes)); err != nil {
				return err
			}
		}
	}
	return nil
}

// Composable lists what roles may be composed of, in order. What is missing stays with
// the shipped roles: the database names them where it matters, or it would let whoever
// composes roles have more. The table permission_rule says the same; a test compares them.
func Composable() []Permission {
	var list []Permission
	for _, permissions := range roles {
		for _, p := range permissions {
			if !slices.Contains(kept, p) && !slices.Contains(list, p) {
				list = append(list, p)
			}
		}
	}
	slices.Sort(list)
	return list
}

var kept = []Permission{PersonProtected, LookRelease, DelegateGrant, AccountLink, KinEnd, AlertRead, AuditRead, EmergencyOpen, SettingEdit, SettingApprove, ErasureApprove, HoldDecide}
