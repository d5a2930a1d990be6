package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Input is what a program was told.
type Input struct {
	// FileName is how errors name the file; File is its content, nil for no file.
	FileName string
	File     []byte
	// Env is the environment as in os.Environ.
	Env []string
	// Flags are the options that were given on the command line, by their Flag.
	Flags map[string]string
}

// Load fills the sections and validates them. Its error joins all that is wrong, each part
// one line that names the option, what was given and what is allowed.
func (s *Set) Load(in Input) error {
	errs := s.loadFile(in.FileName, in.File)
	errs = append(errs, s.loadEnv(in.Env)...)
	errs = append(errs, s.loadFlags(in.Flags)...)
	if len(errs) == 0 {
		errs = s.validate()
	}
	return errors.Join(errs...)
}

// refused is the one form of an error about a value.
func refused(source Source, given string, why error) error {
	return fmt.Errorf("%s: %q is not allowed: %w", source, given, why)
}

func (s *Set) loadEnv(env []string) (errs []error) {
	given := map[string]string{}
	for _, e := range env {
		if name, value, ok := strings.Cut(e, "="); ok {
			given[name] = value
		}
	}
	for _, o := range s.options {
		text, ok := given[o.Env]
		if !ok {
			continue
		}
		o.source = Source(o.Env)
		if err := setText(o.value, text); err != nil {
			errs = append(errs, refused(o.source, text, err))
		}
	}
	return errs
}

// Strangers are the names in the environment that begin as the program's own but belong to
// no option, with what was probably meant. Orchestrators set such variables for reasons of
// their own, so this is no error.
func (s *Set) Strangers(env []string, known ...string) []string {
	names := slices.Clone(known)
	for _, o := range s.options {
		names = append(names, o.Env)
	}
	var out []string
	for _, e := range env {
		name, _, _ := strings.Cut(e, "=")
		if !strings.HasPrefix(name, s.env) || slices.Contains(names, name) {
			continue
		}
		if near, ok := nearest(name, names); ok {
			out = append(out, fmt.Sprintf("%s is not an option; did you mean %s?", name, near))
		}
	}
	return out
}

func (s *Set) loadFlags(flags map[string]string) (errs []error) {
	for _, o := range s.options {
		text, ok := flags[o.Flag]
		if !ok || o.Flag == "" {
			continue
		}
		o.source = Source("--" + o.Flag)
		if err := setText(o.value, text); err != nil {
			errs = append(errs, refused(o.source, text, err))
		}
	}
	return errs
}

// validate asks the sections, and adds to what they say where the value came from.
func (s *Set) validate() (errs []error) {
	for _, sec := range s.sections {
		v, ok := sec.Target.(interface{ Validate() error })
		if !ok {
			continue
		}
		for _, err := range parts(v.Validate()) {
			key, _, _ := strings.Cut(err.Error(), " ")
			if o := s.byKey[strings.TrimSuffix(key, ":")]; o != nil && o.source != "" {
				err = fmt.Errorf("%s: %w", o.source, err)
			}
			errs = append(errs, err)
		}
	}
	return errs
}

func parts(err error) []error {
	if err == nil {
		return nil
	}
	if j, ok := err.(interface{ Unwrap() []error }); ok {
		var out []error
		for _, e := range j.Unwrap() {
			out = append(out, parts(e)...)
		}
		return out
	}
	return []error{err}
}

// nearest finds the name that was probably meant.
func nearest(given string, names []string) (string, bool) {
	best, bestAt := "", max(2, len(given)/4)+1
	for _, name := range names {
		if d := distance(given, name); d < bestAt {
			best, bestAt = name, d
		}
	}
	return best, best != ""
}

// distance is how many letters must be changed, added, removed or swapped with their
// neighbour.
func distance(a, b string) int {
	before, last, cur := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range len(a) {
		cur[0] = i + 1
		for j := range len(b) {
			change := last[j]
			if a[i] != b[j] {
				change++
			}
			cur[j+1] = min(change, last[j+1]+1, cur[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				cur[j+1] = min(cur[j+1], before[j-1]+1)
			}
		}
		before, last, cur = last, cur, before
	}
	return last[len(b)]
}
