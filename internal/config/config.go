// Package config fills the options of a program from their defaults, a TOML file, the
// environment and the command line, each overriding the one before.
//
// # What a feature does
//
// It declares a struct of its own, and never imports this package unless it needs one of
// its types:
//
//	// Config is the section [archive] of the configuration file.
//	type Config struct {
//		// Retention is how long messages are kept after they were delivered.
//		Retention time.Duration `toml:"retention"`
//		// Paging is how messages are handed out.
//		Paging PagingConfig `toml:"paging"`
//	}
//
// with a DefaultConfig function, and a method Validate whose error says what is out of its
// bounds: one error for each such option, joined, each beginning with the option's whole
// name as in "archive.retention is 5s; allowed are 1h to 10y". The comments of the fields
// become the documentation of the options; the names of fields in them are replaced by the
// names of options.
//
// Options are strings, booleans, numbers, [time.Duration] (in the file: "90s", "12h", "7d"),
// lists of strings, whatever implements [encoding.TextUnmarshaler], such as [Size] and
// [Addr], and structs of these. A field without a toml tag is no option.
package config

import (
	"encoding"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"
)

// Section hands in a struct with options, holding their defaults.
type Section struct {
	// Name of the table in the file, "" for the top of it.
	Name string
	// Target is a pointer to the struct. Loading fills it.
	Target any
}

// Option is one value that can be set.
type Option struct {
	// Key is its name in the file with the tables before it, such as "archive.retention".
	Key string
	// Env is its name in the environment, such as KITH_ARCHIVE_RETENTION, or what the tag env has
	// after the prefix.
	Env string
	// Flag is its name on the command line without dashes, from the tag flag; "" for none.
	Flag string
	// Default is its value before loading as text in TOML.
	Default string
	// Example is what to show where the default is empty, from the tag example.
	Example string
	// Owner and Field tell where it is declared.
	Owner reflect.Type
	Field string

	value  reflect.Value
	source Source
}

// Source is where a value came from: "" for the default, otherwise as in "kith.toml:12",
// "KITH_DOMAIN" or "--domain".
type Source string

// Table is the part of the key before its last dot.
func (o *Option) Table() string {
	if i := strings.LastIndexByte(o.Key, '.'); i >= 0 {
		return o.Key[:i]
	}
	return ""
}

// Name is the part of the key after its last dot.
func (o *Option) Name() string { return o.Key[strings.LastIndexByte(o.Key, '.')+1:] }

// Value is the present value as text in TOML.
func (o *Option) Value() string { return literal(o.value) }

// Source is where the present value came from.
func (o *Option) Source() Source { return o.source }

// Set is all options of a program.
type Set struct {
	env      string
	options  []*Option
	byKey    map[string]*Option
	tables   map[string]bool
	sections []Section
}

// New gathers the options of the sections, in their order. The environment's names begin
// with prefix and an underscore. It panics when a struct cannot be a section, which is an
// error in the program.
func New(prefix string, sections ...Section) *Set {
	s := &Set{env: prefix + "_", byKey: map[string]*Option{}, tables: map[string]bool{"": true}, sections: sections}
	for _, sec := range sections {
		v := reflect.ValueOf(sec.Target)
		if v.Kind() != reflect.Pointer || v.Elem().Kind() != reflect.Struct {
			panic(fmt.Sprintf("config: section [%s] is a %T, not a pointer to a struct", sec.Name, sec.Target))
		}
		s.gather(sec.Name, v.Elem())
	}
	return s
}

func (s *Set) gather(table string, v reflect.Value) {
	s.tables[table] = true
	for i := range v.NumField() {
		f := v.Type().Field(i)
		name := f.Tag.Get("toml")
		if name == "" || name == "-" {
			continue
		}
		key := name
		if table != "" {
			key = table + "." + name
		}
		if f.Type.Kind() == reflect.Struct && !isText(f.Type) {
			s.gather(key, v.Field(i))
			continue
		}
		if !supported(f.Type) {
			panic(fmt.Sprintf("config: option %s has type %s", key, f.Type))
		}
		if s.byKey[key] != nil {
			panic("config: two options are named " + key)
		}
		env := f.Tag.Get("env")
		if env == "" {
			env = strings.ToUpper(strings.NewReplacer(".", "_", "-", "_").Replace(key))
		}
		o := &Option{
			Key: key, Env: s.env + env,
			Flag: f.Tag.Get("flag"), Default: literal(v.Field(i)), Example: f.Tag.Get("example"),
			Owner: v.Type(), Field: f.Name, value: v.Field(i),
		}
		for _, other := range s.options {
			if other.Env == o.Env || other.Flag == o.Flag && o.Flag != "" {
				panic(fmt.Sprintf("config: %s and %s have the same name in the environment or as a flag", other.Key, key))
			}
		}
		s.options = append(s.options, o)
		s.byKey[key] = o
	}
}

// Options are all options in the order of their declaration.
func (s *Set) Options() []*Option { return s.options }

// Option returns the option with a key, or nil.
func (s *Set) Option(key string) *Option { return s.byKey[key] }

var (
	durationType = reflect.TypeFor[time.Duration]()
	tableType    = reflect.TypeFor[map[string]string]()
)

func isText(t reflect.Type) bool {
	return reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}

func supported(t reflect.Type) bool {
	if isText(t) {
		return true
	}
	switch t.Kind() {
	case reflect.String, reflect.Bool, reflect.Int, reflect.Int64, reflect.Float64:
		return true
	case reflect.Slice:
		return t.Elem().Kind() == reflect.String
	case reflect.Map:
		return t == tableType
	default:
		return false
	}
}

// literal is a value as text in TOML.
func literal(v reflect.Value) string {
	if v.Type() == durationType {
		return quote(formatDuration(time.Duration(v.Int())))
	}
	if m, ok := v.Interface().(encoding.TextMarshaler); ok {
		text, err := m.MarshalText()
		if err != nil {
			return quote(err.Error())
		}
		return quote(string(text))
	}
	switch v.Kind() {
	case reflect.String:
		return quote(v.String())
	case reflect.Slice:
		parts := make([]string, v.Len())
		for i := range parts {
			parts[i] = quote(v.Index(i).String())
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case reflect.Map:
		table := v.Interface().(map[string]string)
		if len(table) == 0 {
			return "{}"
		}
		var parts []string
		for _, name := range slices.Sorted(maps.Keys(table)) {
			parts = append(parts, quote(name)+" = "+quote(table[name]))
		}
		return "{ " + strings.Join(parts, ", ") + " }"
	default:
		return fmt.Sprint(v.Interface())
	}
}

// quote is a basic string of TOML, whose escapes are those of JSON.
func quote(text string) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(text); err != nil {
		return `""` // a string can always be encoded
	}
	return strings.ReplaceAll(strings.TrimSuffix(b.String(), "\n"), "\x7f", `\u007f`)
}
