// SPDX-License-Identifier: AGPL-3.0-or-later

package omemo

import (
	"strconv"
	"strings"
)

// Records holds the stored records that an operation needs, by key. A key that was read and does not exist
// maps to nil; a key that is missing from the map was not read, and an operation that needs it fails with
// CodeNotRead instead of taking it for absent.
type Records map[string][]byte

// Change is one write that the caller must commit: Value under Key, or the deletion of Key if Value is nil.
// All changes of one operation belong into one transaction. Apart from the keys, whose form is documented
// at the functions below, records are opaque.
type Change struct {
	Key   string
	Value []byte
}

// Apply writes changes into the map, for callers that run several operations before they commit.
func (r Records) Apply(changes []Change) {
	for _, c := range changes {
		r[c.Key] = c.Value
	}
}

// Keys of the records that exist once per account.
const (
	// KeyIdentity is the identity: account, device id, identity key. Written once, by Create.
	KeyIdentity = "identity"
	// KeyPreKeys holds signed and one-time prekeys.
	KeyPreKeys = "prekeys"
	// KeyDue lists the sessions that owe their peer an empty message.
	KeyDue = "due"
)

// Address names a device: a bare JID (normalised by the caller, compared byte by byte) and a device id.
type Address struct {
	JID    string
	Device uint32
}

// SessionKey is the record key of the session with a device in a version:
// "session/<bare jid>/<device id>/<1 for 0.3, 2 for omemo:2>". All sessions of a JID share the prefix
// "session/<bare jid>/"; a bare JID contains no slash.
func SessionKey(a Address, v Version) string {
	return "session/" + a.JID + "/" + strconv.FormatUint(uint64(a.Device), 10) + "/" + strconv.Itoa(int(v))
}

// TrustKey is the record key of the known identity keys of a bare JID: "trust/<bare jid>".
func TrustKey(jid string) string { return "trust/" + jid }

// get returns a record, nil if it does not exist.
func (r Records) get(key string) ([]byte, error) {
	data, ok := r[key]
	if !ok {
		return nil, fail(CodeNotRead, key)
	}
	return data, nil
}

// maxJID is the limit of RFC 7622 for a bare JID: two parts of 1023 bytes and the @.
const maxJID = 2047

func (a Address) check() error {
	if err := checkJID(a.JID); err != nil {
		return err
	}
	if a.Device == 0 || a.Device > MaxDeviceID {
		return fail(CodeArgument, "device id out of range")
	}
	return nil
}

func checkJID(jid string) error {
	if jid == "" || len(jid) > maxJID || strings.IndexByte(jid, '/') >= 0 {
		return fail(CodeArgument, "not a bare JID")
	}
	return nil
}

// MaxDeviceID is the largest device id and the largest id of a prekey: 2^31 - 1.
const MaxDeviceID = 1<<31 - 1

// recordWriter builds a record: a format byte, then fixed-size big-endian fields and length-prefixed
// strings.
type recordWriter struct{ buf []byte }

func newRecord(format byte, size int) recordWriter {
	return recordWriter{buf: append(make([]byte, 0, size+1), format)}
}

func (w *recordWriter) byte(v byte)     { w.fixed([]byte{v}) }
func (w *recordWriter) key(k *[32]byte) { w.fixed(k[:]) }

// fixed is not inlined, nor is take: hundreds of copies would make the WebAssembly module 30 KB larger.
//
//go:noinline
func (w *recordWriter) fixed(data []byte) { w.buf = append(w.buf, data...) }

//go:noinline
func (w *recordWriter) uint32(v uint32) {
	w.buf = append(w.buf, byte(v>>24), byte(v>>16), byte(v>>8), byte(v)) //nolint:gosec // the four bytes
}

func (w *recordWriter) count(n int) { w.uint32(uint32(n)) } //nolint:gosec // lengths of lists and JIDs

//go:noinline
func (w *recordWriter) string(s string) {
	w.count(len(s))
	w.buf = append(w.buf, s...)
}

func (w *recordWriter) pair(k *keyPair) {
	w.key(&k.private)
	w.key(&k.public)
}

//go:noinline
func (w *recordWriter) time(seconds int64) {
	w.uint32(uint32(seconds >> 32)) //nolint:gosec // the upper half
	w.uint32(uint32(seconds))       //nolint:gosec // the lower half
}

// recordReader reads what recordWriter wrote. After the first failure everything reads as zero.
type recordReader struct {
	buf    []byte
	failed bool
}

// openRecord checks the format byte.
func openRecord(data []byte, format byte) recordReader {
	r := recordReader{buf: data}
	if r.byte() != format {
		r.failed = true
	}
	return r
}

//go:noinline
func (r *recordReader) take(n int) []byte {
	if r.failed || n < 0 || n > len(r.buf) {
		r.failed = true
		return nil
	}
	data := r.buf[:n]
	r.buf = r.buf[n:]
	return data
}

//go:noinline
func (r *recordReader) byte() byte {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

//go:noinline
func (r *recordReader) uint32() uint32 {
	if b := r.take(4); b != nil {
		return uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
	}
	return 0
}

//go:noinline
func (r *recordReader) time() int64 {
	high := r.uint32()
	return int64(uint64(high)<<32 | uint64(r.uint32())) //nolint:gosec // written by time
}

//go:noinline
func (r *recordReader) key() (k [32]byte) {
	copy(k[:], r.take(32))
	return k
}

//go:noinline
func (r *recordReader) pair() (k keyPair) {
	k.private = r.key()
	k.public = r.key()
	return k
}

//go:noinline
func (r *recordReader) string(limit int) string {
	return string(r.take(r.count(limit)))
}

// count reads the length of a list or string and refuses more than limit.
//
//go:noinline
func (r *recordReader) count(limit int) int {
	n := r.uint32()
	if uint64(n) > uint64(limit) { //nolint:gosec // limits are positive
		r.failed = true
		return 0
	}
	return int(n)
}

// end reports a record that is damaged, too long, or written by another format.
func (r *recordReader) end(key string) error {
	if r.failed || len(r.buf) != 0 {
		return fail(CodeRecord, key)
	}
	return nil
}
