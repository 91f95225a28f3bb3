package browser

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"inventoryd/internal/web"
)

// Below the path of a proxy that keeps it everything works as at the root: links, forms, changes, downloads.
func TestBelowABasePathEverythingWorks(t *testing.T) {
	s := openServed(t, nil, func(c *web.Config) { c.BasePath = "/intranet/stock" })
	s.address += "intranet/stock/" // whatever leaves it fails the test
	s.loadSamples()
	v := s.look()
	v.open(s.at(""))
	eval[bool](v, `(e => { e.value = "Lisbon"; e.dispatchEvent(new Event("change")); return true })(document.getElementById("store"))`)
	v.until(soon, `location.href.endsWith("/intranet/stock/?store=Lisbon") && document.getElementById("live").textContent === "Live"`)
	s.put("Lisbon", "Umbrella", 0)
	v.until(soon, `/Umbrella[^]*Out of stock/.test([...document.querySelectorAll("#rows tr")].find(r => r.innerText.includes("Umbrella")).innerText)`)
	if body, _ := s.fetch(eval[string](v, `document.querySelector("[data-file=csv]").href`)); !strings.Contains(body, "Umbrella,0,Out of stock") {
		t.Error("the download is", body)
	}
	v.do(chromedp.Click(chromedp.CSS("#rows tr:first-child a")), chromedp.WaitReady(chromedp.CSS(".card")))
	if got := eval[string](v, "location.pathname"); got != "/intranet/stock/" {
		t.Error("an item's link leads to", got)
	}
	for _, link := range []string{`nav a[href^="restock"]`, ".brand ~ nav a:first-child"} {
		v.do(chromedp.Click(chromedp.CSS(link)), chromedp.WaitReady(chromedp.CSS("footer")))
		if got := eval[string](v, "location.pathname"); !strings.HasPrefix(got, "/intranet/stock/") {
			t.Errorf("%s leads to %s", link, got)
		}
	}
}
