package settings

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"daftar/fault"
	"daftar/i18n"
	"daftar/registry"
	"daftar/registry/cases/kinds"
	"daftar/registry/fields"
)

// Format is the number of the file's format.
const Format = 1

// MaxFile is the largest file that is read, in bytes.
const MaxFile = 1 << 20

// File is a country's configuration, or a part of it. What it leaves out stays
// as it is; a group that it names is the whole group.
type File struct {
	Format      int                      `yaml:"daftar_settings"`
	Country     *registry.Country        `yaml:"country,omitempty"`
	Languages   *registry.Languages      `yaml:"languages,omitempty"`
	Currency    *i18n.Money              `yaml:"currency,omitempty"`
	WorkingDays *registry.WorkingDays    `yaml:"working_days,omitempty"`
	Clocks      *registry.Clocks         `yaml:"clocks,omitempty"`
	Retention   *registry.Retention      `yaml:"retention,omitempty"`
	Branding    *registry.Branding       `yaml:"branding,omitempty"`
	Logo        *registry.Logo           `yaml:"logo,omitempty"`
	Contact     *registry.ServiceContact `yaml:"contact,omitempty"`
	Tags        *registry.Tags           `yaml:"tags,omitempty"`
	AreaKinds   []AreaKind               `yaml:"area_kinds,omitempty"`
	Identifiers []Identifier             `yaml:"identifiers,omitempty"`
	Offices     []Office                 `yaml:"offices,omitempty"`
	Fields      []fields.Entry           `yaml:"fields,omitempty"`
	CaseKinds   []kinds.Kind             `yaml:"case_kinds,omitempty"`
	Roles       []ComposedRole           `yaml:"roles,omitempty"`

	// Line is the line of a path such as "offices.2.code"; 0 for a file that was
	// not read.
	Line func(path string) int `yaml:"-"`
}

// AreaKind is what areas of a level are called.
type AreaKind struct {
	Level int       `json:"level" yaml:"level"`
	Code  string    `json:"code" yaml:"code"`
	Name  i18n.Text `json:"name" yaml:"name"`
}

// Identifier is a kind of number that issuers give.
type Identifier struct {
	Code       string            `json:"code" yaml:"code"`
	Name       i18n.Text         `json:"name" yaml:"name"`
	Subject    string            `json:"subject,omitempty" yaml:"subject,omitempty"` // person when empty
	Pattern    string            `json:"pattern,omitempty" yaml:"pattern,omitempty"`
	CheckDigit string            `json:"check_digit,omitempty" yaml:"check_digit,omitempty"` // none when empty
	Issuers    []registry.Issuer `json:"issuers,omitempty" yaml:"issuers,omitempty"`
	Retired    bool              `json:"retired,omitempty" yaml:"retired,omitempty"`
	Position   int               `json:"position,omitempty" yaml:"-"` // its place in the list
}

// Office is a unit of the administration.
type Office struct {
	Code    string            `json:"code" yaml:"code"`
	Parent  string            `json:"parent,omitempty" yaml:"parent,omitempty"`
	Kind    string            `json:"kind" yaml:"kind"` // of registry.OfficeKinds
	Name    i18n.Text         `json:"name" yaml:"name"`
	Seat    string            `json:"seat,omitempty" yaml:"seat,omitempty"`   // P-code of the area where it stands
	Areas   []string          `json:"areas,omitempty" yaml:"areas,omitempty"` // P-codes that it answers for
	Address i18n.Text         `json:"address,omitempty" yaml:"address,omitempty"`
	Phone   string            `json:"phone,omitempty" yaml:"phone,omitempty"`
	Opening map[string]string `json:"opening,omitempty" yaml:"opening,omitempty"` // {sunday: "08:00-14:00"}
	Closed  bool              `json:"closed,omitempty" yaml:"closed,omitempty"`
}

// ReadFile reads a file. What is wrong with its form is a fault.Invalid that
// names lines; nothing of it was used.
func ReadFile(r io.Reader) (*File, error) {
	raw, err := io.ReadAll(io.LimitReader(r, MaxFile+1))
	if err != nil {
		return nil, err
	}
	if len(raw) > MaxFile {
		return nil, fault.New(fault.Invalid, "settings.file.too_large", "Max", MaxFile>>20)
	}
	var root yaml.Node
	f := &File{}
	d := yaml.NewDecoder(bytes.NewReader(raw))
	d.KnownFields(true)
	if err := d.Decode(f); err != nil {
		return nil, unreadable(err)
	}
	if d.Decode(&yaml.Node{}) != io.EOF {
		return nil, fault.New(fault.Invalid, "settings.file.two")
	}
	if err := yaml.Unmarshal(raw, &root); err != nil {
		return nil, unreadable(err)
	}
	f.Line = func(path string) int { return line(&root, path) }
	if f.Format != Format {
		return nil, at(f.Line("daftar_settings"), "daftar_settings", "settings.file.format", "Format", Format)
	}
	return f, f.zeros(&root)
}

// zeros refuses the clocks of what people can ask for that are written out as
// nought: who means the country's leaves them out.
func (f *File) zeros(root *yaml.Node) error {
	var check fault.Check
	for i := range f.CaseKinds {
		for name, high := range map[string]int{"days": maxKindDays, "hours": maxKindHours, "object": maxKindDays, "regional": maxKindDays, "national": maxKindDays} {
			path := fmt.Sprintf("case_kinds.%d.%s", i, name)
			if n, err := strconv.Atoi(value(root, path)); err == nil && n == 0 {
				check.Fail(path, "settings.error.between", "Min", 1, "Max", high)
			}
		}
	}
	return f.Placed(check.Err())
}

// value is what stands at a path; "" for nothing.
func value(root *yaml.Node, path string) string {
	node := root.Content[0]
	for _, part := range strings.Split(path, ".") {
		if node = child(node, part); node == nil {
			return ""
		}
	}
	return node.Value
}

// line finds the deepest node of a path that is there.
func line(root *yaml.Node, path string) int {
	node := root
	if node.Kind == yaml.DocumentNode && len(node.Content) > 0 {
		node = node.Content[0]
	}
	found := max(node.Line, 1)
	for _, part := range strings.Split(path, ".") {
		next := child(node, part)
		if next == nil {
			break
		}
		node, found = next, next.Line
	}
	return found
}

func child(node *yaml.Node, part string) *yaml.Node {
	switch node.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(node.Content); i += 2 {
			if node.Content[i].Value == part {
				return node.Content[i+1]
			}
		}
	case yaml.SequenceNode:
		if n, err := strconv.Atoi(part); err == nil && n >= 0 && n < len(node.Content) {
			return node.Content[n]
		}
	}
	return nil
}

var (
	yamlLine  = regexp.MustCompile(`^(?:yaml: )?line (\d+): (.*)$`)
	yamlField = regexp.MustCompile(`^field (\S+) not found in type`)
	yamlTwice = regexp.MustCompile(`^mapping key "(.*)" already defined`)
	yamlType  = regexp.MustCompile("^cannot unmarshal \\S+ `(.*)` into")
)

// unreadable says where a file is no YAML of ours.
func unreadable(err error) error {
	if errors.Is(err, io.EOF) {
		return fault.New(fault.Invalid, "settings.file.empty")
	}
	lines := []string{err.Error()}
	var typed *yaml.TypeError
	if errors.As(err, &typed) {
		lines = typed.Errors
	}
	var check fault.Check
	for _, text := range lines {
		m := yamlLine.FindStringSubmatch(text)
		if m == nil {
			check.Fail("file", "settings.file.unreadable")
			continue
		}
		n, _ := strconv.Atoi(m[1])
		key, path := "settings.file.syntax", ""
		if f := yamlField.FindStringSubmatch(m[2]); f != nil {
			key, path = "settings.file.unknown", f[1]
		} else if f := yamlTwice.FindStringSubmatch(m[2]); f != nil {
			key, path = "settings.file.twice", f[1]
		} else if f := yamlType.FindStringSubmatch(m[2]); f != nil {
			key, path = "settings.file.type", f[1]
		}
		check.Fail("file", key, "Line", n, "Key", path)
	}
	return check.Err()
}

func at(line int, path, key string, args ...any) error {
	var check fault.Check
	check.Fail("file", "settings.file.at", "Line", line, "Key", path, "Why", fault.Nested{Key: key, Args: fault.Pairs(args...)})
	return check.Err()
}

// Placed puts the lines of the file before what Check found.
func (f *File) Placed(err error) error {
	var wrong *fault.Error
	if !errors.As(err, &wrong) || f.Line == nil || len(wrong.Fields) == 0 {
		return err
	}
	var check fault.Check
	for _, one := range wrong.Fields {
		check.Fail("file", "settings.file.at", "Line", f.Line(one.Name), "Key", one.Name, "Why", fault.Nested{Key: one.Key, Args: one.Args})
	}
	return check.Err()
}

// WriteTo writes the file as YAML: the same settings give the same bytes, and
// one thing is one line, so that git shows what changed.
func (f *File) WriteTo(w io.Writer) (int64, error) {
	var node yaml.Node
	if err := node.Encode(f); err != nil {
		return 0, err
	}
	for _, group := range node.Content {
		for _, c := range group.Content {
			tidy(c)
		}
	}
	var out bytes.Buffer
	out.WriteString("# A country's settings (docs/settings.md). Brought in with \"daftar settings import\".\n")
	e := yaml.NewEncoder(&out)
	e.SetIndent(2)
	if err := e.Encode(&node); err != nil {
		return 0, err
	}
	n, err := w.Write(out.Bytes())
	return int64(n), err
}

// lineLength is how long a mapping on one line may be.
const lineLength = 140

// tidy writes small mappings and lists on one line each.
func tidy(n *yaml.Node) int {
	length := len(n.Value) + 2
	for _, c := range n.Content {
		length += tidy(c) + 2
	}
	if n.Kind == yaml.SequenceNode && len(n.Content) > 0 && n.Content[0].Kind != yaml.ScalarNode {
		return lineLength + 1 // a list of things is a line for each
	}
	if n.Kind == yaml.MappingNode || n.Kind == yaml.SequenceNode {
		if length <= lineLength {
			n.Style = yaml.FlowStyle
		}
	}
	return length
}
