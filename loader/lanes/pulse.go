package lanes

// Pulse is the life of somebody who works and waits for others by turns: Tick says that the work goes on, Rest that nothing
// is expected until the next Tick, Done that it is over. The zero Pulse tells nobody.
type Pulse struct{ tick, rest, done func() }

// NewPulse makes a pulse of what hears it.
func NewPulse(tick, rest, done func()) Pulse { return Pulse{tick, rest, done} }

// Tick says that the work goes on.
func (p Pulse) Tick() { p.say(p.tick) }

// Rest says that others are waited for.
func (p Pulse) Rest() { p.say(p.rest) }

// Done says that the work is over.
func (p Pulse) Done() { p.say(p.done) }

func (p Pulse) say(f func()) {
	if f != nil {
		f()
	}
}
