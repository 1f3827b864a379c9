package issuer_test

import (
	"testing"
	"time"

	"daftar/db"
	"daftar/fault"
	"daftar/issuer/statuslist"
	"daftar/jose"
	"daftar/registry"
	"daftar/registry/credentials"
)

// list is the published list, checked and unpacked, and when it ends.
func (s *system) list(t *testing.T) (*statuslist.List, time.Time) {
	t.Helper()
	a := s.get(t, "/status/1")
	if a.status != 200 || a.header.Get("Content-Type") != "application/statuslist+jwt" || a.header.Get("Cache-Control") != "public, max-age=5" {
		t.Fatalf("%d %v", a.status, a.header)
	}
	h, err := jose.ParseHeader(string(a.raw))
	if err != nil || h.Typ != "statuslist+jwt" || len(h.X5c) != 1 {
		t.Fatalf("%+v %v", h, err)
	}
	var claims struct {
		Sub  string `json:"sub"`
		IAT  int64  `json:"iat"`
		Exp  int64  `json:"exp"`
		TTL  int64  `json:"ttl"`
		List struct {
			Bits int    `json:"bits"`
			Lst  string `json:"lst"`
		} `json:"status_list"`
	}
	if err := jose.Verify(string(a.raw), s.status.Public(), []string{"ES256"}, &claims); err != nil {
		t.Fatal(err)
	}
	if claims.Sub != origin+"/status/1" || claims.List.Bits != 1 || claims.TTL != 5 || claims.IAT > s.clock.Now().Unix() || claims.Exp <= s.clock.Now().Unix() {
		t.Fatalf("%+v", claims)
	}
	list, err := statuslist.Decode(claims.List.Lst)
	if err != nil {
		t.Fatal(err)
	}
	return list, time.Unix(claims.Exp, 0)
}

func invalid(l *statuslist.List) (indices []int) {
	for i := range credentials.ListSize {
		if l.Invalid(i) {
			indices = append(indices, i)
		}
	}
	return indices
}

func TestRevocationShowsInTheList(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	copies, _, _ := s.issue(t, "amina", household, 3)
	s.issue(t, "joseph", household, 2)
	if l, _ := s.list(t); len(invalid(l)) != 0 {
		t.Fatal("something is revoked already")
	}
	here, elsewhere := s.area(t, "MJ01"), s.area(t, "MJ02")
	var ref string
	holder := s.person(t, "amina")
	s.do(t, officer, func(tx db.Tx) error {
		list, err := credentials.Of(tx, holder)
		ref = list[0].Ref
		return err
	})
	revoke := func(area db.ID, ref string) error {
		return s.db.WithTx(t.Context(), officer, func(tx db.Tx) error {
			return credentials.Revoke(tx, credentials.Officer{ID: officer.Actor, Areas: []db.ID{area}}, ref, "lost_device", "")
		})
	}
	if err := revoke(elsewhere, ref); !fault.Is(err, fault.NotFound) {
		t.Fatal("an officer of another region: ", err)
	}
	if err := revoke(here, registry.NewRef(registry.RefCredential, s.db.Rand())); !fault.Is(err, fault.NotFound) {
		t.Fatal("a credential that is not there: ", err)
	}
	if err := revoke(here, ref); err != nil {
		t.Fatal(err)
	}
	if err := revoke(here, ref); !fault.Is(err, fault.Conflict) {
		t.Fatal("revoked twice: ", err)
	}
	l, _ := s.list(t)
	if got := invalid(l); len(got) != len(copies) {
		t.Fatal("invalid: ", got)
	}
	for _, c := range copies {
		status := s.decode(t, c).Payload["status"].(object)["status_list"].(object)
		if status["uri"] != origin+"/status/1" || !l.Invalid(int(status["idx"].(float64))) {
			t.Error("still valid: ", status)
		}
	}
}

func (s *system) area(t *testing.T, code string) (id db.ID) {
	t.Helper()
	s.do(t, worker, func(tx db.Tx) error {
		a, err := registry.AreaByCode(tx, code)
		id = a.ID
		return err
	})
	return id
}

// A list is signed again long before it ends, and not at every request.
func TestListIsRenewed(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.issue(t, "amina", household, 1)
	_, first := s.list(t)
	s.clock.Add(time.Hour)
	if _, same := s.list(t); !same.Equal(first) {
		t.Error("signed again after an hour")
	}
	s.clock.Add(11 * time.Hour)
	if _, renewed := s.list(t); !renewed.After(first) {
		t.Error("not signed again after half of its time")
	}
}

func TestListsThatAreNot(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.issue(t, "amina", household, 1)
	for _, id := range []string{"2", "0", "-1", "01", "+1", "1.0", "x", "99999999999", "9223372036854775808", "%31", "1%00"} {
		refused(t, id, s.get(t, "/status/"+id), 404, "not_found")
	}
	// draft-ietf-oauth-status-list section 8.4: lists of the past are not kept.
	if a := s.get(t, "/status/1?time=1700000000"); a.status != 501 {
		t.Errorf("?time: %d %s", a.status, a.raw)
	}
}
