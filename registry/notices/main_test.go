package notices_test

import (
	"context"
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"daftar/db"
	"daftar/db/dbtest"
	"daftar/db/localpg"
	"daftar/i18n"
	"daftar/locales"
	"daftar/notify"
	"daftar/registry"
	"daftar/registry/notices"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

var (
	worker = db.Principal{Role: db.Jobs, Kind: "job"}
	office = db.Principal{Role: db.Staff, Kind: "staff", Actor: db.ID{1}}
)

// post is a gateway for both channels that keeps what it was given.
type post struct {
	mu    sync.Mutex
	texts []notify.Text
	mails []notify.Mail
	fail  func(n int) error         // of the n-th message, from 1
	hold  func(ctx context.Context) // before it answers
}

func (p *post) take(ctx context.Context, keep func()) error {
	if p.hold != nil {
		p.hold(ctx)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fail != nil {
		if err := p.fail(len(p.texts) + len(p.mails) + 1); err != nil {
			keep()
			return err
		}
	}
	keep()
	return nil
}

func (p *post) Mail(ctx context.Context, m notify.Mail) error {
	return p.take(ctx, func() { p.mails = append(p.mails, m) })
}

func (p *post) Text(ctx context.Context, t notify.Text) (string, error) {
	return "SM" + t.ID, p.take(ctx, func() { p.texts = append(p.texts, t) })
}

func (p *post) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.texts) + len(p.mails)
}

// house is a registry of four people, at ten in the morning in Nairobi, with a
// gateway. Amina has a phone.
type house struct {
	*dbtest.DB
	t      *testing.T
	people map[string]db.ID
	post   *post
	out    notices.Out
}

func newHouse(t *testing.T) *house {
	t.Helper()
	h := &house{DB: dbtest.New(t), t: t, post: &post{}, people: map[string]db.ID{}}
	h.Clock.Set(time.Date(2026, 3, 2, 7, 0, 0, 0, time.UTC))
	h.super(`insert into setting (key, value, updated_at) values ('country', '{"time_zone": "Africa/Nairobi"}', now())`)
	h.super(`insert into identity_provider (id, issuer) values ('citizen', 'http://c.example')`)
	for i, key := range []string{"amina", "joseph", "tomas", "zawadi"} {
		h.people[key] = db.ID{byte(i + 1)}
		h.super(`insert into person (id, ref, version, change_id) values ($1, $2, 1, $1)`, h.people[key], key)
	}
	h.contact(h.people["amina"], "phone +254700100471 own codes notices")
	messages, err := i18n.Load(locales.FS, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	h.out = notices.Out{Mail: h.post, Text: h.post, Messages: messages, Link: "https://registry.example"}
	return h
}

func (h *house) do(who db.Principal, fn func(db.Tx) error) {
	h.t.Helper()
	if err := h.WithTx(h.t.Context(), who, fn); err != nil {
		h.t.Fatal(err)
	}
}

// super runs a statement past every grant, key and trigger.
func (h *house) super(statement string, args ...any) {
	h.t.Helper()
	conn, err := pgx.Connect(h.t.Context(), h.URL(localpg.Superuser))
	if err != nil {
		h.t.Fatal(err)
	}
	defer func() { _ = conn.Close(h.t.Context()) }()
	if _, err := conn.Exec(h.t.Context(), `set session_replication_role = replica`); err != nil {
		h.t.Fatal(err)
	}
	if _, err := conn.Exec(h.t.Context(), statement, args...); err != nil {
		h.t.Fatal(statement, ": ", err)
	}
}

func (h *house) person(key string) db.ID { return h.people[key] }

// contact gives a person one more contact: "phone +254700 own notices".
func (h *house) contact(person db.ID, spec string) {
	h.t.Helper()
	f := strings.Fields(spec)
	protected := f[len(f)-1] == "protected"
	if protected {
		f = f[:len(f)-1]
	}
	h.super(`insert into contact (person_id, kind, value, owner, safe, protected) values ($1, $2, $3, $4, $5, $6)`, person, f[0], f[1], f[2], f[3:], protected)
}

// rerouted is a change of somebody's record, whose contacts were others before.
func (h *house) rerouted(person db.ID, i int, before string) (change db.ID) {
	h.t.Helper()
	old, change := db.ID{0xb, byte(i)}, db.ID{0xc, byte(i)}
	var list []registry.ContactData
	for _, spec := range strings.Split(before, "; ") {
		if f := strings.Fields(spec); len(f) > 0 {
			list = append(list, registry.ContactData{Kind: f[0], Value: f[1], Owner: f[2], Safe: f[3:], Protected: strings.HasSuffix(spec, "protected")})
		}
	}
	data, err := json.Marshal(registry.PersonData{Contacts: list})
	if err != nil {
		h.t.Fatal(err)
	}
	for v, id := range []db.ID{old, change} {
		h.super(`insert into change (id, origin, proposed_by, proposed_at) values ($1, 'case', $1, $2)`, id, h.Now())
		h.super(`insert into change_item (change_id, seq, kind, subject_id, base_version, data) values ($1, 1, 'person', $2, $3, $4)`, id, person, 2*i+v, data)
		h.super(`insert into record_version (subject_id, version, change_id, seq, recorded_at) values ($1, $2, $3, 1, $4)`, person, 2*i+v+1, id, h.Now())
	}
	return change
}

func (h *house) noContacts(person db.ID) {
	h.t.Helper()
	h.super(`delete from contact where person_id = $1`, person)
}

// tell puts news into somebody's inbox and returns the notice.
func (h *house) tell(person db.ID, once string, legal bool) (id db.ID) {
	h.t.Helper()
	h.do(office, func(tx db.Tx) error {
		return notices.Tell(tx, notices.Notice{Kind: "decision_made", Person: &person, Legal: legal, Once: once})
	})
	h.do(worker, func(tx db.Tx) error { return tx.Get(&id, `select id from notice where once = $1`, once) })
	return id
}

func (h *house) send(notice db.ID) time.Duration {
	h.t.Helper()
	wait, err := h.out.Send(h.t.Context(), h.DB.DB, notice)
	if err != nil {
		h.t.Fatal(err)
	}
	return wait
}

// states is what became of a notice: "sms sent, email skipped no_contact".
func (h *house) states(notice db.ID) (s string) {
	h.t.Helper()
	h.do(worker, func(tx db.Tx) error {
		return tx.Get(&s, `select coalesce(string_agg(channel || ' ' || state || case why when '' then '' else ' ' || why end, ', ' order by channel desc), '')
			from notice_delivery where notice_id = $1`, notice)
	})
	return s
}
