package main

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"daftar/auth"
	"daftar/db"
	"daftar/demo"
	"daftar/mockid"
)

// visitor is the demo person whose pages are opened.
const visitor = "amina"

// pageWorkers is how many people turn pages at once.
const pageWorkers = 8

// page is one page that is measured.
type page struct {
	path    string
	note    string
	role    db.Role
	port    int
	request []byte
	gzip    []byte // the request of a browser that takes compressed pages
	barePage
}

// pages measures the pages that a citizen sees first, signed in, over
// keep-alive connections.
func (b *bench) pages() error {
	cookie, err := b.signIn()
	if err != nil {
		return err
	}
	return b.measurePages("", db.Citizen, portPortal, cookie, "/en/home", "/en/record")
}

// measurePages measures pages of somebody signed in at one of the sites, whose
// role in the database is role. The note is what the table says beside their names.
func (b *bench) measurePages(note string, role db.Role, port int, cookie string, paths ...string) error {
	list, err := b.preparePages(role, port, cookie, paths...)
	if err != nil {
		return err
	}
	cfg := bareConfig{Database: b.system.pg.URL(role.Login(), mainDatabase), Pages: map[string]barePage{}}
	for _, p := range list {
		cfg.Pages[p.path] = p.barePage
	}
	bare, err := startBare(cfg)
	if err != nil {
		return err
	}
	defer bare.stop()
	for _, p := range list {
		p.note, p.role, p.port = note, role, port
		if err := b.page(p, bare); err != nil {
			return fmt.Errorf("%s: %w", p.path, err)
		}
	}
	return nil
}

// page measures one page beside three limits: a greeting over HTTP, the page's
// queries without HTTP, and the two together.
func (b *bench) page(p page, bare *bareServer) error {
	m := func(name, unit, limit string) *metric { return b.metric(name, unit, limit) }
	toHello := m(p.path+p.note+", c=8", "/s", "fiber greeting")
	toQueries := m("  the same", "/s", fmt.Sprintf("its %d queries bare", len(queries(p.Queries))))
	toBare := m("  the same", "/s", "fiber, those queries, prepared bytes")
	p50 := m("  p50", "ms", "the same bare program")
	p99 := m("  p99", "ms", "the same bare program")
	processor := m("  server CPU", "ms", "the same bare program")
	database := m("  PostgreSQL CPU", "ms", "the same bare program")
	gzip := m("  compressed", "/s", "the same bare program, plain")
	gzipped := m("  compressed, server CPU", "ms", "the same bare program, plain")
	for range b.plan.pairs {
		hello, _, _, err := b.turn(bare.address, get(bare.address, "/hello"), b.plan.limitTime, nil)
		if err != nil {
			return err
		}
		queries, err := b.bareQueries(pageWorkers, p)
		if err != nil {
			return err
		}
		limit, limitCPU, limitDB, err := b.turn(bare.address, get(bare.address, p.path), b.plan.pageTime, bare.time)
		if err != nil {
			return err
		}
		ours, cpu, dbCPU, err := b.turn(b.system.address(p.port), p.request, b.plan.pageTime, b.system.serverTime)
		if err != nil {
			return err
		}
		packed, packedCPU, _, err := b.turn(b.system.address(p.port), p.gzip, b.plan.pageTime, b.system.serverTime)
		if err != nil {
			return err
		}
		toHello.add(ours.rate(), hello.rate())
		toQueries.add(ours.rate(), queries.rate())
		toBare.add(ours.rate(), limit.rate())
		p50.add(ours.ms(0.5), limit.ms(0.5))
		p99.add(ours.ms(0.99), limit.ms(0.99))
		processor.add(cpu, limitCPU)
		database.add(dbCPU, limitDB)
		gzip.add(packed.rate(), limit.rate())
		gzipped.add(packedCPU, limitCPU)
	}
	return nil
}

// turn asks for one page over and over. It returns the processor time that the
// server and PostgreSQL took for each, in milliseconds.
func (b *bench) turn(address string, request []byte, d time.Duration, used func() time.Duration) (s sample, server, database float64, err error) {
	wires := make([]*wire, pageWorkers)
	for i := range wires {
		if wires[i], err = dial(address); err != nil {
			return s, 0, 0, err
		}
		defer wires[i].close()
	}
	if used == nil {
		used = func() time.Duration { return 0 }
	}
	before, beforeDB := used(), b.system.databaseTime()
	s, err = load(b.ctx, pageWorkers, 0, d, func(worker, _ int) error {
		_, err := wires[worker].expect(request)
		return err
	})
	return s, s.per(used() - before), s.per(b.system.databaseTime() - beforeDB), err
}

// preparePages opens each page with the program watched, once it has read what it
// keeps in memory.
func (b *bench) preparePages(role db.Role, port int, cookie string, paths ...string) ([]page, error) {
	if err := b.system.watch(true); err != nil {
		return nil, err
	}
	host, address := b.system.host(port), b.system.address(port)
	list := make([]page, len(paths))
	for i, path := range paths {
		p := &list[i]
		p.path = path
		w, err := dial(address)
		if err != nil {
			return nil, err
		}
		defer w.close()
		if _, err := w.expect(get(host, path, cookie)); err != nil {
			return nil, err
		}
		since := time.Now()
		said, err := b.system.capture(role, func() error {
			body, err := w.expect(get(host, path, cookie))
			p.Body = bytes.Clone(body)
			return err
		})
		if err != nil {
			return nil, err
		}
		if p.Queries = said; len(queries(said)) == 0 {
			return nil, errors.New("the page's queries were not seen")
		}
		p.Made = madeSince(said, since)
	}
	if err := b.system.watch(false); err != nil {
		return nil, err
	}
	host = b.system.host(port) // the ports are others now
	for i := range list {
		list[i].request = get(host, list[i].path, cookie)
		list[i].gzip = get(host, list[i].path, cookie, "Accept-Encoding: gzip")
	}
	return list, nil
}

// signIn starts a session for the visitor and returns its cookie. The national
// ID is left out: it is not what is measured.
func (b *bench) signIn() (string, error) {
	citizens, _, err := demo.Directory(time.Now())
	if err != nil {
		return "", err
	}
	id := auth.Identity{Sub: mockid.Subject(demo.CitizenRealm, visitor), AuthTime: time.Now()}
	for _, p := range citizens {
		if p.Key == visitor {
			id.Name = p.Name
			id.Claims = auth.Claims{Name: p.Name, NationalID: p.NationalID}
		}
	}
	d, err := b.system.open(mainDatabase)
	if err != nil {
		return "", err
	}
	defer d.Close()
	var secret string
	err = d.WithTx(b.ctx, db.Principal{Role: db.Citizen, Kind: "anonymous"}, func(tx db.Tx) error {
		account, err := auth.Account(tx, id)
		if err != nil {
			return err
		}
		secret, err = auth.StartSession(tx, auth.Portal, account, id, db.ID{})
		return err
	})
	return "Cookie: daftar_portal=" + secret, err
}
