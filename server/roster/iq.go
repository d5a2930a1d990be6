package roster

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"kith/internal/jid"
	"kith/internal/ns"
	"kith/internal/stanza"
	"kith/internal/xmltree"
	"kith/server/module"
)

// get answers a client that asks for the roster (RFC 6121 sections 2.1.3 and 2.6), which from then
// on gets what changes in it.
func (r *Roster) get(q *module.IQ) error {
	c, err := r.load(q.Account)
	if err != nil {
		return err
	}
	if q.Session != nil {
		r.interest.Of(q.Session.Slots()).asked = true
	}
	had, versioned := q.Payload.LookupAttr("", "ver")
	if versioned && q.Session != nil {
		// Single pushes cost more than the items in one result.
		if changed, ok := c.since(had); ok && len(changed) <= max(4, c.listed/2) {
			q.Result(nil)
			for i := range changed {
				q.Session.Send(pushTo(q.Session, pushContent(c, &changed[i]), changed[i].Ver))
			}
			return nil
		}
	}
	ver := ""
	if versioned {
		ver = c.version(c.ver)
	}
	q.Result(func(w *xmltree.Writer) {
		w.Open(ns.Roster, "query", "ver", ver)
		for _, e := range c.sorted(func(e *Entry) bool { return e.Listed }) {
			writeItem(w, e)
		}
		w.Close()
	})
	return nil
}

// set adds, changes or removes one item (RFC 6121 sections 2.3 to 2.5).
func (r *Roster) set(q *module.IQ) error {
	item, err := r.readItem(q)
	if err != nil {
		return err
	}
	if item.remove {
		err = r.remove(q.Account, item.contact)
	} else {
		err = r.save(q.Account, item)
	}
	if err != nil {
		return err
	}
	q.Result(nil)
	return nil
}

// item is what a client may say about a contact.
type item struct {
	contact jid.JID
	name    string
	groups  []string
	remove  bool
}

// readItem reads a roster set; the errors are those of RFC 6121 section 2.3.3.
func (r *Roster) readItem(q *module.IQ) (item, error) {
	if q.Payload.CountChildren() != 1 {
		return item{}, stanza.Refuse(stanza.BadRequest, "A roster set has exactly one item.")
	}
	e := q.Payload.Child(ns.Roster, "item")
	address, ok := e.LookupAttr("", "jid")
	if !ok {
		return item{}, stanza.Refuse(stanza.BadRequest, "A roster set has exactly one item with a jid.")
	}
	contact, err := jid.Parse(address)
	if err != nil {
		return item{}, &stanza.Fault{Condition: stanza.JIDMalformed, Text: "The jid is no valid address.", Cause: err}
	}
	if !contact.IsBare() {
		return item{}, stanza.Refuse(stanza.JIDMalformed, "A contact is an address without a resource.")
	}
	if contact == q.Account.JID() {
		return item{}, stanza.Refuse(stanza.NotAllowed, "Nobody is a contact of their own.")
	}
	it := item{contact: contact.Clone(), name: strings.Clone(e.Attr("name")), remove: e.Attr("subscription") == "remove"}
	if it.remove {
		return it, nil
	}
	tooLong := func(what string) error {
		return stanza.Refuse(stanza.NotAcceptable, fmt.Sprintf("The name of a %s has at most %d bytes.", what, r.config.MaxName))
	}
	if len(it.name) > r.config.MaxName {
		return item{}, tooLong("contact")
	}
	for g := range e.Children() {
		if !g.Is(ns.Roster, "group") {
			continue
		}
		name := g.Text()
		switch {
		case name == "":
			return item{}, stanza.Refuse(stanza.NotAcceptable, "A group needs a name.")
		case len(name) > r.config.MaxName:
			return item{}, tooLong("group")
		case slices.Contains(it.groups, name):
			return item{}, stanza.Refuse(stanza.BadRequest, "A group is named twice.")
		case len(it.groups) == r.config.MaxGroups:
			return item{}, stanza.Refuse(stanza.NotAcceptable, fmt.Sprintf("A contact is in at most %d groups.", r.config.MaxGroups))
		}
		it.groups = append(it.groups, strings.Clone(name))
	}
	return it, nil
}

// save adds an item, or gives one a new name and groups. The state of the subscription is not the
// client's to set.
func (r *Roster) save(a module.Account, it item) error {
	if err := r.room(a, it.contact); err != nil {
		return err
	}
	groups := it.groups
	for _, g := range r.tied(a, it.contact) {
		if !slices.Contains(groups, g) {
			groups = append(groups, g)
		}
	}
	shifts, err := r.update(a, Change{a.JID().Local(), it.contact, func(e *Entry) error {
		e.Listed, e.Name, e.Groups = true, it.name, groups
		return nil
	}})
	r.announceAll(a, shifts)
	return err
}

// room refuses one contact too many.
func (r *Roster) room(a module.Account, contact jid.JID) error {
	c, err := r.load(a)
	if err != nil {
		return err
	}
	if e := c.entries[contact]; (e == nil || !e.Listed) && c.listed >= r.config.MaxContacts {
		return stanza.Refuse(stanza.PolicyViolation, fmt.Sprintf("A roster has at most %d contacts.", r.config.MaxContacts))
	}
	return nil
}

// remove takes a contact out of the roster and ends all that was agreed (RFC 6121 section 2.5.2).
func (r *Roster) remove(a module.Account, contact jid.JID) error {
	if err := r.free(a, contact); err != nil {
		return err
	}
	return r.Drop(a, contact)
}

// Drop takes a contact out of the roster and ends all that was agreed, inside the actor, whatever the
// account wants.
func (r *Roster) Drop(a module.Account, contact jid.JID) error {
	var was State
	shifts, err := r.update(a, Change{a.JID().Local(), contact, func(e *Entry) error {
		if !e.Listed {
			return stanza.Refuse(stanza.ItemNotFound, "")
		}
		was = e.State
		e.Unlist()
		e.Requested, e.Request = false, ""
		return nil
	}})
	if err != nil {
		return err
	}
	r.announceAll(a, shifts)
	if was.To || was.Asked && !r.withdraw(a, contact) {
		a.Route(subscription(stanza.Unsubscribe, a.JID(), contact))
	}
	if was.From || was.Requested {
		a.Route(subscription(stanza.Unsubscribed, a.JID(), contact))
	}
	return nil
}

func (r *Roster) announceAll(a module.Account, shifts []shift) {
	r.announce(a, shifts, false)
	r.announce(a, shifts, true)
}

func writeItem(w *xmltree.Writer, e *Entry) {
	ask, approved := "", ""
	if e.Asked {
		ask = "subscribe"
	}
	if e.Approved {
		approved = "true"
	}
	attrs := [...]string{"jid", e.Contact.String(), "name", e.Name, "subscription", e.Subscription(), "ask", ask, "approved", approved}
	if !e.Listed {
		attrs[5] = "remove"
	}
	if len(e.Groups) == 0 {
		w.Empty("", "item", attrs[:]...)
		return
	}
	w.Open("", "item", attrs[:]...)
	for _, g := range e.Groups {
		w.Element("", "group", g)
	}
	w.Close()
}

// push sends an item to all sessions that asked for the roster (RFC 6121 section 2.1.6).
func (r *Roster) push(a module.Account, c *contacts, e Entry) {
	content := ""
	for s := range a.Sessions() {
		if i := r.interest.Peek(s.Slots()); i == nil || !i.asked {
			continue
		}
		if content == "" {
			content = pushContent(c, &e)
		}
		s.Send(pushTo(s, content, e.Ver))
	}
}

func pushContent(c *contacts, e *Entry) string {
	w := xmltree.NewWriter(256)
	w.Open(ns.Roster, "query", "ver", c.version(e.Ver))
	writeItem(w, e)
	return w.Close().String()
}

func pushTo(s module.Session, content string, ver int64) *stanza.Stanza {
	return stanza.New(stanza.Header{
		Kind: stanza.IQ, Type: stanza.Set, ID: "roster-" + strconv.FormatInt(ver, 10), To: s.JID(),
	}, content)
}
