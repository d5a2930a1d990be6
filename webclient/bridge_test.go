// SPDX-License-Identifier: AGPL-3.0-or-later

package main_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// build compiles the bridge and returns the path of the module.
func build(t *testing.T) string {
	t.Helper()
	// The go command keeps the result of a test until a file changes that the test itself has looked at.
	for _, pattern := range []string{"*", "testdata/*", "../omemo/*.go", "../go.mod"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %v", pattern, err)
		}
		for _, f := range files {
			if _, err := os.Stat(f); err != nil {
				t.Fatal(err)
			}
		}
	}
	out := filepath.Join(t.TempDir(), "kith-omemo.wasm")
	// As the Makefile builds it: without inlining of atomic operations and in the bridge, which makes the module 10 KB smaller.
	cmd := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-ldflags=-s -w",
		"-gcflags=internal/runtime/atomic=-l", "-gcflags=kith/webclient=-l", "-o", out, ".")
	cmd.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm", "CGO_ENABLED=0", "GOFLAGS=")
	if output, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, output)
	}
	return out
}

func wasmExec(t *testing.T) string {
	t.Helper()
	root, err := exec.CommandContext(t.Context(), "go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(strings.TrimSpace(string(root)), "lib", "wasm", "wasm_exec.js")
}

func TestBridge(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("needs node to run the WebAssembly module")
	}
	if runtime.GOOS == "js" {
		t.Skip("starts processes, which a WebAssembly program cannot")
	}
	cmd := exec.CommandContext(t.Context(), node, filepath.Join("testdata", "bridge.mjs"), wasmExec(t), build(t))
	output, err := cmd.CombinedOutput()
	if err != nil || !bytes.Equal(bytes.TrimSpace(output), []byte("ok")) {
		t.Fatalf("%v\n%s", err, output)
	}
}

// TestNames compares the lists of names and numbers that both halves of the bridge have.
func TestNames(t *testing.T) {
	ours := map[string]*regexp.Regexp{
		"FUNCTIONS": regexp.MustCompile(`(?m)^\tcase \d+: // (\S+)$`),
		"NAMES":     regexp.MustCompile(`(?m)^\tn[A-Z].* // (\S+)$`),
		"WORDS":     regexp.MustCompile(`(?m)^\tw[A-Z].* // (\S+)$`),
	}
	theirs, err := os.ReadFile("kith-omemo.js")
	if err != nil {
		t.Fatal(err)
	}
	var source []byte
	for _, file := range []string{"call.go", "names.go"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		source = append(source, text...)
	}
	for list, pattern := range ours {
		var here, there []string
		for _, found := range pattern.FindAllSubmatch(source, -1) {
			here = append(here, string(found[1]))
		}
		_, rest, _ := bytes.Cut(theirs, []byte("const "+list+" = ["))
		inside, _, _ := bytes.Cut(rest, []byte("]"))
		for _, found := range regexp.MustCompile(`"([^"]+)"`).FindAllSubmatch(inside, -1) {
			there = append(there, string(found[1]))
		}
		if len(here) == 0 || !slices.Equal(here, there) {
			t.Errorf("%s:\n%q here\n%q there", list, here, there)
		}
	}
}

// TestSize holds the module to its size on the wire.
func TestSize(t *testing.T) {
	brotli, err := exec.LookPath("brotli")
	if err != nil {
		t.Skip("needs the program brotli")
	}
	compressed, err := exec.CommandContext(t.Context(), brotli, "-q", "11", "-c", build(t)).Output()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d bytes as brotli", len(compressed))
	if limit := 650_000; len(compressed) > limit {
		t.Errorf("%d bytes as brotli, more than %d", len(compressed), limit)
	}
}
