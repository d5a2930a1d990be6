package guardian

import (
	"crypto/rand"

	"kith/internal/ns"
	"kith/internal/stanza"
	"kith/internal/xmltree"
	"kith/server/module"
)

// wordy is up to how many waiting requests each one comes with a message to the guardians. Further ones,
// which nobody but a nuisance makes, are only seen in the list.
const wordy = 10

// tellRequest tells the guardians of a new request: with a message, which waits for who is away and wakes
// their phones, and which apps show that know nothing of this.
func (s *Service) tellRequest(c *child, r Request) {
	defer s.tellChanged(c)
	if c.waiting() > wordy {
		return
	}
	text := r.Peer.String() + " would like to be a contact of " + c.jid.String() + "."
	switch {
	case r.Room && r.Outgoing:
		text = c.jid.String() + " would like to enter the group " + r.Peer.String() + "."
	case r.Room:
		text = c.jid.String() + " is invited to the group " + r.Peer.String() + "."
	case r.Outgoing:
		text = c.jid.String() + " would like to have " + r.Peer.String() + " as a contact."
	}
	text += " Please decide: among the commands of the server " + s.domain.String() + ", or in the web app."
	for _, g := range s.guardiansOf(c) {
		s.send(g, stanza.Normal, func(w *xmltree.Writer) {
			w.Element("", "body", text)
			w.Open(ns.KithGuardian, "asked", "child", c.jid.String())
			writeRequest(w, r)
			w.Close()
		})
	}
}

// tellChanged tells the clients of guardians that are there to look again.
func (s *Service) tellChanged(c *child) {
	if !s.linked {
		return
	}
	for _, g := range s.guardiansOf(c) {
		s.send(g, stanza.Headline, func(w *xmltree.Writer) {
			w.Empty(ns.KithGuardian, "changed", "child", c.jid.String())
		})
	}
}

// tellChild tells a child what became of its request.
func (s *Service) tellChild(c *child, r Request, answer string) {
	text := "You can talk to " + r.Peer.String() + " as soon as your request is accepted there."
	switch {
	case answer == "denied":
		text = "A guardian has said no to " + r.Peer.String() + "."
	case r.Room:
		text = "You can enter the group " + r.Peer.String() + " now."
	}
	s.send(c.local, stanza.Normal, func(w *xmltree.Writer) {
		w.Element("", "body", text)
		w.Empty(ns.KithGuardian, "decided", "jid", r.Peer.String(), "answer", answer)
	})
}

// send sends a message of the server to an account.
func (s *Service) send(local string, t stanza.Type, fill func(*xmltree.Writer)) {
	if !s.linked {
		return
	}
	h := stanza.Header{Kind: stanza.Message, Type: t, ID: rand.Text(), From: s.domain, To: s.address(local)}
	module.Deliver(s.links.Router, stanza.Build(h, fill))
}
