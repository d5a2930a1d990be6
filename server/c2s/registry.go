package c2s

import (
	"sync"

	"kith/internal/jid"
)

// registry knows all sessions, those without a connection too.
type registry struct {
	mu       sync.Mutex             // guards everything below
	accounts map[jid.JID][]*session // by bare address, in the order of their beginning
	resume   map[string]*session    // by the id of their stream management
	ended    map[string]Ended
	order    []string // of ended; a ring once it is full
	next     int
}

func (r *registry) init(ended []Ended) {
	r.accounts, r.resume, r.ended = map[jid.JID][]*session{}, map[string]*session{}, map[string]Ended{}
	for _, e := range ended {
		r.remember(e)
	}
}

// admit adds a session to its account if that has fewer than limit of them. Those that it
// replaces, which have the same resource or the same client, do not count. evict is a session that
// must give way: the one that lost its connection first.
func (r *registry) admit(s *session, limit int) (evict *session, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	bare := s.jid.Bare()
	n := 0
	for _, o := range r.accounts[bare] {
		if o.jid == s.jid || s.login.Client != "" && o.login.Client == s.login.Client {
			continue
		}
		n++
		if at := o.detachedSince(); !at.IsZero() && (evict == nil || at.Before(evict.detachedSince())) {
			evict = o
		}
	}
	if n < limit {
		evict = nil
	} else if evict == nil {
		return nil, false
	}
	r.accounts[bare] = append(r.accounts[bare], s)
	return evict, true
}

// remove takes a session out, and remembers its counter if it had stream management.
func (r *registry) remove(s *session, id string, h uint32) {
	r.mu.Lock()
	defer r.mu.Unlock()
	bare := s.jid.Bare()
	list := r.accounts[bare]
	for i, o := range list {
		if o == s {
			list = append(list[:i:i], list[i+1:]...)
			break
		}
	}
	if len(list) == 0 {
		delete(r.accounts, bare)
	} else {
		r.accounts[bare] = list
	}
	if id != "" {
		delete(r.resume, id)
		r.remember(Ended{ID: id, Account: bare, H: h})
	}
}

// resumable makes a session known by the id of its stream management.
func (r *registry) resumable(id string, s *session) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.resume[id] = s
}

func (r *registry) unresumable(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.resume, id)
}

// find looks for the session of an account with this id, or for what is remembered of it.
func (r *registry) find(id string, account jid.JID) (*session, *Ended) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s := r.resume[id]; s != nil && s.jid.Bare() == account {
		return s, nil
	}
	if e, ok := r.ended[id]; ok && e.Account == account {
		return nil, &e
	}
	return nil, nil
}

// update corrects the counter of a session that ended while stanzas of it were being stored.
func (r *registry) update(id string, h uint32) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if e, ok := r.ended[id]; ok {
		e.H = h
		r.ended[id] = e
	}
}

// remember needs r.mu.
func (r *registry) remember(e Ended) {
	if len(r.order) < maxEnded {
		r.order = append(r.order, e.ID)
	} else {
		delete(r.ended, r.order[r.next])
		r.order[r.next] = e.ID
		r.next = (r.next + 1) % maxEnded
	}
	r.ended[e.ID] = e
}

func (r *registry) endedList() []Ended {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := make([]Ended, 0, len(r.order))
	for i := range r.order {
		out = append(out, r.ended[r.order[(r.next+i)%len(r.order)]])
	}
	return out
}

func (r *registry) all() []*session {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []*session
	for _, list := range r.accounts {
		out = append(out, list...)
	}
	return out
}
