package auth_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"daftar/auth"
	"daftar/db"
	"daftar/db/dbtest"
)

func TestRoleConflict(t *testing.T) {
	t.Parallel()
	for pair, want := range map[[2]string]string{
		{"verifier", "approver"}:     auth.ConflictHands,
		{"approver", "intake"}:       auth.ConflictHands,
		{"dataquality", "approver2"}: auth.ConflictHands, // imports, areas, changes
		{"dpo", "sysadmin"}:          auth.ConflictSystem,
		{"intake", "sysadmin"}:       auth.ConflictSystem,
		{"auditor", "support"}:       auth.ConflictAuditor,
		{"approver", "approver2"}:    "",
		{"sysadmin", "support"}:      "",
		{"sysadmin", "ministry"}:     "",
		{"appeals", "grievance"}:     "",
		{"intake", "intake"}:         "",
	} {
		if got := auth.RoleConflict(pair[0], pair[1]); got != want {
			t.Errorf("%v: %q, not %q", pair, got, want)
		}
		if got := auth.RoleConflict(pair[1], pair[0]); got != want {
			t.Errorf("%v the other way round: %q", pair, got)
		}
	}
}

// The database holds what the policy says.
func TestRoleConflictsInTheDatabase(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	want := map[string]bool{}
	for _, a := range auth.Roles() {
		for _, b := range auth.Roles() {
			if auth.RoleConflict(a, b) != "" {
				want[a+" "+b] = true
			}
		}
	}
	var have []string
	if err := d.View(t.Context(), db.Principal{Role: db.Jobs, Kind: "job"}, func(tx db.Tx) error {
		return tx.Select(&have, `select role || ' ' || other from role_conflict`)
	}); err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, pair := range slices.Sorted(maps.Keys(want)) {
		if a, b, _ := strings.Cut(pair, " "); a < b {
			lines = append(lines, fmt.Sprintf("('%s', '%s')", a, b))
		}
		if !slices.Contains(have, pair) {
			t.Errorf("%s is missing", pair)
		}
	}
	for _, pair := range have {
		if !want[pair] {
			t.Errorf("%s is too much", pair)
		}
	}
	if t.Failed() {
		t.Logf("insert into role_conflict_pair values %s", strings.Join(lines, ", "))
	}
}
