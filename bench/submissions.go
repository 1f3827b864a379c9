package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"daftar/auth"
	"daftar/db"
	"daftar/registry"
	"daftar/registry/cases"
)

// draftsDatabase is the registry with every draft, before any was sent.
const draftsDatabase = "bench_drafts"

// senders is how many people send at once.
const senders = 8

// draft is a life event of somebody signed in, all pages answered.
type draft struct{ cookie, ref string }

// submissions measures the last step of a life event: the POST that makes the
// proposal, starts the clock, and writes the audit log. The limit is the same
// statements in the same transactions under the same role, sent bare to a copy
// of the database as it was.
func (b *bench) submissions() error {
	count := b.plan.submissions
	drafts, err := b.drafts(count * (3 + 2*b.plan.pairs))
	if err != nil {
		return err
	}
	b.system.stop()
	// What the import of the people left to do would be measured too: letters, and
	// the search for duplicates.
	if err := b.system.admin(mainDatabase, `delete from river.river_job where state <> 'completed'`, `vacuum analyze`); err != nil {
		return err
	}
	if err := b.system.admin("postgres", `create database `+draftsDatabase+` template `+mainDatabase+` owner `+db.Owner); err != nil {
		return err
	}
	if err := b.system.watch(true); err != nil {
		return err
	}
	said, err := b.system.capture(db.Citizen, func() error {
		_, err := b.send(drafts[:2*count], 0)
		return err
	})
	if err := errors.Join(err, b.system.watch(false)); err != nil {
		return err
	}
	work := transactions(said)
	if _, err := b.send(drafts[2*count:3*count], 0); err != nil { // each connection learns the statements
		return err
	}
	const bare = "the same transactions, bare"
	rate := b.metric(fmt.Sprintf("sending a life event, c=%d", senders), "/s", bare)
	p99 := b.metric("  p99 at half that rate", "ms", "")
	processor := b.metric("  server CPU", "ms", "")
	database := b.metric("  PostgreSQL CPU", "ms", bare)
	for drafts = drafts[3*count:]; len(drafts) > 0; drafts = drafts[2*count:] {
		limit, limitDB, err := b.bareTransactions(work)
		if err != nil {
			return err
		}
		cpu, dbCPU := b.system.serverTime(), b.system.databaseTime()
		ours, err := b.send(drafts[:count], 0)
		if err != nil {
			return err
		}
		rate.add(ours.rate(), float64(count)/limit.Seconds())
		processor.values = append(processor.values, ours.per(b.system.serverTime()-cpu))
		database.add(ours.per(b.system.databaseTime()-dbCPU), float64(limitDB.Microseconds())/1e3/float64(count))
		half, err := b.send(drafts[count:2*count], ours.rate()/2)
		if err != nil {
			return err
		}
		p99.values = append(p99.values, half.ms(0.99))
	}
	return nil
}

// send sends drafts: at so many each second, or as fast as it goes (0). Each must
// be acknowledged, and is then looked for in the database.
func (b *bench) send(list []draft, rate float64) (sample, error) {
	host, wires := b.system.host(portPortal), make([]*wire, senders)
	for i := range wires {
		var err error
		if wires[i], err = dial(b.system.address(portPortal)); err != nil {
			return sample{}, err
		}
		defer wires[i].close()
	}
	// Whoever sends has answered the page before a moment ago.
	if err := b.system.admin(mainDatabase, `update session set seen_at = now()`); err != nil {
		return sample{}, err
	}
	s, err := paced(b.ctx, senders, len(list), rate, func(worker, i int) error {
		request := post(host, "/en/request/"+list[i].ref+"/check", "application/x-www-form-urlencoded", "note=&agree=yes", list[i].cookie)
		status, body, err := wires[worker].do(request)
		if err == nil && status != 303 {
			err = fmt.Errorf("sending: status %d: %.300s", status, body)
		}
		return err
	})
	if err != nil {
		return s, err
	}
	conn, err := b.system.as(superuser, mainDatabase)
	if err != nil {
		return s, err
	}
	defer func() { _ = conn.Close(context.Background()) }()
	refs := make([]string, len(list))
	for i, d := range list {
		refs[i] = d.ref
	}
	var stored int
	if err := conn.QueryRow(b.ctx, `select count(*) from case_file where ref = any($1) and state <> 'draft'`, refs).Scan(&stored); err != nil {
		return s, err
	}
	if stored != len(list) {
		return s, fmt.Errorf("%d were acknowledged and %d are there", len(list), stored)
	}
	return s, nil
}

// bareTransactions sends transactions as they were seen, to a fresh copy.
func (b *bench) bareTransactions(work [][]statement) (took, database time.Duration, err error) {
	s := b.system
	if err := s.renew(draftsDatabase); err != nil {
		return 0, 0, err
	}
	conns, err := s.connections(senders, db.Citizen.Login(), freshDatabase)
	if err != nil {
		return 0, 0, err
	}
	defer closeAll(conns)
	half := len(work) / 2 // the first half teaches the connections
	if _, err = load(b.ctx, senders, half, 0, func(worker, i int) error { return resend(b.ctx, conns[worker], work[i]) }); err != nil {
		return 0, 0, err
	}
	before := s.databaseTime()
	done, err := load(b.ctx, senders, len(work)-half, 0, func(worker, i int) error { return resend(b.ctx, conns[worker], work[half+i]) })
	return done.took, s.databaseTime() - before, err
}

// resend sends statements with their parameters as text, each prepared once.
func resend(ctx context.Context, conn *pgx.Conn, list []statement) error {
	for _, st := range list {
		prepared, err := conn.Prepare(ctx, st.SQL, st.SQL)
		if err != nil {
			return fmt.Errorf("%s: %w", st.SQL, err)
		}
		if err := conn.PgConn().ExecPrepared(ctx, prepared.Name, st.texts(), nil, nil).Read().Err; err != nil {
			return fmt.Errorf("%s: %w", st.SQL, err)
		}
	}
	return nil
}

// drafts makes n drafts of n people who are in the registry, each of another
// household and signed in.
func (b *bench) drafts(n int) ([]draft, error) {
	d, err := b.system.open(mainDatabase)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	if _, err := importSurvey(b.ctx, d, generate(b.plan.background, 3)); err != nil {
		return nil, err
	}
	conn, err := b.system.as(superuser, mainDatabase)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close(context.Background()) }()
	rows, err := conn.Query(b.ctx, `
		insert into account (id, provider, sub, person_id, created_at)
		select gen_random_uuid(), $1, 'bench-' || p.ref, p.id, now()
		from membership m join person p on p.id = m.person_id
		where m.relationship = 'head' and m.end_date is null and not exists (select from account a where a.person_id = p.id)
		  and p.birth_to < current_date - interval '20 years'
		order by p.ref limit $2 returning id, person_id, (select ref from person where id = person_id)`, auth.CitizenProvider, n)
	if err != nil {
		return nil, err
	}
	type account struct {
		ID, Person db.ID
		Ref        string
	}
	people, err := pgx.CollectRows(rows, pgx.RowToStructByPos[account])
	if err != nil {
		return nil, err
	}
	if len(people) < n {
		return nil, fmt.Errorf("%d heads of households for %d drafts", len(people), n)
	}
	list := make([]draft, n)
	_, err = load(b.ctx, senders, n, 0, func(_, i int) error {
		p := people[i]
		who := db.Principal{Role: db.Citizen, Kind: "citizen", Actor: p.ID}
		return d.WithTx(b.ctx, who, func(tx db.Tx) error {
			secret, err := auth.StartSession(tx, auth.Portal, p.ID, auth.Identity{AuthTime: tx.Now()}, db.ID{})
			if err != nil {
				return err
			}
			actor := cases.Actor{ID: p.ID, Person: &p.Person}
			ref, err := cases.Begin(tx, actor, cases.Opening{Kind: "job", Person: &p.Person, Language: "en"})
			if err != nil {
				return err
			}
			_, err = cases.Edit(tx, actor, ref, func(d *cases.Draft) error {
				for page, value := range (registry.Values{"who": p.Ref, "since": nil, "work": nil, "livelihood": "none", "monthly_income": 80.0}) {
					d.Answer(page, value)
				}
				d.Mark("proof")
				return nil
			})
			list[i] = draft{cookie: "Cookie: daftar_portal=" + secret, ref: ref}
			return err
		})
	})
	return list, err
}
