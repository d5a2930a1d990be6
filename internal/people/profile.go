package people

import (
	"context"
	"crypto/sha1" //nolint:gosec // XEP-0084 names pictures by it
	"encoding/hex"
	"fmt"
	"strconv"

	"kith/internal/jid"
	"kith/internal/ns"
	"kith/internal/stanza"
	"kith/internal/xmltree"
)

// Nodes of XEP-0084, whose names are those of the namespaces too.
const (
	pictureData     = "urn:xmpp:avatar:data"
	pictureMetadata = "urn:xmpp:avatar:metadata"
)

// Rename publishes how the account wants to be called (XEP-0172).
func (p *Person) Rename(ctx context.Context, name string) error {
	w, err := p.linked()
	if err != nil {
		return err
	}
	if err := publish(ctx, w, ns.Nick, onlyItem, "presence", func(x *xmltree.Writer) { x.Element(ns.Nick, "nick", name) }); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.names[p.o.Address] = name
	p.change()
	return nil
}

// Picture publishes the picture of the account (XEP-0084): a square PNG of so many pixels on each side.
func (p *Person) Picture(ctx context.Context, png []byte, side int) error {
	w, err := p.linked()
	if err != nil {
		return err
	}
	sum := sha1.Sum(png) //nolint:gosec // see above
	id, pixels := hex.EncodeToString(sum[:]), strconv.Itoa(side)
	if err := publish(ctx, w, pictureData, id, "open", func(x *xmltree.Writer) { x.Element(pictureData, "data", encode(png)) }); err != nil {
		return err
	}
	return publish(ctx, w, pictureMetadata, id, "open", func(x *xmltree.Writer) {
		x.Open(pictureMetadata, "metadata")
		x.Empty("", "info", "id", id, "type", "image/png", "bytes", strconv.Itoa(len(png)), "width", pixels, "height", pixels)
		x.Close()
	})
}

// Block keeps somebody away, whom the account may know or not (XEP-0191 section 3.3).
func (p *Person) Block(ctx context.Context, who jid.JID) error {
	w, err := p.linked()
	if err != nil {
		return err
	}
	_, err = w.ask(ctx, stanza.Set, jid.JID{}, func(x *xmltree.Writer) {
		x.Open(ns.Blocking, "block").Empty("", "item", "jid", who.String()).Close()
	})
	if err != nil {
		return fmt.Errorf("block %s: %w", who, err)
	}
	return nil
}
