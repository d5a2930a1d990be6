package account

import (
	"context"
	"errors"
	"strconv"
	"time"

	"kith/internal/ns"
	"kith/internal/stanza"
	"kith/internal/xmltree"
	"kith/server/auth"
	"kith/server/module"
)

// clients lists what has access to the account (XEP-0494 section 3.1).
func (f *Feature) clients(q *module.IQ) error {
	devices, err := f.Auth.Devices(context.Background(), q.Account.JID().Local())
	if err != nil {
		return err
	}
	online := map[string]bool{}
	for s := range q.Account.Sessions() {
		if id := s.Login().Client; id != "" {
			online[id] = true
		}
	}
	pushes := map[string][]Push{}
	for _, d := range devices {
		if f.Push == nil {
			break
		}
		if pushes[d.ID], err = f.Push(q.Account, d.Agent.ID); err != nil {
			return err
		}
	}
	q.Result(func(w *xmltree.Writer) {
		w.Open(ns.ClientAccess, "clients")
		for _, d := range devices {
			f.writeClient(w, d, online[d.Agent.ID], d.Agent.ID == q.Session.Login().Client, pushes[d.ID])
		}
		w.Close()
	})
	return nil
}

func (f *Feature) writeClient(w *xmltree.Writer, d auth.Device, online, current bool, pushes []Push) {
	last := d.Last
	if online {
		last = f.Clock.Now()
	}
	mark := ""
	if current {
		mark = "true"
	}
	w.Open("", "client", "id", d.ID, "connected", strconv.FormatBool(online), "type", "session")
	w.Element("", "first-seen", d.First.UTC().Format(time.RFC3339))
	w.Element("", "last-seen", last.UTC().Format(time.RFC3339))
	w.Open("", "auth")
	if d.Password {
		w.Empty("", "password")
	}
	if !d.TokenExpires.IsZero() {
		w.Empty("", "fast")
	}
	w.Close()
	w.Empty("", "permission", "status", "unrestricted")
	if d.Agent.Software != "" || d.Agent.Device != "" {
		w.Open("", "user-agent")
		if d.Agent.Software != "" {
			w.Element("", "software", d.Agent.Software)
		}
		if d.Agent.Device != "" {
			w.Element("", "device", d.Agent.Device)
		}
		w.Close()
	}
	if mark != "" {
		// Which of them is asking: the specification leaves the client to guess.
		w.Empty(ns.KithAccount, "current")
	}
	for _, p := range pushes {
		failed := ""
		if !p.Failed.IsZero() {
			failed = p.Failed.UTC().Format(time.RFC3339)
		}
		w.Empty(ns.KithAccount, "push", "service", p.Service, "since", p.Since.UTC().Format(time.RFC3339), "failed", failed, "reason", p.Reason)
	}
	w.Close()
}

// revoke signs a client out (XEP-0494 section 3.2). One that knows the password may come back with
// it; its owner is told so by the error that the specification names, after it was signed out.
func (f *Feature) revoke(q *module.IQ) error {
	d, err := f.Auth.RevokeDevice(context.Background(), q.Account.JID().Local(), q.Payload.Attr("id"))
	switch {
	case errors.Is(err, auth.ErrNotFound):
		return stanza.Refuse(stanza.ItemNotFound, "")
	case err != nil:
		return err
	case d.Password && d.TokenExpires.IsZero():
		return &stanza.Fault{
			Condition: stanza.ServiceUnavailable, App: "password-reset-required", AppNS: ns.ClientAccess,
			Text: "It is signed out, but it knows the password: change that to keep it out.",
		}
	}
	q.Result(nil)
	return nil
}
