package sasl_test

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"kith/internal/sasl"
	"kith/internal/sasl/sasltest"
)

// Whatever two messages a client without the password sends: nothing panics, no message is taken
// for a proof, and every failure has a condition.
func FuzzSCRAM(f *testing.F) {
	f.Add("n,,n=juliet,r=abc", "c=biws,r=NONCE,p=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", false)
	f.Add("p=tls-exporter,a=x,n=jul=2Ciet,r=abc,x=y", "c=eCws,r=NONCE,x=y,p=AAAA", true)
	f.Add("y,,n=juliet,r=abc", "", false)
	lookup := users(f, "juliet", "R0m30")
	ch := sasl.Channel{Confidential: true, Bindings: map[sasl.Binding][]byte{sasl.Exporter: []byte("data")}}
	offer := policy().Offer(ch)
	f.Fuzz(func(t *testing.T, first, final string, plus bool) {
		x, err := sasl.NewSCRAM(sasl.Scram(sasl.SHA256, plus), ch, offer, lookup)
		if err != nil {
			t.Fatal(err)
		}
		out, done, err := x.Next(t.Context(), []byte(first))
		if err != nil {
			if sasl.AsError(err).Condition == sasl.TemporaryAuthFailure {
				t.Fatalf("our fault: %v", err)
			}
			return
		}
		if done {
			t.Fatal("done after the first message")
		}
		if id := x.Identity(); id.Authcid == "" || strings.Contains(id.Authcid, "\x00") {
			t.Fatalf("authcid %q", id.Authcid)
		}
		nonce, _, _ := strings.Cut(strings.TrimPrefix(string(out), "r="), ",")
		if _, done, err = x.Next(t.Context(), []byte(strings.ReplaceAll(final, "NONCE", nonce))); err == nil || done {
			t.Fatal("logged in without a password")
		}
	})
}

func FuzzToken(f *testing.F) {
	f.Add([]byte("juliet\x00" + strings.Repeat("h", 32)))
	f.Add([]byte("juliet\x00a=b\x00" + strings.Repeat("h", 32)))
	ch := sasl.Channel{Confidential: true}
	offer := policy().Offer(ch)
	right := (&sasltest.Token{User: "juliet", Token: "secret"}).First()
	f.Fuzz(func(t *testing.T, in []byte) {
		x, err := sasl.NewToken(sasl.HTSHA256None, ch, offer, func(context.Context, string, sasl.Mechanism) ([]string, error) {
			return []string{"secret"}, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, done, err := x.Next(t.Context(), in); (err == nil) != done {
			t.Fatalf("done %v, %v", done, err)
		} else if done && !bytes.HasSuffix(in, right[len("juliet")+1:]) {
			t.Fatalf("%q logged in", in)
		}
	})
}

func FuzzPrepare(f *testing.F) {
	f.Add("ﬁsh\u00ad")
	f.Fuzz(func(t *testing.T, in string) {
		p, err := sasl.Prepare(in)
		if err != nil {
			return
		}
		if again, err := sasl.Prepare(p); err == nil && again != p {
			t.Fatalf("%q becomes %q and then %q", in, p, again)
		}
	})
}
