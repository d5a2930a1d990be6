// SPDX-License-Identifier: AGPL-3.0-or-later

//go:build js && wasm

package main

import (
	"math"

	"kith/omemo"
)

// endOfObject stands where the next name would stand: in an answer arrays begin with their count, objects end with this,
// and both have no length, as they are always read whole.
const endOfObject = 1<<8 - 1

// writer packs a result object. The methods are not inlined: there are a hundred calls.
type writer struct{ buf []byte }

func newWriter(room []byte) *writer { return &writer{append(room, kindObject)} }

// finish ends the object.
func (w *writer) finish() []byte {
	w.byte(endOfObject)
	return w.buf
}

//go:noinline
func (w *writer) byte(v byte) { w.buf = append(w.buf, v) }

//go:noinline
func (w *writer) uint32(v uint32) {
	w.buf = append(w.buf, byte(v), byte(v>>8), byte(v>>16), byte(v>>24))
}

//go:noinline
func (w *writer) string(s string) {
	w.uint32(uint32(len(s)))
	w.buf = append(w.buf, s...)
}

// name begins a property with a value of a kind.
//
//go:noinline
func (w *writer) name(n name, kind byte) { w.buf = append(w.buf, byte(n), kind) }

//go:noinline
func (w *writer) text(n name, s string) {
	w.name(n, kindString)
	w.string(s)
}

//go:noinline
func (w *writer) number(n name, value int64) {
	w.name(n, kindNumber)
	bits := math.Float64bits(float64(value))
	w.uint32(uint32(bits))
	w.uint32(uint32(bits >> 32))
}

//go:noinline
func (w *writer) flag(n name, set bool) {
	if set {
		w.name(n, kindTrue)
	} else {
		w.name(n, kindFalse)
	}
}

// bytes writes null for nil.
//
//go:noinline
func (w *writer) bytes(n name, data []byte) {
	if data == nil {
		w.name(n, kindNull)
		return
	}
	w.name(n, kindBytes)
	w.uint32(uint32(len(data)))
	w.buf = append(w.buf, data...)
}

// key writes null for a key that is not known.
//
//go:noinline
func (w *writer) key(k omemo.Key) {
	if k == (omemo.Key{}) {
		w.bytes(nKey, nil)
		return
	}
	w.bytes(nKey, k[:])
}

// reason writes null for none.
//
//go:noinline
func (w *writer) reason(code omemo.Code) {
	if code == "" {
		w.bytes(nReason, nil)
		return
	}
	w.text(nReason, string(code))
}

//go:noinline
func (w *writer) address(a omemo.Address) {
	w.text(nJID, a.JID)
	w.number(nDevice, int64(a.Device))
}

func (w *writer) version(v omemo.Version) {
	if v == omemo.V03 {
		w.word(nVersion, wV03)
	} else {
		w.word(nVersion, wV2)
	}
}

//go:noinline
func (w *writer) word(n name, value word) {
	w.name(n, kindWord)
	w.byte(byte(value))
}

// nested writes an object.
//
//go:noinline
func (w *writer) nested(n name, fill func()) {
	w.name(n, kindObject)
	fill()
	w.byte(endOfObject)
}

// list writes an array of n objects.
//
//go:noinline
func (w *writer) list(n name, length int, fill func(i int)) {
	w.name(n, kindArray)
	w.uint32(uint32(length))
	for i := range length {
		w.byte(kindObject)
		fill(i)
		w.byte(endOfObject)
	}
}

// keys writes a list of record keys.
func (w *writer) keys(keys []string) {
	w.name(nKeys, kindArray)
	w.uint32(uint32(len(keys)))
	for _, k := range keys {
		w.byte(kindString)
		w.string(k)
	}
}

func (w *writer) changes(changes []omemo.Change) {
	w.list(nChanges, len(changes), func(i int) {
		w.text(nKey, changes[i].Key)
		w.bytes(nValue, changes[i].Value)
	})
}
