package admin_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"kith/internal/stanza"
	"kith/server/admin"
	"kith/server/auth"
	"kith/server/servertest"
)

func newServer(t *testing.T, change ...func(*servertest.Options)) *servertest.Server {
	t.Helper()
	s := servertest.New(t, change...)
	if _, err := s.Auth.Create(t.Context(), "root", auth.RoleAdmin, auth.Password(servertest.Password)); err != nil {
		t.Fatal(err)
	}
	s.Account("alice", "bob")
	return s
}

func expect(t *testing.T, what string, st *stanza.Stanza, want ...string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(st.String(), w) {
			t.Errorf("%s: no %s in\n%s", what, w, st)
		}
	}
}

func run(node string, fields ...string) string {
	x := ""
	if fields != nil {
		x = `<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE' type='hidden'><value>http://jabber.org/protocol/admin</value></field>`
		for i := 0; i+1 < len(fields); i += 2 {
			x += `<field var='` + fields[i] + `'>`
			for v := range strings.SplitSeq(fields[i+1], ",") {
				x += `<value>` + v + `</value>`
			}
			x += `</field>`
		}
		x += `</x>`
	}
	return `<iq type='set' id='cmd' to='example.org'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#` + node + `'>` + x + `</command></iq>`
}

const done = `status='completed'`

func TestCommandsAreForAdministrators(t *testing.T) {
	s := newServer(t)
	const list = `<iq type='get' id='l' to='example.org'><query xmlns='http://jabber.org/protocol/disco#items' node='http://jabber.org/protocol/commands'/></iq>`
	root, alice := s.Client("root"), s.Client("alice")
	all := root.Ask(list).String()
	for _, node := range []string{
		"add-user", "delete-user", "disable-user", "reenable-user", "end-user-session", "change-user-password", "get-user-lastlogin", "user-stats",
		"get-registered-users-num", "get-disabled-users-num", "get-online-users-num",
		"get-registered-users-list", "get-disabled-users-list", "get-online-users-list", "announce", "edit-admin",
	} {
		if !strings.Contains(all, "admin#"+node+"'") {
			t.Errorf("%s is not in the list", node)
		}
		expect(t, node+" by a member", alice.Ask(run(node)), `<item-not-found`)
		expect(t, node+" by a member, with a form", alice.Ask(run(node, "accountjid", "bob@example.org", "password", "another good one")), `<item-not-found`)
	}
	if strings.Contains(alice.Ask(list).String(), "protocol/admin") {
		t.Error("a member sees the commands")
	}
}

func TestAccounts(t *testing.T) {
	s := newServer(t)
	root := s.Client("root")
	expect(t, "form", root.Ask(run("add-user")), `status='executing'`, `<field var='accountjid' type='jid-single'`, `<field var='password' type='text-private'`)
	expect(t, "add", root.Ask(run("add-user", "accountjid", "carol@example.org", "password", servertest.Password, "password-verify", servertest.Password)), done)
	s.Client("carol")
	for what, tt := range map[string][]string{
		"taken":             {`<conflict`, "accountjid", "carol@example.org", "password", servertest.Password},
		"of another server": {`<not-acceptable`, "accountjid", "dave@else.example", "password", servertest.Password},
		"a bad password":    {`<not-acceptable`, "accountjid", "dave@example.org", "password", "short"},
		"two passwords":     {`<not-acceptable`, "accountjid", "dave@example.org", "password", servertest.Password, "password-verify", "x"},
		"no account":        {`<bad-request`, "password", servertest.Password},
	} {
		expect(t, what, root.Ask(run("add-user", tt[1:]...)), tt[0])
	}
	expect(t, "password", root.Ask(run("change-user-password", "accountjid", "carol@example.org", "password", "an entirely new one")), done)
	if s.Login("carol", servertest.Password) == nil || s.Login("carol", "an entirely new one") != nil {
		t.Error("the password is not the new one")
	}
	expect(t, "disable", root.Ask(run("disable-user", "accountjids", "carol@example.org,bob@example.org")), done)
	expect(t, "disabled", root.Ask(run("get-disabled-users-num")), `<field var='disabledusersnum' type='text-single' label='Accounts'><value>2</value>`)
	expect(t, "disabled", root.Ask(run("get-disabled-users-list", "max_items", "none")), `<value>bob@example.org</value><value>carol@example.org</value>`)
	if s.Login("bob", servertest.Password) == nil {
		t.Error("he is let in")
	}
	expect(t, "enable", root.Ask(run("reenable-user", "accountjids", "bob@example.org")), done)
	if err := s.Login("bob", servertest.Password); err != nil {
		t.Errorf("he is not let in: %v", err)
	}
	expect(t, "half of them", root.Ask(run("delete-user", "accountjids", "bob@example.org,nobody@example.org")), `<item-not-found`)
	expect(t, "delete", root.Ask(run("delete-user", "accountjids", "carol@example.org")), done)
	expect(t, "registered", root.Ask(run("get-registered-users-list", "max_items", "25")), `<value>alice@example.org</value><value>bob@example.org</value><value>root@example.org</value></field>`)
	expect(t, "some", root.Ask(run("get-registered-users-list", "max_items", "1")), `<value>alice@example.org</value></field>`)
	expect(t, "how many", root.Ask(run("get-registered-users-num")), `<value>3</value>`)
	expect(t, "the last administrator", root.Ask(run("delete-user", "accountjids", "root@example.org")), `<not-allowed`)
	expect(t, "never used", root.Ask(run("get-user-lastlogin", "accountjid", "alice@example.org")), `<value>never</value>`)
}

func TestAdministrators(t *testing.T) {
	s := newServer(t)
	root := s.Client("root")
	expect(t, "form", root.Ask(run("edit-admin")), `<value>root@example.org</value>`)
	expect(t, "nobody", root.Ask(run("edit-admin", "adminjids", "nobody@example.org")), `<item-not-found`)
	expect(t, "alice instead", root.Ask(run("edit-admin", "adminjids", "alice@example.org")), done)
	expect(t, "root is none any more", root.Ask(run("edit-admin")), `<item-not-found`)
	expect(t, "alice is one", s.Client("alice").Ask(run("edit-admin")), `<value>alice@example.org</value>`)
}

func TestSessions(t *testing.T) {
	s := newServer(t)
	root, a, b := s.Client("root"), s.Client("alice"), s.Client("bob")
	for _, c := range []*servertest.Client{a, b} {
		c.Send(`<presence/>`)
		c.Wait(t, "own presence", func(st *stanza.Stanza) bool { return st.Kind == stanza.Presence })
	}
	expect(t, "online", root.Ask(run("get-online-users-list", "max_items", "none")), `<value>alice@example.org</value><value>bob@example.org</value><value>root@example.org</value>`)
	expect(t, "statistics", root.Ask(run("user-stats", "accountjid", "alice@example.org")), `<value>`+a.JID.Resource()+`</value>`)
	expect(t, "announce", root.Ask(run("announce", "subject", "Tonight", "announcement", "The server rests.,Good night.")), done)
	for _, c := range []*servertest.Client{a, b} {
		st := c.Message("The server rests.\nGood night.")
		expect(t, "announcement", st, `from='example.org'`, `type='headline'`, `<subject>Tonight</subject>`)
	}
	expect(t, "end", root.Ask(run("end-user-session", "accountjids", "alice@example.org")), done)
	<-a.Over
	select {
	case <-b.Over:
		t.Error("bob's session ended, too")
	default:
	}
}

func TestContacts(t *testing.T) {
	const info = `<iq type='get' id='d' to='example.org'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>`
	s := newServer(t)
	expect(t, "by default", s.Client("alice").Ask(info),
		`<value>http://jabber.org/network/serverinfo</value>`, `<field var='abuse-addresses' type='list-multi'><value>xmpp:example.org</value>`, `var='urn:xmpp:reporting:1'`)
	s = newServer(t, func(o *servertest.Options) {
		o.Config.Contact = admin.Config{Abuse: []string{"mailto:abuse@example.org"}, Status: []string{"https://status.example.org/"}}
	})
	st := s.Client("alice").Ask(info)
	expect(t, "configured", st, `<field var='abuse-addresses' type='list-multi'><value>mailto:abuse@example.org</value>`, `<value>https://status.example.org/</value>`)
	if strings.Contains(st.String(), "xmpp:example.org") {
		t.Errorf("it takes no messages: %s", st)
	}
	if err := (admin.Config{Admin: []string{"me"}}).Validate(); err == nil || !strings.Contains(err.Error(), "contact.admin") {
		t.Errorf("%v", err)
	}
}

// What is written to the server reaches its administrators, also if they are away.
func TestMail(t *testing.T) {
	s := newServer(t)
	a := s.Client("alice")
	a.Send(`<message to='example.org' type='chat'><body>Help!</body></message>`)
	a.Send(`<message to='example.org' type='chat'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>`)
	root := s.Client("root")
	root.Send(`<presence/>`)
	st := root.Message("Message from alice@example.org:\n\nHelp!")
	expect(t, "mail", st, `from='example.org'`, `to='root@example.org'`)
	for i := range 100 {
		a.Send(`<message to='example.org' type='chat' id='m` + strconv.Itoa(i) + `'><body>Help!</body></message>`)
	}
	refused := a.Wait(t, "an end of it", func(st *stanza.Stanza) bool { return st.Type == stanza.Error })
	expect(t, "too many", refused, `<resource-constraint`)
}

func TestReport(t *testing.T) {
	s := newServer(t)
	root, a := s.Client("root"), s.Client("alice")
	root.Send(`<presence/>`)
	block := func(inner string) string {
		return `<iq type='set' id='b'><block xmlns='urn:xmpp:blocking'>` + inner + `</block></iq>`
	}
	expect(t, "block", a.Ask(block(`<item jid='eve@else.example'><report xmlns='urn:xmpp:reporting:1' reason='urn:xmpp:reporting:spam'>`+
		`<text xml:lang='en'>Never came trouble to my house like this.</text><stanza-id xmlns='urn:xmpp:sid:0' id='s1' by='alice@example.org'/></report></item><item jid='other.example'/>`)), `type='result'`)
	root.Message("alice@example.org has blocked eve@else.example and reports: unwanted messages.\n\nNever came trouble to my house like this.\n\nMessages that are meant:\ns1")
	list := a.Ask(`<iq type='get' id='l'><blocklist xmlns='urn:xmpp:blocking'/></iq>`)
	expect(t, "blocked", list, "eve@else.example", "other.example")
	for i := range 30 {
		a.Ask(block(`<item jid='e` + strconv.Itoa(i) + `@else.example'><report xmlns='urn:xmpp:reporting:1' reason='urn:xmpp:reporting:abuse'/></item>`))
	}
	a.Send(`<message to='root@example.org' type='chat'><body>end</body></message>`)
	root.Message("end")
	n := len(slices.DeleteFunc(root.Take(), func(st *stanza.Stanza) bool { return !strings.Contains(st.Body(), "reports: abuse.") }))
	if n == 0 || n > 20 {
		t.Errorf("%d reports", n)
	}
}
