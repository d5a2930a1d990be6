package bench

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// tick is what /proc counts processor time in (USER_HZ).
const tick = 10 * time.Millisecond

// process is a program and all that it started.
type process int

// all are the numbers of the processes.
func (p process) all() []int {
	out := []int{int(p)}
	children, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", int(p)))
	for _, name := range children {
		text, _ := os.ReadFile(name)
		for _, f := range strings.Fields(string(text)) {
			if n, err := strconv.Atoi(f); err == nil {
				out = append(out, process(n).all()...)
			}
		}
	}
	return out
}

// cpu is the time that was computed so far, in the program and in the kernel for it.
func (p process) cpu(b *testing.B) time.Duration {
	b.Helper()
	var sum time.Duration
	for _, n := range p.all() {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", n))
		if err != nil {
			continue // ended
		}
		_, rest, _ := strings.Cut(string(text), ") ") // after the name, in which anything can be
		f := strings.Fields(rest)
		for _, i := range []int{11, 12} { // utime and stime, proc(5)
			v, err := strconv.Atoi(f[i])
			if err != nil {
				b.Fatal(err)
			}
			sum += time.Duration(v) * tick
		}
	}
	return sum
}

// memory is what is resident, in bytes.
func (p process) memory(b *testing.B) int {
	b.Helper()
	sum := 0
	for _, n := range p.all() {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", n))
		if err != nil {
			continue
		}
		pages, err := strconv.Atoi(strings.Fields(string(text))[1])
		if err != nil {
			b.Fatal(err)
		}
		sum += pages * os.Getpagesize()
	}
	return sum
}
