// SPDX-License-Identifier: AGPL-3.0-or-later

//go:build js && wasm

package main

import (
	"encoding/binary"
	"math"

	"kith/omemo"
)

// endOfObject stands where the length of the next name would stand: in an answer arrays begin with their count, objects
// end with this, and both have no length, as they are always read whole.
const endOfObject = 1<<32 - 1

// writer packs a result object. The methods are not inlined: there are a hundred calls.
type writer struct{ buf []byte }

func newWriter(room []byte) *writer { return &writer{append(room, kindObject)} }

// finish ends the object.
func (w *writer) finish() []byte {
	w.uint32(endOfObject)
	return w.buf
}

//go:noinline
func (w *writer) uint32(v uint32) {
	w.buf = binary.LittleEndian.AppendUint32(w.buf, v)
}

//go:noinline
func (w *writer) string(s string) {
	w.uint32(uint32(len(s)))
	w.buf = append(w.buf, s...)
}

// name begins a property with a value of a kind.
//
//go:noinline
func (w *writer) name(name string, kind byte) {
	w.string(name)
	w.buf = append(w.buf, kind)
}

//go:noinline
func (w *writer) text(name, s string) {
	w.name(name, kindString)
	w.string(s)
}

//go:noinline
func (w *writer) number(name string, n int64) {
	w.name(name, kindNumber)
	w.buf = binary.LittleEndian.AppendUint64(w.buf, math.Float64bits(float64(n)))
}

//go:noinline
func (w *writer) flag(name string, set bool) {
	if set {
		w.name(name, kindTrue)
	} else {
		w.name(name, kindFalse)
	}
}

// bytes writes null for nil.
//
//go:noinline
func (w *writer) bytes(name string, data []byte) {
	if data == nil {
		w.name(name, kindNull)
		return
	}
	w.name(name, kindBytes)
	w.uint32(uint32(len(data)))
	w.buf = append(w.buf, data...)
}

// key writes null for a key that is not known.
//
//go:noinline
func (w *writer) key(k omemo.Key) {
	if k == (omemo.Key{}) {
		w.bytes("key", nil)
		return
	}
	w.bytes("key", k[:])
}

// reason writes null for none.
//
//go:noinline
func (w *writer) reason(code omemo.Code) {
	if code == "" {
		w.bytes("reason", nil)
		return
	}
	w.text("reason", string(code))
}

//go:noinline
func (w *writer) address(a omemo.Address) {
	w.text("jid", a.JID)
	w.number("device", int64(a.Device))
}

func (w *writer) version(v omemo.Version) { w.text("version", v.Namespace()) }

// nested writes an object.
//
//go:noinline
func (w *writer) nested(name string, fill func()) {
	w.name(name, kindObject)
	fill()
	w.uint32(endOfObject)
}

// list writes an array of n objects.
//
//go:noinline
func (w *writer) list(name string, n int, fill func(i int)) {
	w.name(name, kindArray)
	w.uint32(uint32(n))
	for i := range n {
		w.buf = append(w.buf, kindObject)
		fill(i)
		w.uint32(endOfObject)
	}
}

// keys writes a list of record keys.
func (w *writer) keys(keys []string) {
	w.name("keys", kindArray)
	w.uint32(uint32(len(keys)))
	for _, k := range keys {
		w.buf = append(w.buf, kindString)
		w.string(k)
	}
}

func (w *writer) changes(changes []omemo.Change) {
	w.list("changes", len(changes), func(i int) {
		w.text("key", changes[i].Key)
		w.bytes("value", changes[i].Value)
	})
}
