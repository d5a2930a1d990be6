package xmltree

import (
	"errors"
	"strings"
	"testing"
)

const head = `<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='x'>`

type piece struct {
	kind Kind
	text string
}

// feed gives the bytes to a cutter in chunks of the given size.
func feed(c *Cutter, in string, size int) (out []piece, err error) {
	var buf []byte
	for len(in) > 0 || len(buf) > 0 {
		n := min(size, len(in))
		buf = append(buf, in[:n]...)
		in = in[n:]
		for len(buf) > 0 {
			k, n, err := c.Cut(buf)
			if err != nil {
				return out, err
			}
			if k == More {
				break
			}
			out = append(out, piece{k, string(buf[:n])})
			buf = buf[n:]
		}
		if len(in) == 0 {
			break
		}
	}
	return out, nil
}

func TestCut(t *testing.T) {
	in := head + " \n<message><body a='>'>x<![CDATA[</message>]]]]>y</body></message><presence/>\n" +
		`<iq id="'/>"/></stream:stream>`
	want := []piece{
		{Declaration, `<?xml version='1.0'?>`},
		{Open, head[len(`<?xml version='1.0'?>`):]},
		{Space, " \n"},
		{Whole, "<message><body a='>'>x<![CDATA[</message>]]]]>y</body></message>"},
		{Whole, "<presence/>"},
		{Space, "\n"},
		{Whole, `<iq id="'/>"/>`},
		{Close, "</stream:stream>"},
	}
	for size := 1; size <= len(in); size++ {
		c := Cutter{Limits: wide}
		got, err := feed(&c, in, size)
		if err != nil {
			t.Fatalf("chunks of %d: %v", size, err)
		}
		// White space may come in several pieces.
		var joined []piece
		for _, p := range got {
			if k := len(joined) - 1; k >= 0 && p.kind == Space && joined[k].kind == Space {
				joined[k].text += p.text
				continue
			}
			joined = append(joined, p)
		}
		if len(joined) != len(want) {
			t.Fatalf("chunks of %d: %d pieces: %q", size, len(joined), joined)
		}
		for i := range want {
			if joined[i] != want[i] {
				t.Errorf("chunks of %d: piece %d is %q, want %q", size, i, joined[i], want[i])
			}
		}
	}
}

func TestCutLimits(t *testing.T) {
	lim := Limits{Bytes: 200, Elements: 5, Depth: 3, Attrs: 4}
	for name, c := range map[string]struct {
		in   string
		want error
	}{
		"endless text":         {"<a>" + strings.Repeat("x", 300), ErrTooBig},
		"endless tag":          {"<a" + strings.Repeat(" ", 300), ErrTooBig},
		"endless attribute":    {"<a b='" + strings.Repeat("x", 300), ErrTooBig},
		"endless end tag":      {"<a></a" + strings.Repeat(" ", 300), ErrTooBig},
		"endless cdata":        {"<a><![CDATA[" + strings.Repeat("x", 300), ErrTooBig},
		"too big at the end":   {"<a>" + strings.Repeat("x", 200) + "</a>", ErrTooBig},
		"elements":             {"<a><b/><b/><b/><b/><b/></a>", ErrTooBig},
		"depth":                {"<a><a><a><a>", ErrTooBig},
		"attributes":           {"<a b='' c='' d='' e='' f=''/>", ErrTooBig},
		"comment":              {"<!-- x -->", ErrRestricted},
		"comment inside":       {"<a><!-- x --></a>", ErrRestricted},
		"doctype":              {"<!DOCTYPE a>", ErrRestricted},
		"instruction":          {"<?php ?>", ErrRestricted},
		"instruction inside":   {"<a><?php ?></a>", ErrRestricted},
		"text between stanzas": {"hello", ErrNotWellFormed},
		"cdata between":        {"<![CDATA[x]]>", ErrRestricted},
	} {
		for _, size := range []int{1, 7, 1000} {
			k := Cutter{Limits: lim, open: true, started: true}
			if got, err := feed(&k, c.in, size); !errors.Is(err, c.want) {
				t.Errorf("%s in chunks of %d: %q, %v; want %v", name, size, got, err, c.want)
			}
		}
	}
}

func TestCutDeclaration(t *testing.T) {
	for in, want := range map[string]error{
		`<?xml version='1.0'?>`:                                      nil,
		`<?xml version="1.0" encoding="utf-8"?>`:                     nil,
		`<?xml version='1.0' encoding='UTF-8' standalone='yes' ?>`:   nil,
		`<?xml version = '1.0'?>`:                                    nil,
		`<?xml version='1.1'?>`:                                      ErrNotWellFormed,
		`<?xml version='1.0' encoding='ISO-8859-1'?>`:                ErrEncoding,
		`<?xml encoding='UTF-8'?>`:                                   ErrNotWellFormed,
		`<?xml?>`:                                                    ErrRestricted,
		`<?xmlversion='1.0'?>`:                                       ErrRestricted,
		`<?xml version='1.0' x='y'?>`:                                ErrNotWellFormed,
		`<?xml-stylesheet href='x'?>`:                                ErrRestricted,
		" <?xml version='1.0'?>":                                     ErrNotWellFormed,
		`<?xml version='1.0'?><?xml version='1.0'?>`:                 ErrRestricted,
		`<?xml version='1.0' ` + strings.Repeat(" ", maxDeclaration): ErrTooBig,
		`<stream:stream/>`:                                           ErrNotWellFormed,
		`</stream:stream>`:                                           ErrNotWellFormed,
	} {
		c := Cutter{Limits: wide}
		if _, err := feed(&c, in, 1000); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", in, err, want)
		}
	}
}

// FuzzCut: how the bytes are chunked makes no difference, and nothing longer than the limit passes.
func FuzzCut(f *testing.F) {
	f.Add(head+"<a><b c='>'/></a> <d/></stream:stream>", 3)
	f.Add("<?xml version='1.0'?>\n<s><a><![CDATA[]]]]></a>", 1)
	f.Fuzz(func(t *testing.T, in string, size int) {
		if size <= 0 || len(in) > 2000 {
			return
		}
		lim := Limits{Bytes: 500, Elements: 20, Depth: 6, Attrs: 10}
		one, two := Cutter{Limits: lim}, Cutter{Limits: lim}
		whole, err1 := feed(&one, in, len(in)+1)
		parts, err2 := feed(&two, in, size)
		if (err1 == nil) != (err2 == nil) {
			t.Fatalf("%q: whole %v, in chunks of %d %v", in, err1, size, err2)
		}
		join := func(ps []piece) (s string) {
			for _, p := range ps {
				if p.kind != Space {
					s += p.text
				}
				if len(p.text) > lim.Bytes {
					t.Fatalf("%q: piece of %d bytes", in, len(p.text))
				}
			}
			return s
		}
		if err1 == nil && join(whole) != join(parts) {
			t.Fatalf("%q: %q and %q", in, whole, parts)
		}
	})
}
