package localpg

import (
	"errors"
	"os"
	"os/exec"
	"runtime"
	"syscall"
)

// startWithParent starts cmd so that, on Linux, it is told to shut down when
// this process dies. The signal is tied to the thread that forked, so that
// thread is kept until the child ends. The channel is closed then.
func startWithParent(cmd *exec.Cmd) (chan struct{}, error) {
	setDeathSignal(cmd.SysProcAttr)
	started, exited := make(chan error, 1), make(chan struct{})
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer close(exited)
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait()
		}
	}()
	return exited, <-started
}

// lockFile takes an exclusive lock for as long as the file stays open; nil
// when another process holds it.
func lockFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, nil
		}
		return nil, err
	}
	return f, nil
}
