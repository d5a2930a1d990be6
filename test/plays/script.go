// Package plays runs plays: texts of what apps of people send to a server and what they must receive, which
// are run on Kith and, to prove them right, on Prosody and ejabberd as well. README.md tells how they are
// written.
package plays

import (
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"kith/internal/ns"
	"kith/internal/xmltree"
)

// Play is a script, read.
type Play struct {
	Name    string // the path of its file, without the extension
	Title   string // its first comment
	Servers []string
	// By are the transports by which all of it is played, each time anew, and on which servers: TCP, and those that
	// are named.
	By         []Way
	Contacts   [][2]string // who have each other in their rosters from the start
	People     []string    // who have accounts
	Admins     []string    // those of them who are administrators
	Components []string    // programs beside the server, with domains of their own
	Rooms      []string    // placeholders of rooms: room, room2
	Steps      []Step
}

// Way is by what apps reach some servers.
type Way struct {
	Transport string
	Servers   []string // nil for all of the play's
}

// Step is one thing that actors do, or that happens to them.
type Step struct {
	Line    int
	Servers []string // where it is done; nil for all
	Actors  []string // NAME/RESOURCE, or the NAME of a component
	Verb    string
	Words   []string // what follows the verb
	Block   []Block
}

// Block is an element that is sent or expected.
type Block struct {
	Text    string // with placeholders
	Element xmltree.Element
}

// Servers are all there are; a play that names none is for all of them.
var Servers = []string{"kith", "prosody", "ejabberd"}

// Transports are the ways to reach a server.
const (
	TCP       = "tcp"
	WebSocket = "websocket"
	BOSH      = "bosh"
)

var transports = []string{TCP, WebSocket, BOSH}

// The verbs, and whether they have a block, must have one (2), and may (1) or must (2) have words.
var verbs = map[string]struct{ block, words int }{
	"dials":             {words: 1},           // opens a stream, no more; by another transport
	"authenticates":     {block: 2, words: 1}, // as this says, with this password
	"connects":          {words: 1},           // and authenticates, no more; by another transport
	"signs in":          {words: 1},           // and binds its resource
	"is online":         {words: 1},           // signs in, is available and has looked away
	"requests":          {block: 1, words: 2}, // by HTTP
	"supports":          {words: 2},           // features, for {caps}
	"sends":             {block: 2},           //
	"asks":              {block: 2},           // an iq; its answer must be a result, or what "and is answered" says
	"and is answered":   {block: 2},           //
	"gets":              {block: 2},           // these, in this order
	"gets in any order": {block: 2},           //
	"gets nothing":      {},                   // nothing that was not taken yet
	"gets no":           {block: 2},           // none of these
	"looks away":        {},                   // takes all that came
	"opens":             {block: 1, words: 2}, // a room, with fields of its configuration
	"joins":             {block: 1, words: 2}, // a room, with what goes into its request, and has looked away
	"leaves":            {},                   // closes the stream
	"drops":             {},                   // loses the connection
	"is cut off":        {},                   // the server ends the stream
}

// plural are other forms of verbs.
var plural = map[string]string{
	"connect": "connects", "sign in": "signs in", "are online": "is online", "look away": "looks away", "get nothing": "gets nothing",
	"dial": "dials", "leave": "leaves", "drop": "drops", "join": "joins", "are cut off": "is cut off", "support": "supports",
}

var (
	actorForm = regexp.MustCompile(`^[a-z]+/[a-z]+$`)
	nameForm  = regexp.MustCompile(`^[a-z]+$`)
	roomForm  = regexp.MustCompile(`\{(room[0-9]?)[}/]`)
)

// ReadAll reads all scripts under a directory.
func ReadAll(dir fs.FS) ([]*Play, error) {
	var all []*Play
	err := fs.WalkDir(dir, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path.Ext(name) != ".play" {
			return err
		}
		text, err := fs.ReadFile(dir, name)
		if err != nil {
			return err
		}
		p, err := Read(strings.TrimSuffix(name, ".play"), string(text))
		if err != nil {
			return err
		}
		all = append(all, p)
		return nil
	})
	return all, err
}

// Read reads a script. Its errors have the name and the line.
func Read(name, text string) (*Play, error) {
	p := &Play{Name: name}
	r := reader{play: p}
	for i, line := range strings.Split(text, "\n") {
		r.line = i + 1
		if err := r.take(line); err != nil {
			return nil, fmt.Errorf("%s.play:%d: %w", name, r.line, err)
		}
	}
	if err := r.finish(); err != nil {
		return nil, fmt.Errorf("%s.play:%d: %w", name, r.line, err)
	}
	return p, nil
}

type reader struct {
	play  *Play
	line  int
	block []string
	begun bool // the first comment is over
}

func (r *reader) take(line string) error {
	switch trimmed := strings.TrimSpace(line); {
	case strings.HasPrefix(line, "#"):
		if !r.begun {
			r.play.Title = strings.TrimSpace(r.play.Title + " " + strings.TrimSpace(line[1:]))
		}
		return nil
	case trimmed == "":
		r.begun = r.play.Title != ""
		return nil
	case line[0] == ' ' || line[0] == '\t':
		if len(r.play.Steps) == 0 {
			return fmt.Errorf("an indented line belongs to a step, and there is none yet")
		}
		r.block = append(r.block, trimmed)
		return nil
	default:
		r.begun = true
		if err := r.endBlock(); err != nil {
			return err
		}
		return r.words(strings.Fields(trimmed))
	}
}

func (r *reader) words(words []string) error {
	switch first := words[0]; {
	case first == "servers":
		for _, s := range words[1:] {
			if !slices.Contains(Servers, s) {
				return fmt.Errorf("no server is called %s", s)
			}
		}
		r.play.Servers = words[1:]
		return nil
	case first == "contacts":
		if len(words) != 3 {
			return fmt.Errorf("contacts are two people")
		}
		r.play.Contacts = append(r.play.Contacts, [2]string{words[1], words[2]})
		return r.people(words[1:]...)
	case first == "people":
		return r.people(words[1:]...)
	case first == "admins":
		r.play.Admins = words[1:]
		return r.people(words[1:]...)
	case first == "components":
		r.play.Components = words[1:]
		return nil
	case first == "also":
		return r.also(nil, words)
	case first[0] == '[':
		at := slices.IndexFunc(words, func(w string) bool { return strings.HasSuffix(w, "]") })
		if at < 0 || at == len(words)-1 {
			return fmt.Errorf("[servers] stand before a step")
		}
		s := Step{Line: r.line, Servers: strings.Fields(strings.Trim(strings.Join(words[:at+1], " "), "[]"))}
		for _, name := range s.Servers {
			if !slices.Contains(Servers, name) {
				return fmt.Errorf("no server is called %s", name)
			}
		}
		if words[at+1] == "also" {
			return r.also(s.Servers, words[at+1:])
		}
		return r.step(s, words[at+1:])
	default:
		return r.step(Step{Line: r.line}, words)
	}
}

// also reads: also by TRANSPORT...
func (r *reader) also(servers, words []string) error {
	if len(words) < 3 || words[1] != "by" || len(r.play.Steps) > 0 {
		return fmt.Errorf("before the first step: also by a transport")
	}
	for _, t := range words[2:] {
		if !slices.Contains(transports, t) {
			return fmt.Errorf("nothing is carried by %s", t)
		}
		r.play.By = append(r.play.By, Way{t, servers})
	}
	return nil
}

func (r *reader) people(names ...string) error {
	for _, n := range names {
		if !nameForm.MatchString(n) {
			return fmt.Errorf("%q is not the name of a person", n)
		}
		if !slices.Contains(r.play.People, n) {
			r.play.People = append(r.play.People, n)
		}
	}
	return nil
}

// step reads: alice/phone and bob/desk VERB WORDS.
func (r *reader) step(s Step, words []string) error {
	for len(words) > 0 && r.isActor(words[0]) {
		s.Actors = append(s.Actors, words[0])
		if !slices.Contains(r.play.Components, words[0]) {
			if err := r.people(strings.Split(words[0], "/")[0]); err != nil {
				return err
			}
		}
		words = words[1:]
		if len(words) > 1 && words[0] == "and" && r.isActor(words[1]) {
			words = words[1:]
		}
	}
	// The longest verb that fits.
	for n := min(4, len(words)); n > 0 && s.Verb == ""; n-- {
		verb := strings.Join(words[:n], " ")
		if singular, ok := plural[verb]; ok {
			verb = singular
		}
		if _, ok := verbs[verb]; ok {
			s.Verb, s.Words = verb, words[n:]
		}
	}
	form, ok := verbs[s.Verb]
	switch {
	case !ok:
		return fmt.Errorf("no verb in %q", strings.Join(words, " "))
	case s.Verb == "and is answered":
		if len(s.Actors) != 0 || len(r.play.Steps) == 0 || !slices.Contains([]string{"asks", "requests", "authenticates", "and is answered"}, r.last().Verb) {
			return fmt.Errorf("%q follows what somebody asks", s.Verb)
		}
		s.Actors = r.last().Actors
	case len(s.Actors) == 0:
		return fmt.Errorf("nobody does this: actors are NAME/RESOURCE")
	}
	if form.words == 0 && len(s.Words) > 0 || form.words == 2 && len(s.Words) == 0 {
		return fmt.Errorf("%q with %d words", s.Verb, len(s.Words))
	}
	if err := r.rest(s); err != nil {
		return err
	}
	r.rooms(strings.Join(s.Words, " "))
	r.play.Steps = append(r.play.Steps, s)
	return nil
}

// rest checks the words after verbs that need not have some.
func (r *reader) rest(s Step) error {
	switch s.Verb {
	case "dials", "connects", "signs in", "is online":
		if len(s.Words) > 0 && (len(s.Words) != 2 || s.Words[0] != "by" || !slices.Contains(transports, s.Words[1])) {
			return fmt.Errorf("%q by something else: %s", s.Verb, strings.Join(s.Words, " "))
		}
	case "authenticates":
		if len(s.Words) > 0 && (len(s.Words) == 1 || s.Words[0] != "with") {
			return fmt.Errorf("%q with something else: %s", s.Verb, strings.Join(s.Words, " "))
		}
	case "requests":
		if len(s.Words) < 2 {
			return fmt.Errorf("%q has a method and an address", s.Verb)
		}
	}
	return nil
}

func (r *reader) isActor(word string) bool {
	return actorForm.MatchString(word) || slices.Contains(r.play.Components, word)
}

func (r *reader) last() *Step { return &r.play.Steps[len(r.play.Steps)-1] }

func (r *reader) rooms(text string) {
	for _, m := range roomForm.FindAllStringSubmatch(text, -1) {
		if !slices.Contains(r.play.Rooms, m[1]) {
			r.play.Rooms = append(r.play.Rooms, m[1])
		}
	}
}

// endBlock gives what was indented to the step before.
func (r *reader) endBlock() error {
	if len(r.play.Steps) == 0 {
		return nil
	}
	s := r.last()
	if form := verbs[s.Verb]; form.block == 0 && r.block != nil || form.block == 2 && r.block == nil && s.Block == nil {
		return fmt.Errorf("line %d: %q with %d lines of XML", s.Line, s.Verb, len(r.block))
	}
	if r.block == nil {
		return nil
	}
	text := join(r.block)
	r.block = nil
	r.rooms(text)
	elements, err := parse(text)
	if err != nil {
		return fmt.Errorf("line %d: %w", s.Line, err)
	}
	s.Block = elements
	switch {
	case s.Verb == "asks" && (len(elements) != 1 || elements[0].Element.Local() != "iq"):
		return fmt.Errorf("line %d: %q has one iq", s.Line, s.Verb)
	case (s.Verb == "and is answered" || s.Verb == "authenticates") && len(elements) != 1:
		return fmt.Errorf("line %d: %q has one element", s.Line, s.Verb)
	}
	return nil
}

// join puts the lines of a block together, without the white space that is for people.
func join(lines []string) string {
	var b strings.Builder
	for i, l := range lines {
		if i > 0 && !strings.HasSuffix(lines[i-1], ">") && !strings.HasPrefix(l, "<") {
			b.WriteByte(' ')
		}
		b.WriteString(l)
	}
	return b.String()
}

// Play is the namespace of the marks on what is expected: play:exact and play:not.
const playNS = "kith:play"

var unlimited = xmltree.Limits{Bytes: 1 << 24, Elements: 1 << 18, Depth: 100, Attrs: 100}

func parse(text string) ([]Block, error) {
	root, err := xmltree.Parse("<block xmlns='"+ns.Client+"' xmlns:play='"+playNS+"' xmlns:stream='"+ns.Stream+"'>"+text+"</block>", unlimited, xmltree.Scope{})
	if err != nil {
		return nil, err
	}
	if root.CountChildren() == 0 || root.HasText() {
		return nil, fmt.Errorf("XML elements were expected: %s", text)
	}
	var out []Block
	for e := range root.Children() {
		out = append(out, Block{Text: e.Source(), Element: e})
	}
	return out, nil
}

func (r *reader) finish() error {
	if err := r.endBlock(); err != nil {
		return err
	}
	if r.play.Title == "" {
		return fmt.Errorf("a play begins with a comment that tells what it is about")
	}
	if r.play.Servers == nil {
		r.play.Servers = Servers
	}
	r.play.By = append([]Way{{Transport: TCP}}, r.play.By...)
	if len(r.play.Steps) == 0 {
		return fmt.Errorf("nothing is done")
	}
	return nil
}
