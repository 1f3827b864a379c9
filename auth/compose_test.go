package auth_test

import (
	"bytes"
	"maps"
	"slices"
	"strings"
	"testing"

	"daftar/auth"
	"daftar/db"
	"daftar/db/dbtest"
	"daftar/demo"
	"daftar/fault"
	"daftar/i18n"
	"daftar/registry/settings"
)

// The database knows what the shipped roles may do, what excludes what, and what no
// composed role may have.
func TestPolicyInTheDatabase(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	want := map[string]bool{}
	for _, role := range auth.Roles() {
		for _, p := range auth.Permissions(role) {
			want[role+" "+string(p)] = true
		}
	}
	if err := d.View(t.Context(), db.Principal{Role: db.Jobs, Kind: "job"}, func(tx db.Tx) error {
		var have []string
		if err := tx.Select(&have, `select role || ' ' || permission from role_permission`); err != nil {
			return err
		}
		for _, one := range have {
			if !want[one] {
				t.Errorf("the database lets %s", one)
			}
			delete(want, one)
		}
		for one := range maps.Keys(want) {
			t.Errorf("the database does not know %s", one)
		}
		for _, a := range auth.Roles() {
			for _, b := range auth.Roles() {
				var why string
				if err := tx.Get(&why, `select coalesce(role_conflict_why($1, $2), '')`, a, b); err != nil {
					return err
				}
				if why != auth.RoleConflict(a, b) {
					t.Errorf("%s and %s: %q in the database, %q here", a, b, why, auth.RoleConflict(a, b))
				}
			}
		}
		var composable []string
		if err := tx.Select(&composable, `
			select distinct permission from role_permission where permission not in (select permission from permission_rule where rule = 'kept') order by 1`); err != nil {
			return err
		}
		var here []string
		for _, p := range auth.Composable() {
			here = append(here, string(p))
		}
		if slices.Sort(composable); !slices.Equal(composable, here) {
			t.Errorf("composable: %v in the database, %v here", composable, here)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

// composing is a database in which the system's administrator proposes and the data
// protection officer agrees.
type composing struct {
	*dbtest.DB
	t             *testing.T
	sysadmin, dpo db.Principal
}

func newComposing(t *testing.T) composing {
	t.Helper()
	c := composing{DB: seeded(t), t: t}
	for key, who := range map[string]*db.Principal{"sysadmin": &c.sysadmin, "dpo": &c.dpo} {
		p, err := demo.Staff(t.Context(), c.DB.DB, key)
		if err != nil {
			t.Fatal(err)
		}
		p.Role, *who = db.Staff, p
	}
	return c
}

// propose says what is wrong with a role, or the proposal's reference.
func (c composing) propose(r settings.ComposedRole) (ref string, err error) {
	r.Name = i18n.Text{}
	for _, l := range i18n.Shipped() {
		r.Name[l.Tag] = "Field supervisor"
	}
	return ref, c.WithTx(c.t.Context(), c.sysadmin, func(tx db.Tx) error {
		old, err := settings.Read(tx)
		if err != nil {
			return err
		}
		f := &settings.File{Format: settings.Format, Roles: []settings.ComposedRole{r}}
		next := old.With(f)
		if err := settings.Check(tx, f, old, next); err != nil {
			return err
		}
		ref, _, err = settings.Propose(tx, settings.Proposal{Origin: settings.OriginPage, Items: settings.Diff(old, next)})
		return err
	})
}

func (c composing) approve(who db.Principal, ref string) error {
	return c.WithTx(c.t.Context(), who, func(tx db.Tx) error { return settings.Approve(tx, ref) })
}

func (c composing) give(staff db.ID, role string) (ref string, err error) {
	return ref, c.WithTx(c.t.Context(), c.sysadmin, func(tx db.Tx) (err error) {
		ref, err = settings.ProposeRole(tx, settings.Role{Staff: staff, Role: role, Office: "capital"}, settings.Proposal{Origin: settings.OriginPage})
		return err
	})
}

// What no role may be composed of.
func TestRolesThatCannotBeComposed(t *testing.T) {
	t.Parallel()
	c := newComposing(t)
	for _, bad := range []struct {
		role  settings.ComposedRole
		field string
	}{
		{settings.ComposedRole{Code: "x1"}, "permissions"},
		{settings.ComposedRole{Code: "x1", Permissions: []string{"everything"}}, "permissions"},
		{settings.ComposedRole{Code: "x1", Permissions: []string{"change.propose", "change.approve"}}, "permissions"},                                      // two steps
		{settings.ComposedRole{Code: "x1", Permissions: []string{"case.read", "case.recommend", "case.decide"}, Desks: []string{"office"}}, "permissions"}, // two steps
		{settings.ComposedRole{Code: "x1", Permissions: []string{"setting.approve"}}, "permissions"},                                                       // would give itself more
		{settings.ComposedRole{Code: "x1", Permissions: []string{"person.protected"}}, "permissions"},
		{settings.ComposedRole{Code: "x1", Permissions: []string{"case.ask"}, Desks: []string{"office"}}, "permissions"}, // of what it does not see
		{settings.ComposedRole{Code: "x1", Permissions: []string{"case.read"}}, "desks"},
		{settings.ComposedRole{Code: "x1", Permissions: []string{"case.read"}, Desks: []string{"protection"}}, "desks"}, // sealed cases
		{settings.ComposedRole{Code: "x1", Permissions: []string{"person.read"}, Desks: []string{"office"}}, "desks"},
		{settings.ComposedRole{Code: "x1", Permissions: []string{"person.read"}, CaseKinds: []string{"birth"}}, "kinds"},
		{settings.ComposedRole{Code: "x1", Permissions: []string{"case.read"}, Desks: []string{"office"}, CaseKinds: []string{"wedding"}}, "kinds"},
		{settings.ComposedRole{Code: "x1", Permissions: []string{"person.read"}, Programmes: []string{"child-grant"}}, "programmes"},
		{settings.ComposedRole{Code: "verifier", Permissions: []string{"person.read"}}, "code"},
		{settings.ComposedRole{Code: "payee", Permissions: []string{"person.read"}}, "code"},
		{settings.ComposedRole{Code: "Chief!", Permissions: []string{"person.read"}}, "code"},
	} {
		_, err := c.propose(bad.role)
		if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "[roles.0."+bad.field+":") {
			t.Errorf("%+v: %v", bad.role, err)
		}
	}
}

// A composed role takes two people, holds with the next request, shows the kinds of
// cases that it names, excludes what its steps exclude, and ends at once.
func TestComposedRole(t *testing.T) {
	t.Parallel()
	c := newComposing(t)
	role := settings.ComposedRole{Code: "field_supervisor", Permissions: []string{"person.read", "case.read", "case.recommend"},
		Desks: []string{"office"}, CaseKinds: []string{"birth"}}
	ref, err := c.propose(role)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.approve(c.sysadmin, ref); !fault.Is(err, fault.Forbidden) {
		t.Errorf("whoever proposed it agrees: %v", err)
	}
	if err := c.approve(c.dpo, ref); err != nil {
		t.Fatal(err)
	}
	secret := start(t, c.DB, auth.Admin, officer("credential"), db.ID{})
	now := func() auth.Principal { p, _ := resolve(t, c.DB, auth.Admin, secret); return p }
	clerk := now()
	if clerk.May(auth.PersonRead) {
		t.Fatal("she has it already")
	}
	given, err := c.give(clerk.ID, role.Code)
	if err != nil {
		t.Fatal(err)
	}
	other, err := c.give(clerk.ID, "approver") // proposed while she has neither
	if err != nil {
		t.Fatal(err)
	}
	if err := c.approve(c.dpo, given); err != nil {
		t.Fatal(err)
	}
	if p := now(); !p.May(auth.PersonRead) || !p.May(auth.CaseRecommend) || p.May(auth.CaseDecide) || len(p.Desks(auth.CaseRecommend)) == 0 || p.Desks(auth.CaseRecommend)[0].Code != "office" {
		t.Errorf("she may not do what the role says: %+v", p.Grants)
	}
	if err := c.approve(c.dpo, other); !fault.Is(err, fault.Conflict) {
		t.Errorf("she decides what she checks: %v", err)
	}
	if _, err := c.give(clerk.ID, "intake"); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "role.conflict.hands") {
		t.Errorf("she takes in what she checks: %v", err)
	}

	// of the cases, the kinds that it names
	change(t, c.DB, `insert into case_file (id, ref, kind, kind_id, desk, channel, language, created_at)
		select gen_random_uuid(), k.code, 'registration', k.id, 'office', 'event', 'en', now() from case_kind k where k.code in ('birth', 'job')`)
	var kinds []string
	if err := c.View(t.Context(), clerk.DB(auth.Admin), func(tx db.Tx) error {
		return tx.Select(&kinds, `select k.code from case_file f join case_kind k on k.id = f.kind_id where f.ref in ('birth', 'job') order by 1`)
	}); err != nil || !slices.Equal(kinds, []string{"birth"}) {
		t.Errorf("she sees %v %v", kinds, err)
	}

	// the file has it, and gives it back as it was
	var file bytes.Buffer
	in(t, c.DB, auth.Admin, func(tx db.Tx) error {
		s, err := settings.Read(tx)
		if err != nil {
			return err
		}
		_, err = s.File().WriteTo(&file)
		return err
	})
	if err := c.WithTx(t.Context(), c.sysadmin, func(tx db.Tx) error {
		p, err := settings.FromFile(tx, "country.yaml", file.Bytes())
		if len(p.Items) > 0 {
			t.Errorf("the file differs: %+v", p.Items)
		}
		return err
	}); err != nil || !strings.Contains(file.String(), "code: field_supervisor") {
		t.Errorf("the file: %v", err)
	}

	// nobody writes it any other way
	for _, statement := range []string{
		`insert into role_permission (role, permission) values ('credential', 'person.read')`, `update role_definition set permissions = '["person.export"]'`,
		`delete from role_conflict`, `select apply_role('x1', 0, '{"permissions": ["person.read"]}', now())`,
	} {
		if err := c.WithTx(t.Context(), clerk.DB(auth.Admin), func(tx db.Tx) error { return tx.Exec(statement) }); err == nil {
			t.Errorf("as the role of the pages: %s", statement)
		}
	}

	// what it may do changes, and ends, with the next request
	role.Permissions = []string{"case.read"}
	for _, next := range []func(){func() {}, func() { role.Retired = true }} {
		next()
		if ref, err = c.propose(role); err != nil {
			t.Fatal(err)
		}
		if err := c.approve(c.dpo, ref); err != nil {
			t.Fatal(err)
		}
		if p := now(); p.May(auth.PersonRead) || p.May(auth.CaseRead) == role.Retired {
			t.Errorf("retired %t, and %+v", role.Retired, p.Grants)
		}
	}
	var entries int
	if err := c.View(t.Context(), worker, func(tx db.Tx) error {
		return tx.Get(&entries, `select count(*) from audit_event where action = 'settings.applied' and detail->'items' ? 'role field_supervisor'`)
	}); err != nil || entries != 3 {
		t.Errorf("%d entries in the log %v", entries, err)
	}
}
