package vcard

import (
	"testing"

	"kith/internal/ns"
	"kith/internal/xmltree"
)

const (
	oldCard = `<vCard xmlns='vcard-temp'><FN>Peter</FN><N><FAMILY>Saint-Andre</FAMILY><GIVEN>Peter</GIVEN></N><NICKNAME>stpeter</NICKNAME>` +
		`<BDAY>1966-08-06</BDAY><ADR><WORK/><PREF/><STREET>Wynkoop &amp; 19th</STREET><PCODE>80202</PCODE></ADR>` +
		`<TEL><WORK/><VOICE/><NUMBER>303-308-3282</NUMBER></TEL><EMAIL><INTERNET/><HOME/><USERID>a@b.c</USERID></EMAIL>` +
		`<JABBERID>stpeter@jabber.org</JABBERID><ORG><ORGNAME>XSF</ORGNAME><ORGUNIT>Council</ORGUNIT></ORG><TITLE>Director</TITLE>` +
		`<URL>https://stpeter.im/</URL><GEO><LAT>39.59</LAT><LON>-105.01</LON></GEO><CATEGORIES><KEYWORD>x</KEYWORD><KEYWORD>y</KEYWORD></CATEGORIES>` +
		`<DESC>More</DESC></vCard>`
	newCard = `<vcard xmlns='urn:ietf:params:xml:ns:vcard-4.0'><fn><text>Peter</text></fn>` +
		`<n><surname>Saint-Andre</surname><given>Peter</given><additional/><prefix/><suffix/></n><nickname><text>stpeter</text></nickname>` +
		`<bday><date>1966-08-06</date></bday>` +
		`<adr><parameters><type><text>work</text></type><pref><integer>1</integer></pref></parameters><pobox/><ext/><street>Wynkoop &amp; 19th</street>` +
		`<locality/><region/><code>80202</code><country/></adr>` +
		`<tel><parameters><type><text>work</text><text>voice</text></type></parameters><text>303-308-3282</text></tel>` +
		`<email><parameters><type><text>home</text></type></parameters><text>a@b.c</text></email>` +
		`<impp><uri>xmpp:stpeter@jabber.org</uri></impp><org><text>XSF</text><text>Council</text></org><title><text>Director</text></title>` +
		`<url><uri>https://stpeter.im/</uri></url><geo><uri>geo:39.59,-105.01</uri></geo><categories><text>x</text><text>y</text></categories>` +
		`<note><text>More</text></note></vcard>`
)

func back(text string) string {
	w := xmltree.NewWriter(0)
	w.Open(ns.VCardTemp, "vCard")
	fromVCard4(w, xmltree.Stored(text))
	return w.Close().String()
}

func TestConversion(t *testing.T) {
	if got := toVCard4(xmltree.Stored(oldCard)); got != newCard {
		t.Errorf("to vCard4:\n%s\nwant\n%s", got, newCard)
	}
	if got := back(newCard); got != oldCard {
		t.Errorf("back:\n%s\nwant\n%s", got, oldCard)
	}
}

// What there is no place for is left out, and what is strange does no harm.
func TestConversionOfTheUnknown(t *testing.T) {
	if got := toVCard4(xmltree.Stored(`<vCard xmlns='vcard-temp'><X-FOO>1</X-FOO><TEL/><EMAIL><USERID> </USERID></EMAIL><GEO><LAT>1</LAT></GEO><ORG/><FN/><fn xmlns='urn:x'>a</fn></vCard>`)); got != `<vcard xmlns='urn:ietf:params:xml:ns:vcard-4.0'></vcard>` {
		t.Errorf("to vCard4: %s", got)
	}
	const strange = `<vcard xmlns='urn:ietf:params:xml:ns:vcard-4.0'><fn/><geo><uri>moon</uri></geo><impp><uri>sip:a@b</uri></impp><key><uri>x</uri></key>` +
		`<tel><parameters><type><text>CELL</text><text>odd</text></type></parameters><uri>tel:+1</uri></tel><geo><uri>geo:1,2;u=3</uri></geo></vcard>`
	if got, want := back(strange), `<vCard xmlns='vcard-temp'><TEL><CELL/><NUMBER>+1</NUMBER></TEL><GEO><LAT>1</LAT><LON>2</LON></GEO></vCard>`; got != want {
		t.Errorf("back: %s\nwant %s", got, want)
	}
}

func FuzzConversion(f *testing.F) {
	f.Add(oldCard)
	f.Add(newCard)
	f.Fuzz(func(t *testing.T, src string) {
		e := xmltree.Stored(src)
		if e.IsZero() {
			return
		}
		for _, out := range []string{toVCard4(e), back(src)} {
			if xmltree.Stored(out).IsZero() {
				t.Errorf("%s\nbecame what is not XML: %s", src, out)
			}
		}
	})
}
