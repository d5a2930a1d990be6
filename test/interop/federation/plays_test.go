package federation

import (
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"testing"

	"kith/internal/stanza"
	"kith/test/peers"
)

func TestProsody(t *testing.T) {
	w := peers.New(t)
	plays(t, w, w.Prosody(peers.Options{Domain: "peer.example"}))
}

func TestEjabberd(t *testing.T) {
	w := peers.New(t)
	plays(t, w, w.Ejabberd(peers.Options{Domain: "peer.example"}))
}

// plays are what people at two servers do together.
func plays(t *testing.T, w *peers.World, other *peers.Server) {
	ours, peer := ours(t, w, ""), &server{other, t}
	peer.Start()
	ours.Start()
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("%s\nours:\n%s\ntheirs:\n%s", ours.status(), ours.Logged(), peer.Logged())
		}
	})
	alice, bob := ours.sign("alice"), peer.sign("bob")
	alice.put("<presence/>")
	bob.put("<presence/>")

	for _, p := range [][2]*client{{alice, bob}, {bob, alice}} {
		p[0].put(fmt.Sprintf("<presence type='subscribe' to='%s'/>", p[1].JID.Bare()))
		p[1].Wait(t, "the request", func(st *stanza.Stanza) bool { return st.Type == stanza.Subscribe && st.From == p[0].JID.Bare() })
		p[1].put(fmt.Sprintf("<presence type='subscribed' to='%s'/>", p[0].JID.Bare()))
		p[0].Wait(t, "the presence", func(st *stanza.Stanza) bool {
			return st.Kind == stanza.Presence && st.Type == stanza.Available && st.From == p[1].JID
		})
	}

	t.Run("chat", func(t *testing.T) {
		for _, p := range [][2]*client{{alice, bob}, {bob, alice}} {
			from, to := p[0], p[1]
			for i := range 50 {
				from.put(fmt.Sprintf("<message to='%s' type='chat' id='c%d'><body>to %s %d</body><request xmlns='urn:xmpp:receipts'/></message>", to.JID, i, to.JID.Local(), i))
			}
			for i := range 50 {
				to.message(fmt.Sprintf("to %s %d", to.JID.Local(), i))
			}
			to.put(fmt.Sprintf("<message to='%s' type='chat' id='rc'><received xmlns='urn:xmpp:receipts' id='c1'/></message>", from.JID))
			from.contains("the receipt", to.JID.String(), "urn:xmpp:receipts", "id='c1'")
		}
	})

	t.Run("keys and pictures", func(t *testing.T) {
		const devices, data, meta = "eu.siacs.conversations.axolotl.devicelist", "urn:xmpp:avatar:data", "urn:xmpp:avatar:metadata"
		for _, p := range [][2]*client{{alice, bob}, {bob, alice}} {
			from, to := p[0], p[1]
			announce(to, devices+"+notify", meta+"+notify")
			from.Wait(t, "the new presence", func(st *stanza.Stanza) bool {
				return st.From == to.JID && !st.Child("http://jabber.org/protocol/caps", "c").IsZero()
			})
			publish(t, from, devices, "current", "<list xmlns='eu.siacs.conversations.axolotl'><device id='4711'/></list>")
			to.contains("the list of devices", from.JID.Bare().String(), "pubsub#event", "4711")
			publish(t, from, "eu.siacs.conversations.axolotl.bundles:4711", "current", "<bundle xmlns='eu.siacs.conversations.axolotl'><identityKey>a2V5</identityKey></bundle>")
			get := func(node string) *stanza.Stanza {
				return to.ask(fmt.Sprintf("<iq type='get' id='get%s' to='%s'><pubsub xmlns='http://jabber.org/protocol/pubsub'><items node='%s'/></pubsub></iq>", node, from.JID.Bare(), node))
			}
			if st := get("eu.siacs.conversations.axolotl.bundles:4711"); st.Type != stanza.Result || !holds(st, "a2V5") {
				t.Errorf("the bundle of %s: %s", from.JID, st)
			}
			picture := []byte("a picture")
			sum := sha1.Sum(picture)
			id := fmt.Sprintf("%x", sum)
			publish(t, from, data, id, "<data xmlns='urn:xmpp:avatar:data'>"+base64.StdEncoding.EncodeToString(picture)+"</data>")
			publish(t, from, meta, id, fmt.Sprintf("<metadata xmlns='urn:xmpp:avatar:metadata'><info bytes='%d' id='%s' type='image/png'/></metadata>", len(picture), id))
			to.contains("the picture", from.JID.Bare().String(), "pubsub#event", id)
			if st := get(data); !holds(st, base64.StdEncoding.EncodeToString(picture)) {
				t.Errorf("the picture of %s: %s", from.JID, st)
			}
		}
	})

	for _, host := range []*server{ours, peer} {
		t.Run("a room at "+host.Domain, func(t *testing.T) {
			owner, guest := alice, bob
			if host == peer {
				owner, guest = bob, alice
			}
			room := "den@groups." + host.Domain
			owner.put("<presence to='" + room + "/owner'><x xmlns='http://jabber.org/protocol/muc'/></presence>")
			owner.contains("the own presence", room+"/owner", "110")
			owner.ask("<iq type='set' id='cfg' to='" + room + "'><query xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' type='submit'/></query></iq>")
			owner.ask(fmt.Sprintf("<iq type='set' id='mem' to='%s'><query xmlns='http://jabber.org/protocol/muc#admin'><item affiliation='member' jid='%s'/></query></iq>", room, guest.JID.Bare()))
			guest.put("<presence to='" + room + "/guest'><x xmlns='http://jabber.org/protocol/muc'/></presence>")
			guest.contains("the own presence", room+"/guest", "110")
			owner.contains("the guest", room+"/guest")
			guest.put("<message to='" + room + "' type='groupchat' id='g'><body>said in " + room + "</body></message>")
			owner.message("said in " + room)
			guest.message("said in " + room)
			if st := guest.ask("<iq type='get' id='self' to='" + room + "/guest'><ping xmlns='urn:xmpp:ping'/></iq>"); st.Type != stanza.Result {
				t.Errorf("self-ping: %s", st)
			}
			guest.put("<iq type='set' id='mam' to='" + room + "'><query xmlns='urn:xmpp:mam:2' queryid='q'/></iq>")
			guest.contains("the archive", room, "urn:xmpp:mam:2", "said in "+room)
			guest.put("<presence to='" + room + "/guest' type='unavailable'/>")
			owner.contains("the end", room+"/guest", "unavailable")
		})
	}

	t.Run("discovery", func(t *testing.T) {
		if st := alice.ask("<iq type='get' id='di' to='peer.example'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>"); st.Type != stanza.Result {
			t.Errorf("%s", st)
		}
		if st := bob.ask("<iq type='get' id='di' to='kith.example'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>"); st.Type != stanza.Result {
			t.Errorf("%s", st)
		}
	})

	t.Run("theirs is killed", func(t *testing.T) {
		peer.Kill()
		alice.put("<message to='bob@peer.example' type='chat' id='k1'><body>while you were dead</body></message>")
		w.Until("a failed try", func() bool { return has(ours.status("peer.example"), "waiting") })
		peer.Start()
		bob = peer.again("bob")
		bob.put("<presence/>")
		ours.retry()
		bob.catchUp("while you were dead")
	})

	t.Run("ours is killed", func(t *testing.T) {
		peer.Kill()
		alice.put("<enable xmlns='urn:xmpp:sm:3'/>")
		alice.put("<message to='bob@peer.example' type='chat' id='k2'><body>before the crash</body></message><r xmlns='urn:xmpp:sm:3'/>")
		// What is acknowledged is on disk.
		w.Until("the acknowledgement", func() bool { return alice.acked.Load() == 1 })
		ours.Kill()
		peer.Start()
		ours.Start()
		bob = peer.again("bob")
		bob.put("<presence/>") // not before: ejabberd does not try again for a while
		ours.retry()
		bob.catchUp("before the crash")
		alice = ours.again("alice")
		alice.put("<presence/>")
		bob.put(fmt.Sprintf("<message to='%s' type='chat' id='k3'><body>welcome back</body></message>", alice.JID.Bare()))
		alice.message("welcome back")
	})
}

// announce says what a client wants to be told (XEP-0115).
func announce(c *client, features ...string) {
	c.features = features
	s := "client/pc//x<"
	for _, f := range features {
		s += f + "<"
	}
	sum := sha1.Sum([]byte(s))
	c.put("<presence><c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='x' ver='" + base64.StdEncoding.EncodeToString(sum[:]) + "'/></presence>")
}

func publish(t *testing.T, c *client, node, id, item string) {
	t.Helper()
	st := c.ask(fmt.Sprintf("<iq type='set' id='pub%s'><pubsub xmlns='http://jabber.org/protocol/pubsub'><publish node='%s'><item id='%s'>%s</item></publish>"+
		"<publish-options><x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE' type='hidden'><value>http://jabber.org/protocol/pubsub#publish-options</value></field>"+
		"<field var='pubsub#access_model'><value>open</value></field></x></publish-options></pubsub></iq>", node, node, id, item))
	if st.Type != stanza.Result {
		t.Fatalf("publish at %s: %s", c.JID, st)
	}
}
