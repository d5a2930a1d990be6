package xep

import (
	"crypto/sha1" //nolint:gosec // what XEP-0115 prescribes; collisions are refused by the checks below
	"encoding/base64"
	"errors"
	"slices"
	"strings"

	"kith/internal/ns"
	"kith/internal/xmltree"
)

// ErrCaps: a disco#info answer from which no verification string may be made (XEP-0115 section 5.4).
var ErrCaps = errors.New("xep: ill-formed capabilities")

// CapsVer computes the verification string of a disco#info query element with SHA-1 (XEP-0115
// section 5.1). It refuses what section 5.4 calls ill-formed: repeated identities, features or
// forms, and values that could be read in two ways because they hold the separator.
func CapsVer(query xmltree.Element) (string, error) {
	var identities, features []string
	forms := map[string]string{}
	for c := range query.Children() {
		switch {
		case c.Is(ns.DiscoInfo, "identity"):
			id := []string{c.Attr("category"), c.Attr("type"), c.Lang(), c.Attr("name")}
			identities = append(identities, strings.Join(id, "/"))
		case c.Is(ns.DiscoInfo, "feature"):
			features = append(features, c.Attr("var"))
		case c.Is(ns.DataForms, "x"):
			name, text, err := capsForm(c)
			if err != nil {
				return "", err
			}
			if name == "" {
				continue
			}
			if _, twice := forms[name]; twice {
				return "", ErrCaps
			}
			forms[name] = text
		}
	}
	var b strings.Builder
	for _, part := range [][]string{identities, features} {
		slices.Sort(part)
		for i, s := range part {
			if i > 0 && part[i-1] == s || strings.Contains(s, "<") {
				return "", ErrCaps
			}
			b.WriteString(s)
			b.WriteByte('<')
		}
	}
	names := make([]string, 0, len(forms))
	for name := range forms {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		b.WriteString(forms[name])
	}
	sum := sha1.Sum([]byte(b.String())) //nolint:gosec // see above
	return base64.StdEncoding.EncodeToString(sum[:]), nil
}

// capsForm gives the FORM_TYPE of an extension and its part of the string; "" for a form to ignore.
func capsForm(x xmltree.Element) (formType, text string, err error) {
	fields := map[string][]string{}
	hidden := false
	for f := range x.Children() {
		if !f.Is(ns.DataForms, "field") {
			continue
		}
		var values []string
		for v := range f.Children() {
			if v.Is(ns.DataForms, "value") {
				if strings.Contains(v.Text(), "<") {
					return "", "", ErrCaps
				}
				values = append(values, v.Text())
			}
		}
		name := f.Attr("var")
		if name == "FORM_TYPE" {
			if len(slices.Compact(slices.Sorted(slices.Values(values)))) > 1 {
				return "", "", ErrCaps
			}
			hidden = f.Attr("type") == "hidden"
			if len(values) > 0 {
				formType = values[0]
			}
			continue
		}
		if strings.Contains(name, "<") {
			return "", "", ErrCaps
		}
		slices.Sort(values)
		fields[name] = append(fields[name], values...)
	}
	if formType == "" || !hidden {
		return "", "", nil
	}
	var b strings.Builder
	b.WriteString(formType)
	b.WriteByte('<')
	names := make([]string, 0, len(fields))
	for name := range fields {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		b.WriteString(name)
		b.WriteByte('<')
		for _, v := range fields[name] {
			b.WriteString(v)
			b.WriteByte('<')
		}
	}
	return formType, b.String(), nil
}
