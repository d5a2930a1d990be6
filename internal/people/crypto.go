package people

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strconv"

	"kith/internal/jid"
	"kith/internal/ns"
	"kith/internal/stanza"
	"kith/internal/xmltree"
	"kith/omemo"
)

// fallback is shown by clients that cannot decrypt.
const fallback = "This message is encrypted with OMEMO, which your client does not seem to support."

// read and commit are the storage of the core. They need p.mu.
func (p *Person) read(keys ...string) omemo.Records {
	r := omemo.Records{}
	for _, k := range keys {
		r[k] = bytes.Clone(p.records[k])
	}
	return r
}

func (p *Person) commit(changes []omemo.Change) {
	for _, c := range changes {
		if c.Value == nil {
			delete(p.records, c.Key)
		} else {
			p.records[c.Key] = c.Value
		}
	}
}

// decrypt opens a message; false if there is nothing to show. It needs p.mu, and whoever calls it notes
// the message before letting go of it: then records and message change together.
func (p *Person) decrypt(m *Message, e xmltree.Element) bool {
	header := e.Child(omemo.NamespaceV03, "header")
	sid, err := strconv.ParseUint(header.Attr("sid"), 10, 31)
	if err != nil {
		m.Problem = omemo.CodeMalformed
		return true
	}
	m.Device = uint32(sid)
	if m.Own && m.Device == p.device {
		return false // what this device wrote is here, or was never here
	}
	payload := e.Child(omemo.NamespaceV03, "payload")
	m.Problem = NotForThisDevice
	for key := range header.Children() {
		rid, err := strconv.ParseUint(key.Attr("rid"), 10, 31)
		// Recipients are named by device id only: another one's device may have the same.
		if err != nil || uint32(rid) != p.device || !key.Is(omemo.NamespaceV03, "key") {
			continue
		}
		req := omemo.DecryptRequest{
			Version: omemo.V03, From: omemo.Address{JID: m.From.String(), Device: m.Device}, Key: decode(key),
			IV: decode(header.Child(omemo.NamespaceV03, "iv")), Now: p.seconds(),
		}
		if !payload.IsZero() {
			req.Payload = decode(payload)
		}
		result, changes, err := omemo.Decrypt(p.read(append(omemo.DecryptNeeds(req), omemo.KeyDue)...), req)
		if err == nil {
			p.commit(changes)
			p.upkeep = p.upkeep || result.PreKeyUsed || result.Due
			m.Problem, m.Text = "", string(result.Plaintext)
			return result.Kind == omemo.Message
		}
		m.Problem = omemo.CodeOf(err)
		if m.Problem == omemo.CodeDuplicate {
			return false
		}
		if m.Problem == omemo.CodeNoSession && !p.healed[req.From] {
			p.healed[req.From] = true
			p.heal = append(p.heal, req.From)
		}
	}
	return !payload.IsZero()
}

// seal encrypts what is to be sent, and keeps the result in its place: no key is used twice, whatever
// happens to the connection.
func (p *Person) seal(ctx context.Context, w *wire, o *outgoing) error {
	p.mu.Lock()
	readers := p.readers(o.to)
	p.mu.Unlock()
	for _, who := range append(slices.Clone(readers), p.o.Address) {
		if err := p.ensureDevices(ctx, w, who); err != nil {
			return err
		}
	}
	recipients, err := p.recipients(ctx, w, readers)
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	result, changes, err := omemo.Encrypt(p.read(omemo.EncryptNeeds(recipients)...), omemo.EncryptRequest{
		Kind: omemo.Message, Body: []byte(o.text), Recipients: recipients, Now: p.seconds(),
	})
	if err != nil {
		return fmt.Errorf("encrypt for %s: %w", o.to, err)
	}
	p.commit(changes)
	reached := len(result.Elements) == 1 && slices.ContainsFunc(result.Elements[0].Keys, func(k omemo.EncryptedKey) bool {
		return k.JID != p.o.Address.String()
	})
	if !reached {
		for _, s := range result.Skipped {
			p.log.LogAttrs(ctx, slog.LevelWarn, "no message for a device", slog.String("of", s.JID), slog.String("why", string(s.Reason)))
		}
		p.progress(o.key, Failed)
		p.drop(o)
		return nil
	}
	if i, ok := p.byID[o.key]; ok {
		p.messages[i].Device = p.device
	}
	o.stanza = p.sealed(o, result)
	return nil
}

// recipients are the devices of the readers and the other own ones, with bundles where there is no session.
func (p *Person) recipients(ctx context.Context, w *wire, readers []jid.JID) ([]omemo.Recipient, error) {
	var all []omemo.Recipient
	var missing []int
	p.mu.Lock()
	for _, who := range append(slices.Clone(readers), p.o.Address) {
		for _, id := range p.lists[who].ids {
			r := omemo.Recipient{Address: omemo.Address{JID: who.String(), Device: id}, Version: omemo.V03}
			if who == p.o.Address && id == p.device {
				continue
			}
			if p.records[omemo.SessionKey(r.Address, omemo.V03)] == nil {
				missing = append(missing, len(all))
			}
			all = append(all, r)
		}
	}
	p.mu.Unlock()
	for _, i := range missing {
		b, err := p.fetchBundle(ctx, w, all[i].Address)
		if err != nil {
			return nil, err
		}
		all[i].Bundle = b
	}
	return all, nil
}

// sealed is the stanza of an encrypted message (XEP-0384 0.3 section 4.6).
func (p *Person) sealed(o *outgoing, r omemo.EncryptResult) *stanza.Stanza {
	way := p.way(o.to)
	return stanza.Build(stanza.Header{Kind: stanza.Message, Type: way, ID: o.key.id, To: o.to}, func(x *xmltree.Writer) {
		writeEncrypted(x, r.Device, r.Elements[0])
		x.Empty(ns.EME, "encryption", "namespace", omemo.NamespaceV03, "name", "OMEMO")
		x.Element("", "body", fallback)
		x.Empty(ns.Hints, "store")
		x.Empty(ns.StanzaID, "origin-id", "id", o.key.id)
		if way == stanza.Chat { // nobody counts who in a group has it
			x.Empty(ns.Receipts, "request")
		}
		x.Empty(ns.ChatMarkers, "markable")
		x.Empty(ns.ChatStates, "active")
		if !o.written.IsZero() {
			writeDelay(x, p.o.Address, o.written)
		}
	})
}

func writeEncrypted(x *xmltree.Writer, sid uint32, e omemo.Encrypted) {
	x.Open(omemo.NamespaceV03, "encrypted")
	x.Open("", "header", "sid", strconv.FormatUint(uint64(sid), 10))
	for _, k := range e.Keys {
		prekey := ""
		if k.KeyExchange {
			prekey = "true"
		}
		x.Element("", "key", encode(k.Data), "rid", strconv.FormatUint(uint64(k.Device), 10), "prekey", prekey)
	}
	x.Element("", "iv", encode(e.IV))
	x.Close()
	if e.Payload != nil {
		x.Element("", "payload", encode(e.Payload))
	}
	x.Close()
}

// empty is a message that only moves sessions on.
func empty(to jid.JID, sid uint32, e omemo.Encrypted) *outgoing {
	return &outgoing{stanza: stanza.Build(stanza.Header{Kind: stanza.Message, Type: stanza.Chat, ID: newID(), To: to}, func(x *xmltree.Writer) {
		writeEncrypted(x, sid, e)
		x.Empty(ns.Hints, "store")
	})}
}

// keepUp refills prekeys and makes the empty messages that are owed (XEP-0384 section 6).
func (p *Person) keepUp(ctx context.Context, _ *wire) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.upkeep = false
	publish, changes, err := omemo.Maintain(p.read(omemo.KeyIdentity, omemo.KeyPreKeys), omemo.MaintainOptions{Now: p.seconds()})
	if err != nil {
		return fmt.Errorf("prekeys: %w", err)
	}
	p.commit(changes)
	p.stale = p.stale || publish
	needs, err := omemo.SettleNeeds(p.read(omemo.KeyDue))
	if err != nil {
		return fmt.Errorf("settle: %w", err)
	}
	sid, owed, changes, err := omemo.Settle(p.read(needs...))
	if err != nil {
		return fmt.Errorf("settle: %w", err)
	}
	p.commit(changes)
	for _, m := range owed {
		to, err := jid.Parse(m.To)
		if err != nil {
			return fmt.Errorf("settle: %w", err)
		}
		p.post(empty(to, sid, m.Encrypted))
	}
	p.change()
	return nil
}

// renew answers a message that fits no session with a new one.
func (p *Person) renew(ctx context.Context, w *wire) error {
	p.mu.Lock()
	a := p.heal[0]
	p.mu.Unlock()
	b, err := p.fetchBundle(ctx, w, a)
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	defer p.change()
	p.heal = p.heal[1:]
	if b == nil {
		return nil
	}
	recipients := []omemo.Recipient{{Address: a, Version: omemo.V03, Bundle: b}}
	result, changes, err := omemo.Encrypt(p.read(omemo.EncryptNeeds(recipients)...), omemo.EncryptRequest{
		Kind: omemo.Empty, Recipients: recipients, Now: p.seconds(),
	})
	if err != nil {
		return fmt.Errorf("renew the session with %s: %w", a.JID, err)
	}
	p.commit(changes)
	to, err := jid.Parse(a.JID)
	if err != nil {
		return err
	}
	for _, e := range result.Elements {
		p.post(empty(to, result.Device, e))
	}
	return nil
}
