package module

import (
	"errors"
	"fmt"

	"kith/internal/jid"
	"kith/internal/stanza"
	"kith/internal/xmltree"
)

// Scope is whose request an iq handler answers.
type Scope uint8

// Scopes.
const (
	// OnAccount: addressed to a local bare JID, or to no one by a session (RFC 6120 section 10.3.3).
	// Runs in the account's actor.
	OnAccount Scope = iota + 1
	// OnOwn: the same, asked by a session of the account itself. To everybody else it is as if
	// nobody answered: not even whether there is such an account may be learned.
	OnOwn
	// OnServer: addressed to the domain. Runs on the sender's goroutine; several at a time.
	OnServer
	// OnStranger: asked by a client that has not signed in, on a stream that TLS protects. Runs on
	// the goroutine of the connection, which reads no further until the handler returns.
	OnStranger
)

// ErrDrop from a [FilterHook] lets a stanza vanish without an answer.
var ErrDrop = errors.New("module: dropped by policy")

// IQ is a request and the way to answer it. Exactly one of Result and Fail must be called, once,
// at any time and from any goroutine; a handler that returns an error leaves that to the caller.
type IQ struct {
	// Account is whose actor the handler runs in; nil for OnServer.
	Account Account
	// Session is the own session that asks; nil if the request comes from elsewhere, and for
	// OnServer.
	Session Session
	// Stranger is who asks, for OnStranger.
	Stranger *Stranger
	Stanza   *stanza.Stanza
	// Payload is the one child of the request.
	Payload xmltree.Element
	reply   func(*stanza.Stanza)
}

// NewIQ makes a request whose answer is handed to reply.
func NewIQ(a Account, s Session, st *stanza.Stanza, reply func(*stanza.Stanza)) *IQ {
	return &IQ{Account: a, Session: s, Stanza: st, Payload: st.Payload(), reply: reply}
}

// From is who asks.
func (q *IQ) From() jid.JID { return q.Stanza.From }

// Own reports whether the account itself asks.
func (q *IQ) Own() bool { return q.Account != nil && q.Stanza.From.Bare() == q.Account.JID() }

// Result answers; fill writes the payload, nil for none.
func (q *IQ) Result(fill func(*xmltree.Writer)) { q.reply(q.Stanza.Result(fill)) }

// Fail answers with an error.
func (q *IQ) Fail(err error) {
	if e := q.Stanza.Fail(stanza.AsFault(err)); e != nil {
		q.reply(e)
	}
}

// Hooks. Those of one phase run in the order of registration, which is the order of the list of
// parts. Phases of a message: Filter, Archive, Copy, Deliver, Miss.
type (
	// IQHandler answers a request. A non-nil error is sent back ([stanza.AsFault]).
	IQHandler func(*IQ) error

	// FilterHook decides on any stanza in either direction. It returns nil to let it pass,
	// [ErrDrop], or a [stanza.Fault] to send it back.
	FilterHook func(*Passage) error

	// ArchiveHook stores a message. It returns false if it is not to be stored. Otherwise it has
	// set p.Record and calls done once, from any goroutine, after the commit or its failure (of an
	// outgoing message, whose write the router begins: see [Passage]);
	// the later phases wait for it, and so do all later stanzas of this account.
	ArchiveHook func(p *Passage, stored *Stored, done func(error)) bool

	// CopyHook sends copies of a message to further sessions of the account (carbons).
	CopyHook func(*Passage)

	// MissHook takes an incoming message that reached no session. It reports whether it is taken
	// care of: if no hook says so, the sender gets an error where RFC 6121 section 8 wants one.
	MissHook func(*Passage) bool

	// DeliverHook is told of an incoming message after it was handed to the sessions (push).
	DeliverHook func(*Passage)

	// TrackHook gives the function to call when the session's client has an archived message; nil
	// for none. There is one.
	TrackHook func(p *Passage, s Session) (delivered func())

	// PresenceHook handles presence in either direction. There is one.
	PresenceHook func(*Passage)

	// SessionHook is told what happens to a session.
	SessionHook func(Account, Session)

	// SeenHook is told of the available and unavailable presence of others that reaches the account.
	SeenHook func(Account, *stanza.Stanza)

	// MailHook takes a message that is addressed to the server itself. [ErrDrop] lets it vanish, any
	// other error is sent back. It runs on the goroutine of the sender.
	MailHook func(*stanza.Stanza) error

	// AnswerHook takes the answer to a request that the server has made from its own address; false
	// if it is not its own. It runs on the goroutine of who answers.
	AnswerHook func(*stanza.Stanza) bool

	// OrphanHook gets the stanzas that a session could not deliver when it ended for good.
	OrphanHook func(Account, Session, []*stanza.Stanza)
)

// SessionEvent is a moment in the life of a session.
type SessionEvent uint8

// Session events.
const (
	// Bound: the resource was bound; the client has sent nothing yet.
	Bound SessionEvent = iota
	// BecameAvailable: initial presence (RFC 6121 section 4.2).
	BecameAvailable
	// Presented: any available presence that the client broadcast, the initial one included
	// (then after BecameAvailable). Its capabilities (XEP-0115) may have changed.
	Presented
	// BecameUnavailable: unavailable presence, sent or on behalf of a lost session.
	BecameUnavailable
	// Detached: the connection was lost, and the session can be resumed.
	Detached
	// Unbound: the session ended; after BecameUnavailable.
	Unbound
	sessionEvents
)

type iqKey struct {
	scope        Scope
	typ          stanza.Type
	space, local string
}

// Feature is something that a stream offers or that can be switched on while binding.
type Feature struct {
	// Write adds the element to the stream features that follow authentication; nil for none.
	Write func(w *xmltree.Writer)
	// Early adds an element to the stream features for clients that have not signed in, on a
	// stream that TLS protects; nil for none.
	Early func(w *xmltree.Writer)
	// Bind2 is the namespace to list in the inline features of XEP-0386, "" for none.
	Bind2 string
	// OnBind2 is called in the account's actor when the client asks for Bind2 inline; what it
	// writes goes into the answer. nil element: not asked for.
	OnBind2 func(a Account, s Session, request xmltree.Element, answer *xmltree.Writer)
}

// Identity is a disco identity (XEP-0030).
type Identity struct {
	Category, Type, Name string
}

// Item is an entry of the domain's disco#items.
type Item struct {
	JID  jid.JID
	Name string
}

// Registry holds what all features take part in.
type Registry struct {
	iq         map[iqKey]IQHandler
	Filters    []FilterHook
	Archive    ArchiveHook
	Copies     []CopyHook
	Delivered  []DeliverHook
	Misses     []MissHook
	Presence   PresenceHook
	Tracker    TrackHook
	sessions   [sessionEvents][]SessionHook
	SeenHooks  []SeenHook
	Orphans    []OrphanHook
	Answers    []AnswerHook
	Mail       MailHook
	Features   []Feature
	Items      []Item
	XEPs       []XEP
	RFCs       []RFC
	Commands   []Command
	identities map[Scope][]Identity
	disco      map[Scope][]string
	// Forms are extensions of the domain's disco#info (XEP-0128), written by each.
	Forms []func(*xmltree.Writer)
	nodes map[Scope][]NodeHook
}

// NodeHook answers disco#info and disco#items requests for a node, or false if the node is not its own.
type NodeHook func(q *IQ, node string, items bool) (mine bool, err error)

// NewRegistry collects the parts of a server.
func NewRegistry(modules ...Module) *Registry {
	r := &Registry{iq: map[iqKey]IQHandler{}, identities: map[Scope][]Identity{}, disco: map[Scope][]string{}, nodes: map[Scope][]NodeHook{}}
	for _, m := range modules {
		m.Register(r)
	}
	return r
}

// HandleIQ names who answers requests with this payload. Two handlers for one payload are a
// mistake in the list of parts, so that panics.
func (r *Registry) HandleIQ(scope Scope, typ stanza.Type, space, local string, h IQHandler) {
	k := iqKey{scope, typ, space, local}
	if _, ok := r.iq[k]; ok {
		panic(fmt.Sprintf("module: two handlers for iq %s {%s}%s", typ, space, local))
	}
	r.iq[k] = h
}

// IQHandler is who answers, nil if nobody does.
func (r *Registry) IQHandler(scope Scope, typ stanza.Type, payload xmltree.Element) IQHandler {
	return r.iq[iqKey{scope, typ, payload.Space(), payload.Local()}]
}

// OnFilter adds a hook to the Filter phase.
func (r *Registry) OnFilter(h FilterHook) { r.Filters = append(r.Filters, h) }

// Filter runs the Filter phase.
func (r *Registry) Filter(p *Passage) error {
	for _, h := range r.Filters {
		if err := h(p); err != nil {
			return err
		}
	}
	return nil
}

// Send routes what a feature sends to others in the name of an account, unless the account's Filter
// phase holds it back: who is blocked learns nothing.
func (r *Registry) Send(a Account, st *stanza.Stanza) {
	p := &Passage{Account: a, Direction: Outgoing, Stanza: st}
	if r.Filter(p) == nil {
		a.Route(p.Stanza)
	}
}

// OnArchive names the archive. There is one.
func (r *Registry) OnArchive(h ArchiveHook) {
	if r.Archive != nil {
		panic("module: two archives")
	}
	r.Archive = h
}

// OnCopy adds a hook to the Copy phase.
func (r *Registry) OnCopy(h CopyHook) { r.Copies = append(r.Copies, h) }

// OnDelivered adds a hook at the end of the Deliver phase.
func (r *Registry) OnDelivered(h DeliverHook) { r.Delivered = append(r.Delivered, h) }

// OnMiss adds a hook to the Miss phase.
func (r *Registry) OnMiss(h MissHook) { r.Misses = append(r.Misses, h) }

// OnPresence names who handles presence.
func (r *Registry) OnPresence(h PresenceHook) {
	if r.Presence != nil {
		panic("module: two presence handlers")
	}
	r.Presence = h
}

// OnSession adds a hook to a moment in the life of sessions.
func (r *Registry) OnSession(e SessionEvent, h SessionHook) { r.sessions[e] = append(r.sessions[e], h) }

// OnSeen adds a hook for the presence of others.
func (r *Registry) OnSeen(h SeenHook) { r.SeenHooks = append(r.SeenHooks, h) }

// OnOrphans adds a hook for what ended sessions leave behind.
func (r *Registry) OnOrphans(h OrphanHook) { r.Orphans = append(r.Orphans, h) }

// OnMail names who takes messages to the server. There is one.
func (r *Registry) OnMail(h MailHook) {
	if r.Mail != nil {
		panic("module: two who take messages to the server")
	}
	r.Mail = h
}

// OnAnswer adds who takes answers to requests of the server itself.
func (r *Registry) OnAnswer(h AnswerHook) { r.Answers = append(r.Answers, h) }

// Emit tells the hooks of a session event.
func (r *Registry) Emit(e SessionEvent, a Account, s Session) {
	for _, h := range r.sessions[e] {
		h(a, s)
	}
}

// Seen tells the hooks that presence of another entity arrived.
func (r *Registry) Seen(a Account, st *stanza.Stanza) {
	for _, h := range r.SeenHooks {
		h(a, st)
	}
}

// Offer adds a stream feature.
func (r *Registry) Offer(f Feature) { r.Features = append(r.Features, f) }

// Disco adds features to the disco#info of the domain or of accounts.
func (r *Registry) Disco(scope Scope, features ...string) {
	r.disco[scope] = append(r.disco[scope], features...)
}

// DiscoFeatures are the features that were added.
func (r *Registry) DiscoFeatures(scope Scope) []string { return r.disco[scope] }

// Identity adds an identity to the disco#info of the domain or of accounts.
func (r *Registry) Identity(scope Scope, id Identity) {
	r.identities[scope] = append(r.identities[scope], id)
}

// Identities are the identities that were added.
func (r *Registry) Identities(scope Scope) []Identity { return r.identities[scope] }

// Item adds an entry to the domain's disco#items.
func (r *Registry) Item(i Item) { r.Items = append(r.Items, i) }

// Form adds an extension to the domain's disco#info.
func (r *Registry) Form(write func(*xmltree.Writer)) { r.Forms = append(r.Forms, write) }

// DiscoNode adds who answers discovery of nodes.
func (r *Registry) DiscoNode(scope Scope, h NodeHook) { r.nodes[scope] = append(r.nodes[scope], h) }

// DiscoNodes are those who answer discovery of nodes.
func (r *Registry) DiscoNodes(scope Scope) []NodeHook { return r.nodes[scope] }

// Implements records specifications for the documents that are generated from them.
func (r *Registry) Implements(x ...XEP) { r.XEPs = append(r.XEPs, x...) }

// Follows records standards for the same documents.
func (r *Registry) Follows(x ...RFC) { r.RFCs = append(r.RFCs, x...) }
