package plays

import (
	"fmt"
	"maps"
	"regexp"
	"strings"

	"kith/internal/xmltree"
)

// names are what placeholders stand for: addresses, and what was kept.
type names map[string]string

var placeholder = regexp.MustCompile(`\{([^{}]+)\}`)

var escape = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "'", "&apos;", `"`, "&quot;")

// fill replaces the placeholders of a text that is sent. It is XML, and so is the result.
func (n names) fill(text string) (string, error) {
	return n.replace(text, escape.Replace)
}

// fillRaw replaces the placeholders of a text that is not XML.
func (n names) fillRaw(text string) (string, error) {
	return n.replace(text, func(v string) string { return v })
}

func (n names) replace(text string, write func(string) string) (string, error) {
	var missing error
	out := placeholder.ReplaceAllStringFunc(text, func(p string) string {
		v, ok := n[p[1:len(p)-1]]
		if !ok && missing == nil {
			missing = fmt.Errorf("nothing is known of %s", p)
		}
		return write(v)
	})
	return out, missing
}

// value compares a text with what is expected of it: {any} is anything but nothing, {keep x} also keeps
// it for {x}, {a|b} is one of these, {none} is nothing.
func (n names) value(want, got string) error {
	var pattern strings.Builder
	var keep []string
	pattern.WriteString(`(?s)^`)
	at := 0
	for _, m := range placeholder.FindAllStringIndex(want, -1) {
		pattern.WriteString(regexp.QuoteMeta(want[at:m[0]]))
		at = m[1]
		p := want[m[0]+1 : m[1]-1]
		switch name, isKeep := strings.CutPrefix(p, "keep "); {
		case p == "any":
			pattern.WriteString(`.+?`)
		case p == "none":
		case isKeep:
			keep = append(keep, name)
			pattern.WriteString(`(.+?)`)
		case strings.Contains(p, "|"):
			var quoted []string
			for a := range strings.SplitSeq(p, "|") {
				quoted = append(quoted, regexp.QuoteMeta(a))
			}
			pattern.WriteString(`(?:` + strings.Join(quoted, "|") + `)`)
		default:
			v, ok := n[p]
			if !ok {
				return fmt.Errorf("nothing is known of {%s}", p)
			}
			pattern.WriteString(regexp.QuoteMeta(v))
		}
	}
	pattern.WriteString(regexp.QuoteMeta(want[at:]) + `$`)
	m := regexp.MustCompile(pattern.String()).FindStringSubmatch(got)
	if m == nil {
		return fmt.Errorf("is %q, not %q", got, want)
	}
	for i, name := range keep {
		n[name] = m[i+1]
	}
	return nil
}

// match compares an element with what is expected of it. What is not mentioned may be there too: attributes,
// and children unless the expected element has play:exact='yes'. A child with play:not='yes' must not be there.
// What is kept is kept only when all of it fits.
func (n names) match(want, got xmltree.Element) error {
	kept := maps.Clone(n)
	if err := kept.element(want, got); err != nil {
		return err
	}
	maps.Copy(n, kept)
	return nil
}

func (n names) element(want, got xmltree.Element) error {
	if got.Local() != want.Local() || got.Space() != want.Space() {
		return fmt.Errorf("<%s xmlns='%s'> is not <%s xmlns='%s'>", got.Local(), got.Space(), want.Local(), want.Space())
	}
	in := "<" + want.Local() + ">: "
	for a := range want.Attrs() {
		if a.Space == playNS {
			continue
		}
		v, _ := got.LookupAttr(a.Space, a.Local)
		if err := n.value(a.Value, v); err != nil {
			return fmt.Errorf("%s%s %w", in, a.Local, err)
		}
	}
	if text := strings.TrimSpace(want.Text()); text != "" {
		if err := n.value(text, strings.TrimSpace(got.Text())); err != nil {
			return fmt.Errorf("%stext %w", in, err)
		}
	}
	var children []xmltree.Element
	for e := range got.Children() {
		children = append(children, e)
	}
	taken := make([]bool, len(children))
	for w := range want.Children() {
		if err := n.child(w, children, taken); err != nil {
			return fmt.Errorf("%s%w", in, err)
		}
	}
	if marked(want, "exact") {
		for i, e := range children {
			if !taken[i] {
				return fmt.Errorf("%s%s is more than was expected", in, e.Source())
			}
		}
	}
	return nil
}

// child looks for a child that fits and was not taken by one before.
func (n names) child(want xmltree.Element, children []xmltree.Element, taken []bool) error {
	not := marked(want, "not")
	nearest := fmt.Errorf("no %s", want.Source())
	for i, e := range children {
		if taken[i] && !not {
			continue
		}
		err := n.match(want, e)
		switch {
		case err == nil && not:
			return fmt.Errorf("%s must not be there", e.Source())
		case err == nil:
			taken[i] = true
			return nil
		case e.Local() == want.Local() && e.Space() == want.Space():
			nearest = err
		}
	}
	if not {
		return nil
	}
	return nearest
}

func marked(e xmltree.Element, mark string) bool {
	v, _ := e.LookupAttr(playNS, mark)
	return v != ""
}
