package xep

import (
	"strings"
	"testing"

	"kith/internal/xmltree"
)

func caps(t *testing.T, inner string) (string, error) {
	t.Helper()
	e, err := xmltree.Parse(`<query xmlns='http://jabber.org/protocol/disco#info'>`+inner+`</query>`,
		xmltree.Limits{Bytes: 1 << 16, Elements: 1000, Depth: 10, Attrs: 10}, xmltree.Scope{})
	if err != nil {
		t.Fatal(err)
	}
	return CapsVer(e)
}

const softwareInfo = `<x xmlns='jabber:x:data' type='result'><field var='FORM_TYPE' type='hidden'><value>urn:xmpp:dataforms:softwareinfo</value></field>` +
	`<field var='ip_version'><value>ipv4</value><value>ipv6</value></field><field var='os'><value>Mac</value></field><field var='os_version'><value>10.5.1</value></field>` +
	`<field var='software'><value>Psi</value></field><field var='software_version'><value>0.11</value></field></x>`

// The examples of sections 5.2 and 5.3.
func TestCapsVer(t *testing.T) {
	features := ""
	for _, f := range []string{"disco#info", "disco#items", "muc", "caps"} {
		features += `<feature var='http://jabber.org/protocol/` + f + `'/>`
	}
	for want, inner := range map[string]string{
		"QgayPKawpkPSDYmwT/WM94uAlu0=": `<identity category='client' type='pc' name='Exodus 0.9.1'/>` + features,
		"q07IKJEyjvHSyhy//CH0CxmKi8w=": `<identity xml:lang='en' category='client' name='Psi 0.11' type='pc'/><identity xml:lang='el' category='client' name='Ψ 0.11' type='pc'/>` + features + softwareInfo,
	} {
		if got, err := caps(t, inner); err != nil || got != want {
			t.Errorf("%s, %v; want %s", got, err, want)
		}
	}
	// Names are sorted, and only then separated.
	a, _ := caps(t, `<feature var='urn:a:0'/><feature var='urn:a'/>`)
	b, _ := caps(t, `<feature var='urn:a'/><feature var='urn:a:0'/>`)
	if a != b {
		t.Error("the order of the features matters")
	}
}

// Section 5.4: what could be read in two ways has no verification string.
func TestCapsVerRefuses(t *testing.T) {
	for _, inner := range []string{
		`<feature var='a'/><feature var='a'/>`,
		`<identity category='a' type='b'/><identity category='a' type='b'/>`,
		`<feature var='a&lt;b'/>`,
		softwareInfo + softwareInfo,
		strings.Replace(softwareInfo, "Mac", "Mac&lt;x", 1),
		strings.Replace(softwareInfo, "<value>urn:xmpp:dataforms:softwareinfo</value>", "<value>urn:x</value><value>urn:y</value>", 1),
	} {
		if got, err := caps(t, inner); err == nil {
			t.Errorf("%s: %s", inner, got)
		}
	}
	// A form without a hidden type is ignored.
	with, err := caps(t, `<feature var='a'/>`+strings.Replace(softwareInfo, "type='hidden'", "", 1))
	without, _ := caps(t, `<feature var='a'/>`)
	if err != nil || with != without {
		t.Errorf("a form without a type counts: %v", err)
	}
}
