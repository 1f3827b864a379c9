// Package daftar has no code of its own: the test here keeps the packages in
// their order.
package daftar

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"
)

// layers lists the packages from the lowest up. A package imports only what
// stands on a line below its own; a folder's subfolders belong to it, unless
// they are listed themselves. Decision 1 in docs/decisions says why.
var layers = [][]string{
	{"fault", "locales", "static", "registry/names"},
	{"i18n"},
	{"db/migrations", "db/localpg", "jose", "blob", "notify", "scan", "pdf"},
	{"db"},
	{"seal"},
	{"db/dbtest"},
	{"registry/audit", "registry/jobs", "registry/xlsx"},
	{"registry"},
	{"registry/formula", "registry/seed", "registry/deadline", "registry/consent", "registry/quarantine", "registry/retention"},
	{"registry/notices"},
	{"registry/letters"},
	{"registry/history", "registry/programmes", "registry/credentials", "registry/importer", "registry/areas", "registry/seed/sow", "registry/search", "registry/filters", "registry/looks", "registry/figures", "registry/copies", "registry/oversight", "registry/dedup"},
	{"registry/cases", "registry/amend"},
	{"registry/fields"},
	{"registry/settings"},
	{"auth"},
	{"oauth", "web/ui"},
	{"web/show"},
	{"web"},
	{"web/ask"},
	{"web/signin", "web/intake"},
	{"web/filing"},
	{"issuer/sdjwt", "issuer/statuslist"},
	{"portal", "admin", "issuer", "mockid"},
	{"demo"},
	{"cmd/daftar"},
	{"e2e", "bench"},
}

// only says which packages may import a module, where that matters.
var only = map[string][]string{
	"github.com/lestrrat-go/jwx":    {"jose"},
	"github.com/gofiber/fiber":      {"web", "web/signin", "web/intake", "web/filing", "portal", "admin", "issuer", "mockid", "bench"},
	"github.com/jackc/pgx":          {"db", "db/localpg", "db/dbtest", "web", "registry", "registry/importer", "registry/areas", "registry/seed/sow", "cmd/daftar", "bench"},
	"github.com/jmoiron/sqlx":       {"db"},
	"github.com/riverqueue":         {"db", "cmd/daftar"},
	"github.com/tink-crypto":        {"seal"},
	"github.com/wneessen/go-mail":   {"notify"},
	"github.com/chromedp":           {"e2e"},
	"cel.dev/cel-go":                {"registry/formula", "registry/programmes"},
	"github.com/nicksnyder/go-i18n": {"i18n"},
	"github.com/go-webauthn":        {"auth"},
}

type pkg struct {
	ImportPath   string
	Imports      []string
	TestImports  []string
	XTestImports []string
}

func packages(t *testing.T) []pkg {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-json", "daftar/...").Output()
	if err != nil {
		t.Fatal(err)
	}
	var list []pkg
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		err := d.Decode(&p)
		if errors.Is(err, io.EOF) {
			return list
		}
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, p)
	}
}

// home is the listed folder that a package belongs to, and its layer.
func home(path string) (string, int) {
	path = strings.TrimPrefix(path, "daftar/")
	for p := path; ; {
		for n, layer := range layers {
			for _, name := range layer {
				if name == p {
					return name, n
				}
			}
		}
		i := strings.LastIndex(p, "/")
		if i < 0 {
			return "", -1
		}
		p = p[:i]
	}
}

func TestImportsGoDownwards(t *testing.T) {
	t.Parallel()
	for _, p := range packages(t) {
		if p.ImportPath == "daftar" {
			continue
		}
		mine, level := home(p.ImportPath)
		if level < 0 {
			t.Errorf("%s is in no layer: add it to the list", p.ImportPath)
			continue
		}
		for _, imported := range p.Imports {
			if !strings.HasPrefix(imported, "daftar/") {
				checkOnly(t, p.ImportPath, mine, imported)
				continue
			}
			theirs, below := home(imported)
			if theirs != mine && below >= level {
				t.Errorf("%s imports %s, which is not below it", p.ImportPath, imported)
			}
		}
	}
}

func checkOnly(t *testing.T, path, mine, imported string) {
	t.Helper()
	for module, allowed := range only {
		if imported != module && !strings.HasPrefix(imported, module+"/") {
			continue
		}
		for _, a := range allowed {
			if a == mine {
				return
			}
		}
		t.Errorf("%s imports %s, which only %s may", path, imported, strings.Join(allowed, ", "))
	}
}
