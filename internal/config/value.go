package config

import (
	"encoding"
	"errors"
	"fmt"
	"math"
	"net"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// Size is a number of bytes. In text it has a unit: KB, MB, GB are powers of 1000, and KiB,
// MiB, GiB powers of 1024; without one it counts bytes.
type Size int64

var sizeUnits = []struct {
	name string
	size Size
}{
	{"GiB", 1 << 30},
	{"MiB", 1 << 20},
	{"KiB", 1 << 10},
	{"GB", 1e9},
	{"MB", 1e6},
	{"KB", 1e3},
	{"B", 1},
}

var errSize = errors.New("expected a size such as 500KB, 100MB or 2GiB")

// UnmarshalText reads a size.
func (s *Size) UnmarshalText(text []byte) error {
	in := strings.TrimSpace(string(text))
	unit := Size(1)
	for _, u := range sizeUnits {
		if n := len(in) - len(u.name); n > 0 && strings.EqualFold(in[n:], u.name) {
			in, unit = strings.TrimSpace(in[:n]), u.size
			break
		}
	}
	n, err := strconv.ParseFloat(in, 64)
	if err != nil || n < 0 || n*float64(unit) > math.MaxInt64/2 || n != n || strings.ContainsAny(in, "xXpPeE_") {
		return errSize
	}
	*s = Size(n * float64(unit))
	return nil
}

// MarshalText writes a size in the largest unit that divides it.
func (s Size) MarshalText() ([]byte, error) {
	best := sizeUnits[len(sizeUnits)-1]
	for _, u := range sizeUnits {
		if s != 0 && s%u.size == 0 && s/u.size < s/best.size {
			best = u
		}
	}
	return fmt.Appendf(nil, "%d%s", s/best.size, best.name), nil
}

// String is the text of the size.
func (s Size) String() string {
	text, _ := s.MarshalText()
	return string(text)
}

// Addr is where to listen: HOST:PORT, with an empty host for every interface, or "off". The
// empty Addr is one that was not set.
type Addr string

// Off is the Addr of a listener that is not wanted.
const Off Addr = "off"

// Enabled reports whether there is an address to listen on.
func (a Addr) Enabled() bool { return a != "" && a != Off }

// Port is the port number, 0 if there is none.
func (a Addr) Port() int {
	_, port, err := net.SplitHostPort(string(a))
	if err != nil {
		return 0
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		return 0
	}
	return n
}

// UnmarshalText reads an address.
func (a *Addr) UnmarshalText(text []byte) error {
	in := strings.TrimSpace(string(text))
	if in == "" || strings.EqualFold(in, string(Off)) {
		*a = Addr(strings.ToLower(in))
		return nil
	}
	host, port, err := net.SplitHostPort(in)
	if err == nil {
		if n, perr := strconv.Atoi(port); perr != nil || n < 0 || n > 65535 || strings.ContainsAny(host, " /\\@") {
			err = errors.New("bad port or host")
		}
	}
	if err != nil {
		return errors.New(`expected HOST:PORT such as localhost:8080, :443 or [::1]:5222, or "off"`)
	}
	*a = Addr(in)
	return nil
}

// MarshalText writes an address.
func (a Addr) MarshalText() ([]byte, error) { return []byte(a), nil }

const day = 24 * time.Hour

// ParseDuration is time.ParseDuration with days, as in "7d" and "1d12h".
func ParseDuration(s string) (time.Duration, error) {
	errDuration := errors.New("expected a time span such as 90s, 15m, 12h or 7d")
	in := strings.TrimSpace(s)
	var days time.Duration
	if i := strings.IndexByte(in, 'd'); i > 0 {
		n, err := strconv.ParseUint(in[:i], 10, 16)
		if err != nil {
			return 0, errDuration
		}
		days, in = time.Duration(n)*day, in[i+1:]
		if in == "" {
			return days, nil
		}
	}
	d, err := time.ParseDuration(in)
	if err != nil || days > 0 && d < 0 || d > math.MaxInt64-days {
		return 0, errDuration
	}
	return days + d, nil
}

// formatDuration is the shortest text that ParseDuration reads.
func formatDuration(d time.Duration) string {
	if d == 0 {
		return "0s"
	}
	var b strings.Builder
	if d >= day {
		fmt.Fprintf(&b, "%dd", d/day)
		d %= day
	}
	if d != 0 {
		text := d.String()
		if strings.HasSuffix(text, "m0s") {
			text = strings.TrimSuffix(text, "0s")
		}
		if strings.HasSuffix(text, "h0m") {
			text = strings.TrimSuffix(text, "0m")
		}
		b.WriteString(text)
	}
	return b.String()
}

var errTable = errors.New("expected pairs such as one=two,three=four")

// setText sets a value from the environment or the command line, whose lists are separated
// by commas.
func setText(v reflect.Value, text string) error {
	if v.Type() == tableType {
		table := map[string]string{}
		for p := range strings.SplitSeq(text, ",") {
			if p = strings.TrimSpace(p); p == "" {
				continue
			}
			name, value, ok := strings.Cut(p, "=")
			if !ok {
				return errTable
			}
			table[strings.TrimSpace(name)] = strings.TrimSpace(value)
		}
		v.Set(reflect.ValueOf(table))
		return nil
	}
	if v.Kind() == reflect.Slice && !isText(v.Type()) {
		var parts []string
		for p := range strings.SplitSeq(text, ",") {
			if p = strings.TrimSpace(p); p != "" {
				parts = append(parts, p)
			}
		}
		setStrings(v, parts)
		return nil
	}
	switch {
	case v.Type() == durationType:
		d, err := ParseDuration(text)
		if err != nil {
			return err
		}
		v.SetInt(int64(d))
		return nil
	case isText(v.Type()):
		// Into a copy, so that what is refused changes nothing.
		fresh := reflect.New(v.Type())
		if err := fresh.Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(text)); err != nil {
			return err
		}
		v.Set(fresh.Elem())
		return nil
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Bool:
		b, err := strconv.ParseBool(text)
		if err != nil {
			return errors.New("expected true or false")
		}
		v.SetBool(b)
	case reflect.Float64:
		f, err := strconv.ParseFloat(text, 64)
		if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
			return errors.New("expected a number")
		}
		v.SetFloat(f)
	default:
		n, err := strconv.ParseInt(text, 10, v.Type().Bits())
		if err != nil {
			return errors.New("expected a whole number")
		}
		v.SetInt(n)
	}
	return nil
}

func setStrings(v reflect.Value, parts []string) {
	s := reflect.MakeSlice(v.Type(), len(parts), len(parts))
	for i, p := range parts {
		s.Index(i).SetString(p)
	}
	v.Set(s)
}

// setTOML sets a value from what the file has, and is strict about its type: a number for a
// time span would leave the unit to be guessed.
func setTOML(v reflect.Value, in any) error {
	list := v.Kind() == reflect.Slice && !isText(v.Type())
	switch in := in.(type) {
	case map[string]any:
		if v.Type() != tableType {
			break
		}
		table := map[string]string{}
		for name, value := range in {
			text, ok := value.(string)
			if !ok {
				return wrongType(v)
			}
			table[name] = text
		}
		v.Set(reflect.ValueOf(table))
		return nil
	case string:
		if v.Type() == tableType {
			return wrongType(v)
		}
		if list {
			return errors.New(`expected a list such as ["one", "two"]`)
		}
		if k := v.Kind(); !isText(v.Type()) && v.Type() != durationType && k != reflect.String {
			return fmt.Errorf("%w, without quotes", wrongType(v))
		}
		return setText(v, in)
	case int64:
		if _, size := v.Interface().(Size); size || v.CanInt() && v.Type() != durationType && !isText(v.Type()) || v.CanFloat() {
			return setText(v, strconv.FormatInt(in, 10))
		}
	case float64:
		if v.CanFloat() {
			return setText(v, strconv.FormatFloat(in, 'g', -1, 64))
		}
	case bool:
		if v.Kind() == reflect.Bool {
			v.SetBool(in)
			return nil
		}
	case []any:
		if list {
			parts := make([]string, len(in))
			for i, e := range in {
				s, ok := e.(string)
				if !ok {
					return errors.New(`expected a list of texts such as ["one", "two"]`)
				}
				parts[i] = s
			}
			setStrings(v, parts)
			return nil
		}
	}
	return wrongType(v)
}

// wrongType says what a value of this type looks like.
func wrongType(v reflect.Value) error {
	switch {
	case v.Type() == durationType:
		return errors.New(`expected a time span in quotes, such as "90s", "15m", "12h" or "7d"`)
	case v.Kind() == reflect.Slice:
		return errors.New(`expected a list such as ["one", "two"]`)
	case v.Kind() == reflect.Map:
		return errors.New(`expected a table of texts such as { "one" = "two" }`)
	case v.Kind() == reflect.Bool:
		return errors.New("expected true or false")
	case isText(v.Type()):
		fresh := reflect.New(v.Type())
		if err := fresh.Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte("\x00")); err != nil {
			return err
		}
		return errors.New("expected a text in quotes")
	case v.Kind() == reflect.String:
		return errors.New("expected a text in quotes")
	case v.CanFloat():
		return errors.New("expected a number")
	default:
		return errors.New("expected a whole number")
	}
}
