package sasl

import (
	"strings"
	"unicode/utf8"
)

// The grammar is that of RFC 5802 section 7.

const maxNonce = 512

type clientFirst struct {
	header  string // gs2-header, with its second comma
	flag    byte   // 'n', 'y' or 'p'
	binding Binding
	authzid string
	bare    string // client-first-message-bare
	user    string
	nonce   string
}

func parseClientFirst(msg string) (clientFirst, error) {
	var f clientFirst
	if !validText(msg) {
		return f, malformed("message is not UTF-8 without NUL")
	}
	flag, rest, ok := strings.Cut(msg, ",")
	if !ok {
		return f, malformed("no gs2 header")
	}
	switch {
	case flag == "n", flag == "y":
		f.flag = flag[0]
	case strings.HasPrefix(flag, "p="):
		f.flag, f.binding = 'p', Binding(flag[2:])
		if !validBindingName(flag[2:]) {
			return f, malformed("channel binding name")
		}
	default:
		return f, malformed("channel binding flag")
	}
	authzid, bare, ok := strings.Cut(rest, ",")
	if !ok {
		return f, malformed("no gs2 header")
	}
	if authzid != "" {
		name, ok := strings.CutPrefix(authzid, "a=")
		if !ok {
			return f, malformed("authorization identity")
		}
		if f.authzid, ok = unescapeName(name); !ok {
			return f, malformed("authorization identity")
		}
	}
	f.header, f.bare = msg[:len(msg)-len(bare)], bare

	attrs, err := parseAttrs(bare)
	if err != nil {
		return f, err
	}
	if len(attrs) < 2 || attrs[0].name != 'n' || attrs[1].name != 'r' {
		return f, malformed("client-first-message needs a username and a nonce")
	}
	if f.user, ok = unescapeName(attrs[0].value); !ok {
		return f, malformed("username")
	}
	f.nonce = attrs[1].value
	if !validNonce(f.nonce) {
		return f, malformed("nonce")
	}
	return f, nil
}

type clientFinal struct {
	binding      []byte
	nonce        string
	proof        []byte
	withoutProof string
}

func parseClientFinal(msg string) (clientFinal, error) {
	var f clientFinal
	if !validText(msg) {
		return f, malformed("message is not UTF-8 without NUL")
	}
	attrs, err := parseAttrs(msg)
	if err != nil {
		return f, err
	}
	last := len(attrs) - 1
	if last < 2 || attrs[0].name != 'c' || attrs[1].name != 'r' || attrs[last].name != 'p' {
		return f, malformed("client-final-message needs a channel binding, a nonce and a proof")
	}
	var ok bool
	if f.binding, ok = decodeBase64(attrs[0].value); !ok {
		return f, malformed("channel binding is not base64")
	}
	f.nonce = attrs[1].value
	if f.proof, ok = decodeBase64(attrs[last].value); !ok {
		return f, malformed("proof is not base64")
	}
	f.withoutProof = msg[:len(msg)-len(",p=")-len(attrs[last].value)]
	return f, nil
}

type scramAttr struct {
	name  byte
	value string
}

// maxAttrs is far above what any extension needs and bounds what a message can make us keep.
const maxAttrs = 16

// parseAttrs splits attr-val *("," attr-val). Unknown attributes are extensions and pass; "m" is a
// mandatory extension, none of which is known (section 5.1).
func parseAttrs(s string) ([]scramAttr, error) {
	var out []scramAttr
	for part := range strings.SplitSeq(s, ",") {
		if len(part) < 2 || part[1] != '=' || !isAlpha(part[0]) {
			return nil, malformed("attribute")
		}
		if part[0] == 'm' {
			return nil, malformed("mandatory extension")
		}
		if part[2:] == "" {
			return nil, malformed("empty attribute")
		}
		if len(out) == maxAttrs {
			return nil, malformed("too many attributes")
		}
		out = append(out, scramAttr{name: part[0], value: part[2:]})
	}
	return out, nil
}

// unescapeName reads a saslname: "=2C" is a comma, "=3D" is "=", and no other "=" may be there.
func unescapeName(s string) (string, bool) {
	if s == "" {
		return "", false
	}
	if !strings.Contains(s, "=") {
		return s, true
	}
	var b strings.Builder
	for {
		before, after, found := strings.Cut(s, "=")
		b.WriteString(before)
		if !found {
			return b.String(), true
		}
		switch {
		case strings.HasPrefix(after, "2C"):
			b.WriteByte(',')
		case strings.HasPrefix(after, "3D"):
			b.WriteByte('=')
		default:
			return "", false
		}
		s = after[2:]
	}
}

func validText(s string) bool { return utf8.ValidString(s) && !strings.Contains(s, "\x00") }

// validNonce: printable ASCII without the comma, which has split the message already.
func validNonce(s string) bool {
	if s == "" || len(s) > maxNonce {
		return false
	}
	for i := range len(s) {
		if s[i] < 0x21 || s[i] > 0x7e {
			return false
		}
	}
	return true
}

func validBindingName(s string) bool {
	if s == "" || len(s) > 64 {
		return false
	}
	for i := range len(s) {
		if c := s[i]; !isAlpha(c) && (c < '0' || c > '9') && c != '.' && c != '-' {
			return false
		}
	}
	return true
}

func isAlpha(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }
