// Package vcard answers for the vCards and the profile pictures of accounts.
//
// The master copies are in personal eventing: the picture (XEP-0084) and the vCard4 (XEP-0292). Older
// clients and rooms know vcard-temp only (XEP-0054, XEP-0153); theirs is read from the master copies,
// and what they set goes there (XEP-0398). Who may read a node may read what is made of it.
package vcard

import (
	"context"
	"iter"
	"log/slog"

	"kith/internal/config"
	"kith/internal/jid"
	"kith/internal/ns"
	"kith/internal/stanza"
	"kith/internal/xmltree"
	"kith/server/module"
)

// Nodes are what an account publishes.
type Nodes interface {
	// Items are ids and payloads of a node, oldest first: those with these ids, or all.
	Items(a module.Account, node string, ids ...string) (iter.Seq2[string, string], error)
	// Newest is the item that was published last; "" for none.
	Newest(a module.Account, node string) (id, payload string, err error)
	// Readable reports whether there is such a node and somebody, a bare JID, may read it.
	Readable(a module.Account, node string, who jid.JID) bool
	// Publish publishes an item; options are those of a node that is made for it.
	Publish(a module.Account, node, id, payload string, options map[string]string) error
	// Retract removes items.
	Retract(a module.Account, node string, ids ...string) error
	// OnChange adds a function that is told when the items of a node have changed.
	OnChange(f func(a module.Account, node string))
}

// Presences broadcasts presence again.
type Presences interface {
	Renew(a module.Account)
}

// Contacts tells who is no stranger.
type Contacts interface {
	Subscribed(a module.Account, contact jid.JID) bool
}

// Store keeps vCards as clients of vcard-temp have set them, without their pictures. An account is named by
// its localpart.
type Store interface {
	// VCard is the vCard element, "" for none.
	VCard(ctx context.Context, account string) (string, error)
	// SetVCard replaces it; "" removes it.
	SetVCard(ctx context.Context, account, vcard string) error
}

// Config is the section [vcard] of the configuration file.
type Config struct {
	// MaxPicture is the largest profile picture that is taken from clients of vcard-temp.
	MaxPicture config.Size `toml:"max_picture"`
	// MaxText is how much a vCard may hold beside its picture.
	MaxText config.Size `toml:"max_text"`
}

// Validate says which options are out of their bounds, all of them.
func (c Config) Validate() error {
	check := config.NewCheck("vcard")
	check.Size("max_picture", c.MaxPicture, 1<<10, 8<<20)
	check.Size("max_text", c.MaxText, 1<<10, 1<<20)
	return check.Err()
}

// DefaultConfig is what a server uses that is not told otherwise.
func DefaultConfig() Config { return Config{MaxPicture: 160 << 10, MaxText: 16 << 10} }

// Feature is the feature.
type Feature struct {
	nodes     Nodes
	presences Presences
	contacts  Contacts
	store     Store
	log       *slog.Logger
	config    Config

	pictures *module.Slot[picture]
	sessions *module.Slot[session]
}

var _ module.Module = (*Feature)(nil)

// New makes the feature.
func New(nodes Nodes, presences Presences, contacts Contacts, store Store, log *slog.Logger, c Config) *Feature {
	return &Feature{
		nodes: nodes, presences: presences, contacts: contacts, store: store, log: log, config: c,
		pictures: module.NewSlot(func() *picture { return &picture{} }),
		sessions: module.NewSlot(func() *session { return &session{} }),
	}
}

// The nodes, and the feature of XEP-0398.
const (
	nodeData     = "urn:xmpp:avatar:data"
	nodeMetadata = "urn:xmpp:avatar:metadata"
	nodeVCard4   = "urn:xmpp:vcard4"
	nsVCard4     = "urn:ietf:params:xml:ns:vcard-4.0"
	nsUpdate     = "vcard-temp:x:update"
	nsConversion = "urn:xmpp:pep-vcard-conversion:0"
)

// Register implements [module.Module].
func (f *Feature) Register(r *module.Registry) {
	r.Implements(
		module.XEP{Number: 54, Name: "vcard-temp", Version: "1.3.0"},
		module.XEP{Number: 84, Name: "User Avatar", Version: "1.1.4", Note: "in personal eventing"},
		module.XEP{Number: 153, Name: "vCard-Based Avatars", Version: "1.1.1", Note: "made of what is published by XEP-0084"},
		module.XEP{Number: 292, Name: "vCard4 Over XMPP", Version: "0.12.0", Note: "in personal eventing, and converted to and from vcard-temp"},
		module.XEP{Number: 398, Name: "User Avatar to vCard-Based Avatars Conversion", Version: "1.0.0"},
	)
	r.Disco(module.OnServer, ns.VCardTemp)
	r.Disco(module.OnAccount, ns.VCardTemp, nsConversion)
	r.HandleIQ(module.OnAccount, stanza.Get, ns.VCardTemp, "vCard", f.get)
	r.HandleIQ(module.OnOwn, stanza.Set, ns.VCardTemp, "vCard", f.set)
	r.OnFilter(f.inject)
	f.nodes.OnChange(f.changed)
}

// get answers with the vCard (XEP-0054 section 3.1). A stranger gets what is open, and learns nothing of
// an account that shows nothing.
func (f *Feature) get(q *module.IQ) error {
	a, who := q.Account, q.From().Bare()
	text := f.nodes.Readable(a, nodeVCard4, who)
	photo := f.nodes.Readable(a, nodeMetadata, who) && f.nodes.Readable(a, nodeData, who)
	if !text && !photo && !q.Own() && !f.contacts.Subscribed(a, who) {
		return stanza.Refuse(stanza.ServiceUnavailable, "")
	}
	w := xmltree.NewWriter(1024)
	w.Open(ns.VCardTemp, "vCard")
	if text {
		if err := f.writeText(w, a); err != nil {
			return err
		}
	}
	if photo {
		if err := f.writePhoto(w, a); err != nil {
			return err
		}
	}
	w.Close()
	q.Result(func(out *xmltree.Writer) { out.Raw(w.String()) })
	return nil
}

// writeText writes the children that are no picture: as a client of vcard-temp has set them, unless
// there is another vCard4 since then.
func (f *Feature) writeText(w *xmltree.Writer, a module.Account) error {
	_, master, err := f.nodes.Newest(a, nodeVCard4)
	if err != nil || master == "" {
		return err
	}
	kept, err := f.store.VCard(context.Background(), a.JID().Local())
	if err != nil {
		return err
	}
	if old := xmltree.Stored(kept); !old.IsZero() && toVCard4(old) == master {
		for c := range old.Children() {
			w.Copy(c, ns.VCardTemp)
		}
		return nil
	}
	fromVCard4(w, xmltree.Stored(master))
	return nil
}

// set replaces the vCard (XEP-0054 section 3.2), the picture included: one without a picture removes
// it.
func (f *Feature) set(q *module.IQ) error {
	a := q.Account
	photo, err := f.readPhoto(q.Payload)
	if err != nil {
		return err
	}
	w := xmltree.NewWriter(1024)
	w.Open(ns.VCardTemp, "vCard")
	for c := range q.Payload.Children() {
		if !c.Is(ns.VCardTemp, "PHOTO") {
			w.Copy(c, ns.VCardTemp)
		}
	}
	text := w.Close().String()
	if len(text) > int(f.config.MaxText) {
		return stanza.Refuse(stanza.NotAcceptable, "The vCard is too large.")
	}
	if err := f.setText(a, text); err != nil {
		return err
	}
	if err := f.setPhoto(a, photo); err != nil {
		return err
	}
	q.Result(nil)
	return nil
}

// current is the id of the one item of a node.
const current = "current"

func (f *Feature) setText(a module.Account, text string) error {
	ctx, local := context.Background(), a.JID().Local()
	id, master, err := f.nodes.Newest(a, nodeVCard4)
	if err != nil {
		return err
	}
	card := xmltree.Stored(text)
	if card.CountChildren() == 0 {
		if err := f.store.SetVCard(ctx, local, ""); err != nil || master == "" {
			return err
		}
		return f.nodes.Retract(a, nodeVCard4, id)
	}
	if err := f.store.SetVCard(ctx, local, text); err != nil {
		return err
	}
	next := toVCard4(card)
	if next == master {
		return nil
	}
	if id == "" {
		id = current
	}
	// A vCard has addresses and numbers in it: those are for contacts, unless it is said otherwise.
	return f.nodes.Publish(a, nodeVCard4, id, next, map[string]string{"pubsub#access_model": "presence"})
}
