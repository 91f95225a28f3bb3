package dynamo

// Client tokens: a transaction that comes again within ten minutes has its effect once ("TransactWriteItems":
// ClientRequestToken).

import (
	"crypto/sha256"
	"maps"
	"slices"
	"sync"
	"time"

	"inventoryd/internal/sandbox/wire"
)

// transacted is what a transaction did, by table.
type transacted map[string]effort

// effort is what a transaction costs, and what it costs to find that it was made already.
type effort struct {
	write cost
	read  float64
	again bool
}

func (d transacted) add(table string, c change) {
	e := d[table]
	units := c.cost().twice()
	e.write.add(units)
	e.read += 2 * readUnits(int(max(c.old.size, c.next.size)), true)
	d[table] = e
}

// repeated is the same for a call that repeats the transaction.
func (d transacted) repeated() transacted {
	out := transacted{}
	for name, e := range d {
		e.again = true
		out[name] = e
	}
	return out
}

func (d transacted) answer(capacity string) any {
	out := struct {
		ConsumedCapacity []*consumed `json:",omitempty"`
	}{}
	for _, name := range slices.Sorted(maps.Keys(d)) {
		e := d[name]
		units := e.write
		if e.again {
			units = cost{table: e.read}
		}
		c := consumption(capacity, name, units)
		if c == nil {
			continue
		}
		if e.again {
			c.ReadCapacityUnits = c.CapacityUnits
		} else {
			c.WriteCapacityUnits = c.CapacityUnits
		}
		out.ConsumedCapacity = append(out.ConsumedCapacity, c)
	}
	return out
}

// tokens are those of the last ten minutes.
type tokens struct {
	mu    sync.Mutex // guards what follows; held while a transaction with a token runs, so that its repetition waits for it
	known map[string]token
	order []string // by age
}

type token struct {
	body  [sha256.Size]byte
	until time.Time
	done  transacted
}

var errMismatch = wire.Errorf("IdempotentParameterMismatchException", "The request uses the same client token as a previous, but non-identical request.")

// once runs a transaction unless it was made under that token.
func (k *tokens) once(name string, body [sha256.Size]byte, now time.Time, run func() (transacted, error)) (transacted, error) {
	if name == "" {
		return run()
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for len(k.order) > 0 && !now.Before(k.known[k.order[0]].until) {
		delete(k.known, k.order[0])
		k.order = k.order[1:]
	}
	if t, ok := k.known[name]; ok {
		if t.body != body {
			return nil, errMismatch
		}
		return t.done.repeated(), nil
	}
	done, err := run()
	if err == nil {
		if k.known == nil {
			k.known = map[string]token{}
		}
		k.known[name] = token{body, now.Add(tokenLife), done}
		k.order = append(k.order, name)
	}
	return done, err
}
