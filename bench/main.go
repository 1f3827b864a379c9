// Command bench measures what Daftar does beside what the machine could do: each
// figure stands beside its limit, measured in the same run, and the ratio of the
// two is what counts. "make bench" runs it from the top of the repository.
//
// It starts a demo of its own (bin/daftar serve --demo) in a temporary
// directory, on a private PostgreSQL server that does sync to the disk, and
// removes both at the end. Load comes from this process over loopback, so
// client, server and database share the machine's cores: figures per second are
// floors, and the CPU figures, read from /proc of the server alone, are what
// noise touches least.
//
// Nothing here fails for being slow: it measures.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"
)

// plan says how much is measured.
type plan struct {
	pairs      int           // limit and product, one after the other
	issuances  int           // of one run with one wallet; eight wallets make four times as many
	pageTime   time.Duration // of one run
	limitTime  time.Duration
	people     int   // in the imported files
	background int   // people in the registry while credentials are issued and cases sent
	registries []int // people in those in which duplicates are looked for

	submissions int // of one run
	cases       int // open ones, while the queue is read
}

var (
	full  = plan{pairs: 5, issuances: 400, pageTime: time.Second, limitTime: 700 * time.Millisecond, people: 20_000, background: 20_000, registries: []int{100_000, 1_000_000}, submissions: 300, cases: 1_000_000}
	quick = plan{pairs: 3, issuances: 100, pageTime: 250 * time.Millisecond, limitTime: 150 * time.Millisecond, people: 4_000, background: 2_000, registries: []int{20_000}, submissions: 40, cases: 20_000}
)

func main() {
	if len(os.Args) == 2 && os.Args[1] == bareArgument {
		exit(bareProgram(os.Stdin, os.Stdout))
	}
	isQuick := flag.Bool("quick", false, "less of everything, in less than a minute")
	only := flag.String("only", "issuance,pages,submissions,queue,import,audit", "parts to measure; duplicates is another")
	binary := flag.String("daftar", "bin/daftar", "the program to measure")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	p := full
	if *isQuick {
		p = quick
	}
	exit(run(ctx, p, *binary, strings.Split(*only, ",")))
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

func run(ctx context.Context, p plan, binary string, parts []string) error {
	start := time.Now()
	s, err := newSystem(ctx, binary)
	if err != nil {
		return err
	}
	defer s.remove()
	b := &bench{ctx: ctx, plan: p, system: s}
	for _, part := range []struct {
		name string
		f    func() error
	}{{"issuance", b.issuance}, {"pages", b.pages}, {"submissions", b.submissions}, {"queue", b.queue}, {"import", b.imports}, {"audit", b.audits}, {"duplicates", b.duplicates}} {
		if !slices.Contains(parts, part.name) {
			continue
		}
		say("measuring: %s", part.name)
		if err := part.f(); err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
	}
	fmt.Print(b.report.String())
	fmt.Printf("%d cores, %s, PostgreSQL with fsync, %d pairs, %.0f s\n\n",
		runtime.NumCPU(), runtime.Version(), p.pairs, time.Since(start).Seconds())
	return writeTable(os.Stdout, b.metrics)
}

// say tells how far things are on stderr, so that the table stays alone on
// stdout.
func say(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }
