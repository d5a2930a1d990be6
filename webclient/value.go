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
//	array               4 bytes length of what follows, 4 bytes count, the values
//	object              4 bytes length of what follows; for each property a byte that is its name (names.go), the value
//	word                a byte that is a string (names.go)
//	records             4 bytes length of what follows; for each record 4 bytes length of the key, the key, the value
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
	kindWord
	kindRecords
)

// value is a packed value, which is unpacked when it is asked for something: most arguments are read once, and nothing
// is allocated for them. Reading it as something that it is not panics with badArgument. data aliases the request.
type value struct {
	kind byte
	name name // of the property or argument that it is, or in which it is
	data []byte
}

// badArgument is what reading an argument of the wrong type panics with. name is 0 if it is about the whole request.
type badArgument struct {
	name name
	want string
}

//go:noinline
func (v value) bad(want string) { panic(badArgument{v.name, want}) }

// reader goes through packed values.
type reader struct{ data []byte }

func (r *reader) bad() { panic(badArgument{nProperty, "complete"}) }

func (r *reader) take(n uint32) []byte {
	if uint64(n) > uint64(len(r.data)) {
		r.bad()
	}
	out := r.data[:n:n]
	r.data = r.data[n:]
	return out
}

func (r *reader) byte() byte { return r.take(1)[0] }

func (r *reader) uint32() uint32 { return uint32At(r.take(4)) }

// uint32At reads four bytes. (encoding/binary would bring reflection into the module.)
func uint32At(b []byte) uint32 {
	return uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 | uint32(b[3])<<24
}

//go:noinline
func (r *reader) value(n name) value {
	kind := r.byte()
	switch kind {
	case kindNull, kindFalse, kindTrue:
		return value{kind, n, nil}
	case kindWord:
		return value{kind, n, r.take(1)}
	case kindNumber:
		return value{kind, n, r.take(8)}
	case kindString, kindBytes, kindArray, kindObject, kindRecords:
		return value{kind, n, r.take(r.uint32())}
	}
	r.bad()
	return value{}
}

// get is a property of an object, null if it is missing.
//
//go:noinline
func (v value) get(n name) value {
	if v.kind == kindObject {
		for r := (reader{v.data}); len(r.data) > 0; {
			found := name(r.byte())
			if one := r.value(found); found == n {
				return one
			}
		}
	}
	return value{name: n}
}

//go:noinline
func (v value) object() value {
	if v.kind != kindObject {
		v.bad("an object")
	}
	return v
}

//go:noinline
func (v value) array() []value {
	if v.kind != kindArray {
		v.bad("an array")
	}
	r := reader{v.data}
	n := r.uint32()
	if uint64(n) > uint64(len(r.data)) {
		r.bad()
	}
	list := make([]value, n)
	for i := range list {
		list[i] = r.value(v.name)
	}
	return list
}

//go:noinline
func (v value) text() string {
	if v.kind != kindString {
		v.bad("a string")
	}
	return string(v.data)
}

// word is one of the words; none of them if it is another string.
//
//go:noinline
func (v value) word() word {
	switch v.kind {
	case kindWord:
		return word(v.data[0])
	case kindString:
	default:
		v.bad("a string")
	}
	return 1<<8 - 1
}

//go:noinline
func (v value) bytes() []byte {
	if v.kind != kindBytes {
		v.bad("a Uint8Array")
	}
	return v.data
}

// optionalBytes is nil for null, and not nil for an empty array.
//
//go:noinline
func (v value) optionalBytes() []byte {
	if v.kind == kindNull {
		return nil
	}
	return v.bytes()
}

// optionalText is empty for null.
//
//go:noinline
func (v value) optionalText() string {
	if v.kind == kindNull {
		return ""
	}
	return v.text()
}

// devices is a list of device ids, nil for null.
func (v value) devices() []uint32 {
	if v.kind == kindNull {
		return nil
	}
	ids := v.array()
	list := make([]uint32, len(ids))
	for i, id := range ids {
		list[i] = id.uint32()
	}
	return list
}

//go:noinline
func (v value) integer() int64 {
	if v.kind != kindNumber {
		v.bad("an integer")
	}
	n := math.Float64frombits(uint64(uint32At(v.data)) | uint64(uint32At(v.data[4:]))<<32)
	if n != math.Trunc(n) || math.Abs(n) > 1<<53 {
		v.bad("an integer")
	}
	return int64(n)
}

//go:noinline
func (v value) uint32() uint32 {
	n := v.integer()
	if n < 0 || n > 1<<32-1 {
		v.bad("from 0 to 2^32-1")
	}
	return uint32(n)
}

func (v value) isTrue() bool { return v.kind == kindTrue }

//go:noinline
func (v value) key() (k omemo.Key) {
	if copy(k[:], v.bytes()) != len(k) || len(v.data) != len(k) {
		v.bad("32 bytes")
	}
	return k
}

// now is the property that holds the time.
func (v value) now() int64 { return v.get(nNow).integer() }

//go:noinline
func (v value) version() omemo.Version {
	name := v.get(nVersion)
	switch name.word() {
	case wV03:
		return omemo.V03
	case wV2:
		return omemo.V2
	default:
		name.bad("a namespace of OMEMO")
		return 0
	}
}

//go:noinline
func (v value) address() omemo.Address {
	return omemo.Address{JID: v.get(nJID).text(), Device: v.get(nDevice).uint32()}
}

// arguments are the arguments of a call.
type arguments []value

// at is argument i, which is called so.
//
//go:noinline
func (a arguments) at(i int, n name) value {
	if i >= len(a) {
		return value{name: n}
	}
	v := a[i]
	v.name = n
	return v
}

// request is an object as argument i.
func (a arguments) request(i int) value { return a.at(i, nMessage).object() }

// records takes the first argument as stored records: bytes, or null for a record that does not exist. One that is missing
// was not read; the core complains if it needs it.
func (a arguments) records() omemo.Records {
	all := a.at(0, nKeys)
	if all.kind != kindRecords {
		all.bad("records")
	}
	records := make(omemo.Records, 8)
	for r := (reader{all.data}); len(r.data) > 0; {
		key := string(r.take(r.uint32()))
		records[key] = r.value(nValue).optionalBytes()
	}
	return records
}
