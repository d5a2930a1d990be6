package muc

import (
	"strings"

	"kith/internal/form"
	"kith/internal/jid"
	"kith/internal/ns"
	"kith/internal/stanza"
	"kith/internal/xmltree"
	"kith/server/module"
)

// Registering with a room reserves a nickname and makes a member (XEP-0045 section 7.10). Everybody may
// register with an open room. In one for members only, members reserve their nicknames; others can ask the
// admins if the room is listed.

func registerForm(t form.Type) *form.Form {
	f := form.New(t, formRegister, form.Field{Var: "muc#register_roomnick", Kind: form.TextSingle, Label: "Nickname", Required: true})
	f.Title = "Registration with the room"
	return f
}

// mayRegister decides whether somebody may register; asks is set if admins have to agree.
func (r *Room) mayRegister(user jid.JID) (asks bool, err error) {
	switch a := r.members.of(user); {
	case a == Outcast:
		return false, stanza.Refuse(stanza.Forbidden, "You are banned from this room.")
	case a >= Member:
		return false, nil
	case !r.config.MembersOnly:
		return false, nil
	case r.config.Public:
		return true, nil
	}
	return false, stanza.Refuse(stanza.NotAllowed, "Nobody can register with this room.")
}

// registration answers who asks what is needed.
func (r *Room) registration(q *module.IQ) error {
	user := q.From().Bare()
	if _, err := r.mayRegister(user); err != nil {
		return err
	}
	e := r.members.entry(user)
	q.Result(func(w *xmltree.Writer) {
		w.Open(ns.Register, "query")
		if e.Affiliation >= Member && e.Nick != "" {
			w.Empty("", "registered")
			w.Element("", "username", e.Nick)
		} else {
			w.Element("", "instructions", "Choose a nickname that nobody else can have in this room.")
			registerForm(form.TypeForm).Write(w)
		}
		w.Close()
	})
	return nil
}

// register takes a registration, or the end of one.
func (r *Room) register(q *module.IQ) error {
	user := q.From().Clone().Bare()
	asks, err := r.mayRegister(user)
	if err != nil {
		return err
	}
	if !q.Payload.Child(ns.Register, "remove").IsZero() {
		return r.unregister(q, user)
	}
	f, err := form.Parse(q.Payload.Child(ns.DataForms, "x"))
	if err != nil {
		return formError(err, stanza.BadRequest)
	}
	v, err := registerForm(form.TypeForm).Check(f)
	if err != nil {
		return formError(err, stanza.BadRequest)
	}
	nick := strings.Clone(v.Text("muc#register_roomnick"))
	if err := r.checkReservation(user, nick); err != nil {
		return err
	}
	if asks {
		if !r.voices.mayAsk(user, r.now()) {
			return &stanza.Fault{Condition: stanza.ResourceConstraint, Text: "You have just asked."}
		}
		r.askAdmins(user, nick)
		q.Result(nil)
		return nil
	}
	return r.enrol(user, nick, "", func() { q.Result(nil) })
}

// checkReservation decides whether a nickname can be reserved for a user.
func (r *Room) checkReservation(user jid.JID, nick string) error {
	key, err := r.checkNick(nick)
	if err != nil {
		return err
	}
	// Section 7.10: also if somebody else uses it at the moment.
	return r.checkFree(user, key)
}

// enrol makes a member of somebody with a reserved nickname. answer is called when that is durable.
func (r *Room) enrol(user jid.JID, nick, actor string, answer func()) error {
	e := r.members.entry(user)
	e.Nick = nick
	e.Affiliation = max(e.Affiliation, Member)
	changed := []Entry{e}
	if err := r.checkMembers(changed); err != nil {
		return err
	}
	if err := r.saveEntries(changed); err != nil {
		return err
	}
	answer()
	r.affiliate(e, change{actor: actor}, r.jid)
	return nil
}

// unregister gives a nickname back, and a mere member belongs to the room no more: it is the way to leave one for
// good, so that nobody encrypts for who is not there.
func (r *Room) unregister(q *module.IQ, user jid.JID) error {
	e := r.members.entry(user)
	if e.Affiliation < Member {
		return stanza.Refuse(stanza.RegistrationRequired, "You are not registered with this room.")
	}
	e.Nick = ""
	if e.Affiliation == Member {
		e.Affiliation = Unaffiliated
	}
	if err := r.saveEntries([]Entry{e}); err != nil {
		return err
	}
	q.Result(nil)
	r.affiliate(e, change{}, r.jid)
	return nil
}

func approvalForm(t form.Type, user jid.JID, nick string) *form.Form {
	f := form.New(t, formRegister,
		form.Field{Var: "muc#jid", Kind: form.JIDSingle, Label: "Address", Values: []string{user.String()}},
		form.Field{Var: "muc#register_roomnick", Kind: form.TextSingle, Label: "Nickname", Values: []string{nick}},
		form.Field{Var: "muc#register_allow", Kind: form.Boolean, Label: "May this person belong to the room?", Values: []string{"0"}},
	)
	f.Title = "Registration with the room"
	return f
}

// askAdmins sends the admins of the room a request to approve (section 9.9).
func (r *Room) askAdmins(user jid.JID, nick string) {
	for j, e := range r.members.byJID {
		if e.Affiliation < Admin {
			continue
		}
		r.send(stanza.Build(stanza.Header{Kind: stanza.Message, From: r.jid, To: j}, func(w *xmltree.Writer) {
			approvalForm(form.TypeForm, user, nick).Write(w)
		}))
	}
}

// approveRegistration takes an admin's answer.
func (r *Room) approveRegistration(st *stanza.Stanza, f *form.Form) error {
	if r.members.of(st.From.Bare()) < Admin {
		return stanza.Refuse(stanza.Forbidden, "Only admins and owners may do this.")
	}
	v, err := approvalForm(form.TypeForm, jid.JID{}, "").Check(f)
	if err != nil {
		return formError(err, stanza.BadRequest)
	}
	user := v.JID("muc#jid").Clone().Bare()
	if !v.Bool("muc#register_allow") {
		return nil
	}
	if user.Local() == "" || r.members.of(user) == Outcast {
		return stanza.Refuse(stanza.NotAcceptable, "This person cannot be registered.")
	}
	nick := strings.Clone(v.Text("muc#register_roomnick"))
	if err := r.checkReservation(user, nick); err != nil {
		return err
	}
	return r.enrol(user, nick, r.actor(st.From), func() {})
}
