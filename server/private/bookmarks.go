package private

import (
	"context"
	"log/slog"
	"strings"

	"kith/internal/jid"
	"kith/internal/ns"
	"kith/internal/xmltree"
	"kith/server/module"
)

// The nodes, and the feature of XEP-0411.
const (
	nodeBookmarks = ns.Bookmarks
	nodeStorage   = "storage:bookmarks"
	nsConversion  = "urn:xmpp:bookmarks-conversion:0"
)

// current is the id of the one item of the old node (XEP-0048 section 4).
const current = "current"

// The options of the nodes: nobody else may see either (XEP-0402 section 4.1).
var (
	whitelist = map[string]string{"pubsub#access_model": "whitelist", "pubsub#persist_items": "true"}
	native    = map[string]string{
		"pubsub#access_model": "whitelist", "pubsub#persist_items": "true", "pubsub#max_items": "max",
		"pubsub#send_last_published_item": "never",
	}
)

// syncing is set while one form is made of the other, whose changes are no news then.
type syncing struct{ busy bool }

// changed brings one form of the bookmarks up to date when the other has changed.
func (f *Feature) changed(a module.Account, node string) {
	if node != nodeBookmarks && node != nodeStorage {
		return
	}
	s := f.syncs.Of(a.Slots())
	if s.busy {
		return
	}
	s.busy = true
	defer func() { s.busy = false }()
	sync := f.toNative
	if node == nodeBookmarks {
		sync = f.toStorage
	}
	if err := sync(a); err != nil {
		f.log.LogAttrs(context.Background(), slog.LevelError, "converting bookmarks failed", slog.Any("error", err))
	}
}

// bookmark is what both forms have of a room.
type bookmark struct {
	name, nick, password string
	autojoin             bool
}

// read reads a conference element of either form.
func read(e xmltree.Element) bookmark {
	space := e.Space()
	auto := strings.TrimSpace(e.Attr("autojoin"))
	return bookmark{
		name: e.Attr("name"), nick: e.ChildText(space, "nick"), password: e.ChildText(space, "password"),
		autojoin: auto == "1" || auto == "true",
	}
}

func (b bookmark) attrs() []string {
	attrs := []string{"name", b.name}
	if b.autojoin {
		attrs = append(attrs, "autojoin", "true")
	}
	return attrs
}

func (b bookmark) children(w *xmltree.Writer) {
	if b.nick != "" {
		w.Element("", "nick", b.nick)
	}
	if b.password != "" {
		w.Element("", "password", b.password)
	}
}

// update is the native form with this in it, and everything else that was there: extensions, and what
// is not known here.
func update(old xmltree.Element, b bookmark) string {
	w := xmltree.NewWriter(256)
	attrs := b.attrs()
	if !old.IsZero() {
		for at := range old.Attrs() {
			if at.Space == "" && at.Local != "name" && at.Local != "autojoin" {
				attrs = append(attrs, at.Local, at.Value)
			}
		}
	}
	w.Open(nodeBookmarks, "conference", attrs...)
	b.children(w)
	if !old.IsZero() {
		for c := range old.Children() {
			if !c.Is(nodeBookmarks, "nick") && !c.Is(nodeBookmarks, "password") {
				w.Copy(c, nodeBookmarks)
			}
		}
	}
	return w.Close().String()
}

// toNative changes the items of the native form to what an older client has written.
func (f *Feature) toNative(a module.Account) error {
	_, text, err := f.nodes.Newest(a, nodeStorage)
	if err != nil {
		return err
	}
	items, err := f.nodes.Items(a, nodeBookmarks)
	if err != nil {
		return err
	}
	type item struct {
		id  string
		xml xmltree.Element
	}
	have := map[jid.JID]item{}
	for id, payload := range items {
		if room, err := jid.Parse(id); err == nil {
			have[room.Bare()] = item{id, xmltree.Stored(payload)}
		}
	}
	wanted := map[jid.JID]bool{}
	for e := range xmltree.Stored(text).Children() {
		room, err := jid.Parse(e.Attr("jid"))
		if err != nil || !e.Is(nodeStorage, "conference") || wanted[room.Bare()] {
			continue
		}
		room = room.Bare()
		wanted[room] = true
		b, was := read(e), have[room]
		if was.id == "" {
			was.id = room.String()
		} else if read(was.xml) == b {
			continue
		}
		if err := f.nodes.Publish(a, nodeBookmarks, was.id, update(was.xml, b), native); err != nil {
			return err
		}
	}
	var gone []string
	for room, it := range have {
		if !wanted[room] {
			gone = append(gone, it.id)
		}
	}
	return f.nodes.Retract(a, nodeBookmarks, gone...)
}

// list is the old form, made of the native one. What only the old one has, such as addresses of web
// pages, is what was last written in it.
func (f *Feature) list(a module.Account) (string, error) {
	items, err := f.nodes.Items(a, nodeBookmarks)
	if err != nil {
		return "", err
	}
	_, text, err := f.nodes.Newest(a, nodeStorage)
	if err != nil {
		return "", err
	}
	w := xmltree.NewWriter(1024)
	w.Open(nodeStorage, "storage")
	for id, payload := range items {
		room, err := jid.Parse(id)
		e := xmltree.Stored(payload)
		if err != nil || !e.Is(nodeBookmarks, "conference") {
			continue
		}
		b := read(e)
		w.Open("", "conference", append([]string{"jid", room.Bare().String()}, b.attrs()...)...)
		b.children(w)
		w.Close()
	}
	for e := range xmltree.Stored(text).Children() {
		if !e.Is(nodeStorage, "conference") {
			w.Copy(e, nodeStorage)
		}
	}
	return w.Close().String(), nil
}

// toStorage publishes the old form anew if it says something else than before.
func (f *Feature) toStorage(a module.Account) error {
	next, err := f.list(a)
	if err != nil {
		return err
	}
	_, was, err := f.nodes.Newest(a, nodeStorage)
	if err != nil || same(xmltree.Stored(was), xmltree.Stored(next)) {
		return err
	}
	return f.nodes.Publish(a, nodeStorage, current, next, whitelist)
}

// same reports whether two lists have the same rooms in them.
func same(x, y xmltree.Element) bool {
	rooms := func(list xmltree.Element) map[string]bookmark {
		m := map[string]bookmark{}
		for e := range list.Children() {
			if e.Is(nodeStorage, "conference") {
				m[e.Attr("jid")] = read(e)
			}
		}
		return m
	}
	a, b := rooms(x), rooms(y)
	for room, v := range a {
		if w, ok := b[room]; !ok || v != w {
			return false
		}
	}
	return len(a) == len(b)
}
