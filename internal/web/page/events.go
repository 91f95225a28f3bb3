package page

// Server-sent events: one for each reading of a store, to each of its lookers.

import (
	"bytes"
	"encoding/json"
	"net/http"
	"time"

	"inventoryd/internal/web/stock"
)

const (
	sendTimeout = 10 * time.Second // a looker that takes no more is dropped
	silence     = 15 * time.Second // after which a comment shows that the line is up
)

func (p *Page) events(w http.ResponseWriter, r *http.Request) {
	sel, err := selectionOf(r, stock.ByTable)
	if err != nil {
		answerError(w, err)
		return
	}
	looker, err := p.cfg.Reader.Watch(sel.Store)
	if err != nil {
		w.Header().Set("Retry-After", "30")
		answerError(w, err)
		return
	}
	defer looker.Close()
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no") // nginx would hold events back
	line := &eventLine{w: w, control: http.NewResponseController(w), patience: sendTimeout}
	_ = line.control.SetReadDeadline(time.Time{}) // the server's is for a request; this one has no end
	if line.send([]byte("retry: 3000\n\n")) != nil {
		return
	}
	for {
		state, next := looker.State()
		if state.View != nil || state.Trouble != "" {
			if line.event(headOf(sel.Store, state)) != nil {
				return
			}
		}
		if !p.await(r, line, next) {
			return
		}
	}
}

// await returns true when there is news, false when the line is to end.
func (p *Page) await(r *http.Request, line *eventLine, news <-chan struct{}) bool {
	quiet := time.NewTicker(silence)
	defer quiet.Stop()
	for {
		select {
		case <-news:
			return true
		case <-quiet.C:
			if line.send([]byte(":\n\n")) != nil {
				return false
			}
		case <-r.Context().Done():
			return false
		case <-p.stopped:
			return false
		}
	}
}

// eventLine writes events to one looker.
type eventLine struct {
	w        http.ResponseWriter
	control  *http.ResponseController
	patience time.Duration
	buffer   bytes.Buffer
}

func (l *eventLine) event(h head) error {
	l.buffer.Reset()
	l.buffer.WriteString("event: view\ndata: ")
	if err := json.NewEncoder(&l.buffer).Encode(h); err != nil { // it ends with a line break
		return err
	}
	l.buffer.WriteByte('\n')
	return l.send(l.buffer.Bytes())
}

// send writes and flushes; whoever does not take it in time is dropped.
func (l *eventLine) send(b []byte) error {
	_ = l.control.SetWriteDeadline(time.Now().Add(l.patience)) // not every ResponseWriter has one
	if _, err := l.w.Write(b); err != nil {
		return err
	}
	return l.control.Flush()
}
