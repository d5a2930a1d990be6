package register

import (
	"context"
	"time"

	"kith/internal/ns"
	"kith/internal/stanza"
	"kith/internal/xmltree"
	"kith/server/module"
)

// freshLogin is how long a proven password lets a client inside a web page change or remove the
// account: whoever else got into the page has a token at most.
const freshLogin = 5 * time.Minute

// change is whether an account is getting another password.
type change struct{ underWay bool }

// atServer takes a request that an own client addressed to the server instead of to its account.
func (f *Feature) atServer(q *module.IQ) error {
	from := q.From()
	if from.Domain() != f.auth.Domain() || from.Local() == "" || from.IsBare() {
		return stanza.Refuse(stanza.Forbidden, "")
	}
	st := q.Stanza
	return f.accounts.Do(context.Background(), from.Local(), func(a module.Account) {
		s := a.Session(from.Resource())
		if s == nil {
			return // nobody waits any more
		}
		own := module.NewIQ(a, s, st, s.Send)
		if err := f.own(own); err != nil {
			own.Fail(err)
		}
	})
}

// own answers a client about its own account.
func (f *Feature) own(q *module.IQ) error {
	p, local := q.Payload, q.Account.JID().Local()
	if q.Stanza.Type == stanza.Get {
		q.Result(func(w *xmltree.Writer) {
			w.Open(ns.Register, "query").Empty("", "registered").Element("", "username", local).Empty("", "password").Close()
		})
		return nil
	}
	if remove := p.Child(ns.Register, "remove"); !remove.IsZero() {
		if p.CountChildren() != 1 {
			return stanza.Refuse(stanza.BadRequest, "")
		}
		return f.remove(q, local)
	}
	return f.changePassword(q, local)
}

// trusted decides whether a client may change or remove the account.
func (f *Feature) trusted(s module.Session) error {
	l := s.Login()
	switch {
	case !l.Encrypted:
		return stanza.Refuse(stanza.NotAuthorized, "This needs an encrypted connection.")
	case l.Browser && (!l.Password || f.clock.Now().Sub(l.At) > freshLogin):
		return stanza.Refuse(stanza.NotAuthorized, "Sign in with the password first.")
	}
	return nil
}

// remove removes the account (XEP-0077 section 3.2). It can be restored for a while, as if its owner
// had removed it in the web app.
func (f *Feature) remove(q *module.IQ, local string) error {
	if err := f.trusted(q.Session); err != nil {
		return err
	}
	if err := f.auth.Remove(context.Background(), local, f.auth.Grace()); err != nil {
		return refusal(err)
	}
	// The sessions end after this, with not-authorized.
	q.Result(nil)
	return nil
}

// changePassword sets another password (XEP-0077 section 3.3).
func (f *Feature) changePassword(q *module.IQ, local string) error {
	in, err := read(q.Payload)
	if err != nil {
		return err
	}
	if in.username == "" || in.password == "" {
		return stanza.Refuse(stanza.BadRequest, "A name and a password are needed.")
	}
	if name, err := f.auth.CheckName(in.username, true); err != nil || name != local {
		return stanza.Refuse(stanza.NotAllowed, "Only the own password can be changed.")
	}
	if err := f.trusted(q.Session); err != nil {
		return err
	}
	// What can be said at once is.
	if err := f.auth.CheckPassword(local, in.password); err != nil {
		return refusal(err)
	}
	if c := f.changes.Of(q.Account.Slots()); c.underWay {
		return stanza.Refuse(stanza.ResourceConstraint, "The password is being changed already.")
	}
	f.changes.Of(q.Account.Slots()).underWay = true
	account, client := q.Account, q.Session.Login().Client
	go func() {
		cred, err := f.derive(local, in.password)
		account.Do(func(a module.Account) {
			f.changes.Drop(a.Slots())
			if err == nil {
				err = f.auth.SetPassword(context.Background(), local, cred, client)
			}
			if err != nil {
				q.Fail(refusal(err))
				return
			}
			// Sessions end after this; who has asked knows the new password.
			q.Result(nil)
		})
	}()
	return nil
}
