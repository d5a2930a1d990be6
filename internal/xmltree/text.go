package xmltree

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// checkChars accepts UTF-8 made of the characters that XML 1.0 allows (section 2.2).
func checkChars(s string) error {
	i := 0
	for i < len(s) {
		// Eight bytes at a time: printable ASCII is nearly all there is.
		for len(s)-i >= 8 {
			w := uint64(s[i]) | uint64(s[i+1])<<8 | uint64(s[i+2])<<16 | uint64(s[i+3])<<24 |
				uint64(s[i+4])<<32 | uint64(s[i+5])<<40 | uint64(s[i+6])<<48 | uint64(s[i+7])<<56
			const high, low = 0x8080808080808080, 0x2020202020202020
			if w&high != 0 || (w-low)&^w&high != 0 {
				break
			}
			i += 8
		}
		if i == len(s) {
			break
		}
		c := s[i]
		switch {
		case c >= 0x20 && c < utf8.RuneSelf, c == '\n', c == '\t', c == '\r':
			i++
		case c < 0x20:
			return ErrEncoding
		default:
			r, n := utf8.DecodeRuneInString(s[i:])
			if (r == utf8.RuneError && n == 1) || r == 0xFFFE || r == 0xFFFF {
				return ErrEncoding
			}
			i += n
		}
	}
	return nil
}

// checkRefs accepts a run of character data in which every '&' begins a legal reference.
func checkRefs(s string) error {
	for {
		i := strings.IndexByte(s, '&')
		if i < 0 {
			return nil
		}
		_, n, err := reference(s[i:])
		if err != nil {
			return err
		}
		s = s[i+n:]
	}
}

// reference reads one reference at the head of s and gives the character and the bytes it took.
func reference(s string) (rune, int, error) {
	// The longest legal one is a character reference with leading zeros; those are bounded too.
	end := strings.IndexByte(s[:min(len(s), 16)], ';')
	if end < 2 {
		return 0, 0, ErrNotWellFormed
	}
	name := s[1:end]
	switch name {
	case "lt":
		return '<', end + 1, nil
	case "gt":
		return '>', end + 1, nil
	case "amp":
		return '&', end + 1, nil
	case "apos":
		return '\'', end + 1, nil
	case "quot":
		return '"', end + 1, nil
	}
	if name[0] != '#' || len(name) < 2 {
		return 0, 0, ErrRestricted
	}
	digits, base := name[1:], 10
	if digits[0] == 'x' {
		digits, base = digits[1:], 16
	}
	if digits == "" || digits[0] == '+' || digits[0] == '-' || strings.Contains(digits, "_") {
		return 0, 0, ErrNotWellFormed
	}
	v, err := strconv.ParseUint(digits, base, 32)
	if err != nil || !isXMLChar(v) {
		return 0, 0, ErrNotWellFormed
	}
	return rune(v), end + 1, nil //nolint:gosec // isXMLChar bounds it
}

func isXMLChar(v uint64) bool {
	return v == '\t' || v == '\n' || v == '\r' || (v >= 0x20 && v < 0xD800) || (v >= 0xE000 && v < 0xFFFE) || (v >= 0x10000 && v <= 0x10FFFF)
}

// unescape replaces references; s has passed checkRefs.
func unescape(s string) string {
	i := strings.IndexByte(s, '&')
	if i < 0 {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	for i >= 0 {
		b.WriteString(s[:i])
		r, n, err := reference(s[i:])
		if err != nil {
			break
		}
		b.WriteRune(r)
		s = s[i+n:]
		i = strings.IndexByte(s, '&')
	}
	b.WriteString(s)
	return b.String()
}

// normalizeAttr replaces white space by spaces (XML 1.0 section 3.3.3), as far as it matters here:
// attribute values of XMPP are compared, and no peer may smuggle line ends into them.
func normalizeAttr(s string) string {
	if !strings.ContainsAny(s, "\t\n\r") {
		return s
	}
	return strings.Map(func(r rune) rune {
		if r == '\t' || r == '\n' || r == '\r' {
			return ' '
		}
		return r
	}, s)
}

// decodeText decodes character data with references and CDATA sections; line ends become "\n"
// (XML 1.0 section 2.11).
func decodeText(s string) string {
	if strings.IndexByte(s, '\r') >= 0 {
		s = strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
	}
	if strings.IndexByte(s, '<') < 0 {
		return unescape(s)
	}
	var b strings.Builder
	for {
		i := strings.Index(s, "<![CDATA[")
		if i < 0 {
			b.WriteString(unescape(s))
			return b.String()
		}
		b.WriteString(unescape(s[:i]))
		s = s[i+len("<![CDATA["):]
		j := strings.Index(s, "]]>")
		if j < 0 {
			return b.String()
		}
		b.WriteString(s[:j])
		s = s[j+3:]
	}
}

// checkDeclaration accepts <?xml version='1.0' encoding='UTF-8'?> (RFC 6120 section 11.5, 11.6).
func checkDeclaration(s string) error {
	s, ok := strings.CutPrefix(s, "<?xml")
	if !ok || s == "" || !isSpace(s[0]) {
		return ErrRestricted
	}
	s = strings.TrimSuffix(s, "?>")
	for i, want := range []struct {
		name  string
		value func(string) error
	}{
		{"version", func(v string) error {
			if v != "1.0" {
				return ErrNotWellFormed
			}
			return nil
		}},
		{"encoding", func(v string) error {
			if !strings.EqualFold(v, "utf-8") {
				return ErrEncoding
			}
			return nil
		}},
		{"standalone", func(v string) error {
			if v != "yes" && v != "no" {
				return ErrNotWellFormed
			}
			return nil
		}},
	} {
		rest := strings.TrimLeft(s, " \t\r\n")
		if rest == "" && i > 0 {
			return nil
		}
		after, ok := strings.CutPrefix(rest, want.name)
		if !ok {
			if i == 0 {
				return ErrNotWellFormed
			}
			continue
		}
		after = strings.TrimLeft(after, " \t\r\n")
		if len(after) < 3 || after[0] != '=' {
			return ErrNotWellFormed
		}
		after = strings.TrimLeft(after[1:], " \t\r\n")
		if after == "" || (after[0] != '"' && after[0] != '\'') {
			return ErrNotWellFormed
		}
		end := strings.IndexByte(after[1:], after[0])
		if end < 0 {
			return ErrNotWellFormed
		}
		if err := want.value(after[1 : 1+end]); err != nil {
			return err
		}
		s = after[end+2:]
	}
	if strings.TrimSpace(s) != "" {
		return ErrNotWellFormed
	}
	return nil
}

// nameEnd gives the end of the XML name (with colons) that begins at s[i], or i if there is none.
func nameEnd(s string, i int) int {
	start := i
	for i < len(s) {
		c := s[i]
		if c < utf8.RuneSelf {
			if nameTable[c] == 0 || (i == start && nameTable[c] != 1) {
				return i
			}
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		if !isNameRune(r, i == start) {
			return i
		}
		i += n
	}
	return i
}

// nameTable: 1 may begin a name, 2 may only continue one.
var nameTable = func() (t [128]byte) {
	for c := 'a'; c <= 'z'; c++ {
		t[c], t[c-32] = 1, 1
	}
	t['_'], t[':'] = 1, 1
	for c := '0'; c <= '9'; c++ {
		t[c] = 2
	}
	t['-'], t['.'] = 2, 2
	return t
}()

// isNameRune follows NameStartChar and NameChar of XML 1.0 (fifth edition) beyond ASCII.
func isNameRune(r rune, first bool) bool {
	switch {
	case r >= 0xC0 && r <= 0x2FF:
		return r != 0xD7 && r != 0xF7
	case r >= 0x370 && r <= 0x1FFF:
		return r != 0x37E
	case r == 0x200C, r == 0x200D, r >= 0x2070 && r <= 0x218F, r >= 0x2C00 && r <= 0x2FEF,
		r >= 0x3001 && r <= 0xD7FF, r >= 0xF900 && r <= 0xFDCF, r >= 0xFDF0 && r <= 0xFFFD, r >= 0x10000 && r <= 0xEFFFF:
		return true
	case r == 0xB7, r >= 0x300 && r <= 0x36F, r == 0x203F, r == 0x2040:
		return !first
	}
	return false
}
