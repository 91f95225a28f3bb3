package page

// The selection as a file.

import (
	"bufio"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"

	"inventoryd/internal/web/stock"
)

func (p *Page) download(w http.ResponseWriter, r *http.Request) {
	sel, err := selectionOf(r, stock.ByTable)
	if err != nil {
		answerError(w, err)
		return
	}
	state, err := p.look(r, sel.Store)
	if err != nil {
		answerError(w, err)
		return
	}
	if sel.Store != "" && sel.Find == "" && state.View.Hidden > 0 {
		sel.By, sel.Reverse = stock.ByTable, false // all of it, then
	}
	rows := func(yield func(stock.Row) error) error { return p.each(r.Context(), sel, state.View, yield) }
	kind := r.URL.Path[strings.LastIndexByte(r.URL.Path, '.')+1:]
	w.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{
		"filename": fileName(sel.Store, state.View.AsOf) + "." + kind,
	}))
	paced := &paced{w: w, control: http.NewResponseController(w)}
	out := bufio.NewWriterSize(paced, 32<<10)
	if kind == "csv" {
		w.Header().Set("Content-Type", "text/csv; charset=utf-8; header=present")
		err = writeCSV(out, sel, state.View, rows)
	} else {
		w.Header().Set("Content-Type", "application/json")
		err = writeJSON(out, sel, state, rows)
	}
	if err == nil {
		err = out.Flush()
	}
	if err != nil { // the browser must not take a part for the whole
		panic(http.ErrAbortHandler)
	}
}

// each calls yield for all rows of the selection, those included that a view of a store does not list.
func (p *Page) each(ctx context.Context, sel selection, v *stock.View, yield func(stock.Row) error) error {
	numbers := v.Select(sel.Find, sel.By, sel.Reverse)
	beyond := sel.plain() && v.Hidden > 0
	if beyond {
		numbers = numbers[:v.First]
	}
	after := ""
	for _, i := range numbers {
		row := rowOf(v, int(i))
		if err := yield(row); err != nil {
			return err
		}
		after = row.Item
	}
	for beyond {
		rows, more, err := p.cfg.Reader.After(ctx, sel.Store, after)
		if err != nil {
			return err
		}
		for _, row := range rows {
			if err := yield(row); err != nil {
				return err
			}
			after = row.Item
		}
		beyond = more
	}
	return nil
}

// paced moves the deadline of the answer with each piece, so that a slow line gets all of it and a dead one is dropped.
type paced struct {
	w       io.Writer
	control *http.ResponseController
}

func (p *paced) Write(b []byte) (int, error) {
	_ = p.control.SetWriteDeadline(time.Now().Add(sendTimeout)) // not every ResponseWriter has one
	return p.w.Write(b)
}

// fileName says what the file is and of when, in what every system takes.
func fileName(store string, at time.Time) string {
	if store == "" {
		store = "all stores"
	}
	plain := strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || r == ' ' || r == '-' || r == '_' {
			return r
		}
		return '_'
	}, store)
	if runes := []rune(plain); len(runes) > 50 {
		plain = string(runes[:50])
	}
	return "inventory " + plain + " " + at.UTC().Format("2006-01-02 1504Z")
}

// bom tells Excel that what follows is UTF-8.
const bom = "\ufeff"

// eachRow calls its argument for each row to write, until that fails.
type eachRow func(yield func(stock.Row) error) error

// writeCSV writes the rows for spreadsheets. A text that one would take for a formula gets an apostrophe before it. Where
// rows of a sum are hidden the last line says so: whoever adds the column up must know.
func writeCSV(w *bufio.Writer, sel selection, v *stock.View, rows eachRow) error {
	w.WriteString(bom)
	out := csv.NewWriter(w)
	out.UseCRLF = true
	head := []string{"Store", "Item", "Count", "Status"}
	if sel.Store == "" {
		head[0] = "Stores"
	}
	_ = out.Write(head) // errors are sticky: Error
	err := rows(func(r stock.Row) error {
		first := harmless(sel.Store)
		if sel.Store == "" {
			first = strconv.Itoa(r.Stores)
		}
		return out.Write([]string{first, harmless(r.Item), strconv.FormatInt(r.Count, 10), status(r)})
	})
	if err != nil {
		return fmt.Errorf("write csv: %w", err)
	}
	if v.Hidden > 0 && !sel.plain() {
		_ = out.Write([]string{"", "(not all: " + plural(v.Hidden, "row") + " more)", "", ""})
	}
	if !v.Whole {
		_ = out.Write([]string{"", "(not all: the inventory was still being read)", "", ""})
	}
	out.Flush()
	return out.Error()
}

// harmless keeps spreadsheets from taking a text for a formula.
func harmless(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return "'" + s
	}
	return s
}

func writeJSON(w *bufio.Writer, sel selection, s stock.State, rows eachRow) error {
	h := headOf(sel.Store, s)
	if sel.plain() {
		h.Hidden = 0
	}
	head, err := json.Marshal(h)
	if err != nil {
		return fmt.Errorf("write json: %w", err)
	}
	w.Write(head[:len(head)-1])
	w.WriteString(`,"rows":[`)
	separator := "\n"
	err = rows(func(r stock.Row) error {
		row, err := json.Marshal(apiRowOf(r))
		if err != nil {
			return err
		}
		w.WriteString(separator)
		separator = ",\n"
		_, err = w.Write(row)
		return err
	})
	if err != nil {
		return fmt.Errorf("write json: %w", err)
	}
	_, err = w.WriteString("\n]}\n")
	return err
}
