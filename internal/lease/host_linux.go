package lease

// This file: what the kernel says of this host.

import (
	"errors"
	"os"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// hostSlept is how long the host has been suspended since it booted: CLOCK_BOOTTIME counts that time, the monotonic
// clock does not.
func hostSlept() time.Duration {
	var boot, awake unix.Timespec
	if unix.ClockGettime(unix.CLOCK_BOOTTIME, &boot) != nil || unix.ClockGettime(unix.CLOCK_MONOTONIC, &awake) != nil {
		return 0
	}
	return time.Duration(boot.Nano() - awake.Nano())
}

// bootID is another after each boot; "" where it is unknown.
//
// A unit that hides the kernel's file (ProcSubset=pid) says it in the environment, where %b is the same without dashes.
func bootID() string {
	id := os.Getenv("BOOT_ID")
	if id == "" {
		text, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
		if err != nil {
			return ""
		}
		id = strings.TrimSpace(string(text))
	}
	return strings.ReplaceAll(id, "-", "")
}

func tryLock(f *os.File) (bool, error) {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return false, nil
	}
	return err == nil, err
}

func inodeOf(f *os.File) (uint64, error) {
	var s syscall.Stat_t
	err := syscall.Fstat(int(f.Fd()), &s)
	return s.Ino, err
}
