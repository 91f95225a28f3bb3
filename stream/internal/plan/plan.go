// Package plan decides which instance reads which shard: a pure function from what the lease table says to the changes
// that are due. It makes no call and knows no clock.
package plan

import (
	"cmp"
	"slices"
)

// Instance is one that lives.
type Instance struct {
	ID      string
	Leaving bool // it gives all away and gets nothing
	Reads   bool // its own row says that its reads worked a moment ago
}

// Shard is one that has not ended.
type Shard struct {
	ID       string
	Owner    string  // a living instance; "": nobody, or a dead one
	To       string  // whom it is being handed to; "": nobody
	Load     float64 // 1 and its records a second
	MayStart bool    // nothing before it can still be read
	Begun    bool    // its owner has confirmed that it reads it
	Failing  bool    // its owner has not been able to read it for a while
	Failed   []string
}

// Move is a change of a shard's owner.
type Move struct {
	Shard, From, To string
	// Ask is true where From reads the shard and is asked to hand it over; else the owner is changed at once.
	Ask bool
}

// Limits of what is moved while it is being read.
const (
	leastMoves = 8    // at once, however few shards there are
	shareMoves = 0.1  // of all shards at once
	tolerance  = 0.10 // of the mean load: a smaller difference moves nothing
)

// Make returns the moves that are due, each shard at most once. The order of what is given does not matter.
func Make(instances []Instance, shards []Shard) []Move {
	p := newBalance(instances, shards)
	if len(p.all) == 0 {
		return nil
	}
	p.assign()
	p.rescue()
	p.even()
	return p.moves
}

// balance is a plan in the making.
type balance struct {
	all   []*share // by id; instances that get shards
	by    map[string]*share
	free  []*Shard
	moves []Move
	room  int // how many more shards may be asked for
	total int
}

// share is an instance and what it has, or will have once the moves that are under way are done.
type share struct {
	Instance
	load   float64
	shards []*Shard // those that may be moved
}

func newBalance(instances []Instance, shards []Shard) *balance {
	p := &balance{by: map[string]*share{}}
	for _, i := range instances {
		s := &share{Instance: i}
		p.by[i.ID] = s
		if !i.Leaving {
			p.all = append(p.all, s)
		}
	}
	slices.SortFunc(p.all, func(a, b *share) int { return cmp.Compare(a.ID, b.ID) })
	moving := 0
	for i := range shards {
		s := &shards[i]
		if !s.MayStart {
			continue
		}
		p.total++
		if s.To != "" && s.Owner != "" {
			moving++
		}
		p.place(s)
	}
	p.room = max(leastMoves, int(shareMoves*float64(p.total))) - moving
	return p
}

// place counts a shard where it is or will be.
func (p *balance) place(s *Shard) {
	owner := p.by[s.Owner]
	if owner == nil {
		p.free = append(p.free, s)
		return
	}
	if taker := p.by[s.To]; taker != nil && s.To != s.Owner {
		taker.load += s.Load
		return
	}
	owner.load += s.Load
	if !owner.Leaving && s.To == "" { // who leaves chooses the takers itself
		owner.shards = append(owner.shards, s)
	}
}

// assign gives what nobody has to the least loaded, the heaviest first; nothing caps that.
func (p *balance) assign() {
	slices.SortFunc(p.free, func(a, b *Shard) int { return cmp.Or(cmp.Compare(b.Load, a.Load), cmp.Compare(a.ID, b.ID)) })
	for _, s := range p.free {
		taker := p.emptiest(func(i *share) bool { return !slices.Contains(s.Failed, i.ID) })
		if taker == nil {
			taker = p.emptiest(func(*share) bool { return true })
		}
		p.moves = append(p.moves, Move{Shard: s.ID, From: s.Owner, To: taker.ID})
		taker.load += s.Load // it stays there in this plan
	}
}

// rescue moves what cannot be read where it is to an instance that reads well. Where there is none, nothing moves.
func (p *balance) rescue() {
	for _, from := range p.all {
		failing := slices.Clone(from.shards)
		slices.SortFunc(failing, func(a, b *Shard) int { return cmp.Compare(a.ID, b.ID) })
		for _, s := range failing {
			if !s.Failing || s.Begun && p.room <= 0 {
				continue
			}
			to := p.emptiest(func(i *share) bool { return i.Reads && i != from && !slices.Contains(s.Failed, i.ID) })
			if to != nil {
				p.move(s, from, to)
			}
		}
	}
}

// even moves shards from the fullest to the emptiest while that makes the loads more equal. Each move lowers the sum of
// the squares of all loads, so that moves neither go in circles nor back.
func (p *balance) even() {
	sum := 0.0
	for _, i := range p.all {
		sum += i.load
	}
	slack := tolerance * sum / float64(len(p.all))
	for p.evenOnce(slack) {
	}
}

func (p *balance) evenOnce(slack float64) bool {
	order := slices.Clone(p.all)
	slices.SortStableFunc(order, func(a, b *share) int { return cmp.Compare(b.load, a.load) })
	to := order[len(order)-1]
	for _, from := range order {
		difference := from.load - to.load
		if difference <= slack {
			return false
		}
		if s := p.best(from, to, difference); s != nil {
			p.move(s, from, to)
			return true
		}
	}
	return false
}

// best is the shard whose move makes the two loads most equal, of those that nobody has begun to read if there is one.
func (p *balance) best(from, to *share, difference float64) *Shard {
	var best *Shard
	better := func(a, b *Shard) int {
		begun := func(s *Shard) int {
			if s.Begun {
				return 1
			}
			return 0
		}
		away := func(s *Shard) float64 { return max(s.Load-difference/2, difference/2-s.Load) }
		return cmp.Or(cmp.Compare(begun(a), begun(b)), cmp.Compare(away(a), away(b)), cmp.Compare(a.ID, b.ID))
	}
	for _, s := range from.shards {
		if s.Load >= difference || s.Begun && p.room <= 0 || slices.Contains(s.Failed, to.ID) {
			continue
		}
		if best == nil || better(s, best) < 0 {
			best = s
		}
	}
	return best
}

// move notes a move of a shard, which stays where it goes in this plan.
func (p *balance) move(s *Shard, from, to *share) {
	p.moves = append(p.moves, Move{Shard: s.ID, From: from.ID, To: to.ID, Ask: s.Begun})
	if s.Begun {
		p.room--
	}
	from.load -= s.Load
	to.load += s.Load
	from.shards = slices.DeleteFunc(from.shards, func(other *Shard) bool { return other == s })
}

func (p *balance) emptiest(may func(*share) bool) *share {
	var best *share
	for _, i := range p.all {
		if may(i) && (best == nil || i.load < best.load) {
			best = i
		}
	}
	return best
}

// Heir is who gets a shard from an instance that leaves: the least loaded of those that stay. loads are what they have;
// it adds the shard's. "" where nobody stays.
func Heir(instances []Instance, loads map[string]float64, load float64) string {
	heir := ""
	for _, i := range instances {
		if i.Leaving {
			continue
		}
		if heir == "" || cmp.Or(cmp.Compare(loads[i.ID], loads[heir]), cmp.Compare(i.ID, heir)) < 0 {
			heir = i.ID
		}
	}
	if heir != "" && load > 0 {
		loads[heir] += load
	}
	return heir
}
