// SPDX-License-Identifier: AGPL-3.0-or-later

package omemo

// The messages of OMEMO are protocol buffers of two wire types, varint and length-delimited. This is that
// much of the encoding, with bounds: a message has at most maxKeyBlob bytes, a known field occurs once, a
// number has at most 32 bits, unknown fields are skipped.

const (
	wireVarint  = 0
	wireFixed64 = 1
	wireBytes   = 2
	wireFixed32 = 5
)

func appendVarint(b []byte, v uint64) []byte {
	for v >= 0x80 {
		b = append(b, byte(v)|0x80)
		v >>= 7
	}
	return append(b, byte(v))
}

func appendUintField(b []byte, number, v uint32) []byte {
	b = appendVarint(b, uint64(number)<<3|wireVarint)
	return appendVarint(b, uint64(v))
}

func appendBytesField(b []byte, number uint32, parts ...[]byte) []byte {
	size := 0
	for _, p := range parts {
		size += len(p)
	}
	b = appendVarint(b, uint64(number)<<3|wireBytes)
	b = appendVarint(b, uint64(size))
	for _, p := range parts {
		b = append(b, p...)
	}
	return b
}

// wireField is one field; number holds the value of a varint, data that of a length-delimited field.
type wireField struct {
	id    uint32
	kind  byte
	value uint64
	data  []byte // aliases the input
}

// wireReader walks over the fields of one message.
type wireReader struct {
	buf []byte
	err error
}

func (r *wireReader) varint() (v uint64) {
	for i := 0; i < len(r.buf) && i < 10; i++ {
		b := r.buf[i]
		if i == 9 && b > 1 {
			break
		}
		v |= uint64(b&0x7f) << (7 * i)
		if b < 0x80 {
			r.buf = r.buf[i+1:]
			return v
		}
	}
	r.fail("varint is cut short or too long")
	return 0
}

func (r *wireReader) take(n uint64) []byte {
	if n > uint64(len(r.buf)) {
		r.fail("field is cut short")
		return nil
	}
	data := r.buf[:n:n]
	r.buf = r.buf[n:]
	return data
}

func (r *wireReader) fail(detail string) {
	if r.err == nil {
		r.err = fail(CodeMalformed, detail)
	}
	r.buf = nil
}

// next returns the next field, false at the end or after a failure.
func (r *wireReader) next() (f wireField, ok bool) {
	if len(r.buf) == 0 {
		return f, false
	}
	tag := r.varint()
	if r.err == nil && (tag>>3 == 0 || tag>>3 > 1<<29-1) {
		r.fail("field number out of range")
	}
	f.id, f.kind = uint32(tag>>3), byte(tag&7) //nolint:gosec // bounded above
	switch f.kind {
	case wireVarint:
		f.value = r.varint()
	case wireBytes:
		f.data = r.take(r.varint())
	case wireFixed64:
		r.take(8)
	case wireFixed32:
		r.take(4)
	default:
		r.fail("unknown wire type")
	}
	return f, r.err == nil
}

// fieldSet collects the known fields of a message: numbers and byte strings by field number below 8.
type fieldSet struct {
	numbers [8]uint32
	data    [8][]byte
	have    [8]bool
}

// readFields reads a message whose known fields have the given kinds; kinds maps a field number below 8 to
// its wire type plus 1, 0 for unknown fields.
func readFields(buf []byte, kinds *[8]byte) (s fieldSet, err error) {
	r := wireReader{buf: buf}
	for {
		f, ok := r.next()
		if !ok {
			return s, r.err
		}
		if f.id >= 8 || kinds[f.id] == 0 {
			continue
		}
		if kinds[f.id] != f.kind+1 {
			return s, fail(CodeMalformed, "field has the wrong type")
		}
		if s.have[f.id] {
			return s, fail(CodeMalformed, "field occurs twice")
		}
		if f.value > 1<<32-1 {
			return s, fail(CodeMalformed, "number has more than 32 bits")
		}
		s.have[f.id] = true
		s.numbers[f.id] = uint32(f.value)
		s.data[f.id] = f.data
	}
}
