// Package privacy lets people say who may write to them (kith:privacy:0): everybody, or only contacts and whom
// they have written to themselves.
//
// What others may always do is ask: a request to become a contact comes through (RFC 6121 section 3.1), with
// the token of an invitation where there is one (XEP-0379). A message that is refused is not stored, and its sender is
// told how to go on.
package privacy

import (
	"context"
	"log/slog"
	"slices"
	"strings"

	"kith/internal/jid"
	"kith/internal/ns"
	"kith/internal/payload"
	"kith/internal/stanza"
	"kith/internal/xmltree"
	"kith/server/module"
)

// Senders is from whom an account takes messages.
type Senders string

// Senders.
const (
	Everybody Senders = "everybody"
	Contacts  Senders = "contacts"
)

// Store keeps the choice of accounts, which are named by their localparts. What returned is durable.
type Store interface {
	// Messages is from whom an account takes messages; everybody where nothing was said.
	Messages(ctx context.Context, account string) (Senders, error)
	// SetMessages says so.
	SetMessages(ctx context.Context, account string, from Senders) error
}

// Archive knows what was written.
type Archive interface {
	// Wrote reports whether the owner of the archive at a bare address has written to a peer lately: to
	// any resource of a bare one, to exactly a full one.
	Wrote(ctx context.Context, address string, peer jid.JID) (bool, error)
}

// Roster knows the contacts.
type Roster interface {
	// InRoster reports whether the roster of the account has this bare address.
	InRoster(a module.Account, contact jid.JID) bool
}

// Service is the feature.
type Service struct {
	domain   string
	groups   string
	store    Store
	archive  Archive
	roster   Roster
	log      *slog.Logger
	accounts *module.Slot[account]
}

var _ module.Module = (*Service)(nil)

// account is what the feature keeps in memory of one account.
type account struct {
	loaded bool
	from   Senders
	// written are strangers to whom the owner has written since the account was loaded, the last ones: the
	// archive may keep nothing.
	written []jid.JID
}

const maxWritten = 200

// New makes the feature for the accounts of a domain, whose rooms are at groups.
func New(domain, groups string, store Store, archive Archive, roster Roster, log *slog.Logger) *Service {
	return &Service{
		domain: domain, groups: groups, store: store, archive: archive, roster: roster, log: log,
		accounts: module.NewSlot(func() *account { return &account{} }),
	}
}

// Register implements [module.Module].
func (s *Service) Register(r *module.Registry) {
	r.Disco(module.OnAccount, ns.KithPrivacy)
	r.OnFilter(s.filter)
	r.HandleIQ(module.OnOwn, stanza.Get, ns.KithPrivacy, "privacy", s.get)
	r.HandleIQ(module.OnOwn, stanza.Set, ns.KithPrivacy, "privacy", s.set)
}

func (s *Service) load(a module.Account) (*account, error) {
	acc := s.accounts.Of(a.Slots())
	if acc.loaded {
		return acc, nil
	}
	from, err := s.store.Messages(context.Background(), a.JID().Local())
	if err != nil {
		return nil, err
	}
	acc.loaded, acc.from = true, from
	return acc, nil
}

// get tells the choice.
func (s *Service) get(q *module.IQ) error {
	acc, err := s.load(q.Account)
	if err != nil {
		return err
	}
	q.Result(func(w *xmltree.Writer) { w.Empty(ns.KithPrivacy, "privacy", "messages", string(acc.from)) })
	return nil
}

// set changes the choice.
func (s *Service) set(q *module.IQ) error {
	from := Senders(q.Payload.Attr("messages"))
	if from != Everybody && from != Contacts {
		return stanza.Refuse(stanza.BadRequest, "Messages are taken from everybody or from contacts.")
	}
	acc, err := s.load(q.Account)
	if err != nil {
		return err
	}
	if err := s.store.SetMessages(context.Background(), q.Account.JID().Local(), from); err != nil {
		return err
	}
	acc.from = from
	q.Result(nil)
	return nil
}

// Purge forgets the choice of an account that no longer exists.
func (s *Service) Purge(ctx context.Context, local string) error {
	return s.store.SetMessages(ctx, local, Everybody)
}

// filter refuses messages of strangers where the owner wants none.
func (s *Service) filter(p *module.Passage) error {
	if p.Stanza.Kind != stanza.Message || s.ours(p) {
		return nil
	}
	acc, err := s.load(p.Account)
	if err != nil {
		return stanza.Internal(err)
	}
	if acc.from != Contacts {
		return nil
	}
	if p.Direction == module.Outgoing {
		s.wrote(p, acc)
		return nil
	}
	known, err := s.known(p, acc)
	switch {
	case err != nil:
		return stanza.Internal(err)
	case known:
		return nil
	case !payload.Classify(p.Stanza).Worthy():
		return module.ErrDrop // nobody waits for an answer to this
	}
	return &stanza.Fault{
		Condition: stanza.NotAllowed, App: "contacts-only", AppNS: ns.KithPrivacy,
		Text: "This person takes messages from contacts only. You can ask to become one.",
	}
}

// ours reports whether a message is the account's own or one of its server, which always comes through.
func (s *Service) ours(p *module.Passage) bool {
	peer := p.Peer()
	return peer.IsZero() || peer.Bare() == p.Account.JID() ||
		peer.Local() == "" && (peer.Domain() == s.domain || strings.HasSuffix(peer.Domain(), "."+s.domain))
}

// known reports whether the owner wants an incoming message.
func (s *Service) known(p *module.Passage, acc *account) (bool, error) {
	st := p.Stanza
	class := payload.Classify(st)
	switch {
	case st.Type == stanza.Error, st.Type == stanza.Groupchat:
		return true, nil // an answer to what the owner's client has sent, or from a room where it is
	case !st.Child(ns.PubSubEvent, "event").IsZero() && !class.Worthy() && !class.Urgent():
		return true, nil // of something that the owner's client has subscribed to, and nothing to read beside it
	case s.roster.InRoster(p.Account, st.From.Bare()):
		return true, nil
	case s.invited(p):
		return true, nil
	}
	peer := s.party(st, st.From)
	if slices.Contains(acc.written, peer) {
		return true, nil
	}
	return s.archive.Wrote(context.Background(), p.Account.JID().String(), peer)
}

// invited reports whether a message is the invitation of a contact that a room passes on (XEP-0045 section
// 7.8.2). Who it is from is known only if the room's server is ours or the contact's own.
func (s *Service) invited(p *module.Passage) bool {
	if !p.Stanza.From.IsBare() {
		return false
	}
	by, err := jid.Parse(p.Stanza.Child(ns.MUCUser, "x").Child(ns.MUCUser, "invite").Attr("from"))
	if err != nil || !s.roster.InRoster(p.Account, by.Bare()) {
		return false
	}
	host := p.Stanza.From.Domain()
	return host == s.groups || host == by.Domain() || strings.HasSuffix(host, "."+by.Domain())
}

// party is with whom a message is exchanged: somebody in a room has an address of their own there.
func (s *Service) party(st *stanza.Stanza, peer jid.JID) jid.JID {
	if peer.Domain() == s.groups || payload.Classify(st).Occupant() {
		return peer
	}
	return peer.Bare()
}

// wrote notes to whom the owner writes, who may answer then.
func (s *Service) wrote(p *module.Passage, acc *account) {
	st := p.Stanza
	if st.Type == stanza.Error || st.Type == stanza.Groupchat || !payload.Classify(st).Worthy() || s.roster.InRoster(p.Account, st.To.Bare()) {
		return
	}
	peer, err := jid.Parse(strings.Clone(s.party(st, st.To).String())) // not the memory of the whole stanza
	if err != nil {
		return
	}
	if i := slices.Index(acc.written, peer); i >= 0 {
		acc.written = slices.Delete(acc.written, i, i+1)
	} else if len(acc.written) == maxWritten {
		acc.written = slices.Delete(acc.written, 0, 1)
	}
	acc.written = append(acc.written, peer)
}
