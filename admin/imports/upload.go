package imports

import (
	"errors"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/gofiber/fiber/v2"

	"daftar/blob"
	"daftar/db"
	"daftar/fault"
	"daftar/registry/importer"
	"daftar/web"
	"daftar/web/ui"
)

// Bounds of an upload: a list of a million people with fifty columns has some
// 300 MB as CSV.
const (
	maxUpload = 512 << 20
	maxFiles  = 10
)

// NewForm asks for the files.
func (p Pages) NewForm(c *web.Ctx) error {
	cat, err := catalogue(c)
	if err != nil {
		return err
	}
	return c.Render(newPage(&ui.Form{}, cat))
}

// New takes the files as they arrive, looks at them, and leads to a draft that
// only its author sees.
func (p Pages) New(c *web.Ctx) error {
	cat, err := catalogue(c)
	if err != nil {
		return err
	}
	uploads, encoding, switching, err := p.receive(c)
	state := &ui.Form{Values: map[string][]string{"encoding": {encoding}}}
	if err == nil && encoding != "" {
		if !slices.Contains(importer.Encodings(), encoding) {
			err = beside("encoding", "field.error.choice")
		}
		for i := range uploads {
			if !strings.EqualFold(path.Ext(uploads[i].Name), ".xlsx") { // a workbook says it itself
				uploads[i].Encoding = encoding
			}
		}
	}
	if err == nil && switching {
		remove(p.Blobs, uploads)
		return c.Render(newPage(state, cat))
	}
	if err == nil && len(uploads) == 0 {
		err = beside("files", "import.error.no_file")
	}
	var ref string
	if err == nil {
		ref, err = p.understand(c, cat, uploads)
	}
	if err != nil {
		remove(p.Blobs, uploads)
	}
	if f := aboutFile(c, "files", err); f != nil {
		err = f
	}
	var f *fault.Error
	if errors.As(err, &f) && (f.Code == fault.Invalid || f.Code == fault.TooLarge || f.Code == fault.Malformed) {
		if len(f.Fields) == 0 {
			f = beside("files", f.Key, pairs(f.Args)...)
		}
		state.Err = f
		return c.RenderStatus(fiber.StatusUnprocessableEntity, newPage(state, cat))
	}
	if err != nil {
		return err
	}
	return c.Redirect(c.URL("/imports/" + ref))
}

func pairs(args map[string]any) []any {
	var list []any
	for k, v := range args {
		list = append(list, k, v)
	}
	return list
}

// receive puts the files where they are kept. encoding is what their text was said
// to be written in; "" for what it seems to be.
func (p Pages) receive(c *web.Ctx) (uploads []importer.Upload, encoding string, switching bool, err error) {
	err = c.Parts(maxUpload,
		func(name, value string) {
			switching = switching || name == "switch-language"
			if name == "encoding" {
				encoding = value
			}
		},
		func(input, name string, body io.Reader) error {
			if input != "files" || len(uploads) == maxFiles {
				return beside("files", "import.error.many_files", "Max", maxFiles)
			}
			u := importer.Upload{Name: fileName(name), Key: db.NewID(c.Now(), c.DB().Rand()).String()}
			n, err := p.Blobs.PutFrom(u.Key, body, maxUpload)
			if errors.Is(err, blob.ErrTooLarge) {
				return beside("files", "error.too_large", "Max", maxUpload>>20)
			}
			if err != nil {
				return err
			}
			if u.Size = n; n > 0 {
				uploads = append(uploads, u)
				return nil
			}
			if name != "" { // a browser sends an empty part where no file was chosen
				err = beside("files", "import.error.empty_file", "File", u.Name)
			}
			return errors.Join(err, p.Blobs.Remove(u.Key))
		})
	return uploads, encoding, switching, err
}

// fileName is the last part of what the browser called a file, short.
func fileName(s string) string {
	r := []rune(path.Base(s))
	return string(r[max(0, len(r)-100):])
}

// understand makes a draft of files: what each list holds, and what its columns
// are, as far as that is clear.
func (p Pages) understand(c *web.Ctx, cat *importer.Catalogue, uploads []importer.Upload) (ref string, err error) {
	looks, err := p.look(uploads, cat)
	if err != nil {
		return "", err
	}
	settle(uploads, looks)
	err = c.WithTx(func(tx db.Tx) error {
		if ref, err = importer.Create(tx, officer(c), uploads); err != nil {
			return err
		}
		b, err := importer.Load(tx, officer(c), ref)
		if err != nil {
			return err
		}
		return p.remember(c, tx, b, cat, looks)
	})
	return ref, err
}

// settle notes what each list was taken for.
func settle(uploads []importer.Upload, looks []importer.Look) {
	for _, l := range looks {
		u := &uploads[l.File]
		if u.Tables == nil {
			u.Tables = map[string]string{}
		}
		u.Tables[l.Sheet] = l.Kind
	}
}

// remember finds the mapping of a draft: none where the columns name themselves,
// the one that was kept for files like these, or what the headers suggest.
func (p Pages) remember(c *web.Ctx, tx db.Tx, b importer.Batch, cat *importer.Catalogue, looks []importer.Look) error {
	if cat.NamesItself(looks) {
		return importer.Map(tx, b, nil)
	}
	m, err := importer.Remembered(tx, c.Principal().ID, looks, cat, words(c))
	if err != nil {
		return err
	}
	if m == nil {
		m = cat.Suggested(looks, words(c)...)
	}
	if len(m.Tables) == 0 {
		m = nil
	}
	return importer.Map(tx, b, m)
}
