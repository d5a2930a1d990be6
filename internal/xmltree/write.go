package xmltree

import (
	"strings"
	"unicode/utf8"
)

// Writer appends XML to a buffer. The calls nest like the document: every [Writer.Open] has its
// [Writer.Close]. Attribute pairs with an empty value are left out, so that optional attributes
// need no condition.
type Writer struct {
	buf   []byte
	stack []string
}

// NewWriter is a writer with room for size bytes.
func NewWriter(size int) *Writer { return &Writer{buf: make([]byte, 0, size)} }

// String is what was written.
func (w *Writer) String() string { return string(w.buf) }

// Bytes is what was written; valid until the next call.
func (w *Writer) Bytes() []byte { return w.buf }

// Len is the number of bytes written.
func (w *Writer) Len() int { return len(w.buf) }

// Open writes a start tag. space is written as the default namespace, "" inherits the one in force.
// attrs are name, value, name, value; a name may be "xml:lang".
func (w *Writer) Open(space, local string, attrs ...string) *Writer {
	w.tag(space, local, attrs)
	w.buf = append(w.buf, '>')
	w.stack = append(w.stack, local)
	return w
}

// Start writes the beginning of a start tag and leaves it open for [Writer.Attr]. What the caller
// makes of it is its own: neither ">" nor an end tag is written.
func (w *Writer) Start(local string, attrs ...string) *Writer {
	w.tag("", local, attrs)
	return w
}

// Attr adds an attribute to a tag that [Writer.Start] began.
func (w *Writer) Attr(name, value string) *Writer {
	w.attr(name, value)
	return w
}

// Empty writes an element without content.
func (w *Writer) Empty(space, local string, attrs ...string) *Writer {
	w.tag(space, local, attrs)
	w.buf = append(w.buf, '/', '>')
	return w
}

// Element writes an element that holds only text.
func (w *Writer) Element(space, local, text string, attrs ...string) *Writer {
	if text == "" {
		return w.Empty(space, local, attrs...)
	}
	return w.Open(space, local, attrs...).Text(text).Close()
}

func (w *Writer) tag(space, local string, attrs []string) {
	w.buf = append(w.buf, '<')
	w.buf = append(w.buf, local...)
	if space != "" {
		w.attr("xmlns", space)
	}
	for i := 0; i+1 < len(attrs); i += 2 {
		if attrs[i+1] != "" {
			w.attr(attrs[i], attrs[i+1])
		}
	}
}

func (w *Writer) attr(name, value string) {
	w.buf = append(w.buf, ' ')
	w.buf = append(w.buf, name...)
	w.buf = append(w.buf, '=', '\'')
	w.buf = appendEscaped(w.buf, value, &attrEscapes)
	w.buf = append(w.buf, '\'')
}

// Text writes character data.
func (w *Writer) Text(s string) *Writer {
	w.buf = appendEscaped(w.buf, s, &textEscapes)
	return w
}

// Raw writes XML as it is. It must be balanced.
func (w *Writer) Raw(s string) *Writer {
	w.buf = append(w.buf, s...)
	return w
}

// Close writes the end tag of the innermost open element.
func (w *Writer) Close() *Writer {
	last := len(w.stack) - 1
	w.buf = append(w.buf, '<', '/')
	w.buf = append(w.buf, w.stack[last]...)
	w.buf = append(w.buf, '>')
	w.stack = w.stack[:last]
	return w
}

// Copy writes an element, with all in it, so that it depends on no namespace declared around it
// but its own default namespace: where the default namespace at this place is inherit, unprefixed
// elements of that namespace are written without a declaration.
func (w *Writer) Copy(e Element, inherit string) *Writer {
	if e.t == nil {
		return w
	}
	w.copy(e, inherit)
	return w
}

func (w *Writer) copy(e Element, inherit string) {
	n := e.node()
	space := ""
	if n.space != inherit {
		space = n.space
	}
	local := e.Local()
	w.tag(space, local, nil)
	if n.space == "" && inherit != "" {
		// Taking a name out of the default namespace needs an empty declaration.
		w.buf = append(w.buf, " xmlns=''"...)
	}
	prefixes := 0
	for i := n.attr; i < n.attrEnd; i++ {
		a := &e.t.attrs[i]
		name := e.t.src[a.local:a.nameEnd]
		switch a.space {
		case "":
		case nsXML:
			name = "xml:" + name
		default:
			prefix := "a" + string(rune('0'+prefixes%10)) + strings.Repeat("x", prefixes/10)
			prefixes++
			w.attr("xmlns:"+prefix, a.space)
			name = prefix + ":" + name
		}
		w.attr(name, e.t.attrValue(a))
	}
	if n.inner == n.innerEnd {
		w.buf = append(w.buf, '/', '>')
		return
	}
	w.buf = append(w.buf, '>')
	at := n.inner
	for c := range e.Children() {
		cn := c.node()
		w.Text(decodeText(e.t.src[at:cn.start]))
		w.copy(c, n.space)
		at = cn.end
	}
	w.Text(decodeText(e.t.src[at:n.innerEnd]))
	w.buf = append(w.buf, '<', '/')
	w.buf = append(w.buf, local...)
	w.buf = append(w.buf, '>')
}

// appendEscaped appends s with the characters replaced that the table names. Characters that XML
// cannot hold become U+FFFD.
func appendEscaped(b []byte, s string, table *[128]string) []byte {
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			rep := table[c]
			i++
			if rep == "" {
				continue
			}
			b = append(b, s[from:i-1]...)
			b = append(b, rep...)
			from = i
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		if (r == utf8.RuneError && n == 1) || r == 0xFFFE || r == 0xFFFF {
			b = append(b, s[from:i]...)
			b = append(b, "\uFFFD"...)
			from = i + n
		}
		i += n
	}
	return append(b, s[from:]...)
}

var (
	attrEscapes = escapes("\t", "&#9;", "\n", "&#10;", "\r", "&#13;", "<", "&lt;", ">", "&gt;", "&", "&amp;", "'", "&apos;", `"`, "&quot;")
	// A bare carriage return would be read back as a line feed.
	textEscapes = escapes("\t", "", "\n", "", "\r", "&#13;", "<", "&lt;", ">", "&gt;", "&", "&amp;")
)

func escapes(pairs ...string) (t [128]string) {
	for c := range 0x20 {
		t[c] = "\uFFFD"
	}
	for i := 0; i < len(pairs); i += 2 {
		t[pairs[i][0]] = pairs[i+1]
	}
	return t
}
