// Package pairing signs in another device with the help of one that is signed in (kith:pairing:0).
//
// A client asks for a link and shows it as a code to scan. The new device opens it once and is told a
// short number; the client that showed the code is told the same number, and what the device says of
// itself, and agrees or not. Only then does the device get a token of its own (XEP-0484). Whoever saw the
// code from afar and was quicker is found out: the new device says that the link was used, and the
// numbers differ.
//
// Links live in memory and for minutes. One that a restart loses is asked for again.
package pairing

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"time"

	"kith/internal/clock"
	"kith/internal/jid"
	"kith/internal/ns"
	"kith/internal/stanza"
	"kith/internal/xmltree"
	"kith/server/auth"
	"kith/server/module"
)

// How long a link waits to be opened, and then to be agreed to.
const (
	openTime   = 5 * time.Minute
	answerTime = 2 * time.Minute
)

// maxLinks bounds how many links are open on the whole server. Each account has one at most.
const maxLinks = 10_000

// Errors that callers tell apart with errors.Is.
var (
	// ErrInvalid: there is no such link, it was opened already, or its time is over.
	ErrInvalid = errors.New("pairing: invalid link")
	// ErrDenied: the other device did not agree, or not in time.
	ErrDenied = errors.New("pairing: denied")
)

// Accounts gives devices what they sign in with.
type Accounts interface {
	// Vouch gives a device a token as if it had signed in.
	Vouch(ctx context.Context, local string, agent auth.UserAgent) (auth.Grant, error)
}

// Claim is what a new device learns when it has opened a link.
type Claim struct {
	// Secret proves to Await that it is the same device. Number is shown on both, four digits.
	Secret, Number string
	// Account is whose link it is.
	Account jid.JID
	Expires time.Time
}

type link struct {
	key     [32]byte
	account jid.JID
	owner   jid.JID // full address of the client that shows the code
	expires time.Time
	claimed bool
	secret  [32]byte
	agent   auth.UserAgent
	agreed  bool
	decided chan struct{} // closed when the other device has answered
	given   bool
}

// Service is the feature.
type Service struct {
	domain   jid.JID
	accounts Accounts
	router   module.Router
	clock    clock.Clock

	mu    sync.Mutex
	links map[[32]byte]*link // guarded by mu, as is what they hold
	byOwn map[string]*link   // by the localpart of the account; guarded by mu
}

var _ module.Module = (*Service)(nil)

// New makes the service of a domain.
func New(domain jid.JID, accounts Accounts, router module.Router, c clock.Clock) *Service {
	return &Service{
		domain: domain, accounts: accounts, router: router, clock: c, links: map[[32]byte]*link{}, byOwn: map[string]*link{},
	}
}

// Register implements [module.Module].
func (s *Service) Register(r *module.Registry) {
	r.Disco(module.OnAccount, ns.KithPairing)
	r.HandleIQ(module.OnOwn, stanza.Set, ns.KithPairing, "link", s.create)
	r.HandleIQ(module.OnOwn, stanza.Set, ns.KithPairing, "answer", s.answer)
}

// create makes a link. The one before is no good any more.
func (s *Service) create(q *module.IQ) error {
	if !q.Session.Login().Encrypted {
		return stanza.Refuse(stanza.NotAuthorized, "This needs an encrypted connection.")
	}
	token := secret()
	now := s.clock.Now()
	l := &link{
		key: sum(token), account: q.Account.JID(), owner: q.Session.JID(), expires: now.Add(openTime), decided: make(chan struct{}),
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sweep(now)
	s.drop(s.byOwn[l.account.Local()])
	if len(s.links) >= maxLinks {
		return stanza.Refuse(stanza.ResourceConstraint, "Too many devices are being added.")
	}
	s.links[l.key], s.byOwn[l.account.Local()] = l, l
	q.Result(func(w *xmltree.Writer) {
		w.Empty(ns.KithPairing, "link", "token", token, "expires", stamp(l.expires))
	})
	return nil
}

// answer takes the decision of the client that shows the code.
func (s *Service) answer(q *module.IQ) error {
	agreed := false
	switch q.Payload.Attr("is") {
	case "yes":
		agreed = true
	case "no":
	default:
		return stanza.Refuse(stanza.BadRequest, "An answer is yes or no.")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sweep(s.clock.Now())
	l := s.byOwn[q.Account.JID().Local()]
	if l == nil || l.owner != q.Session.JID() || sum(q.Payload.Attr("token")) != l.key {
		return stanza.Refuse(stanza.ItemNotFound, "There is no such link any more.")
	}
	if agreed && !l.claimed {
		return stanza.Refuse(stanza.UnexpectedRequest, "No device has opened the link yet.")
	}
	if agreed {
		l.agreed = true
		close(l.decided)
		delete(s.byOwn, l.account.Local()) // it waits for the device to take what it gets
	} else {
		s.drop(l)
	}
	q.Result(nil)
	return nil
}

// Claim opens a link for a device, once. [ErrInvalid] if that cannot be.
func (s *Service) Claim(token string, agent auth.UserAgent) (Claim, error) {
	if agent.ID == "" {
		return Claim{}, fmt.Errorf("%w: the device has no id", ErrInvalid)
	}
	c := Claim{Secret: secret(), Number: number()}
	s.mu.Lock()
	now := s.clock.Now()
	s.sweep(now)
	l := s.links[sum(token)]
	if l == nil || l.claimed {
		s.mu.Unlock()
		return Claim{}, ErrInvalid
	}
	l.claimed, l.secret, l.agent, l.expires = true, sum(c.Secret), agent, now.Add(answerTime)
	c.Account, c.Expires = l.account, l.expires
	owner := l.owner
	s.mu.Unlock()
	h := stanza.Header{Kind: stanza.Message, Type: stanza.Headline, ID: rand.Text(), From: s.domain, To: owner}
	module.Deliver(s.router, stanza.Build(h, func(w *xmltree.Writer) {
		w.Empty(ns.KithPairing, "opened", "token", token, "number", c.Number, "software", agent.Software, "device", agent.Device)
	}))
	return c, nil
}

// Await waits for the answer of the other device and gives what the new one signs in with, once. It fails
// with ctx when that ends first: the device may ask again. Errors: [ErrInvalid], [ErrDenied].
func (s *Service) Await(ctx context.Context, token, proof string) (jid.JID, auth.Grant, error) {
	s.mu.Lock()
	s.sweep(s.clock.Now())
	l := s.links[sum(token)]
	p := sum(proof)
	if l == nil || !l.claimed || subtle.ConstantTimeCompare(l.secret[:], p[:]) != 1 {
		s.mu.Unlock()
		return jid.JID{}, auth.Grant{}, ErrInvalid
	}
	left := l.expires.Sub(s.clock.Now())
	s.mu.Unlock()

	late := s.clock.NewTimer(left)
	defer late.Stop()
	select {
	case <-l.decided:
	case <-late.C():
		return jid.JID{}, auth.Grant{}, ErrDenied
	case <-ctx.Done():
		return jid.JID{}, auth.Grant{}, ctx.Err()
	}
	s.mu.Lock()
	agreed, given := l.agreed, l.given
	l.given = true
	delete(s.links, l.key)
	s.mu.Unlock()
	switch {
	case !agreed:
		return jid.JID{}, auth.Grant{}, ErrDenied
	case given:
		return jid.JID{}, auth.Grant{}, ErrInvalid
	}
	grant, err := s.accounts.Vouch(ctx, l.account.Local(), l.agent)
	if err != nil {
		return jid.JID{}, auth.Grant{}, fmt.Errorf("pairing: %w", err)
	}
	return l.account, grant, nil
}

// drop ends a link that nobody agreed to. The caller holds mu.
func (s *Service) drop(l *link) {
	if l == nil {
		return
	}
	if !l.agreed {
		close(l.decided)
	}
	delete(s.links, l.key)
	if s.byOwn[l.account.Local()] == l {
		delete(s.byOwn, l.account.Local())
	}
}

// sweep ends the links whose time is over. The caller holds mu.
func (s *Service) sweep(now time.Time) {
	for _, l := range s.links {
		if !now.Before(l.expires) {
			s.drop(l)
		}
	}
}

func secret() string {
	b := make([]byte, 24)
	_, _ = rand.Read(b) // it does not fail
	return base64.RawURLEncoding.EncodeToString(b)
}

// number has four digits: it tells apart, it protects nothing.
func number() string {
	b := make([]byte, 8)
	_, _ = rand.Read(b)
	return fmt.Sprintf("%04d", binary.BigEndian.Uint64(b)%10_000)
}

// sum is what is kept of a secret: looking it up tells nothing about it by the time that takes.
func sum(s string) [32]byte { return sha256.Sum256([]byte(s)) }

// stamp is a time as XEP-0082 has it.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
