package ask

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"daftar/blob"
	"daftar/db"
	"daftar/fault"
	"daftar/i18n"
	"daftar/registry"
	"daftar/registry/cases"
	"daftar/registry/quarantine"
	"daftar/web"
)

// Answers reads what was typed into questions.
type Answers struct {
	Form   *web.Form
	Check  *fault.Check
	Places func(typed string) ([]registry.Area, error) // finds areas
	Photo  func(cases.Photo) (string, error)           // keeps a photo and returns its reference
	err    error
}

// Err is what went wrong beyond what was typed.
func (a *Answers) Err() error { return a.err }

// candidates is how many places are named when a name fits several.
const candidates = 5

// Places looks areas up in a transaction.
func Places(tx db.Tx) func(string) ([]registry.Area, error) {
	return func(typed string) ([]registry.Area, error) { return registry.FindPlaces(tx, typed, candidates) }
}

// PlacesOf looks areas up for a request.
func PlacesOf(c *web.Ctx) func(string) ([]registry.Area, error) {
	return func(typed string) (list []registry.Area, err error) {
		err = c.View(func(tx db.Tx) error { list, err = Places(tx)(typed); return err })
		return list, err
	}
}

// Keep stores a photo and notes it in a transaction.
func Keep(tx db.Tx, blobs *blob.Dir) func(cases.Photo) (string, error) {
	return func(p cases.Photo) (string, error) {
		key := tx.NewID().String()
		if err := blobs.Put(key, p.JPEG); err != nil {
			return "", err
		}
		if err := quarantine.Hold(tx, key); err != nil {
			return "", err
		}
		sum := sha256.Sum256(p.JPEG)
		return registry.AddFile(tx, registry.File{MediaType: "image/jpeg", Size: len(p.JPEG), Width: p.Width, Height: p.Height, SHA256: sum[:], Blob: key})
	}
}

// Read checks what was typed into a question called name and returns the value
// to store; nil for no answer. What is wrong is noted under the input's name. old
// is the value before: left as it is it is never wrong, even where the definition
// or the areas have changed since; and a photo stays until another is chosen or it
// is taken away.
func (a *Answers) Read(f registry.Field, name string, old any) any {
	if old != nil && a.unchanged(f, name, old) {
		return old
	}
	f.Options = f.Options.Keeping(f.Input(old))
	switch f.Type {
	case registry.TypeArea:
		return a.place(name)
	case registry.TypeFile:
		return a.photo(name, old)
	}
	given := a.Form.All(name)
	if f.Type == registry.TypeDate {
		for _, input := range Inputs(f, name) {
			if !a.Form.Fit(input) {
				a.Check.Fail(Inputs(f, name)[0], "field.error.characters")
				return nil
			}
		}
		given = joinDate(a.Form, name)
	} else if a.Form.Text(a.Check, name, maxAnswer); a.Check.Failed(name) {
		return nil
	}
	value, err := f.Parse(given)
	var wrong *fault.Error
	if errors.As(err, &wrong) {
		for _, field := range wrong.Fields {
			field.Name = Inputs(f, name)[0]
			if field.Key == "field.error.date" { // there are three inputs
				field.Key = "field.error.no_day"
			}
			a.Check.Add(field)
		}
	}
	return value
}

// unchanged reports whether the inputs say what Fill put into them.
func (a *Answers) unchanged(f registry.Field, name string, old any) bool {
	if f.Type == registry.TypeFile {
		return false
	}
	filled := Fill(f, name, old)
	for _, input := range Inputs(f, name) {
		var given []string
		for _, s := range a.Form.All(input) {
			if s = strings.TrimSpace(s); s != "" {
				given = append(given, s)
			}
		}
		was := slices.Clone(filled[input])
		for i := range was {
			was[i] = strings.TrimSpace(was[i])
		}
		slices.Sort(was)
		if slices.Sort(given); !slices.Equal(given, was) {
			return false
		}
	}
	return true
}

// place is the one area that was meant.
func (a *Answers) place(name string) any {
	typed := a.Form.Text(a.Check, name, maxAnswer)
	if typed == "" || a.Check.Failed(name) {
		return nil
	}
	list, err := a.Places(typed)
	switch {
	case err != nil:
		a.err = err
	case len(list) == 0:
		a.Check.Fail(name, "field.error.place")
	case len(list) > 1:
		names := i18n.Text{}
		for _, l := range i18n.Shipped() {
			var parts []string
			for _, area := range list {
				label := area.Name[l.Tag]
				if label == "" {
					label = area.Name[i18n.Source]
				}
				parts = append(parts, label+" "+area.Code)
			}
			names[l.Tag] = strings.Join(parts, " · ")
		}
		a.Check.Fail(name, "field.error.places", "Places", names)
	default:
		return list[0].Code
	}
	return nil
}

func (a *Answers) photo(name string, old any) any {
	file, chosen := a.Form.File(name)
	switch {
	case chosen:
		photo, err := cases.NewPhoto(name, file.Bytes)
		if err := a.Check.Merge(err); err != nil {
			a.err = err
			return old
		}
		if a.Check.Err() != nil { // nothing is kept of a form with a mistake
			return old
		}
		ref, err := a.Photo(photo)
		if err != nil {
			a.err = err
		}
		return ref
	case a.Form.Get(name+removed) == "yes":
		return nil
	}
	return old
}

// removed is how the input ends that takes a photo away.
const removed = "-remove"

// joinDate makes one text of the three inputs; nothing when all are empty.
func joinDate(form *web.Form, name string) []string {
	var parts [3]string
	empty := true
	for i, part := range []string{"-year", "-month", "-day"} {
		parts[i] = i18n.LatinDigits(strings.TrimSpace(form.Get(name + part)))
		empty = empty && parts[i] == ""
		if n, err := strconv.Atoi(parts[i]); err == nil {
			parts[i] = fmt.Sprintf("%0*d", []int{4, 2, 2}[i], n)
		}
	}
	if empty {
		return nil
	}
	return []string{strings.Join(parts[:], "-")}
}

// Inputs are the names of a question's inputs, when the question itself is
// called name.
func Inputs(f registry.Field, name string) []string {
	switch f.Type {
	case registry.TypeDate:
		return []string{name + "-day", name + "-month", name + "-year"}
	case registry.TypeFile:
		return []string{name, name + removed}
	}
	return []string{name}
}

// Fill is a stored value as the inputs take it back.
func Fill(f registry.Field, name string, value any) map[string][]string {
	given := f.Input(value)
	if f.Type != registry.TypeDate {
		return map[string][]string{name: given}
	}
	values := map[string][]string{}
	if len(given) == 1 {
		parts := strings.Split(given[0], "-")
		slices.Reverse(parts)
		for i, input := range Inputs(f, name) {
			if i < len(parts) {
				values[input] = []string{strings.TrimLeft(parts[i], "0")}
			}
		}
	}
	return values
}
