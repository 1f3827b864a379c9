package settings

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"daftar/db"
	"daftar/i18n"
	"daftar/registry"
	"daftar/registry/cases/kinds"
)

// ComposedRole is a role that a country put together of permissions. Where it holds,
// and until when, is said when it is given: at an office, which is its areas.
type ComposedRole struct {
	Code        string    `json:"code" yaml:"code"`
	Name        i18n.Text `json:"name" yaml:"name"`
	Permissions []string  `json:"permissions" yaml:"permissions,flow"`                   // of auth.Composable
	Desks       []string  `json:"desks,omitempty" yaml:"desks,flow,omitempty"`           // where those for cases hold
	CaseKinds   []string  `json:"kinds,omitempty" yaml:"case_kinds,flow,omitempty"`      // which cases those show; all when empty
	Programmes  []string  `json:"programmes,omitempty" yaml:"programmes,flow,omitempty"` // whose decisions it sends; all when empty
	Retired     bool      `json:"retired,omitempty" yaml:"retired,omitempty"`
}

// RoleDesks are where a composed role may do something with cases: what is sealed stays
// with the shipped role.
func RoleDesks() []string {
	return slices.DeleteFunc(kinds.Desks(), func(d string) bool { return d == "protection" })
}

var roleCode = regexp.MustCompile(`^[a-z][a-z0-9_]{1,30}$`)

// normal puts lists in order and leaves out what is empty.
func (r ComposedRole) normal() ComposedRole {
	for _, list := range []*[]string{&r.Permissions, &r.Desks, &r.CaseKinds, &r.Programmes} {
		*list = slices.Compact(slices.Sorted(slices.Values(*list)))
		if len(*list) == 0 {
			*list = nil
		}
	}
	return r
}

func (s *State) readRoles(tx db.Tx) error {
	var rows []struct {
		Code        string    `db:"code"`
		Name        i18n.Text `db:"name"`
		Permissions []byte    `db:"permissions"`
		Desks       []byte    `db:"desks"`
		Kinds       []byte    `db:"kinds"`
		Programmes  []byte    `db:"programmes"`
		Retired     bool      `db:"retired"`
		Version     int       `db:"version"`
	}
	if err := tx.Select(&rows, `select code, name, permissions, desks, kinds, programmes, retired, version from role_definition order by code`); err != nil {
		return err
	}
	for _, row := range rows {
		r := ComposedRole{Code: row.Code, Name: row.Name, Retired: row.Retired}
		for raw, list := range map[*[]byte]*[]string{&row.Permissions: &r.Permissions, &row.Desks: &r.Desks, &row.Kinds: &r.CaseKinds, &row.Programmes: &r.Programmes} {
			if err := json.Unmarshal(*raw, list); err != nil {
				return err
			}
		}
		s.Roles = append(s.Roles, r.normal())
		s.versions[thing{KindComposed, r.Code}] = row.Version
	}
	return nil
}

// Role is a composed role, if there is one.
func (s *State) Role(code string) (ComposedRole, bool) {
	i := slices.IndexFunc(s.Roles, func(r ComposedRole) bool { return r.Code == code })
	if i < 0 {
		return ComposedRole{}, false
	}
	return s.Roles[i], true
}

// roles checks the composed ones: of permissions that there are and that may be given
// away, without two steps that are for two people, and at a desk where there are cases.
func (c *checker) roles(tx db.Tx) error {
	for i, r := range c.file.Roles {
		path := fmt.Sprintf("roles.%d", i)
		if slices.IndexFunc(c.file.Roles, func(x ComposedRole) bool { return x.Code == r.Code }) < i {
			c.Fail(path+".code", "settings.error.twice", "Code", r.Code)
		}
		if c.same(KindComposed, r.Code) {
			continue
		}
		if !roleCode.MatchString(r.Code) {
			c.Fail(path+".code", "field.error.code")
		}
		c.text(path+".name", r.Name, maxText, true)
		var found struct {
			Shipped bool   `db:"shipped"`
			Wrong   string `db:"wrong"`
		}
		if err := tx.Get(&found, `
			select exists (select from role_permission p where p.role = $1 and not exists (select from role_definition d where d.code = $1)) as shipped,
			       coalesce(role_wrong($2), '') as wrong`, r.Code, r.Permissions); err != nil {
			return err
		}
		if found.Shipped || slices.Contains(registry.Roles(), r.Code) { // and what people are to a household
			c.Fail(path+".code", "field.error.taken")
		}
		if found.Wrong != "" {
			c.Fail(path+".permissions", "settings.error.role."+found.Wrong)
		}
		cases := slices.ContainsFunc(r.Permissions, func(p string) bool { return strings.HasPrefix(p, "case.") })
		if cases && !slices.Contains(r.Permissions, "case.read") {
			c.Fail(path+".permissions", "settings.error.role_case_read")
		}
		if cases != (len(r.Desks) > 0) {
			c.Fail(path+".desks", "settings.error.role_desks")
		}
		for _, d := range r.Desks {
			if !slices.Contains(RoleDesks(), d) {
				c.Fail(path+".desks", "field.error.choice")
			}
		}
		if len(r.CaseKinds) > 0 && (!cases || slices.Contains(r.Permissions, "case.intake")) {
			c.Fail(path+".kinds", "settings.error.role_kinds")
		}
		for _, k := range r.CaseKinds {
			if _, there := c.next.CaseKind(k); !there {
				c.Fail(path+".kinds", "field.error.choice")
			}
		}
		if len(r.Programmes) == 0 {
			continue
		}
		if !slices.Contains(r.Permissions, "decision.send") {
			c.Fail(path+".programmes", "settings.error.role_programmes")
		}
		var there int
		if err := tx.Get(&there, `select count(distinct code) from programme where code = any($1)`, r.Programmes); err != nil {
			return err
		}
		if there != len(r.Programmes) {
			c.Fail(path+".programmes", "field.error.choice")
		}
	}
	return nil
}
