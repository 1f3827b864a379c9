package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/jackc/pgx/v5/pgxpool"
)

// The bare program is what the portal's pages are measured against: fiber with
// nothing around it, in a process of its own as the portal is. It answers a
// greeting, and for each page runs the page's queries, in the same transactions
// and for the same person, and sends bytes that were rendered before.

// bareArgument makes this program the bare one.
const bareArgument = "-bare"

// bareConfig is what the bare program is told on its input.
type bareConfig struct {
	Database string
	Pages    map[string]barePage // by path
}

type barePage struct {
	Queries []statement // and what opens and closes their transactions
	Made    []string    // identities that the page made: new ones each time
	Body    []byte
}

// bareProgram serves until its input ends. Its first line of output is its
// address.
func bareProgram(in io.Reader, out io.Writer) error {
	var cfg bareConfig
	if err := json.NewDecoder(in).Decode(&cfg); err != nil {
		return err
	}
	pool, err := pgxpool.New(context.Background(), cfg.Database)
	if err != nil {
		return err
	}
	defer pool.Close()
	app := fiber.New(fiber.Config{DisableStartupMessage: true})
	app.Get("/hello", func(c *fiber.Ctx) error { return c.SendString("hello") })
	for path, page := range cfg.Pages {
		app.Get(path, func(c *fiber.Ctx) error {
			conn, err := pool.Acquire(context.Background())
			if err != nil {
				return err
			}
			defer conn.Release()
			if err := page.replay(context.Background(), conn); err != nil {
				return err
			}
			c.Set(fiber.HeaderContentType, fiber.MIMETextHTMLCharsetUTF8)
			return c.Send(page.Body)
		})
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Fprintln(out, ln.Addr())
	go func() {
		_, _ = io.Copy(io.Discard, in)
		_ = app.ShutdownWithTimeout(time.Second)
	}()
	return app.Listener(ln)
}

// bareServer is a running bare program.
type bareServer struct {
	cmd     *exec.Cmd
	stdin   io.WriteCloser
	address string
}

func startBare(cfg bareConfig) (*bareServer, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	s := &bareServer{cmd: exec.Command(self, bareArgument)}
	s.cmd.Stderr = os.Stderr
	if s.stdin, err = s.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	stdout, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	if err := json.NewEncoder(s.stdin).Encode(cfg); err != nil {
		s.stop()
		return nil, err
	}
	if _, err := fmt.Fscanln(stdout, &s.address); err != nil {
		s.stop()
		return nil, errors.Join(errors.New("the bare program did not start"), err)
	}
	return s, nil
}

func (s *bareServer) stop() {
	_ = s.stdin.Close()
	_ = s.cmd.Wait()
}
