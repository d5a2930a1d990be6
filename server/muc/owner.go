package muc

import (
	"errors"
	"maps"
	"slices"
	"strings"

	"kith/internal/form"
	"kith/internal/jid"
	"kith/internal/ns"
	"kith/internal/stanza"
	"kith/internal/xmltree"
	"kith/server/module"
)

// checkOwner refuses whoever is not an owner.
func (r *Room) checkOwner(user jid.JID) error {
	if r.members.of(user) != Owner {
		return stanza.Refuse(stanza.Forbidden, "Only owners may do this.")
	}
	return nil
}

// withAffiliation are the users of this affiliation, in the order of their addresses.
func (r *Room) withAffiliation(a Affiliation) (out []jid.JID) {
	for j, e := range r.members.byJID {
		if e.Affiliation == a {
			out = append(out, j)
		}
	}
	slices.SortFunc(out, func(a, b jid.JID) int { return strings.Compare(a.String(), b.String()) })
	return out
}

func (r *Room) configForm() *form.Form {
	return r.config.form(r.s.config.MaxOccupants, r.withAffiliation(Admin), r.withAffiliation(Owner))
}

// sendConfig answers an owner who wants to configure the room (XEP-0045 sections 10.1.3 and 10.2).
func (r *Room) sendConfig(q *module.IQ) error {
	if err := r.checkOwner(q.From().Bare()); err != nil {
		return err
	}
	q.Result(func(w *xmltree.Writer) {
		w.Open(nsOwner, "query")
		r.configForm().Write(w)
		w.Close()
	})
	return nil
}

// ownerSet takes what only owners may ask for.
func (r *Room) ownerSet(q *module.IQ) error {
	if err := r.checkOwner(q.From().Bare()); err != nil {
		return err
	}
	if d := q.Payload.Child(nsOwner, "destroy"); !d.IsZero() {
		return r.destroyFor(q, d)
	}
	x := q.Payload.Child(ns.DataForms, "x")
	f, err := form.Parse(x)
	if err != nil {
		return formError(err, stanza.BadRequest)
	}
	switch f.Type {
	case form.TypeCancel:
		if r.locked {
			q.Result(nil)
			return r.destroy(destruction{})
		}
		q.Result(nil)
		return nil
	case form.TypeSubmit:
		return r.configure(q, f)
	default:
		return stanza.Refuse(stanza.BadRequest, "A submitted form is needed.")
	}
}

// destroyFor ends the room for an owner (section 10.9).
func (r *Room) destroyFor(q *module.IQ, d xmltree.Element) error {
	end := destruction{password: d.ChildText(nsOwner, "password"), reason: clip(d.ChildText(nsOwner, "reason"))}
	if v := d.Attr("jid"); v != "" {
		j, err := jid.Parse(v)
		if err != nil {
			return &stanza.Fault{Condition: stanza.JIDMalformed, Cause: err}
		}
		end.venue = j.String()
	}
	if err := r.destroy(end); err != nil {
		return err
	}
	q.Result(nil)
	return nil
}

// maxReason bounds what people give as a reason, in bytes.
const maxReason = 1024

// clip bounds a text for people.
func clip(s string) string {
	if len(s) > maxReason {
		s = strings.ToValidUTF8(s[:maxReason], "")
	}
	return strings.Clone(s)
}

// configure takes a filled-in form. Empty, it accepts what the room is (section 10.1.2).
func (r *Room) configure(q *module.IQ, submitted *form.Form) error {
	c := r.config
	var changed []Entry
	if len(submitted.Fields) > 0 {
		v, err := r.configForm().Check(submitted)
		if err != nil {
			return formError(err, stanza.NotAcceptable)
		}
		if c, err = r.config.apply(v, r.s.config.MaxOccupants); err != nil {
			return err
		}
		if changed, err = r.listed(v, c); err != nil {
			return err
		}
	}
	before, fresh := r.config, r.locked
	if fresh {
		if err := r.checkOwned(q.From().Bare()); err != nil {
			return err
		}
		err := r.unlock(q.From().Bare(), c, changed)
		if errors.Is(err, ErrTooMany) {
			err = tooManyRooms()
		}
		if err != nil {
			return err
		}
	} else if err := r.s.store.SaveConfig(bg, r.jid.Local(), c, changed); err != nil {
		return err
	}
	r.config = c
	for _, e := range changed {
		r.members.set(e)
	}
	q.Result(nil)
	r.reconfigured(before, fresh)
	return nil
}

// listed are the changes of affiliations that a form asks for: its lists of admins and owners are
// complete.
func (r *Room) listed(v form.Values, c RoomConfig) ([]Entry, error) {
	want := map[jid.JID]Affiliation{}
	for _, list := range []struct {
		field string
		a     Affiliation
	}{{fieldAdmins, Admin}, {fieldOwners, Owner}} {
		users := v.JIDs(list.field)
		if !v.Has(list.field) {
			users = r.withAffiliation(list.a)
		}
		if len(users) > maxAffiliatedForm {
			return nil, refuseField(list.field, "has too many entries")
		}
		for _, j := range users {
			j = j.Clone().Bare()
			if j.Local() == "" {
				return nil, refuseField(list.field, "has an address that is nobody's")
			}
			want[j] = max(want[j], list.a)
		}
	}
	if !slices.Contains(slices.Collect(maps.Values(want)), Owner) {
		return nil, stanza.Refuse(stanza.Conflict, "A room needs an owner.")
	}
	var changed []Entry
	for j, a := range want {
		if e := r.members.entry(j); e.Affiliation != a {
			e.Affiliation, e.Reason = a, ""
			changed = append(changed, e)
		}
	}
	for j, e := range r.members.byJID {
		if e.Affiliation < Admin || want[j] >= Admin {
			continue
		}
		was := *e
		// Section 10.2: who is not an admin any more still belongs to a room for members.
		was.Affiliation = Unaffiliated
		if c.MembersOnly {
			was.Affiliation = Member
		}
		changed = append(changed, was)
	}
	return changed, r.checkMembers(changed)
}

// reconfigured puts a configuration into effect (sections 10.2 and 10.2.1). The maker of a fresh room knows
// what is new about it.
func (r *Room) reconfigured(before RoomConfig, fresh bool) {
	for _, occ := range r.byNick {
		occ.changed()
	}
	if before.Moderated && !r.config.Moderated {
		r.voices = voices{}
	}
	r.reconsider(change{codes: []int{codeMembersOnly}})
	if before.Moderated && !r.config.Moderated {
		r.giveVoice()
	}
	code := codeConfigured
	switch {
	case fresh:
		return
	case r.config.NonAnonymous && !before.NonAnonymous:
		code = codeNowNonAnonymous
	case !r.config.NonAnonymous && before.NonAnonymous:
		code = codeNowSemiAnonymous
	}
	r.tellCode(code)
	if code == codeNowNonAnonymous && len(r.sessions) <= maxReveal {
		for _, s := range r.sessions {
			r.introduce(s)
		}
	}
}

// maxReveal is up to how many clients a room tells everybody who everybody is when it stops being
// anonymous. In a larger one they learn it when they enter the next time.
const maxReveal = 200

// tellCode tells everybody that the configuration has changed.
func (r *Room) tellCode(code int) {
	st := stanza.Build(stanza.Header{Kind: stanza.Message, Type: stanza.Groupchat, From: r.jid}, func(w *xmltree.Writer) {
		w.Open(ns.MUCUser, "x")
		writeCodes(w, []int{code})
		w.Close()
	})
	to := r.everybody()
	r.later(func() {
		for _, s := range to {
			r.deliver(s, st)
		}
	})
}

// giveVoice makes participants of the visitors of a room that is not moderated any more.
func (r *Room) giveVoice() {
	for _, occ := range r.inOrder() {
		if before := occ.role; before == Visitor {
			occ.role = Participant
			r.update(occ, before, "", "")
		}
	}
}

// inOrder are the occupants in the order of their coming.
func (r *Room) inOrder() []*occupant {
	out := make([]*occupant, 0, len(r.byNick))
	for _, s := range r.sessions {
		if s == s.occ.sessions[0] {
			out = append(out, s.occ)
		}
	}
	return out
}
