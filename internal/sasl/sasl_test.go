package sasl_test

import (
	"context"
	"crypto/sha1"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"testing"

	xdg "github.com/xdg-go/scram"
	"golang.org/x/text/unicode/norm"
	msasl "mellium.im/sasl"

	"kith/internal/sasl"
	"kith/internal/sasl/sasltest"
)

const iterations = 4096

// users answers lookups for one user; everyone else is a decoy.
func users(t testing.TB, name, password string) sasl.VerifierFunc {
	t.Helper()
	known := map[sasl.Hash]sasl.Verifier{}
	for _, h := range sasl.Hashes() {
		v, err := sasl.Derive(h, password, sasl.NewSalt(), iterations)
		if err != nil {
			t.Fatal(err)
		}
		known[h] = v
	}
	return func(_ context.Context, id sasl.Identity, h sasl.Hash) (sasl.Verifier, error) {
		v := known[h]
		v.Decoy = id.Authcid != name
		return v, nil
	}
}

// connect makes a TLS connection in memory and returns both ends' view of it.
func connect(t testing.TB, version uint16) (server sasl.Channel, client tls.ConnectionState) {
	t.Helper()
	cert := testCertificate(t)
	a, b := net.Pipe()
	t.Cleanup(func() { a.Close(); b.Close() })
	pool := x509.NewCertPool()
	pool.AddCert(cert.Leaf)
	srv := tls.Server(a, &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: version, MaxVersion: version})
	cli := tls.Client(b, &tls.Config{RootCAs: pool, ServerName: "example.org", MinVersion: version, MaxVersion: version})
	done := make(chan error, 1)
	go func() {
		err := cli.Handshake()
		done <- err
		if err == nil {
			_, _ = io.Copy(io.Discard, cli) // takes the session tickets
		}
	}()
	if err := srv.Handshake(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	state := srv.ConnectionState()
	return sasl.Channel{Confidential: true, Bindings: sasl.TLSBindings(&state, cert.Leaf)}, cli.ConnectionState()
}

func policy() sasl.Policy { return sasl.Policy{Hashes: sasl.Hashes(), Tokens: true} }

// drive plays the server against an independent client that works on strings.
func drive(x sasl.Exchange, step func([]byte) ([]byte, error)) error {
	msg, err := step(nil)
	for err == nil {
		var out []byte
		var done bool
		if out, done, err = x.Next(context.Background(), msg); err != nil {
			return err
		}
		if msg, err = step(out); done {
			return err
		}
	}
	return err
}

func TestIndependentClients(t *testing.T) {
	const user, password = "jü,l=iet", "ﬁsh & chips€"
	lookup := users(t, user, password)
	ch, client := connect(t, tls.VersionTLS13)
	offer := policy().Offer(ch)

	mellium := func(m msasl.Mechanism, password string) func([]byte) ([]byte, error) {
		n := msasl.NewClient(m, msasl.TLSState(client), msasl.RemoteMechanisms(m.Name),
			msasl.Credentials(func() ([]byte, []byte, []byte) {
				// It does not prepare the password.
				return []byte(user), []byte(norm.NFKC.String(password)), nil
			}))
		return func(in []byte) ([]byte, error) {
			_, out, err := n.Step(in)
			return out, err
		}
	}
	xdgClient := func(h xdg.HashGeneratorFcn, b sasl.Binding, password string) func([]byte) ([]byte, error) {
		c, err := h.NewClient(user, password, "")
		if err != nil {
			t.Fatal(err)
		}
		var conv *xdg.ClientConversation
		switch b {
		case "":
			conv = c.NewConversation()
		case sasl.Exporter:
			cb, err := xdg.NewTLSExporterBinding(&client)
			if err != nil {
				t.Fatal(err)
			}
			conv = c.NewConversationWithChannelBinding(cb)
		case sasl.ServerEndPoint:
			cb, err := xdg.NewTLSServerEndpointBinding(&client)
			if err != nil {
				t.Fatal(err)
			}
			conv = c.NewConversationWithChannelBinding(cb)
		}
		return func(in []byte) ([]byte, error) {
			s, err := conv.Step(string(in))
			return []byte(s), err
		}
	}
	sha1Hash := xdg.HashGeneratorFcn(sha1.New)
	for _, c := range []struct {
		mech   sasl.Mechanism
		name   string
		client func(password string) func([]byte) ([]byte, error)
	}{
		{sasl.ScramSHA1, "mellium", func(p string) func([]byte) ([]byte, error) { return mellium(msasl.ScramSha1, p) }},
		{sasl.ScramSHA256, "mellium", func(p string) func([]byte) ([]byte, error) { return mellium(msasl.ScramSha256, p) }},
		{sasl.ScramSHA1Plus, "mellium", func(p string) func([]byte) ([]byte, error) { return mellium(msasl.ScramSha1Plus, p) }},
		{sasl.ScramSHA256Plus, "mellium", func(p string) func([]byte) ([]byte, error) { return mellium(msasl.ScramSha256Plus, p) }},
		{sasl.ScramSHA1, "xdg", func(p string) func([]byte) ([]byte, error) { return xdgClient(sha1Hash, "", p) }},
		{sasl.ScramSHA256, "xdg", func(p string) func([]byte) ([]byte, error) { return xdgClient(xdg.SHA256, "", p) }},
		{sasl.ScramSHA512, "xdg", func(p string) func([]byte) ([]byte, error) { return xdgClient(xdg.SHA512, "", p) }},
		{sasl.ScramSHA512Plus, "xdg", func(p string) func([]byte) ([]byte, error) {
			return xdgClient(xdg.SHA512, sasl.Exporter, p)
		}},
		{sasl.ScramSHA256Plus, "xdg end point", func(p string) func([]byte) ([]byte, error) {
			return xdgClient(xdg.SHA256, sasl.ServerEndPoint, p)
		}},
	} {
		t.Run(string(c.mech)+" "+c.name, func(t *testing.T) {
			x, err := sasl.NewSCRAM(c.mech, ch, offer, lookup)
			if err != nil {
				t.Fatal(err)
			}
			if err := drive(x, c.client(password)); err != nil {
				t.Fatalf("right password: %v", err)
			}
			if x.Identity().Authcid != user {
				t.Fatalf("proved %q", x.Identity().Authcid)
			}
			if _, plus, _ := c.mech.Scram(); plus != (x.Binding() != "") {
				t.Fatalf("bound to %q", x.Binding())
			}

			x, err = sasl.NewSCRAM(c.mech, ch, offer, lookup)
			if err != nil {
				t.Fatal(err)
			}
			err = drive(x, c.client(password+"x"))
			if !errors.Is(err, sasl.ErrProof) || sasl.AsError(err).Condition != sasl.NotAuthorized {
				t.Fatalf("wrong password: %v", err)
			}
		})
	}
}

func TestBindings(t *testing.T) {
	ch, client := connect(t, tls.VersionTLS13)
	want, err := xdg.NewTLSExporterBinding(&client)
	if err != nil || string(ch.Bindings[sasl.Exporter]) != string(want.Data) {
		t.Errorf("exporter: %x, client has %x, %v", ch.Bindings[sasl.Exporter], want.Data, err)
	}
	want, err = xdg.NewTLSServerEndpointBinding(&client)
	if err != nil || string(ch.Bindings[sasl.ServerEndPoint]) != string(want.Data) {
		t.Errorf("end point: %x, client has %x, %v", ch.Bindings[sasl.ServerEndPoint], want.Data, err)
	}
	other, _ := connect(t, tls.VersionTLS13)
	if string(other.Bindings[sasl.Exporter]) == string(ch.Bindings[sasl.Exporter]) {
		t.Error("two connections have the same exporter")
	}
	old, _ := connect(t, tls.VersionTLS12)
	if _, ok := old.Bindings[sasl.Exporter]; ok || len(old.Bindings[sasl.ServerEndPoint]) == 0 {
		t.Errorf("TLS 1.2 has %v", old.Bindings)
	}
	if b := sasl.TLSBindings(nil, nil); len(b) != 0 {
		t.Errorf("no connection has %v", b)
	}
	if _, err := sasl.EndPointData(&x509.Certificate{SignatureAlgorithm: x509.PureEd25519, Raw: []byte("x")}); err == nil {
		t.Error("Ed25519 has no hash of its own, RFC 5929 section 4.1")
	}
	sum, err := sasl.EndPointData(&x509.Certificate{SignatureAlgorithm: x509.ECDSAWithSHA384, Raw: []byte("x")})
	if err != nil || len(sum) != 48 {
		t.Errorf("SHA-384: %d bytes, %v", len(sum), err)
	}
}

func TestOffer(t *testing.T) {
	both := map[sasl.Binding][]byte{sasl.Exporter: {1}, sasl.ServerEndPoint: {2}}
	for name, c := range map[string]struct {
		policy   sasl.Policy
		ch       sasl.Channel
		mechs    string
		tokens   string
		bindings int
	}{
		"in the clear": {
			policy: sasl.Policy{Hashes: sasl.Hashes(), Tokens: true, Plain: true},
			ch:     sasl.Channel{Bindings: both},
		},
		"TLS": {
			policy: policy(), ch: sasl.Channel{Confidential: true, Bindings: both},
			mechs:    "SCRAM-SHA-512-PLUS SCRAM-SHA-256-PLUS SCRAM-SHA-1-PLUS SCRAM-SHA-512 SCRAM-SHA-256 SCRAM-SHA-1",
			tokens:   "HT-SHA-256-EXPR HT-SHA-256-ENDP HT-SHA-256-NONE",
			bindings: 2,
		},
		"behind a proxy": {
			policy: policy(), ch: sasl.Channel{Confidential: true},
			mechs: "SCRAM-SHA-512 SCRAM-SHA-256 SCRAM-SHA-1", tokens: "HT-SHA-256-NONE",
		},
		"TLS 1.2": {
			policy: sasl.Policy{Hashes: []sasl.Hash{sasl.SHA256}, Tokens: true},
			ch:     sasl.Channel{Confidential: true, Bindings: map[sasl.Binding][]byte{sasl.ServerEndPoint: {2}}},
			mechs:  "SCRAM-SHA-256-PLUS SCRAM-SHA-256", tokens: "HT-SHA-256-ENDP HT-SHA-256-NONE", bindings: 1,
		},
		"PLAIN switched on": {
			policy: sasl.Policy{Hashes: []sasl.Hash{sasl.SHA1}, Plain: true}, ch: sasl.Channel{Confidential: true},
			mechs: "SCRAM-SHA-1 PLAIN",
		},
		"PLAIN alone": {
			policy: sasl.Policy{Plain: true}, ch: sasl.Channel{Confidential: true, Bindings: both}, mechs: "PLAIN",
		},
	} {
		o := c.policy.Offer(c.ch)
		if got := join(o.Mechanisms); got != c.mechs {
			t.Errorf("%s: mechanisms %s\nwant %s", name, got, c.mechs)
		}
		if got := join(o.Tokens); got != c.tokens {
			t.Errorf("%s: tokens %s\nwant %s", name, got, c.tokens)
		}
		if len(o.Bindings) != c.bindings {
			t.Errorf("%s: bindings %v", name, o.Bindings)
		}
	}
}

func join(ms []sasl.Mechanism) string {
	var s []string
	for _, m := range ms {
		s = append(s, string(m))
	}
	return strings.Join(s, " ")
}

func TestOnlyOfferedMechanisms(t *testing.T) {
	ch := sasl.Channel{Confidential: true}
	offer := sasl.Policy{Hashes: []sasl.Hash{sasl.SHA256}}.Offer(ch)
	for _, m := range []sasl.Mechanism{
		sasl.ScramSHA1, sasl.ScramSHA256Plus, sasl.HTSHA256None, sasl.Plain, "SCRAM-MD5", "SCRAM-SHA-256-PLUS-PLUS", "",
	} {
		if _, err := sasl.NewSCRAM(m, ch, offer, nil); sasl.AsError(err).Condition != sasl.InvalidMechanism {
			t.Errorf("SCRAM %q: %v", m, err)
		}
		if _, err := sasl.NewToken(m, ch, offer, nil); sasl.AsError(err).Condition != sasl.InvalidMechanism {
			t.Errorf("token %q: %v", m, err)
		}
	}
	if _, err := sasl.NewPlain(ch, offer, nil); sasl.AsError(err).Condition != sasl.InvalidMechanism {
		t.Errorf("PLAIN that was not offered: %v", err)
	}
	if _, err := sasl.NewPlain(sasl.Channel{}, offer, nil); sasl.AsError(err).Condition != sasl.EncryptionRequired {
		t.Errorf("PLAIN in the clear: %v", err)
	}
}

func TestSCRAMRules(t *testing.T) {
	const user, password = "juliet", "R0m30"
	lookup := users(t, user, password)
	ch, _ := connect(t, tls.VersionTLS13)
	full := policy().Offer(ch)
	unbound := policy().Offer(sasl.Channel{Confidential: true})

	run := func(m sasl.Mechanism, offer sasl.Offer, c *sasltest.SCRAM) error {
		t.Helper()
		x, err := sasl.NewSCRAM(m, ch, offer, lookup)
		if err != nil {
			t.Fatal(err)
		}
		c.Mechanism = m
		if c.User == "" {
			c.User = user
		}
		if c.Password == "" {
			c.Password = password
		}
		return sasltest.Run(t.Context(), x, c)
	}
	for name, c := range map[string]struct {
		mech   sasl.Mechanism
		offer  sasl.Offer
		client sasltest.SCRAM
		want   sasl.Condition // "" for success
		cause  error
	}{
		"n without binding":   {sasl.ScramSHA256, full, sasltest.SCRAM{}, "", nil},
		"y where none is":     {sasl.ScramSHA256, unbound, sasltest.SCRAM{Flag: 'y'}, "", nil},
		"downgrade":           {sasl.ScramSHA256, full, sasltest.SCRAM{Flag: 'y'}, sasl.NotAuthorized, sasl.ErrDowngrade},
		"downgrade hash":      {sasl.ScramSHA256, full, sasltest.SCRAM{Offer: &full}, "", nil},
		"an extension passes": {sasl.ScramSHA256, full, sasltest.SCRAM{Extension: "x=1"}, "", nil},
		"mandatory extension": {sasl.ScramSHA256, full, sasltest.SCRAM{Extension: "m=1"}, sasl.MalformedRequest, nil},
		"exporter": {
			sasl.ScramSHA512Plus, full,
			sasltest.SCRAM{Binding: sasl.Exporter, Data: ch.Bindings[sasl.Exporter]},
			"", nil,
		},
		"another connection's exporter": {
			sasl.ScramSHA512Plus, full,
			sasltest.SCRAM{Binding: sasl.Exporter, Data: make([]byte, 32)},
			sasl.NotAuthorized, sasl.ErrBinding,
		},
		"unknown binding": {
			sasl.ScramSHA512Plus, full,
			sasltest.SCRAM{Binding: "tls-unique", Data: make([]byte, 12)},
			sasl.MalformedRequest, nil,
		},
		"PLUS with n": {sasl.ScramSHA512Plus, full, sasltest.SCRAM{Flag: 'n'}, sasl.MalformedRequest, nil},
		"PLUS with y": {sasl.ScramSHA512Plus, full, sasltest.SCRAM{Flag: 'y'}, sasl.MalformedRequest, nil},
		"p without PLUS": {
			sasl.ScramSHA512, full,
			sasltest.SCRAM{Flag: 'p', Binding: sasl.Exporter, Data: ch.Bindings[sasl.Exporter]},
			sasl.MalformedRequest, nil,
		},
		"wrong password": {sasl.ScramSHA1, full, sasltest.SCRAM{Password: "x"}, sasl.NotAuthorized, sasl.ErrProof},
		// The decoy has the true keys here: that it fails shows that a decoy cannot be proven.
		"unknown user": {sasl.ScramSHA1, full, sasltest.SCRAM{User: "romeo"}, sasl.NotAuthorized, sasl.ErrProof},
		"authzid":      {sasl.ScramSHA1, full, sasltest.SCRAM{Authzid: "a,=b@example.org"}, "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			err := run(c.mech, c.offer, &c.client)
			if c.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			if err == nil || sasl.AsError(err).Condition != c.want || c.cause != nil && !errors.Is(err, c.cause) {
				t.Fatalf("%v, want %s, %v", err, c.want, c.cause)
			}
		})
	}
}

// A client that was shown another list of mechanisms notices it by the hash of XEP-0474.
func TestDowngradeHashTellsTheClient(t *testing.T) {
	lookup := users(t, "juliet", "R0m30")
	ch, _ := connect(t, tls.VersionTLS13)
	offer := policy().Offer(ch)
	seen := offer
	seen.Mechanisms = []sasl.Mechanism{sasl.ScramSHA1}
	seen.Bindings = nil
	x, err := sasl.NewSCRAM(sasl.ScramSHA1, ch, offer, lookup)
	if err != nil {
		t.Fatal(err)
	}
	c := &sasltest.SCRAM{Mechanism: sasl.ScramSHA1, User: "juliet", Password: "R0m30", Offer: &seen}
	if err := sasltest.Run(t.Context(), x, c); err == nil || !strings.Contains(err.Error(), "downgrade hash") {
		t.Fatalf("%v", err)
	}
}

func TestSCRAMMalformed(t *testing.T) {
	lookup := users(t, "juliet", "R0m30")
	ch := sasl.Channel{Confidential: true}
	offer := policy().Offer(ch)
	begin := func() *sasl.SCRAM {
		x, err := sasl.NewSCRAM(sasl.ScramSHA256, ch, offer, lookup)
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
	for _, in := range []string{
		"", "n", "n,", "n,,", "n,,n=juliet", "n,,r=abc,n=juliet", "n,,n=,r=abc", "n,,n=juliet,r=", "n,,n=juliet,r=a c",
		"n,,n=jul=iet,r=abc", "n,,n=juliet=,r=abc", "n,,n=juliet=2c,r=abc", "n,,m=x,n=juliet,r=abc", "n,,n=juliet,r=abc,m=x",
		"F,n,,n=juliet,r=abc", "x,,n=juliet,r=abc", "n,juliet,n=juliet,r=abc", "n,a=,n=juliet,r=abc", "n,,n=juliet,r=abc,",
		"n,,n=juliet,r=abc,1=x", "n,,n=juliet,r=abc,x", "p=,,n=juliet,r=abc", "p=a/b,,n=juliet,r=abc", "n,,n=\xff,r=abc",
		"n,,n=jul\x00iet,r=abc", "n,,n=juliet,r=" + strings.Repeat("a", 600), "n,,n=" + strings.Repeat("a", 5000) + ",r=abc",
		"n,,n=juliet,r=abc" + strings.Repeat(",x=y", 20),
	} {
		_, _, err := begin().Next(t.Context(), []byte(in))
		if err == nil || sasl.AsError(err).Condition != sasl.MalformedRequest {
			t.Errorf("first %.40q: %v", in, err)
		}
	}
	good := base64.StdEncoding.EncodeToString(make([]byte, 32))
	for _, f := range []func(nonce string) string{
		func(string) string { return "" },
		func(n string) string { return "c=biws,r=" + n },
		func(n string) string { return "r=" + n + ",c=biws,p=" + good },
		func(n string) string { return "c=biws,r=" + n + ",p=" + good + ",x=y" },
		func(n string) string { return "c=biws,r=" + n + ",p=" + good[:40] },
		func(n string) string { return "c=biws,r=" + n + ",p=" + good[:20] + "\n" + good[20:] },
		func(n string) string { return "c=biw,r=" + n + ",p=" + good },
		func(n string) string { return "c=biws,r=" + n[:len(n)-1] + ",p=" + good },
		func(n string) string { return "c=biws,r=" + n + "x,p=" + good },
		func(n string) string { return "c=biws,r=" + n + ",m=1,p=" + good },
		func(n string) string { return "c=biws,r=" + n + ",x=,p=" + good },
	} {
		x := begin()
		out, _, err := x.Next(t.Context(), []byte("n,,n=juliet,r=abc"))
		if err != nil {
			t.Fatal(err)
		}
		nonce := strings.TrimPrefix(strings.Split(string(out), ",")[0], "r=")
		in := f(nonce)
		if _, _, err = x.Next(t.Context(), []byte(in)); err == nil || sasl.AsError(err).Condition != sasl.MalformedRequest {
			t.Errorf("final %q: %v", in, err)
		}
		if _, _, err = x.Next(t.Context(), []byte(in)); !errors.Is(err, sasl.ErrState) {
			t.Errorf("a failed exchange goes on: %v", err)
		}
	}
}

func TestSCRAMWithoutInitialResponse(t *testing.T) {
	x, err := sasl.NewSCRAM(sasl.ScramSHA256, sasl.Channel{Confidential: true},
		policy().Offer(sasl.Channel{Confidential: true}), users(t, "juliet", "R0m30"))
	if err != nil {
		t.Fatal(err)
	}
	if out, done, err := x.Next(t.Context(), nil); err != nil || done || out == nil || len(out) != 0 {
		t.Fatalf("%q %v %v, want an empty challenge", out, done, err)
	}
	c := &sasltest.SCRAM{Mechanism: sasl.ScramSHA256, User: "juliet", Password: "R0m30"}
	if err := sasltest.Run(t.Context(), x, c); err != nil {
		t.Fatal(err)
	}
}

func TestLookupFailure(t *testing.T) {
	ch := sasl.Channel{Confidential: true}
	broken := errors.New("disk")
	for want, cause := range map[sasl.Condition]error{
		sasl.TemporaryAuthFailure: broken,
		sasl.AccountDisabled:      &sasl.Error{Condition: sasl.AccountDisabled},
	} {
		x, err := sasl.NewSCRAM(sasl.ScramSHA256, ch, policy().Offer(ch),
			func(context.Context, sasl.Identity, sasl.Hash) (sasl.Verifier, error) { return sasl.Verifier{}, cause })
		if err != nil {
			t.Fatal(err)
		}
		_, _, err = x.Next(t.Context(), []byte("n,,n=juliet,r=abc"))
		if !errors.Is(err, cause) || sasl.AsError(err).Condition != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

func TestToken(t *testing.T) {
	ch, _ := connect(t, tls.VersionTLS13)
	offer := policy().Offer(ch)
	const token = "secret-token:abc"
	lookup := func(_ context.Context, user string, m sasl.Mechanism) ([]string, error) {
		if user != "juliet" {
			return nil, nil
		}
		return []string{"secret-token:old-" + string(m), token}, nil
	}
	for _, m := range offer.Tokens {
		b, _ := m.Token()
		for name, c := range map[string]sasltest.Token{
			"as deployed":     {},
			"extended":        {Extended: true},
			"extended, pairs": {Extended: true, Pairs: "h=G6k/rBLDqgO+,x=y"},
		} {
			c.User, c.Token, c.Data = "juliet", token, ch.Bindings[b]
			x, err := sasl.NewToken(m, ch, offer, lookup)
			if err != nil {
				t.Fatal(err)
			}
			if err := sasltest.Run(t.Context(), x, &c); err != nil || x.Matched() != 1 || x.Authcid() != "juliet" {
				t.Errorf("%s %s: %v, matched %d", m, name, err, x.Matched())
			}
		}
		for name, c := range map[string]sasltest.Token{
			"wrong token":     {User: "juliet", Token: token + "x", Data: ch.Bindings[b]},
			"unknown user":    {User: "romeo", Token: token, Data: ch.Bindings[b]},
			"unknown, empty":  {User: "romeo", Token: "", Data: ch.Bindings[b]},
			"wrong binding":   {User: "juliet", Token: token, Data: append([]byte("x"), ch.Bindings[b]...)},
			"other binding":   {User: "juliet", Token: token, Data: ch.Bindings[sasl.Exporter][:len(ch.Bindings[b])/2]},
			"other's binding": {User: "juliet", Token: token, Data: make([]byte, 31)},
		} {
			if name == "other binding" && b == "" {
				continue
			}
			x, err := sasl.NewToken(m, ch, offer, lookup)
			if err != nil {
				t.Fatal(err)
			}
			err = sasltest.Run(t.Context(), x, &c)
			if !errors.Is(err, sasl.ErrProof) || sasl.AsError(err).Condition != sasl.NotAuthorized || x.Matched() != -1 {
				t.Errorf("%s %s: %v", m, name, err)
			}
			if _, _, err := x.Next(t.Context(), c.First()); !errors.Is(err, sasl.ErrState) {
				t.Errorf("%s: a failed exchange goes on: %v", m, err)
			}
		}
	}
	// A pair that was changed on the way is noticed: it is under the hash.
	x, err := sasl.NewToken(sasl.HTSHA256None, ch, offer, lookup)
	if err != nil {
		t.Fatal(err)
	}
	c := sasltest.Token{User: "juliet", Token: token, Extended: true, Pairs: "a=b"}
	msg := []byte(strings.Replace(string(c.First()), "a=b", "a=c", 1))
	if _, _, err := x.Next(t.Context(), msg); !errors.Is(err, sasl.ErrProof) {
		t.Errorf("changed pair: %v", err)
	}
}

func TestTokenMalformed(t *testing.T) {
	ch := sasl.Channel{Confidential: true}
	offer := policy().Offer(ch)
	hash := strings.Repeat("h", 32)
	for _, in := range []string{
		"", "juliet", "juliet\x00", "\x00" + hash, "juliet\x00" + hash[1:], "juliet\x00x" + hash, "juliet\x00a\x00" + hash,
		"juliet\x00a=\x00" + hash, "juliet\x00a=b,\x00" + hash, "juliet\x00=b\x00" + hash, "juliet\x00a b=c\x00" + hash,
		"\xff\x00" + hash, strings.Repeat("j", 2000) + "\x00" + hash, strings.Repeat("j", 9000),
		"juliet\x00a=" + strings.Repeat("b", 2000) + "\x00" + hash,
	} {
		x, err := sasl.NewToken(sasl.HTSHA256None, ch, offer, func(context.Context, string, sasl.Mechanism) ([]string, error) {
			t.Errorf("%.40q reached the lookup", in)
			return nil, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := x.Next(t.Context(), []byte(in)); err == nil || sasl.AsError(err).Condition != sasl.MalformedRequest {
			t.Errorf("%.40q: %v", in, err)
		}
	}
}

func TestPlain(t *testing.T) {
	ch := sasl.Channel{Confidential: true}
	offer := sasl.Policy{Plain: true}.Offer(ch)
	check := func(_ context.Context, id sasl.Identity, password string) error {
		if id.Authcid == "juliet" && password == "R0m30" {
			return nil
		}
		return &sasl.Error{Condition: sasl.NotAuthorized, Cause: sasl.ErrProof}
	}
	for in, want := range map[string]sasl.Condition{
		"\x00juliet\x00R0m30":                   "",
		"juliet@example.org\x00juliet\x00R0m30": "",
		"\x00juliet\x00x":                       sasl.NotAuthorized,
		"juliet\x00R0m30":                       sasl.MalformedRequest,
		"\x00juliet\x00R0\x00m30":               sasl.MalformedRequest,
		"\x00\x00R0m30":                         sasl.MalformedRequest,
		"\x00juliet\x00":                        sasl.MalformedRequest,
		"\x00juliet\x00\xff":                    sasl.MalformedRequest,
		strings.Repeat("a", 5000):               sasl.MalformedRequest,
	} {
		x, err := sasl.NewPlain(ch, offer, check)
		if err != nil {
			t.Fatal(err)
		}
		out, done, err := x.Next(t.Context(), []byte(in))
		if want == "" {
			if err != nil || !done || out != nil || x.Identity().Authcid != "juliet" {
				t.Errorf("%.30q: %v", in, err)
			}
		} else if err == nil || sasl.AsError(err).Condition != want {
			t.Errorf("%.30q: %v, want %s", in, err, want)
		}
	}
}

func TestVerifier(t *testing.T) {
	salt := sasl.NewSalt()
	if len(salt) != sasl.SaltSize || slices.Equal(salt, sasl.NewSalt()) {
		t.Fatalf("salt %x", salt)
	}
	for _, h := range sasl.Hashes() {
		v, err := sasl.Derive(h, "ﬁsh", salt, 1000)
		if err != nil || v.Validate() != nil {
			t.Fatal(err)
		}
		if !v.Matches("fish") || v.Matches("Fish") || v.Matches("") || v.Matches("\x00") {
			t.Errorf("%s: Matches is wrong", h)
		}
		v.Decoy = true
		if v.Matches("fish") {
			t.Errorf("%s: a decoy matches", h)
		}
		for name, change := range map[string]func(*sasl.Verifier){
			"hash":       func(v *sasl.Verifier) { v.Hash = "MD5" },
			"no salt":    func(v *sasl.Verifier) { v.Salt = nil },
			"long salt":  func(v *sasl.Verifier) { v.Salt = make([]byte, 129) },
			"iterations": func(v *sasl.Verifier) { v.Iterations = 0 },
			"endless":    func(v *sasl.Verifier) { v.Iterations = sasl.MaxIterations + 1 },
			"stored key": func(v *sasl.Verifier) { v.StoredKey = v.StoredKey[1:] },
			"server key": func(v *sasl.Verifier) { v.ServerKey = nil },
		} {
			w := v
			change(&w)
			if !errors.Is(w.Validate(), sasl.ErrVerifier) {
				t.Errorf("%s: %s passed", h, name)
			}
		}
	}
}

func TestDecode(t *testing.T) {
	for in, want := range map[string]string{"": "", "=": "", "biws": "n,,", "/+8=": "\xff\xef"} {
		if got, err := sasl.Decode(in); err != nil || got == nil || string(got) != want {
			t.Errorf("Decode(%q) = %q, %v", in, got, err)
		}
	}
	for in, want := range map[string]sasl.Condition{
		"bi ws": sasl.IncorrectEncoding, "biw": sasl.IncorrectEncoding, "bi\nws": sasl.IncorrectEncoding,
		"/+9=": sasl.IncorrectEncoding, "-_8=": sasl.IncorrectEncoding, "==": sasl.IncorrectEncoding,
		strings.Repeat("AAAA", 2000): sasl.MalformedRequest,
	} {
		if got, err := sasl.Decode(in); err == nil || sasl.AsError(err).Condition != want {
			t.Errorf("Decode(%.20q) = %.20q, %v", in, got, err)
		}
	}
	if b, err := sasl.DecodeInitial(""); b != nil || err != nil {
		t.Errorf("no initial response: %v %v", b, err)
	}
	if b, err := sasl.DecodeInitial("="); b == nil || err != nil {
		t.Errorf("empty initial response: %v %v", b, err)
	}
}

func TestAsError(t *testing.T) {
	cause := errors.New("disk")
	e := sasl.AsError(cause)
	if e.Condition != sasl.TemporaryAuthFailure || !errors.Is(e, cause) || !strings.Contains(e.Error(), "disk") {
		t.Errorf("%v", e)
	}
}
