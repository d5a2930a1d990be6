package payload

import (
	"kith/internal/ns"
	"kith/internal/stanza"
	"kith/internal/xmltree"
)

// Encrypted reports whether only the clients at both ends can read what a message says.
func Encrypted(message xmltree.Element) bool {
	for c := range message.Children() {
		switch c.Space() {
		case ns.OMEMOLegacy, ns.OMEMO2, ns.EME, nsOpenPGP, nsPGPEncrypted:
			return true
		}
	}
	return false
}

// Texts are what a message says in the clear, in whatever languages (RFC 6121 section 5.2.3). The body of an
// encrypted one, and of one that only does something to another, is for programs that do not know what the
// message is, and says nothing.
func Texts(st *stanza.Stanza) (texts []string) {
	for c := range st.Root().Children() {
		switch c.Space() {
		case ns.Client:
			if c.Local() == "body" {
				texts = append(texts, c.Text())
			}
		case ns.OMEMOLegacy, ns.OMEMO2, ns.EME, nsOpenPGP, nsPGPEncrypted, ns.Retract, nsRetractOld, ns.Reactions:
			return nil
		}
	}
	return texts
}
