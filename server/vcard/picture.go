package vcard

import (
	"bytes"
	"context"
	"crypto/sha1" //nolint:gosec // what XEP-0084 and XEP-0153 name pictures by
	"encoding/base64"
	"encoding/hex"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"log/slog"
	"strconv"
	"strings"

	"kith/internal/ns"
	"kith/internal/stanza"
	"kith/internal/xmltree"
	"kith/server/module"
)

// picture is what is known of the picture of an account.
type picture struct {
	known bool
	// hash names it, "" for none. had: there is metadata, so that others may have seen a picture.
	hash, kind string
	had        bool
}

// session remembers the presence in which the server, and not the client, says that there is no picture.
type session struct {
	none *stanza.Stanza
}

// picture is read from the nodes when it is needed first.
func (f *Feature) picture(a module.Account) (*picture, error) {
	p := f.pictures.Of(a.Slots())
	if p.known {
		return p, nil
	}
	next, err := f.look(a)
	if err != nil {
		return p, err
	}
	*p = next
	return p, nil
}

// look finds the picture of which the newest metadata tells that it is on the data node (XEP-0398 section
// 3.1), and makes sure that it is there.
func (f *Feature) look(a module.Account) (picture, error) {
	p := picture{known: true}
	_, text, err := f.nodes.Newest(a, nodeMetadata)
	if err != nil || text == "" {
		return p, err
	}
	p.had = true
	for info := range xmltree.Stored(text).Children() {
		id := info.Attr("id")
		if !info.Is(nodeMetadata, "info") || info.Attr("url") != "" || id == "" {
			continue
		}
		data, err := f.data(a, id)
		if err != nil {
			return p, err
		}
		if data != nil {
			p.hash, p.kind = strings.ToLower(id), info.Attr("type")
			return p, nil
		}
	}
	return p, nil
}

// data is a picture on the data node, nil if it is not there or not what its id says.
func (f *Feature) data(a module.Account, id string) ([]byte, error) {
	items, err := f.nodes.Items(a, nodeData, id)
	if err != nil {
		return nil, err
	}
	for _, payload := range items {
		e := xmltree.Stored(payload)
		if !e.Is(nodeData, "data") {
			continue
		}
		data, err := decode(e.Text())
		if err == nil && strings.EqualFold(hashOf(data), id) {
			return data, nil
		}
	}
	return nil, nil
}

func hashOf(data []byte) string {
	sum := sha1.Sum(data) //nolint:gosec // see above
	return hex.EncodeToString(sum[:])
}

// decode reads base64 with white space in it.
func decode(s string) ([]byte, error) {
	return base64.StdEncoding.DecodeString(strings.Join(strings.Fields(s), ""))
}

// writePhoto writes the picture into a vCard.
func (f *Feature) writePhoto(w *xmltree.Writer, a module.Account) error {
	p, err := f.picture(a)
	if err != nil || p.hash == "" {
		return err
	}
	data, err := f.data(a, p.hash)
	if err != nil || data == nil {
		return err
	}
	w.Open("", "PHOTO")
	if p.kind != "" {
		w.Element("", "TYPE", p.kind)
	}
	w.Element("", "BINVAL", base64.StdEncoding.EncodeToString(data)).Close()
	return nil
}

// photo is the picture in a vCard.
type photo struct {
	data []byte
	// kind is what the vCard says that it is.
	kind string
}

// readPhoto finds it; it has no data if there is none.
func (f *Feature) readPhoto(card xmltree.Element) (photo, error) {
	e := card.Child(ns.VCardTemp, "PHOTO")
	data, err := decode(e.ChildText(ns.VCardTemp, "BINVAL"))
	switch {
	case err != nil:
		return photo{}, &stanza.Fault{Condition: stanza.BadRequest, Text: "The picture is not in base64.", Cause: err}
	case len(data) > int(f.config.MaxPicture):
		return photo{}, stanza.Refuse(stanza.NotAcceptable, "The picture is larger than "+f.config.MaxPicture.String()+".")
	}
	return photo{data, e.ChildText(ns.VCardTemp, "TYPE")}, nil
}

// setPhoto publishes a picture from a vCard (XEP-0398 section 3.2), or that there is none.
func (f *Feature) setPhoto(a module.Account, in photo) error {
	p, err := f.picture(a)
	if err != nil {
		return err
	}
	// In a vCard a picture is for everybody, and only so it is seen in rooms.
	open := map[string]string{"pubsub#access_model": "open"}
	if len(in.data) == 0 {
		if p.hash == "" {
			return nil
		}
		return f.nodes.Publish(a, nodeMetadata, current, "<metadata xmlns='"+nodeMetadata+"'/>", open)
	}
	hash := hashOf(in.data)
	if hash == p.hash {
		return nil
	}
	text := base64.StdEncoding.EncodeToString(in.data)
	w := xmltree.NewWriter(len(text) + 64)
	w.Element(nodeData, "data", text)
	if err := f.nodes.Publish(a, nodeData, hash, w.String(), open); err != nil {
		return err
	}
	w = xmltree.NewWriter(256)
	w.Open(nodeMetadata, "metadata")
	w.Empty("", "info", append([]string{"bytes", strconv.Itoa(len(in.data)), "id", hash}, in.describe()...)...)
	return f.nodes.Publish(a, nodeMetadata, hash, w.Close().String(), open)
}

// describe gives the attributes of an info element that tell what the picture is. What it is counts
// more than what the vCard says that it is (XEP-0153 section 5).
func (p photo) describe() []string {
	for _, format := range []struct {
		kind string
		read func(io.Reader) (image.Config, error)
	}{
		{"image/png", png.DecodeConfig}, {"image/jpeg", jpeg.DecodeConfig}, {"image/gif", gif.DecodeConfig},
	} {
		if c, err := format.read(bytes.NewReader(p.data)); err == nil {
			return []string{"type", format.kind, "width", strconv.Itoa(c.Width), "height", strconv.Itoa(c.Height)}
		}
	}
	kind := strings.TrimSpace(p.kind)
	switch {
	case len(p.data) > 12 && string(p.data[:4]) == "RIFF" && string(p.data[8:12]) == "WEBP":
		kind = "image/webp"
	case !strings.HasPrefix(kind, "image/"):
		kind = "application/octet-stream"
	}
	return []string{"type", kind}
}

// changed brings what is known of the picture up to date, and broadcasts presence with its new name.
func (f *Feature) changed(a module.Account, node string) {
	if node != nodeMetadata && node != nodeData {
		return
	}
	p := f.pictures.Of(a.Slots())
	if node == nodeData && (!p.known || p.hash != "") {
		return // the metadata decide, and they follow
	}
	was := p.hash
	next, err := f.look(a)
	if err != nil {
		p.known = false
		f.failed(err)
		return
	}
	known := p.known
	*p = next
	if !known || next.hash != was {
		f.presences.Renew(a)
	}
}

func (f *Feature) failed(err error) {
	f.log.LogAttrs(context.Background(), slog.LevelError, "reading a picture failed", slog.Any("error", err))
}

// inject is the [module.FilterHook] that writes the name of the picture into the presence of the
// account's sessions (XEP-0398 section 4), unless the client says that it shows none.
func (f *Feature) inject(p *module.Passage) error {
	st := p.Stanza
	if p.Direction != module.Outgoing || st.Kind != stanza.Presence || st.Type != stanza.Available {
		return nil
	}
	pic, err := f.picture(p.Account)
	if err != nil {
		f.failed(err)
		return nil
	}
	x := st.Child(nsUpdate, "x")
	photo := x.Child(nsUpdate, "photo")
	var own *session
	if p.Session != nil {
		own = f.sessions.Of(p.Session.Slots())
	}
	switch {
	case x.IsZero() && !pic.had:
		return nil
	case photo.IsZero():
	case photo.Text() == "" && (own == nil || own.none != st):
		return nil
	case strings.EqualFold(strings.TrimSpace(photo.Text()), pic.hash):
		return nil
	}
	w := xmltree.NewWriter(96)
	w.Open(nsUpdate, "x").Element("", "photo", pic.hash).Close()
	p.Stanza = st.Without(func(e xmltree.Element) bool { return e.Is(nsUpdate, "x") }).Plus(w.String())
	if own != nil && p.Stanza.To.IsZero() {
		own.none = nil
		if pic.hash == "" {
			own.none = p.Stanza
		}
	}
	return nil
}
