package people

import (
	"slices"
	"time"

	"kith/internal/jid"
	"kith/omemo"
)

// View is what somebody knows, for as long as the function runs that it is given to.
type View struct{ p *Person }

// Message is a message of a chat, written by either side.
type Message struct {
	// ID is that of XEP-0359, unique for its sender.
	ID string
	// Peer is the other side, or the group, and From the sender, all without a resource.
	Peer, From jid.JID
	// Own: written by this account, here or on another device.
	Own  bool
	Text string
	// At is when it was written.
	At time.Time
	// Device is the one that encrypted it; 0 while that has not happened, and for plain text.
	Device uint32
	// State of an own message.
	State State
	// Problem is why there is no text: what the core said, or [NotForThisDevice].
	Problem omemo.Code
	// Markable: the sender wants to know when it was read (XEP-0333).
	Markable bool
	// roomID is the id that the group gave it.
	roomID string
}

// NotForThisDevice is the problem of a message that was encrypted for other devices only.
const NotForThisDevice omemo.Code = "not-for-this-device"

// State is how far a message got.
type State int

// The states of own messages.
const (
	Waiting   State = iota // here, and nowhere else for sure
	Sent                   // the server is responsible (XEP-0198)
	Delivered              // a device has it (XEP-0184)
	Read                   // and somebody has seen it (XEP-0333)
	Failed                 // it cannot be encrypted for anybody
)

// Contact is somebody on the contact list.
type Contact struct {
	Address jid.JID
	// Name that the list gives them, "" if none.
	Name string
	// Subscription is none, to, from or both (RFC 6121 section 2.1.2.5). Asked: a request waits for them.
	Subscription string
	Asked        bool
	// Asks: a request of theirs waits here.
	Asks bool
}

// Mutual reports whether both see each other.
func (c Contact) Mutual() bool { return c.Subscription == "both" }

// lets reports whether they may know that somebody is here.
func (c Contact) lets() bool { return c.Subscription == "both" || c.Subscription == "from" }

// Messages are those of one chat, in their order. The caller must not change them.
func (v View) Messages(peer jid.JID) []Message {
	var all []Message
	for i := range v.p.messages {
		if v.p.messages[i].Peer == peer {
			all = append(all, v.p.messages[i])
		}
	}
	return all
}

// All are the messages of all chats, in the order in which they came to be here.
func (v View) All() []Message { return slices.Clone(v.p.messages) }

// Count is the number of messages of all chats.
func (v View) Count() int { return len(v.p.messages) }

// Message finds one by the id that its sender gave it.
func (v View) Message(from jid.JID, id string) (Message, bool) {
	i, ok := v.p.byID[messageKey{from, id}]
	if !ok {
		return Message{}, false
	}
	return v.p.messages[i], true
}

// Contact is somebody on the contact list, or asking to be.
func (v View) Contact(address jid.JID) Contact { return v.p.contacts[address] }

// Name is how somebody wants to be called (XEP-0172), as far as it is known.
func (v View) Name(address jid.JID) string { return v.p.names[address] }

// Shows is what the sessions of an account show, by their full addresses. Those of the own account, this
// one included, are among them.
func (v View) Shows(address jid.JID) map[jid.JID]string {
	shown := map[jid.JID]string{}
	for full, show := range v.p.around {
		if full.Bare() == address {
			shown[full] = show
		}
	}
	return shown
}

// Self is the full address of this connection, zero if there is none.
func (v View) Self() jid.JID {
	if v.p.link == nil {
		return jid.JID{}
	}
	return v.p.link.self
}

// Connected reports whether there is a connection.
func (v View) Connected() bool { return v.p.alive() != nil }

// Devices is the list that an account announces, as far as it is known.
func (v View) Devices(address jid.JID) []uint32 { return slices.Clone(v.p.lists[address].ids) }

// Inside reports whether somebody is in a group.
func (v View) Inside(room jid.JID) bool {
	g := v.p.groups[room]
	return g != nil && g.inside
}

// First is the full address of the device that a group shows for the own account.
func (v View) First(room jid.JID) jid.JID {
	if g := v.p.groups[room]; g != nil {
		return g.first
	}
	return jid.JID{}
}

// Typing reports whether somebody is writing.
func (v View) Typing(address jid.JID) bool { return v.p.typing[address] }

// Idle reports whether everything that was written is with the server, and nothing is left to do.
func (v View) Idle() bool {
	return len(v.p.outbox) == 0 && !v.p.stale && !v.p.upkeep && len(v.p.heal) == 0
}
