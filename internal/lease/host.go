package lease

// This file: the lock that the instances of one host take turns with. Who gets it knows that its predecessor's
// process has ended, for the kernel gives the lock back only then.

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
)

// HostLock is a file that this process has locked. It holds the id of the instance that locked it last.
type HostLock struct {
	file *os.File
	boot string
}

// inscription is what stands in the file. A copy on another host has another boot id, one on this host another inode.
type inscription struct {
	Instance string `json:"instance"`
	Boot     string `json:"boot"`
	Inode    uint64 `json:"inode"`
}

// HoldHost locks the file, which it makes where it is absent. It returns the lock, nil where another process has it, and
// the id of the instance that had it before, "" where that is unknown or was written on another boot or into another
// file. An error means that the directory cannot be used.
func HoldHost(path string) (lock *HostLock, before string, err error) {
	return holdHost(path, bootID())
}

func holdHost(path, boot string) (*HostLock, string, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, "", fmt.Errorf("open the host's lock file: %w", err)
	}
	locked, err := tryLock(file)
	if err != nil || !locked {
		return nil, "", errors.Join(wrapped("lock the host's lock file", err), file.Close())
	}
	l := &HostLock{file, boot}
	text, err := io.ReadAll(io.LimitReader(file, 4096))
	if err != nil {
		return nil, "", errors.Join(wrapped("read the host's lock file", err), file.Close())
	}
	var was inscription
	inode, err := inodeOf(file)
	if json.Unmarshal(text, &was) != nil || err != nil || boot == "" || was.Boot != boot || was.Inode != inode {
		return l, "", nil
	}
	return l, was.Instance, nil
}

// Write notes this process' instance in the file, in place, before its row is written.
func (l *HostLock) Write(id string) error {
	inode, err := inodeOf(l.file)
	if err != nil {
		return wrapped("write the host's lock file", err)
	}
	text, err := json.Marshal(inscription{id, l.boot, inode})
	if err == nil {
		err = l.file.Truncate(0)
	}
	if err == nil {
		_, err = l.file.WriteAt(append(text, '\n'), 0)
	}
	return wrapped("write the host's lock file", err)
}

// Close gives the lock back.
func (l *HostLock) Close() error { return wrapped("close the host's lock file", l.file.Close()) }

func wrapped(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}
