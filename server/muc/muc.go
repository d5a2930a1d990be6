// Package muc is group chat (XEP-0045): a service at an address of its own, beside the accounts, with
// one actor for each room.
//
// A room that somebody makes without saying what it shall be like is what people expect of a group:
// persistent, hidden, for its members only, everybody's address known to all, which is what OMEMO
// needs. What a room must remember (who is affiliated, how it is configured, its subject, what was
// said) is durable before anybody is told; who is in it is not remembered across a restart, and
// clients find out by pinging themselves (XEP-0410).
//
// The actor changes its state when a stanza arrives, and what it says to the outside passes through
// one line, in which a message stands until it is committed: so many messages share a commit, and
// yet everybody sees everything in one order.
package muc

import (
	"context"
	"iter"
	"log/slog"
	"sync"

	"kith/internal/clock"
	"kith/internal/counter"
	"kith/internal/jid"
	"kith/internal/ns"
	"kith/internal/stanza"
	"kith/internal/stanzaid"
	"kith/server/module"
)

// Namespaces that only this feature needs.
const (
	nsAdmin       = ns.MUC + "#admin"
	nsOwner       = ns.MUC + "#owner"
	nsStableID    = ns.MUC + "#stable_id"
	nsSelfPing    = ns.MUC + "#self-ping-optimization" // XEP-0410
	nsTraffic     = ns.MUC + "#traffic"
	nsConference  = "jabber:x:conference"                // XEP-0249
	nsOccupantID  = "urn:xmpp:occupant-id:0"             // XEP-0421
	nsModerate    = "urn:xmpp:message-moderate:1"        // XEP-0425
	nsHats        = "urn:xmpp:hats:0"                    // XEP-0317
	nsVCardUpdate = "vcard-temp:x:update"                // XEP-0153
	nsAddresses   = "http://jabber.org/protocol/address" // XEP-0033

	formConfig   = ns.MUC + "#roomconfig"
	formInfo     = ns.MUC + "#roominfo"
	formRegister = ns.MUC + "#register"
	formRequest  = ns.MUC + "#request"
	formHats     = "urn:xmpp:hats:commands"

	nsCorrect  = "urn:xmpp:message-correct:0" // XEP-0308
	tombstones = ns.Retract + "#tombstone"    // XEP-0424

	// nodeNick is the disco node at which somebody finds the own reserved nickname (XEP-0045
	// section 7.12).
	nodeNick = "x-roomuser-item"
)

// Policy decides what depends on who somebody is on this server. Its methods are called inside the
// actors of rooms, with bare addresses; they must not wait for anything but memory.
type Policy interface {
	// MayCreate reports whether a local account may make rooms. Others never may.
	MayCreate(user jid.JID) bool
	// MayJoin reports whether a user may have to do with a room at all, whatever the room says.
	MayJoin(user jid.JID, room View) bool
	// MayTalk reports whether two users may exchange through a room what only they see.
	MayTalk(user, other jid.JID) bool
	// MayInvite reports whether a user may invite others to rooms.
	MayInvite(user jid.JID) bool
	// MayList reports whether a user may see the list of public rooms.
	MayList(user jid.JID) bool
	// Admin reports whether a user administers this server.
	Admin(user jid.JID) bool
}

// View is what a [Policy] gets to know of a room.
type View struct {
	// JID is its bare address.
	JID jid.JID
	// Private: it is hidden, and for members only.
	Private bool
	// Belongs reports whether a user, a bare address, is a member of it or more.
	Belongs func(user jid.JID) bool
}

// Notifier is told of messages for those who belong to a room and are not in it. It is called inside
// the actor of the room after the message was committed and sent to the occupants. It must not wait,
// and absent may be used only during the call.
type Notifier interface {
	OnRoomMessage(m RoomMessage, absent iter.Seq[jid.JID])
}

// RoomMessage is a message as everybody in a room got it.
type RoomMessage struct {
	Room jid.JID
	// Stanza has no recipient. Its from is the occupant's address in the room.
	Stanza *stanza.Stanza
	// Sender is who that is: a full address, or the room itself.
	Sender jid.JID
	// ID is the id in the archive of the room (XEP-0359).
	ID string
}

// Service is the feature: the route to the rooms and the register of their actors.
type Service struct {
	jid      jid.JID
	domain   string
	store    Store
	ids      stanzaid.Codec
	router   module.Router
	policy   Policy
	notifier Notifier
	clock    clock.Clock
	log      *slog.Logger
	config   Config
	counters Counters

	mu     sync.RWMutex // guards rooms and closed
	rooms  map[string]*Room
	closed bool
}

// Counters tell what the service has done.
type Counters struct {
	Messages  *counter.Counter // messages that rooms took
	Overflow  *counter.Counter // stanzas that found the mailbox of a room full
	Ghosts    *counter.Counter // occupants removed because they could not be reached
	Slow      *counter.Counter // occupants removed because they did not keep up while joining
	Queries   *counter.Counter // pages of archives that were read
	Refused   *counter.Counter // queries refused because too many were under way
	NotStored *counter.Counter // messages that could not be stored, and so were not sent on
}

// New makes the service at address, which is Config.Subdomain below domain. ids must be the codec of
// the archives. The router is the one whose chain the service is part of.
func New(address jid.JID, domain string, store Store, ids stanzaid.Codec, router module.Router, policy Policy, c clock.Clock, log *slog.Logger, config Config) *Service {
	return &Service{
		jid: address, domain: domain, store: store, ids: ids, router: router, policy: policy, clock: c, log: log, config: config,
		counters: Counters{
			Messages:  counter.New("muc_messages"),
			Overflow:  counter.New("muc_mailbox_full"),
			Ghosts:    counter.New("muc_ghosts"),
			Slow:      counter.New("muc_slow_occupants"),
			Queries:   counter.New("muc_queries"),
			Refused:   counter.New("muc_queries_refused"),
			NotStored: counter.New("muc_not_stored"),
		},
		rooms: map[string]*Room{},
	}
}

// Notify names who is told of messages for those who are away. It must be called before the server
// serves.
func (s *Service) Notify(n Notifier) { s.notifier = n }

// Counters returns the live counters.
func (s *Service) Counters() Counters { return s.counters }

// JID is the address of the service.
func (s *Service) JID() jid.JID { return s.jid }

var _ module.Module = (*Service)(nil)

// Register implements [module.Module].
func (s *Service) Register(r *module.Registry) {
	r.Implements(
		module.XEP{Number: 45, Name: "Multi-User Chat", Version: "1.35.5"},
		module.XEP{Number: 249, Name: "Direct MUC Invitations", Version: "1.2", Note: "passed on"},
		module.XEP{Number: 317, Name: "Hats", Version: "0.3.1"},
		module.XEP{Number: 410, Name: "MUC Self-Ping", Version: "1.1.0"},
		module.XEP{Number: 421, Name: "Occupant identifiers for semi-anonymous MUCs", Version: "1.0.1"},
		module.XEP{Number: 425, Name: "Moderated Message Retraction", Version: "0.3.0"},
		module.XEP{Number: 486, Name: "MUC Avatars", Version: "0.1.0"},
	)
	r.Item(module.Item{JID: s.jid, Name: serviceName})
	s.registerCommands(r)
}

const serviceName = "Group chats"

func (s *Service) logError(what string, err error) {
	s.log.LogAttrs(context.Background(), slog.LevelError, "group chat", slog.String("what", what), slog.Any("error", err))
}
