package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"

	"daftar/db"
	"daftar/db/localpg"
)

type dbCmd struct {
	Psql    dbPsql    `cmd:"" help:"Open psql, as the private server's superuser."`
	Dump    dbDump    `cmd:"" help:"Write a backup of the database to stdout."`
	Restore dbRestore `cmd:"" help:"Restore a backup from stdin into an empty database."`
	Run     dbRun     `cmd:"" help:"Run a command with a database server."`
}

type dbPsql struct {
	Args []string `arg:"" optional:"" passthrough:"" help:"Arguments for psql, after --."`
}

// Run hands the terminal to psql.
func (cmd dbPsql) Run(ctx context.Context, c *Config) error {
	return client(ctx, c, "psql", append([]string{"-X"}, dropDashes(cmd.Args)...)...)
}

type dbDump struct{}

// Run writes pg_dump's custom format.
func (dbDump) Run(ctx context.Context, c *Config) error {
	// Row security is forced on the owner, too, who has a policy for all rows.
	// The keys of what is sealed are kept apart: "daftar keys dump".
	return client(ctx, c, "pg_dump", "--format=custom", "--no-owner", "--enable-row-security", "--exclude-table-data=seal.data_key")
}

type dbRestore struct{}

// Run reads what dump wrote.
func (dbRestore) Run(ctx context.Context, c *Config) error {
	return client(ctx, c, "pg_restore", "--exit-on-error", "--single-transaction", "--no-owner")
}

func dropDashes(args []string) []string {
	if len(args) > 0 && args[0] == "--" {
		return args[1:]
	}
	return args
}

// client runs one of PostgreSQL's own programs on the database.
func client(ctx context.Context, c *Config, program string, args ...string) error {
	url, bin := c.DatabaseURL, ""
	if url == "" {
		pg, err := localpg.Start(ctx, localpg.Config{Dir: filepath.Join(c.stateDir(), "pg"), Database: database, Say: say})
		if err != nil {
			return err
		}
		defer pg.Stop()
		url, bin = pg.URL(localpg.Superuser, database), pg.Bin()
	}
	path := filepath.Join(bin, program)
	if _, err := os.Stat(path); err != nil {
		if path, err = exec.LookPath(program); err != nil {
			return err
		}
	}
	return attached(exec.CommandContext(ctx, path, append([]string{"--dbname=" + url}, args...)...))
}

// attached runs a program on this terminal and ends as it does.
func attached(cmd *exec.Cmd) error {
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exitCode(exit.ExitCode())
	}
	return err
}

type dbRun struct {
	Temporary bool     `help:"On a server of its own that is thrown away afterwards: for tests."`
	Args      []string `arg:"" passthrough:"" help:"The command."`
}

// Run starts a server for as long as the command runs.
func (cmd dbRun) Run(ctx context.Context, c *Config) error {
	args := dropDashes(cmd.Args)
	if len(args) == 0 {
		return usageError{errors.New("which command?")}
	}
	child := exec.CommandContext(ctx, args[0], args[1:]...)
	child.Cancel = func() error { // told to end, it tells the command, and ends as that does
		_ = child.Process.Signal(syscall.SIGTERM)
		return os.ErrProcessDone
	}
	if cmd.Temporary {
		dir, err := os.MkdirTemp("/tmp", "daftar-test")
		if err != nil {
			return err
		}
		defer func() { _ = os.RemoveAll(dir) }()
		if err := os.Chmod(dir, 0o711); err != nil {
			return err
		}
		pg, err := localpg.Start(ctx, localpg.Config{Dir: filepath.Join(dir, "pg"), Unsafe: true})
		if err != nil {
			return err
		}
		defer pg.Stop()
		child.Env = append(os.Environ(), localpg.TestSocket+"="+pg.Socket())
		return attached(child)
	}
	s, err := c.open(ctx, say)
	if err != nil {
		return err
	}
	defer s.close()
	child.Env = append(os.Environ(), "DAFTAR_DATABASE_URL="+s.migrator)
	for _, r := range db.Roles() {
		child.Env = append(child.Env, "DAFTAR_DATABASE_URL_"+upper(string(r))+"="+s.roleURL(r))
	}
	return attached(child)
}
