package c2s

import (
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"kith/internal/ns"
	"kith/internal/sasl"
)

// FuzzNegotiation sends anything to a server that has let nobody in. Nobody gets in, and the
// connection ends.
func FuzzNegotiation(f *testing.F) {
	head := "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='" + domain + "' version='1.0'>"
	for _, s := range []string{
		"", head, head + "<starttls xmlns='" + ns.TLS + "'/>",
		head + "<auth xmlns='" + ns.SASL + "' mechanism='SCRAM-SHA-1'>biwsbj1hbGljZSxyPXh4eA==</auth><response xmlns='" + ns.SASL + "'>Yz1iaXdz</response><abort xmlns='" + ns.SASL + "'/>",
		head + "<authenticate xmlns='" + ns.SASL2 + "' mechanism='SCRAM-SHA-256'><initial-response>biwsbj1hbGljZSxyPXh4eA==</initial-response><user-agent id='a'/><resume xmlns='" + ns.SM + "' previd='a' h='1'/><bind xmlns='" + ns.Bind2 + "'/></authenticate><response xmlns='" + ns.SASL2 + "'/>",
		head + "<authenticate xmlns='" + ns.SASL2 + "' mechanism='HT-SHA-256-NONE'><initial-response>YWxpY2UAAA==</initial-response><user-agent id='a'/><fast xmlns='" + ns.FAST + "' count='1'/></authenticate>",
		head + "<next xmlns='" + ns.SASL2 + "'/><task-data xmlns='" + ns.SASL2 + "'/>",
		head + "<iq type='set' id='b'><bind xmlns='" + ns.Bind + "'/></iq><enable xmlns='" + ns.SM + "'/><r xmlns='" + ns.SM + "'/>",
		head + "</stream:stream>",
	} {
		f.Add(s)
	}
	w := newWorld(f, func(c *Config) { c.LoginTries = 6 })
	w.auth.add(f, sasl.Hashes(), "alice")
	f.Fuzz(func(t *testing.T, s string) {
		ours, theirs := net.Pipe()
		w.srv.Serve(pipe{theirs})
		_ = ours.SetDeadline(time.Now().Add(patience))
		read := make(chan string)
		go func() {
			b, _ := io.ReadAll(io.LimitReader(ours, 1<<20))
			read <- string(b)
		}()
		_, _ = ours.Write([]byte(s))
		_ = ours.Close()
		if got := <-read; strings.Contains(got, "<success") {
			t.Fatalf("%q was answered by %q", s, got)
		}
		if len(w.srv.sessions.all()) != 0 {
			t.Fatalf("%q made a session", s)
		}
	})
}

// FuzzSession sends anything by a client that is signed in: it may lose its session, and nothing
// else happens.
func FuzzSession(f *testing.F) {
	for _, s := range []string{
		"<message to='bob@" + domain + "'><body>x</body></message>", "<iq/>", "<presence type='subscribe'/>",
		"<r xmlns='" + ns.SM + "'/><a xmlns='" + ns.SM + "' h='0'/><enable xmlns='" + ns.SM + "' resume='true' max='1'/>",
		"<enable xmlns='" + ns.SM + "'/><presence/><a xmlns='" + ns.SM + "' h='1'/>", "<inactive xmlns='" + ns.CSI + "'/><presence/><active xmlns='" + ns.CSI + "'/>",
		"<iq type='set' id='s'><session xmlns='" + ns.Session + "'/></iq>", "</stream:stream>", " ",
	} {
		f.Add(s)
	}
	w := newWorld(f)
	w.auth.add(f, sasl.Hashes(), "alice", "bob")
	f.Fuzz(func(t *testing.T, s string) {
		ours, theirs := net.Pipe()
		w.srv.Serve(pipe{theirs})
		c := &wire{t: t, conn: ours}
		c.restart()
		c.login("alice", "")
		go func() { _, _ = io.Copy(io.Discard, ours) }()
		_, _ = ours.Write([]byte(s))
		_ = ours.Close()
		until(t, "the session ends", func() bool {
			for _, o := range w.srv.sessions.all() {
				if o.detachedSince().IsZero() {
					return false
				}
				o.finish(nil)
			}
			return true
		})
	})
}
