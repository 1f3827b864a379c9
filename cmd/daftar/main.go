// Command daftar is the whole system in one program: the sites, the worker, and
// the commands that run it. It is the only place that wires the packages.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // zones on machines that have none

	"github.com/alecthomas/kong"
)

// version is set by the linker.
var version = "development"

type cli struct {
	Config

	Serve      serveCmd      `cmd:"" help:"Start the sites and the worker."`
	Migrate    migrateCmd    `cmd:"" help:"Bring the database to this program's schema."`
	Import     importCmd     `cmd:"" help:"Bring a file into the registry."`
	Seed       seedCmd       `cmd:"" help:"Make up a country: areas, households and people, for trying out and measuring."`
	Offer      offerCmd      `cmd:"" help:"Make a credential offer at the counter."`
	Duplicates duplicatesCmd `cmd:"" help:"Look for records that may be of one person."`
	Keys       keysCmd       `cmd:"" help:"List or print keys and trust anchors."`
	Settings   settingsCmd   `cmd:"" help:"Export or import the country's settings."`
	Audit      auditCmd      `cmd:"" help:"Verify the audit log, and what others keep of it."`
	Status     statusCmd     `cmd:"" help:"Work on the published status lists."`
	DB         dbCmd         `cmd:"" name:"db" help:"Work with the database server."`
	Routes     routesCmd     `cmd:"" help:"List every address of every site."`
	Show       configCmd     `cmd:"" name:"config" help:"Print every option and where its value comes from."`
	Version    versionCmd    `cmd:"" help:"Print the version."`
}

// Exit codes.
const (
	exitFailed = 1
	exitUsage  = 2
)

// usageError is a mistake in how the command was called.
type usageError struct{ error }

func main() { os.Exit(run()) }

func run() int {
	var c cli
	parser := kong.Must(&c, kong.Name("daftar"), kong.UsageOnError(),
		kong.Description("Daftar, a social registry that people can use themselves."),
		kong.Exit(func(code int) { os.Exit(code) }))
	if err := checkEnvironment(os.Environ(), parser.Model); err != nil {
		return fail(err, exitUsage)
	}
	command, err := parser.Parse(os.Args[1:])
	if err != nil {
		return fail(err, exitUsage)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	command.BindTo(ctx, (*context.Context)(nil))
	command.Bind(parser.Model)
	if err := command.Run(&c.Config); err != nil {
		var usage usageError
		if errors.As(err, &usage) {
			return fail(err, exitUsage)
		}
		var code exitCode
		if errors.As(err, &code) {
			return int(code)
		}
		return fail(err, exitFailed)
	}
	return 0
}

// exitCode ends the program with the code of a command that it ran, silently.
type exitCode int

func (e exitCode) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

func fail(err error, code int) int {
	fmt.Fprintln(os.Stderr, "daftar:", plain(err))
	return code
}

type versionCmd struct{}

// Run prints the version.
func (versionCmd) Run() error {
	fmt.Println("daftar", version)
	return nil
}
