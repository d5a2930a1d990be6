package muc

import (
	"strconv"

	"kith/internal/form"
	"kith/internal/jid"
	"kith/internal/ns"
	"kith/internal/stanza"
	"kith/internal/xmltree"
	"kith/server/module"
)

// visibleTo reports whether somebody may know more of the room than how it is configured: who belongs to it
// or is in it, and everybody if it is listed (XEP-0045 section 14.4).
func (r *Room) visibleTo(user jid.JID) bool {
	a := r.members.of(user)
	return a >= Member || a != Outcast && (r.config.Public || !r.config.MembersOnly) || r.present(user)
}

// info describes the room (XEP-0045 section 6.4).
func (r *Room) info(q *module.IQ) error {
	user := q.From().Bare()
	switch node := q.Payload.Attr("node"); node {
	case "":
		q.Result(func(w *xmltree.Writer) { r.writeInfo(w, r.visibleTo(user)) })
		return nil
	case nodeNick:
		// Section 7.12.
		nick := r.members.entry(user).Nick
		q.Result(func(w *xmltree.Writer) {
			if nick == "" {
				w.Empty(ns.DiscoInfo, "query", "node", node)
				return
			}
			w.Open(ns.DiscoInfo, "query", "node", node)
			w.Empty("", "identity", "category", "conference", "type", "text", "name", nick)
			w.Close()
		})
		return nil
	case nsTraffic:
		// Section 17.1.1: everything is passed on.
		return stanza.Refuse(stanza.ServiceUnavailable, "")
	default:
		return r.commandInfo(q, node)
	}
}

func (r *Room) writeInfo(w *xmltree.Writer, all bool) {
	name := ""
	if all {
		name = r.config.Name
	}
	w.Open(ns.DiscoInfo, "query")
	w.Empty("", "identity", "category", "conference", "type", "text", "name", name)
	for _, f := range r.features() {
		w.Empty("", "feature", "var", f)
	}
	if all {
		r.roomInfo().Write(w)
	}
	w.Close()
}

func (r *Room) features() []string {
	either := func(b bool, yes, no string) string {
		if b {
			return yes
		}
		return no
	}
	c := &r.config
	out := append([]string(nil), common...)
	out = append(out,
		nsSelfPing, formConfig, formInfo, formRegister, formRequest, ns.Register,
		ns.StanzaID, ns.Retract, tombstones, nsModerate, nsHats, ns.Commands,
		either(c.Public, "muc_public", "muc_hidden"),
		either(c.Persistent, "muc_persistent", "muc_temporary"),
		either(c.MembersOnly, "muc_membersonly", "muc_open"),
		either(c.Moderated, "muc_moderated", "muc_unmoderated"),
		either(c.NonAnonymous, "muc_nonanonymous", "muc_semianonymous"),
		either(c.Password != "", "muc_passwordprotected", "muc_unsecured"),
	)
	if r.hasLinks() {
		out = append(out, ns.KithGroupLink)
	}
	if c.Archive {
		out = append(out, ns.MAM, ns.MAMExtended, ns.FullText)
	}
	return out
}

// roomInfo is what a room tells about itself (section 15.5.4).
func (r *Room) roomInfo() *form.Form {
	c := &r.config
	boolean := func(b bool) []string {
		if b {
			return []string{"1"}
		}
		return []string{"0"}
	}
	f := form.New(form.TypeResult, formInfo,
		form.Field{Var: "muc#roominfo_description", Kind: form.TextSingle, Label: "Description", Values: []string{c.Description}},
		form.Field{Var: "muc#roominfo_subject", Kind: form.TextSingle, Label: "Subject", Values: []string{r.subjectText()}},
		form.Field{Var: "muc#roominfo_subjectmod", Kind: form.Boolean, Label: "Everybody may change the subject", Values: boolean(c.ChangeSubject)},
		form.Field{Var: "muc#roominfo_occupants", Kind: form.TextSingle, Label: "How many are in the room", Values: []string{strconv.Itoa(len(r.byNick))}},
		form.Field{Var: fieldSubject, Kind: form.Boolean, Label: "Everybody may change the subject", Values: boolean(c.ChangeSubject)},
		form.Field{Var: fieldInvites, Kind: form.Boolean, Label: "Members may invite others", Values: boolean(c.Invites)},
		form.Field{Var: fieldPrivate, Kind: form.ListSingle, Label: "Who may write private messages", Values: []string{c.PrivateMessages}},
		form.Field{Var: fieldHistory, Kind: form.TextSingle, Label: "How many messages who enters is shown", Values: []string{strconv.Itoa(min(c.MaxHistory, r.s.config.MaxHistory))}},
	)
	add := func(name, label string, kind form.Kind, values ...string) {
		f.Fields = append(f.Fields, form.Field{Var: name, Kind: kind, Label: label, Values: values})
	}
	if c.Name != "" {
		add(fieldName, "Name", form.TextSingle, c.Name)
	}
	if c.Lang != "" {
		add("muc#roominfo_lang", "Language", form.TextSingle, c.Lang)
	}
	if c.NonAnonymous {
		var owners []string
		for _, j := range r.withAffiliation(Owner) {
			owners = append(owners, j.String())
		}
		add("muc#roominfo_contactjid", "Owners", form.JIDMulti, owners...)
	}
	if len(r.avatar) > 0 {
		add("muc#roominfo_avatarhash", "Hashes of the picture", form.TextMulti, r.avatar...)
	}
	if len(r.hats.All) > 0 {
		add("hats#hash", "Hash of the hats", form.TextSingle, r.hats.hash())
	}
	return f
}

// items lists the occupants for those who are among them (section 6.5), or the commands of the room.
func (r *Room) items(q *module.IQ) error {
	user := q.From().Bare()
	node := q.Payload.Attr("node")
	if node != "" {
		return r.commandItems(q, node)
	}
	q.Result(func(w *xmltree.Writer) {
		if !r.present(user) {
			w.Empty(ns.DiscoItems, "query")
			return
		}
		w.Open(ns.DiscoItems, "query")
		for _, occ := range r.inOrder() {
			if r.config.shows(occ.role) {
				w.Empty("", "item", "jid", occ.jid.String())
			}
		}
		w.Close()
	})
	return nil
}

// listMembers answers with those who have an affiliation or a role (sections 8.5, 9.2, 9.5, 9.8, 10.5 and
// 10.8).
func (r *Room) listMembers(q *module.IQ) error {
	user := q.From().Bare()
	by := r.standingOf(user)
	var write []func(*xmltree.Writer)
	for e := range q.Payload.Children() {
		if !e.Is(nsAdmin, "item") {
			continue
		}
		a, hasAffiliation := e.LookupAttr("", "affiliation")
		role, hasRole := e.LookupAttr("", "role")
		if hasAffiliation == hasRole {
			return stanza.Refuse(stanza.BadRequest, "A list is either of an affiliation or of a role.")
		}
		if hasRole {
			of, ok := parseRole(role)
			if !ok || of == NoRole {
				return stanza.Refuse(stanza.BadRequest, "There is no such role.")
			}
			if by.role < Moderator || of == Moderator && by.affiliation < Admin {
				return stanza.Refuse(stanza.Forbidden, "You may not see this list.")
			}
			write = append(write, func(w *xmltree.Writer) { r.writeRole(w, of) })
			continue
		}
		of, ok := ParseAffiliation(a)
		if !ok || of == Unaffiliated {
			return stanza.Refuse(stanza.BadRequest, "There is no such affiliation.")
		}
		if !r.mayList(user, by, of) {
			return stanza.Refuse(stanza.Forbidden, "You may not see this list.")
		}
		write = append(write, func(w *xmltree.Writer) { r.writeAffiliation(w, of) })
	}
	if len(write) == 0 {
		return stanza.Refuse(stanza.BadRequest, "There is no list asked for.")
	}
	q.Result(func(w *xmltree.Writer) {
		w.Open(nsAdmin, "query")
		for _, f := range write {
			f(w)
		}
		w.Close()
	})
	return nil
}

// mayList decides who may see whom the room lists (section 5.2.1, note ***, and section 9.5). Clients need the
// lists of a private group to encrypt for its members.
func (r *Room) mayList(user jid.JID, by standing, of Affiliation) bool {
	switch {
	case by.affiliation == Owner:
		return true
	case of == Outcast:
		return by.affiliation >= Admin
	case !r.config.NonAnonymous:
		return of == Member && by.affiliation >= Admin
	case by.affiliation >= Admin:
		return true
	case r.present(user):
		role := NoRole
		for _, occ := range r.byUser[user] {
			role = max(role, occ.role)
		}
		return listsRole(r.config.MemberList, role)
	}
	// Who belongs to the room may, also from outside, what a participant may.
	return by.affiliation >= Member && listsRole(r.config.MemberList, Participant)
}

func (r *Room) writeAffiliation(w *xmltree.Writer, of Affiliation) {
	for _, j := range r.withAffiliation(of) {
		e := r.members.entry(j)
		nick := e.Nick
		if occs := r.byUser[j]; nick == "" && len(occs) > 0 && of != Outcast {
			nick = occs[0].nick
		}
		attrs := [...]string{"affiliation", of.String(), "jid", j.String(), "nick", nick}
		if e.Reason == "" {
			w.Empty("", "item", attrs[:]...)
			continue
		}
		w.Open("", "item", attrs[:]...).Element("", "reason", e.Reason).Close()
	}
}

func (r *Room) writeRole(w *xmltree.Writer, of Role) {
	for _, occ := range r.inOrder() {
		if occ.role == of {
			w.Empty("", "item", "affiliation", occ.affiliation.String(), "jid", occ.primary().jid.String(), "nick", occ.nick, "role", of.String())
		}
	}
}
