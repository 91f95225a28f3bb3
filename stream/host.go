package stream

// This file: the lock by which an instance that was killed and starts again on its host goes on at once.

import (
	"os"
	"path/filepath"

	"go.uber.org/zap"

	"inventoryd/internal/lease"
)

// hostLock is this reader's turn on its host.
type hostLock struct {
	lock   *lease.HostLock // nil: there is none
	before string          // the instance that had it, whose process has ended; "": unknown
}

// takeHost takes the host's lock, if there is a directory for it and no other reader of this table has it.
func (r *Reader) takeHost() {
	dir := r.config.StateDir
	if dir == "" {
		dir = os.Getenv("STATE_DIRECTORY")
	}
	if dir == "" {
		return
	}
	lock, before, err := lease.HoldHost(filepath.Join(dir, r.config.App+"."+r.store.table+".stream"))
	if err != nil {
		r.log.Warn("there is no lock for this host: a restart after a crash waits for the old lease", zap.Error(err))
	}
	r.host = hostLock{lock, before}
}

// write notes the instance that this process is now.
func (h hostLock) write(id string, log *zap.Logger) {
	if h.lock == nil {
		return
	}
	if err := h.lock.Write(id); err != nil {
		log.Warn("there is no lock for this host: a restart after a crash waits for the old lease", zap.Error(err))
	}
}

func (h hostLock) close() {
	if h.lock != nil {
		h.lock.Close()
	}
}
