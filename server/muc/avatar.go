package muc

import (
	"crypto/sha1" //nolint:gosec // what XEP-0153 prescribes to name a picture
	"encoding/base64"
	"encoding/hex"
	"strings"

	"kith/internal/ns"
	"kith/internal/stanza"
	"kith/internal/xmltree"
	"kith/server/module"
)

// vCard answers with the vCard of the room, which holds its picture (XEP-0486).
func (r *Room) vCard(q *module.IQ) error {
	if !r.visibleTo(q.From().Bare()) {
		return stanza.Refuse(stanza.Forbidden, "You do not belong to this room.")
	}
	text, err := r.s.store.Avatar(bg, r.jid.Local())
	if err != nil {
		return err
	}
	q.Result(func(w *xmltree.Writer) {
		if text == "" {
			w.Empty(ns.VCardTemp, "vCard")
			return
		}
		w.Raw(text)
	})
	return nil
}

// setVCard replaces it.
func (r *Room) setVCard(q *module.IQ) error {
	if err := r.checkOwner(q.From().Bare()); err != nil {
		return err
	}
	text, hashes := "", []string(nil)
	if q.Payload.CountChildren() > 0 {
		w := xmltree.NewWriter(len(q.Payload.Source()) + 64)
		w.Copy(q.Payload, "")
		text = w.String()
		var err error
		if hashes, err = pictures(q.Payload); err != nil {
			return err
		}
	}
	if len(text) > r.s.config.MaxAvatar {
		return stanza.Refuse(stanza.NotAcceptable, "The picture is too large.")
	}
	if err := r.s.store.SaveAvatar(bg, r.jid.Local(), text, hashes); err != nil {
		return err
	}
	r.avatar = hashes
	q.Result(nil)
	r.tellCode(codeConfigured)
	for _, s := range r.sessions {
		r.sendAvatarUpdate(s)
	}
	return nil
}

// pictures are the hashes of the pictures in a vCard (XEP-0153 section 3.1).
func pictures(vcard xmltree.Element) (hashes []string, err error) {
	for c := range vcard.Children() {
		if !c.Is(ns.VCardTemp, "PHOTO") {
			continue
		}
		text := strings.Map(func(c rune) rune {
			if c == ' ' || c == '\n' || c == '\r' || c == '\t' {
				return -1
			}
			return c
		}, c.ChildText(ns.VCardTemp, "BINVAL"))
		if text == "" {
			continue
		}
		data, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return nil, &stanza.Fault{Condition: stanza.BadRequest, Text: "The picture is not in base64.", Cause: err}
		}
		sum := sha1.Sum(data) //nolint:gosec // see above
		hashes = append(hashes, hex.EncodeToString(sum[:]))
	}
	return hashes, nil
}

// sendAvatar tells a client that enters of the picture, if there is one.
func (r *Room) sendAvatar(s *session) {
	if len(r.avatar) > 0 {
		r.sendAvatarUpdate(s)
	}
}

// sendAvatarUpdate sends presence of the room itself with the hash of its picture. COMPAT: XEP-0486 section
// 5.2 discourages it, but clients that do not look at the room's information know of it in no other way.
func (r *Room) sendAvatarUpdate(s *session) {
	hash := ""
	if len(r.avatar) > 0 {
		hash = r.avatar[0]
	}
	r.give(s, stanza.Build(stanza.Header{Kind: stanza.Presence, From: r.jid}, func(w *xmltree.Writer) {
		w.Open(nsVCardUpdate, "x").Element("", "photo", hash).Close()
	}))
}
