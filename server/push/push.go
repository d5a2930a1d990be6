// Package push wakes apps that are not connected (XEP-0357): it tells the service of an app's vendor,
// which can wake the app, that there is something, and nothing of what it is.
//
// Each registration belongs to one app on one device. It is told when its own session cannot be: when
// there is none, when it has lost its connection and may yet resume (XEP-0198), and when it turns
// out that what was sent to it never arrived. What other devices do does not count.
package push

import (
	"context"
	"crypto/rand"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"kith/internal/clock"
	"kith/internal/counter"
	"kith/internal/jid"
	"kith/internal/ns"
	"kith/internal/payload"
	"kith/internal/stanza"
	"kith/internal/xmltree"
	"kith/server/module"
)

const nsPush = "urn:xmpp:push:0"

// Registration is where an app on a device wants to be woken.
type Registration struct {
	// Service is the address of the vendor's service, and Node the app's place there.
	Service jid.JID
	Node    string
	// Client is the id of the user agent that registered (XEP-0388), "" if it gave none, and Resource
	// that of its session.
	Client, Resource string
	// Options is the form to publish with, as XML that stands alone; "" for none.
	Options string
	// At is when the app registered last.
	At time.Time
	// Failed is since when the service refuses, and Reason why; the zero time while it does not.
	Failed time.Time
	Reason string
}

// Key tells the registrations of an account apart.
type Key struct{ Service, Node string }

// Key of the registration.
func (r *Registration) Key() Key { return Key{r.Service.String(), r.Node} }

// Store keeps registrations. An account is named by its localpart.
type Store interface {
	// Registrations are those of an account, oldest first.
	Registrations(ctx context.Context, account string) ([]*Registration, error)
	// Save keeps a registration in the place of one with the same key, and removes others.
	Save(ctx context.Context, account string, r *Registration, gone []Key) error
	// Remove forgets registrations.
	Remove(ctx context.Context, account string, gone []Key) error
}

// Counters tell what became of notifications.
type Counters struct {
	Sent    *counter.Counter // notifications
	Refused *counter.Counter // refused by their service
	Lost    *counter.Counter // without an answer, or the service could not be reached
}

// Service is the feature.
type Service struct {
	domain   jid.JID
	store    Store
	router   module.Router
	clock    clock.Clock
	log      *slog.Logger
	counters Counters

	nodes    Nodes   // nil: nothing is muted
	browsers jid.JID // the server's own service

	accounts *module.Slot[account]

	mu    sync.Mutex // guards asked
	asked map[string]*question
}

// question is a notification under way.
type question struct {
	service jid.JID
	done    func(answer *stanza.Stanza)
	timer   clock.Timer
}

// account is what is known of an account.
type account struct {
	loaded bool
	all    []*registration
	// own are the last messages that the account has sent to rooms.
	own  [32]spoken
	next int
}

type registration struct {
	Registration
	// busy: a notification is under way. again is how loudly the app is to be told of what is new since.
	busy  bool
	again volume
	// tried is when a service that refuses was tried last.
	tried time.Time
}

// Bounds.
const (
	maxRegistrations = 50
	maxOptions       = 8 << 10
	maxNode          = 1023
	// answerTime is how long a service may take to answer.
	answerTime = time.Minute
	// retryTime is how often a service that refuses is tried again, and giveUp after how long that ends.
	retryTime = 24 * time.Hour
	giveUp    = 30 * 24 * time.Hour
)

// New makes the feature for a domain.
func New(domain jid.JID, store Store, router module.Router, c clock.Clock, log *slog.Logger) *Service {
	return &Service{
		domain: domain, store: store, router: router, clock: c, log: log, asked: map[string]*question{},
		accounts: module.NewSlot(func() *account { return &account{} }),
		counters: Counters{
			Sent: counter.New("push_sent"), Refused: counter.New("push_refused"), Lost: counter.New("push_lost"),
		},
	}
}

// Counters returns the live counters.
func (s *Service) Counters() Counters { return s.counters }

var _ module.Module = (*Service)(nil)

// Register implements [module.Module].
func (s *Service) Register(r *module.Registry) {
	r.Implements(module.XEP{
		Number: 357, Name: "Push Notifications", Version: "0.4.1",
		Note: "tells that there is a message, not from whom and not what",
	})
	r.Disco(module.OnAccount, nsPush)
	r.HandleIQ(module.OnOwn, stanza.Set, nsPush, "enable", s.enable)
	r.HandleIQ(module.OnOwn, stanza.Set, nsPush, "disable", s.disable)
	r.OnDelivered(s.arrived)
	r.OnFilter(s.watch)
	r.OnSession(module.Detached, s.detached)
	r.OnOrphans(s.orphaned)
	r.OnAnswer(s.answer)
}

// account loads the registrations of an account when they are needed first.
func (s *Service) account(a module.Account) (*account, error) {
	acc := s.accounts.Of(a.Slots())
	if acc.loaded {
		return acc, nil
	}
	all, err := s.store.Registrations(context.Background(), a.JID().Local())
	if err != nil {
		return nil, err
	}
	for _, r := range all {
		acc.all = append(acc.all, &registration{Registration: *r})
	}
	acc.loaded = true
	return acc, nil
}

// enable registers an app (XEP-0357 section 5).
func (s *Service) enable(q *module.IQ) error {
	e := q.Payload
	service, err := jid.Parse(e.Attr("jid"))
	node := e.Attr("node")
	switch {
	case err != nil || e.Attr("jid") == "":
		return stanza.Refuse(stanza.JIDMalformed, "The address of the push service is missing.")
	case service.Domain() == s.domain.Domain():
		return stanza.Refuse(stanza.NotAllowed, "This server is no push service.")
	case len(node) > maxNode:
		return stanza.Refuse(stanza.BadRequest, "The name of the node is too long.")
	}
	options := ""
	if x := e.Child(ns.DataForms, "x"); !x.IsZero() {
		if options = xmltree.NewWriter(512).Copy(x, "").String(); len(options) > maxOptions {
			return stanza.Refuse(stanza.NotAcceptable, "The options are too large.")
		}
	}
	acc, err := s.account(q.Account)
	if err != nil {
		return err
	}
	r := &registration{Registration: Registration{
		Service: service.Clone(), Node: strings.Clone(node), Client: q.Session.Login().Client, Resource: strings.Clone(q.Session.JID().Resource()),
		Options: options, At: s.clock.Now(),
	}}
	// An app that was given another node has no use for the one before.
	var gone []Key
	for _, o := range acc.all {
		if o.Key() != r.Key() && o.Service == r.Service && o.of(q.Session) {
			gone = append(gone, o.Key())
		}
	}
	kept := slices.DeleteFunc(slices.Clone(acc.all), func(o *registration) bool {
		return o.Key() == r.Key() || slices.Contains(gone, o.Key())
	})
	if len(kept) >= maxRegistrations {
		return stanza.Refuse(stanza.ResourceConstraint, "Too many apps are registered for this account; remove devices that are no longer used.")
	}
	if err := s.store.Save(context.Background(), q.Account.JID().Local(), &r.Registration, gone); err != nil {
		return err
	}
	acc.all = append(kept, r)
	q.Result(nil)
	return nil
}

// disable ends it (XEP-0357 section 6): of one node, or of all of a service.
func (s *Service) disable(q *module.IQ) error {
	service, err := jid.Parse(q.Payload.Attr("jid"))
	if err != nil || q.Payload.Attr("jid") == "" {
		return stanza.Refuse(stanza.JIDMalformed, "The address of the push service is missing.")
	}
	node, one := q.Payload.LookupAttr("", "node")
	err = s.remove(q.Account, func(r *registration) bool { return r.Service == service && (!one || r.Node == node) })
	if err == nil {
		q.Result(nil)
	}
	return err
}

func (s *Service) remove(a module.Account, which func(*registration) bool) error {
	acc, err := s.account(a)
	if err != nil {
		return err
	}
	var gone []Key
	kept := slices.DeleteFunc(slices.Clone(acc.all), func(r *registration) bool {
		if which(r) {
			gone = append(gone, r.Key())
			return true
		}
		return false
	})
	if len(gone) == 0 {
		return nil
	}
	if err := s.store.Remove(context.Background(), a.JID().Local(), gone); err != nil {
		return err
	}
	acc.all = kept
	return nil
}

// Forget ends the registrations of a device that was signed out. It must be called inside the actor.
func (s *Service) Forget(a module.Account, client string) {
	if client == "" {
		return
	}
	if err := s.remove(a, func(r *registration) bool { return r.Client == client }); err != nil {
		s.failed("forgetting a device", err)
	}
}

// Of are the registrations of a device, for its owner to see. It must be called inside the actor.
func (s *Service) Of(a module.Account, client string) (all []Registration, err error) {
	acc, err := s.account(a)
	if err != nil {
		return nil, err
	}
	for _, r := range acc.all {
		if client != "" && r.Client == client {
			all = append(all, r.Registration)
		}
	}
	return all, nil
}

// of reports whether a session is that of the app which registered.
func (r *registration) of(s module.Session) bool {
	if r.Client != "" {
		return s.Login().Client == r.Client
	}
	return s.Login().Client == "" && s.JID().Resource() == r.Resource
}

func (s *Service) failed(what string, err error) {
	s.log.LogAttrs(context.Background(), slog.LevelError, "push", slog.String("what", what), slog.Any("error", err))
}

// Wakes reports whether a person wants to know of a message at once.
func Wakes(st *stanza.Stanza) bool {
	return st.Kind == stanza.Message && payload.Classify(st).Urgent() &&
		st.Child(ns.MAM, "result").IsZero() && st.Child(ns.Carbons, "sent").IsZero()
}

// arrived is told of each message for the account, whether a session got it or it waits.
func (s *Service) arrived(p *module.Passage) {
	switch {
	case p.Direction != module.Incoming || p.Stanza.From.Bare() == p.Account.JID() || !Wakes(p.Stanza):
	case p.Stanza.Type == stanza.Groupchat && s.accounts.Of(p.Account.Slots()).said(p.Stanza.From, p.Stanza.ID):
		// It comes back from the room to all devices.
	default:
		s.Tell(p.Account, p.Stanza)
	}
}

// watch is the [module.FilterHook] that sees requests of others to become contacts, and what the account
// says in rooms.
func (s *Service) watch(p *module.Passage) error {
	st := p.Stanza
	switch {
	case p.Direction == module.Incoming && st.Kind == stanza.Presence && st.Type == stanza.Subscribe:
		s.Wake(p.Account)
	case p.Direction == module.Outgoing && st.Kind == stanza.Message && st.Type == stanza.Groupchat && st.ID != "":
		acc := s.accounts.Of(p.Account.Slots())
		acc.own[acc.next%len(acc.own)] = spoken{st.To.Bare().Clone(), strings.Clone(st.ID)}
		acc.next++
	}
	return nil
}

// spoken names a message in a room.
type spoken struct {
	room jid.JID
	id   string
}

// said reports whether a message in a room is one that the account has sent lately.
func (acc *account) said(from jid.JID, id string) bool {
	return id != "" && slices.Contains(acc.own[:], spoken{from.Bare(), id})
}

// detached is told that a session has lost its connection: what was sent to it last may not have arrived.
func (s *Service) detached(a module.Account, lost module.Session) {
	s.missed(a, lost, lost.Unacknowledged())
}

// orphaned is told what a session did not deliver that has ended: what came while its stream was being closed. A session
// that was detached was told of that before, and its app of what came since.
func (s *Service) orphaned(a module.Account, ended module.Session, left []*stanza.Stanza) {
	if ended.Attached() {
		s.missed(a, ended, left)
	}
}

// missed wakes the app of a session if one of these is worth it.
func (s *Service) missed(a module.Account, by module.Session, all []*stanza.Stanza) {
	var ears []func(*registration) volume
	for _, st := range all {
		if st.From.Bare() != a.JID() && Wakes(st) || isReceived(st, a) {
			ears = append(ears, s.ear(a, st))
		}
	}
	if len(ears) == 0 {
		return
	}
	s.wake(a, func(r *registration) bool { return r.of(by) }, func(r *registration) (v volume) {
		for _, ear := range ears {
			v = max(v, ear(r))
		}
		return v
	})
}

// isReceived reports whether a stanza is the copy of a message from somebody else that wakes.
func isReceived(st *stanza.Stanza, a module.Account) bool {
	return st.From.Bare() == a.JID() && !st.Child(ns.Carbons, "received").IsZero() && Wakes(st)
}

// Wake tells every app of an account whose session cannot be told. It must be called inside the actor.
func (s *Service) Wake(a module.Account) {
	s.wake(a, func(*registration) bool { return true }, func(*registration) volume { return loud })
}

// wake tells those apps, each as loudly as hear says.
func (s *Service) wake(a module.Account, which func(*registration) bool, hear func(*registration) volume) {
	acc, err := s.account(a)
	if err != nil {
		s.failed("reading registrations", err)
		return
	}
	for _, r := range slices.Clone(acc.all) {
		if !which(r) || connected(a, r) {
			continue
		}
		if v := hear(r); v > silent {
			s.notify(a, r, v)
		}
	}
}

// connected reports whether the app is there to be told directly.
func connected(a module.Account, r *registration) bool {
	for session := range a.Sessions() {
		if r.of(session) && session.Attached() {
			return true
		}
	}
	return false
}

// notify publishes a notification (XEP-0357 section 7). One is under way at a time: a service that is
// slow is told once of all that came meanwhile.
func (s *Service) notify(a module.Account, r *registration, v volume) {
	now := s.clock.Now()
	switch {
	case r.busy:
		r.again = max(r.again, v)
		return
	case !r.Failed.IsZero() && !r.tried.IsZero() && now.Sub(r.tried) < retryTime:
		return
	}
	r.busy, r.again, r.tried = true, silent, now
	s.counters.Sent.Inc()
	s.ask(r, v, func(answer *stanza.Stanza) {
		a.Do(func(a module.Account) { s.answered(a, r, answer) })
	})
}

// ask sends the request and waits for its answer, which is nil if none comes.
func (s *Service) ask(r *registration, v volume, done func(*stanza.Stanza)) {
	id := "push-" + rand.Text()
	q := &question{service: r.Service, done: done}
	s.mu.Lock()
	s.asked[id] = q
	q.timer = s.clock.AfterFunc(answerTime, func() {
		if s.take(id, q.service) != nil {
			done(nil)
		}
	})
	s.mu.Unlock()
	header := stanza.Header{Kind: stanza.IQ, Type: stanza.Set, ID: id, From: s.domain, To: r.Service}
	module.Deliver(s.router, stanza.Build(header, func(w *xmltree.Writer) {
		w.Open(ns.PubSub, "pubsub").Open("", "publish", "node", r.Node).Open("", "item").Open(nsPush, "notification")
		w.Open(ns.DataForms, "x", "type", "submit")
		w.Open("", "field", "var", "FORM_TYPE", "type", "hidden").Element("", "value", "urn:xmpp:push:summary").Close()
		w.Open("", "field", "var", "message-count").Element("", "value", "1").Close()
		// It says nothing, but there are services which wake an app visibly only if there is one.
		w.Open("", "field", "var", "last-message-body").Element("", "value", "New message").Close()
		w.Close()
		if v == quiet && r.Service == s.browsers {
			w.Empty(NSQuiet, "quiet")
		}
		w.Close().Close().Close()
		if r.Options != "" {
			w.Open("", "publish-options").Raw(r.Options).Close()
		}
		w.Close()
	}))
}

// take gives a question to whoever answers it first.
func (s *Service) take(id string, from jid.JID) *question {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := s.asked[id]
	if q == nil || q.service != from {
		return nil
	}
	delete(s.asked, id)
	q.timer.Stop()
	return q
}

// answer is the [module.AnswerHook].
func (s *Service) answer(st *stanza.Stanza) bool {
	q := s.take(st.ID, st.From)
	if q == nil {
		return false
	}
	q.done(st)
	return true
}

// answered is told how a notification ended.
func (s *Service) answered(a module.Account, r *registration, answer *stanza.Stanza) {
	r.busy = false
	acc, err := s.account(a)
	if err != nil || !slices.Contains(acc.all, r) {
		return // it was removed or replaced meanwhile
	}
	was := r.Failed
	switch lasting, reason := verdict(answer); {
	case lasting:
		s.counters.Refused.Inc()
		r.Reason = reason
		if r.Failed.IsZero() {
			r.Failed = s.clock.Now()
		}
		if s.clock.Now().Sub(r.Failed) > giveUp {
			s.log.LogAttrs(context.Background(), slog.LevelInfo, "a push service has refused for too long; its registration is removed",
				slog.String("condition", reason))
			err = s.remove(a, func(o *registration) bool { return o == r })
			break
		}
		if was.IsZero() {
			err = s.store.Save(context.Background(), a.JID().Local(), &r.Registration, nil)
		}
	case reason != "":
		s.counters.Lost.Inc()
	default:
		r.Failed, r.Reason = time.Time{}, ""
		if !was.IsZero() {
			err = s.store.Save(context.Background(), a.JID().Local(), &r.Registration, nil)
		}
	}
	if err != nil {
		s.failed("keeping the state of a registration", err)
	}
	if r.again > silent && !connected(a, r) {
		s.notify(a, r, r.again)
	}
}

// verdict reads an answer: whether it is a refusal that will last, and what went wrong, "" for nothing.
func verdict(answer *stanza.Stanza) (lasting bool, reason string) {
	if answer == nil {
		return false, "timeout"
	}
	if answer.Type == stanza.Result {
		return false, ""
	}
	f := answer.ReadFault()
	switch f.Condition { //nolint:exhaustive // the others are the service's own
	case stanza.RemoteServerNotFound, stanza.RemoteServerTimeout, stanza.ResourceConstraint, stanza.InternalServerError, stanza.RecipientUnavailable:
		return false, string(f.Condition)
	}
	return f.Kind != "wait", string(f.Condition)
}

// Purge forgets the registrations of an account that was removed.
func (s *Service) Purge(ctx context.Context, local string) error {
	all, err := s.store.Registrations(ctx, local)
	if err != nil || len(all) == 0 {
		return err
	}
	gone := make([]Key, len(all))
	for i, r := range all {
		gone[i] = r.Key()
	}
	return s.store.Remove(ctx, local, gone)
}
