package payload

import (
	"slices"
	"testing"
)

func TestTexts(t *testing.T) {
	for inner, want := range map[string][]string{
		body: {"Hello"},
		"<body xml:lang='de'>Hallo &amp; gut</body><subject>no</subject>" + body: {"Hallo & gut", "Hello"},
		"<body xmlns='urn:example:other'>no</body>":                              nil,
		"<replace xmlns='urn:xmpp:message-correct:0' id='1'/>" + body:            {"Hello"},
		omemo + body:     nil,
		body + transport: nil,
		body + "<encryption xmlns='urn:xmpp:eme:0' namespace='urn:example:enc'/>": nil,
		body + "<openpgp xmlns='urn:xmpp:openpgp:0'>AA</openpgp>":                 nil,
		body + retract: nil,
		body + "<reactions xmlns='urn:xmpp:reactions:0' id='1'/>": nil,
		receipt: nil,
	} {
		if got := Texts(read(t, "<message>"+inner+"</message>")); !slices.Equal(got, want) {
			t.Errorf("%s says %q, want %q", inner, got, want)
		}
	}
}
