package sandbox_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"inventoryd/internal/sandbox"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const large = 1 << 20 // bytes: more than an answer holds before it is streamed

func writeLarge(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", strconv.Itoa(large))
	for range large / 1024 {
		if _, err := w.Write(make([]byte, 1024)); err != nil {
			return
		}
	}
}

func ask(ctx context.Context, method string, h http.HandlerFunc) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, method, "http://sandbox/a%2Fb?c=d", strings.NewReader("body"))
	if err != nil {
		return nil, err
	}
	return sandbox.Direct(h).RoundTrip(r)
}

func TestHandlerSeesWhatAServerWouldShow(t *testing.T) {
	res, err := ask(t.Context(), http.MethodPut, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got := strings.Join([]string{r.Method, r.URL.Path, r.URL.RawQuery, r.RequestURI, r.Host, r.Header.Get("Content-Length"), string(body)}, " ")
		if r.URL.Host != "" || r.RemoteAddr == "" {
			got = "no request of a server"
		}
		w.WriteHeader(http.StatusAccepted)
		_, _ = io.WriteString(w, got)
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(res.Body)
	if want := "PUT /a/b c=d /a%2Fb?c=d sandbox 4 body"; err != nil || string(got) != want || res.StatusCode != 202 || res.ContentLength != int64(len(want)) || res.Header.Get("Date") == "" {
		t.Errorf("%d %q %v %v", res.StatusCode, got, res.Header, err)
	}
}

func TestAnswersArriveAsOverAConnection(t *testing.T) {
	for name, c := range map[string]struct {
		method  string
		handler http.HandlerFunc
		length  int
		err     error
	}{
		"whole and large":            {http.MethodGet, writeLarge, large, nil},
		"to a HEAD, without body":    {http.MethodHead, writeLarge, 0, nil},
		"without a word: 200, empty": {http.MethodGet, func(http.ResponseWriter, *http.Request) {}, 0, nil},
		"shorter than announced": {http.MethodGet, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "10")
			_, _ = io.WriteString(w, "four")
		}, 4, io.ErrUnexpectedEOF},
		"broken off, in the middle": {http.MethodGet, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", strconv.Itoa(2*large))
			_, _ = w.Write(make([]byte, large))
			panic(http.ErrAbortHandler)
		}, large, io.ErrUnexpectedEOF},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				res, err := ask(t.Context(), c.method, c.handler)
				if err != nil {
					t.Fatal(err)
				}
				got, err := io.ReadAll(res.Body)
				if len(got) != c.length || !errors.Is(err, c.err) || res.StatusCode != 200 {
					t.Errorf("%d %d bytes, %v", res.StatusCode, len(got), err)
				}
			})
		})
	}
}

func TestHandlerEndsWithItsClient(t *testing.T) {
	for name, c := range map[string]struct {
		leave func(res *http.Response, cancel func())
		want  error // of reading on
	}{
		"that closes the body": {func(res *http.Response, _ func()) { _ = res.Body.Close() }, io.ErrClosedPipe},
		"whose context ends":   {func(_ *http.Response, cancel func()) { cancel() }, context.Canceled},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				ended := make(chan error, 1)
				res, err := ask(ctx, http.MethodGet, func(w http.ResponseWriter, r *http.Request) {
					writeLarge(w, r)
					<-r.Context().Done()
					ended <- r.Context().Err()
				})
				if err != nil {
					t.Fatal(err)
				}
				if _, err := io.ReadFull(res.Body, make([]byte, 100)); err != nil {
					t.Fatal(err)
				}
				c.leave(res, cancel)
				if err := <-ended; !errors.Is(err, context.Canceled) {
					t.Error(err)
				}
				if _, err := io.ReadAll(res.Body); !errors.Is(err, c.want) {
					t.Errorf("reading on: %v", err)
				}
			})
		})
	}
}

func TestClientLeavesAHandlerThatDoesNotAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		_, err := ask(ctx, http.MethodGet, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
	})
}
