package guardian

import (
	"context"
	"errors"
	"strings"
	"time"

	"kith/internal/jid"
	"kith/internal/ns"
	"kith/internal/stanza"
	"kith/internal/xmltree"
	"kith/server/module"
)

func (s *Service) registerIQ(r *module.Registry) {
	r.HandleIQ(module.OnOwn, stanza.Get, ns.KithGuardian, "children", s.listChildren)
	r.HandleIQ(module.OnOwn, stanza.Get, ns.KithGuardian, "guardians", s.listGuardians)
	r.HandleIQ(module.OnOwn, stanza.Set, ns.KithGuardian, "guardians", s.setGuardians)
	r.HandleIQ(module.OnOwn, stanza.Set, ns.KithGuardian, "decide", s.decide)
}

// listChildren answers a guardian with the children, what waits and what is approved; an administrator
// who asks for all, with all of them.
func (s *Service) listChildren(q *module.IQ) error {
	local := q.Account.JID().Local()
	all := q.Payload.Attr("all") == "true"
	if all && !s.admin(local) {
		return stanza.Refuse(stanza.Forbidden, "Only administrators see all children.")
	}
	wards := s.Wards(local, all)
	q.Result(func(w *xmltree.Writer) { s.writeChildren(w, wards) })
	return nil
}

func (s *Service) writeChildren(w *xmltree.Writer, wards []Ward) {
	w.Open(ns.KithGuardian, "children")
	for _, x := range wards {
		w.Open("", "child", "jid", x.JID.String())
		for _, g := range x.Guardians {
			w.Empty("", "guardian", "jid", g.String())
		}
		for _, r := range x.Requests {
			writeRequest(w, r)
		}
		for _, a := range x.Approvals {
			by := ""
			if a.By != "" {
				by = s.address(a.By).String()
			}
			w.Empty("", "approved", "jid", a.Peer.String(), "kind", kind(a.Room), "at", stamp(a.At), "by", by)
		}
		w.Close()
	}
	w.Close()
}

func kind(room bool) string {
	if room {
		return "room"
	}
	return "contact"
}

// stamp is a time as XEP-0082 has it.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// maxShown bounds what is shown of what a stranger writes into a request, in bytes.
const maxShown = 500

func writeRequest(w *xmltree.Writer, r Request) {
	direction := "in"
	if r.Outgoing {
		direction = "out"
	}
	nick, text, by := "", "", ""
	if st, err := stanza.Parse(r.Stanza); err == nil && !r.Outgoing {
		invite := st.Child(ns.MUCUser, "x").Child(ns.MUCUser, "invite")
		nick, by = st.Child(ns.Nick, "nick").Text(), invite.Attr("from")
		if text = st.Root().ChildText(ns.Client, "status"); r.Room {
			text = invite.ChildText(ns.MUCUser, "reason")
		}
	}
	attrs := []string{
		"jid", r.Peer.String(), "kind", kind(r.Room), "direction", direction, "at", stamp(r.At), "nick", clip(nick), "by", clip(by),
	}
	if text == "" {
		w.Empty("", "request", attrs...)
		return
	}
	w.Open("", "request", attrs...).Element("", "text", clip(text)).Close()
}

func clip(s string) string {
	if len(s) > maxShown {
		return strings.ToValidUTF8(s[:maxShown], "")
	}
	return s
}

// listGuardians tells a child who its guardians are and what of its own waits for them. For others there
// are none.
func (s *Service) listGuardians(q *module.IQ) error {
	c := s.child(q.Account.JID().Local())
	q.Result(func(w *xmltree.Writer) {
		w.Open(ns.KithGuardian, "guardians")
		if c != nil {
			x := s.ward(c)
			for _, g := range x.Guardians {
				w.Empty("", "guardian", "jid", g.String())
			}
			for _, r := range x.Requests {
				if r.Outgoing {
					writeRequest(w, r)
				}
			}
		}
		w.Close()
	})
	return nil
}

// setGuardians names the guardians of a child, for an administrator.
func (s *Service) setGuardians(q *module.IQ) error {
	by := q.Account.JID().Local()
	if !s.admin(by) {
		return stanza.Refuse(stanza.Forbidden, "Only administrators name guardians.")
	}
	child, err := s.local(q.Payload.Attr("child"))
	if err != nil {
		return err
	}
	var guardians []string
	for e := range q.Payload.Children() {
		if !e.Is(ns.KithGuardian, "guardian") {
			continue
		}
		g, err := s.local(e.Attr("jid"))
		if err != nil {
			return err
		}
		guardians = append(guardians, g)
	}
	if err := s.SetGuardians(context.Background(), by, child, guardians); err != nil {
		return fault(err)
	}
	q.Result(nil)
	return nil
}

// local is the account that an address of this server names.
func (s *Service) local(text string) (string, error) {
	j, err := jid.Parse(strings.Clone(text))
	if err != nil || j.Local() == "" || !j.IsBare() || j.Domain() != s.domain.Domain() {
		return "", &stanza.Fault{Condition: stanza.JIDMalformed, Text: "This is not the address of somebody here.", Cause: err}
	}
	return j.Local(), nil
}

// decide takes the decision of a guardian.
func (s *Service) decide(q *module.IQ) error {
	p, by := q.Payload, q.Account.JID().Local()
	child, err := s.local(p.Attr("child"))
	if err != nil {
		return err
	}
	peer, err := jid.Parse(p.Attr("jid"))
	if err != nil {
		return &stanza.Fault{Condition: stanza.JIDMalformed, Text: "The jid is no valid address.", Cause: err}
	}
	ctx := context.Background()
	switch p.Attr("answer") {
	case "approve":
		err = s.Approve(ctx, by, child, peer, p.Attr("kind") == "room")
	case "deny":
		err = s.Deny(ctx, by, child, peer)
	case "revoke":
		err = s.Revoke(ctx, by, child, peer)
	default:
		return stanza.Refuse(stanza.BadRequest, "An answer is approve, deny or revoke.")
	}
	if err != nil {
		return fault(err)
	}
	q.Result(nil)
	return nil
}

// fault puts an error into words for a client.
func fault(err error) error {
	for _, f := range []struct {
		err       error
		condition stanza.Condition
		text      string
	}{
		{ErrNotChild, stanza.ItemNotFound, "This is not the account of a child."},
		{ErrNotGuardian, stanza.Forbidden, "Only a guardian of the child may do this."},
		{ErrCannotGuard, stanza.NotAcceptable, "Guardians have an account here that is not a child's."},
		{ErrNothing, stanza.ItemNotFound, "There is nothing to decide about this address."},
		{ErrPeer, stanza.NotAcceptable, "This is not the address of a person or a group."},
	} {
		if errors.Is(err, f.err) {
			return &stanza.Fault{Condition: f.condition, Text: f.text, Cause: err}
		}
	}
	return err
}
