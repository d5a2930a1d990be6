package xmltree

import "bytes"

// Kind says what [Cutter.Cut] found at the head of the input.
type Kind uint8

// What a stream consists of.
const (
	// More: the piece is not complete; call again with more bytes.
	More Kind = iota
	// Space: white space between first-level elements (a keepalive, RFC 6120 section 4.6.1).
	Space
	// Declaration: an XML declaration, legal only before the stream header.
	Declaration
	// Open: the start tag of the stream.
	Open
	// Whole: a complete first-level element.
	Whole
	// Close: the end tag of the stream.
	Close
)

type cutState uint8

const (
	inText cutState = iota
	afterLess
	inTag
	inQuote
	inEndTag
	inCDATA
	inDeclaration
)

// Cutter finds the pieces of an XML stream while its bytes arrive and applies the limits to them.
// It looks at each byte once. What it lets through still has to be parsed to be known well-formed.
type Cutter struct {
	Limits Limits

	open     bool // the stream header has passed
	started  bool // something other than a declaration may no longer be preceded by one
	state    cutState
	quote    byte
	pos      int
	depth    int
	elements int
	attrs    int
}

// Reset makes the cutter ready for a new stream on the same connection (RFC 6120 section 4.3.3).
func (c *Cutter) Reset() { *c = Cutter{Limits: c.Limits} }

// Cut looks for the piece that begins at b[0]. When it returns More, the next call must pass the
// same bytes with others after them; otherwise n is the length of the piece.
func (c *Cutter) Cut(b []byte) (k Kind, n int, err error) {
	k, n, err = c.cut(b)
	if err == nil {
		size := n
		if k == More {
			size = c.pos
		}
		if size > c.Limits.Bytes {
			return More, 0, ErrTooBig
		}
	}
	if k != More || err != nil {
		c.pos, c.depth, c.elements, c.attrs, c.state = 0, 0, 0, 0, inText
	}
	return k, n, err
}

func (c *Cutter) cut(b []byte) (Kind, int, error) {
	i := c.pos
	for i < len(b) {
		switch c.state {
		case inText:
			if c.depth == 0 {
				// Between first-level elements only white space is allowed.
				j := i
				for j < len(b) && isSpace(b[j]) {
					j++
				}
				if j > 0 && c.started {
					return Space, j, nil
				}
				if j > 0 {
					return More, 0, ErrNotWellFormed
				}
				if b[0] != '<' {
					return More, 0, ErrNotWellFormed
				}
				i, c.state = 1, afterLess
				continue
			}
			j := bytes.IndexByte(b[i:], '<')
			if j < 0 {
				i = len(b)
				continue
			}
			i, c.state = i+j+1, afterLess

		case afterLess:
			switch b[i] {
			case '/':
				c.state = inEndTag
				i++
			case '?':
				if c.started || c.depth > 0 {
					return More, 0, ErrRestricted
				}
				c.state = inDeclaration
			case '!':
				const cdata = "![CDATA["
				have := b[i:min(len(b), i+len(cdata))]
				if c.depth == 0 || string(have) != cdata[:len(have)] {
					return More, 0, ErrRestricted
				}
				if len(have) < len(cdata) {
					c.pos = i
					return More, 0, nil
				}
				i, c.state = i+len(cdata), inCDATA
			default:
				c.started = true
				if c.elements++; c.elements > c.Limits.Elements || c.depth >= c.Limits.Depth {
					return More, 0, ErrTooBig
				}
				c.attrs, c.state = 0, inTag
			}

		case inTag:
			j := i
			for j < len(b) && b[j] != '>' && b[j] != '"' && b[j] != '\'' && b[j] != '<' {
				j++
			}
			i = j
			if j == len(b) {
				continue
			}
			i++
			switch b[j] {
			case '<':
				return More, 0, ErrNotWellFormed
			case '>':
				c.state = inText
				switch {
				case !c.open:
					// A stream that ends where it begins is legal XML and useless XMPP.
					if b[j-1] == '/' {
						return More, 0, ErrNotWellFormed
					}
					c.open = true
					return Open, i, nil
				case b[j-1] != '/':
					c.depth++
				case c.depth == 0:
					return Whole, i, nil
				}
			default:
				if c.attrs++; c.attrs > c.Limits.Attrs {
					return More, 0, ErrTooBig
				}
				c.quote, c.state = b[j], inQuote
			}

		case inQuote:
			j := bytes.IndexByte(b[i:], c.quote)
			if j < 0 {
				i = len(b)
				continue
			}
			i, c.state = i+j+1, inTag

		case inEndTag:
			j := bytes.IndexByte(b[i:], '>')
			if j < 0 {
				i = len(b)
				continue
			}
			i, c.state = i+j+1, inText
			switch c.depth {
			case 0:
				if !c.open {
					return More, 0, ErrNotWellFormed
				}
				return Close, i, nil
			case 1:
				c.depth = 0
				return Whole, i, nil
			}
			c.depth--

		case inCDATA:
			j := bytes.Index(b[i:], cdataEnd)
			if j < 0 {
				// The end may be cut in two: the last two bytes are looked at again.
				c.pos = max(i, len(b)-2)
				return More, 0, nil
			}
			i, c.state = i+j+3, inText

		case inDeclaration:
			j := bytes.Index(b, declarationEnd)
			if j < 0 {
				c.pos = i
				if len(b) > maxDeclaration {
					return More, 0, ErrTooBig
				}
				return More, 0, nil
			}
			if err := checkDeclaration(string(b[:j+2])); err != nil {
				return More, 0, err
			}
			c.started = true
			return Declaration, j + 2, nil
		}
	}
	c.pos = i
	return More, 0, nil
}

var (
	cdataEnd       = []byte("]]>")
	declarationEnd = []byte("?>")
)

// maxDeclaration is more than any honest XML declaration needs.
const maxDeclaration = 128

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' }
