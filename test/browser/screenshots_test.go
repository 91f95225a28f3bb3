//go:build screenshots

package browser

// The pictures of docs/page.md and README.md: `make screenshots`.

import (
	"bytes"
	"cmp"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"inventoryd/internal/inventory"
	"inventoryd/internal/sandbox/fault"
)

// into is where the pictures go, from this folder.
const into = "../../docs/screenshots"

func dark() step {
	return call(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "dark"}}})
}

func paper() step {
	return call(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: "print"})
}

func phone() step { return chromedp.EmulateViewport(390, 844, chromedp.EmulateMobile) }

// kept are the pictures that the documentation shows; the others are for whoever changes the page, to look at.
var kept = []string{"all-stores", "store", "store-dark", "phone", "item", "restock", "operator", "aws-down", "ten-thousand"}

// shoot takes a picture once nothing moves any more: of the whole page, or of what a window shows of it.
func (v *tab) shoot(name string, window ...bool) {
	v.t.Helper()
	time.Sleep(300 * time.Millisecond) // fonts and flashes; there is nothing to wait for
	take := chromedp.FullScreenshot(100)
	if len(window) > 0 {
		take = chromedp.CaptureScreenshot()
	}
	taken, err := chromedp.Run(v, take)
	if err != nil {
		v.t.Fatal(err)
	}
	folder := into
	if !slices.Contains(kept, name) {
		folder = filepath.Join(os.TempDir(), "inventoryd-screenshots")
		v.t.Log(filepath.Join(folder, name+".png"))
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		v.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, name+".png"), small(v.t, taken), 0o644); err != nil {
		v.t.Fatal(err)
	}
}

// small is a picture in its 255 most frequent colours, each other pixel in the nearest of them: a third of the bytes.
func small(t *testing.T, taken []byte) []byte {
	t.Helper()
	full, err := png.Decode(bytes.NewReader(taken))
	if err != nil {
		t.Fatal(err)
	}
	count := map[color.RGBA]int{}
	bounds := full.Bounds()
	at := func(x, y int) color.RGBA { return color.RGBAModel.Convert(full.At(x, y)).(color.RGBA) }
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			count[at(x, y)]++
		}
	}
	colours := slices.SortedFunc(maps.Keys(count), func(a, b color.RGBA) int {
		return cmp.Or(cmp.Compare(count[b], count[a]), cmp.Compare(fmt.Sprint(a), fmt.Sprint(b)))
	})
	var palette color.Palette
	for _, c := range colours[:min(255, len(colours))] {
		palette = append(palette, c)
	}
	nearest := map[color.RGBA]uint8{}
	for _, c := range colours {
		nearest[c] = uint8(palette.Index(c))
	}
	out := image.NewPaletted(bounds, palette)
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			out.SetColorIndex(x, y, nearest[at(x, y)])
		}
	}
	var b bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&b, out); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestScreenshots(t *testing.T) {
	s := town(t)
	for _, c := range []struct {
		name, address string
		before        []step
	}{
		{"all-stores", s.at(""), nil},
		{"store", s.at("", "store", "Lisbon"), nil},
		{"store-dark", s.at("", "store", "Lisbon"), []step{dark()}},
		{"all-stores-dark", s.at(""), []step{dark()}},
		{"phone", s.at("", "store", "Lisbon"), []step{phone()}},
		{"phone-all-stores", s.at(""), []step{phone()}},
		{"phone-restock", s.at("restock"), []step{phone()}},
		{"item", s.at("", "store", "Lisbon", "item", "Kettle 1.7 l"), nil},
		{"item-all-stores", s.at("", "item", "Kettle 1.7 l"), nil},
		{"restock", s.at("restock"), nil},
		{"restock-print", s.at("restock"), []step{paper()}},
		{"operator", s.at("operator"), nil},
		{"operator-dark", s.at("operator"), []step{dark()}},
		{"late-feed", s.at("", "store", "Nairobi"), nil},
		{"nothing-found", s.at("", "q", "sofa"), nil},
		{"no-such-store", s.at("", "store", "Atlantis"), nil},
		{"refused", s.at("", "sort", "colour"), nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			inner := *s
			inner.t = t
			v := inner.look(c.before...)
			v.open(c.address)
			v.shoot(c.name)
		})
	}
}

func TestScreenshotsOfOtherShops(t *testing.T) {
	t.Run("empty", func(t *testing.T) {
		s := open(t, nil)
		v := s.look()
		v.open(s.at(""))
		v.shoot("empty")
	})
	t.Run("many", func(t *testing.T) {
		s := open(t, nil)
		var rows []inventory.Item
		for store := range 40 {
			for item := range 250 {
				rows = append(rows, inventory.Item{
					Key:   inventory.Key{Store: fmt.Sprintf("Branch %02d", store+1), Item: fmt.Sprintf("Article %04d", 4*item+store%4)},
					Count: int64((store*7+item*13)%97) * int64(boolean((store+item)%29 != 0)),
				})
			}
		}
		s.write(rows)
		v := s.look()
		v.open(s.at(""))
		v.shoot("ten-thousand", true)
	})
	t.Run("aws-down", func(t *testing.T) {
		s := town(t)
		v := s.look()
		v.open(s.at("", "store", "Lisbon"))
		s.box.Fault(fault.Rule{Client: "page", Effect: fault.Effect{Error: &fault.Error{Status: 500, Code: "InternalServerError", Message: "down"}}})
		v.until(20*time.Second, `document.querySelector(".trouble")`)
		v.shoot("aws-down")
		w := s.look()
		w.open(s.at("", "store", "Quito"))
		w.shoot("aws-down-nothing")
	})
}

func boolean(b bool) int {
	if b {
		return 1
	}
	return 0
}
