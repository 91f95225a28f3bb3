package page

// What is embedded: style, script, picture and templates.

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"html/template"
	"io/fs"
	"net/http"
	"strconv"
	"time"

	"go.uber.org/zap"
)

//go:embed assets templates
var embedded embed.FS

// asset is a file that a page names by its content, so that browsers keep it for good.
type asset struct {
	content []byte
	version string
}

func loadAssets() map[string]asset {
	all := map[string]asset{}
	files, err := fs.ReadDir(embedded, "assets")
	if err != nil {
		panic(err) // embedded
	}
	for _, f := range files {
		content, err := embedded.ReadFile("assets/" + f.Name())
		if err != nil {
			panic(err) // embedded
		}
		sum := sha256.Sum256(content)
		all[f.Name()] = asset{content, base64.RawURLEncoding.EncodeToString(sum[:9])}
	}
	return all
}

func (p *Page) asset(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	a, ok := p.assets[name]
	if !ok {
		http.NotFound(w, r)
		return
	}
	if r.URL.Query().Get("v") == a.version {
		w.Header().Set("Cache-Control", "private, max-age=31536000, immutable")
	}
	http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(a.content))
}

func parse(assets map[string]asset) *template.Template {
	t := template.New("").Funcs(template.FuncMap{
		"asset":  func(name string) string { return "assets/" + name + "?v=" + assets[name].version },
		"status": status, "count": number[int64], "number": number[int], "plural": plural, "visible": visible, "short": short,
		"link": linkTo, "ago": func(t time.Time) string { return ago(time.Since(t)) }, "span": span,
		"age":      func(t time.Time) string { return strconv.FormatFloat(time.Since(t).Seconds(), 'f', 1, 64) },
		"iso":      func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
		"utc":      func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") },
		"hour":     func(t time.Time) string { return t.UTC().Format("15:04:05 UTC") },
		"quarters": func() []string { return []string{"0%", "25%", "50%", "75%", "100%"} },
	})
	return template.Must(t.ParseFS(embedded, "templates/*.html"))
}

// show answers with a template; nothing is sent before all of it is made.
func (p *Page) show(w http.ResponseWriter, code int, name string, data any) {
	var body bytes.Buffer
	if err := p.templates.ExecuteTemplate(&body, name, data); err != nil {
		p.cfg.Logger.Error("page cannot be made", zap.String("page", name), zap.Error(err)) // a fault of ours
		http.Error(w, "the page cannot be shown", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(code)
	w.Write(body.Bytes())
}
