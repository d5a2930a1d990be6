// Package payload knows what the content of a message is, as far as a server has to know: whether
// it is kept, copied and urgent. One table decides for the archive, for offline messages, for
// carbons and for client state indication, so that they agree.
package payload

import (
	"kith/internal/ns"
	"kith/internal/stanza"
	"kith/internal/xmltree"
)

// Class is what a server does with a message, whatever account it belongs to.
type Class uint16

const (
	// archive: it belongs into the archive (XEP-0313 section 5.1.1).
	archive Class = 1 << iota
	// offline: it is kept for who is away (XEP-0160 section 3).
	offline
	// copied: it is eligible for carbons (XEP-0280 section 6.1).
	copied
	// urgent: a client that the person is not looking at wants it at once (XEP-0352).
	urgent
	// worthy: it has content that somebody would miss, whatever the hints say.
	worthy
	// occupant: it is a private message of a room's occupant (XEP-0045 section 7.5).
	occupant
	// instant: a person is to read it (XEP-0430 section 3.2).
	instant
)

// Archived reports whether the message belongs into the archive of an account.
func (c Class) Archived() bool { return c&archive != 0 }

// Offline reports whether the message is kept until a client of the account has it.
func (c Class) Offline() bool { return c&offline != 0 }

// Copied reports whether the other sessions of an account get a copy of the message. Messages of
// type error depend on what they answer; they are not among them.
func (c Class) Copied() bool { return c&copied != 0 }

// Urgent reports whether the message shall not wait until its client becomes active.
func (c Class) Urgent() bool { return c&urgent != 0 }

// Worthy reports whether somebody would miss the message: if it is lost, its sender should be
// told. Typing notifications and empty messages are not worthy.
func (c Class) Worthy() bool { return c&worthy != 0 }

// Occupant reports whether the message says of itself that it passes through a room as a private
// one. A room gives it to each session that joined it.
func (c Class) Occupant() bool { return c&occupant != 0 }

// Instant reports whether the message is one that a person is to read. Receipts, markers, corrections,
// reactions, retractions, the messages of calls and those that pass through a room are not: they
// belong to something else.
func (c Class) Instant() bool { return c&instant != 0 }

// Displayed reports whether a message says that another one was displayed (XEP-0333 section 4).
func Displayed(st *stanza.Stanza) bool {
	return !st.Child(ns.ChatMarkers, "displayed").IsZero() || !st.Child(ns.ChatMarkers, "acknowledged").IsZero()
}

// trait is what one child says about its message.
type trait uint16

const (
	// nothing: it accompanies a message and is none.
	nothing trait = 1 << iota
	// content: what a person wants to read or hear of at once.
	content
	// note: what changes something that was said before, or tells of it.
	note
	// state: a conversation's state, of interest to the clients that are there.
	state
	// live: of interest only to the client to which it goes.
	live
	// answer: the client waits for it.
	answer
	// forward: a copy, with the message inside.
	forward
	// room: the mark of a room.
	room
	// other: not known here.
	other

	hintStore
	hintNoStore
	hintNoPermanent
	hintNoCopy
)

// Namespaces that only this table needs.
const (
	nsMUCDirect    = "jabber:x:conference"                // XEP-0249
	nsOOB          = "jabber:x:oob"                       // XEP-0066
	nsPGPEncrypted = "jabber:x:encrypted"                 // XEP-0027
	nsOpenPGP      = "urn:xmpp:openpgp:0"                 // XEP-0373
	nsFileSharing  = "urn:xmpp:sfs:0"                     // XEP-0447
	nsCallInvites  = "urn:xmpp:call-invites:0"            // XEP-0482
	nsRetractOld   = "urn:xmpp:message-retract:0"         // XEP-0424 before 0.4
	nsFasten       = "urn:xmpp:fasten:0"                  // XEP-0422
	nsCorrect      = "urn:xmpp:message-correct:0"         // XEP-0308
	nsFallback     = "urn:xmpp:fallback:0"                // XEP-0428
	nsReply        = "urn:xmpp:reply:0"                   // XEP-0461
	nsReference    = "urn:xmpp:reference:0"               // XEP-0372
	nsAddresses    = "http://jabber.org/protocol/address" // XEP-0033
	nsIBB          = "http://jabber.org/protocol/ibb"     // XEP-0047
	nsOccupantID   = "urn:xmpp:occupant-id:0"             // XEP-0421
	nsModerate     = "urn:xmpp:message-moderate:1"        // XEP-0425
	nsXHTML        = "http://jabber.org/protocol/xhtml-im"
	nsDelayOld     = "jabber:x:delay"
)

// any stands for every element of a namespace.
const anyName = "*"

// table tells what an element means, by namespace and name.
var table = map[string]map[string]trait{
	ns.Client: {
		"body": content, "subject": content,
		"thread": nothing, "error": nothing,
	},

	// End-to-end encryption. An OMEMO message without a payload moves a ratchet on; a device that
	// misses it cannot read what follows (XEP-0384 section 5.4).
	ns.OMEMOLegacy: {"encrypted": content},
	ns.OMEMO2:      {"encrypted": content},
	ns.EME:         {"encryption": content},
	nsOpenPGP:      {"openpgp": content},
	nsPGPEncrypted: {"x": content},

	// Calls. All of XEP-0353 is needed in time: it starts or stops the ringing.
	ns.JingleMessage: {anyName: content},
	nsCallInvites:    {anyName: content},

	// Files and invitations.
	nsOOB:         {"x": content},
	nsFileSharing: {"file-sharing": content, "sources": note},
	nsMUCDirect:   {"x": content},
	ns.MUCUser:    {"x": room},

	// What belongs to an earlier message.
	ns.Receipts:    {"received": note, "request": nothing},
	ns.ChatMarkers: {"displayed": note, "received": note, "acknowledged": note, "markable": nothing},
	ns.Reactions:   {"reactions": note},
	ns.Retract:     {"retract": note},
	nsRetractOld:   {"retract": note},
	nsFasten:       {"apply-to": note},
	nsCorrect:      {"replace": note},

	ns.ChatStates: {anyName: state},

	// What accompanies.
	ns.StanzaID: {"stanza-id": nothing, "origin-id": nothing},
	ns.Delay:    {"delay": nothing}, nsDelayOld: {"x": nothing},
	ns.Nick:      {"nick": nothing},
	nsFallback:   {"fallback": nothing},
	nsReply:      {"reply": nothing},
	nsReference:  {"reference": nothing},
	nsAddresses:  {"addresses": nothing},
	nsOccupantID: {"occupant-id": nothing},
	nsXHTML:      {"html": nothing},

	// Events are read again when their subscriber comes back (XEP-0163 section 4.3.4), and a
	// stream of bytes has an end that is there or not.
	ns.PubSubEvent: {"event": live},
	nsIBB:          {"data": live},

	ns.Carbons: {"received": forward, "sent": forward, "private": hintNoCopy},
	ns.MAM:     {"result": answer, "fin": answer},
	ns.Hints: {
		"store": hintStore, "no-store": hintNoStore,
		"no-permanent-store": hintNoPermanent, "no-copy": hintNoCopy,
	},
}

// traitOf looks an element up.
func traitOf(e xmltree.Element) trait {
	names, ok := table[e.Space()]
	if !ok {
		return other
	}
	t, ok := names[e.Local()]
	if !ok {
		if t, ok = names[anyName]; !ok {
			return other
		}
	}
	if t == room {
		// XEP-0045 section 7.8.2: an invitation or its refusal, mediated by the room.
		switch {
		case !e.Child(ns.MUCUser, "invite").IsZero():
			return content
		case !e.Child(ns.MUCUser, "decline").IsZero():
			return note
		}
	}
	return t
}

// Classify reads a message. Stanzas of other kinds have no class.
func Classify(st *stanza.Stanza) Class {
	if st.Kind != stanza.Message {
		return 0
	}
	return classify(st.Root(), st.Type)
}

func classify(message xmltree.Element, typ stanza.Type) Class {
	var all trait
	var inside xmltree.Element
	for c := range message.Children() {
		t := traitOf(c)
		all |= t
		if t == forward {
			inside = c.Child(ns.Forward, "forwarded").Child(ns.Client, "message")
		}
	}
	var c Class
	said := all&(content|note) != 0
	if all&content != 0 || all&answer != 0 {
		c |= urgent
	}
	if !inside.IsZero() && classify(inside, stanza.Type(inside.Attr("type"))).Urgent() {
		c |= urgent
	}
	if all&room != 0 {
		c |= occupant
	}
	if all&content != 0 && all&note == 0 && message.Child(ns.MUCUser, "x").IsZero() && readable(message) {
		c |= instant
	}
	switch typ { //nolint:exhaustive // normal and chat follow
	case stanza.Error:
		return 0
	case stanza.Groupchat:
		// The room keeps it, and gives it to each session that joined (XEP-0280 section 6.1).
		return c
	case stanza.Headline:
		// XEP-0160 section 3: time-sensitive. Only a sender who asks for it has it archived.
		if all&hintStore != 0 && all&(hintNoStore|hintNoPermanent) == 0 {
			c |= archive
		}
		return c
	}
	unknown := all&(other|room) != 0 && all&live == 0
	if said || unknown || all&hintStore != 0 {
		// XEP-0160 section 3: everything but mere chat states.
		c |= worthy
		if all&hintNoStore == 0 {
			c |= offline
		}
	}
	if (said || all&hintStore != 0) && all&(hintNoStore|hintNoPermanent) == 0 {
		c |= archive
	}
	if (typ == stanza.Chat || said || all&state != 0) && all&hintNoCopy == 0 {
		c |= copied
	}
	return c
}

// readable reports whether a message has something to read in it, be it encrypted.
func readable(message xmltree.Element) bool {
	for c := range message.Children() {
		switch c.Space() {
		case ns.Client:
			if c.Local() == "body" && message.Child(ns.OMEMOLegacy, "encrypted").IsZero() && message.Child(ns.OMEMO2, "encrypted").IsZero() {
				return true
			}
		case ns.OMEMOLegacy, ns.OMEMO2:
			// Without a payload it moves a ratchet on and says nothing (XEP-0384 section 5.4).
			if c.Local() == "encrypted" && !c.Child(c.Space(), "payload").IsZero() {
				return true
			}
		case nsOpenPGP, nsPGPEncrypted, nsOOB, nsFileSharing, nsMUCDirect:
			return true
		}
	}
	return false
}
