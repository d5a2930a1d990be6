package muc

import (
	"golang.org/x/text/secure/precis"

	"kith/internal/jid"
	"kith/internal/stanza"
)

func parseJID(s string) (jid.JID, error) { return jid.Parse(s) }

// nickKey is what two nicknames have in common that people could confuse (RFC 8266 section 2.4):
// differences of case, of width and of white space do not count.
func nickKey(nick string) (string, error) { return precis.Nickname.CompareKey(nick) }

// checkNick holds a nickname against the rules (XEP-0045 section 18.1) and returns its key.
func (r *Room) checkNick(nick string) (string, error) {
	if nick == "" {
		return "", stanza.Refuse(stanza.JIDMalformed, "A nickname is missing.")
	}
	if n := len([]rune(nick)); n > r.s.config.MaxNick {
		return "", stanza.Refuse(stanza.NotAcceptable, "The nickname is too long.")
	}
	key, err := nickKey(nick)
	if err != nil || key == "" {
		return "", stanza.Refuse(stanza.JIDMalformed, "This cannot be a nickname.")
	}
	return key, nil
}
