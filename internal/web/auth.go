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

	"golang.org/x/crypto/bcrypt"

	"inventoryd/internal/config"
)

// load returns the hash, from the file if there is one. Its errors are *config.Problem: starting again does not help.
func (a Auth) load() ([]byte, error) {
	hash := a.Hash
	if a.HashFile != "" {
		path := a.HashFile
		if dir := os.Getenv("CREDENTIALS_DIRECTORY"); dir != "" && !filepath.IsAbs(path) {
			path = filepath.Join(dir, path)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, config.Problemf("http.auth.hash_file", "%w", err)
		}
		hash = strings.TrimSpace(string(data))
		if err := checkHash(hash); err != nil {
			return nil, config.Problemf("http.auth.hash_file", "what %s holds %w", path, err)
		}
	}
	return []byte(hash), nil
}

// gate lets requests with the right credential through.
type gate struct {
	user string
	hash []byte
	next http.Handler

	// bcrypt costs a good part of a second by design, so only one comparison runs at a time (whoever must wait longer
	// than a moment is sent away), and the credential that was right is remembered.
	comparing chan struct{}

	mu    sync.Mutex // guards known
	known [sha256.Size]byte
}

func newGate(user string, hash []byte, next http.Handler) *gate {
	return &gate{user: user, hash: hash, next: next, comparing: make(chan struct{}, 1)}
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
	select {
	case g.comparing <- struct{}{}:
	case <-r.Context().Done():
		return
	}
	right := g.compare(user, password)
	<-g.comparing
	if !right {
		unauthorized(w)
		return
	}
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
