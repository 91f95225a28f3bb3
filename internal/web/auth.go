package web

// Basic authentication by a bcrypt hash.

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/bcrypt"

	"inventoryd/internal/config"
)

// load returns the hash, from the file if there is one. Its errors are *config.Problem: starting again does not help.
func (a Auth) load() ([]byte, error) {
	hash := string(a.Hash)
	if a.HashFile != "" {
		path := a.HashFile
		if dir := os.Getenv("CREDENTIALS_DIRECTORY"); dir != "" && !filepath.IsAbs(path) {
			path = filepath.Join(dir, path)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, config.Problemf("auth.hash_file", "%w", err)
		}
		hash = strings.TrimSpace(string(data))
		if err := checkHash(hash); err != nil {
			return nil, config.Problemf("auth.hash_file", "what %s holds %w", path, err)
		}
	}
	return []byte(hash), nil
}

// Guessing is slow on purpose: bcrypt costs a good part of a second of a core.
const (
	guessPause = time.Second     // after a wrong credential, before the next unknown one is compared
	guessWait  = 3 * time.Second // for one's turn
)

// gate lets requests with the right credential through. The credential that was right is remembered by its SHA-256, so
// that whoever knows it pays for bcrypt once. Unknown ones are compared one at a time, with pauses: neither guessing
// nor a flood of guesses gets far, nor does it load the machine.
type gate struct {
	user      string
	hash      []byte
	failed    *logins
	next      http.Handler
	comparing chan struct{} // one token while a comparison, or the pause after it, lasts

	mu    sync.Mutex // guards known
	known [sha256.Size]byte
}

func newGate(user string, hash []byte, failed *logins, next http.Handler) *gate {
	return &gate{user: user, hash: hash, failed: failed, next: next, comparing: make(chan struct{}, 1)}
}

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	user, password, ok := r.BasicAuth()
	if !ok {
		unauthorized(w)
		return
	}
	sum := sha256.Sum256([]byte(user + ":" + password))
	if g.remembers(sum) {
		g.next.ServeHTTP(w, r)
		return
	}
	turn := time.NewTimer(guessWait)
	defer turn.Stop()
	select {
	case g.comparing <- struct{}{}:
	case <-turn.C:
		g.failed.note(r)
		w.Header().Set("Retry-After", "5")
		http.Error(w, "too many unknown credentials at once", http.StatusServiceUnavailable)
		return
	case <-r.Context().Done():
		return
	}
	if !g.compare(user, password) {
		time.AfterFunc(guessPause, func() { <-g.comparing })
		g.failed.note(r)
		unauthorized(w)
		return
	}
	<-g.comparing
	g.mu.Lock()
	g.known = sum
	g.mu.Unlock()
	g.next.ServeHTTP(w, r)
}

func (g *gate) remembers(sum [sha256.Size]byte) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.known != [sha256.Size]byte{} && subtle.ConstantTimeCompare(sum[:], g.known[:]) == 1
}

// compare takes the same time whether user or password is wrong.
func (g *gate) compare(user, password string) bool {
	sameUser := subtle.ConstantTimeCompare([]byte(user), []byte(g.user)) == 1
	samePassword := bcrypt.CompareHashAndPassword(g.hash, []byte(password)) == nil
	return sameUser && samePassword
}

func unauthorized(w http.ResponseWriter) {
	w.Header().Set("WWW-Authenticate", `Basic realm="inventoryd", charset="UTF-8"`)
	http.Error(w, "user or password is wrong", http.StatusUnauthorized)
}
