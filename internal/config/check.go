package config

import (
	"errors"
	"fmt"
	"regexp"
	"time"
)

// Check gathers what is wrong with the options of a section, in the words that errors of options
// have: the option's whole name, what was given and what is allowed.
type Check struct {
	section string
	errs    []error
}

// NewCheck begins the check of a section, named as in the configuration file.
func NewCheck(section string) *Check { return &Check{section: section} }

// Number bounds an option that is a number.
func (c *Check) Number(name string, v, lo, hi int) {
	if v < lo || v > hi {
		c.Add(name, "is %d; allowed are %d to %d", v, lo, hi)
	}
}

// Span bounds an option that is a time.
func (c *Check) Span(name string, v, lo, hi time.Duration) {
	if v < lo || v > hi {
		c.Add(name, "is %s; allowed are %s to %s", v, lo, hi)
	}
}

// Size bounds an option that is a number of bytes.
func (c *Check) Size(name string, v, lo, hi Size) {
	if v < lo || v > hi {
		c.Add(name, "is %s; allowed are %s to %s", v, lo, hi)
	}
}

var label = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

// Label checks an option that is the first part of a host name.
func (c *Check) Label(name, v string) {
	if !label.MatchString(v) {
		c.Add(name, "is %q; allowed is the first part of a host name, in lower case", v)
	}
}

// Add notes anything else that is wrong with an option.
func (c *Check) Add(name, format string, args ...any) {
	c.errs = append(c.errs, fmt.Errorf("%s.%s "+format, append([]any{c.section, name}, args...)...))
}

// Err is all that was wrong, nil for nothing.
func (c *Check) Err() error { return errors.Join(c.errs...) }
