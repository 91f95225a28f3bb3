// Package web is the daemon's HTTP server: health, metrics, status and the page, with limits on whatever a client can
// do slowly or largely, and with basic authentication.
package web

// The section `http` and what cannot work in it.

import (
	"errors"
	"net"
	"net/url"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"golang.org/x/crypto/bcrypt"

	"inventoryd/internal/config"
)

// Config is the section `http`.
type Config struct {
	// Address host:port of the health, metrics and page server, unix:/path for a Unix socket (mode 0660), or off. TLS
	// is for a proxy in front of it.
	Listen string `yaml:"listen" reload:"restart"`
	// Basic authentication of everything but /livez and /readyz, which without credentials tell no reasons. Without it,
	// only a loopback address or a Unix socket is listened on.
	Auth Auth `yaml:"auth"`
	// Listen on any address without authentication.
	Insecure bool `yaml:"insecure" reload:"restart"`
	// Names by which the server may be called, without port: those of a proxy that keeps the Host of its clients. On a
	// loopback address all others but localhost, 127.0.0.1 and [::1] are refused (421); elsewhere all are taken unless some
	// are listed, and /livez and /readyz under any.
	Hosts []string `yaml:"hosts" reload:"restart"`
	// Path below which a proxy that does not strip it serves this server, such as /inventory; empty: none.
	BasePath string `yaml:"base_path" reload:"restart"`
	// Serve profiles of the running process below /debug/pprof/.
	Pprof bool `yaml:"pprof" reload:"restart"`
	// Read units a second, 1 to 100000, that the page may consume of the table for all who look at it, at most; nothing is
	// read while nobody looks. Where they do not suffice the page is brought up to date less often, and says of when it is.
	PageReadUnits int `yaml:"page_read_units" reload:"now"`
}

// Auth is the group `http.auth`.
type Auth struct {
	// Name that clients give; empty: no authentication.
	User string `yaml:"user" reload:"restart"`
	// bcrypt hash of the password (htpasswd -nBC 12 ""), of a cost from 10 to 15.
	Hash config.Secret `yaml:"hash" reload:"restart"`
	// File that holds the hash instead; a relative path is looked for in $CREDENTIALS_DIRECTORY (systemd's
	// LoadCredential=).
	HashFile string `yaml:"hash_file" reload:"restart"`
}

// Off as Config.Listen means that there is no server.
const Off = "off"

// DefaultConfig is what holds where the configuration says nothing.
func DefaultConfig() Config { return Config{Listen: "127.0.0.1:9820", PageReadUnits: 50} }

// Validate tells what cannot work.
func (c Config) Validate() error {
	errs := []error{c.checkListen(), c.checkNames()}
	if n := c.PageReadUnits; n < 1 || n > 100_000 {
		errs = append(errs, config.Problemf("page_read_units", "must be between 1 and 100000, not %d", n))
	}
	a := c.Auth
	switch {
	case a.User == "" && (a.Hash != "" || a.HashFile != ""):
		errs = append(errs, config.Problemf("auth.user", "a password is given, but no user"))
	case a.User != "" && a.Hash == "" && a.HashFile == "":
		errs = append(errs, config.Problemf("auth.hash", "a user is given, but no password: set auth.hash or auth.hash_file"))
	case a.Hash != "" && a.HashFile != "":
		errs = append(errs, config.Problemf("auth.hash_file", "auth.hash is given too: one of them must go"))
	}
	if strings.ContainsAny(a.User, ":\r\n") {
		errs = append(errs, config.Problemf("auth.user", "must not contain a colon or a line break"))
	}
	if a.Hash != "" {
		if err := checkHash(string(a.Hash)); err != nil {
			errs = append(errs, config.Problemf("auth.hash", "%w", err))
		}
	}
	return errors.Join(errs...)
}

// Try tells whether the hash is there, and whether a Unix socket can be made.
func (c Config) Try() error {
	_, err := c.Auth.load()
	errs := []error{err}
	if path, ok := strings.CutPrefix(c.Listen, "unix:"); ok {
		if err := config.Writable(filepath.Dir(path)); err != nil {
			errs = append(errs, config.Problemf("listen", "%w", err))
		}
	}
	return errors.Join(errs...)
}

func (c Config) checkListen() error {
	if c.Listen == Off {
		return nil
	}
	if path, ok := strings.CutPrefix(c.Listen, "unix:"); ok {
		if path == "" || len(path) > 107 { // sockaddr_un
			return config.Problemf("listen", "the path of a Unix socket must have 1 to 107 bytes")
		}
		return nil
	}
	host, port, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return config.Problemf("listen", "%q is not host:port, unix:/path or off", c.Listen)
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return config.Problemf("listen", "%q has no port from 0 to 65535", c.Listen)
	}
	if c.Auth.User == "" && !c.Insecure && !loopback(host) {
		return config.Problemf("listen", "%q can be reached from other machines: set auth.user and auth.hash, or insecure: true", c.Listen)
	}
	return nil
}

// pathPattern is a path of segments that need no escaping and mean themselves.
var pathPattern = regexp.MustCompile(`^(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+$`)

func (c Config) checkNames() error {
	var errs []error
	for _, h := range c.Hosts {
		if u, err := url.Parse("http://" + h + "/"); err != nil || u.Hostname() == "" || u.Port() != "" || u.Host != h || u.User != nil {
			errs = append(errs, config.Problemf("hosts", "%q is no host name (without scheme and port)", h))
		}
	}
	if c.BasePath != "" && !pathPattern.MatchString(c.BasePath) {
		errs = append(errs, config.Problemf("base_path", "%q is no path such as /inventory, without a slash at its end", c.BasePath))
	}
	return errors.Join(errs...)
}

// loopback tells whether host is this machine alone. Other names than localhost could resolve to anything.
func loopback(host string) bool {
	return host == "localhost" || net.ParseIP(host).IsLoopback()
}

var errHash = errors.New("is no bcrypt hash of a cost from 10 to 15 (make one by: htpasswd -nBC 12 \"\" | cut -d: -f2)")

// checkHash refuses what is no hash, what is weak, and what would take seconds for each new credential.
func checkHash(hash string) error {
	if cost, err := bcrypt.Cost([]byte(hash)); err != nil || cost < 10 || cost > 15 {
		return errHash
	}
	return nil
}
