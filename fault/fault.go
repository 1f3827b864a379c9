// Package fault is Daftar's one error type. Code below the web layer returns
// *Error for everything a person can act on; package web maps the code to an
// HTTP status, translates the key and logs, in one place.
package fault

import (
	"errors"
	"fmt"
	"strings"
)

// Code says what kind of failure it is. Each maps to one HTTP status (web.Status).
type Code string

const (
	Invalid         Code = "invalid"         // 422: what was sent cannot be used; see Fields
	Malformed       Code = "malformed"       // 400: not even readable
	Unauthenticated Code = "unauthenticated" // 401: sign in first
	Forbidden       Code = "forbidden"       // 403: signed in, and not allowed
	NotFound        Code = "not_found"       // 404: not there, or not yours
	Conflict        Code = "conflict"        // 409: the record moved on, or a step is out of order
	Gone            Code = "gone"            // 410: used up or expired
	TooLarge        Code = "too_large"       // 413
	TooMany         Code = "too_many"        // 429
	Unavailable     Code = "unavailable"     // 503: try again
	Internal        Code = "internal"        // 500: our mistake
)

// Error carries a message key for the person and a cause for the log. The
// cause never reaches a response.
type Error struct {
	Code   Code
	Key    string         // message key, for example "error.not_found"
	Args   map[string]any // values for the message
	Fields []Field        // what is wrong with which input
	Cause  error
}

// Field is one wrong input: Name is the name of the form input, Key the
// message shown beside it and in the error summary.
type Field struct {
	Name string
	Key  string
	Args map[string]any
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(string(e.Code))
	if e.Key != "" {
		b.WriteString(" " + e.Key)
	}
	for _, f := range e.Fields {
		fmt.Fprintf(&b, " [%s: %s]", f.Name, f.Key)
	}
	if e.Cause != nil {
		b.WriteString(": " + e.Cause.Error())
	}
	return b.String()
}

func (e *Error) Unwrap() error { return e.Cause }

// Nested is a message that stands inside another, as a value of it.
type Nested struct {
	Key  string
	Args map[string]any
}

// New returns an error of the code with the message key; args are pairs of
// name and value for the message.
func New(code Code, key string, args ...any) *Error {
	return &Error{Code: code, Key: key, Args: Pairs(args...)}
}

// Wrap is New with the cause that goes to the log.
func Wrap(cause error, code Code, key string) *Error {
	return &Error{Code: code, Key: key, Cause: cause}
}

// Hidden is the answer to "not there" and to "not yours": the same bytes for
// both, so that nobody learns which references exist.
func Hidden() *Error { return New(NotFound, "error.not_found") }

// CodeOf returns the code of the first *Error in err's chain; Internal when
// there is none, and "" for nil.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return Internal
}

// Is reports whether err carries the code.
func Is(err error, code Code) bool { return err != nil && CodeOf(err) == code }

// Pairs turns name, value, name, value into a map; nil for none.
func Pairs(args ...any) map[string]any {
	if len(args) == 0 {
		return nil
	}
	m := make(map[string]any, len(args)/2)
	for i := 0; i+1 < len(args); i += 2 {
		m[fmt.Sprint(args[i])] = args[i+1]
	}
	return m
}

// Check collects wrong inputs, so that a form reports all of them at once.
type Check struct{ fields []Field }

// Fail notes that the input called name is wrong.
func (c *Check) Fail(name, key string, args ...any) {
	c.fields = append(c.fields, Field{Name: name, Key: key, Args: Pairs(args...)})
}

// Add notes a field that another check found.
func (c *Check) Add(f Field) { c.fields = append(c.fields, f) }

// Failed reports whether name was noted.
func (c *Check) Failed(name string) bool {
	for _, f := range c.fields {
		if f.Name == name {
			return true
		}
	}
	return false
}

// Merge adds the fields of an Invalid error; any other error is returned.
func (c *Check) Merge(err error) error {
	var e *Error
	if errors.As(err, &e) && e.Code == Invalid {
		c.fields = append(c.fields, e.Fields...)
		return nil
	}
	return err
}

// Fault is nil when nothing failed, else one Invalid error with every field.
func (c *Check) Fault() *Error {
	if len(c.fields) == 0 {
		return nil
	}
	return &Error{Code: Invalid, Key: "error.summary", Fields: c.fields}
}

// Err is Fault as an error.
func (c *Check) Err() error {
	if f := c.Fault(); f != nil {
		return f
	}
	return nil
}
