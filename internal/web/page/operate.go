package page

// The operator's page: what the daemon does, with what needs somebody first.

import (
	"net/http"
	"slices"
	"time"

	"inventoryd/internal/health"
)

// operatorPage is what the template operator shows.
type operatorPage struct {
	frame
	Health health.Report
	Loads  Known[Loads]
	Feeds  Known[[]Feed]
	Shards Known[[]Shard]
	Alerts Known[Alerts]
	Now    time.Time
	Readers
}

// Readers is what looking costs.
type Readers struct {
	Lookers int
	Units   float64
}

// WholeUnits is Units without its fraction.
func (r Readers) WholeUnits() int { return int(r.Units) }

func (p *Page) operate(w http.ResponseWriter, r *http.Request) {
	if p.cfg.Sources.Health == nil {
		http.NotFound(w, r)
		return
	}
	ctx := r.Context()
	page := operatorPage{
		frame: p.frame(r, "operator", selection{}), Health: p.cfg.Sources.Health(),
		Loads: p.operator.loads.get(ctx), Feeds: p.operator.feeds.get(ctx), Shards: p.operator.shards.get(ctx), Alerts: p.operator.alerts.get(ctx),
		Now:     time.Now(),
		Readers: Readers{p.cfg.Reader.Lookers(), p.cfg.Reader.Spent()},
	}
	page.Title = "Operator"
	page.Feeds.Value = slices.Clone(page.Feeds.Value) // it is others' too
	slices.SortStableFunc(page.Feeds.Value, func(a, b Feed) int { return urgency(b) - urgency(a) })
	p.show(w, http.StatusOK, "operator", page)
}

// urgency is how soon a feed needs somebody.
func urgency(f Feed) int { return 2*boolean(f.Held) + boolean(f.Late) }
