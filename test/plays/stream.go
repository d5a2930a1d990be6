package plays

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"kith/internal/ns"
	"kith/internal/sasl"
	"kith/internal/sasl/sasltest"
	"kith/internal/xmltree"
)

// authenticate sends <auth/> (RFC 6120 section 6) or <authenticate/> (XEP-0388), with what its mechanism says first,
// and answers challenges. How it ended is the answer.
func (s *stage) authenticate(ctx context.Context, a *actor, step Step) error {
	secret := password
	if len(step.Words) > 1 {
		var err error
		if secret, err = s.names.fillRaw(strings.Join(step.Words[1:], " ")); err != nil {
			return err
		}
	}
	b := step.Block[0]
	client, err := mechanism(b.Element.Attr("mechanism"), s.local(a.name), secret)
	if err != nil {
		return err
	}
	text, err := s.text(a, b)
	if err != nil {
		return err
	}
	first := base64.StdEncoding.EncodeToString(client.First())
	space := b.Element.Space()
	if space == ns.SASL2 {
		first = "<initial-response>" + first + "</initial-response>"
	}
	open, inside, found := strings.Cut(text, ">")
	if empty, ok := strings.CutSuffix(open, "/"); ok {
		open, inside = empty, "</"+b.Element.Local()+">"
	}
	if !found {
		return errors.New("what is sent is no element")
	}
	if err := a.put(open + ">" + first + inside); err != nil {
		return err
	}
	for {
		var e xmltree.Element
		if err := a.find(s.patience, func(got xmltree.Element) error {
			if got.Space() != space {
				return fmt.Errorf("%s is not about signing in", got.Source())
			}
			e = got
			return nil
		}); err != nil {
			return err
		}
		s.answer = e
		data, err := base64.StdEncoding.DecodeString(e.Text() + e.ChildText(ns.SASL2, "additional-data"))
		if err != nil {
			return err
		}
		switch e.Local() {
		case "challenge":
			next, err := client.Next(data)
			if err != nil {
				return err
			}
			if err := a.put("<response xmlns='" + space + "'>" + base64.StdEncoding.EncodeToString(next) + "</response>"); err != nil {
				return err
			}
			continue
		case "success":
			if err := client.Done(data); err != nil {
				return err
			}
			if full := e.ChildText(ns.SASL2, "authorization-identifier"); strings.Contains(full, "/") {
				a.jid, s.names[a.name] = full, full
			}
			return nil
		}
		if !s.answeredNext(step) {
			return fmt.Errorf("the answer is %s", e.Source())
		}
		return nil
	}
}

// mechanism is the client's side of one.
func mechanism(name, user, secret string) (sasltest.Client, error) {
	switch {
	case name == "PLAIN":
		return plain("\x00" + user + "\x00" + secret), nil
	case name == "HT-SHA-256-NONE":
		return &sasltest.Token{User: user, Token: secret}, nil
	case strings.HasPrefix(name, "SCRAM-") && !strings.HasSuffix(name, "-PLUS"):
		return &sasltest.SCRAM{Mechanism: sasl.Mechanism(name), User: user, Password: secret}, nil
	}
	return nil, fmt.Errorf("nobody knows the mechanism %q", name)
}

// plain is PLAIN (RFC 4616).
type plain string

func (p plain) First() []byte             { return []byte(p) }
func (plain) Next([]byte) ([]byte, error) { return nil, errors.New("PLAIN has no challenges") }
func (plain) Done([]byte) error           { return nil }
