package web

// The answers.

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"strings"

	"inventoryd/internal/health"
)

// secure sets the headers that tell a browser to trust nothing but us.
func secure(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// terse answers probes that bring no credentials: by the code, without reasons, which are nobody else's business. Those
// that bring some are next's.
func terse(h *health.Health, next http.Handler) http.Handler {
	say := func(w http.ResponseWriter, err error, wrong string) {
		if err != nil {
			err = errors.New(wrong)
		}
		probe(w, err)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch anonymous := r.Header.Get("Authorization") == "" && (r.Method == http.MethodGet || r.Method == http.MethodHead); {
		case anonymous && r.URL.Path == "/livez":
			say(w, h.Live(), "stuck")
		case anonymous && r.URL.Path == "/readyz":
			say(w, h.Ready(), "not ready")
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// below takes requests below base, which a proxy may keep, for those at the root, which stay: probes of this machine ask
// there. The page's links are relative.
func below(base string, next http.Handler) http.Handler {
	if base == "" {
		return next
	}
	stripped := http.StripPrefix(base, next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == base:
			http.Redirect(w, r, base+"/", http.StatusPermanentRedirect)
		case strings.HasPrefix(r.URL.Path, base+"/"):
			stripped.ServeHTTP(w, r)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

func probe(w http.ResponseWriter, err error) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	if err != nil {
		w.WriteHeader(http.StatusServiceUnavailable)
		fmt.Fprintln(w, err)
		return
	}
	fmt.Fprintln(w, "ok")
}

// ready lists each part with its state and since when.
func ready(w http.ResponseWriter, r health.Report) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	if !r.Ready {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	for _, p := range r.Parts {
		fmt.Fprintf(w, "%s: %s since %s\n", p.Name, verdict(p), p.Since.UTC().Format("2006-01-02T15:04:05Z"))
	}
	if len(r.Parts) == 0 {
		fmt.Fprintln(w, "ok")
	}
}

func verdict(s health.State) string {
	if s.OK {
		return "ready"
	}
	return "not ready (" + s.Reason + ")"
}

func status(w http.ResponseWriter, p Parts) {
	body, err := json.MarshalIndent(p.Status(), "", "  ")
	if err != nil {
		http.Error(w, "the status cannot be shown", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Write(append(body, '\n'))
}

var pageTemplate = template.Must(template.New("page").Funcs(template.FuncMap{"verdict": verdict}).Parse(`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>inventoryd</title>
<h1>inventoryd</h1>
<p>{{if .Ready}}Ready{{else}}<strong>Not ready</strong>{{end}}, {{if .Live}}all loops turn{{else}}<strong>a loop is stuck</strong>{{end}}, started {{.Started.UTC.Format "2006-01-02 15:04:05"}} UTC.</p>
<table>
<caption>Parts</caption>
<tr><th scope="col">Part<th scope="col">State<th scope="col">Since (UTC)
{{range .Parts}}<tr><td>{{.Name}}<td>{{verdict .}}<td>{{.Since.UTC.Format "2006-01-02 15:04:05"}}
{{end}}</table>
<table>
<caption>Loops</caption>
<tr><th scope="col">Loop<th scope="col">State<th scope="col">Last tick (UTC)
{{range .Loops}}<tr><td>{{.Name}}<td>{{if .OK}}turns{{else}}{{.Reason}}{{end}}<td>{{.Since.UTC.Format "2006-01-02 15:04:05"}}
{{end}}</table>
<p><a href="status">status</a> · <a href="metrics">metrics</a> · <a href="readyz">readyz</a> · <a href="livez">livez</a></p>
</html>
`))

func page(w http.ResponseWriter, r health.Report) {
	var body bytes.Buffer
	if err := pageTemplate.Execute(&body, r); err != nil {
		http.Error(w, "the page cannot be shown", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Write(body.Bytes())
}
