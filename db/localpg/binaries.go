package localpg

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// ErrNoBinaries says that PostgreSQL is not installed, and the ways out.
var ErrNoBinaries = errors.New(`PostgreSQL ` + strconv.Itoa(MinMajor) + ` or newer is not installed. Ways out:
  - run "make deps", which installs it with apt or brew
  - install PostgreSQL's server package yourself, and set PG_BINDIR if it is in an unusual place
  - set DAFTAR_DATABASE_URL to a database you already run`)

// findBinaries returns the directory of initdb and postgres: the version that
// made the data directory, or the newest one when there is no data yet.
func findBinaries(data string) (string, error) {
	var made int
	if b, err := os.ReadFile(filepath.Join(data, "PG_VERSION")); err == nil {
		made, _ = strconv.Atoi(strings.TrimSpace(string(b)))
	}
	var best string
	var bestMajor int
	var seen []string
	for _, dir := range candidates() {
		major := majorOf(dir)
		if major < MinMajor {
			continue
		}
		seen = append(seen, strconv.Itoa(major))
		if made != 0 && major != made {
			continue
		}
		if major > bestMajor {
			best, bestMajor = dir, major
		}
	}
	switch {
	case best != "":
		return best, nil
	case made != 0 && len(seen) > 0:
		return "", fmt.Errorf("the data in %s was made by PostgreSQL %d, and only version %s is installed. "+
			"Install PostgreSQL %d, run \"daftar db dump\", move the directory away and run \"daftar db restore\". Nothing was changed",
			data, made, strings.Join(slices.Compact(seen), ", "), made)
	}
	return "", ErrNoBinaries
}

func candidates() []string {
	var dirs []string
	if dir := os.Getenv("PG_BINDIR"); dir != "" {
		return []string{dir}
	}
	if path, err := exec.LookPath("postgres"); err == nil {
		if real, err := filepath.EvalSymlinks(path); err == nil {
			dirs = append(dirs, filepath.Dir(real))
		}
	}
	for _, pattern := range []string{
		"/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin",
		"/opt/homebrew/opt/postgresql@*/bin", "/usr/local/opt/postgresql@*/bin",
	} {
		found, _ := filepath.Glob(pattern)
		dirs = append(dirs, found...)
	}
	return dirs
}

var version = regexp.MustCompile(`\(PostgreSQL\) (\d+)`)

func majorOf(dir string) int {
	if _, err := os.Stat(filepath.Join(dir, "initdb")); err != nil {
		return 0
	}
	out, err := exec.Command(filepath.Join(dir, "postgres"), "--version").Output()
	if err != nil {
		return 0
	}
	m := version.FindSubmatch(out)
	if m == nil {
		return 0
	}
	major, _ := strconv.Atoi(string(m[1]))
	return major
}
