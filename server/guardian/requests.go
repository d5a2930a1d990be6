package guardian

import (
	"context"
	"slices"
	"strings"

	"kith/internal/jid"
	"kith/internal/stanza"
	"kith/server/module"
)

// hold keeps a request for the guardians, unless it waits already, and tells them. errDenied if they have
// said no lately; a fault if too many wait and the child itself asks, while those of others are ignored.
func (s *Service) hold(c *child, r Request) error {
	if was, known := c.requests[r.Key]; known && was.Waiting() {
		return nil
	}
	s.changing.Lock()
	defer s.changing.Unlock()
	now := s.clock.Now()
	if c = s.child(c.local); c == nil {
		return nil
	}
	was, known := c.requests[r.Key]
	switch {
	case known && was.Waiting():
		return nil
	case known && now.Sub(was.Denied) < s.config.AskAgain:
		return errDenied
	case c.waiting() >= s.config.MaxRequests && r.Outgoing:
		return refuse("Too much waits for the guardians already.")
	case c.waiting() >= s.config.MaxRequests:
		return nil
	}
	r.At = now
	if err := s.store.Hold(context.Background(), c.local, r); err != nil {
		return stanza.Internal(err)
	}
	next := c.copy()
	next.requests[r.Key] = r
	s.replace(next)
	s.tellRequest(next, r)
	return nil
}

// withdraw forgets a request that waits.
func (s *Service) withdraw(local string, k Key) error {
	s.changing.Lock()
	defer s.changing.Unlock()
	c := s.child(local)
	if c == nil {
		return nil
	}
	if r, ok := c.requests[k]; !ok || !r.Waiting() {
		return nil
	}
	if err := s.store.Withdraw(context.Background(), local, k); err != nil {
		return err
	}
	next := c.copy()
	delete(next.requests, k)
	s.replace(next)
	s.tellChanged(next)
	return nil
}

// Withdraw takes back what a child has asked of a contact, inside its actor. It reports whether it was held
// back, so that the contact has never heard of it.
func (s *Service) Withdraw(a module.Account, contact jid.JID) bool {
	c := s.child(a.JID().Local())
	if c == nil {
		return false
	}
	_, held := c.requests[Key{contact, true}]
	if !held {
		return false
	}
	if err := s.withdraw(c.local, Key{contact, true}); err != nil {
		s.failed("withdraw a request", err)
	}
	return true
}

// Approve lets a child talk to a peer, asked or not; room is for a peer that nobody has asked about. by is
// who agrees, an account by its localpart, or "" for the operator. Errors: [ErrNotChild],
// [ErrNotGuardian], [ErrPeer].
func (s *Service) Approve(ctx context.Context, by, local string, peer jid.JID, room bool) error {
	peer = peer.Bare().Clone()
	if peer.Local() == "" || peer == s.address(local) {
		return ErrPeer
	}
	s.changing.Lock()
	defer s.changing.Unlock()
	c, err := s.decider(by, local)
	if err != nil {
		return err
	}
	next := c.copy()
	var asked []Request
	for k, r := range c.requests {
		if k.Peer == peer {
			room = r.Room
			asked = append(asked, r)
			delete(next.requests, k)
		}
	}
	room = room || peer.Domain() == s.groups.Domain()
	a := Approval{Peer: peer, Room: room, By: strings.Clone(by), At: s.clock.Now()}
	if err := s.store.Approve(ctx, local, a); err != nil {
		return err
	}
	next.approved[peer] = a
	s.replace(next)
	for _, r := range asked {
		if !r.Waiting() {
			continue
		}
		s.letGo(c, r)
		if r.Outgoing {
			s.tellChild(c, r, "approved")
		}
	}
	s.tellChanged(next)
	return nil
}

// decider is the child for whom somebody decides, if it may.
func (s *Service) decider(by, local string) (*child, error) {
	c := s.child(local)
	switch {
	case c == nil && by == "":
		return nil, ErrNotChild
	case c == nil, by != "" && !s.guards(by, c):
		return nil, ErrNotGuardian
	}
	return c, nil
}

// letGo sends what was held back on its way.
func (s *Service) letGo(c *child, r Request) {
	if r.Stanza == "" || !s.linked {
		return
	}
	st, err := stanza.Parse(r.Stanza)
	if err != nil {
		s.failed("read a stanza that was held back", err)
		return
	}
	module.Deliver(s.links.Router, st)
}

// Deny refuses what waits about a peer. Errors: [ErrNotChild], [ErrNotGuardian], [ErrNothing].
func (s *Service) Deny(ctx context.Context, by, local string, peer jid.JID) error {
	peer = peer.Bare()
	s.changing.Lock()
	defer s.changing.Unlock()
	c, err := s.decider(by, local)
	if err != nil {
		return err
	}
	now := s.clock.Now()
	next := c.copy()
	var asked []Request
	for k, r := range c.requests {
		if k.Peer == peer && r.Waiting() {
			asked = append(asked, r)
			r.Denied, r.Stanza = now, ""
			next.requests[k] = r
		}
	}
	if len(asked) == 0 {
		return ErrNothing
	}
	if err := s.store.Deny(ctx, local, peer, now); err != nil {
		return err
	}
	s.replace(next)
	for _, r := range asked {
		s.refused(c, r)
	}
	s.tellChanged(next)
	return nil
}

// refused tells those who asked.
func (s *Service) refused(c *child, r Request) {
	if !s.linked {
		return
	}
	if !r.Room {
		h := stanza.Header{Kind: stanza.Presence, Type: stanza.Unsubscribed, From: c.jid, To: r.Peer}
		if r.Outgoing {
			// As if the contact had refused: it has never heard of it.
			h.From, h.To = h.To, h.From
		}
		module.Deliver(s.links.Router, stanza.New(h, ""))
	}
	if r.Outgoing {
		s.tellChild(c, r, "denied")
	}
}

// Revoke takes back an approval: the contact disappears from the child's list, who leaves the room.
// Errors: [ErrNotChild], [ErrNotGuardian], [ErrNothing].
func (s *Service) Revoke(ctx context.Context, by, local string, peer jid.JID) error {
	peer = peer.Bare().Clone()
	s.changing.Lock()
	defer s.changing.Unlock()
	c, err := s.decider(by, local)
	if err != nil {
		return err
	}
	a, ok := c.approved[peer]
	if !ok {
		return ErrNothing
	}
	if err := s.store.Revoke(ctx, local, peer); err != nil {
		return err
	}
	next := c.copy()
	delete(next.approved, peer)
	s.replace(next)
	if !s.linked {
		return nil
	}
	s.tellChanged(next)
	if a.Room {
		s.links.Rooms.Reconsider()
	}
	if s.allowed(next, peer) || peer.Domain() == s.groups.Domain() {
		return nil
	}
	return s.links.Actors.Do(ctx, local, func(a module.Account) { s.part(a, peer) })
}

// part ends what a child has with a peer that is not approved any more, inside its actor.
func (s *Service) part(a module.Account, peer jid.JID) {
	x := s.parting.Of(a.Slots())
	x.peer = peer
	defer func() { x.peer = jid.JID{} }()
	if err := s.links.Contacts.Drop(a, peer); err != nil && stanza.AsFault(err).Condition != stanza.ItemNotFound {
		s.failed("end a contact", err)
	}
}

// Ward is a child as its guardians see it.
type Ward struct {
	JID       jid.JID
	Guardians []jid.JID
	// Requests are those that wait, oldest first; Approvals are by address.
	Requests  []Request
	Approvals []Approval
}

// Wards are the children for whom an account decides; all of them if all is set.
func (s *Service) Wards(local string, all bool) []Ward {
	s.mu.RLock()
	children := make([]*child, 0, len(s.children))
	for _, c := range s.children {
		children = append(children, c)
	}
	s.mu.RUnlock()
	var out []Ward
	for _, c := range children {
		if all || s.guards(local, c) {
			out = append(out, s.ward(c))
		}
	}
	slices.SortFunc(out, func(a, b Ward) int { return strings.Compare(a.JID.String(), b.JID.String()) })
	return out
}

func (s *Service) ward(c *child) Ward {
	w := Ward{JID: c.jid}
	for _, g := range s.guardiansOf(c) {
		w.Guardians = append(w.Guardians, s.address(g))
	}
	for _, r := range c.requests {
		if r.Waiting() {
			w.Requests = append(w.Requests, r)
		}
	}
	for _, a := range c.approved {
		w.Approvals = append(w.Approvals, a)
	}
	slices.SortFunc(w.Requests, func(a, b Request) int {
		if d := a.At.Compare(b.At); d != 0 {
			return d
		}
		return strings.Compare(a.Peer.String(), b.Peer.String())
	})
	slices.SortFunc(w.Approvals, func(a, b Approval) int { return strings.Compare(a.Peer.String(), b.Peer.String()) })
	return w
}
