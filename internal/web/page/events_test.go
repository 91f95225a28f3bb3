package page

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"inventoryd/internal/sandbox"
	"inventoryd/internal/sandbox/fault"
	"inventoryd/internal/web/stock"
)

// stream reads the events of an answer, until it ends.
func stream(body *bufio.Scanner, each func(head)) {
	for body.Scan() {
		if data, ok := strings.CutPrefix(body.Text(), "data: "); ok {
			var h head
			if json.Unmarshal([]byte(data), &h) == nil {
				each(h)
			}
		}
	}
}

// Two hundred lookers at twenty stores for a minute: one Query per store and interval, everybody told each time.
func TestTwoHundredLookersShareTwentyQueries(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		const lookers, stores = 200, 20
		var queries atomic.Int64
		w.box.Fault(fault.Rule{Client: "page", Operation: "Query", Effect: fault.Effect{Do: func() { queries.Add(1) }}})
		for i := range stores {
			w.put(fmt.Sprint("Store ", i), "Kettle", 5)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute-time.Millisecond)
		defer cancel()
		client := &http.Client{Transport: sandbox.Direct(w)}
		told, changed := make([]int, lookers), make([]int, lookers)
		var all sync.WaitGroup
		for i := range lookers {
			all.Go(func() {
				r, err := http.NewRequestWithContext(ctx, "GET", fmt.Sprintf("http://page/api/v1/events?store=Store+%d", i%stores), nil)
				if err != nil {
					t.Error(err)
					return
				}
				a, err := client.Do(r)
				if err != nil {
					t.Error(err)
					return
				}
				defer a.Body.Close()
				version := ""
				stream(bufio.NewScanner(a.Body), func(h head) {
					told[i]++
					if h.Version != version {
						changed[i]++
						version = h.Version
					}
					if h.Age > 0.1 {
						t.Errorf("a reading is told after %v s", h.Age)
					}
				})
			})
		}
		time.Sleep(31 * time.Second)
		w.put("Store 7", "Kettle", 0)
		all.Wait()
		if n := queries.Load(); n != stores*30 {
			t.Errorf("%d queries for %d stores in 30 intervals", n, stores)
		}
		if units := w.cfg.Reader.Spent(); units > 50*60 {
			t.Errorf("%v units in a minute", units)
		}
		for i := range lookers {
			want := 1
			if i%stores == 7 {
				want = 2
			}
			if told[i] < 30 || changed[i] != want {
				t.Errorf("looker %d was told %d times, of %d contents", i, told[i], changed[i])
			}
		}
		synctest.Wait()
		if n := w.cfg.Reader.Lookers(); n != 0 {
			t.Errorf("%d lookers are left", n)
		}
	})
}

func TestBeyondTheLimitLookersAreToldToComeLater(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		for range stock.MaxLookers {
			l, err := w.cfg.Reader.Watch("Berlin")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
		}
		a := w.ask("/api/v1/events?store=Berlin")
		if a.Code != 503 || a.Header().Get("Retry-After") == "" {
			t.Error(a.Code, a.Header())
		}
	})
}

func TestEventsEndWithThePage(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		ended := make(chan struct{})
		go func() { defer close(ended); w.ask("/api/v1/events") }()
		time.Sleep(time.Second)
		w.once.Do(func() { close(w.stopped) }) // as Run does at its end
		<-ended
	})
}

// A looker that takes nothing holds nobody up, and is dropped once the connection's buffers are full.
func TestASlowLookerIsDropped(t *testing.T) {
	sent := make(chan error, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		line := &eventLine{w: w, control: http.NewResponseController(w), patience: 50 * time.Millisecond}
		for {
			if err := line.send(make([]byte, 64<<10)); err != nil {
				sent <- err
				return
			}
		}
	}))
	defer server.Close()
	slow, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer slow.Close()
	fmt.Fprint(slow, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
	if err := <-sent; err == nil || !strings.Contains(err.Error(), "timeout") {
		t.Error(err)
	}
}
