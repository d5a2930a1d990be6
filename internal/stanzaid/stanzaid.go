// Package stanzaid makes the ids that an archive gives its messages (XEP-0359, XEP-0313 section 3).
//
// Inside, the place of a message in an archive is a number, [Seq], that ascends and tells the time.
// Outside it is a string from which nothing can be learned, not even which of two is older: the
// number and a mark of the archive's owner, encrypted as one block. An id that was made up, or
// that belongs to another archive, is recognised without looking it up.
package stanzaid

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"time"

	"kith/internal/jid"
	"kith/internal/ns"
	"kith/internal/xmltree"
)

// Seq is a place in an archive: milliseconds since 1970 and, below them, a counter for those that
// share one. It is unique in its archive, positive, and never given twice.
type Seq = int64

// counterBits is what a Seq has below its milliseconds: a million messages in each.
const counterBits = 20

// First is the first Seq of the millisecond in which t lies.
func First(t time.Time) Seq { return t.UnixMilli() << counterBits }

// Last is the last Seq of the millisecond in which t lies.
func Last(t time.Time) Seq { return First(t) | (1<<counterBits - 1) }

// Next is the Seq of a message that comes after last, now. It ascends also when the clock goes back.
func Next(last Seq, now time.Time) Seq { return max(First(now), last+1) }

// Time is when the message with this Seq was archived, to the millisecond.
func Time(s Seq) time.Time { return time.UnixMilli(s >> counterBits).UTC() }

// KeySize is the length of a key in bytes.
const KeySize = 16

// NewKey makes a key. The ids of a server are good as long as it keeps its key.
func NewKey() []byte {
	key := make([]byte, KeySize)
	_, _ = rand.Read(key) // never fails
	return key
}

// Codec turns numbers into ids and back. It is safe for concurrent use.
type Codec struct {
	block cipher.Block
}

// New makes a codec of a key of [KeySize] bytes.
func New(key []byte) (Codec, error) {
	if len(key) != KeySize {
		return Codec{}, fmt.Errorf("stanzaid: key of %d bytes instead of %d", len(key), KeySize)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return Codec{}, fmt.Errorf("stanzaid: %w", err)
	}
	return Codec{block}, nil
}

// Owner is the codec for one archive.
type Owner struct {
	block cipher.Block
	by    jid.JID
	mark  uint64
}

// Owner is the codec for the archive at this bare address.
func (c Codec) Owner(address jid.JID) Owner {
	sum := sha256.Sum256([]byte(address.String()))
	return Owner{block: c.block, by: address, mark: binary.BigEndian.Uint64(sum[:8])}
}

// IsZero reports whether o was made by no codec.
func (o Owner) IsZero() bool { return o.block == nil }

// encodedLen is the length of an id: 16 bytes in base64.
const encodedLen = 22

// ID is the id of the message with this Seq.
func (o Owner) ID(s Seq) string {
	var b [aes.BlockSize]byte
	binary.BigEndian.PutUint64(b[:8], uint64(s)) //nolint:gosec // its bits
	binary.BigEndian.PutUint64(b[8:], o.mark)
	o.block.Encrypt(b[:], b[:])
	var text [encodedLen]byte
	base64.RawURLEncoding.Encode(text[:], b[:])
	return string(text[:])
}

// Seq is the inverse of ID; false for what is no id of this archive.
func (o Owner) Seq(id string) (Seq, bool) {
	var b [aes.BlockSize]byte
	if len(id) != encodedLen {
		return 0, false
	}
	if n, err := base64.RawURLEncoding.Strict().Decode(b[:], []byte(id)); err != nil || n != len(b) {
		return 0, false
	}
	o.block.Decrypt(b[:], b[:])
	s := Seq(binary.BigEndian.Uint64(b[:8])) //nolint:gosec // its bits
	return s, binary.BigEndian.Uint64(b[8:]) == o.mark && s > 0
}

// Element is the stanza-id element for the message with this id.
func (o Owner) Element(id string) string {
	w := xmltree.NewWriter(96)
	w.Empty(ns.StanzaID, "stanza-id", "by", o.by.String(), "id", id)
	return w.String()
}

// Find is the id that the archive gave to the message with these children, "" if it gave none.
func (o Owner) Find(message xmltree.Element) string {
	for c := range message.Children() {
		if c.Is(ns.StanzaID, "stanza-id") && By(c) == o.by {
			return c.Attr("id")
		}
	}
	return ""
}

// By is the address in whose name a stanza-id element speaks; zero if it has none that is legal.
func By(e xmltree.Element) jid.JID {
	j, err := jid.Parse(e.Attr("by"))
	if err != nil {
		return jid.JID{}
	}
	return j
}
