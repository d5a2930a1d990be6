// SPDX-License-Identifier: AGPL-3.0-or-later

//go:build js && wasm

package main

import (
	"encoding/binary"
	"math"

	"kith/omemo"
)

// Packed values, as kith-omemo.js writes and reads them. A value is a byte that tells its kind, then, with all
// numbers little-endian:
//
//	null, false, true   nothing
//	number              8 bytes, IEEE 754
//	string, bytes       4 bytes length, then the bytes (UTF-8)
//	array               4 bytes length of what follows, 4 bytes count, the values
//	object              4 bytes length of what follows; for each property 4 bytes length of the name, the name, the value
//
// Only a request has the lengths of arrays and objects; see writer.go for the answer.
const (
	kindNull = iota
	kindFalse
	kindTrue
	kindNumber
	kindString
	kindBytes
	kindArray
	kindObject
)

// value is a packed value, which is unpacked when it is asked for something: most arguments are read once, and nothing
// is allocated for them. Reading it as something that it is not panics with badArgument. data aliases the request.
type value struct {
	kind byte
	data []byte
}

// badArgument is what reading an argument of the wrong type panics with.
type badArgument string

//go:noinline
func bad(name, want string) { panic(badArgument(name + " must be " + want)) }

// reader goes through packed values.
type reader struct{ data []byte }

func (r *reader) take(n uint32) []byte {
	if uint64(n) > uint64(len(r.data)) {
		bad("request", "complete")
	}
	out := r.data[:n:n]
	r.data = r.data[n:]
	return out
}

func (r *reader) uint32() uint32 { return binary.LittleEndian.Uint32(r.take(4)) }

//go:noinline
func (r *reader) value() value {
	kind := r.take(1)[0]
	switch kind {
	case kindNull, kindFalse, kindTrue:
		return value{kind: kind}
	case kindNumber:
		return value{kind, r.take(8)}
	case kindString, kindBytes, kindArray, kindObject:
		return value{kind, r.take(r.uint32())}
	}
	bad("request", "packed")
	return value{}
}

// get is a property of an object, null if it is missing.
//
//go:noinline
func (v value) get(name string) value {
	if v.kind != kindObject {
		return value{}
	}
	for r := (reader{v.data}); len(r.data) > 0; {
		found := string(r.take(r.uint32())) == name
		if one := r.value(); found {
			return one
		}
	}
	return value{}
}

//go:noinline
func (v value) object(name string) value {
	if v.kind != kindObject {
		bad(name, "an object")
	}
	return v
}

//go:noinline
func (v value) array(name string) []value {
	if v.kind != kindArray {
		bad(name, "an array")
	}
	r := reader{v.data}
	n := r.uint32()
	if uint64(n) > uint64(len(r.data)) {
		bad("request", "complete")
	}
	list := make([]value, n)
	for i := range list {
		list[i] = r.value()
	}
	return list
}

//go:noinline
func (v value) text(name string) string {
	if v.kind != kindString {
		bad(name, "a string")
	}
	return string(v.data)
}

//go:noinline
func (v value) bytes(name string) []byte {
	if v.kind != kindBytes {
		bad(name, "a Uint8Array")
	}
	return v.data
}

// optionalBytes is nil for null, and not nil for an empty array.
//
//go:noinline
func (v value) optionalBytes(name string) []byte {
	if v.kind == kindNull {
		return nil
	}
	return v.bytes(name)
}

// optionalText is empty for null.
//
//go:noinline
func (v value) optionalText(name string) string {
	if v.kind == kindNull {
		return ""
	}
	return v.text(name)
}

// devices is a list of device ids, nil for null.
func (v value) devices(name string) []uint32 {
	if v.kind == kindNull {
		return nil
	}
	ids := v.array(name)
	list := make([]uint32, len(ids))
	for i, id := range ids {
		list[i] = id.uint32(name)
	}
	return list
}

//go:noinline
func (v value) integer(name string) int64 {
	if v.kind != kindNumber {
		bad(name, "an integer")
	}
	n := math.Float64frombits(binary.LittleEndian.Uint64(v.data))
	if n != math.Trunc(n) || math.Abs(n) > 1<<53 {
		bad(name, "an integer")
	}
	return int64(n)
}

//go:noinline
func (v value) uint32(name string) uint32 {
	n := v.integer(name)
	if n < 0 || n > 1<<32-1 {
		bad(name, "from 0 to 2^32-1")
	}
	return uint32(n)
}

func (v value) isTrue() bool { return v.kind == kindTrue }

//go:noinline
func (v value) key(name string) (k omemo.Key) {
	if copy(k[:], v.bytes(name)) != len(k) || len(v.data) != len(k) {
		bad(name, "32 bytes")
	}
	return k
}

// now is the property that holds the time.
func (v value) now() int64 { return v.get("now").integer("now") }

//go:noinline
func (v value) version() omemo.Version {
	version, ok := omemo.ParseNamespace(v.get("version").text("version"))
	if !ok {
		bad("version", "a namespace of OMEMO")
	}
	return version
}

//go:noinline
func (v value) address() omemo.Address {
	return omemo.Address{JID: v.get("jid").text("jid"), Device: v.get("device").uint32("device")}
}
