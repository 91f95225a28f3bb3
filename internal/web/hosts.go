package web

// Which names the server answers to. A page of a stranger can make a browser on this machine ask us under the stranger's
// own name, which it lets resolve to the loopback address (DNS rebinding), and read the answer.

import (
	"net"
	"net/http"
	"slices"
	"strings"
)

// hosts lets requests through whose Host is one of the names that are this server's.
type hosts struct {
	names  []string // beside those of the loopback address; lower case
	probes bool     // probes may come under any name: load balancers ask for an address
	next   http.Handler
}

// checkHosts guards next where c asks for it: on a loopback address always, elsewhere where names are given. A Unix socket
// is out of a browser's reach.
func checkHosts(c Config, next http.Handler) http.Handler {
	host, _, err := net.SplitHostPort(c.Listen)
	local := err == nil && loopback(host)
	if strings.HasPrefix(c.Listen, "unix:") || !local && len(c.Hosts) == 0 {
		return next
	}
	names := make([]string, len(c.Hosts))
	for i, n := range c.Hosts {
		names[i] = plainHost(n)
	}
	return &hosts{names: names, probes: !local, next: next}
}

func (h *hosts) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !h.takes(r) {
		http.Error(w, "this server does not go by the name in Host: ask for localhost, or list the name in http.hosts", http.StatusMisdirectedRequest)
		return
	}
	h.next.ServeHTTP(w, r)
}

func (h *hosts) takes(r *http.Request) bool {
	if r.Host == "" { // HTTP/1.0; no browser leaves it out
		return true
	}
	name := plainHost(r.Host)
	return loopback(name) || slices.Contains(h.names, name) || h.probes && isProbe(r.URL.Path)
}

// plainHost is a Host without its port, a root's dot and brackets, in lower case.
func plainHost(s string) string {
	if host, _, err := net.SplitHostPort(s); err == nil {
		s = host
	}
	return strings.ToLower(strings.TrimSuffix(strings.Trim(s, "[]"), "."))
}

func isProbe(path string) bool { return path == "/livez" || path == "/readyz" }
