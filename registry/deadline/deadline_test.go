package deadline_test

import (
	"testing"
	"time"

	"daftar/registry"
	"daftar/registry/deadline"
)

func day(s string) time.Time {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		panic(err)
	}
	return t
}

func instant(s string) time.Time {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		panic(err)
	}
	return t
}

const (
	satSun, friSat, sun, none = "Sat+Sun", "Fri+Sat", "Sun", "none"
)

func clock(t *testing.T, zone, weekend string, holidays []string, outages ...string) deadline.Clock {
	t.Helper()
	z, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	c := deadline.Clock{Calendar: registry.Calendar{Zone: z, Weekend: map[time.Weekday]bool{}, Holidays: map[string]bool{}}}
	for _, d := range map[string][]time.Weekday{satSun: {6, 0}, friSat: {5, 6}, sun: {0}}[weekend] {
		c.Weekend[d] = true
	}
	for _, h := range holidays {
		c.Holidays[h] = true
	}
	for i := 0; i+1 < len(outages); i += 2 {
		c.Outages = append(c.Outages, deadline.Outage{From: instant(outages[i]), To: instant(outages[i+1])})
	}
	return c
}

var (
	easter = []string{"2026-04-03", "2026-04-06"}               // Friday and Monday
	winter = []string{"2026-12-25", "2027-01-01"}               // both Fridays
	eid    = []string{"2026-03-20", "2026-03-22", "2026-03-23"} // Friday, Sunday, Monday
	region = []string{"2026-04-01"}                             // in one region alone
)

// appeals were worked out on paper. 2 March 2026 is a Monday, and so 1 April a
// Wednesday; the day of service does not count.
var appeals = []struct {
	why           string
	zone, weekend string
	holidays      []string
	outages       []string
	served        string
	days          int
	last          string
	until         string
}{
	{"29 days of March are left after the 2nd: the 30th day is 1 April",
		"Africa/Nairobi", satSun, nil, nil, "2026-03-02", 30, "2026-04-01", "2026-04-01T21:00:00Z"},
	{"the 30th day is Good Friday, then a weekend, then Easter Monday: Tuesday",
		"Africa/Nairobi", satSun, easter, nil, "2026-03-04", 30, "2026-04-07", "2026-04-07T21:00:00Z"},
	{"where Easter is no holiday, the same Friday is a working day",
		"Africa/Nairobi", satSun, nil, nil, "2026-03-04", 30, "2026-04-03", "2026-04-03T21:00:00Z"},
	{"where Friday and Saturday are off, the next working day is Sunday",
		"Africa/Nairobi", friSat, nil, nil, "2026-03-04", 30, "2026-04-05", "2026-04-05T21:00:00Z"},
	{"where every day is worked, Friday stays",
		"Africa/Nairobi", none, nil, nil, "2026-03-04", 30, "2026-04-03", "2026-04-03T21:00:00Z"},
	{"26 December is a Saturday: Monday the 28th",
		"Africa/Nairobi", satSun, winter, nil, "2026-11-26", 30, "2026-12-28", "2026-12-28T21:00:00Z"},
	{"over the year's end: 1 January is a holiday and a Friday, so Monday the 4th",
		"Africa/Nairobi", satSun, winter, nil, "2026-12-02", 30, "2027-01-04", "2027-01-04T21:00:00Z"},
	{"the last day of the year is a Thursday and worked",
		"Africa/Nairobi", satSun, winter, nil, "2026-12-01", 30, "2026-12-31", "2026-12-31T21:00:00Z"},
	{"leap year: 31 January is the 1st day, 29 February the 30th",
		"Africa/Nairobi", satSun, nil, nil, "2028-01-30", 30, "2028-02-29", "2028-02-29T21:00:00Z"},
	{"no leap year: 28 February is the 29th day, 1 March the 30th",
		"Africa/Nairobi", satSun, nil, nil, "2027-01-30", 30, "2027-03-01", "2027-03-01T21:00:00Z"},
	{"served on the 29th of February: 1 March is the 1st day",
		"Africa/Nairobi", satSun, nil, nil, "2028-02-29", 30, "2028-03-30", "2028-03-30T21:00:00Z"},
	{"90 days end on Sunday, 31 May: Monday",
		"Africa/Nairobi", satSun, nil, nil, "2026-03-02", 90, "2026-06-01", "2026-06-01T21:00:00Z"},
	{"Friday holiday, Saturday off, two more holidays: Tuesday",
		"Asia/Amman", friSat, eid, nil, "2026-02-18", 30, "2026-03-24", "2026-03-24T21:00:00Z"},
	{"only Sunday is off, and Saturday is worked",
		"Africa/Lagos", sun, nil, nil, "2026-03-05", 30, "2026-04-04", "2026-04-04T23:00:00Z"},

	// The same service in other places ends at their own midnight.
	{"five hours and three quarters before Greenwich",
		"Asia/Kathmandu", satSun, nil, nil, "2026-03-02", 30, "2026-04-01", "2026-04-01T18:15:00Z"},
	{"the first place where the day ends",
		"Pacific/Kiritimati", satSun, nil, nil, "2026-03-02", 30, "2026-04-01", "2026-04-01T10:00:00Z"},
	{"the last place where it ends, 25 hours later",
		"Pacific/Pago_Pago", satSun, nil, nil, "2026-03-02", 30, "2026-04-01", "2026-04-02T11:00:00Z"},
	{"summer time of 13:45 until 5 April",
		"Pacific/Chatham", satSun, nil, nil, "2026-03-02", 30, "2026-04-01", "2026-04-01T10:15:00Z"},
	{"one country, its east",
		"Asia/Jayapura", satSun, nil, nil, "2026-03-02", 30, "2026-04-01", "2026-04-01T15:00:00Z"},
	{"one country, its west, two hours later",
		"Asia/Jakarta", satSun, nil, nil, "2026-03-02", 30, "2026-04-01", "2026-04-01T17:00:00Z"},

	// Clocks that change.
	{"clocks go forward at this midnight: the day ends at what is one o'clock",
		"Africa/Cairo", friSat, nil, nil, "2026-03-24", 30, "2026-04-23", "2026-04-23T22:00:00Z"},
	{"clocks go back at this midnight: the day has 25 hours",
		"Africa/Cairo", friSat, nil, nil, "2026-09-29", 30, "2026-10-29", "2026-10-29T22:00:00Z"},
	{"forward at midnight, west of Greenwich",
		"America/Santiago", sun, nil, nil, "2026-08-06", 30, "2026-09-05", "2026-09-06T04:00:00Z"},
	{"back at midnight, west of Greenwich",
		"America/Santiago", sun, nil, nil, "2026-03-05", 30, "2026-04-04", "2026-04-05T04:00:00Z"},
	{"midnight comes twice: the later one counts",
		"America/Havana", sun, nil, nil, "2026-10-01", 30, "2026-10-31", "2026-11-01T05:00:00Z"},
	{"the last working day before summer time",
		"America/New_York", satSun, nil, nil, "2026-02-04", 30, "2026-03-06", "2026-03-07T05:00:00Z"},
	{"the first one after, an hour earlier",
		"America/New_York", satSun, nil, nil, "2026-02-07", 30, "2026-03-09", "2026-03-10T04:00:00Z"},

	// The service was down.
	{"an hour in the afternoon of the last day: the day after",
		"Africa/Nairobi", satSun, nil, []string{"2026-04-01T12:00:00Z", "2026-04-01T13:00:00Z"}, "2026-03-02", 30, "2026-04-02", "2026-04-02T21:00:00Z"},
	{"down all the day before, and up again a minute before midnight: nothing is lost",
		"Africa/Nairobi", satSun, nil, []string{"2026-03-31T05:00:00Z", "2026-03-31T20:59:00Z"}, "2026-03-02", 30, "2026-04-01", "2026-04-01T21:00:00Z"},
	{"down over midnight, half an hour into the last day",
		"Africa/Nairobi", satSun, nil, []string{"2026-03-31T20:00:00Z", "2026-03-31T21:30:00Z"}, "2026-03-02", 30, "2026-04-02", "2026-04-02T21:00:00Z"},
	{"down from the very end of the last day: too late to matter",
		"Africa/Nairobi", satSun, nil, []string{"2026-04-01T21:00:00Z", "2026-04-02T21:00:00Z"}, "2026-03-02", 30, "2026-04-01", "2026-04-01T21:00:00Z"},
	{"down on Thursday, then the weekend, down on Sunday too: Monday",
		"Africa/Nairobi", friSat, nil, []string{"2026-04-02T06:00:00Z", "2026-04-02T16:00:00Z", "2026-04-05T06:00:00Z", "2026-04-05T07:00:00Z"},
		"2026-03-03", 30, "2026-04-06", "2026-04-06T21:00:00Z"},
	{"down in the last hour of the day in the west",
		"Asia/Jakarta", satSun, nil, []string{"2026-04-01T16:00:00Z", "2026-04-01T17:00:00Z"}, "2026-03-02", 30, "2026-04-02", "2026-04-02T17:00:00Z"},
	{"when the day was over in the east",
		"Asia/Jayapura", satSun, nil, []string{"2026-04-01T16:00:00Z", "2026-04-01T17:00:00Z"}, "2026-03-02", 30, "2026-04-01", "2026-04-01T15:00:00Z"},

	// A region's own holiday.
	{"in the region that has it",
		"Africa/Nairobi", satSun, region, nil, "2026-03-02", 30, "2026-04-02", "2026-04-02T21:00:00Z"},
}

func TestAppealsWorkedOutByHand(t *testing.T) {
	t.Parallel()
	if len(appeals) < 30 {
		t.Fatal("at least 30 dates")
	}
	for _, a := range appeals {
		c := clock(t, a.zone, a.weekend, a.holidays, a.outages...)
		if last := c.Appeal(day(a.served), a.days).Format(time.DateOnly); last != a.last {
			t.Errorf("%s: the last day is %s, not %s", a.why, last, a.last)
		}
		until := c.AppealUntil(day(a.served), a.days)
		if !until.Equal(instant(a.until)) {
			t.Errorf("%s: until %s, not %s", a.why, until.UTC().Format(time.RFC3339), a.until)
		}
		// The last day goes on until then (an hour that comes twice may be a day
		// later the first time), and no longer.
		if got := c.Today(until.Add(-61 * time.Minute)).Format(time.DateOnly); got != a.last {
			t.Errorf("%s: the last hour falls on %s", a.why, got)
		}
		if !c.Today(until).After(day(a.last)) {
			t.Errorf("%s: the day after has not begun", a.why)
		}
	}
}

// What the office has, and what waiting for the citizen adds to it.
func TestDueDaysWorkedOutByHand(t *testing.T) {
	t.Parallel()
	wait := func(days ...string) (list []deadline.Wait) {
		for i := 0; i < len(days); i += 2 {
			w := deadline.Wait{Asked: day(days[i])}
			if days[i+1] != "" {
				w.Answered = day(days[i+1])
			}
			list = append(list, w)
		}
		return list
	}
	for _, d := range []struct {
		why, received string
		waits         []deadline.Wait
		today, due    string
	}{
		{"three weeks", "2026-03-02", nil, "2026-03-02", "2026-03-23"},
		{"Monday to Thursday is three days more", "2026-03-02", wait("2026-03-09", "2026-03-12"), "2026-03-12", "2026-03-26"},
		{"a weekend of waiting is one day: the Monday", "2026-03-02", wait("2026-03-06", "2026-03-09"), "2026-03-09", "2026-03-24"},
		{"answered on the same day", "2026-03-02", wait("2026-03-09", "2026-03-09"), "2026-03-09", "2026-03-23"},
		{"still waiting, since two days", "2026-03-02", wait("2026-03-09", ""), "2026-03-11", "2026-03-25"},
		{"seven weeks of waiting count as three", "2026-03-02", wait("2026-03-09", "2026-04-30"), "2026-04-30", "2026-04-13"},
		{"still waiting after two months counts as three weeks", "2026-03-02", wait("2026-03-09", ""), "2026-05-11", "2026-04-13"},
		{"twice three weeks", "2026-03-02", wait("2026-03-09", "2026-04-30", "2026-05-04", "2026-07-31"), "2026-07-31", "2026-05-04"},
		{"a third time does not count", "2026-03-02", wait("2026-03-09", "2026-04-30", "2026-05-04", "2026-07-31", "2026-08-03", "2026-08-31"), "2026-08-31", "2026-05-04"},
		{"25 December and 1 January are off", "2026-12-22", nil, "2026-12-22", "2027-01-14"},
		{"31 December and 4 January are the days of waiting: Thursday to Monday", "2026-12-22", wait("2026-12-30", "2027-01-04"), "2027-01-04", "2027-01-18"},
	} {
		c := clock(t, "Africa/Nairobi", satSun, winter)
		if got := c.Due(day(d.received), 15, d.waits, day(d.today)).Format(time.DateOnly); got != d.due {
			t.Errorf("%s: due on %s, not %s", d.why, got, d.due)
		}
	}
}

func TestACaseWaitsTwiceForFifteenWorkingDays(t *testing.T) {
	t.Parallel()
	c := clock(t, "Africa/Nairobi", satSun, easter)
	for earlier, want := range []string{"2026-03-30", "2026-03-30", ""} {
		until, ok := c.WaitsUntil(day("2026-03-09"), earlier)
		if ok != (want != "") || ok && until.Format(time.DateOnly) != want {
			t.Errorf("the wait after %d others: until %s, %v", earlier, until, ok)
		}
	}
	if until, _ := c.WaitsUntil(day("2026-03-23"), 0); until.Format(time.DateOnly) != "2026-04-15" { // two holidays between
		t.Error("over Easter until ", until)
	}
}

// Due on Monday, 23 March. Five working days later is Monday the 30th, fifteen
// are Monday, 13 April.
func TestSilenceOfTheOffice(t *testing.T) {
	t.Parallel()
	c := clock(t, "Africa/Nairobi", satSun, nil)
	for at, want := range map[string]deadline.Silence{
		"2026-03-20T12:00:00Z": deadline.InTime, "2026-03-23T20:59:59Z": deadline.InTime,
		"2026-03-23T21:00:00Z": deadline.Late, "2026-03-30T20:59:59Z": deadline.Late,
		"2026-03-30T21:00:00Z": deadline.Regional, "2026-04-13T20:59:59Z": deadline.Regional,
		"2026-04-13T21:00:00Z": deadline.National, "2027-04-13T21:00:00Z": deadline.National,
	} {
		got := c.SilentSince(day("2026-03-23"), instant(at))
		if got != want || got.MayAppeal() != (want != deadline.InTime) {
			t.Errorf("at %s: %d, not %d", at, got, want)
		}
	}
}

func TestServedWorkedOutByHand(t *testing.T) {
	t.Parallel()
	on := func(d string, p deadline.Proof) deadline.Event { return deadline.Event{Proof: p, Day: day(d)} }
	const opened, signed, posted, returned = deadline.Opened, deadline.SignedFor, deadline.Posted, deadline.Returned
	for _, s := range []struct {
		why    string
		events []deadline.Event
		want   string
	}{
		{"nothing was noted", nil, ""},
		{"opened", []deadline.Event{on("2026-03-05", opened)}, "2026-03-05"},
		{"opened again later", []deadline.Event{on("2026-03-05", opened), on("2026-03-09", opened)}, "2026-03-05"},
		{"signed for", []deadline.Event{on("2026-03-06", signed)}, "2026-03-06"},
		{"posted on the 2nd counts as received on the 9th", []deadline.Event{on("2026-03-02", posted)}, "2026-03-09"},
		{"over the end of a leap February", []deadline.Event{on("2028-02-25", posted)}, "2028-03-03"},
		{"over the year's end", []deadline.Event{on("2026-12-28", posted)}, "2027-01-04"},
		{"it came back", []deadline.Event{on("2026-03-02", posted), on("2026-03-12", returned)}, ""},
		{"it came back and was posted again", []deadline.Event{on("2026-03-02", posted), on("2026-03-12", returned), on("2026-03-16", posted)}, "2026-03-23"},
		{"opened, and then posted", []deadline.Event{on("2026-03-05", opened), on("2026-03-05", posted)}, "2026-03-05"},
		{"posted, and opened on the third day: the day that was told stands", []deadline.Event{on("2026-03-02", posted), on("2026-03-05", opened)}, "2026-03-09"},
		{"posted, opened, came back", []deadline.Event{on("2026-03-02", posted), on("2026-03-05", opened), on("2026-03-12", returned)}, "2026-03-09"},
		{"came back, opened weeks later", []deadline.Event{on("2026-03-02", posted), on("2026-03-12", returned), on("2026-04-01", opened)}, "2026-04-01"},
		{"a signature of an earlier day is noted late", []deadline.Event{on("2026-03-10", opened), on("2026-03-06", signed)}, "2026-03-10"},
		{"what proves nothing", []deadline.Event{on("2026-03-02", "printed"), on("2026-03-02", "handed_over")}, ""},
	} {
		served, ok := deadline.Served(s.events)
		if got := served.Format(time.DateOnly); ok != (s.want != "") || ok && got != s.want {
			t.Errorf("%s: served on %s (%v), not %q", s.why, got, ok, s.want)
		}
	}
}
