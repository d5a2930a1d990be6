// SPDX-License-Identifier: AGPL-3.0-or-later

//go:build js && wasm

package main

import (
	"math"

	"kith/omemo"
)

// Packed values, as kith-omemo.js writes and reads them. A value is a byte that tells its kind, then, with all
// numbers little-endian:
//
//	null, false, true   nothing
//	number              8 bytes, IEEE 754
//	string, bytes       4 bytes length, then the bytes (UTF-8)
//	array               4 bytes count, then the values
//	object              for each property 4 bytes length of the name, the name, the value; at the end 0xffffffff
const (
	kindNull = iota
	kindFalse
	kindTrue
	kindNumber
	kindString
	kindBytes
	kindArray
	kindObject

	endOfObject = 1<<32 - 1
	// maxDepth is more than any argument needs.
	maxDepth = 8
)

// value is an unpacked value. Reading it as something that it is not panics with badArgument.
type value struct {
	kind   byte
	number float64
	data   []byte   // of strings and bytes; aliases the request
	list   []value  // of arrays and objects
	names  []string // of objects, in the order of list
}

// badArgument is what reading an argument of the wrong type panics with.
type badArgument string

//go:noinline
func bad(name, want string) { panic(badArgument(name + " must be " + want)) }

func unpack(data []byte) value {
	r := reader{data}
	return r.value(0)
}

type reader struct{ data []byte }

//go:noinline
func (r *reader) take(n uint32) []byte {
	if uint64(n) > uint64(len(r.data)) {
		bad("request", "complete")
	}
	out := r.data[:n:n]
	r.data = r.data[n:]
	return out
}

//go:noinline
func (r *reader) uint32() uint32 {
	b := r.take(4)
	return uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 | uint32(b[3])<<24
}

func (r *reader) value(depth int) (v value) {
	if depth > maxDepth {
		bad("request", "less deep")
	}
	v.kind = r.take(1)[0]
	switch v.kind {
	case kindNull, kindFalse, kindTrue:
	case kindNumber:
		low := r.uint32()
		v.number = math.Float64frombits(uint64(r.uint32())<<32 | uint64(low))
	case kindString, kindBytes:
		v.data = r.take(r.uint32())
	case kindArray:
		n := r.uint32()
		if uint64(n) > uint64(len(r.data)) {
			bad("request", "complete")
		}
		v.list = make([]value, n)
		for i := range v.list {
			v.list[i] = r.value(depth + 1)
		}
	case kindObject:
		for {
			n := r.uint32()
			if n == endOfObject {
				return v
			}
			v.names = append(v.names, string(r.take(n)))
			v.list = append(v.list, r.value(depth+1))
		}
	default:
		bad("request", "packed")
	}
	return v
}

// get is a property of an object, null if it is missing.
//
//go:noinline
func (v value) get(name string) value {
	for i, n := range v.names {
		if n == name {
			return v.list[i]
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
	return v.list
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
	list := make([]uint32, 0, len(v.list))
	for _, id := range v.array(name) {
		list = append(list, id.uint32(name))
	}
	return list
}

//go:noinline
func (v value) integer(name string) int64 {
	if v.kind != kindNumber || v.number != math.Trunc(v.number) || math.Abs(v.number) > 1<<53 {
		bad(name, "an integer")
	}
	return int64(v.number)
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
