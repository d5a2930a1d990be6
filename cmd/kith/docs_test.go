package main

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"kith/internal/config"
	"kith/internal/config/configdoc"
)

var update = flag.Bool("update", false, "write the files that are made from the source")

const fileHead = `The configuration of Kith. Every option is here with what it is by default; take away the # of those that you change. An option can also be given in the environment or, some of them, on the command line: see kith config --help.

Time spans are written like "90s", "15m", "12h" and "7d", sizes like "100MB".`

const pageHead = `# Options

Every option of ` + "`kith serve`" + `. None has to be set. The command line goes before the environment, the
environment before the file that ` + "`--config`" + ` names; ` + "`kith config`" + ` prints this file, and
` + "`kith config show`" + ` what is in effect and why.

Time spans are written like ` + "`\"90s\"`, `\"15m\"`, `\"12h\"` and `\"7d\"`, sizes like `\"100MB\"`" + `. In the environment
and on the command line they are written without the quotes, and lists with commas.

This page is made from the comments in the source by ` + "`make docs`" + `.
`

// The documented file and the page are made from the comments of the options; -update writes them.
func TestDocumentationIsUpToDate(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	set := defaultOptions().set()
	docs, err := configdoc.Read(set, root, "kith")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"cmd/kith/kith.toml": configdoc.File(set, docs, fileHead),
		"docs/config.md":     configdoc.Markdown(set, docs, pageHead),
	} {
		writeOrCompare(t, filepath.Join(root, name), want)
	}
}

// writeOrCompare holds a generated file against what the source says, or writes it.
func writeOrCompare(t *testing.T, path, want string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(path)
	if err != nil || string(got) != want {
		t.Errorf("%s is not what the source says; run make docs (%v)", path, err)
	}
}

// What the documented file has, uncommented, is what the program does without it.
func TestTheDefaultFileChangesNothing(t *testing.T) {
	var text []byte
	for i, b := range []byte(defaultFile) {
		// "#name = value", but not "# text".
		if b == '#' && (i == 0 || defaultFile[i-1] == '\n') && i+1 < len(defaultFile) && defaultFile[i+1] != ' ' && defaultFile[i+1] != '\n' {
			continue
		}
		text = append(text, b)
	}
	plain, with := defaultOptions().set(), defaultOptions().set()
	if err := with.Load(config.Input{FileName: "kith.toml", File: text}); err != nil {
		t.Fatal(err)
	}
	for _, o := range plain.Options() {
		got := with.Option(o.Key)
		if got.Source() == "" {
			t.Errorf("%s is not in the file", o.Key)
		}
		if got.Value() != o.Value() && o.Example == "" {
			t.Errorf("%s is %s in the file, and %s without", o.Key, got.Value(), o.Value())
		}
	}
}
