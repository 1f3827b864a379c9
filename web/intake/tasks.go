package intake

import (
	"daftar/registry/cases"
	"daftar/web"
	"daftar/web/ui"
)

// tasks shows what is done and what is left.
func (s Site) tasks(c *web.Ctx) error {
	v, err := s.open(c)
	if err != nil {
		return err
	}
	if !v.c.State.Editable() {
		return c.Redirect(c.URL("/cases/" + v.c.Ref))
	}
	var list []ui.Task
	p := c.Printer()
	for _, section := range cases.Sections() {
		done, all := v.form.Progress(&v.c.Draft, section)
		if all == 0 && section != cases.SectionDocuments {
			continue
		}
		t := ui.Task{ID: "task-" + string(section), Title: p.T("task." + string(section)), Path: v.at(v.form.First(&v.c.Draft, section))}
		switch {
		case all == 0:
			t.Path, t.Status, t.Colour = "", p.T("task.status.not_needed"), "grey"
		case done == all:
			t.Status = p.T("task.status.done")
		case done > 0:
			t.Status, t.Colour = p.T("task.status.started"), "light-blue"
		default:
			t.Status, t.Colour = p.T("task.status.todo"), "blue"
		}
		list = append(list, t)
	}
	check := ui.Task{ID: "task-check", Title: p.T("task.check"), Path: v.at("check"), Status: p.T("task.status.todo"), Colour: "blue"}
	if !v.form.Complete(&v.c.Draft) {
		check.Path, check.Status, check.Colour = "", p.T("task.status.later"), "grey"
	}
	return c.Render(tasksPage(v, append(list, check)))
}
