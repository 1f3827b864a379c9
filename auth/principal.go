// Package auth knows who is asking: sessions, signing in through an OpenID
// provider, accounts, staff and what their roles permit. It has no HTTP
// handlers.
package auth

import (
	"slices"
	"time"

	"daftar/db"
)

// Audience is the site that a session belongs to. A session of one is nothing
// in the other.
type Audience string

// The audiences, each with its own cookie and database role.
const (
	Portal Audience = "portal"
	Admin  Audience = "admin"
)

// Role is the database role that the audience's pages work as.
func (a Audience) Role() db.Role {
	if a == Admin {
		return db.Staff
	}
	return db.Citizen
}

// Principal is who makes a request. The zero value is anonymous.
type Principal struct {
	Audience Audience
	Session  db.ID
	ID       db.ID  // account or member of staff; zero when anonymous
	Person   *db.ID // the citizen's own record, once linked
	Name     string
	Grants   []Grant // staff roles in force at this moment
	ACR      string
	AuthTime time.Time
	StrongAt time.Time // when they last proved in a strong way to be themselves; zero: they did not
	StrongBy string    // BySignIn, ByPasskey
	Keys     bool      // staff: they have a passkey

	Urgent      bool            // staff: an emergency of theirs is open
	Emergencies []OpenEmergency // which ones
	IDToken     string
}

// Grant is a role within an area and everything inside it.
type Grant struct {
	Role     string    `db:"role"`
	Area     db.ID     `db:"area_id"`
	Composed *Composed `db:"-"` // of a role that the country composed
}

// SignedIn reports whether somebody is signed in.
func (p Principal) SignedIn() bool { return p.ID != (db.ID{}) }

// May reports whether the principal has a permission anywhere.
func (p Principal) May(need Permission) bool {
	switch need {
	case Public:
		return true
	case Citizen:
		return p.SignedIn() && p.Audience == Portal
	case Staff:
		return p.SignedIn() && p.Audience == Admin
	}
	return len(p.Areas(need)) > 0
}

// Areas lists the areas in which the principal has a permission.
func (p Principal) Areas(need Permission) []db.ID {
	if p.Audience != Admin || !p.SignedIn() {
		return nil
	}
	var areas []db.ID
	for _, g := range p.Grants {
		if slices.Contains(g.permissions(), need) {
			areas = append(areas, g.Area)
		}
	}
	return areas
}

// DB is the principal of the database for work of an audience.
func (p Principal) DB(a Audience) db.Principal {
	who := db.Principal{Role: a.Role(), Kind: "anonymous", Actor: p.ID, Session: p.Session}
	if p.SignedIn() {
		who.Kind = "citizen"
		if p.Audience == Admin {
			who.Kind = "staff"
		}
	}
	return who
}
