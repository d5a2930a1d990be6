package config

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
)

func (s *Set) loadFile(name string, text []byte) (errs []error) {
	if text == nil {
		return nil
	}
	var tree map[string]any
	if err := toml.Unmarshal(text, &tree); err != nil {
		var de *toml.DecodeError
		if errors.As(err, &de) {
			line, column := de.Position()
			return []error{fmt.Errorf("%s:%d:%d: %s", name, line, column, strings.TrimPrefix(de.Error(), "toml: "))}
		}
		return []error{fmt.Errorf("%s: %w", name, err)}
	}
	lines := lineNumbers(text)
	at := func(key string) Source {
		if n := lines[key]; n > 0 {
			return Source(fmt.Sprintf("%s:%d", name, n))
		}
		return Source(name)
	}
	var walk func(table string, tree map[string]any)
	walk = func(table string, tree map[string]any) {
		for _, k := range slices.SortedFunc(maps.Keys(tree), func(a, b string) int {
			return lines[join(table, a)] - lines[join(table, b)]
		}) {
			key := join(table, k)
			if o := s.byKey[key]; o != nil {
				o.source = at(key)
				if err := setTOML(o.value, tree[k]); err != nil {
					errs = append(errs, refused(o.source+": "+Source(key), fmt.Sprint(tree[k]), err))
				}
				continue
			}
			sub, isTable := tree[k].(map[string]any)
			if isTable && (s.tables[key] || s.isPrefix(key)) {
				walk(key, sub)
				continue
			}
			errs = append(errs, fmt.Errorf("%s: %s", at(key), s.unknown(key, isTable)))
		}
	}
	walk("", tree)
	return errs
}

func join(table, name string) string {
	if table == "" {
		return name
	}
	return table + "." + name
}

// isPrefix reports whether a table is there only to hold others.
func (s *Set) isPrefix(key string) bool {
	for t := range s.tables {
		if strings.HasPrefix(t, key+".") {
			return true
		}
	}
	return false
}

// unknown says what a key might have been meant to be.
func (s *Set) unknown(key string, isTable bool) string {
	if isTable {
		text := fmt.Sprintf("there is no section [%s]", key)
		if near, ok := nearest(key, slices.Sorted(maps.Keys(s.tables))); ok && near != "" {
			text += fmt.Sprintf("; did you mean [%s]?", near)
		}
		return text
	}
	text := fmt.Sprintf("there is no option %s", key)
	// The right name in the wrong section is the most common slip.
	name := key[strings.LastIndexByte(key, '.')+1:]
	for _, o := range s.options {
		if o.Name() == name {
			if o.Table() == "" {
				return text + fmt.Sprintf("; did you mean %s at the top of the file, before the first section?", name)
			}
			return text + fmt.Sprintf("; did you mean %s in section [%s]?", name, o.Table())
		}
	}
	if near, ok := nearest(key, slices.Sorted(maps.Keys(s.byKey))); ok {
		text += fmt.Sprintf("; did you mean %s?", near)
	}
	return text
}

// lineNumbers finds where the keys of a file that is known to be right are.
func lineNumbers(text []byte) map[string]int {
	lines := map[string]int{}
	var p unstable.Parser
	p.Reset(text)
	table := ""
	note := func(prefix string, it unstable.Iterator) string {
		key, line := prefix, 0
		for it.Next() {
			n := it.Node()
			key = join(key, string(n.Data))
			if line == 0 {
				line = p.Shape(n.Raw).Start.Line
			}
			if lines[key] == 0 {
				lines[key] = line
			}
		}
		return key
	}
	for p.NextExpression() {
		switch e := p.Expression(); e.Kind { //nolint:exhaustive // comments have no keys
		case unstable.Table, unstable.ArrayTable:
			table = note("", e.Key())
		case unstable.KeyValue:
			note(table, e.Key())
		}
	}
	return lines
}
