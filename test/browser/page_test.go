package browser

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"inventoryd/internal/inventory"
	"inventoryd/internal/sandbox/fault"
)

// soon is how long a change is waited for. It shows within 3 s (a reading begins every 2 s; in virtual time the
// tests of internal/web/stock and page hold the server to that); how long it took here is printed: a busy machine takes longer.
const soon = 30 * time.Second

func TestTheSampleFeedsSumsAreShown(t *testing.T) {
	s := open(t, nil)
	sums, out := map[string]int64{}, 0
	for _, row := range s.loadSamples() {
		sums[row.Item] += row.Count
		if row.Count <= 0 {
			out++
		}
	}
	v := s.look()
	v.open(s.at(""))
	shown := v.table()
	if len(shown) != len(sums) {
		t.Errorf("%d items, want %d", len(shown), len(sums))
	}
	for item, sum := range sums {
		if want := fmt.Sprintf("6 stores | %s | %d | Out in 1 of 6 stores", item, sum); !slices.Contains(shown, want) {
			t.Errorf("%q is not among %q", want, shown)
		}
	}
	if got := eval[string](v, `document.getElementById("n-out").textContent`); got != fmt.Sprint(out) {
		t.Errorf("%s out of stock, want %d", got, out)
	}
	// The bars begin at 0: each is as long as its count is great.
	for item, share := range map[string]float64{"Umbrella": 108. / 120, "Desk Lamp": 35. / 120} {
		got := eval[float64](v, fmt.Sprintf(`(() => { const r = [...document.querySelectorAll("#rows tr")].find(r => r.textContent.includes(%q)), b = r.querySelector(".bar"); return b.querySelector("rect").getBoundingClientRect().width / b.getBoundingClientRect().width })()`, item))
		if got < share-0.01 || got > share+0.01 {
			t.Errorf("the bar of %s is %.3f of the scale, want %.3f", item, got, share)
		}
	}
}

func TestAChangeShowsWithoutAReload(t *testing.T) {
	const out = `/Umbrella[^]*Out (of stock|in 2 of 6 stores)|Out of stock[^]*Umbrella/.test([...document.querySelectorAll("#rows tr, #swap")].map(r => r.innerText).filter(s => s.includes("Umbrella") || location.search.includes("item=")).join())`
	s := open(t, nil)
	s.loadSamples()
	for name, address := range map[string]string{"a store": s.at("", "store", "Lisbon"), "all stores": s.at(""), "the item": s.at("", "store", "Lisbon", "item", "Umbrella"), "the restock list": s.at("restock", "store", "Lisbon")} {
		s.put("Lisbon", "Umbrella", 4)
		v := s.look()
		v.open(address)
		v.until(soon, `document.getElementById("live").textContent === "Live"`)
		v.until(15*time.Second, "!("+out+")") // not what the test before has left
		eval[bool](v, `window.same = true`)
		s.put("Lisbon", "Umbrella", 0)
		took := v.until(soon, out)
		if !eval[bool](v, `window.same === true`) {
			t.Errorf("%s: the page was loaded anew", name)
		}
		t.Logf("%s: after %v", name, took.Round(time.Millisecond))
	}
}

// An item's page shows what the table says now, which the readings have not seen yet: they never see the 4.
func TestAnItemsPageDoesNotStayAtWhatNoReadingSaw(t *testing.T) {
	s := open(t, nil)
	for range 3 {
		s.put("Lisbon", "Umbrella", 0)
		v := s.look()
		v.open(s.at("", "store", "Lisbon"))
		v.until(soon, `document.querySelector("#rows")?.innerText.includes("Out of stock")`)
		s.put("Lisbon", "Umbrella", 4)
		v.open(s.at("", "store", "Lisbon", "item", "Umbrella"))
		s.put("Lisbon", "Umbrella", 0)
		v.until(soon, `document.querySelector("#swap").innerText.includes("Out of stock")`)
	}
}

func TestAnItemThatComesAndOneThatGoes(t *testing.T) {
	s := open(t, nil)
	v := s.look()
	v.open(s.at("", "store", "Faro")) // nothing of it is there yet
	s.put("Faro", "Kettle", 5)
	v.until(2*soon, `document.querySelector("#rows")?.innerText.includes("Kettle")`)
	s.put("Faro", "Lamp", 5)
	v.until(soon, `document.querySelector("#rows").innerText.includes("Lamp")`)
	s.remove("Faro", "Kettle")
	v.until(soon, `!document.querySelector("#rows").innerText.includes("Kettle")`)
}

func TestSearchSortLinkAndDownloads(t *testing.T) {
	s := open(t, nil)
	s.loadSamples()
	v := s.look()
	v.open(s.at("", "store", "Lisbon"))
	v.do(chromedp.SendKeys(chromedp.CSS("#q"), "um"))
	v.until(soon, `document.querySelectorAll("#rows tr").length === 1`)
	if got := v.table(); got[0] != "Lisbon | Umbrella | 4 | In stock" {
		t.Error(got)
	}
	if got := eval[string](v, "location.search"); got != "?store=Lisbon&q=um" {
		t.Error("the address cannot be sent to somebody: ", got)
	}
	w := s.look()
	w.open(eval[string](v, "location.href"))
	if got := w.table(); len(got) != 1 {
		t.Error("the link shows", got)
	}
	v.do(chromedp.SendKeys(chromedp.CSS("#q"), "\b\b"))
	v.until(soon, `document.querySelectorAll("#rows tr").length > 3`)
	v.do(chromedp.Click(chromedp.CSS(`[data-sort="count"]`)))
	v.until(soon, `document.querySelector("[aria-sort=ascending] a").dataset.sort === "count"`)
	counts := `[...document.querySelectorAll("#rows .n")].map(e => Number(e.textContent))`
	v.until(soon, `(c => c.every((n, i) => !i || c[i-1] <= n))(`+counts+`)`)
	v.do(chromedp.Click(chromedp.CSS(`[data-sort="count"]`)))
	v.until(soon, `(c => c.every((n, i) => !i || c[i-1] >= n))(`+counts+`)`)

	for kind, want := range map[string]string{"csv": "\ufeffStore,Item,Count,Status\r\n", "json": `{"store":"Lisbon",`} {
		text := eval[string](v, fmt.Sprintf(`document.querySelector("[data-file=%s]").href`, kind))
		body, header := s.fetch(text)
		if !strings.HasPrefix(body, want) || !strings.HasPrefix(header.Get("Content-Disposition"), `attachment; filename="inventory Lisbon 20`) {
			t.Errorf("%s: %q %q", text, body[:min(len(body), 60)], header)
		}
		if kind == "json" && !json.Valid([]byte(body)) {
			t.Error("no JSON:", body)
		}
		if i, j := strings.Index(body, "Umbrella"), strings.Index(body, "Kettle"); i > j {
			t.Errorf("%s is not in the order of the page", kind)
		}
	}
}

// fetch is what a link of the page brings.
func (s *shop) fetch(address string) (string, http.Header) {
	s.t.Helper()
	r, err := http.Get(address)
	if err != nil {
		s.t.Fatal(err)
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil || r.StatusCode != http.StatusOK {
		s.t.Fatal(r.Status, err)
	}
	return string(body), r.Header
}

func TestChoosingAStoreShowsIt(t *testing.T) {
	s := open(t, nil)
	s.loadSamples()
	v := s.look()
	v.open(s.at(""))
	eval[bool](v, `(e => { e.value = "Quito"; e.dispatchEvent(new Event("change")); return true })(document.getElementById("store"))`)
	v.until(soon, `location.search === "?store=Quito" && document.querySelectorAll("#rows tr").length > 3`)
	if got := v.table()[0]; !strings.HasPrefix(got, "Quito | ") {
		t.Error(got)
	}
}

func TestItWorksWithoutScripts(t *testing.T) {
	s := open(t, nil)
	s.loadSamples()
	v := s.look(call(emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}))
	v.do(chromedp.Navigate(s.at("")))
	text := func() string { return eval[string](v, "document.body.innerText") } // the protocol's own, no script of the page
	for _, want := range []string{"Inventory Dashboard", "Out in 1 of 6 stores", "Umbrella", "108", " UTC"} {
		if !strings.Contains(text(), want) {
			t.Errorf("%q is missing in\n%s", want, text())
		}
	}
	eval[bool](v, `document.getElementById("store").value = "Lisbon", document.getElementById("q").value = "kettle", document.querySelector("#tools button").click(), true`)
	v.until(soon, `location.search.includes("store=Lisbon") && document.querySelectorAll("#rows tr").length === 1`)
	if got := text(); !strings.Contains(got, "Out of stock") || strings.Contains(got, "Umbrella") {
		t.Error("the form does not select: ", got)
	}
	eval[bool](v, `document.querySelector("#rows a").click(), true`)
	v.until(soon, `document.querySelector(".card")`)
	if got := text(); !strings.Contains(got, "Threshold") || strings.Contains(got, "Live") {
		t.Error(got)
	}
}

func TestStrangeNamesAreShownAsTheyAre(t *testing.T) {
	s := open(t, nil)
	evil, long := `<script>alert(1)</script>`, strings.Repeat("Łódź \"' & ", 2048/14)
	long += strings.Repeat("x", inventory.MaxStore-len(long))
	for _, store := range []string{evil, long, "=2+3 a\u202eb", "x?y#z/%20+"} {
		s.put(store, `<img src=x onerror=alert(2)>`, 0)
		s.put(store, `=HYPERLINK("http://x")`, 7)
		s.put(store, strings.Repeat("ü", inventory.MaxItem/2), 1)
		v := s.look()
		for _, address := range []string{s.at("", "store", store), s.at("restock", "store", store), s.at("", "store", store, "item", `<img src=x onerror=alert(2)>`)} {
			v.open(address)
			if n := eval[int](v, `document.querySelectorAll("main script, main img").length`); n != 0 {
				t.Fatalf("%.40q: a name became markup", store)
			}
			if wide := eval[int](v, `document.documentElement.scrollWidth - innerWidth`); wide > 0 {
				t.Errorf("%.40q: %s is %d px too wide", store, address[:min(len(address), 60)], wide)
			}
		}
		v.open(s.at("", "store", store))
		if got := eval[string](v, `document.getElementById("store").value`); got != store {
			t.Errorf("the store %.60q is chosen, not %.60q", got, store)
		}
		s.put(store, "new", 3)
		v.until(soon, `[...document.querySelectorAll("#rows a")].some(a => a.textContent === "new")`)
		v.do(chromedp.Click(chromedp.CSS("#rows tr:first-child a")), chromedp.WaitReady(chromedp.CSS(".card")))
		if got := eval[string](v, `document.querySelector("h1").textContent`); got != `<img src=x onerror=alert(2)>` {
			t.Error("the item's link leads to", got)
		}
	}
}

func TestInAnOutageTheLastViewStaysWithItsAge(t *testing.T) {
	s := open(t, nil)
	s.loadSamples()
	v := s.look()
	v.open(s.at("", "store", "Lisbon"))
	before := v.table()
	mend := s.box.Fault(fault.Rule{Client: "page", Effect: fault.Effect{Error: &fault.Error{Status: 500, Code: "InternalServerError", Message: "down"}}})
	v.until(2*soon, `document.querySelector(".warning.trouble")?.textContent.includes("cannot be read: DynamoDB answers InternalServerError")`)
	v.until(10*time.Second, `/seconds ago/.test(document.getElementById("age").textContent)`)
	if got := v.table(); !slices.Equal(got, before) {
		t.Error(got)
	}
	if got := eval[string](v, `document.getElementById("live").textContent`); got != "Not live" {
		t.Error("it says that it is", got)
	}
	w := s.look() // whoever comes now sees the same
	w.open(s.at("", "store", "Lisbon"))
	if got := w.table(); !slices.Equal(got, before) || !eval[bool](w, `!!document.querySelector(".warning.trouble")`) {
		t.Error(got)
	}
	mend()
	v.until(20*time.Second, `!document.querySelector(".warning.trouble") && document.getElementById("live").textContent === "Live"`)
}

func TestAHiddenTabAsksNothing(t *testing.T) {
	s := open(t, nil)
	s.loadSamples()
	v := s.look()
	v.open(s.at("", "store", "Lisbon"))
	v.until(soon, `document.getElementById("live").textContent === "Live"`)
	eval[bool](v, `(() => { Object.defineProperty(document, "hidden", { value: true, configurable: true }); document.dispatchEvent(new Event("visibilitychange")); return true })()`)
	gone := func(want int) bool {
		for range 100 {
			if s.reader.Lookers() == want {
				return true
			}
			time.Sleep(20 * time.Millisecond)
		}
		return false
	}
	if !gone(0) {
		t.Error("a hidden tab is still told of changes")
	}
	eval[bool](v, `(() => { Object.defineProperty(document, "hidden", { value: false, configurable: true }); document.dispatchEvent(new Event("visibilitychange")); return true })()`)
	if !gone(1) {
		t.Error("a tab that is shown again is told nothing")
	}
}

func TestNothingIsInaccessible(t *testing.T) {
	axe, err := os.ReadFile("node_modules/axe-core/axe.min.js")
	if err != nil {
		t.Skipf("%v: `make browser` installs axe-core by npm", err)
	}
	s := town(t)
	for scheme, widths := range map[string][]int64{"light": {1280, 390}, "dark": {1280}} {
		v := s.look(call(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}}))
		for _, address := range []string{
			s.at(""), s.at("", "store", "Nairobi"), s.at("", "q", "sofa"), s.at("", "store", "Atlantis"), s.at("restock"),
			s.at("operator"), s.at("", "store", "Lisbon", "item", "Kettle 1.7 l"), s.at("", "item", "Kettle 1.7 l"), s.at("", "sort", "x"),
		} {
			for _, width := range widths {
				v.do(chromedp.EmulateViewport(width, 900))
				v.open(address)
				eval[bool](v, string(axe)+`; true`)
				found, err := chromedp.Run(v, chromedp.Evaluate[[]string](`axe.run().then(r => r.violations.flatMap(x => x.nodes.map(n => x.id + ": " + n.html + " " + n.failureSummary)))`, chromedp.EvalAwaitPromise))
				if err != nil {
					t.Fatal(err)
				}
				for _, f := range found {
					t.Errorf("%s, %s, %d px wide: %s", scheme, address, width, f)
				}
				if wide := eval[int](v, `document.documentElement.scrollWidth - innerWidth`); wide > 0 {
					t.Errorf("%s is %d px too wide for %d", address, wide, width)
				}
			}
		}
	}
}

func TestTheKeyboardReachesEverything(t *testing.T) {
	s := open(t, nil)
	s.loadSamples()
	v := s.look()
	v.open(s.at("", "store", "Lisbon"))
	var reached []string
	for range 22 {
		v.do(chromedp.KeyEvent("\t"))
		reached = append(reached, eval[string](v, `(e => e.id || e.textContent.trim())(document.activeElement)`))
	}
	for _, want := range []string{"Skip to content", "Stock", "Restock list", "store", "q", "Item", "Count", "Status", "Umbrella", "CSV", "JSON"} {
		if !slices.Contains(reached, want) {
			t.Errorf("%q is not reached: %q", want, reached)
		}
	}
}

func TestEveryAnswerHasItsHeaders(t *testing.T) {
	s := town(t)
	v := s.look()
	v.open(s.at("", "store", "Lisbon"))
	v.until(soon, `document.getElementById("live").textContent === "Live"`)
	v.mu.Lock()
	defer v.mu.Unlock()
	kinds := map[string]bool{}
	for _, r := range v.answers {
		header := http.Header{}
		for k, value := range r.headers() {
			header.Set(k, value)
		}
		policy := header.Get("Content-Security-Policy")
		if !strings.HasPrefix(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") || strings.Contains(policy, "data:") {
			t.Errorf("%s: Content-Security-Policy %q", r.URL, policy)
		}
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer",
			"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin",
		} {
			if got := header.Get(name); got != want {
				t.Errorf("%s: %s %q, want %q", r.URL, name, got, want)
			}
		}
		if kept := header.Get("Cache-Control"); strings.Contains(r.URL, "/assets/") != strings.Contains(kept, "immutable") {
			t.Errorf("%s: Cache-Control %q", r.URL, kept)
		}
		kinds[strings.Split(header.Get("Content-Type"), ";")[0]] = true
	}
	for _, kind := range []string{"text/html", "text/css", "text/javascript", "text/event-stream", "image/svg+xml"} {
		if !kinds[kind] {
			t.Errorf("no %s was answered: %v", kind, kinds)
		}
	}
}

// answer is one that the browser got.
type answered struct{ *network.Response }

func (a answered) headers() map[string]string {
	out := map[string]string{}
	b, _ := json.Marshal(a.Headers)
	_ = json.Unmarshal(b, &out)
	return out
}
