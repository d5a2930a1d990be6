package muc

import (
	"time"

	"kith/internal/form"
	"kith/internal/jid"
	"kith/internal/ns"
	"kith/internal/stanza"
	"kith/internal/xmltree"
)

const (
	// maxVoices bounds what is remembered about voices.
	maxVoices = 1000
	// voiceEvery is how often somebody may ask for voice.
	voiceEvery = time.Minute
)

// voices is who was given voice or had it taken away, as long as the room is in memory, and when who asked
// for it.
type voices struct {
	roles map[jid.JID]Role
	asked map[jid.JID]time.Time
}

func (v *voices) lookup(user jid.JID) (Role, bool) {
	role, ok := v.roles[user]
	return role, ok
}

func (v *voices) set(user jid.JID, role Role) {
	if v.roles == nil {
		v.roles = map[jid.JID]Role{}
	}
	if _, known := v.roles[user]; !known && len(v.roles) >= maxVoices {
		return
	}
	v.roles[user] = role
}

// mayAsk reports whether it is time that a user asks again, and takes note.
func (v *voices) mayAsk(user jid.JID, now time.Time) bool {
	if at, ok := v.asked[user]; ok && now.Sub(at) < voiceEvery {
		return false
	}
	if v.asked == nil || len(v.asked) >= maxVoices {
		v.asked = map[jid.JID]time.Time{}
	}
	v.asked[user] = now
	return true
}

// submitted takes a form that was sent to the room.
func (r *Room) submitted(st *stanza.Stanza, x xmltree.Element) error {
	f, err := form.Parse(x)
	if err != nil {
		return formError(err, stanza.BadRequest)
	}
	if f.Type == form.TypeCancel {
		return nil // somebody does not want to decide
	}
	switch f.Protocol() {
	case formRequest:
		return r.voice(st, f)
	case formRegister:
		return r.approveRegistration(st, f)
	}
	return stanza.Refuse(stanza.BadRequest, "The room does not know this form.")
}

func voiceForm(t form.Type, who jid.JID, nick string) *form.Form {
	f := form.New(t, formRequest,
		form.Field{Var: "muc#role", Kind: form.ListSingle, Label: "Requested role", Values: []string{"participant"}, Options: []form.Option{{Label: "Participant", Value: "participant"}}},
		form.Field{Var: "muc#jid", Kind: form.JIDSingle, Label: "Address", Values: []string{who.String()}},
		form.Field{Var: "muc#roomnick", Kind: form.TextSingle, Label: "Nickname", Values: []string{nick}},
		form.Field{Var: "muc#request_allow", Kind: form.Boolean, Label: "May this person speak?", Values: []string{"0"}},
	)
	f.Title = "Request for voice"
	return f
}

// voice takes a request for voice (XEP-0045 section 7.13), or a moderator's answer to one (section 8.6).
func (r *Room) voice(st *stanza.Stanza, f *form.Form) error {
	s, err := r.speaker(st)
	if err != nil {
		return err
	}
	v, err := voiceForm(form.TypeForm, jid.JID{}, "").Check(f)
	switch {
	case err != nil:
		return formError(err, stanza.BadRequest)
	case v.Has("muc#request_allow"):
		return r.grantVoice(s, v)
	case v.Text("muc#role") != "participant":
		return stanza.Refuse(stanza.BadRequest, "Only voice can be asked for.")
	case s.occ.role >= Participant:
		return nil
	case !r.voices.mayAsk(s.occ.user, r.now()):
		return &stanza.Fault{Condition: stanza.ResourceConstraint, Text: "You have just asked."}
	}
	out := stanza.Build(stanza.Header{Kind: stanza.Message, From: r.jid}, func(w *xmltree.Writer) {
		voiceForm(form.TypeForm, s.jid, s.occ.nick).Write(w)
		w.Empty(ns.Hints, "no-store")
	})
	for _, o := range r.sessions {
		if o.occ.role == Moderator {
			r.give(o, out)
		}
	}
	return nil
}

func (r *Room) grantVoice(s *session, v form.Values) error {
	if !v.Bool("muc#request_allow") {
		return nil
	}
	occ := r.named(v.Text("muc#roomnick"))
	if occ == nil || !v.JID("muc#jid").IsZero() && v.JID("muc#jid").Bare() != occ.user {
		return stanza.Refuse(stanza.ItemNotFound, "Who asked for voice is not here any more.")
	}
	it := item{occ: occ, role: Participant}
	if occ.role >= Participant {
		return nil
	}
	if err := r.checkRoleOf(s.occ.user, it); err != nil {
		return err
	}
	r.setRole(it, s.occ.nick, func() {})
	return nil
}
