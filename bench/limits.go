package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"daftar/db"
)

// es256 measures signing and verifying on one core, in microseconds each.
func es256(d time.Duration) (sign, verify float64, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return 0, 0, err
	}
	hash := sha256.Sum256([]byte("what is signed"))
	signature, err := ecdsa.SignASN1(rand.Reader, key, hash[:])
	if err != nil {
		return 0, 0, err
	}
	sign = each(d/2, func() { _, err = ecdsa.SignASN1(rand.Reader, key, hash[:]) })
	verify = each(d/2, func() { ecdsa.VerifyASN1(&key.PublicKey, hash[:], signature) })
	return sign, verify, err
}

// each is how many microseconds something takes when done over and over for d.
func each(d time.Duration, do func()) float64 {
	start := time.Now()
	for n := 1; ; n++ {
		do()
		if took := time.Since(start); took >= d {
			return float64(took.Nanoseconds()) / 1e3 / float64(n)
		}
	}
}

// connections logs in n times.
func (s *system) connections(n int, role, database string) ([]*pgx.Conn, error) {
	var list []*pgx.Conn
	for range n {
		c, err := s.as(role, database)
		if err != nil {
			closeAll(list)
			return nil, err
		}
		list = append(list, c)
	}
	return list, nil
}

func closeAll(list []*pgx.Conn) {
	for _, c := range list {
		_ = c.Close(context.Background())
	}
}

// bareCommits does nothing but commit, as often as an issuance does and under
// its role: each a row into the table of things used once, in one round trip.
// It returns the processor time that PostgreSQL took, in milliseconds.
func (b *bench) bareCommits(workers, commits int) (s sample, database float64, err error) {
	conns, err := b.system.connections(workers, db.Issuer.Login(), mainDatabase)
	if err != nil {
		return s, 0, err
	}
	defer closeAll(conns)
	expires := time.Now().Add(time.Hour)
	before := b.system.databaseTime()
	s, err = load(b.ctx, workers, 0, b.plan.limitTime, func(worker, _ int) error {
		for range commits {
			hash := make([]byte, 32)
			_, _ = rand.Read(hash) // never fails
			if _, err := conns[worker].Exec(b.ctx, `insert into used_once (kind, hash, expires_at) values ('bench', $1, $2)`, hash, expires); err != nil {
				return err
			}
		}
		return nil
	})
	return s, s.per(b.system.databaseTime() - before), err
}

// bareQueries runs a page's queries one after the other, without HTTP or Go
// values made of the rows.
func (b *bench) bareQueries(workers int, p page) (sample, error) {
	conns, err := b.system.connections(workers, p.role.Login(), mainDatabase)
	if err != nil {
		return sample{}, err
	}
	defer closeAll(conns)
	return load(b.ctx, workers, 0, b.plan.limitTime, func(worker, _ int) error {
		return p.replay(b.ctx, conns[worker])
	})
}

// querier is a connection or a pool.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

func (p barePage) replay(ctx context.Context, q querier) error {
	fresh := map[string]string{}
	for _, id := range p.Made {
		fresh[id] = db.NewID(time.Now(), rand.Reader).String()
	}
	for _, st := range p.Queries {
		rows, err := q.Query(ctx, st.SQL, st.args(fresh)...)
		if err != nil {
			return fmt.Errorf("%s: %w", st.SQL, err)
		}
		for rows.Next() {
			_ = rows.RawValues()
		}
		if err := rows.Err(); err != nil {
			return fmt.Errorf("%s: %w", st.SQL, err)
		}
	}
	return nil
}
