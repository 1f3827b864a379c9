package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// What the kernel counted, from /proc: zero where there is none, as on macOS.

// tick is USER_HZ, which is 100 on every Linux.
const tick = time.Second / 100

// processTime is the processor time that a process used so far, and its
// parent; that of children it waited for is added with reaped.
func processTime(pid int, reaped bool) (used time.Duration, parent int) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, 0
	}
	// The name, in brackets, may hold anything; state is the first after it.
	_, rest, _ := strings.Cut(string(raw[strings.LastIndexByte(string(raw), ')'):]), " ")
	f := strings.Fields(rest)
	if len(f) < 15 {
		return 0, 0
	}
	last := 13 // utime stime
	if reaped {
		last = 15 // cutime cstime
	}
	parent, _ = strconv.Atoi(f[1])
	for _, ticks := range f[11:last] {
		n, _ := strconv.ParseInt(ticks, 10, 64)
		used += time.Duration(n) * tick
	}
	return used, parent
}

// serverTime is the processor time of the program.
func (s *system) serverTime() time.Duration {
	used, _ := processTime(s.server.Process.Pid, false)
	return used
}

// databaseTime is the processor time of all of PostgreSQL's processes.
func (s *system) databaseTime() time.Duration {
	raw, err := os.ReadFile(filepath.Join(s.pg.Dir(), "data", "postmaster.pid"))
	if err != nil {
		return 0
	}
	line, _, _ := strings.Cut(string(raw), "\n")
	postmaster, _ := strconv.Atoi(line)
	total, _ := processTime(postmaster, true)
	names, _ := filepath.Glob("/proc/[0-9]*")
	for _, name := range names {
		pid, _ := strconv.Atoi(filepath.Base(name))
		if used, parent := processTime(pid, false); parent == postmaster {
			total += used
		}
	}
	return total
}

// forgetPeak makes the program's memory now its highest.
func (s *system) forgetPeak() {
	_ = os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", s.server.Process.Pid), []byte("5"), 0)
}

// memory is a line of the program's status, VmRSS or VmHWM, in MB.
func (s *system) memory(line string) float64 {
	raw, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.server.Process.Pid))
	_, rest, _ := strings.Cut(string(raw), line+":")
	f := strings.Fields(rest)
	if len(f) == 0 {
		return 0
	}
	kib, _ := strconv.ParseFloat(f[0], 64)
	return kib / 1024
}

// time is the processor time of the bare program.
func (s *bareServer) time() time.Duration {
	used, _ := processTime(s.cmd.Process.Pid, false)
	return used
}
