package push

import (
	"iter"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"kith/internal/jid"
	"kith/internal/ns"
	"kith/internal/payload"
	"kith/internal/stanza"
	"kith/internal/xmltree"
	"kith/server/module"
)

// What a person wants to hear nothing of wakes nobody. Apps tell each other what that is on nodes of their account, and there it is
// read when there is somebody to wake: nothing is told to the server for this. What names the person in an encrypted message
// only apps can tell; they are woken then, a browser so that it makes no noise.

// Nodes are an account's own nodes (XEP-0163).
type Nodes interface {
	// Items are ids and payloads of a node, oldest first: those with these ids, or all. A node that is not there has none.
	Items(a module.Account, node string, ids ...string) (iter.Seq2[string, string], error)
}

const (
	// nsChats is the node on which Kith's own apps keep where chats stand, muted ones too.
	nsChats = "kith:chats:0"
	// nsNotify is that of the settings beside a bookmark (XEP-0492).
	nsNotify    = "urn:xmpp:notification-settings:1"
	nsReference = "urn:xmpp:reference:0" // XEP-0372
	// forever is the time until which something is muted for good.
	forever = "forever"
)

// NSQuiet is the namespace of the mark that the server's own service for browsers gets for what is to make no noise.
const NSQuiet = "kith:webpush:0"

// volume is how loudly an app is told.
type volume int

const (
	silent volume = iota
	// quiet: there may be something, which only the app can tell.
	quiet
	loud
)

// setting is what of a chat is told (XEP-0492 section 2.1).
type setting int

const (
	unset setting = iota
	never
	onMention
	always
)

// Heed makes the service look at what people have muted. browsers is the address of the server's own service for browsers, whose
// apps know nsChats. It must be called before anything is served.
func (s *Service) Heed(nodes Nodes, browsers jid.JID) { s.nodes, s.browsers = nodes, browsers }

// Tell wakes the apps of an account for a message, as [Service.Wake] does, as far as its person wants to hear of the chat it is in. It must be called inside the
// actor.
func (s *Service) Tell(a module.Account, st *stanza.Stanza) {
	s.wake(a, func(*registration) bool { return true }, s.ear(a, st))
}

// ear tells how loudly an app is told of a message. It looks when it is asked first.
func (s *Service) ear(a module.Account, st *stanza.Stanza) func(*registration) volume {
	var web, others volume
	asked := false
	return func(r *registration) volume {
		if !asked {
			asked = true
			web, others = s.hear(a, st)
		}
		if r.Service == s.browsers {
			return web
		}
		return others
	}
}

// said is a message in a chat, as it was sent.
type said struct {
	chat    jid.JID
	message xmltree.Element
}

// origin is what a message or the copy of one says; false for what belongs to no chat that can be muted.
func origin(st *stanza.Stanza) (said, bool) {
	it := said{chat: st.From.Bare(), message: st.Root()}
	if copied := st.Child(ns.Carbons, "received"); !copied.IsZero() {
		it.message = copied.Child(ns.Forward, "forwarded").Child(ns.Client, "message")
		from, err := jid.Parse(it.message.Attr("from"))
		if err != nil {
			return it, false
		}
		it.chat = from.Bare()
	}
	// Who is called is called, and what passes through a room as a private message or invites is not said in it.
	return it, it.message.Child(ns.MUCUser, "x").IsZero() && it.message.ChildNS(ns.JingleMessage).IsZero()
}

// hear is how loudly browsers and other apps are told of a message.
func (s *Service) hear(a module.Account, st *stanza.Stanza) (web, others volume) {
	it, mutable := origin(st)
	if s.nodes == nil || !mutable {
		return loud, loud
	}
	mark := s.bookmark(a, it.chat)
	own := s.place(a, it.chat)
	if own == unset {
		own = mark.web
	}
	if own != onMention && mark.others != onMention {
		return own.volume(false, silent), mark.others.volume(false, silent)
	}
	// An app of a vendor finds out by itself what it tells; a browser has to show that it was woken.
	if payload.Encrypted(it.message) {
		return own.volume(false, quiet), mark.others.volume(false, loud)
	}
	named := s.named(a, it.message, mark.nick)
	return own.volume(named, silent), mark.others.volume(named, silent)
}

// volume of what is in a chat with this setting. unnamed is that of what does not name the person where only that is told.
func (to setting) volume(named bool, unnamed volume) volume {
	switch {
	case to == never:
		return silent
	case to == onMention && !named:
		return unnamed
	}
	return loud
}

// limits of what clients have published there; the server takes no larger stanzas.
var limits = xmltree.Limits{Bytes: 1 << 20, Elements: 2_000, Depth: 32, Attrs: 64}

// item is one item of a node, the newest if no id is given; zero if there is none that can be read.
func (s *Service) item(a module.Account, node string, ids ...string) (newest xmltree.Element) {
	items, err := s.nodes.Items(a, node, ids...)
	if err != nil {
		s.failed("reading what is muted", err)
		return newest
	}
	for _, text := range items {
		if e, err := xmltree.Parse(text, limits, xmltree.Scope{}); err == nil {
			newest = e
		}
	}
	return newest
}

// place is what Kith's own apps have set for a chat; unset if it is not muted there, or not any more.
func (s *Service) place(a module.Account, chat jid.JID) setting {
	e := s.item(a, nsChats, chat.String())
	if !e.Is(nsChats, "chat") {
		return unset
	}
	if until := e.Attr("muted"); until != forever {
		at, err := time.Parse(time.RFC3339Nano, until)
		if err != nil || !s.clock.Now().Before(at) {
			return unset
		}
	}
	if v := e.Attr("except-mentions"); v == "true" || v == "1" {
		return onMention
	}
	return never
}

// mark is what stands beside the bookmark of a group (XEP-0402).
type mark struct {
	web, others setting
	nick        string
}

func (s *Service) bookmark(a module.Account, chat jid.JID) mark {
	m := mark{web: always, others: always}
	e := s.item(a, ns.Bookmarks, chat.String())
	if !e.Is(ns.Bookmarks, "conference") {
		return m
	}
	m.nick = e.ChildText(ns.Bookmarks, "nick")
	var web, kind, fallback setting
	loudest := unset
	for c := range e.Child(ns.Bookmarks, "extensions").Child(nsNotify, "notify").Children() {
		value, ok := map[string]setting{"never": never, "on-mention": onMention, "always": always}[c.Local()]
		if !ok || c.Space() != nsNotify {
			continue
		}
		switch category, typ := c.Attr("identity-category"), c.Attr("identity-type"); {
		case category == "":
			fallback = value
		case category == "client" && typ == "":
			kind = value
		case category == "client" && typ == "web":
			web = value
		case category == "client":
			loudest = max(loudest, value)
		}
	}
	// The setting meant most closely counts (section 3). What kind of client an app of a vendor is, is not known: the loudest of those that it could be.
	general := first(kind, fallback)
	m.web = first(web, general, always)
	m.others = max(loudest, first(general, always))
	if loudest != unset && general == unset {
		m.others = always
	}
	return m
}

func first(all ...setting) setting {
	for _, one := range all {
		if one != unset {
			return one
		}
	}
	return unset
}

// named reports whether a message in the clear names the person: by a reference (XEP-0372 section 3.2), or by what they are called, as
// "@name", or the name with a colon or a comma at the start.
func (s *Service) named(a module.Account, message xmltree.Element, nick string) bool {
	for c := range message.Children() {
		if !c.Is(nsReference, "reference") || c.Attr("type") != "mention" {
			continue
		}
		if who, ok := strings.CutPrefix(c.Attr("uri"), "xmpp:"); ok {
			who, _, _ = strings.Cut(who, "?")
			if j, err := jid.Parse(who); err == nil && j.Bare() == a.JID() {
				return true
			}
		}
	}
	text := message.ChildText(ns.Client, "body")
	return names(text, nick) || names(text, s.item(a, ns.Nick).Text()) || names(text, a.JID().Local())
}

// names reports whether a text names somebody who is called so.
func names(text, name string) bool {
	text, name = strings.ToLower(text), strings.ToLower(strings.TrimSpace(name))
	if name == "" {
		return false
	}
	if rest, ok := strings.CutPrefix(text, name); ok && (strings.HasPrefix(rest, ":") || strings.HasPrefix(rest, ",")) {
		return true
	}
	for before, rest, ok := strings.Cut(text, "@"+name); ok; before, rest, ok = strings.Cut(rest, "@"+name) {
		last, _ := utf8.DecodeLastRuneInString(before)
		next, _ := utf8.DecodeRuneInString(rest)
		if !isLetter(last) && !isLetter(next) {
			return true
		}
	}
	return false
}

func isLetter(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) }
