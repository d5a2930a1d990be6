package bench

import (
	"fmt"
	"io"
	"strings"
)

// which way is better.
type better bool

const (
	more better = true
	less better = false
)

// table prints figures beside each other, and how many times better the first ones are.
type table struct {
	out   io.Writer
	names []string
	lines []string
}

func newTable(out io.Writer, names ...string) *table { return &table{out: out, names: names} }

func (t *table) title(text string) {
	head := fmt.Sprintf("%-46s", "")
	for _, n := range t.names {
		head += fmt.Sprintf("%12s", n)
	}
	for _, n := range t.names[1:] {
		head += fmt.Sprintf("%14s", "to "+n)
	}
	t.lines = append(t.lines, "", text, head)
}

// row adds figures; the ratio is greater than 1 where the first one is better.
func (t *table) row(what string, b better, figures []float64) {
	line := fmt.Sprintf("%-46s", what)
	for _, f := range figures {
		line += fmt.Sprintf("%12s", short(f))
	}
	for _, f := range figures[1:] {
		ratio := figures[0] / f
		if b == less {
			ratio = f / figures[0]
		}
		line += fmt.Sprintf("%13.1fx", ratio)
	}
	t.lines = append(t.lines, line)
}

func (t *table) print() { fmt.Fprintln(t.out, strings.Join(t.lines, "\n")) }

// short writes a figure with three digits.
func short(f float64) string {
	switch {
	case f >= 100:
		return fmt.Sprintf("%.0f", f)
	case f >= 10:
		return fmt.Sprintf("%.1f", f)
	default:
		return fmt.Sprintf("%.2f", f)
	}
}
