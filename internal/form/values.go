package form

import (
	"fmt"
	"slices"
	"strconv"

	"kith/internal/jid"
)

// FieldError says which field of a submitted form is wrong, and why. It wraps [ErrInvalid].
type FieldError struct {
	Var    string
	Reason string
}

func (e *FieldError) Error() string { return fmt.Sprintf("form: field %q: %s", e.Var, e.Reason) }

// Unwrap makes it an [ErrInvalid].
func (e *FieldError) Unwrap() error { return ErrInvalid }

// Values are the values of a submitted form that was checked: booleans are "true" or "false",
// addresses are normalised and without duplicates, numbers are numbers. A field that was not
// submitted is absent.
type Values map[string][]string

// Has reports whether the field was submitted.
func (v Values) Has(name string) bool {
	_, ok := v[name]
	return ok
}

// Text is the first value of a field, "" without one.
func (v Values) Text(name string) string {
	if s := v[name]; len(s) > 0 {
		return s[0]
	}
	return ""
}

// Bool is the value of a boolean field, false without one.
func (v Values) Bool(name string) bool { return v.Text(name) == "true" }

// Int is the value of a field of datatype xs:integer, otherwise if it was not submitted.
func (v Values) Int(name string, otherwise int64) int64 {
	n, err := strconv.ParseInt(v.Text(name), 10, 64)
	if err != nil {
		return otherwise
	}
	return n
}

// JID is the first address of a field, zero without one.
func (v Values) JID(name string) jid.JID {
	j, err := jid.Parse(v.Text(name))
	if err != nil {
		return jid.JID{}
	}
	return j
}

// JIDs are the addresses of a field.
func (v Values) JIDs(name string) []jid.JID {
	out := make([]jid.JID, 0, len(v[name]))
	for _, s := range v[name] {
		if j, err := jid.Parse(s); err == nil {
			out = append(out, j)
		}
	}
	return out
}

// Check holds a submitted form against this one, in which it was asked for (XEP-0004 sections 3.1
// to 3.3): both have the same FORM_TYPE, what is required is there, and each value is legal for the
// type of its field. Fields that this form does not have are left out. The error is a [*FieldError]
// where one field is to blame.
func (f *Form) Check(submitted *Form) (Values, error) {
	if submitted.Type != TypeSubmit {
		return nil, fmt.Errorf("%w: a form of type %q where a submitted one was expected", ErrInvalid, submitted.Type)
	}
	if want, got := f.Protocol(), submitted.Protocol(); want != got {
		return nil, &FieldError{Var: FormType, Reason: fmt.Sprintf("%q is not %q", got, want)}
	}
	out := make(Values, len(submitted.Fields))
	for i := range f.Fields {
		def := &f.Fields[i]
		if def.Var == "" || def.Var == FormType || def.Kind == Fixed {
			continue
		}
		fd := submitted.Field(def.Var)
		if fd == nil || (def.Required && len(fd.Values) == 0) {
			if def.Required {
				return nil, &FieldError{Var: def.Var, Reason: "is required"}
			}
			continue
		}
		values, reason := def.check(fd.Values)
		if reason != "" {
			return nil, &FieldError{Var: def.Var, Reason: reason}
		}
		out[def.Var] = values
	}
	return out, nil
}

// check gives the values in their normal form, or says what is wrong with them.
func (fd *Field) check(values []string) (out []string, reason string) {
	switch fd.Kind {
	case JIDMulti, ListMulti, TextMulti, Hidden:
	default:
		if len(values) > 1 {
			return nil, "takes one value"
		}
	}
	out = make([]string, 0, len(values))
	for _, v := range values {
		v, reason := fd.normal(v)
		if reason != "" {
			return nil, reason
		}
		if fd.Kind == JIDMulti && slices.Contains(out, v) {
			continue // XEP-0004 section 3.3: duplicates are ignored
		}
		out = append(out, v)
	}
	return out, ""
}

func (fd *Field) normal(v string) (normal, reason string) {
	switch fd.Kind { //nolint:exhaustive // the others are text
	case Boolean:
		b, err := ParseBool(v)
		if err != nil {
			return "", fmt.Sprintf("%q is not true or false", v)
		}
		return strconv.FormatBool(b), ""
	case JIDSingle, JIDMulti:
		j, err := jid.Parse(v)
		if err != nil {
			return "", fmt.Sprintf("%q is not an address", v)
		}
		return j.String(), ""
	case ListSingle, ListMulti:
		if !fd.Open && !slices.ContainsFunc(fd.Options, func(o Option) bool { return o.Value == v }) {
			return "", fmt.Sprintf("%q is not among the options", v)
		}
	}
	switch fd.Datatype {
	case "xs:integer", "xs:int", "xs:long":
		n, err := strconv.ParseInt(v, 10, 64)
		if err != nil {
			return "", fmt.Sprintf("%q is not a number", v)
		}
		return strconv.FormatInt(n, 10), ""
	}
	return v, ""
}

// ParseBool reads a boolean of XML Schema, which is what XEP-0004 means by one: 0, 1, true, false.
func ParseBool(s string) (bool, error) {
	switch s {
	case "1", "true":
		return true, nil
	case "0", "false":
		return false, nil
	}
	return false, fmt.Errorf("%w: %q is not a boolean", ErrInvalid, s)
}
