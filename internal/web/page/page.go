// Package page is what people see of the inventory and of the daemon: HTML that works without scripts, the API that its
// script uses, and downloads. It reads and never writes.
//
// What stands in the table is read by internal/web/stock; what the parts know of themselves comes by the functions in
// Sources. Nothing is fetched from any other host, and every link is relative, so that it works below any path.
package page

import (
	"context"
	"html/template"
	"net/http"
	"sync"

	"go.uber.org/zap"

	"inventoryd/internal/web/stock"
)

// Config is what a Page shows.
type Config struct {
	App     string // shown where several daemons could be confused
	Version string
	Reader  *stock.Reader
	Sources Sources
	Logger  *zap.Logger // nil: none
}

// Page answers what browsers and users of the API ask.
type Page struct {
	cfg       Config
	mux       *http.ServeMux
	templates *template.Template
	assets    map[string]asset
	operator  operator
	stories   chan struct{} // a token for each item's story that is being told

	once    sync.Once // guards stopped
	stopped chan struct{}
}

// New makes a Page; what changes while somebody looks is told while Run runs.
func New(c Config) *Page {
	if c.Logger == nil {
		c.Logger = zap.NewNop()
	}
	p := &Page{cfg: c, mux: http.NewServeMux(), stories: make(chan struct{}, 4), stopped: make(chan struct{})}
	p.operator = newOperator(c.Sources)
	p.assets = loadAssets()
	p.templates = parse(p.assets)
	p.mux.HandleFunc("GET /{$}", p.stock)
	p.mux.HandleFunc("GET /restock", p.restock)
	p.mux.HandleFunc("GET /operator", p.operate)
	p.mux.HandleFunc("GET /assets/{name}", p.asset)
	p.mux.HandleFunc("GET /api/v1/stores", p.apiStores)
	p.mux.HandleFunc("GET /api/v1/items", p.apiItems)
	p.mux.HandleFunc("GET /api/v1/items.csv", p.download)
	p.mux.HandleFunc("GET /api/v1/items.json", p.download)
	p.mux.HandleFunc("GET /api/v1/events", p.events)
	p.mux.HandleFunc("GET /api/v1/openapi.yaml", p.openAPI)
	return p
}

// ServeHTTP answers one request.
func (p *Page) ServeHTTP(w http.ResponseWriter, r *http.Request) { p.mux.ServeHTTP(w, r) }

// Run reads the inventory for those who look at it until ctx ends; then it ends the answers that would never end.
func (p *Page) Run(ctx context.Context) error {
	p.cfg.Reader.Run(ctx)
	p.once.Do(func() { close(p.stopped) })
	return nil
}
