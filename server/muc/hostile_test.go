package muc_test

import (
	"fmt"
	"strings"
	"testing"

	"kith/internal/stanza"
	"kith/server/module"
	"kith/server/router/routertest"
)

const (
	x     = `<x xmlns='http://jabber.org/protocol/muc'/>`
	user  = `http://jabber.org/protocol/muc#user`
	forms = `jabber:x:data`
)

// hostile are stanzas that nobody sends who means well; %s is the room.
var hostile = []string{
	`<presence to='%s/` + strings.Repeat("é", 500) + `'>` + x + `</presence>`,
	`<presence to='%s/x'><x xmlns='http://jabber.org/protocol/muc'><password>` + strings.Repeat("p", 10000) + `</password><history maxchars='99999999999999999999' since='` + strings.Repeat("9", 1000) + `'/></x></presence>`,
	`<presence to='%s/bob'>` + strings.Repeat(x, 50) + `</presence>`,
	`<presence to='%s/bob' type='error'/>`,
	`<presence to='%s' type='unavailable'/>`,
	`<message to='%s' type='groupchat'/>`,
	`<message to='%s' type='groupchat'><subject/><subject/><subject xml:lang='x'><b/></subject></message>`,
	`<message to='%s' type='groupchat'><body/><retract xmlns='urn:xmpp:message-retract:1'/></message>`,
	`<message to='%s'><x xmlns='` + user + `'><invite/></x></message>`,
	`<message to='%s'><x xmlns='` + user + `'><invite to='%[1]s'/></x></message>`,
	`<message to='%s'><x xmlns='` + user + `'><decline/></x></message>`,
	`<message to='%s'><x xmlns='` + user + `'><decline to='%[1]s/bob'><reason>` + strings.Repeat("&lt;", 5000) + `</reason></decline></x></message>`,
	`<message to='%s'><x xmlns='` + forms + `'/></message>`,
	`<message to='%s'><x xmlns='` + forms + `' type='submit'/></message>`,
	`<message to='%s'><x xmlns='` + forms + `' type='submit'><field var='FORM_TYPE'><value>http://jabber.org/protocol/muc#request</value></field><field var='muc#role'><value>owner</value></field></x></message>`,
	`<message to='%s'><x xmlns='` + forms + `' type='submit'><field var='FORM_TYPE'><value>http://jabber.org/protocol/muc#register</value></field><field var='muc#register_allow'><value>1</value></field></x></message>`,
	`<message to='%s/bob' type='error'/>`,
	`<iq to='%s' type='set' id='1'><query xmlns='http://jabber.org/protocol/muc#admin'>` + strings.Repeat(`<item affiliation='owner' jid='bob@kith.example'/>`, 200) + `</query></iq>`,
	`<iq to='%s' type='set' id='1'><query xmlns='http://jabber.org/protocol/muc#admin'><item nick='' role='moderator'/><item/></query></iq>`,
	`<iq to='%s' type='get' id='1'><query xmlns='http://jabber.org/protocol/muc#admin'><item affiliation='none'/></query></iq>`,
	`<iq to='%s' type='get' id='1'><query xmlns='http://jabber.org/protocol/muc#admin'/></iq>`,
	`<iq to='%s' type='set' id='1'><query xmlns='http://jabber.org/protocol/muc#owner'><destroy jid='@@'/></query></iq>`,
	`<iq to='%s' type='set' id='1'><query xmlns='urn:xmpp:mam:2'><set xmlns='http://jabber.org/protocol/rsm'><max>-1</max></set></query></iq>`,
	`<iq to='%s' type='set' id='1'><query xmlns='urn:xmpp:mam:2'><x xmlns='` + forms + `' type='submit'><field var='FORM_TYPE'><value>urn:xmpp:mam:2</value></field><field var='with'><value>@</value></field></x></query></iq>`,
	`<iq to='%s' type='set' id='1'><moderate xmlns='urn:xmpp:message-moderate:1'/></iq>`,
	`<iq to='%s' type='set' id='1'><vCard xmlns='vcard-temp'><PHOTO><BINVAL>` + strings.Repeat("A", 100000) + `</BINVAL></PHOTO></vCard></iq>`,
	`<iq to='%s' type='set' id='1'><command xmlns='http://jabber.org/protocol/commands' node='urn:xmpp:hats:commands:create' action='dance'/></iq>`,
	`<iq to='%s' type='set' id='1'><query xmlns='jabber:iq:register'><x xmlns='` + forms + `' type='submit'><field var='muc#register_roomnick'><value>x</value></field></x></query></iq>`,
	`<iq to='%s' type='result' id='1'/>`,
	`<iq to='%s/bob' type='error' id='1'/>`,
	`<iq to='%s/owner' type='set' id='1'><a xmlns='b'/></iq>`,
	`<presence to='%s/dave'><x xmlns='http://jabber.org/protocol/muc'><password/><password>` + strings.Repeat("&lt;", 30000) + `</password></x></presence>`,
	`<iq to='%s' type='get' id='1'><look xmlns='kith:grouplink:0' token='` + strings.Repeat("x", 30000) + `'/></iq>`,
	`<iq to='%s' type='get' id='1'><links xmlns='kith:grouplink:0'><links/></links></iq>`,
	`<iq to='%s' type='set' id='1'><make xmlns='kith:grouplink:0' seconds='1e9' max='99999999999999999999'/></iq>`,
	`<iq to='%s' type='set' id='1'><renew xmlns='kith:grouplink:0' seconds=' 60'/></iq>`,
	`<iq to='%s' type='set' id='1'><revoke xmlns='kith:grouplink:0' id=''/></iq>`,
	`<iq to='%s/bob' type='set' id='1'><make xmlns='kith:grouplink:0'/></iq>`,
}

// Whatever people send, in the room or not, it hurts nobody, changes nothing that they may not change, and
// nothing of it is an error of the server's.
func TestHostile(t *testing.T) {
	in(t, options{}, func(t *testing.T, h *house) {
		c := newCrew(h)
		dave := h.login("dave/d")
		before := c.owner.ok("%s", list(cave, `<item affiliation='owner'/>`)).Inner()
		for _, xml := range hostile {
			for _, who := range []*client{c.bob, dave, c.carol} {
				who.send(xml, cave)
				for _, st := range who.got() {
					if st.Type == stanza.Error && st.ReadFault().Condition == stanza.InternalServerError {
						t.Errorf("%s: %s", xml, st)
					}
				}
			}
			if c.bob.ask(`<iq type='get' to='%s/bob' id='alive'><ping xmlns='urn:xmpp:ping'/></iq>`, cave).Type != stanza.Result {
				c.bob.send(`<presence to='%s/bob'>`+x+`</presence>`, cave)
			}
			c.forget()
		}
		if after := c.owner.ok("%s", list(cave, `<item affiliation='owner'/>`)).Inner(); after != before {
			t.Errorf("owners %s, before %s", after, before)
		}
		c.owner.ok("%s", list(cave, `<item affiliation='outcast'/>`))
		c.owner.say(cave, "still here")
		c.member.wants("still here")
	})
}

// The owner can do much, but not this.
func TestHostileOwner(t *testing.T) {
	in(t, options{}, func(t *testing.T, h *house) {
		c := newCrew(h)
		for _, xml := range hostile {
			if !strings.Contains(xml, "destroy") {
				c.owner.send(xml, cave)
			}
			for _, st := range c.owner.got() {
				if st.Type == stanza.Error && st.ReadFault().Condition == stanza.InternalServerError {
					t.Errorf("%s: %s", xml, st)
				}
			}
		}
		c.owner.ok("%s", list(cave, `<item affiliation='owner'/>`))
		var items strings.Builder
		for i := range 6000 {
			fmt.Fprintf(&items, `<item affiliation='member' jid='u%d@far.example'/>`, i)
		}
		c.owner.refused(stanza.ResourceConstraint, "%s", admin(cave, items.String()))
	})
}

func FuzzRoom(f *testing.F) {
	for _, xml := range hostile {
		f.Add(strings.NewReplacer("%[1]s", cave, "%s", cave).Replace(xml))
	}
	h := newHouse(f, options{bare: true})
	h.log.ignore = true
	alice := h.Bind("alice/a")
	alice.Send(`<presence to='` + cave + `/alice'>` + x + `</presence>`)
	alice.Ask(`<iq type='set' to='` + cave + `' id='c'>` + config(open...) + `</iq>`)
	bob := h.Bind("bob/b")
	f.Fuzz(func(t *testing.T, xml string) {
		st, err := stanza.Parse(xml)
		if err != nil || st.To.Domain() != host {
			return
		}
		for _, from := range []*routertest.Client{alice, bob} {
			h.Router.Route(module.NewEnvelope(st.Stamp(from.JID), nil))
		}
		// It lives.
		id := "alive"
		ping := routertest.Parse(t, `<iq type='get' to='`+cave+`' id='`+id+`'><ping xmlns='urn:xmpp:ping'/></iq>`).Stamp(bob.JID)
		h.Router.Route(module.NewEnvelope(ping, nil))
		bob.Wait(t, "a sign of life", func(st *stanza.Stanza) bool { return st.ID == id && st.Kind == stanza.IQ })
		alice.Take()
		bob.Take()
	})
}
