// Package form holds data forms (XEP-0004): it reads, checks and writes them.
package form

import (
	"errors"
	"fmt"

	"kith/internal/ns"
	"kith/internal/xmltree"
)

// ErrInvalid is wrapped by the errors of this package.
var ErrInvalid = errors.New("form: invalid")

// Type says what a form is for (XEP-0004 section 3.1).
type Type string

// The types of forms.
const (
	// TypeForm asks to be filled in.
	TypeForm Type = "form"
	// TypeSubmit is filled in.
	TypeSubmit Type = "submit"
	// TypeCancel takes back what was begun.
	TypeCancel Type = "cancel"
	// TypeResult tells; it asks for nothing.
	TypeResult Type = "result"
)

// Kind is the type of a field (XEP-0004 section 3.3).
type Kind string

// The types of fields.
const (
	Boolean     Kind = "boolean"
	Fixed       Kind = "fixed"
	Hidden      Kind = "hidden"
	JIDMulti    Kind = "jid-multi"
	JIDSingle   Kind = "jid-single"
	ListMulti   Kind = "list-multi"
	ListSingle  Kind = "list-single"
	TextMulti   Kind = "text-multi"
	TextPrivate Kind = "text-private"
	TextSingle  Kind = "text-single"
)

// FormType is the name of the hidden field that says which protocol a form belongs to (XEP-0068).
const FormType = "FORM_TYPE"

// xdataValidate is the namespace of XEP-0122.
const xdataValidate = "http://jabber.org/protocol/xdata-validate"

// Option is one choice of a list.
type Option struct {
	Label, Value string
}

// Field is one field of a form.
type Field struct {
	// Var names it; empty only for Fixed.
	Var string
	// Kind is its type; empty where it is to be known from the context, as in a submitted form.
	Kind        Kind
	Label, Desc string
	Required    bool
	Values      []string
	Options     []Option
	// Datatype limits the values further, "xs:integer" for example; Open lets a list take other
	// values than its options (both XEP-0122).
	Datatype string
	Open     bool
}

// Form is a data form.
type Form struct {
	Type         Type
	Title        string
	Instructions []string
	Fields       []Field
	// Reported and Items are the head and the rows of a table (XEP-0004 section 3.4).
	Reported []Field
	Items    [][]Field
}

// New is a form of a protocol, with its FORM_TYPE as the first field.
func New(t Type, protocol string, fields ...Field) *Form {
	return &Form{Type: t, Fields: append([]Field{{Var: FormType, Kind: Hidden, Values: []string{protocol}}}, fields...)}
}

// Protocol is the value of FORM_TYPE, "" without one.
func (f *Form) Protocol() string { return f.Value(FormType) }

// Field is the field with this name, nil if there is none.
func (f *Form) Field(name string) *Field {
	for i := range f.Fields {
		if f.Fields[i].Var == name {
			return &f.Fields[i]
		}
	}
	return nil
}

// Value is the first value of a field, "" without one.
func (f *Form) Value(name string) string {
	if fd := f.Field(name); fd != nil && len(fd.Values) > 0 {
		return fd.Values[0]
	}
	return ""
}

// Parse reads a form from its x element. Children that XEP-0004 does not name are skipped.
func Parse(x xmltree.Element) (*Form, error) {
	if !x.Is(ns.DataForms, "x") {
		return nil, fmt.Errorf("%w: no data form", ErrInvalid)
	}
	f := &Form{Type: Type(x.Attr("type"))}
	switch f.Type {
	case TypeForm, TypeSubmit, TypeCancel, TypeResult:
	default:
		return nil, fmt.Errorf("%w: type %q", ErrInvalid, f.Type)
	}
	for c := range x.Children() {
		if c.Space() != ns.DataForms {
			continue
		}
		var err error
		switch c.Local() {
		case "title":
			f.Title = c.Text()
		case "instructions":
			f.Instructions = append(f.Instructions, c.Text())
		case "field":
			var fd Field
			if fd, err = parseField(c); err == nil {
				f.Fields = append(f.Fields, fd)
			}
		case "reported":
			f.Reported, err = parseFields(c)
		case "item":
			var row []Field
			if row, err = parseFields(c); err == nil {
				f.Items = append(f.Items, row)
			}
		}
		if err != nil {
			return nil, err
		}
	}
	return f, distinct(f.Fields)
}

// distinct refuses two fields with one name: which of them would count is not defined, and two
// readers must not read two things.
func distinct(fields []Field) error {
	seen := make(map[string]struct{}, len(fields))
	for _, fd := range fields {
		if fd.Var == "" {
			continue
		}
		if _, ok := seen[fd.Var]; ok {
			return fmt.Errorf("%w: two fields %q", ErrInvalid, fd.Var)
		}
		seen[fd.Var] = struct{}{}
	}
	return nil
}

func parseFields(e xmltree.Element) ([]Field, error) {
	var out []Field
	for c := range e.Children() {
		if !c.Is(ns.DataForms, "field") {
			continue
		}
		fd, err := parseField(c)
		if err != nil {
			return nil, err
		}
		out = append(out, fd)
	}
	return out, distinct(out)
}

func parseField(e xmltree.Element) (Field, error) {
	fd := Field{Var: e.Attr("var"), Kind: Kind(e.Attr("type")), Label: e.Attr("label")}
	if fd.Var == "" && fd.Kind != Fixed {
		return fd, fmt.Errorf("%w: a field without a name", ErrInvalid)
	}
	for c := range e.Children() {
		switch {
		case c.Is(ns.DataForms, "value"):
			fd.Values = append(fd.Values, c.Text())
		case c.Is(ns.DataForms, "desc"):
			fd.Desc = c.Text()
		case c.Is(ns.DataForms, "required"):
			fd.Required = true
		case c.Is(ns.DataForms, "option"):
			fd.Options = append(fd.Options, Option{Label: c.Attr("label"), Value: c.ChildText(ns.DataForms, "value")})
		case c.Is(xdataValidate, "validate"):
			fd.Datatype = c.Attr("datatype")
			fd.Open = !c.Child(xdataValidate, "open").IsZero()
		}
	}
	return fd, nil
}

// Write appends the x element.
func (f *Form) Write(w *xmltree.Writer) {
	w.Open(ns.DataForms, "x", "type", string(f.Type))
	if f.Title != "" {
		w.Element("", "title", f.Title)
	}
	for _, s := range f.Instructions {
		w.Element("", "instructions", s)
	}
	if len(f.Reported) > 0 {
		w.Open("", "reported")
		writeFields(w, f.Reported)
		w.Close()
	}
	for _, row := range f.Items {
		w.Open("", "item")
		writeFields(w, row)
		w.Close()
	}
	writeFields(w, f.Fields)
	w.Close()
}

func writeFields(w *xmltree.Writer, fields []Field) {
	for i := range fields {
		fields[i].write(w)
	}
}

func (fd *Field) write(w *xmltree.Writer) {
	attrs := [...]string{"var", fd.Var, "type", string(fd.Kind), "label", fd.Label}
	if len(fd.Values) == 0 && len(fd.Options) == 0 && fd.Desc == "" && !fd.Required && fd.Datatype == "" && !fd.Open {
		w.Empty("", "field", attrs[:]...)
		return
	}
	w.Open("", "field", attrs[:]...)
	if fd.Desc != "" {
		w.Element("", "desc", fd.Desc)
	}
	if fd.Required {
		w.Empty("", "required")
	}
	for _, v := range fd.Values {
		w.Element("", "value", v)
	}
	for _, o := range fd.Options {
		w.Open("", "option", "label", o.Label).Element("", "value", o.Value).Close()
	}
	if fd.Datatype != "" || fd.Open {
		datatype := fd.Datatype
		if datatype == "" {
			datatype = "xs:string"
		}
		w.Open(xdataValidate, "validate", "datatype", datatype)
		if fd.Open {
			w.Empty("", "open")
		} else {
			w.Empty("", "basic")
		}
		w.Close()
	}
	w.Close()
}
