package web

import (
	"io"
	"net"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"
)

// A connection on which nothing was sent ends without an answer; one that began
// to speak and stopped is answered.
func TestNothingIsAnsweredToNothing(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	app := fiber.New(fiber.Config{ReadTimeout: 50 * time.Millisecond, DisableStartupMessage: true})
	done := make(chan error, 1)
	go func() { done <- app.Listener(silent{ln}) }()
	for sent, answered := range map[string]bool{"": false, "GET / HT": true} {
		c, err := net.Dial("tcp", ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(c, sent); err != nil {
			t.Fatal(err)
		}
		_ = c.SetDeadline(time.Now().Add(10 * time.Second))
		got, err := io.ReadAll(c)
		if err != nil || (len(got) > 0) != answered {
			t.Errorf("after %q: %q, %v", sent, got, err)
		}
		_ = c.Close()
	}
	if err := app.Shutdown(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}
