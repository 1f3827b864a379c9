package auth_test

import (
	"testing"
	"time"

	"daftar/auth"
	"daftar/db"
)

func TestSteppedUp(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		p    auth.Principal
		want bool
	}{
		"anonymous":       {auth.Principal{StrongAt: now}, false},
		"never":           {auth.Principal{ID: db.ID{1}}, false},
		"now":             {auth.Principal{ID: db.ID{1}, StrongAt: now}, true},
		"nine minutes":    {auth.Principal{ID: db.ID{1}, StrongAt: now.Add(-9 * time.Minute)}, true},
		"ten minutes ago": {auth.Principal{ID: db.ID{1}, StrongAt: now.Add(-10 * time.Minute)}, false},
	} {
		if got := c.p.SteppedUp(now); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
