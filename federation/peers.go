package federation

import (
	"crypto/x509"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"kith/internal/peer"
)

// peers is what is known of other domains.
type peers struct {
	svc *Service

	mu  sync.RWMutex // guards all
	all map[string]*peerState
}

// peerState is what is known of one domain. What is kept on disk is in record.
type peerState struct {
	svc *Service
	// Stanzas and bytes since the start of the server, and what went back to its senders.
	in, out, bytesIn, bytesOut, returned atomic.Uint64

	mu     sync.Mutex // guards everything below
	record peer.Record
	err    error // the last one, as long as nothing has worked since
	// way is how the last connection that was made by either side is secured.
	way     string
	last    time.Time // when something was last delivered
	saving  bool
	unsaved bool
}

func (s *Service) newPeers(records []peer.Record) *peers {
	p := &peers{svc: s, all: map[string]*peerState{}}
	for _, r := range records {
		p.all[r.Domain] = &peerState{svc: s, record: r}
	}
	return p
}

// of is the state of a domain. It is made when there is none, in the place of one that means nothing
// any more if there are too many.
func (p *peers) of(domain string) *peerState {
	p.mu.RLock()
	st := p.all[domain]
	p.mu.RUnlock()
	if st != nil {
		return st
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if st := p.all[domain]; st != nil {
		return st
	}
	if len(p.all) >= maxPeers {
		p.evict()
	}
	st = &peerState{svc: p.svc, record: peer.Record{Domain: domain}}
	p.all[domain] = st
	return st
}

// evict forgets a domain that means nothing, or else the one that has been silent for longest. What the
// operator has decided is never forgotten. It needs p.mu.
func (p *peers) evict() {
	var (
		domain string
		oldest time.Time
	)
	for d, o := range p.all {
		kept, last := o.kept()
		if !kept && last.IsZero() {
			delete(p.all, d)
			return
		}
		if !kept && (domain == "" || last.Before(oldest)) {
			domain, oldest = d, last
		}
	}
	if domain == "" {
		return
	}
	delete(p.all, domain)
	if !p.svc.saves.begin() {
		return
	}
	// Never from within: the store may call back at once.
	go p.svc.deps.Store.ForgetPeers([]string{domain}, func(err error) {
		defer p.svc.saves.end()
		p.svc.unsaved(err)
	})
}

func (p *peers) list() []*peerState {
	p.mu.RLock()
	defer p.mu.RUnlock()
	out := make([]*peerState, 0, len(p.all))
	for _, st := range p.all {
		out = append(out, st)
	}
	return out
}

// rule is what the operator has decided by command about exactly this domain.
func (p *peers) rule(domain string) peer.Rule {
	p.mu.RLock()
	st := p.all[domain]
	p.mu.RUnlock()
	if st == nil {
		return peer.NoRule
	}
	st.mu.Lock()
	defer st.mu.Unlock()
	return st.record.Rule
}

// kept reports whether the record must stay, because of a decision or a warning; last is when the domain
// was last heard of, zero for never.
func (st *peerState) kept() (kept bool, last time.Time) {
	st.mu.Lock()
	defer st.mu.Unlock()
	last = st.record.Last
	if st.last.After(last) {
		last = st.last
	}
	return st.record.Rule != peer.NoRule || !st.record.Changed.IsZero(), last
}

// met reports whether the domain has ever proven its identity.
func (st *peerState) met() bool {
	st.mu.Lock()
	defer st.mu.Unlock()
	return !st.record.First.IsZero()
}

func (st *peerState) lastError() error {
	st.mu.Lock()
	defer st.mu.Unlock()
	return st.err
}

// failed records what went wrong.
func (st *peerState) failed(err error, now time.Time) {
	st.mu.Lock()
	defer st.mu.Unlock()
	known := st.record.Error
	st.err, st.record.Error, st.record.ErrorAt = err, clean(err.Error()), now
	if !st.record.First.IsZero() && st.record.Error != known {
		st.save()
	}
}

func (st *peerState) delivered(now time.Time) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.last, st.err = now, nil
}

func (st *peerState) connected(w *wire, _ time.Time) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.way, st.err = w.way(), nil
}

// proven records that the domain has proven its identity, and looks at the key that it did it with.
func (st *peerState) proven(p proof, now time.Time) {
	st.mu.Lock()
	defer st.mu.Unlock()
	r := &st.record
	first := r.First.IsZero()
	if first {
		r.First = now
	}
	// The day is enough, and spares the disk.
	changed := first || now.Sub(r.Last) > 24*time.Hour
	if changed {
		r.Last = now
	}
	if p.hash != "" && st.sawKey(p.leaf, p.hash, now) {
		changed = true
	}
	if changed {
		st.save()
	}
}

// sawKey puts a key first in the list, and reports whether the list is to be saved. A new key is expected
// when the certificate before it was near its end, which is when certificates are renewed. One that
// comes in the middle of its life may be a renewal too, for instance after a move; or it is somebody
// else's, who has got a certificate for the domain and stands in between, as was seen in 2023.
func (st *peerState) sawKey(leaf *x509.Certificate, hash string, now time.Time) bool {
	r := &st.record
	i := slices.IndexFunc(r.Keys, func(k peer.Key) bool { return k.Hash == hash })
	if i == 0 {
		if now.Sub(r.Keys[0].Last) <= 24*time.Hour && r.Keys[0].NotAfter.Equal(leaf.NotAfter) {
			return false
		}
		r.Keys[0].Last, r.Keys[0].NotBefore, r.Keys[0].NotAfter = now, leaf.NotBefore, leaf.NotAfter
		return true
	}
	k := peer.Key{Hash: hash, First: now, Last: now, Issuer: clean(leaf.Issuer.String()), NotBefore: leaf.NotBefore, NotAfter: leaf.NotAfter}
	if i > 0 {
		k.First = r.Keys[i].First
		r.Keys = slices.Delete(r.Keys, i, i+1)
	} else if len(r.Keys) > 0 {
		if why := unexpected(r.Keys[0], k, now); why != "" {
			r.Changed, r.Why = now, why
			st.svc.counters.KeyAlarms.Inc()
			// Which one it is stays out of the log: kith federation status shows it.
			st.svc.deps.Log.Warn("the key of another server changed unexpectedly; see kith federation status", slog.String("why", why))
		}
	}
	r.Keys = slices.Insert(r.Keys, 0, k)
	r.Keys = r.Keys[:min(len(r.Keys), maxKeys)]
	return true
}

// unexpected says what is strange about a new key, "" for nothing.
func unexpected(old, fresh peer.Key, now time.Time) string {
	life := old.NotAfter.Sub(old.NotBefore)
	left := old.NotAfter.Sub(now)
	switch {
	case left <= life/2 || left <= 31*24*time.Hour:
		return ""
	case old.Issuer != fresh.Issuer:
		return "the certificate before was valid for long, and another authority has signed the new one"
	default:
		return "the certificate before was valid for long"
	}
}

// setRule records a decision of the operator.
func (st *peerState) setRule(rule peer.Rule) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.record.Rule = rule
	st.save()
}

// acknowledge takes the warning about a key away. It reports whether there was one.
func (st *peerState) acknowledge() bool {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.record.Changed.IsZero() {
		return false
	}
	st.record.Changed, st.record.Why = time.Time{}, ""
	st.save()
	return true
}

// save writes the record to disk, one state at a time. It needs st.mu.
func (st *peerState) save() {
	if st.saving {
		st.unsaved = true
		return
	}
	st.saving, st.unsaved = true, false
	r := st.record
	r.Keys = slices.Clone(r.Keys)
	if !st.svc.saves.begin() {
		st.saving = false
		return
	}
	// Never from within: the store may call back at once.
	go st.svc.deps.Store.SavePeer(r, func(err error) {
		defer st.svc.saves.end()
		st.svc.unsaved(err)
		st.mu.Lock()
		defer st.mu.Unlock()
		st.saving = false
		if st.unsaved {
			st.save()
		}
	})
}

// saves counts the records that are on their way to the store, so that the end of the service can wait
// for them.
type saves struct {
	under sync.WaitGroup

	mu   sync.Mutex // guards over, and is held while under grows
	over bool
}

// begin reports whether the store may still be written to.
func (s *saves) begin() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.over {
		s.under.Add(1)
	}
	return !s.over
}

func (s *saves) end() { s.under.Done() }

// finish lets no more begin, and waits for those that have.
func (s *saves) finish() {
	s.mu.Lock()
	s.over = true
	s.mu.Unlock()
	s.under.Wait()
}

// unsaved notes a record that could not be kept.
func (s *Service) unsaved(err error) {
	if err != nil {
		s.deps.Log.Error("federation failed", slog.String("what", "another server not remembered"), slog.Any("error", err))
	}
}
