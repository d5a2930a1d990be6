package auth

import (
	"strings"
	"unicode/utf8"

	"kith/internal/jid"
)

// normalise is the localpart of a name that somebody typed (RFC 7622 section 3.3).
func (s *Service) normalise(name string) (string, error) {
	j, err := jid.New(name, s.domain, "")
	if err != nil {
		return "", err
	}
	return j.Local(), nil
}

// CheckName normalises the name for a new account, or says with an [*InputError] why it cannot be
// one. privileged names, those of an operator's choice, may be reserved ones. That a name is free
// is found out when the account is made.
func (s *Service) CheckName(name string, privileged bool) (local string, err error) {
	refuse := func(code, text string) (string, error) {
		return "", &InputError{Kind: ErrName, Code: code, Text: text}
	}
	name = strings.TrimSpace(name)
	if name == "" {
		return refuse(CodeEmpty, "Please choose a name.")
	}
	if at, domain, ok := strings.Cut(name, "@"); ok {
		// People type their whole address, which is fine if it is one of ours.
		if d, err := jid.New("", domain, ""); err != nil || d.Domain() != s.domain {
			return refuse(CodeCharacters, "The name is only the part before the @.")
		}
		name = at
	}
	if utf8.RuneCountInString(name) > s.cfg.MaxName {
		return refuse(CodeTooLong, "This name is too long.")
	}
	local, err = s.normalise(name)
	if err != nil || local == "" {
		return refuse(CodeCharacters, "This name has characters that cannot be in an address, such as spaces, quotes or slashes.")
	}
	if utf8.RuneCountInString(local) > s.cfg.MaxName || len(local) > jid.MaxPart {
		return refuse(CodeTooLong, "This name is too long.")
	}
	if !privileged && s.reserved[local] {
		return refuse(CodeReserved, "This name is reserved.")
	}
	return local, nil
}
