// Command notices writes THIRD_PARTY_NOTICES.md: the licence text of every
// module that is linked into the program, and of the style sheets and scripts
// that are built from npm. Run it in the project's folder: make notices.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

type module struct {
	Path, Version, Dir string
	Main               bool
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "notices:", err)
		os.Exit(1)
	}
}

func run() error {
	modules, err := linked()
	if err != nil {
		return err
	}
	var b strings.Builder
	b.WriteString("# Third-party notices\n\nDaftar itself is under the Apache License 2.0 (LICENSE). The program contains the following\n" +
		"software of others. `make notices` writes this file.\n\n## Style sheets and script\n\n")
	if err := npm(&b, "govuk-frontend", "MIT License, Copyright (c) 2017 Crown Copyright (Government Digital Service)"); err != nil {
		return err
	}
	b.WriteString("\n## Go modules\n\n")
	texts := map[string][]string{}
	var order []string
	for _, m := range modules {
		text, err := licence(m.Dir)
		if err != nil {
			return fmt.Errorf("%s: %w", m.Path, err)
		}
		if texts[text] == nil {
			order = append(order, text)
		}
		texts[text] = append(texts[text], m.Path+" "+m.Version)
	}
	for _, text := range order {
		for _, name := range texts[text] {
			fmt.Fprintf(&b, "- %s\n", name)
		}
		fmt.Fprintf(&b, "\n```\n%s\n```\n\n", strings.TrimSpace(text))
	}
	return os.WriteFile("THIRD_PARTY_NOTICES.md", []byte(b.String()), 0o644)
}

// linked lists the modules of the packages that the program is built of.
func linked() ([]module, error) {
	out, err := exec.Command("go", "list", "-deps", "-json=Module", "./cmd/daftar").Output()
	if err != nil {
		return nil, err
	}
	seen := map[string]module{}
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p struct{ Module *module }
		err := d.Decode(&p)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if p.Module != nil && !p.Module.Main {
			seen[p.Module.Path] = *p.Module
		}
	}
	var list []module
	for _, m := range seen {
		list = append(list, m)
	}
	slices.SortFunc(list, func(a, b module) int { return strings.Compare(a.Path, b.Path) })
	return list, nil
}

func licence(dir string) (string, error) {
	var all []string
	for _, pattern := range []string{"LICEN[SC]E*", "COPYING*", "NOTICE*"} {
		found, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			return "", err
		}
		for _, file := range found {
			raw, err := os.ReadFile(file)
			if err != nil {
				continue // a folder of that name
			}
			all = append(all, string(raw))
		}
	}
	if len(all) == 0 {
		return "", errors.New("no licence file")
	}
	return strings.Join(all, "\n\n"), nil
}

// npm notes a package whose files are built into static/.
func npm(b *strings.Builder, name, licence string) error {
	raw, err := os.ReadFile(filepath.Join("tools/assets/node_modules", name, "package.json"))
	if err != nil {
		return fmt.Errorf("%s: run make deps-test first: %w", name, err)
	}
	var p struct{ Version, License string }
	if err := json.Unmarshal(raw, &p); err != nil {
		return err
	}
	if p.License != "MIT" {
		return fmt.Errorf("%s is under %q now", name, p.License)
	}
	fmt.Fprintf(b, "- %s %s\n\n```\n%s\n\n%s\n```\n", name, p.Version, licence, mit)
	return nil
}

const mit = `Permission is hereby granted, free of charge, to any person obtaining a copy of this software and
associated documentation files (the "Software"), to deal in the Software without restriction,
including without limitation the rights to use, copy, modify, merge, publish, distribute,
sublicense, and/or sell copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or
substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT
NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND
NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM,
DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT
OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.`
