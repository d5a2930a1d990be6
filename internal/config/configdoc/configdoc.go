// Package configdoc writes the documentation of options from the comments in the source, so
// that both are one. It runs when documentation is made, not in the program.
package configdoc

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"sort"
	"strings"

	"kith/internal/config"
)

// Docs are the comments of sections and options.
type Docs struct {
	// Tables by name, Options by key. A text is paragraphs without line breaks, separated by
	// an empty line.
	Tables, Options map[string]string
}

// Read parses the packages in which the options of a set are declared. root is the
// directory of the module named module. An option without a comment is an error.
func Read(set *config.Set, root, module string) (Docs, error) {
	d := Docs{Tables: map[string]string{}, Options: map[string]string{}}
	packages := map[string]map[string]*structDoc{}
	for _, o := range set.Options() {
		path := o.Owner.PkgPath()
		if packages[path] == nil {
			structs, err := readPackage(filepath.Join(root, strings.TrimPrefix(strings.TrimPrefix(path, module), "/")))
			if err != nil {
				return Docs{}, fmt.Errorf("configdoc: %w", err)
			}
			packages[path] = structs
		}
		sd := packages[path][o.Owner.Name()]
		if sd == nil {
			return Docs{}, fmt.Errorf("configdoc: no struct %s for option %s", o.Owner, o.Key)
		}
		text := sd.fields[o.Field]
		if text == "" {
			return Docs{}, fmt.Errorf("configdoc: %s.%s, the option %s, has no comment", o.Owner, o.Field, o.Key)
		}
		d.Options[o.Key] = rename(text, o.Owner)
		if _, ok := d.Tables[o.Table()]; !ok {
			d.Tables[o.Table()] = tableText(sd.text, o.Owner.Name())
		}
	}
	return d, nil
}

type structDoc struct {
	text   string
	fields map[string]string
}

func readPackage(dir string) (map[string]*structDoc, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return nil, err
	}
	out := map[string]*structDoc{}
	for _, name := range files {
		src, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, src, parser.ParseComments)
		if err != nil {
			return nil, err
		}
		ast.Inspect(f, func(n ast.Node) bool {
			decl, ok := n.(*ast.GenDecl)
			if !ok || decl.Tok != token.TYPE {
				return true
			}
			for _, spec := range decl.Specs {
				ts, ok := spec.(*ast.TypeSpec)
				if !ok {
					continue
				}
				if st, ok := ts.Type.(*ast.StructType); ok {
					group := ts.Doc
					if group == nil {
						group = decl.Doc
					}
					out[ts.Name.Name] = &structDoc{text: group.Text(), fields: fields(st)}
				}
			}
			return true
		})
	}
	return out, nil
}

// fields are the comments of a struct's fields. A field right below another, without a
// comment of its own and without an empty line between, shares that one's.
func fields(st *ast.StructType) map[string]string {
	out := map[string]string{}
	last := ""
	for _, f := range st.Fields.List {
		text := f.Doc.Text()
		if text == "" {
			text = f.Comment.Text()
		}
		if text == "" {
			text = last
		}
		last = text
		for _, name := range f.Names {
			out[name.Name] = text
		}
	}
	return out
}

// rename puts the names of options in the place of those of the fields beside them.
func rename(text string, owner reflect.Type) string {
	text = paragraphs(text)
	for i := range owner.NumField() {
		f := owner.Field(i)
		if name := f.Tag.Get("toml"); name != "" {
			// A capital alone may be a word of English; inside it tells a name.
			word := regexp.MustCompile(`\b` + f.Name + `\b`)
			if strings.ToLower(f.Name[1:]) != f.Name[1:] {
				text = word.ReplaceAllString(text, name)
			} else if loc := word.FindStringIndex(text); loc != nil && loc[0] == 0 && strings.HasPrefix(text[loc[1]:], " is ") {
				text = name + text[loc[1]:]
			}
		}
	}
	return text
}

// tableText drops the first sentence, "Config is the section [x] of the file.", which says
// what the reader sees.
func tableText(text, typeName string) string {
	text = paragraphs(text)
	if !strings.HasPrefix(text, typeName+" ") {
		return text
	}
	_, rest, _ := strings.Cut(text, ". ")
	return rest
}

var link = regexp.MustCompile(`\[\*?((?:\w+\.)*[A-Z]\w*)\]`)

// paragraphs unwraps the lines of a comment and drops the brackets of links.
func paragraphs(text string) string {
	var out []string
	for _, para := range strings.Split(link.ReplaceAllString(text, "$1"), "\n\n") {
		if para = strings.Join(strings.Fields(para), " "); para != "" {
			out = append(out, para)
		}
	}
	return strings.Join(out, "\n\n")
}

// File is a configuration file with every option, commented out and at its default.
func File(set *config.Set, d Docs, head string) string {
	var b strings.Builder
	wrap(&b, "# ", head)
	table, last := "", ""
	for i, o := range ordered(set) {
		if t := o.Table(); t != table {
			table = t
			b.WriteString("\n\n")
			wrap(&b, "# ", d.Tables[t])
			fmt.Fprintf(&b, "[%s]\n", t)
			last = ""
		} else if i == 0 {
			b.WriteString("\n")
		}
		// Options that share a comment stand below it together.
		if text := d.Options[o.Key]; text != last {
			b.WriteString("\n")
			wrap(&b, "# ", text)
			last = text
		}
		fmt.Fprintf(&b, "#%s = %s\n", o.Name(), shown(o))
	}
	return b.String()
}

// Markdown is the same as a page of documentation.
func Markdown(set *config.Set, d Docs, head string) string {
	var b strings.Builder
	b.WriteString(head)
	table := "\x00"
	for _, o := range ordered(set) {
		if t := o.Table(); t != table {
			table = t
			if t != "" {
				fmt.Fprintf(&b, "\n## [%s]\n", t)
			} else {
				b.WriteString("\n## Top of the file\n")
			}
			if text := d.Tables[t]; text != "" {
				b.WriteString("\n" + text + "\n")
			}
		}
		label := "Default"
		if shown(o) != o.Default {
			label = "Example"
		}
		fmt.Fprintf(&b, "\n### `%s`\n\n%s\n\n%s: `%s`. Environment: `%s`.", o.Name(), d.Options[o.Key], label, shown(o), o.Env)
		if o.Flag != "" {
			fmt.Fprintf(&b, " Flag: `--%s`.", o.Flag)
		}
		b.WriteString("\n")
	}
	return b.String()
}

// ordered has the options that belong to one table together, as TOML demands.
func ordered(set *config.Set) []*config.Option {
	options := append([]*config.Option(nil), set.Options()...)
	first := map[string]int{}
	for i, o := range options {
		if _, ok := first[o.Table()]; !ok {
			first[o.Table()] = i
		}
	}
	sort.SliceStable(options, func(i, j int) bool {
		return first[options[i].Table()] < first[options[j].Table()]
	})
	return options
}

func shown(o *config.Option) string {
	if o.Default == `""` && o.Example != "" {
		return `"` + o.Example + `"`
	}
	if (o.Default == "[]" || o.Default == "{}") && o.Example != "" {
		return o.Example
	}
	return o.Default
}

func wrap(b *strings.Builder, prefix, text string) {
	const width = 96
	if text == "" {
		return
	}
	for i, para := range strings.Split(text, "\n\n") {
		if i > 0 {
			b.WriteString(strings.TrimRight(prefix, " ") + "\n")
		}
		line := prefix
		for _, word := range strings.Fields(para) {
			if len(line)+1+len(word) > width && line != prefix {
				b.WriteString(strings.TrimRight(line, " ") + "\n")
				line = prefix
			}
			if line != prefix {
				line += " "
			}
			line += word
		}
		b.WriteString(line + "\n")
	}
}
