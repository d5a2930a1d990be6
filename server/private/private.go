// Package private keeps what clients store on the server for themselves alone: pieces of XML
// (XEP-0049), and bookmarks of rooms in all three of their forms.
//
// The master copy of bookmarks is in personal eventing, an item for each room (XEP-0402). What older
// clients read and write as one list, in personal eventing (XEP-0048) or as private XML, is made of
// that, and changes it.
package private

import (
	"context"
	"errors"
	"iter"
	"log/slog"

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
	// Publish publishes an item; options are those of a node that is made for it.
	Publish(a module.Account, node, id, payload string, options map[string]string) error
	// Retract removes items.
	Retract(a module.Account, node string, ids ...string) error
	// OnChange adds a function that is told when the items of a node have changed.
	OnChange(f func(a module.Account, node string))
}

// ErrFull means that an account would store more than it may.
var ErrFull = errors.New("private: too much")

// Store keeps pieces of XML. An account is named by its localpart.
type Store interface {
	// Get is the element of that name, "" for none.
	Get(ctx context.Context, account, space, name string) (string, error)
	// Set replaces elements, each in the place of the one of its name. An account has at most this many,
	// and so many bytes of them: otherwise it is [ErrFull], and nothing is changed.
	Set(ctx context.Context, account string, all []Piece, maxPieces, maxBytes int) error
}

// Piece is an element with a name of its own.
type Piece struct{ Space, Name, XML string }

// What one account may store.
const (
	maxPieces = 200
	maxBytes  = 1 << 20
)

// Feature is the feature.
type Feature struct {
	nodes Nodes
	store Store
	log   *slog.Logger
	syncs *module.Slot[syncing]
}

var _ module.Module = (*Feature)(nil)

// New makes the feature.
func New(nodes Nodes, store Store, log *slog.Logger) *Feature {
	return &Feature{nodes: nodes, store: store, log: log, syncs: module.NewSlot(func() *syncing { return &syncing{} })}
}

// Register implements [module.Module].
func (f *Feature) Register(r *module.Registry) {
	r.Implements(
		module.XEP{Number: 48, Name: "Bookmarks", Version: "1.2", Note: "converted from and to XEP-0402"},
		module.XEP{Number: 49, Name: "Private XML Storage", Version: "1.2"},
		module.XEP{Number: 402, Name: "PEP Native Bookmarks", Version: "1.2.0"},
		module.XEP{Number: 411, Name: "Bookmarks Conversion", Version: "1.1.0"},
		module.XEP{Number: 469, Name: "Bookmark Pinning", Version: "0.1.0", Note: "kept, also when an older client changes the bookmark"},
		module.XEP{Number: 492, Name: "Chat notification settings", Version: "0.2.0", Note: "kept, also when an older client changes the bookmark; what is muted wakes no app"},
	)
	r.Disco(module.OnServer, ns.PrivateStorage)
	r.Disco(module.OnAccount, ns.PrivateStorage, nsConversion, nodeBookmarks+"#compat", nodeBookmarks+"#compat-pep")
	r.HandleIQ(module.OnOwn, stanza.Get, ns.PrivateStorage, "query", f.get)
	r.HandleIQ(module.OnOwn, stanza.Set, ns.PrivateStorage, "query", f.set)
	f.nodes.OnChange(f.changed)
}

// get answers with a piece (XEP-0049 section 3.2), which is empty if there is none.
func (f *Feature) get(q *module.IQ) error {
	if q.Payload.CountChildren() != 1 {
		return stanza.Refuse(stanza.NotAcceptable, "Exactly one element can be asked for.")
	}
	e := q.Payload.First()
	if e.Space() == "" || e.Space() == ns.PrivateStorage {
		return stanza.Refuse(stanza.NotAcceptable, "The element needs a namespace of its own.")
	}
	var kept string
	var err error
	if e.Is(nodeStorage, "storage") {
		kept, err = f.list(q.Account)
	} else {
		kept, err = f.store.Get(context.Background(), q.Account.JID().Local(), e.Space(), e.Local())
	}
	if err != nil {
		return err
	}
	q.Result(func(w *xmltree.Writer) {
		w.Open(ns.PrivateStorage, "query")
		if kept == "" {
			w.Empty(e.Space(), e.Local())
		} else {
			w.Raw(kept)
		}
		w.Close()
	})
	return nil
}

// set replaces pieces (XEP-0049 section 3.1).
func (f *Feature) set(q *module.IQ) error {
	var pieces []Piece
	var bookmarks xmltree.Element
	for e := range q.Payload.Children() {
		if e.Space() == "" || e.Space() == ns.PrivateStorage {
			return stanza.Refuse(stanza.NotAcceptable, "The element needs a namespace of its own.")
		}
		if e.Is(nodeStorage, "storage") {
			bookmarks = e
			continue
		}
		pieces = append(pieces, Piece{e.Space(), e.Local(), xmltree.NewWriter(len(e.Source())+64).Copy(e, "").String()})
	}
	if len(pieces) == 0 && bookmarks.IsZero() {
		return stanza.Refuse(stanza.NotAcceptable, "There is nothing to store.")
	}
	if len(pieces) > 0 {
		err := f.store.Set(context.Background(), q.Account.JID().Local(), pieces, maxPieces, maxBytes)
		if errors.Is(err, ErrFull) {
			return stanza.Refuse(stanza.ResourceConstraint, "There is no room for more.")
		}
		if err != nil {
			return err
		}
	}
	if !bookmarks.IsZero() {
		// As if it were published, so that the others get to know of it.
		xml := xmltree.NewWriter(len(bookmarks.Source())+64).Copy(bookmarks, "").String()
		if err := f.nodes.Publish(q.Account, nodeStorage, current, xml, whitelist); err != nil {
			return err
		}
	}
	q.Result(nil)
	return nil
}
