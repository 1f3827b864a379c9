package web

import (
	"context"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"time"

	"github.com/gofiber/fiber/v2"

	"daftar/fault"
)

// maxParts and maxField bound what a streamed form holds beside its files.
const (
	maxParts = 100
	maxField = 64 << 10
)

// Parts reads the body of a route with Stream, part by part as it arrives: file
// is given each file, to be read to its end there and then; field each other
// input. Files that the person did not choose are left out. All files together
// may have limit bytes: fault.TooLarge beyond.
func (c *Ctx) Parts(limit int64, field func(name, value string), file func(input, name string, body io.Reader) error) error {
	media, params, _ := mime.ParseMediaType(c.Header(fiber.HeaderContentType))
	if media != fiber.MIMEMultipartForm || params["boundary"] == "" {
		return fault.New(fault.Malformed, "error.malformed")
	}
	stream := c.stream()
	defer stream.stop()
	body := &limited{r: stream, left: limit + maxParts*maxField}
	r := multipart.NewReader(body, params["boundary"])
	for n := 0; ; n++ {
		part, err := r.NextPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil && n == maxParts {
			err = errors.New("too many parts")
		}
		if err != nil {
			return body.explain(err, limit)
		}
		name := part.FileName()
		if name == "" && part.Header.Get(fiber.HeaderContentType) == "" {
			b, err := io.ReadAll(io.LimitReader(part, maxField+1))
			if err != nil || len(b) > maxField {
				return body.explain(errors.Join(err, errors.New("a field")), limit)
			}
			clean, _ := fitText(string(b))
			field(part.FormName(), clean)
			continue
		}
		if name == "" { // no file was chosen
			if n, err := io.Copy(io.Discard, io.LimitReader(part, 1)); err != nil || n > 0 {
				return body.explain(errors.Join(err, errors.New("a file without a name")), limit)
			}
			continue
		}
		clean, _ := fitText(name)
		content := &noted{r: part}
		if err := file(part.FormName(), clean, content); err != nil {
			if content.err != nil {
				return body.explain(content.err, limit)
			}
			return err
		}
	}
}

// noted remembers what ended the reading of a file.
type noted struct {
	r   io.Reader
	err error
}

func (n *noted) Read(b []byte) (int, error) {
	i, err := n.r.Read(b)
	if err != nil && !errors.Is(err, io.EOF) {
		n.err = err
	}
	return i, err
}

// stream is the body as it comes. Each piece may take its time; the whole has
// the time of the request.
func (c *Ctx) stream() *patient {
	p := &patient{r: emptyReader{}, ctx: c.ctx}
	if s := c.fiber.Context().RequestBodyStream(); s != nil {
		conn := c.fiber.Context().Conn()
		_ = conn.SetReadDeadline(time.Time{}) // one that can have none has the server's
		p.r, p.timer = s, time.AfterFunc(streamPause, func() { _ = conn.SetReadDeadline(time.Unix(1, 0)) })
	}
	return p
}

type emptyReader struct{}

func (emptyReader) Read([]byte) (int, error) { return 0, io.EOF }

// patient gives up a body of which nothing has come for a while.
type patient struct {
	r     io.Reader
	ctx   context.Context
	timer *time.Timer
}

func (p *patient) Read(b []byte) (int, error) {
	if err := p.ctx.Err(); err != nil {
		return 0, err
	}
	if p.timer != nil {
		p.timer.Reset(streamPause)
	}
	return p.r.Read(b)
}

func (p *patient) stop() {
	if p.timer != nil {
		p.timer.Stop()
	}
}

// limited ends a body that is too long.
type limited struct {
	r    io.Reader
	left int64
	over bool
}

func (l *limited) Read(b []byte) (int, error) {
	if l.left <= 0 {
		l.over = true
		return 0, errors.New("the body is too long")
	}
	if int64(len(b)) > l.left {
		b = b[:l.left]
	}
	n, err := l.r.Read(b)
	l.left -= int64(n)
	return n, err
}

func (l *limited) explain(err error, limit int64) error {
	if l.over {
		return fault.New(fault.TooLarge, "error.too_large", "Max", limit>>20)
	}
	return fault.Wrap(err, fault.Malformed, "error.malformed")
}

// drop reads what a handler left of the body, within reason, so that the browser
// sees the answer; and ends the connection where there is more.
func (c *Ctx) drop() {
	p := c.stream()
	defer p.stop()
	if n, err := io.CopyN(io.Discard, p, drainLimit); err == nil && n == drainLimit || err != nil && !errors.Is(err, io.EOF) {
		c.fiber.Context().SetConnectionClose()
	}
}
