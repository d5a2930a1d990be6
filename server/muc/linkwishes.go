package muc

import (
	"strconv"
	"time"

	"kith/internal/ns"
	"kith/internal/stanza"
	"kith/internal/xmltree"
	"kith/server/module"
)

// What is asked about links into a room. Its admins see which there are (links), make one (make), let one work longer
// (renew) and take one back (revoke); the secret is shown once, to who makes the link. Whoever has a secret may look
// (look) what it leads to before entering.

// linkIQ takes such a request; false if it is none.
func (r *Room) linkIQ(q *module.IQ) (bool, error) {
	p, set := q.Payload, q.Stanza.Type == stanza.Set
	run := map[string]func(*module.IQ) error{"links": r.listLinks, "look": r.lookWith}
	if set {
		run = map[string]func(*module.IQ) error{"make": r.makeLink, "renew": r.renewLink, "revoke": r.revokeLink}
	}
	f := run[p.Local()]
	if p.Space() != ns.KithGroupLink || f == nil {
		return false, nil
	}
	return true, f(q)
}

// checkLinker refuses whoever may not hand out links.
func (r *Room) checkLinker(q *module.IQ) error {
	user := q.From().Bare()
	switch {
	case r.members.of(user) < Admin:
		return stanza.Refuse(stanza.Forbidden, "Only admins and owners may do this.")
	case !r.s.policy.MayInvite(user):
		return stanza.Refuse(stanza.Forbidden, "You may not invite people.")
	}
	return nil
}

func writeLink(w *xmltree.Writer, space string, l *Link, secret string) {
	attrs := []string{"id", l.ID}
	if secret != "" {
		attrs = append(attrs, "token", secret)
	}
	attrs = append(attrs, "by", l.By, "made", linkStamp(l.Made), "expires", linkStamp(l.Expires), "uses", strconv.Itoa(l.Uses))
	if l.Max > 0 {
		attrs = append(attrs, "max", strconv.Itoa(l.Max))
	}
	w.Empty(space, "link", attrs...)
}

// linkStamp is a time as XEP-0082 has it.
func linkStamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

func (r *Room) listLinks(q *module.IQ) error {
	if err := r.checkLinker(q); err != nil {
		return err
	}
	r.links = r.links.at(r.now())
	q.Result(func(w *xmltree.Writer) { writeLinks(w, r.links.All) })
	return nil
}

func writeLinks(w *xmltree.Writer, all []Link) {
	if len(all) == 0 {
		w.Empty(ns.KithGroupLink, "links")
		return
	}
	w.Open(ns.KithGroupLink, "links")
	for i := range all {
		writeLink(w, "", &all[i], "")
	}
	w.Close()
}

// lasting reads for how many seconds a link shall work; otherwise is what it says without.
func lasting(e xmltree.Element, otherwise time.Duration) (time.Duration, error) {
	text := e.Attr("seconds")
	if text == "" {
		return otherwise, nil
	}
	n, err := strconv.ParseInt(text, 10, 32)
	if d := time.Duration(n) * time.Second; err == nil && d >= minLinkTime && d <= maxLinkTime {
		return d, nil
	}
	return 0, stanza.Refuse(stanza.BadRequest, "A link works between a minute and a year.")
}

func (r *Room) makeLink(q *module.IQ) error {
	if err := r.checkLinker(q); err != nil {
		return err
	}
	if !r.hasLinks() {
		return stanza.Refuse(stanza.NotAllowed, "Links lead into rooms that are for members only and have no password.")
	}
	lasts, err := lasting(q.Payload, linkTime)
	if err != nil {
		return err
	}
	most := 0
	if text := q.Payload.Attr("max"); text != "" {
		if most, err = strconv.Atoi(text); err != nil || most < 1 || most > r.s.config.MaxMembers {
			return stanza.Refuse(stanza.BadRequest, "A link is for at least one person, and for no more than the room may have.")
		}
	}
	next := r.links.at(r.now())
	if len(next.All) >= maxLinks {
		return stanza.Refuse(stanza.ResourceConstraint, "The room has too many links.")
	}
	l, secret := newLink(q.From().Clone().Bare(), r.now(), lasts, most)
	next.All = append(next.All, l)
	if err := r.saveLinks(next); err != nil {
		return err
	}
	q.Result(func(w *xmltree.Writer) { writeLink(w, ns.KithGroupLink, &l, secret) })
	return nil
}

func (r *Room) saveLinks(next Links) error {
	if err := r.s.store.SaveLinks(bg, r.jid.Local(), next, nil); err != nil {
		return err
	}
	r.links = next
	return nil
}

// named is the position of the link that a request is about, among those that work.
func (l Links) named(q *module.IQ) (int, error) {
	if i := l.index(q.Payload.Attr("id")); i >= 0 {
		return i, nil
	}
	return -1, stanza.Refuse(stanza.ItemNotFound, "There is no such link.")
}

// renewLink lets a link work from now on for as long as it did when it was made, or another time.
func (r *Room) renewLink(q *module.IQ) error {
	if err := r.checkLinker(q); err != nil {
		return err
	}
	next := r.links.at(r.now())
	i, err := next.named(q)
	if err != nil {
		return err
	}
	l := &next.All[i]
	if l.Lasts, err = lasting(q.Payload, l.Lasts); err != nil {
		return err
	}
	l.Expires = r.now().UTC().Truncate(time.Millisecond).Add(l.Lasts)
	if err := r.saveLinks(next); err != nil {
		return err
	}
	q.Result(func(w *xmltree.Writer) { writeLink(w, ns.KithGroupLink, l, "") })
	return nil
}

func (r *Room) revokeLink(q *module.IQ) error {
	if err := r.checkLinker(q); err != nil {
		return err
	}
	next := r.links.at(r.now())
	i, err := next.named(q)
	if err != nil {
		return err
	}
	next.All[i].Expires = r.now()
	if err := r.saveLinks(next.at(r.now())); err != nil {
		return err
	}
	q.Result(nil)
	return nil
}

// lookWith tells who has a link, or belongs to the room, what it is.
func (r *Room) lookWith(q *module.IQ) error {
	user := q.From().Bare()
	switch a := r.members.of(user); {
	case a == Outcast:
		return stanza.Refuse(stanza.Forbidden, "You are banned from this room.")
	case a < Member:
		if _, err := r.opened(user, q.Payload.Attr("token")); err != nil {
			return err
		}
	}
	people := 0
	for j, e := range r.members.byJID {
		if e.Affiliation >= Member && j.Local() != "" {
			people++
		}
	}
	q.Result(func(w *xmltree.Writer) { writeLooked(w, r.config.Name, r.config.Description, people) })
	return nil
}

func writeLooked(w *xmltree.Writer, name, description string, people int) {
	w.Open(ns.KithGroupLink, "group", "name", name, "people", strconv.Itoa(people))
	if description != "" {
		w.Element("", "description", description)
	}
	w.Close()
}
