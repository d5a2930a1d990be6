package muc

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"slices"
	"time"

	"kith/internal/jid"
	"kith/internal/ns"
	"kith/internal/stanza"
	"kith/internal/xmltree"
)

// A room for members only has links: an admin makes one and hands it on, and whoever enters the room with
// the secret in it becomes a member. The secret goes where a password does (XEP-0045 section 7.2.6), so that
// every client that knows passwords of rooms can use a link, and so can people of other servers. A link that
// is wrong, used up, over or taken back is answered as if there were none.

// Bounds of links.
const (
	// maxLinks is how many a room has at a time.
	maxLinks = 10
	// linkTime is how long a link works whose maker does not choose; minLinkTime and maxLinkTime bound what
	// can be chosen.
	linkTime    = 7 * 24 * time.Hour
	minLinkTime = time.Minute
	maxLinkTime = 365 * 24 * time.Hour
	// linkSecret is how many random bytes are in a link: nobody guesses 128 bits.
	linkSecret = 16
	// guessesPerHour is how often one user may try links that do not work; maxGuessers bounds how many
	// users are remembered for it. There is no limit for all together, with which one could lock out others.
	guessesPerHour = 20
	maxGuessers    = 1000
)

// Links are the ways into a room that its admins have handed out.
type Links struct {
	All []Link `json:"all,omitempty"`
	// Refused are the users, by bare address, who were sent out while there was a link: they may know it, and
	// do not come back with one until they are let in again, or the last link is over.
	Refused []string `json:"refused,omitempty"`
}

// Link is one of them.
type Link struct {
	ID string `json:"id"`
	// Hash is the SHA-256 of the secret.
	Hash []byte `json:"hash"`
	// By made it, a bare address.
	By      string    `json:"by"`
	Made    time.Time `json:"made"`
	Expires time.Time `json:"expires"`
	// Lasts is for how long it works each time it is renewed.
	Lasts time.Duration `json:"lasts"`
	// Uses is how many people have become members by it, Max how many may, 0 for any number.
	Uses int `json:"uses"`
	Max  int `json:"max,omitempty"`
}

// newLink makes a link and its secret.
func newLink(by jid.JID, now time.Time, lasts time.Duration, most int) (l Link, secret string) {
	now = now.UTC().Truncate(time.Millisecond)
	random := make([]byte, linkSecret)
	_, _ = rand.Read(random) // never fails
	secret = base64.RawURLEncoding.EncodeToString(random)
	hash := sha256.Sum256([]byte(secret))
	return Link{ID: rand.Text()[:12], Hash: hash[:], By: by.String(), Made: now, Expires: now.Add(lasts), Lasts: lasts, Max: most}, secret
}

// at is what is left of the links at a time.
func (l Links) at(now time.Time) Links {
	out := Links{All: slices.DeleteFunc(slices.Clone(l.All), func(x Link) bool { return !now.Before(x.Expires) || x.Max > 0 && x.Uses >= x.Max })}
	if len(out.All) > 0 {
		out.Refused = l.Refused
	}
	return out
}

// find is the position of the link with a secret, -1 for none. How long it takes says nothing about which.
func (l Links) find(secret string) int {
	hash := sha256.Sum256([]byte(secret))
	found := -1
	for i := range l.All {
		found = subtle.ConstantTimeSelect(subtle.ConstantTimeCompare(l.All[i].Hash, hash[:]), i, found)
	}
	return found
}

func (l Links) index(id string) int {
	return slices.IndexFunc(l.All, func(x Link) bool { return x.ID == id })
}

func (l Links) refuses(user jid.JID) bool {
	return slices.Contains(l.Refused, user.String()) || slices.Contains(l.Refused, user.DomainJID().String())
}

// used are the links after one of them was.
func (l Links) used(i int) Links {
	out := Links{All: slices.Clone(l.All), Refused: l.Refused}
	out.All[i].Uses++
	return out
}

// after are the links when affiliations have changed. sentOut tells whom somebody else has sent out.
func (l Links) after(changed []Entry, sentOut func(Entry) bool) (next Links, differ bool) {
	next = Links{All: l.All, Refused: slices.Clone(l.Refused)}
	for _, e := range changed {
		i := slices.Index(next.Refused, e.JID.String())
		switch {
		case e.Affiliation >= Member && i >= 0:
			next.Refused = slices.Delete(next.Refused, i, i+1)
			differ = true
		case len(l.All) > 0 && i < 0 && sentOut(e):
			next.Refused = append(next.Refused, e.JID.String())
			differ = true
		}
	}
	return next, differ
}

// guesses counts links of each user that did not work.
type guesses struct {
	count map[jid.JID]int
	since time.Time
}

// spent reports whether a user may try no more for now.
func (g *guesses) spent(user jid.JID, now time.Time) bool {
	if now.Sub(g.since) > time.Hour {
		g.count = nil
	}
	return g.count[user] >= guessesPerHour
}

func (g *guesses) add(user jid.JID, now time.Time) {
	if g.count == nil || len(g.count) >= maxGuessers {
		g.count, g.since = map[jid.JID]int{}, now
	}
	g.count[user.Clone()]++
}

// hasLinks reports whether links lead into the room at all: where everybody may enter nobody needs one, and where there
// is a password, that is the key.
func (r *Room) hasLinks() bool { return r.config.MembersOnly && r.config.Password == "" }

// opened is the position among the links of that with which somebody may enter who does not belong to the room.
func (r *Room) opened(user jid.JID, secret string) (int, error) {
	none := stanza.Refuse(stanza.RegistrationRequired, "Only members may enter this room.")
	if secret == "" || !r.hasLinks() {
		return -1, none
	}
	now := r.now()
	if r.guesses.spent(user, now) {
		return -1, &stanza.Fault{Condition: stanza.ResourceConstraint, Kind: "wait", Text: "Too many links that do not work; try again later."}
	}
	r.links = r.links.at(now)
	i := r.links.find(secret)
	if i < 0 || r.links.refuses(user) {
		r.guesses.add(user, now)
		return -1, none
	}
	return i, nil
}

// follow makes a member of somebody who comes by a link. It is durable, and the link counted, before the user is in;
// everybody learns of it from the presence that follows.
func (r *Room) follow(i int, user jid.JID) error {
	e := r.members.entry(user)
	e.Affiliation = Member
	changed := []Entry{e}
	if err := r.checkMembers(changed); err != nil {
		return err
	}
	next := r.links.used(i).at(r.now())
	if err := r.s.store.SaveLinks(bg, r.jid.Local(), next, changed); err != nil {
		return err
	}
	r.links = next
	r.members.set(e)
	return nil
}

// password is what somebody who enters gives as one.
func password(x xmltree.Element) string { return x.ChildText(ns.MUC, "password") }
