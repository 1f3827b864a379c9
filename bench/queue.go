package main

import (
	"fmt"

	"daftar/auth"
	"daftar/db"
	"daftar/demo"
)

// queue measures the first page of the staff's queue, with so many open cases in
// the registry.
func (b *bench) queue() error {
	if err := b.manyCases(b.plan.cases); err != nil {
		return err
	}
	cookie, err := b.staffSignIn("verifier")
	if err != nil {
		return err
	}
	return b.measurePages(fmt.Sprintf(", %d open cases", b.plan.cases), db.Staff, portAdmin, cookie, "/en/cases")
}

// manyCases opens n cases all over the demo's country.
func (b *bench) manyCases(n int) error {
	return b.system.admin(mainDatabase, fmt.Sprintf(`
		insert into case_file (id, ref, kind, kind_id, state, desk, channel, area_id, applicant, language, created_at, submitted_at, due_on)
		select gen_random_uuid(), 'C-' || n, 'registration', k.id, 'submitted', 'office', 'event', w.id[1 + n %% cardinality(w.id)], 'Somebody ' || n, 'en',
		       now(), now(), current_date + 1 + n %% 60
		from generate_series(1, %d) n,
		     (select id from case_kind where code = 'registration' order by version desc limit 1) k,
		     (select array_agg(id) as id from area where kind = 'ward' and code like 'MJ%%') w`, n), `analyze case_file`)
}

// staffSignIn starts a session for a member of the demo's staff and returns its
// cookie.
func (b *bench) staffSignIn(who string) (string, error) {
	d, err := b.system.open(mainDatabase)
	if err != nil {
		return "", err
	}
	defer d.Close()
	officer, err := demo.Staff(b.ctx, d, who)
	if err != nil {
		return "", err
	}
	var secret string
	err = d.WithTx(b.ctx, db.Principal{Role: db.Staff, Kind: "anonymous"}, func(tx db.Tx) (err error) {
		secret, err = auth.StartSession(tx, auth.Admin, officer.Actor, auth.Identity{AuthTime: tx.Now()}, db.ID{})
		return err
	})
	return "Cookie: daftar_admin=" + secret, err
}
