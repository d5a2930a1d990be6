package people

import (
	"context"
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"

	"kith/internal/jid"
	"kith/internal/xmltree"
	"kith/omemo"
)

// Nodes of XEP-0384 0.3 sections 4.2 and 4.3.
const (
	devicesNode  = omemo.NamespaceV03 + ".devicelist"
	bundlePrefix = omemo.NamespaceV03 + ".bundles:"
)

// maxDevices is more than anybody has.
const maxDevices = 64

// deviceList is what an account announces. fresh: it is known to be so in this connection.
type deviceList struct {
	ids   []uint32
	fresh bool
}

// listDevices takes a list, zero for none. It needs p.mu.
func (p *Person) listDevices(owner jid.JID, list xmltree.Element) {
	l := deviceList{}
	for e := range list.Children() {
		id, err := strconv.ParseUint(e.Attr("id"), 10, 31)
		if err == nil && id > 0 && !slices.Contains(l.ids, uint32(id)) && len(l.ids) < maxDevices {
			l.ids = append(l.ids, uint32(id))
		}
	}
	// Who has no devices may be about to announce the first.
	l.fresh = len(l.ids) > 0
	p.lists[owner] = l
	p.change()
}

// ensureDevices fetches a list unless it is known.
func (p *Person) ensureDevices(ctx context.Context, w *wire, owner jid.JID) error {
	p.mu.Lock()
	fresh := p.lists[owner].fresh
	p.mu.Unlock()
	if fresh {
		return nil
	}
	item, err := fetch(ctx, w, owner, devicesNode)
	if err != nil && !refused(err) {
		return fmt.Errorf("devices of %s: %w", owner, err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.listDevices(owner, item.Child(omemo.NamespaceV03, "list"))
	return nil
}

// announce puts this device on the list of its account.
func (p *Person) announce(ctx context.Context, w *wire) error {
	if err := p.publishBundle(ctx, w); err != nil {
		return err
	}
	p.mu.Lock()
	l := p.lists[p.o.Address]
	l.fresh = false
	p.lists[p.o.Address] = l
	p.mu.Unlock()
	if err := p.ensureDevices(ctx, w, p.o.Address); err != nil {
		return err
	}
	p.mu.Lock()
	ids := slices.Clone(p.lists[p.o.Address].ids)
	p.mu.Unlock()
	if slices.Contains(ids, p.device) {
		return nil
	}
	ids = append(ids, p.device)
	err := publish(ctx, w, devicesNode, onlyItem, "open", func(x *xmltree.Writer) {
		x.Open(omemo.NamespaceV03, "list")
		for _, id := range ids {
			x.Empty("", "device", "id", strconv.FormatUint(uint64(id), 10))
		}
		x.Close()
	})
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lists[p.o.Address] = deviceList{ids: ids, fresh: true}
	p.change()
	return nil
}

// publishBundle publishes the keys of this device.
func (p *Person) publishBundle(ctx context.Context, w *wire) error {
	p.mu.Lock()
	b, err := omemo.PublicBundle(p.read(omemo.KeyIdentity, omemo.KeyPreKeys), omemo.V03)
	p.stale = false
	p.mu.Unlock()
	if err == nil {
		err = publish(ctx, w, bundlePrefix+strconv.FormatUint(uint64(p.device), 10), onlyItem, "open", func(x *xmltree.Writer) { writeBundle(x, b) })
	}
	if err != nil {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.stale = true
		return fmt.Errorf("bundle: %w", err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.change()
	return nil
}

func writeBundle(x *xmltree.Writer, b omemo.Bundle) {
	number := func(id uint32) string { return strconv.FormatUint(uint64(id), 10) }
	x.Open(omemo.NamespaceV03, "bundle")
	x.Element("", "signedPreKeyPublic", encode(b.SignedPreKey), "signedPreKeyId", number(b.SignedPreKeyID))
	x.Element("", "signedPreKeySignature", encode(b.SignedSignature))
	x.Element("", "identityKey", encode(b.IdentityKey))
	x.Open("", "prekeys")
	for _, k := range b.PreKeys {
		x.Element("", "preKeyPublic", encode(k.Key), "preKeyId", number(k.ID))
	}
	x.Close()
	x.Close()
}

// fetchBundle gets the keys of a device; nil if it has none that can be used.
func (p *Person) fetchBundle(ctx context.Context, w *wire, a omemo.Address) (*omemo.Bundle, error) {
	owner, err := jid.Parse(a.JID)
	if err != nil {
		return nil, err
	}
	item, err := fetch(ctx, w, owner, bundlePrefix+strconv.FormatUint(uint64(a.Device), 10))
	if err != nil {
		if refused(err) {
			return nil, nil
		}
		return nil, fmt.Errorf("bundle of %s: %w", a.JID, err)
	}
	b := readBundle(item.Child(omemo.NamespaceV03, "bundle"))
	p.o.PreKeys.take(a, b)
	return b, nil
}

func readBundle(e xmltree.Element) *omemo.Bundle {
	child := func(name string) xmltree.Element { return e.Child(omemo.NamespaceV03, name) }
	signed := child("signedPreKeyPublic")
	id, err := strconv.ParseUint(signed.Attr("signedPreKeyId"), 10, 32)
	if err != nil {
		return nil
	}
	b := &omemo.Bundle{
		Version: omemo.V03, SignedPreKeyID: uint32(id), SignedPreKey: decode(signed),
		SignedSignature: decode(child("signedPreKeySignature")), IdentityKey: decode(child("identityKey")),
	}
	for k := range child("prekeys").Children() {
		if id, err := strconv.ParseUint(k.Attr("preKeyId"), 10, 32); err == nil {
			b.PreKeys = append(b.PreKeys, omemo.PublicPreKey{ID: uint32(id), Key: decode(k)})
		}
	}
	return b
}

func encode(b []byte) string { return base64.StdEncoding.EncodeToString(b) }

// decode is nil for what is no base64: the core refuses that by its length.
func decode(e xmltree.Element) []byte {
	b, err := base64.StdEncoding.DecodeString(e.Text())
	if err != nil {
		return nil
	}
	return b
}
