package notify

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// File writes messages into a file instead of sending them, one JSON object a
// line: for the demo and for trying things out.
type File struct {
	Path  string
	Clock func() time.Time
	mu    sync.Mutex
}

// Sent is one line of the file.
type Sent struct {
	At      time.Time `json:"at"`
	Channel string    `json:"channel"` // "email" or "sms"
	ID      string    `json:"id"`
	To      string    `json:"to"`
	Subject string    `json:"subject,omitempty"`
	Body    string    `json:"body"`
}

// Mail writes an e-mail down.
func (f *File) Mail(_ context.Context, m Mail) error {
	return f.write(Sent{Channel: "email", ID: m.ID, To: m.To, Subject: m.Subject, Body: m.Body})
}

// Text writes a text message down.
func (f *File) Text(_ context.Context, t Text) (string, error) {
	return "", f.write(Sent{Channel: "sms", ID: t.ID, To: t.To, Body: t.Body})
}

func (f *File) write(s Sent) error {
	s.At = f.Clock().UTC()
	line, err := json.Marshal(s)
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := os.MkdirAll(filepath.Dir(f.Path), 0o700); err != nil {
		return err
	}
	file, err := os.OpenFile(f.Path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(append(line, '\n'))
	return errors.Join(err, file.Close())
}
