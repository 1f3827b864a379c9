package main

import (
	"encoding/binary"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"daftar/db"
	"daftar/db/localpg"
)

// To run a page's queries bare, and to know how many transactions an issuance
// takes, the program is watched doing it once: PostgreSQL writes down what it
// is asked. So the limits follow the program when it changes.

// statement is one that the program sent, with the parameters as text.
type statement struct {
	SQL     string
	Params  []*string // nil is null
	Session string    // of PostgreSQL
}

// watched are the roles whose statements are written down.
var watched = []db.Role{db.Citizen, db.Staff, db.Issuer}

// watch starts the program anew with its statements written down, or no longer:
// roles get their settings when they log in. The program does not start where the
// log would hold what people typed, so that comes after it has, with new logins.
func (s *system) watch(on bool) error {
	prefix, each, again := `alter system reset log_line_prefix`, []string{`reset log_statement`, `reset log_error_verbosity`}, []string(nil)
	if on {
		prefix, each, again = `alter system set log_line_prefix = '%u %c~'`, []string{`set log_statement = 'all'`}, []string{`set log_error_verbosity = 'default'`}
	}
	before, after := []string{prefix, `select pg_reload_conf()`}, []string(nil)
	for _, role := range watched {
		for _, set := range each {
			before = append(before, `alter role `+role.Login()+` `+set)
		}
		for _, set := range again { // terse leaves out parameters
			after = append(after, `alter role `+role.Login()+` `+set,
				`select pg_terminate_backend(pid) from pg_stat_activity where usename = '`+role.Login()+`'`)
		}
	}
	s.stop()
	if err := s.admin(mainDatabase, before...); err != nil {
		return err
	}
	if err := s.start(); err != nil || len(after) == 0 {
		return err
	}
	err := s.admin(mainDatabase, after...)
	time.Sleep(1500 * time.Millisecond) // a pool looks whether a connection lives that it did not use for a second
	return err
}

// capture does something and returns what a role sent meanwhile. A statement is
// in the log before its answer is on the way.
func (s *system) capture(role db.Role, do func() error) ([]statement, error) {
	log, err := os.Open(filepath.Join(s.pg.Dir(), "server.log"))
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }()
	if _, err := log.Seek(0, io.SeekEnd); err != nil {
		return nil, err
	}
	if err := do(); err != nil {
		return nil, err
	}
	raw, err := io.ReadAll(log)
	return parseLog(string(raw), role.Login()), err
}

var (
	executed  = regexp.MustCompile(`^LOG:  (?:execute [^:]*|statement): `)
	parameter = regexp.MustCompile(`\$\d+ = (NULL|'(?:[^']|'')*')`)
)

// parseLog finds a role's statements. Lines that go on start with a tab.
func parseLog(log, login string) []statement {
	var list []statement
	last := map[string]int{} // by session: others write in between
	for _, entry := range strings.Split(strings.ReplaceAll(log, "\n\t", "\v"), "\n") {
		entry = strings.ReplaceAll(entry, "\v", "\n")
		prefix, text, _ := strings.Cut(entry, "~")
		user, session, _ := strings.Cut(prefix, " ")
		if user != login {
			continue
		}
		if prefix := executed.FindString(text); prefix != "" {
			last[session] = len(list)
			list = append(list, statement{SQL: text[len(prefix):], Session: session})
		} else if values, ok := strings.CutPrefix(text, "DETAIL:  parameters: "); ok && len(list) > 0 {
			list[last[session]].Params = parseParameters(values)
		}
	}
	return list
}

func parseParameters(s string) []*string {
	var list []*string
	for _, found := range parameter.FindAllStringSubmatch(s, -1) {
		if found[1] == "NULL" {
			list = append(list, nil)
			continue
		}
		value := strings.ReplaceAll(found[1][1:len(found[1])-1], "''", "'")
		list = append(list, &value)
	}
	return list
}

// queries leaves out what only opens and closes transactions.
func queries(list []statement) []statement {
	var out []statement
	for _, st := range list {
		if !isFrame(st.SQL) {
			out = append(out, st)
		}
	}
	return out
}

func isFrame(sql string) bool {
	return strings.HasPrefix(sql, "begin") || sql == "commit" || sql == "rollback" || strings.Contains(sql, "set_config(")
}

// transactions are the statements in the order in which their transactions ended,
// those of each session together.
func transactions(list []statement) [][]statement {
	open := map[string][]statement{}
	var out [][]statement
	for _, st := range list {
		open[st.Session] = append(open[st.Session], st)
		if now := open[st.Session]; st.SQL == "commit" || st.SQL == "rollback" || !strings.HasPrefix(now[0].SQL, "begin") {
			out = append(out, now)
			delete(open, st.Session)
		}
	}
	return out
}

// commits counts the transactions that write.
func commits(list []statement) int {
	n := 0
	for _, st := range list {
		if strings.HasPrefix(st.SQL, "begin") && !strings.Contains(st.SQL, "read only") {
			n++
		}
	}
	return n
}

// args are the parameters as pgx takes them: text fits every type. Some are
// replaced.
func (st statement) args(fresh map[string]string) []any {
	out := make([]any, len(st.Params))
	for i, p := range st.Params {
		if p == nil {
			continue
		}
		out[i] = *p
		if id, ok := fresh[*p]; ok {
			out[i] = id
		}
	}
	return out
}

// madeSince finds the identities that the program made since an instant: they
// begin with it.
func madeSince(list []statement, since time.Time) []string {
	var made []string
	for _, st := range list {
		for _, p := range st.Params {
			if p == nil {
				continue
			}
			id, err := uuid.Parse(*p)
			if err == nil && id[6]>>4 == 7 && binary.BigEndian.Uint64(id[:8])>>16 >= uint64(since.UnixMilli()) && !slices.Contains(made, *p) {
				made = append(made, *p)
			}
		}
	}
	return made
}

// texts are the parameters as they are sent as text.
func (st statement) texts() [][]byte {
	out := make([][]byte, len(st.Params))
	for i, p := range st.Params {
		if p != nil {
			out[i] = []byte(*p)
		}
	}
	return out
}

// superuser is who may look into the server.
const superuser = localpg.Superuser
