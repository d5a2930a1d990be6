package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
	"rsc.io/qr"
)

// isTerminal reports whether a person is at the other end.
func isTerminal(f any) bool {
	file, ok := f.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

const maxPasswordLine = 4096

// readPassword asks for a new password twice without showing it, or takes the first line of what is
// not a terminal.
func readPassword(in io.Reader, out io.Writer, who string) (string, error) {
	if !isTerminal(in) {
		line, err := bufio.NewReader(io.LimitReader(in, maxPasswordLine)).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return "", fmt.Errorf("reading the password: %w", err)
		}
		if line = strings.TrimRight(line, "\r\n"); line == "" {
			return "", errors.New("no password was given on the standard input")
		}
		return line, nil
	}
	fd := int(in.(*os.File).Fd())
	ask := func(prompt string) (string, error) {
		fmt.Fprint(out, prompt)
		text, err := term.ReadPassword(fd)
		fmt.Fprintln(out)
		if err != nil {
			return "", fmt.Errorf("reading the password: %w", err)
		}
		return string(text), nil
	}
	first, err := ask("New password for " + who + ": ")
	if err != nil {
		return "", err
	}
	again, err := ask("The same again: ")
	if err != nil {
		return "", err
	}
	if first != again {
		return "", errors.New("the two passwords are not the same")
	}
	return first, nil
}

// writeQR draws a QR code with half-block characters, two modules to a character. It sets both
// colours itself, black and white of the fixed part of the palette, so that it is the right way
// round on dark and light terminals.
func writeQR(w io.Writer, text string) error {
	code, err := qr.Encode(text, qr.M)
	if err != nil {
		return fmt.Errorf("QR code: %w", err)
	}
	const quiet = 4 // modules around it, which readers need (ISO/IEC 18004 section 6.3.8)
	colour := func(x, y int) int {
		if code.Black(x, y) {
			return 16
		}
		return 231
	}
	var b strings.Builder
	for y := -quiet; y < code.Size+quiet; y += 2 {
		b.WriteString("  ")
		last := ""
		for x := -quiet; x < code.Size+quiet; x++ {
			set := fmt.Sprintf("\x1b[38;5;%d;48;5;%dm", colour(x, y), colour(x, y+1))
			if set != last {
				b.WriteString(set)
				last = set
			}
			b.WriteString("▀")
		}
		b.WriteString("\x1b[0m\n")
	}
	_, err = io.WriteString(w, b.String())
	return err
}
