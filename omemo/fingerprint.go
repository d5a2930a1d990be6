// SPDX-License-Identifier: AGPL-3.0-or-later

package omemo

import (
	"strconv"
	"strings"
)

// Fingerprint is an identity key as it is shown: 64 lower-case hexadecimal digits in eight groups of eight
// (XEP-0384 section 8).
func Fingerprint(k Key) string {
	b := make([]byte, 0, 71)
	for i := 0; i < len(k); i += 4 {
		if i > 0 {
			b = append(b, ' ')
		}
		b = appendHex(b, k[i:i+4])
	}
	return string(b)
}

// ParseFingerprint reads a fingerprint, with or without spaces and in either case.
func ParseFingerprint(s string) (k Key, err error) {
	digits := make([]byte, 0, 64)
	for i := 0; i < len(s); i++ {
		if s[i] != ' ' {
			digits = append(digits, s[i])
		}
	}
	if !parseHex(k[:], string(digits)) {
		return k, fail(CodeMalformed, "fingerprint must have 64 hexadecimal digits")
	}
	return k, nil
}

// DeviceKey is an identity key with the device id that belongs to it.
type DeviceKey struct {
	Device uint32
	Key    Key
}

const (
	scheme    = "xmpp:"
	parameter = "omemo-sid-"
)

// maxURIKeys bounds the number of keys in a QR code.
const maxURIKeys = 256

// FormatURI is the text of the QR code with which other clients verify a JID's devices:
// xmpp:user@example.org?omemo-sid-<id>=<64 hexadecimal digits>;omemo-sid-...
func FormatURI(jid string, keys []DeviceKey) string {
	b := appendEscaped([]byte(scheme), jid)
	separator := byte('?')
	for i := range keys {
		b = append(append(b, separator), parameter...)
		b = strconv.AppendUint(b, uint64(keys[i].Device), 10)
		b = appendHex(append(b, '='), keys[i].Key[:])
		separator = ';'
	}
	return string(b)
}

// appendEscaped percent-encodes what must not stand in the path of an XMPP URI (RFC 5122 section 2.2).
func appendEscaped(b []byte, s string) []byte {
	const plain = "-._~!$&'()*+,;=:@"
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte(plain, c) >= 0 {
			b = append(b, c)
		} else {
			b = appendHex(append(b, '%'), []byte{c})
		}
	}
	return b
}

// ParseURI reads an xmpp: URI and returns the bare JID and the keys in it. Other actions and parameters are
// ignored; a key that is not well-formed makes the whole URI invalid.
func ParseURI(uri string) (jid string, keys []DeviceKey, err error) {
	if len(uri) > 64*1024 || len(uri) < len(scheme) || lower(uri[:len(scheme)]) != scheme {
		return "", nil, fail(CodeMalformed, "not an xmpp: URI")
	}
	path, _, _ := strings.Cut(uri[len(scheme):], "#")
	path, query, _ := strings.Cut(path, "?")
	if strings.HasPrefix(path, "//") { // an authority names the account to use, RFC 5122 section 2.3
		_, path, _ = strings.Cut(path[2:], "/")
	}
	path, _, _ = strings.Cut(path, "/") // a resource, encoded slashes excepted
	if jid, err = unescape(path); err != nil {
		return "", nil, err
	}
	if err := checkJID(jid); err != nil {
		return "", nil, fail(CodeMalformed, "no bare JID in the URI")
	}
	for query != "" {
		var part string
		part, query, _ = strings.Cut(query, ";")
		name, value, _ := strings.Cut(part, "=")
		digits, ok := strings.CutPrefix(name, parameter)
		if !ok {
			continue
		}
		device, isID := parseID(digits)
		key, keyErr := ParseFingerprint(value)
		if !isID || keyErr != nil || len(keys) == maxURIKeys {
			return "", nil, fail(CodeMalformed, "key in the URI")
		}
		keys = append(keys, DeviceKey{device, key})
	}
	return jid, keys, nil
}

// parseID reads a device id in decimal. (strconv.ParseUint quotes what it refuses, which takes tables of
// Unicode.)
func parseID(s string) (uint32, bool) {
	var id uint64
	for i := 0; i < len(s) && i <= 10; i++ {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		id = id*10 + uint64(s[i]-'0')
	}
	if id == 0 || id > MaxDeviceID {
		return 0, false
	}
	return uint32(id), true
}

func unescape(s string) (string, error) {
	if strings.IndexByte(s, '%') < 0 {
		return s, nil
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			out = append(out, s[i])
			continue
		}
		if i+2 >= len(s) {
			return "", fail(CodeMalformed, "percent-encoding in the URI")
		}
		var c [1]byte
		if !parseHex(c[:], s[i+1:i+3]) {
			return "", fail(CodeMalformed, "percent-encoding in the URI")
		}
		out = append(out, c[0])
		i += 2
	}
	return string(out), nil
}

// appendHex and parseHex stand in for encoding/hex, which brings package fmt into the WebAssembly module.
func appendHex(b, data []byte) []byte {
	const digits = "0123456789abcdef"
	for _, c := range data {
		b = append(b, digits[c>>4], digits[c&15])
	}
	return b
}

// lower is strings.ToLower for ASCII, without the tables of Unicode.
func lower(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

// parseHex fills out from exactly twice as many digits.
func parseHex(out []byte, s string) bool {
	if len(s) != 2*len(out) {
		return false
	}
	for i := 0; i < len(s); i++ {
		var v byte
		switch c := s[i]; {
		case c >= '0' && c <= '9':
			v = c - '0'
		case c >= 'a' && c <= 'f':
			v = c - 'a' + 10
		case c >= 'A' && c <= 'F':
			v = c - 'A' + 10
		default:
			return false
		}
		out[i/2] = out[i/2]<<4 | v
	}
	return true
}
