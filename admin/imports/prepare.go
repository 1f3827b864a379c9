package imports

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"daftar/db"
	"daftar/fault"
	"daftar/registry"
	"daftar/registry/importer"
	"daftar/web"
	"daftar/web/ui"
)

// leadOn sends whoever opens a page of preparation too late to the batch.
func leadOn(c *web.Ctx, err error) error {
	if fault.Is(err, fault.Conflict) {
		return c.Redirect(c.URL("/imports/" + c.Param("ref")))
	}
	return err
}

// FilesForm asks what each list holds, and how its text is written.
func (p Pages) FilesForm(c *web.Ctx) error {
	d, err := p.loadDraft(c)
	if err != nil {
		return leadOn(c, err)
	}
	values := map[string][]string{}
	for i, u := range d.Batch.Files.V {
		values[input("encoding", i)] = []string{u.Encoding}
		values[input("delimiter", i)] = []string{u.Delimiter}
	}
	for i, l := range d.looks {
		values[input("kind", i)] = []string{l.Kind}
	}
	return c.Render(filesPage(d, &ui.Form{Values: values}))
}

func input(name string, i int) string { return fmt.Sprintf("%s-%d", name, i) }

// delimiters are the marks between cells, by the code of their message.
var delimiters = map[string]string{"comma": ",", "semicolon": ";", "tab": "\t", "bar": "|"}

// Files keeps the answers. The columns are understood anew.
func (p Pages) Files(c *web.Ctx) error {
	d, err := p.loadDraft(c)
	if err != nil {
		return leadOn(c, err)
	}
	var allowed []string
	for i := range d.Batch.Files.V {
		allowed = append(allowed, input("encoding", i), input("delimiter", i))
	}
	for i := range d.looks {
		allowed = append(allowed, input("kind", i))
	}
	form, err := c.Form(allowed...)
	if err != nil {
		return err
	}
	state := &ui.Form{Values: form.Values()}
	if form.Switching() {
		return c.Render(filesPage(d, state))
	}
	files := slices.Clone(d.Batch.Files.V)
	var check fault.Check
	for i := range files {
		if form.Values()[input("encoding", i)] == nil {
			continue // a workbook
		}
		files[i].Encoding = form.Choice(&check, input("encoding", i), importer.Encodings(), "field.error.choice")
		mark := form.Choice(&check, input("delimiter", i), []string{"comma", "semicolon", "tab", "bar"}, "field.error.choice")
		files[i].Delimiter = delimiters[mark]
	}
	for i, l := range d.looks {
		kinds := []string{importer.Nothing}
		for _, t := range d.cat.Tables {
			kinds = append(kinds, t.Code)
		}
		u := &files[l.File]
		u.Tables = cloneMap(u.Tables)
		u.Tables[l.Sheet] = form.Choice(&check, input("kind", i), kinds, "import.error.kind")
	}
	var looks []importer.Look
	err = check.Err()
	if err == nil {
		if looks, err = p.look(files, d.cat); err != nil {
			if f := aboutFile(c, input("encoding", 0), err); f != nil {
				err = f
			}
		}
	}
	if err == nil {
		err = c.WithTx(func(tx db.Tx) error {
			if err := importer.Choose(tx, d.Batch, files); err != nil {
				return err
			}
			return p.remember(c, tx, d.Batch, d.cat, looks)
		})
	}
	if f := shown(err); f != nil {
		state.Err = f
		return c.RenderStatus(web.Status(f.Code), filesPage(d, state))
	}
	if err != nil {
		return err
	}
	return c.Redirect(c.URL(here(d.Batch, "")))
}

func cloneMap(m map[string]string) map[string]string {
	out := map[string]string{}
	for k, v := range m {
		out[k] = v
	}
	return out
}

// table is one list's columns, as the page of columns shows them.
type table struct {
	importer.Table
	look  importer.Look
	first int // number of its first input
}

// tables are the lists whose columns are mapped: one for each kind.
func (d draft) tables() []table {
	var list []table
	n := 0
	for _, l := range d.looks {
		t, ok := d.cat.Table(l.Kind)
		if !ok || slices.ContainsFunc(list, func(o table) bool { return o.Code == t.Code && slices.Equal(o.look.Header, l.Header) }) {
			continue
		}
		list = append(list, table{t, l, n})
		n += len(l.Header)
	}
	return list
}

// ColumnsForm asks what each column is.
func (p Pages) ColumnsForm(c *web.Ctx) error {
	d, err := p.loadDraft(c)
	if err != nil {
		return leadOn(c, err)
	}
	return c.Render(columnsPage(d, d.columnsForm(), &ui.Form{Action: here(d.Batch, "mapping")}))
}

func (d draft) columnsForm() *ui.Form {
	values := map[string][]string{}
	m := d.effective()
	for _, t := range d.tables() {
		for i, name := range t.look.Header {
			values[input("column", t.first+i)] = []string{m.Tables[t.Code].Columns[name].To}
		}
	}
	return &ui.Form{Values: values}
}

// Columns keeps the answers.
func (p Pages) Columns(c *web.Ctx) error {
	d, err := p.loadDraft(c)
	if err != nil {
		return leadOn(c, err)
	}
	var allowed []string
	for _, t := range d.tables() {
		for i := range t.look.Header {
			allowed = append(allowed, input("column", t.first+i))
		}
	}
	form, err := c.Form(allowed...)
	if err != nil {
		return err
	}
	state := &ui.Form{Values: form.Values()}
	yaml := &ui.Form{Action: here(d.Batch, "mapping")}
	if form.Switching() {
		return c.Render(columnsPage(d, state, yaml))
	}
	m := d.effective()
	next := *m
	next.Tables = map[string]importer.TableMapping{}
	var check fault.Check
	for _, t := range d.tables() {
		tm, taken := importer.TableMapping{Columns: map[string]importer.Column{}}, map[string]bool{}
		if before, ok := next.Tables[t.Code]; ok {
			tm = before
		}
		for i, name := range t.look.Header {
			to := form.Get(input("column", t.first+i))
			if name == "" {
				continue
			}
			target, ok := t.Target(to)
			was := m.Tables[t.Code].Columns[name]
			switch {
			case to == "":
				tm.Ignore = append(tm.Ignore, name)
			case !ok:
				check.Fail(input("column", t.first+i), "field.error.choice")
			case taken[to] && was.Answer == "":
				check.Fail(input("column", t.first+i), "import.error.target_twice", "Target", target.Name(c.Printer()))
			case was.To == to:
				tm.Columns[name] = was
			default:
				tm.Columns[name] = importer.Column{To: to}
			}
			taken[to] = taken[to] || to != ""
		}
		next.Tables[t.Code] = tm
	}
	err = check.Err()
	if err == nil {
		if err = next.Fits(d.looks, d.cat, d.words); err != nil {
			err = beside(input("column", 0), "import.error.named", "File", "", "Why", said(c.Printer(), err))
		}
	}
	if err == nil {
		err = c.WithTx(func(tx db.Tx) error { return importer.Map(tx, d.Batch, &next) })
	}
	if f := shown(err); f != nil {
		state.Err = f
		return c.RenderStatus(web.Status(f.Code), columnsPage(d, state, yaml))
	}
	if err != nil {
		return err
	}
	return c.Redirect(c.URL(here(d.Batch, "")))
}

// question is a column with values that are no answers: what do they mean?
type question struct {
	table  importer.Table
	column string
	target importer.Target
	Values []string
	first  int // number of its first input
}

// maxQuestions bounds the values that a page asks about.
const maxQuestions = 200

func (d draft) questions() []question {
	var list []question
	n := 0
	m := d.effective()
	for _, t := range d.tables() {
		for _, name := range t.look.Header {
			col, ok := m.Tables[t.Code].Columns[name]
			if !ok {
				continue
			}
			q := question{table: t.Table, column: name, first: n, Values: t.look.Strange(d.cat, t.Table, name, importer.Column{To: col.To, Answer: col.Answer}, d.words)}
			q.target, _ = t.Target(col.To)
			if q.Values = q.Values[:min(len(q.Values), maxQuestions-n)]; len(q.Values) > 0 {
				list = append(list, q)
				n += len(q.Values)
			}
		}
	}
	return list
}

// unanswered are the values of questions that nobody has said anything about.
func (d draft) unanswered() int {
	n := 0
	m := d.effective()
	for _, q := range d.questions() {
		for _, v := range q.Values {
			if _, ok := m.Tables[q.table.Code].Columns[q.column].Codes[v]; !ok {
				n++
			}
		}
	}
	return n
}

// none is the answer that a value is no answer.
const none = "-"

// AnswersForm asks what values mean.
func (p Pages) AnswersForm(c *web.Ctx) error {
	d, err := p.loadDraft(c)
	if err != nil {
		return leadOn(c, err)
	}
	values := map[string][]string{}
	for _, q := range d.questions() {
		codes := d.effective().Tables[q.table.Code].Columns[q.column].Codes
		for i, v := range q.Values {
			if code, ok := codes[v]; ok && code == "" {
				values[input("value", q.first+i)] = []string{none}
			} else if ok {
				values[input("value", q.first+i)] = []string{code}
			}
		}
	}
	return c.Render(answersPage(d, &ui.Form{Values: values}))
}

// Answers keeps them. A value without one stays unknown: its rows are refused.
func (p Pages) Answers(c *web.Ctx) error {
	d, err := p.loadDraft(c)
	if err != nil {
		return leadOn(c, err)
	}
	questions := d.questions()
	var allowed []string
	for _, q := range questions {
		for i := range q.Values {
			allowed = append(allowed, input("value", q.first+i))
		}
	}
	form, err := c.Form(allowed...)
	if err != nil {
		return err
	}
	state := &ui.Form{Values: form.Values()}
	if form.Switching() {
		return c.Render(answersPage(d, state))
	}
	next := *d.effective()
	var check fault.Check
	for _, q := range questions {
		col := next.Tables[q.table.Code].Columns[q.column]
		codes := cloneMap(col.Codes)
		for i, v := range q.Values {
			switch code := form.Get(input("value", q.first+i)); {
			case code == "":
				delete(codes, v)
			case code == none:
				codes[v] = ""
			case slices.Contains(q.target.Codes, code):
				codes[v] = code
			default:
				check.Fail(input("value", q.first+i), "field.error.choice")
			}
		}
		if col.Codes = codes; len(codes) == 0 {
			col.Codes = nil
		}
		next.Tables[q.table.Code].Columns[q.column] = col
	}
	err = check.Err()
	if err == nil {
		err = c.WithTx(func(tx db.Tx) error { return importer.Map(tx, d.Batch, &next) })
	}
	if f := shown(err); f != nil {
		state.Err = f
		return c.RenderStatus(web.Status(f.Code), answersPage(d, state))
	}
	if err != nil {
		return err
	}
	return c.Redirect(c.URL(here(d.Batch, "")))
}

// OptionsForm asks how the files are to be read.
func (p Pages) OptionsForm(c *web.Ctx) error {
	d, err := p.loadDraft(c)
	if err != nil {
		return leadOn(c, err)
	}
	m := d.effective()
	or := func(s, usual string) []string {
		if s == "" {
			s = usual
		}
		return []string{s}
	}
	return c.Render(optionsPage(d, &ui.Form{Values: map[string][]string{
		"list": {m.List}, "dates": or(m.Dates, "ymd"), "age_on": {m.AgeOn}, "empty": or(m.Empty, "keep"), "match": or(m.Match, "update"),
		"nature": or(m.Nature, string(registry.Event)), "on": {m.On},
	}}))
}

const maxMappingName = 80

// Options keeps the answers, and the mapping under a name where one is given.
func (p Pages) Options(c *web.Ctx) error {
	d, err := p.loadDraft(c)
	if err != nil {
		return leadOn(c, err)
	}
	form, err := c.Form("list", "dates", "age_on", "empty", "match", "nature", "on", "name")
	if err != nil {
		return err
	}
	state := &ui.Form{Values: form.Values()}
	if form.Switching() {
		return c.Render(optionsPage(d, state))
	}
	next := *d.effective()
	var check fault.Check
	next.List = strings.ToLower(form.Text(&check, "list", 30))
	if next.List != "" && !importer.ListName(next.List) {
		check.Fail("list", "import.error.list")
	}
	next.Dates = form.Choice(&check, "dates", importer.DateOrders(), "field.error.choice")
	next.Empty = form.Choice(&check, "empty", []string{"keep", "clear"}, "field.error.choice")
	next.Match = form.Choice(&check, "match", []string{"update", "new"}, "field.error.choice")
	next.Nature = form.Choice(&check, "nature", []string{string(registry.Event), string(registry.Correction)}, "field.error.choice")
	next.AgeOn, next.On = pastDay(c, &check, form, "age_on"), pastDay(c, &check, form, "on")
	name := form.Text(&check, "name", maxMappingName)
	err = check.Err()
	if err == nil {
		err = c.WithTx(func(tx db.Tx) error {
			if err := importer.Map(tx, d.Batch, &next); err != nil || name == "" {
				return err
			}
			return importer.SaveMapping(tx, name, importer.Fingerprint(d.looks), &next)
		})
	}
	if f := shown(err); f != nil {
		state.Err = f
		return c.RenderStatus(web.Status(f.Code), optionsPage(d, state))
	}
	if err != nil {
		return err
	}
	return c.Redirect(c.URL(here(d.Batch, "")))
}

// pastDay reads a day that may be left out, and is not in the future.
func pastDay(c *web.Ctx, check *fault.Check, form *web.Form, name string) string {
	text := form.Text(check, name, 20)
	if text == "" {
		return ""
	}
	day, err := time.Parse(time.DateOnly, text)
	if err != nil || day.After(registry.Today(c.Now(), c.Printer().Zone)) || day.Year() < 1900 {
		check.Fail(name, "areas.error.future")
	}
	return text
}

// MappingFile answers with the mapping as the file that a command takes.
func (p Pages) MappingFile(c *web.Ctx) error {
	d, err := p.loadDraft(c)
	if err != nil {
		return leadOn(c, err)
	}
	b, err := d.effective().YAML()
	if err != nil {
		return err
	}
	return download(c, "mapping.yaml", mediaYAML, b)
}

// UseMapping takes such a file.
func (p Pages) UseMapping(c *web.Ctx) error {
	d, err := p.loadDraft(c)
	if err != nil {
		return leadOn(c, err)
	}
	form, err := c.Form("mapping")
	yaml := &ui.Form{Action: here(d.Batch, "mapping")}
	if err == nil && form.Switching() {
		return c.Render(columnsPage(d, d.columnsForm(), yaml))
	}
	if fault.Is(err, fault.TooLarge) {
		err = beside("mapping", "import.error.mapping_file", "Why", "")
	}
	if err != nil && shown(err) == nil {
		return err
	}
	if err == nil {
		err = p.useMapping(c, d, form)
	}
	if f := shown(err); f != nil {
		yaml.Err = f
		return c.RenderStatus(fiber.StatusUnprocessableEntity, columnsPage(d, d.columnsForm(), yaml))
	}
	if err != nil {
		return err
	}
	return c.Redirect(c.URL(here(d.Batch, "")))
}

func (p Pages) useMapping(c *web.Ctx, d draft, form *web.Form) error {
	file, ok := form.File("mapping")
	if !ok {
		return beside("mapping", "import.error.no_file")
	}
	m, err := importer.ReadMapping(strings.NewReader(string(file.Bytes)), d.cat)
	if err != nil { // written for whoever writes mappings, in the language of the file
		return beside("mapping", "import.error.mapping_file", "Why", err.Error())
	}
	if m.Areas != nil {
		return beside("mapping", "import.error.mapping_areas")
	}
	if err := m.Fits(d.looks, d.cat, d.words); err != nil {
		return beside("mapping", "import.error.named", "File", "", "Why", said(c.Printer(), err))
	}
	return c.WithTx(func(tx db.Tx) error { return importer.Map(tx, d.Batch, m) })
}

// Mappings lists those that are kept.
func (Pages) Mappings(c *web.Ctx) error {
	var list []importer.SavedMapping
	if err := c.View(func(tx db.Tx) (err error) {
		list, err = importer.SavedMappings(tx, c.Principal().ID)
		return err
	}); err != nil {
		return err
	}
	return c.Render(mappingsPage(list))
}

// Mapping answers with one as a file.
func (Pages) Mapping(c *web.Ctx) error {
	var m importer.SavedMapping
	if err := c.View(func(tx db.Tx) (err error) {
		m, err = importer.FindMapping(tx, c.Principal().ID, c.Param("ref"))
		return err
	}); err != nil {
		return err
	}
	return download(c, m.Ref+".yaml", mediaYAML, []byte(m.Text))
}

// RemoveMapping takes one of one's own away.
func (Pages) RemoveMapping(c *web.Ctx) error {
	if _, err := c.Form(); err != nil {
		return err
	}
	if err := c.WithTx(func(tx db.Tx) error { return importer.RemoveMapping(tx, c.Principal().ID, c.Param("ref")) }); err != nil {
		return err
	}
	return c.Redirect(c.URL("/imports/mappings"))
}
