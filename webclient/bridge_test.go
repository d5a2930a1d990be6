// SPDX-License-Identifier: AGPL-3.0-or-later

package main_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
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
	// As the Makefile builds it: without inlining in the runtime and in the bridge, which makes the module 30 KB smaller.
	cmd := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-ldflags=-s -w",
		"-gcflags=runtime=-l", "-gcflags=kith/webclient=-l", "-o", out, ".")
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
