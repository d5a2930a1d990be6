package vcard

import (
	"slices"
	"strings"

	"kith/internal/ns"
	"kith/internal/xmltree"
)

// plain are the properties that hold text alone; in vCard4 it is in an element for its type (RFC 6351
// section 5).
var plain = []struct{ old, name, value string }{
	{"FN", "fn", "text"},
	{"NICKNAME", "nickname", "text"},
	{"BDAY", "bday", "date"},
	{"TITLE", "title", "text"},
	{"ROLE", "role", "text"},
	{"URL", "url", "uri"},
	{"DESC", "note", "text"},
	{"NOTE", "note", "text"},
	{"TZ", "tz", "text"},
	{"UID", "uid", "text"},
}

// structured are the properties with parts.
var structured = []struct {
	old, name string
	parts     [][2]string
}{
	{"N", "n", [][2]string{
		{"FAMILY", "surname"}, {"GIVEN", "given"}, {"MIDDLE", "additional"}, {"PREFIX", "prefix"}, {"SUFFIX", "suffix"},
	}},
	{"ADR", "adr", [][2]string{
		{"POBOX", "pobox"},
		{"EXTADD", "ext"},
		{"STREET", "street"},
		{"LOCALITY", "locality"},
		{"REGION", "region"},
		{"PCODE", "code"},
		{"CTRY", "country"},
	}},
}

// kinds are the types of addresses and numbers. INTERNET, of which every e-mail address is, and PREF are
// not among them.
var kinds = [][2]string{
	{"HOME", "home"},
	{"WORK", "work"},
	{"VOICE", "voice"},
	{"FAX", "fax"},
	{"PAGER", "pager"},
	{"MSG", "text"},
	{"CELL", "cell"},
	{"VIDEO", "video"},
}

const xmppURI = "xmpp:"

// toVCard4 converts a vcard-temp to a vCard4 (XEP-0292 section 6). What that has no place for is left
// out.
func toVCard4(card xmltree.Element) string {
	w := xmltree.NewWriter(1024)
	w.Open(nsVCard4, "vcard")
	for c := range card.Children() {
		if c.Space() == ns.VCardTemp {
			convert(w, c)
		}
	}
	return w.Close().String()
}

func convert(w *xmltree.Writer, c xmltree.Element) {
	part := func(name string) string { return strings.TrimSpace(c.ChildText(ns.VCardTemp, name)) }
	switch c.Local() {
	case "TEL":
		if v := part("NUMBER"); v != "" {
			w.Open("", "tel")
			writeKinds(w, c)
			w.Element("", "text", v).Close()
		}
	case "EMAIL":
		if v := part("USERID"); v != "" {
			w.Open("", "email")
			writeKinds(w, c)
			w.Element("", "text", v).Close()
		}
	case "JABBERID":
		if v := strings.TrimSpace(c.Text()); v != "" {
			w.Open("", "impp").Element("", "uri", xmppURI+v).Close()
		}
	case "ORG":
		writeList(w, c, "org", "ORGNAME", "ORGUNIT")
	case "CATEGORIES":
		writeList(w, c, "categories", "KEYWORD")
	case "GEO":
		if lat, lon := part("LAT"), part("LON"); lat != "" && lon != "" {
			w.Open("", "geo").Element("", "uri", "geo:"+lat+","+lon).Close()
		}
	}
	for _, p := range structured {
		if c.Local() != p.old || c.CountChildren() == 0 {
			continue
		}
		w.Open("", p.name)
		writeKinds(w, c)
		for _, x := range p.parts {
			w.Element("", x[1], part(x[0]))
		}
		w.Close()
	}
	for _, p := range plain {
		if v := strings.TrimSpace(c.Text()); c.Local() == p.old && v != "" {
			w.Open("", p.name).Element("", p.value, v).Close()
		}
	}
}

func writeKinds(w *xmltree.Writer, c xmltree.Element) {
	var all []string
	for _, k := range kinds {
		if !c.Child(ns.VCardTemp, k[0]).IsZero() {
			all = append(all, k[1])
		}
	}
	pref := !c.Child(ns.VCardTemp, "PREF").IsZero()
	if len(all) == 0 && !pref {
		return
	}
	w.Open("", "parameters")
	if len(all) > 0 {
		w.Open("", "type")
		for _, k := range all {
			w.Element("", "text", k)
		}
		w.Close()
	}
	if pref {
		w.Open("", "pref").Element("", "integer", "1").Close()
	}
	w.Close()
}

// writeList writes a property with several values, if there are any.
func writeList(w *xmltree.Writer, c xmltree.Element, name string, parts ...string) {
	var values []string
	for e := range c.Children() {
		if v := strings.TrimSpace(e.Text()); v != "" && slices.Contains(parts, e.Local()) {
			values = append(values, v)
		}
	}
	if len(values) == 0 {
		return
	}
	w.Open("", name)
	for _, v := range values {
		w.Element("", "text", v)
	}
	w.Close()
}

// fromVCard4 writes the children of a vcard-temp for a vCard4.
func fromVCard4(w *xmltree.Writer, card xmltree.Element) {
	for c := range card.Children() {
		if c.Space() == nsVCard4 {
			revert(w, c)
		}
	}
}

func revert(w *xmltree.Writer, c xmltree.Element) {
	value := strings.TrimSpace(valueOf(c))
	switch c.Local() {
	case "tel":
		w.Open("", "TEL")
		revertKinds(w, c)
		w.Element("", "NUMBER", strings.TrimPrefix(value, "tel:")).Close()
	case "email":
		w.Open("", "EMAIL").Empty("", "INTERNET")
		revertKinds(w, c)
		w.Element("", "USERID", value).Close()
	case "impp":
		if address, ok := strings.CutPrefix(value, xmppURI); ok {
			w.Element("", "JABBERID", address)
		}
	case "org":
		w.Open("", "ORG")
		name := "ORGNAME"
		for t := range c.Children() {
			if t.Is(nsVCard4, "text") {
				w.Element("", name, t.Text())
				name = "ORGUNIT"
			}
		}
		w.Close()
	case "categories":
		w.Open("", "CATEGORIES")
		for t := range c.Children() {
			if t.Is(nsVCard4, "text") {
				w.Element("", "KEYWORD", t.Text())
			}
		}
		w.Close()
	case "geo":
		if lat, lon, ok := strings.Cut(strings.TrimPrefix(value, "geo:"), ","); ok {
			lon, _, _ = strings.Cut(lon, ";")
			w.Open("", "GEO").Element("", "LAT", lat).Element("", "LON", lon).Close()
		}
	case "note":
		w.Element("", "DESC", value)
		return
	}
	for _, p := range structured {
		if c.Local() != p.name {
			continue
		}
		w.Open("", p.old)
		if p.name == "adr" {
			revertKinds(w, c)
		}
		for _, x := range p.parts {
			if v := strings.TrimSpace(c.ChildText(nsVCard4, x[1])); v != "" {
				w.Element("", x[0], v)
			}
		}
		w.Close()
	}
	for _, p := range plain {
		if c.Local() == p.name && value != "" {
			w.Element("", p.old, value)
		}
	}
}

// valueOf is the text of a property, whatever its type.
func valueOf(c xmltree.Element) string {
	for e := range c.Children() {
		if !e.Is(nsVCard4, "parameters") {
			return e.Text()
		}
	}
	return ""
}

func revertKinds(w *xmltree.Writer, c xmltree.Element) {
	parameters := c.Child(nsVCard4, "parameters")
	for t := range parameters.Child(nsVCard4, "type").Children() {
		i := slices.IndexFunc(kinds, func(k [2]string) bool { return k[1] == strings.ToLower(t.Text()) })
		if i >= 0 {
			w.Empty("", kinds[i][0])
		}
	}
	if !parameters.Child(nsVCard4, "pref").IsZero() {
		w.Empty("", "PREF")
	}
}
