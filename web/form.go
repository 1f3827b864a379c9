package web

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/gofiber/fiber/v2"

	"daftar/fault"
)

// readBody reads the request's body up to the route's limit. What is longer is
// read and dropped, within reason, so that the browser sees the answer instead
// of a broken connection.
func (c *Ctx) readBody() error {
	limit := int64(FormLimit)
	if c.route.Upload {
		limit = UploadLimit
	}
	stream := c.fiber.Context().RequestBodyStream()
	if stream == nil {
		c.body = c.fiber.Body()
	} else {
		b, err := io.ReadAll(io.LimitReader(stream, limit+1))
		if err != nil {
			return fault.Wrap(err, fault.Malformed, "error.malformed")
		}
		c.body = b
	}
	if int64(len(c.body)) > limit {
		c.body = nil
		if stream != nil {
			_, _ = io.CopyN(io.Discard, stream, drainLimit)
		}
		c.fiber.Context().SetConnectionClose()
		tooLarge := fault.New(fault.TooLarge, "error.too_large", "Max", limit>>20)
		if c.route.Upload {
			c.large = tooLarge // for the page that asked for the file to say
			return nil
		}
		return tooLarge
	}
	return nil
}

// Form is a submitted form. Values are kept as typed, so that a page with an
// error shows them again.
type Form struct {
	values url.Values
	files  map[string]File
	unfit  map[string]bool
}

// File is an uploaded file, in memory.
type File struct {
	Name  string // as the browser called it; never used as a path
	Bytes []byte
}

// NewForm is a form that was not sent: to read answers from elsewhere.
func NewForm(values url.Values, files map[string]File) *Form {
	return &Form{values: values, files: files, unfit: map[string]bool{}}
}

// switchField is set by the language switch inside a form.
const switchField = "switch-language"

// Form reads the submitted form. Inputs whose name is not allowed are refused:
// a posted "status" or "person_id" is never quietly ignored. A file beyond
// UploadLimit is fault.TooLarge.
func (c *Ctx) Form(allowed ...string) (*Form, error) {
	if c.large != nil {
		return nil, c.large
	}
	f := &Form{values: url.Values{}, files: map[string]File{}, unfit: map[string]bool{}}
	media, params, _ := mime.ParseMediaType(c.Header(fiber.HeaderContentType))
	switch {
	case len(c.body) == 0:
	case media == fiber.MIMEApplicationForm:
		values, err := url.ParseQuery(string(c.body))
		if err != nil {
			return nil, fault.Wrap(err, fault.Malformed, "error.malformed")
		}
		f.values = values
	case media == fiber.MIMEMultipartForm:
		if err := f.readParts(multipart.NewReader(bytes.NewReader(c.body), params["boundary"])); err != nil {
			return nil, fault.Wrap(err, fault.Malformed, "error.malformed")
		}
	default:
		return nil, fault.New(fault.Malformed, "error.malformed")
	}
	for name, list := range f.values {
		if name != switchField && !slices.Contains(allowed, name) {
			return nil, fault.Wrap(errors.New("unexpected input"), fault.Malformed, "error.malformed")
		}
		for i, v := range list {
			clean, fit := fitText(v)
			if !fit {
				f.unfit[name] = true
			}
			list[i] = clean
		}
	}
	for name := range f.files {
		if !slices.Contains(allowed, name) {
			return nil, fault.Wrap(errors.New("unexpected file"), fault.Malformed, "error.malformed")
		}
	}
	return f, nil
}

func (f *Form) readParts(r *multipart.Reader) error {
	for n := 0; ; n++ {
		part, err := r.NextPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if n > 1000 { // a page of rosters has many inputs
			return errors.New("too many parts")
		}
		b, err := io.ReadAll(part)
		if err != nil {
			return err
		}
		if name := part.FileName(); name != "" || part.Header.Get(fiber.HeaderContentType) != "" {
			if len(b) > 0 {
				f.files[part.FormName()] = File{Name: name, Bytes: b}
			}
			continue
		}
		f.values.Add(part.FormName(), string(b))
	}
}

// fitText drops what no text field can hold (control characters, broken
// UTF-8, direction overrides) and says whether there was any.
func fitText(s string) (string, bool) {
	fit := utf8.ValidString(s)
	clean := strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case r == '\r':
			return -1
		case r == utf8.RuneError, unicode.IsControl(r), r == '\u200b' || r == '\ufeff' || r == '\u2060', r >= '\u202a' && r <= '\u202e', r >= '\u2066' && r <= '\u2069':
			fit = false
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	return clean, fit
}

// Get is the first value of an input, as typed.
func (f *Form) Get(name string) string { return f.values.Get(name) }

// All is every value of an input.
func (f *Form) All(name string) []string { return f.values[name] }

// Values are all inputs.
func (f *Form) Values() map[string][]string { return f.values }

// File is an uploaded file; false when none was chosen.
func (f *Form) File(name string) (File, bool) {
	file, ok := f.files[name]
	return file, ok
}

// Switching reports that the person only wants the same page in another
// language, with everything typed so far.
func (f *Form) Switching() bool { return f.values.Has(switchField) }

// Fit reports whether an input came without characters that no text may have.
func (f *Form) Fit(name string) bool { return !f.unfit[name] }

// Text reads a text input: trimmed, at most limit characters, without control
// characters. What is wrong is noted in check.
func (f *Form) Text(check *fault.Check, name string, limit int) string {
	s := strings.TrimSpace(f.Get(name))
	switch {
	case f.unfit[name]:
		check.Fail(name, "field.error.characters")
	case utf8.RuneCountInString(s) > limit:
		check.Fail(name, "field.error.too_long", "Max", limit)
	}
	return s
}

// Required is Text for an input that must not be empty; missing is the message
// when it is.
func (f *Form) Required(check *fault.Check, name string, limit int, missing string) string {
	s := f.Text(check, name, limit)
	if s == "" && !check.Failed(name) {
		check.Fail(name, missing)
	}
	return s
}

// Choice reads a radio or select; missing is the message when nothing or
// something else was chosen.
func (f *Form) Choice(check *fault.Check, name string, options []string, missing string) string {
	s := f.Get(name)
	if f.unfit[name] || !slices.Contains(options, s) {
		check.Fail(name, missing)
	}
	return s
}
