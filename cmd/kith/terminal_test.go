package main

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"rsc.io/qr"
)

// What is drawn is the code, with a quiet zone around it, whatever the colours of the terminal are.
func TestQR(t *testing.T) {
	const text = "https://example.org/i/abcdefghijkmnpqrstuvwxyz23456789"
	var out bytes.Buffer
	if err := writeQR(&out, text); err != nil {
		t.Fatal(err)
	}
	code, err := qr.Encode(text, qr.M)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	token := regexp.MustCompile("\x1b\\[38;5;(\\d+);48;5;(\\d+)m|▀")
	var rows [][]bool
	for _, line := range lines {
		if !strings.HasSuffix(line, "\x1b[0m") {
			t.Fatalf("colours run over the end of %q", line)
		}
		var top, bottom []bool
		var fg, bg string
		for _, m := range token.FindAllStringSubmatch(line, -1) {
			if m[0] != "▀" {
				fg, bg = m[1], m[2]
				continue
			}
			top, bottom = append(top, fg == "16"), append(bottom, bg == "16")
		}
		rows = append(rows, top, bottom)
	}
	black := 0
	for y, row := range rows {
		if len(row) != code.Size+8 {
			t.Fatalf("row %d is %d wide, want %d", y, len(row), code.Size+8)
		}
		for x, is := range row {
			if is != code.Black(x-4, y-4) {
				t.Fatalf("module %d,%d is black: %v", x-4, y-4, is)
			}
			if is {
				black++
			}
		}
	}
	if black < 100 || len(rows) < code.Size+8 {
		t.Fatalf("%d rows, %d black modules", len(rows), black)
	}
}
