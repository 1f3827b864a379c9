package main

import (
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"daftar/db"
	"daftar/db/localpg"
)

// To run a page's queries bare, and to know how many transactions an issuance
// takes, the program is watched doing it once: PostgreSQL writes down what it
// is asked. So the limits follow the program when it changes.

// statement is one that the program sent, with the parameters as text.
type statement struct {
	SQL    string
	Params []*string // nil is null
}

// watched are the roles whose statements are written down.
var watched = []db.Role{db.Citizen, db.Issuer}

// watch starts the program anew with its statements written down, or no longer:
// roles get their settings when they log in.
func (s *system) watch(on bool) error {
	statements := []string{`alter system reset log_line_prefix`}
	if on {
		statements = []string{`alter system set log_line_prefix = '%u~'`}
	}
	statements = append(statements, `select pg_reload_conf()`)
	for _, role := range watched {
		if on {
			statements = append(statements,
				`alter role `+role.Login()+` set log_statement = 'all'`,
				`alter role `+role.Login()+` set log_error_verbosity = 'default'`) // terse leaves out parameters
		} else {
			statements = append(statements, `alter role `+role.Login()+` reset all`)
		}
	}
	s.stop()
	if err := s.admin(mainDatabase, statements...); err != nil {
		return err
	}
	return s.start()
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
	for _, entry := range strings.Split(strings.ReplaceAll(log, "\n\t", "\v"), "\n") {
		entry = strings.ReplaceAll(entry, "\v", "\n")
		user, text, _ := strings.Cut(entry, "~")
		if user != login {
			continue
		}
		if prefix := executed.FindString(text); prefix != "" {
			list = append(list, statement{SQL: text[len(prefix):]})
		} else if values, ok := strings.CutPrefix(text, "DETAIL:  parameters: "); ok && len(list) > 0 {
			list[len(list)-1].Params = parseParameters(values)
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

// args are the parameters as pgx takes them: text fits every type.
func (st statement) args() []any {
	out := make([]any, len(st.Params))
	for i, p := range st.Params {
		if p != nil {
			out[i] = *p
		}
	}
	return out
}

// superuser is who may look into the server.
const superuser = localpg.Superuser
