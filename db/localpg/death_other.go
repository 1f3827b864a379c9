//go:build !linux

package localpg

import "syscall"

// setDeathSignal does nothing where the kernel has no such signal: the next
// start takes the surviving server over.
func setDeathSignal(*syscall.SysProcAttr) {}
