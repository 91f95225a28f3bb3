// Package health knows what each part last managed to do: whether its loops still turn (liveness) and whether its
// dependencies let it work (readiness).
//
// A loop of our own that stops turning is a bug or a deadlock, and only a restart helps: Live. A part that cannot
// work because a service is down, slow or refuses us gains nothing from a restart: Ready. So a loop ticks in its
// retries too, and a remote call that never answers shows in readiness alone.
package health

import (
	"sync"
	"time"
)

// Health has a record of each loop and each part. It is safe for concurrent use.
type Health struct {
	born time.Time

	mu    sync.Mutex // guards what follows; never held over a call of a part
	loops map[*loop]struct{}
	parts []*part
}

// New returns a Health without loops and parts.
func New() *Health {
	return &Health{born: time.Now(), loops: map[*loop]struct{}{}}
}

// State is the state of one loop or part.
type State struct {
	Name   string    `json:"name"`
	OK     bool      `json:"ok"`
	Since  time.Time `json:"since"`            // of a loop: its last tick; of a part: when it became ready or ceased to be
	Reason string    `json:"reason,omitempty"` // why it is not OK
}

// Report is everything at one moment. Loops and parts are in the order of their names.
type Report struct {
	Live    bool      `json:"live"`
	Ready   bool      `json:"ready"`
	Started time.Time `json:"started"`
	Loops   []State   `json:"loops"`
	Parts   []State   `json:"parts"`
}

// Report returns the present state. It does not wait for anything.
func (h *Health) Report() Report {
	r := Report{Live: true, Ready: true, Started: h.born, Loops: h.loopStates(), Parts: h.partStates()}
	for _, s := range r.Loops {
		r.Live = r.Live && s.OK
	}
	for _, s := range r.Parts {
		r.Ready = r.Ready && s.OK
	}
	return r
}
