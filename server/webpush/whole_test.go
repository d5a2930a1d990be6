package webpush_test

import (
	"strings"
	"testing"

	"kith/internal/stanza"
	"kith/server/module"
	"kith/server/servertest"
	"kith/server/webpush"
)

// In a whole server: a browser is woken when its page is gone, and only then.
func TestWokenByTheServer(t *testing.T) {
	v, b := newVendor(t), newBrowser(t)
	s := servertest.New(t, func(o *servertest.Options) { o.WebPush = v.Client() })
	s.Account("alice", "bob")
	alice, bob := s.Client("alice"), s.Client("bob")
	items := alice.Ask(`<iq type='get' id='items' to='example.org'><query xmlns='http://jabber.org/protocol/disco#items'/></iq>`)
	info := alice.Ask(`<iq type='get' id='info' to='push.example.org'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>`)
	for what, st := range map[string]*stanza.Stanza{"jid='push.example.org'": items, "category='pubsub' type='push'": info, "var='" + webpush.NS + "'": info} {
		if !strings.Contains(st.String(), what) {
			t.Errorf("no %s in %s", what, st)
		}
	}
	if key := alice.Ask(`<iq type='get' id='key' to='push.example.org'><key xmlns='kith:webpush:0'/></iq>`).Child(webpush.NS, "key").Text(); len(bytesOf(t, key)) != 65 {
		t.Errorf("the key is %q", key)
	}
	node := alice.Ask(`<iq type='set' id='sub' to='push.example.org'><subscribe xmlns='kith:webpush:0' endpoint='`+v.URL+`/p/1' key='`+
		b64(b.key.PublicKey().Bytes())+`' auth='`+b64(b.auth)+`'/></iq>`).Child(webpush.NS, "subscribed").Attr("node")
	if st := alice.Ask(`<iq type='set' id='enable'><enable xmlns='urn:xmpp:push:0' jid='push.example.org' node='` + node + `'/></iq>`); st.Type != stanza.Result {
		t.Fatal(st)
	}
	alice.Send(`<presence/>`)

	bob.Send(`<message to='alice@example.org' type='chat' id='m1'><body>you are there</body></message>`)
	alice.Message("you are there")
	select {
	case <-v.got:
		t.Error("woken although the page is open")
	default:
	}

	if err := s.Accounts().Do(t.Context(), "alice", func(a module.Account) {
		for session := range a.Sessions() {
			session.End(module.EndReset)
		}
	}); err != nil {
		t.Fatal(err)
	}
	<-alice.Over
	bob.Send(`<message to='alice@example.org' type='chat' id='m2'><body>you are away</body></message>`)
	select {
	case r := <-v.got:
		if r.URL.Path != "/p/1" {
			t.Error(r.URL)
		}
		if text := string(b.open(t, <-v.bodies)); text != webpush.Content {
			t.Errorf("it says %q", text)
		}
	case <-t.Context().Done():
		t.Fatal("not woken")
	}
}

// What is muted on the account's own node wakes no browser; where names are told all the same, what nobody can read wakes it without noise.
func TestMutedInTheServer(t *testing.T) {
	v, b := newVendor(t), newBrowser(t)
	s := servertest.New(t, func(o *servertest.Options) { o.WebPush = v.Client() })
	s.Account("alice", "bob", "carol")
	alice, bob, carol := s.Client("alice"), s.Client("bob"), s.Client("carol")
	node := alice.Ask(`<iq type='set' id='sub' to='push.example.org'><subscribe xmlns='kith:webpush:0' endpoint='`+v.URL+`/p/1' key='`+
		b64(b.key.PublicKey().Bytes())+`' auth='`+b64(b.auth)+`'/></iq>`).Child(webpush.NS, "subscribed").Attr("node")
	place := func(chat, attrs string) string {
		return `<pubsub xmlns='http://jabber.org/protocol/pubsub'><publish node='kith:chats:0'><item id='` + chat + `'><chat xmlns='kith:chats:0' ` + attrs + `/></item></publish>` +
			`<publish-options><x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE' type='hidden'><value>http://jabber.org/protocol/pubsub#publish-options</value></field>` +
			`<field var='pubsub#max_items'><value>max</value></field><field var='pubsub#access_model'><value>whitelist</value></field></x></publish-options></pubsub>`
	}
	for _, request := range []string{
		`<enable xmlns='urn:xmpp:push:0' jid='push.example.org' node='` + node + `'/>`,
		place("bob@example.org", "muted='forever'"), place("carol@example.org", "muted='forever' except-mentions='true'"),
	} {
		if st := alice.Ask(`<iq type='set' id='set'>` + request + `</iq>`); st.Type != stanza.Result {
			t.Fatal(st)
		}
	}
	if err := s.Accounts().Do(t.Context(), "alice", func(a module.Account) {
		for session := range a.Sessions() {
			session.End(module.EndReset)
		}
	}); err != nil {
		t.Fatal(err)
	}
	<-alice.Over
	// The first goes before the second: both are acknowledged only when they are with alice.
	bob.Send(`<message to='alice@example.org' type='chat' id='m1'><body>muted</body></message>`)
	bob.Ask(`<iq type='get' id='after' to='example.org'><ping xmlns='urn:xmpp:ping'/></iq>`)
	carol.Send(`<message to='alice@example.org' type='chat' id='m2'><encrypted xmlns='urn:xmpp:omemo:2'><header sid='1'/><payload>AA==</payload></encrypted></message>`)
	select {
	case r := <-v.got:
		if text := string(b.open(t, <-v.bodies)); text != webpush.Hushed || r.Header.Get("Ttl") != "0" {
			t.Errorf("it says %q, for %q seconds", text, r.Header.Get("Ttl"))
		}
	case <-t.Context().Done():
		t.Fatal("not woken")
	}
}
