package page

// The API in JSON; docs/openapi describes it, and a test holds the two together.

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"sort"
	"strconv"
	"strings"
	"time"

	"inventoryd/docs/openapi"
	"inventoryd/internal/web/stock"
)

// head is what every answer says of the view it comes from.
type head struct {
	Store        string     `json:"store"` // "": all stores
	Version      string     `json:"version"`
	AsOf         *time.Time `json:"as_of"`       // null: nothing was read yet
	Age          float64    `json:"age_seconds"` // of as_of, by the server's clock
	Whole        bool       `json:"whole"`
	Items        int        `json:"items"`
	Out          int        `json:"out"`
	Low          int        `json:"low"`
	Unusable     int        `json:"unusable"`
	Hidden       int        `json:"hidden"`
	Trouble      string     `json:"trouble,omitempty"`
	TroubleSince *time.Time `json:"trouble_since,omitempty"`
}

func headOf(store string, s stock.State) head {
	h := head{Store: store, Trouble: s.Trouble}
	if s.Trouble != "" {
		since := s.Since.UTC()
		h.TroubleSince = &since
	}
	if v := s.View; v != nil {
		at := v.AsOf.UTC()
		h.Version, h.AsOf, h.Age, h.Whole = v.Version, &at, time.Since(v.AsOf).Seconds(), v.Whole
		h.Items, h.Out, h.Low, h.Unusable, h.Hidden = v.Totals.Items, v.Totals.Out, v.Totals.Low, v.Totals.Unusable, v.Hidden
	}
	return h
}

// apiRow is one item.
type apiRow struct {
	Store  string `json:"store,omitempty"`
	Item   string `json:"item"`
	Count  int64  `json:"count"`
	Level  string `json:"level"`
	Status string `json:"status"`
	Stores int    `json:"stores,omitempty"`
	OutIn  int    `json:"out_in,omitempty"`
	LowIn  int    `json:"low_in,omitempty"`
}

func apiRowOf(r stock.Row) apiRow {
	return apiRow{
		Store: r.Store, Item: r.Item, Count: r.Count, Level: r.Level.String(), Status: status(r),
		Stores: r.Stores, OutIn: r.Out, LowIn: r.Low,
	}
}

type itemsAnswer struct {
	head
	Found  int       `json:"found"`
	Axis   *[5]int64 `json:"axis,omitempty"`
	Rows   []apiRow  `json:"rows"`
	Cursor string    `json:"cursor,omitempty"`
}

type storesAnswer struct {
	head
	HiddenStores int        `json:"hidden_stores"`
	Stores       []apiStore `json:"stores"`
	Cursor       string     `json:"cursor,omitempty"`
}

type apiStore struct {
	Store string `json:"store"`
	Items int    `json:"items"`
	Out   int    `json:"out"`
	Low   int    `json:"low"`
}

const (
	defaultLimit = 100
	mostRows     = 1000
)

// question is what a request of the API asks for, and the view that answers it.
type question struct {
	sel   selection
	limit int
	at    cursor
	state stock.State
}

// question reads a request; the error says what is wrong with it, or why there is no view.
func (p *Page) question(r *http.Request, sel selection) (q question, err error) {
	query := r.URL.Query()
	q.sel = sel
	if q.limit, err = limitOf(query); err != nil {
		return q, err
	}
	if q.at, err = cursorOf(query.Get("cursor")); err != nil {
		return q, err
	}
	q.state, err = p.look(r, sel.Store)
	return q, err
}

func (p *Page) apiItems(w http.ResponseWriter, r *http.Request) {
	sel, err := selectionOf(r, stock.ByTable)
	var q question
	if err == nil {
		q, err = p.question(r, sel)
	}
	if err != nil {
		answerError(w, err)
		return
	}
	a := itemsAnswer{head: headOf(sel.Store, q.state)}
	if q.at.After != "" {
		var rows []stock.Row
		if rows, a.Cursor, err = p.beyond(r.Context(), sel.Store, q.at.After); err != nil {
			answerError(w, err)
			return
		}
		a.Rows = apiRows(rows)
		answer(w, a)
		return
	}
	v := q.state.View
	numbers := v.Select(sel.Find, sel.By, sel.Reverse)
	a.Found = len(numbers)
	ticks := axisOf(highest(v, numbers)).Ticks()
	a.Axis = &ticks
	a.Rows = []apiRow{}
	beyond := sel.plain() && v.Hidden > 0
	if beyond {
		numbers = numbers[:v.First]
	}
	end := min(q.at.From+q.limit, len(numbers))
	for _, i := range numbers[min(q.at.From, len(numbers)):end] {
		a.Rows = append(a.Rows, apiRowOf(rowOf(v, int(i))))
	}
	switch {
	case end < len(numbers):
		a.Cursor = cursor{From: end}.text()
	case beyond:
		a.Cursor = cursor{After: v.Row(v.First - 1).Item}.text()
	}
	answer(w, a)
}

func apiRows(rows []stock.Row) []apiRow {
	out := make([]apiRow, len(rows))
	for i, r := range rows {
		out[i] = apiRowOf(r)
	}
	return out
}

// beyond reads the rows of a store after an item.
func (p *Page) beyond(ctx context.Context, store, after string) (rows []stock.Row, next string, err error) {
	ctx, cancel := context.WithTimeout(ctx, operatorPatience)
	defer cancel()
	rows, more, err := p.cfg.Reader.After(ctx, store, after)
	if err == nil && more && len(rows) > 0 {
		next = cursor{After: rows[len(rows)-1].Item}.text()
	}
	return rows, next, err
}

func (p *Page) apiStores(w http.ResponseWriter, r *http.Request) {
	q, err := p.question(r, selection{})
	if err != nil {
		answerError(w, err)
		return
	}
	all := q.state.View.Stores
	begin := sort.Search(len(all), func(i int) bool { return all[i].Store > q.at.After })
	end := min(begin+q.limit, len(all))
	a := storesAnswer{head: headOf("", q.state), HiddenStores: q.state.View.HiddenStores, Stores: []apiStore{}}
	for _, s := range all[begin:end] {
		a.Stores = append(a.Stores, apiStore{s.Store, s.Items, s.Out, s.Low})
	}
	if end < len(all) {
		a.Cursor = cursor{After: all[end-1].Store}.text()
	}
	answer(w, a)
}

// look is the state of a store that has a view; the error says why there is none.
func (p *Page) look(r *http.Request, store string) (stock.State, error) {
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	s := p.cfg.Reader.Look(ctx, store)
	switch {
	case s.View != nil:
		return s, nil
	case s.Trouble != "":
		return s, stock.Trouble(s.Trouble)
	}
	return s, stock.Trouble("it is being read for the first time")
}

// cursor is where an answer goes on. Users of the API take it as it is.
type cursor struct {
	From  int    `json:"f,omitempty"` // rows before it
	After string `json:"a,omitempty"` // the name before it
}

func (c cursor) text() string {
	b, err := json.Marshal(c)
	if err != nil {
		panic(err) // a number and a string
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

func cursorOf(text string) (c cursor, err error) {
	if text == "" {
		return c, nil
	}
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err == nil {
		err = json.Unmarshal(b, &c)
	}
	if err != nil || c.From < 0 {
		return c, badRequest("cursor must be that of an answer")
	}
	return c, nil
}

func limitOf(q url.Values) (int, error) {
	text := q.Get("limit")
	if text == "" {
		return defaultLimit, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > mostRows {
		return 0, badRequest("limit must be 1 to " + strconv.Itoa(mostRows))
	}
	return n, nil
}

func answer(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json")
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(true)
	_ = encoder.Encode(body) // the client has gone
}

// answerError answers in JSON why a request cannot be met.
func answerError(w http.ResponseWriter, err error) {
	code := http.StatusServiceUnavailable
	var bad badRequest
	if errors.As(err, &bad) {
		code = http.StatusBadRequest
	} else {
		w.Header().Set("Retry-After", "5")
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(map[string]string{"error": strings.TrimSpace(err.Error())})
}

func (p *Page) openAPI(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/yaml")
	w.Write(openapi.Spec)
}
