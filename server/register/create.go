package register

import (
	"context"

	"kith/internal/form"
	"kith/internal/ns"
	"kith/internal/stanza"
	"kith/internal/xmltree"
	"kith/server/auth"
	"kith/server/module"
)

// ticket is what is known of a client that has not signed in.
type ticket struct {
	valid bool
	auth.Ticket
	// done: it has made its account.
	done bool
}

// fields is the form for those who type the token of their invitation (XEP-0077 section 4).
var fields = form.New(form.TypeForm, ns.Register,
	form.Field{Var: "username", Kind: form.TextSingle, Label: "Name", Required: true},
	form.Field{Var: "password", Kind: form.TextPrivate, Label: "Password", Required: true},
	form.Field{
		Var: "token", Kind: form.TextSingle, Label: "Invitation code", Required: true,
		Desc: "What the link of your invitation ends with",
	},
)

const byInvitation = "Registration on this server is by invitation only."

// preauth takes the token of an invitation (XEP-0445 section 4). It is looked at and not used.
func (f *Feature) preauth(q *module.IQ) error {
	t, err := f.look(q, q.Payload.Attr("token"))
	if err != nil {
		return err
	}
	k := f.tickets.Of(q.Stranger.Slots())
	k.Ticket, k.valid = t, true
	q.Result(nil)
	return nil
}

func (f *Feature) look(q *module.IQ, token string) (auth.Ticket, error) {
	if wait := f.looks.Wait(q.Stranger.Remote, f.clock.Now()); wait > 0 {
		return auth.Ticket{}, tooOften(wait)
	}
	t, err := f.auth.CheckInvite(context.Background(), token)
	if err == nil && !t.Invite.Register {
		err = &auth.InviteError{Reason: auth.InviteNotThis}
	}
	return t, refusal(err)
}

// form says what is needed to register (XEP-0077 section 3.1). Who has shown no token gets a form
// with a field for it.
func (f *Feature) form(q *module.IQ) error {
	k := f.tickets.Of(q.Stranger.Slots())
	if k.done {
		return second()
	}
	q.Result(func(w *xmltree.Writer) {
		w.Open(ns.Register, "query")
		if k.valid {
			w.Element("", "instructions", "Choose a name and a password.")
			w.Element("", "username", k.Invite.Local)
			w.Empty("", "password")
		} else {
			w.Element("", "instructions", byInvitation)
			x := *fields
			x.Title, x.Instructions = "Registration", []string{byInvitation}
			x.Write(w)
		}
		w.Close()
	})
	return nil
}

// second refuses another account for the same client (XEP-0077 section 3.1.1).
func second() error {
	return stanza.Refuse(stanza.NotAcceptable, "You have made an account already; please sign in.")
}

// answers are what a client has filled in.
type answers struct{ username, password, token string }

// read takes the fields of the query or, which has precedence, those of a form.
func read(query xmltree.Element) (answers, error) {
	x := query.Child(ns.DataForms, "x")
	if x.IsZero() {
		return answers{
			username: query.ChildText(ns.Register, "username"),
			password: query.ChildText(ns.Register, "password"),
			token:    query.ChildText(ns.Register, "token"),
		}, nil
	}
	submitted, err := form.Parse(x)
	if err != nil || submitted.Type != form.TypeSubmit {
		return answers{}, &stanza.Fault{Condition: stanza.BadRequest, Cause: err}
	}
	return answers{submitted.Value("username"), submitted.Value("password"), submitted.Value("token")}, nil
}

// create makes an account (XEP-0077 section 3.1). It runs on the goroutine of the connection.
func (f *Feature) create(q *module.IQ) error {
	k := f.tickets.Of(q.Stranger.Slots())
	in, err := read(q.Payload)
	switch {
	case err != nil:
		return err
	case !q.Payload.Child(ns.Register, "remove").IsZero():
		return stanza.Refuse(stanza.UnexpectedRequest, "")
	case k.done:
		return second()
	case !k.valid && in.token == "":
		return stanza.Refuse(stanza.NotAllowed, byInvitation)
	case in.username == "" || in.password == "":
		return stanza.Refuse(stanza.NotAcceptable, "A name and a password are needed.")
	}
	t := k.Ticket
	if !k.valid {
		if t, err = f.look(q, in.token); err != nil {
			return err
		}
	}
	if wait := f.creates.Wait(q.Stranger.Remote, f.clock.Now()); wait > 0 {
		return tooOften(wait)
	}
	// Once begun it is not given up when the client goes away: it could not tell how it ended.
	ctx := context.Background()
	local, err := f.auth.CheckName(in.username, true)
	if err != nil {
		return refusal(err)
	}
	if taken, err := f.auth.Exists(ctx, local); err != nil || taken {
		if taken {
			err = auth.ErrExists
		}
		return refusal(err)
	}
	cred, err := f.derive(local, in.password)
	if err != nil {
		return refusal(err)
	}
	if _, err := f.auth.Register(ctx, t, auth.Registration{Name: in.username, Credential: cred}); err != nil {
		return refusal(err)
	}
	k.done = true
	q.Result(nil)
	return nil
}
