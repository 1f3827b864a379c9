package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"daftar/notify"
)

// Crash is a system that is killed again and again while people work on it.
// Later work extends it with more workers: each does something that either is
// acknowledged or is not, keeps account, and tries again when the server is away.
type Crash struct {
	*System
	t    *testing.T
	over context.Context // no new work is begun
	wg   sync.WaitGroup

	mu       sync.Mutex
	sent     map[string]bool // case: whether the receipt was seen
	told     map[string]bool // likewise, of what people tell of in the portal
	checked  map[string]bool // whether the recommendation was acknowledged
	approved map[string]bool
	lost     int // requests that were not answered
}

// TestCrash kills the program, as a power cut does, while applications are
// typed, sent, checked and decided, and citizens tell of what happened to them.
// What was acknowledged is there, once and whole; what was not is there whole or
// not at all.
func TestCrash(t *testing.T) {
	t.Parallel()
	s := ownSystem(t)
	kills, visitors := 4, 4
	if os.Getenv("LONG") != "" {
		kills, visitors = 60, 12
	}
	over, stop := context.WithCancel(t.Context())
	c := &Crash{System: s, t: t, over: over, sent: map[string]bool{}, told: map[string]bool{}, checked: map[string]bool{}, approved: map[string]bool{}}
	for n := range visitors {
		c.work(signedIn(t, s.admin(), "en", "intake"), func(v *Visitor, round int) error {
			return c.applies(v, fmt.Sprintf("Visitor %d-%d", n, round))
		})
	}
	for _, person := range []string{"amina", "joseph", "tomas"} {
		c.work(signedIn(t, s.portal(), "en", person), c.lostWork)
	}
	c.work(signedIn(t, s.admin(), "ar", "verifier"), c.checks)
	c.work(signedIn(t, s.admin(), "en", "approver"), c.decides)

	c.everybodyHasAPhone()
	for round := range kills {
		c.tells(round)
		time.Sleep(400*time.Millisecond + rand.N(900*time.Millisecond)) // any instant is as good as another
		c.kill()
		c.restart()
	}
	c.until(func() bool { return len(c.approved) > 0 }) // the last start serves too
	stop()
	c.wg.Wait()
	c.reckon()
	c.kill() // nothing moves while the two are compared
	c.toldOnce()
}

// everybodyHasAPhone gives each of the demo's people a phone of their own, to
// which messages go at once.
func (c *Crash) everybodyHasAPhone() {
	c.sql(c.t, `insert into contact (person_id, kind, value, owner, safe)
		select id, 'phone', '+25470' || (1000000 + row_number() over ()), 'own', '{notices}' from person on conflict do nothing;
		insert into setting (key, value, updated_at) values ('notices', '{"quiet_from": "", "quiet_to": "", "gap": 0, "per_day": 0}', now())`)
}

// tells has news for everybody.
func (c *Crash) tells(round int) {
	c.sql(c.t, fmt.Sprintf(`with told as (
		insert into notice (id, ref, kind, person_id, once, created_at)
		select gen_random_uuid(), 'N-%d-' || ref, 'decision_made', id, 'crash %d ' || id, now() from person returning id)
		insert into outbox (kind, ref, version, created_at) select 'send_notice', id, 1, now() from told;
		select pg_notify('daftar_outbox', '')`, round, round))
}

// toldOnce compares what left the house with what was noted: whenever the
// program was killed, nothing left twice, and what counts as sent was.
func (c *Crash) toldOnce() {
	t := c.t
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(c.dir, "sent", "messages.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	left := map[string]int{}
	for _, line := range strings.Split(strings.TrimSpace(string(raw)), "\n") {
		var m notify.Sent
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatal(err)
		}
		left[m.ID]++
	}
	states := map[string]int{}
	for _, row := range strings.Split(c.sql(t, `select id, state from notice_message`), "\n") {
		id, state, _ := strings.Cut(row, "|")
		states[state]++
		if n := left[id]; n > 1 || state == "sent" && n != 1 || state == "failed" {
			t.Errorf("a message that is %s left %d times", state, n)
		}
		delete(left, id)
	}
	if len(left) > 0 {
		t.Errorf("%d messages left and are nowhere noted", len(left))
	}
	if n := c.sql(t, `select count(*) from notice_delivery where channel = 'sms' and state = 'failed'`); n != "0" {
		t.Errorf("%s deliveries failed", n)
	}
	t.Logf("messages: %v", states)
}

// restart starts the program where it was: same state, same ports.
func (c *Crash) restart() {
	c.t.Helper()
	for range 50 {
		err := c.launch()
		if err == nil {
			return
		}
		if !errors.Is(err, errPortTaken) {
			c.t.Fatal(err)
		}
		time.Sleep(100 * time.Millisecond)
	}
	c.t.Fatal(errPortTaken)
}

// until waits for something that the workers bring about.
func (c *Crash) until(done func() bool) {
	c.t.Helper()
	for range 300 {
		c.mu.Lock()
		ok := done()
		c.mu.Unlock()
		if ok {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	c.t.Error("nothing more is done after the last start")
}

// work repeats a task until the end. An error that is not the server's absence
// fails the test.
func (c *Crash) work(v *Visitor, task func(v *Visitor, round int) error) {
	c.wg.Go(func() {
		for round := 0; c.over.Err() == nil; round++ {
			var answered *refusal
			if err := task(v, round); errors.As(err, &answered) {
				c.t.Error(err)
				return
			} else if err != nil {
				c.mu.Lock()
				c.lost++
				c.mu.Unlock()
				time.Sleep(20 * time.Millisecond) // the server is away
			}
		}
	})
}

// again repeats a request that may be sent twice until it is answered.
func (c *Crash) again(request func() (Answer, error)) (Answer, error) {
	for {
		a, err := request()
		var answered *refusal
		if err == nil || errors.As(err, &answered) && !refused(err, http.StatusServiceUnavailable) || c.over.Err() != nil {
			return a, err
		}
		c.mu.Lock()
		c.lost++
		c.mu.Unlock()
		time.Sleep(20 * time.Millisecond)
	}
}

// applies takes one application at the counter. Half of those that are cut off
// while sending try again, as people do; the others never learn what became of it.
func (c *Crash) applies(v *Visitor, name string) error {
	a, err := c.again(func() (Answer, error) { return v.save("/counter", nil) })
	if err != nil {
		return unanswered(err)
	}
	ref := caseRef.FindString(a.to)
	for _, p := range aHousehold(name, "") {
		if _, err := c.again(func() (Answer, error) { return v.save("/counter/"+ref+"/"+p.path, p.form) }); err != nil {
			return unanswered(err)
		}
	}
	c.note(c.sent, ref, false)
	send := func() (Answer, error) {
		return v.save("/counter/"+ref+"/check", url.Values{"note": {""}, "agree": {"yes"}})
	}
	if a, err = send(); err != nil && rand.N(2) == 0 {
		a, err = c.again(send)
	}
	if err != nil {
		return unanswered(err)
	}
	if !strings.HasSuffix(a.to, "/counter/"+ref+"/receipt") {
		return fmt.Errorf("sending leads to %s", a.to)
	}
	c.note(c.sent, ref, true)
	return nil
}

var personRef = regexp.MustCompile(`P-[0-9A-Z]{5}-[0-9A-Z]{5}`)

// lostWork tells of lost work, from another income to the next.
func (c *Crash) lostWork(v *Visitor, round int) error {
	a, err := c.again(func() (Answer, error) { return v.save("/events/job", nil) })
	if err != nil {
		return unanswered(err)
	}
	ref := caseRef.FindString(a.to)
	page, err := c.again(func() (Answer, error) { return v.get("/request/" + ref + "/q/who") })
	if err != nil {
		return unanswered(err)
	}
	whose := personRef.FindString(page.body)
	for _, p := range []Page{
		{"q/who", one("answer", whose)}, {"q/since", nil}, {"q/work", one("answer", "")}, {"q/livelihood", one("answer", "none")},
		{"q/monthly_income", one("answer", strconv.Itoa(100+round))}, {"proof", one("do", "on")},
	} {
		if _, err := c.again(func() (Answer, error) { return v.save("/request/"+ref+"/"+p.path, p.form) }); err != nil {
			return unanswered(err)
		}
	}
	c.note(c.told, ref, false)
	a, err = v.save("/request/"+ref+"/check", url.Values{"note": {""}, "agree": {"yes"}})
	if err != nil && rand.N(2) == 0 { // some press the button again, and are told that it was sent, or send it
		a, err = c.again(func() (Answer, error) {
			return v.save("/request/"+ref+"/check", url.Values{"note": {""}, "agree": {"yes"}})
		})
	}
	if err != nil {
		return unanswered(err)
	}
	if !strings.HasSuffix(a.to, "/request/"+ref+"/receipt") && !strings.HasSuffix(a.to, "/cases/"+ref) {
		return fmt.Errorf("sending leads to %s", a.to)
	}
	c.note(c.told, ref, true)
	return nil
}

func (c *Crash) note(list map[string]bool, ref string, acknowledged bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	list[ref] = acknowledged
}

// unanswered is the error of a request that got no answer, also where the
// server said that it is just going or coming: nothing to fail for.
func unanswered(err error) error {
	if refused(err, http.StatusServiceUnavailable) {
		return errors.New("the server is not all there")
	}
	return err
}

// next is a case that one list has and another does not.
func (c *Crash) next(from, to map[string]bool) (string, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for ref, acknowledged := range from {
		if _, begun := to[ref]; acknowledged && !begun {
			return ref, true
		}
	}
	return "", false
}

// step takes a step of the office. A conflict after an answer that never came
// means that the step was taken then.
func (c *Crash) step(v *Visitor, from, to map[string]bool, name string, form url.Values) error {
	ref, ok := c.next(from, to)
	if !ok {
		time.Sleep(5 * time.Millisecond)
		return nil
	}
	c.note(to, ref, false)
	take := func() (Answer, error) { return v.save("/cases/"+ref+"/"+name, form) }
	_, err := take()
	if err != nil && !refused(err, http.StatusConflict) {
		if _, err = c.again(take); refused(err, http.StatusConflict) {
			err = nil
		}
	}
	if err != nil {
		return unanswered(err)
	}
	c.note(to, ref, true)
	return nil
}

func (c *Crash) checks(v *Visitor, _ int) error {
	return c.step(v, c.sent, c.checked, "recommend", url.Values{"outcome": {"approve"}, "note": {""}})
}

func (c *Crash) decides(v *Visitor, _ int) error {
	return c.step(v, c.checked, c.approved, "decide", approval())
}

// stages are how far a case can have come, and what it consists of then. Letters
// follow by a job.
const stages = `
	select c.ref, c.state, concat_ws(' ',
	  (select count(*) from change g where g.id = c.change_id),
	  (select count(*) from change g where g.id in (select i.change_id from change_item i where i.data->>'ref' = c.draft->>'household_ref')),
	  (select count(*) from change_item i where i.change_id = c.change_id and i.kind = 'household'),
	  (select count(*) from change_item i where i.change_id = c.change_id and i.kind = 'person'),
	  (select g.state from change g where g.id = c.change_id),
	  (select string_agg(e.action, '>' order by e.seq) from case_event e where e.case_id = c.id),
	  (select string_agg(a.action, '>' order by a.at, a.action) from audit_event a where a.case_id = c.id and a.action not in ('case.read', 'case.edited') and a.action not like 'letter.%'),
	  (select count(*) from decision d where d.case_id = c.id and d.kind = 'case'),
	  (select count(*) from household h where h.ref = c.draft->>'household_ref'),
	  (select count(*) from person p join membership m on m.person_id = p.id and m.household_id = c.household_id))
	from case_file c where c.kind = 'registration' order by c.ref`

// toldStages is the same of what citizens told: what it proposes, from whom,
// about what, and its receipt.
const toldStages = `
	select c.ref, c.state, concat_ws(' ',
	  (select count(*) from change g where g.id = c.change_id and g.state = 'proposed'),
	  (select count(*) from change_item i where i.change_id = c.change_id),
	  (select count(*) from source s where s.case_id = c.id),
	  (select count(*) from case_subject s where s.case_id = c.id and s.subject_id in (c.person_id, c.household_id)),
	  (select count(*) from audit_receipt r where r.subject = c.id),
	  (select string_agg(e.action, '>' order by e.seq) from case_event e where e.case_id = c.id),
	  (select string_agg(a.action, '>' order by a.at, a.action) from audit_event a where a.case_id = c.id and a.action <> 'case.edited'),
	  (select count(*) from decision d where d.case_id = c.id))
	from case_file c where c.kind = 'job' order by c.ref`

var toldWhole = map[string]string{
	"draft":     "0 0 0 0 0 case.started 0",
	"submitted": "1 1 1 2 1 submitted case.started>case.submitted 0",
}

var whole = map[string]string{
	"draft":       "0 0 0 0 case.started 0 0 0",
	"submitted":   "1 1 1 1 proposed submitted case.started>case.submitted 0 0 0",
	"recommended": "1 1 1 1 verified submitted>recommended case.started>case.submitted>case.recommended 0 0 0",
	"approved":    "1 1 1 1 applied submitted>recommended>approved case.started>case.submitted>case.recommended>case.approved>change.applied 1 1 1",
}

// reckon compares the accounts with the database.
func (c *Crash) reckon() {
	t := c.t
	t.Helper()
	states := map[string]string{}
	for _, kind := range []struct {
		query string
		whole map[string]string
	}{{stages, whole}, {toldStages, toldWhole}} {
		for _, line := range strings.Split(c.sql(t, kind.query), "\n") {
			f := strings.SplitN(line, "|", 3)
			ref, state, parts := f[0], f[1], f[2]
			states[ref] = state
			if parts != kind.whole[state] {
				t.Errorf("%s is %s and consists of %q instead of %q", ref, state, parts, kind.whole[state])
			}
		}
	}
	if n := c.sql(t, `select count(*) from change g where g.origin = 'case' and not exists (select from case_file f where f.change_id = g.id)`); n != "0" {
		t.Errorf("%s proposals are nobody's", n)
	}
	acknowledged := 0
	for _, list := range []struct {
		noted map[string]bool
		kept  string // states that a case can be in after the step
	}{{c.sent, "submitted recommended approved"}, {c.told, "submitted"}, {c.checked, "recommended approved"}, {c.approved, "approved"}} {
		for ref, yes := range list.noted {
			if yes {
				acknowledged++
			}
			if state := states[ref]; yes && (state == "" || !strings.Contains(list.kept, state)) {
				t.Errorf("%s was acknowledged and is %q instead of %s", ref, state, list.kept)
			}
		}
	}
	for ref, state := range states {
		_, sent := c.sent[ref]
		if _, told := c.told[ref]; !sent && !told && state != "draft" {
			t.Errorf("%s is %s and nobody sent it", ref, state)
		}
	}
	if twice := c.sql(t, `select string_agg(name, ', ') from (
		select draft->'members'->0->>'full_name' as name from case_file where kind = 'registration' and state <> 'draft' group by 1 having count(*) > 1) doubled`); twice != "" {
		t.Errorf("sent twice: %s", twice)
	}
	c.proven()
	// every approval asked for one job, which is done or will be
	if n := c.sql(t, `select (select count(*) from case_file where state = 'approved') - (select count(*) from outbox where kind = 'assess_household')
		- (select count(*) from river.river_job where kind = 'assess_household' and state <> 'discarded')`); n != "0" {
		t.Errorf("%s jobs are missing", n)
	}
	if acknowledged < 10 || len(c.told) == 0 || c.lost == 0 {
		t.Errorf("only %d steps were acknowledged, and %d requests cut off", acknowledged, c.lost)
	}
	t.Logf("%d cases, of which %d told, %d acknowledged steps, %d requests cut off", len(states), len(c.told), acknowledged, c.lost)
}

// proven checks the audit log after all the kills (abuse case 14): it is whole,
// and what is on every receipt is in it.
func (c *Crash) proven() {
	t := c.t
	t.Helper()
	const missing = `select count(*) from audit_receipt r left join audit_leaf l on l.event_id = r.event_id and l.at = r.at and l.hash = r.hash where l.idx is null`
	for range 200 {
		if c.sql(t, missing) == "0" {
			break
		}
		time.Sleep(50 * time.Millisecond) // the next pass seals them
	}
	if n := c.sql(t, missing); n != "0" {
		t.Errorf("%s receipts are not in the audit log", n)
	}
	if n := c.sql(t, `select count(*) from case_file f where f.submitted_at is not null and not exists (select from audit_receipt r where r.subject = f.id)`); n != "0" {
		t.Errorf("%s applications have no receipt", n)
	}
	if got := c.run(t, "audit", "verify"); !strings.Contains(got, "are as they were sealed") {
		t.Errorf("the audit log after the kills: %s", got)
	}
}

// TestEndsQuietly ends the program as an operator does: nothing goes wrong on
// the way out, and the database server ends with it.
func TestEndsQuietly(t *testing.T) {
	t.Parallel()
	s := ownSystem(t)
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	s.wait()
	if said := s.log.String(); strings.Contains(said, `"level":"ERROR"`) {
		t.Errorf("it ended with\n%s", said)
	}
	if _, err := os.Stat(filepath.Join(s.dir, "pg", "data", "postmaster.pid")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the database server is still there (%v)", err)
	}
}
