package importer

import (
	"encoding/csv"
	"encoding/json"
	"io"
	"strconv"
	"strings"

	"daftar/db"
	"daftar/i18n"
	"daftar/registry"
	"daftar/registry/audit"
)

// Problems lists what is wrong with a batch, errors before notices: in the order
// of the files, and last what only follows from another problem.
func Problems(tx db.Tx, b Batch, limit int) ([]Problem, error) {
	var rows []problemRow
	if err := tx.Select(&rows, `select `+problemColumns+` from import_problem where batch_id = $1
		order by notice, key in ('import.problem.home_rejected', 'import.problem.home_lacks', 'import.problem.owner_rejected'), file, sheet, line, seq limit $2`, b.ID, limit); err != nil {
		return nil, err
	}
	return problemsOf(rows)
}

const problemColumns = `seq, file, sheet, line, col, value, key, args, notice`

type problemRow struct {
	Seq    int    `db:"seq"`
	File   string `db:"file"`
	Sheet  string `db:"sheet"`
	Line   int    `db:"line"`
	Column string `db:"col"`
	Value  string `db:"value"`
	Key    string `db:"key"`
	Args   []byte `db:"args"`
	Notice bool   `db:"notice"`
}

func problemsOf(rows []problemRow) ([]Problem, error) {
	list := make([]Problem, len(rows))
	for i, r := range rows {
		list[i] = Problem{File: r.File, Sheet: r.Sheet, Line: r.Line, Column: r.Column, Value: r.Value, Key: r.Key, Notice: r.Notice}
		if err := json.Unmarshal(r.Args, &list[i].Args); err != nil {
			return nil, err
		}
		for name, v := range list[i].Args { // numbers and texts as they were
			switch v := v.(type) {
			case float64:
				if v == float64(int(v)) {
					list[i].Args[name] = int(v)
				}
			case map[string]any:
				text := i18n.Text{}
				for tag, s := range v {
					text[tag], _ = s.(string)
				}
				list[i].Args[name] = text
			}
		}
	}
	return list, nil
}

// WriteProblems writes all problems of a batch as CSV, in a language.
func WriteProblems(tx db.Tx, b Batch, p *i18n.Printer, out io.Writer) error {
	if _, err := io.WriteString(out, "\ufeff"); err != nil {
		return err
	}
	w := csv.NewWriter(out)
	_ = w.Write([]string{p.T("import.report.file"), p.T("import.report.sheet"), p.T("import.report.line"), p.T("import.report.column"),
		p.T("import.report.value"), p.T("import.report.rule"), p.T("import.report.kind")}) // told by Error
	kinds := map[bool]string{false: p.T("import.report.error"), true: p.T("import.report.notice")}
	for after := 0; ; {
		var rows []problemRow
		if err := tx.Select(&rows, `select `+problemColumns+` from import_problem where batch_id = $1 and seq > $2 order by seq limit 5000`, b.ID, after); err != nil {
			return err
		}
		list, err := problemsOf(rows)
		if err != nil {
			return err
		}
		for i, r := range list {
			line := ""
			if r.Line > 0 {
				line = strconv.Itoa(r.Line)
			}
			_ = w.Write([]string{Inert(r.File), Inert(r.Sheet), line, Inert(r.Column), Inert(r.Value), r.Rule(p), kinds[r.Notice]})
			after = rows[i].Seq
		}
		if len(rows) < 5000 {
			w.Flush()
			return w.Error()
		}
	}
}

// Inert keeps a spreadsheet from running a value as a formula.
func Inert(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return "'" + s
	}
	return s
}

// Proposal is one record of a batch, as it was and as it would be.
type Proposal struct {
	Seq  int    `db:"seq"`
	Kind string `db:"kind"`
	ID   db.ID  `db:"subject_id"`
	Base int    `db:"base_version"`
	Data []byte `db:"data"`
	Old  []byte `db:"old"` // nil for a new record
}

// Proposals lists the records of a batch after one: "new" or "changed" ones, or
// all; so many.
func Proposals(tx db.Tx, b Batch, what string, after, limit int) ([]Proposal, error) {
	if b.Change == nil {
		return nil, nil
	}
	where := map[string]string{"new": `and i.base_version = 0`, "changed": `and i.base_version > 0`}[what]
	var list []Proposal
	err := tx.Select(&list, `
		select i.seq, i.kind, i.subject_id, i.base_version, i.data, o.data as old
		from change_item i left join record_state o on o.subject_id = i.subject_id and o.version = i.base_version
		where i.change_id = $1 and i.seq > $2 `+where+` order by i.seq limit $3`, *b.Change, after, limit)
	return list, err
}

// Called are the names of records that a batch brings, by their identifiers:
// nobody else knows them yet.
func Called(tx db.Tx, b Batch, ids []string) (map[string]string, error) {
	names := map[string]string{}
	if b.Change == nil || len(ids) == 0 {
		return names, nil
	}
	var rows []struct {
		ID   db.ID  `db:"subject_id"`
		Name string `db:"name"`
	}
	err := tx.Select(&rows, `
		select subject_id, coalesce(data->>'full_name', data->>'name', data->>'ref') as name from change_item
		where change_id = $1 and subject_id = any($2::uuid[]) and base_version = 0`, *b.Change, ids)
	for _, r := range rows {
		names[r.ID.String()] = r.Name
	}
	return names, err
}

// SavedMapping is a mapping that was kept under a name.
type SavedMapping struct {
	ID      db.ID  `db:"id"`
	Ref     string `db:"ref"`
	Name    string `db:"name"`
	Text    string `db:"mapping"`
	Creator string `db:"creator"`
	Mine    bool   `db:"mine"`
}

const savedColumns = `m.id, m.ref, m.name, m.mapping, coalesce(s.name, '') as creator, m.created_by = $1 as mine
	from import_mapping m left join staff s on s.id = m.created_by where m.removed_at is null`

// SaveMapping keeps a mapping for files with the same headers.
func SaveMapping(tx db.Tx, name string, fingerprint []byte, m *Mapping) error {
	raw, err := m.YAML()
	if err != nil {
		return err
	}
	id := tx.NewID()
	if err := tx.Exec(`insert into import_mapping (id, ref, name, fingerprint, mapping, created_at) values ($1, $2, $3, $4, $5, $6)`,
		id, registry.NewRef(registry.RefMapping, tx.Rand()), name, fingerprint, string(raw), tx.Now()); err != nil {
		return err
	}
	return audit.Write(tx, audit.Event{Action: "mapping.saved", SubjectKind: "mapping", Subject: id})
}

// SavedMappings lists the mappings that are kept.
func SavedMappings(tx db.Tx, who db.ID) ([]SavedMapping, error) {
	var list []SavedMapping
	err := tx.Select(&list, `select `+savedColumns+` order by m.name, m.created_at`, who)
	return list, err
}

// FindMapping finds one by its reference.
func FindMapping(tx db.Tx, who db.ID, ref string) (SavedMapping, error) {
	var m SavedMapping
	canonical, _ := registry.ParseRef(registry.RefMapping, ref)
	err := tx.Get(&m, `select `+savedColumns+` and m.ref = $2`, who, canonical)
	return m, err
}

// Remembered is the newest mapping for files with these headers that still fits;
// nil when there is none.
func Remembered(tx db.Tx, who db.ID, looks []Look, c *Catalogue, words []Words) (*Mapping, error) {
	var list []SavedMapping
	if err := tx.Select(&list, `select `+savedColumns+` and m.fingerprint = $2 order by m.created_at desc limit 5`, who, Fingerprint(looks)); err != nil {
		return nil, err
	}
	for _, saved := range list {
		m, err := ReadMapping(stringReader(saved.Text), c)
		if err == nil && m.Fits(looks, c, words) == nil {
			return m, nil
		}
	}
	return nil, nil
}

// RemoveMapping takes a mapping of one's own away.
func RemoveMapping(tx db.Tx, who db.ID, ref string) error {
	m, err := FindMapping(tx, who, ref)
	if err != nil {
		return err
	}
	if err := changed(tx.Count(`update import_mapping set removed_at = $3 where id = $1 and created_by = $2`, m.ID, who, tx.Now())); err != nil {
		return err
	}
	return audit.Write(tx, audit.Event{Action: "mapping.removed", SubjectKind: "mapping", Subject: m.ID})
}
