package lease

// This file: what a member shows of itself.

import (
	"fmt"
	"time"
)

// patience is for how long a trouble may last before the member is not ready.
const patience = 15 * time.Second

// Ready is nil unless this member could not renew or read the rows for a while.
func (m *Member) Ready() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.trouble == nil || time.Since(m.since) < patience {
		return nil
	}
	return fmt.Errorf("the daemon's row in table %s: %w", m.of.Group.Table, m.trouble)
}

// MemberStatus is a snapshot of a member.
type MemberStatus struct {
	Instance string   `json:"instance"` // "" before it has joined
	Number   int64    `json:"number"`   // who has the lowest leads
	Leads    []string `json:"leads"`    // the parts that it leads
	Others   int      `json:"others"`   // instances that live beside it
}

// Status is a snapshot.
func (m *Member) Status() MemberStatus {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := MemberStatus{Leads: []string{}}
	if m.beat == nil {
		return s
	}
	self := m.beat.Self()
	s.Instance, s.Number, s.Others = self.ID, self.Joined, max(0, len(m.view.Alive())-1)
	for _, part := range m.of.Parts {
		if _, leads, _ := m.leads(part); leads {
			s.Leads = append(s.Leads, part)
		}
	}
	return s
}
