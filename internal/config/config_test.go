package config_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"kith/internal/config"
)

type hash string

type archive struct {
	// Retention is how long messages are kept.
	Retention time.Duration `toml:"retention"`
	MaxPage   int           `toml:"max_page"`
	Paging    paging        `toml:"paging"`
}

type paging struct {
	// Order in which pages come.
	Order string `toml:"order"`
}

func (a archive) Validate() error {
	var errs []error
	if a.Retention < time.Hour {
		errs = append(errs, fmt.Errorf("archive.retention is %s; allowed are 1h to 10y", a.Retention))
	}
	if a.MaxPage > 500 {
		errs = append(errs, fmt.Errorf("archive.max_page is %d; allowed are 1 to 500", a.MaxPage))
	}
	return errors.Join(errs...)
}

type top struct {
	Domain string      `toml:"domain" flag:"domain"`
	HTTP   config.Addr `toml:"http" flag:"http" example:"localhost:8080"`
	Upload config.Size `toml:"upload"`
	Debug  bool        `toml:"debug"`
	Ratio  float64     `toml:"ratio"`
	Hashes []hash      `toml:"hashes"`
}

func fresh() (*top, *archive, *config.Set) {
	t := &top{Domain: "localhost", Upload: 100e6, Ratio: 0.5, Hashes: []hash{"a", "b"}}
	a := &archive{Retention: 30 * 24 * time.Hour, MaxPage: 50, Paging: paging{Order: "new"}}
	return t, a, config.New("KITH", config.Section{Target: t}, config.Section{Name: "archive", Target: a})
}

func TestPrecedence(t *testing.T) {
	top, archive, set := fresh()
	in := config.Input{
		FileName: "kith.toml",
		File: []byte(`# a comment
domain = "file.example"
http = ":80"
debug = true
hashes = ["x"]

[archive]
retention = "1d12h"
max_page = 20
paging.order = "old"
`),
		Env:   []string{"KITH_HTTP=:81", "KITH_ARCHIVE_MAX_PAGE=30", "KITH_UPLOAD=2MiB", "KITH_HASHES=y, z", "HOME=/", "KITH_DOMAIN=env.example"},
		Flags: map[string]string{"domain": "flag.example"},
	}
	if err := set.Load(in); err != nil {
		t.Fatal(err)
	}
	if top.Domain != "flag.example" || top.HTTP != ":81" || top.Upload != 2<<20 || !top.Debug || top.Ratio != 0.5 ||
		!slices.Equal(top.Hashes, []hash{"y", "z"}) {
		t.Errorf("%+v", *top)
	}
	if archive.Retention != 36*time.Hour || archive.MaxPage != 30 || archive.Paging.Order != "old" {
		t.Errorf("%+v", *archive)
	}
	for key, want := range map[string]config.Source{
		"domain": "--domain", "http": "KITH_HTTP", "archive.retention": "kith.toml:8",
		"archive.paging.order": "kith.toml:10", "ratio": "",
	} {
		if got := set.Option(key).Source(); got != want {
			t.Errorf("%s is from %q, want %q", key, got, want)
		}
	}
	if got := set.Option("archive.retention").Value(); got != `"1d12h"` {
		t.Errorf("value %s", got)
	}
	if got := set.Option("archive.retention").Default; got != `"30d"` {
		t.Errorf("default %s", got)
	}
}

// Each error names where it is, what was given and what is allowed.
func TestErrors(t *testing.T) {
	for _, c := range []struct {
		name, file string
		env        []string
		flags      map[string]string
		want       []string // in this order, one line each
	}{
		{name: "syntax", file: "domain = \n", want: []string{"kith.toml:1:"}},
		{name: "unknown option", file: "domian = \"x\"\n", want: []string{`kith.toml:1: there is no option domian; did you mean domain?`}},
		{name: "unknown section", file: "\n[archvie]\nretention = \"1d\"\n", want: []string{`kith.toml:2: there is no section [archvie]; did you mean [archive]?`}},
		{name: "wrong section", file: "retention = \"1d\"\n", want: []string{"there is no option retention; did you mean retention in section [archive]?"}},
		{name: "below the wrong section", file: "[archive]\ndomain = \"x\"\n", want: []string{"kith.toml:2: there is no option archive.domain; did you mean domain at the top of the file"}},
		{name: "unlike any", file: "zzzzzzzzzz = 1\n", want: []string{"there is no option zzzzzzzzzz"}},
		{name: "number for a time", file: "[archive]\nretention = 30\n", want: []string{`kith.toml:2: archive.retention: "30" is not allowed: expected a time span in quotes`}},
		{name: "text for a number", file: "[archive]\nmax_page = \"30\"\n", want: []string{`archive.max_page: "30" is not allowed: expected a whole number, without quotes`}},
		{name: "text for a list", file: "hashes = \"a\"\n", want: []string{`expected a list such as`}},
		{name: "number in a list", file: "hashes = [1]\n", want: []string{`expected a list of texts`}},
		{name: "number for an address", file: "http = 8080\n", want: []string{`http: "8080" is not allowed: expected HOST:PORT`}},
		{name: "several", file: "http = \"8080\"\ndebug = 1\n", want: []string{"kith.toml:1:", "kith.toml:2: debug: \"1\" is not allowed: expected true or false"}},
		{name: "environment", env: []string{"KITH_UPLOAD=lots"}, want: []string{`KITH_UPLOAD: "lots" is not allowed: expected a size`}},
		{name: "flag", flags: map[string]string{"http": "nowhere"}, want: []string{`--http: "nowhere" is not allowed: expected HOST:PORT`}},
		{
			name: "out of bounds", file: "[archive]\nretention = \"5s\"\n", env: []string{"KITH_ARCHIVE_MAX_PAGE=1000"},
			want: []string{"kith.toml:2: archive.retention is 5s; allowed are 1h to 10y", "KITH_ARCHIVE_MAX_PAGE: archive.max_page is 1000"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, set := fresh()
			in := config.Input{FileName: "kith.toml", Env: c.env, Flags: c.flags}
			if c.file != "" {
				in.File = []byte(c.file)
			}
			err := set.Load(in)
			if err == nil {
				t.Fatal("no error")
			}
			lines := strings.Split(err.Error(), "\n")
			if len(lines) != len(c.want) {
				t.Fatalf("%d errors, want %d:\n%v", len(lines), len(c.want), err)
			}
			for i, want := range c.want {
				if !strings.Contains(lines[i], want) {
					t.Errorf("error %q, want %q in it", lines[i], want)
				}
			}
		})
	}
}

func TestWhatIsRefusedChangesNothing(t *testing.T) {
	top, _, set := fresh()
	if err := set.Load(config.Input{Env: []string{"KITH_UPLOAD=-5MB"}}); err == nil {
		t.Fatal("no error")
	}
	if top.Upload != 100e6 {
		t.Errorf("upload is %v", top.Upload)
	}
}

func TestStrangersInTheEnvironment(t *testing.T) {
	_, _, set := fresh()
	got := set.Strangers([]string{"KITH_DOMIAN=x", "KITH_PORT_8080_TCP_ADDR=10.0.0.1", "KITH_DOMAIN=x", "KITH_CONFIG=y", "OTHER=1"}, "KITH_CONFIG")
	if len(got) != 1 || got[0] != "KITH_DOMIAN is not an option; did you mean KITH_DOMAIN?" {
		t.Errorf("%q", got)
	}
}

func TestSize(t *testing.T) {
	for in, want := range map[string]config.Size{
		"0": 0, "512": 512, "512B": 512, "1KB": 1000, "1kb": 1000, "1KiB": 1024, "100MB": 100e6, "1.5 GiB": 3 << 29, "2GB": 2e9,
	} {
		var s config.Size
		if err := s.UnmarshalText([]byte(in)); err != nil || s != want {
			t.Errorf("%q: %d %v, want %d", in, s, err, want)
		}
	}
	for _, in := range []string{"", "MB", "-1", "1TBX", "1e3", "0x10", "NaN", "Inf", "9999999999GiB", "1 2"} {
		var s config.Size
		if err := s.UnmarshalText([]byte(in)); err == nil {
			t.Errorf("%q was read as %d", in, s)
		}
	}
	for in, want := range map[config.Size]string{0: "0B", 1: "1B", 1000: "1KB", 1024: "1KiB", 100e6: "100MB", 256 << 10: "256KiB", 1 << 30: "1GiB", 1500: "1500B"} {
		if got := in.String(); got != want {
			t.Errorf("%d: %q, want %q", in, got, want)
		}
	}
}

func TestAddr(t *testing.T) {
	for in, port := range map[string]int{"off": 0, "OFF": 0, "": 0, ":80": 80, "localhost:8080": 8080, "[::1]:5222": 5222, "0.0.0.0:0": 0, "::1": -1, "8080": -1, "host": -1, "host:http": -1, "h:70000": -1, "a b:1": -1, "http://x:1": -1} {
		var a config.Addr
		err := a.UnmarshalText([]byte(in))
		if (err != nil) != (port < 0) {
			t.Errorf("%q: %v", in, err)
		}
		if err == nil && a.Port() != port {
			t.Errorf("%q: port %d", in, a.Port())
		}
		if err == nil && a.Enabled() != strings.Contains(in, ":") {
			t.Errorf("%q: enabled %v", in, a.Enabled())
		}
	}
}

func TestDuration(t *testing.T) {
	const day = 24 * time.Hour
	for in, want := range map[string]time.Duration{"90s": 90 * time.Second, "15m": 15 * time.Minute, "7d": 7 * day, "1d12h": 36 * time.Hour, "0s": 0, "168h": 7 * day, "1.5h": 90 * time.Minute} {
		d, err := config.ParseDuration(in)
		if err != nil || d != want {
			t.Errorf("%q: %v %v", in, d, err)
		}
	}
	for _, in := range []string{"", "d", "7", "1d-5h", "-1d", "1w", "99999d", "1d2", "106751d24h"} {
		if d, err := config.ParseDuration(in); err == nil {
			t.Errorf("%q was read as %v", in, d)
		}
	}
}

// What the program prints can be read back, whatever the options are.
func FuzzFile(f *testing.F) {
	f.Add([]byte("domain = 'x'\n[archive]\nretention='1d'\n[archive.paging]\norder = \"new\"\n"))
	f.Add([]byte("[[archive]]\na.b.'c d' = {e = 1}\n"))
	f.Add([]byte("archive = 5\nhashes = [[\"a\"]]\nupload = 1e300"))
	f.Fuzz(func(t *testing.T, text []byte) {
		_, _, set := fresh()
		if set.Load(config.Input{FileName: "f", File: text}) != nil {
			return
		}
		var b strings.Builder
		for _, o := range set.Options() {
			fmt.Fprintf(&b, "%s = %s\n", o.Key, o.Value())
		}
		_, _, again := fresh()
		if err := again.Load(config.Input{FileName: "again", File: []byte(b.String())}); err != nil {
			t.Fatalf("%v\n%s", err, b.String())
		}
		for _, o := range set.Options() {
			if got := again.Option(o.Key).Value(); got != o.Value() {
				t.Errorf("%s: %s, then %s", o.Key, o.Value(), got)
			}
		}
	})
}
