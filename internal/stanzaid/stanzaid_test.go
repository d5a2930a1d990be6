package stanzaid

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"kith/internal/jid"
	"kith/internal/stanza"
)

func codec(t testing.TB, key []byte) Codec {
	t.Helper()
	c, err := New(key)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestNext(t *testing.T) {
	at := time.UnixMilli(1_700_000_000_123)
	first := Next(0, at)
	if got := Time(first); !got.Equal(at) {
		t.Errorf("time is %v instead of %v", got, at)
	}
	if second := Next(first, at); second != first+1 || !Time(second).Equal(at) {
		t.Errorf("the second in a millisecond is %d after %d", second, first)
	}
	if back := Next(first, at.Add(-time.Hour)); back != first+1 {
		t.Errorf("clock set back: %d after %d", back, first)
	}
	// More in a millisecond than the counter holds go on in the next one.
	if over := Next(Last(at), at); over <= Last(at) || Time(over).Sub(at) != time.Millisecond {
		t.Errorf("overflow: %v", Time(over))
	}
	if First(at) != first || Last(at) < first || Last(at)+1 != First(at.Add(time.Millisecond)) {
		t.Error("First and Last are not the ends of the millisecond")
	}
	if far := Next(0, time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)); far <= 0 {
		t.Error("the year 2200 overflows")
	}
}

func TestRoundTrip(t *testing.T) {
	c := codec(t, NewKey())
	alice, bob := c.Owner(jid.Must("alice@example.org")), c.Owner(jid.Must("bob@example.org"))
	for range 1000 {
		seq := rand.Int64N(math.MaxInt64) + 1
		id := alice.ID(seq)
		if got, ok := alice.Seq(id); !ok || got != seq {
			t.Fatalf("%d became %d, %t", seq, got, ok)
		}
		if _, ok := bob.Seq(id); ok {
			t.Fatal("an id of alice's archive is one of bob's")
		}
	}
	other := codec(t, NewKey()).Owner(jid.Must("alice@example.org"))
	if _, ok := other.Seq(alice.ID(7)); ok {
		t.Error("an id made with another key is accepted")
	}
	for _, bad := range []string{"", "x", strings.Repeat("A", 22), strings.Repeat("A", 23), alice.ID(7) + "=", alice.ID(7)[:21] + "!", "00000000-0000-0000-0000"} {
		if _, ok := alice.Seq(bad); ok {
			t.Errorf("%q is accepted", bad)
		}
	}
}

// One id has one spelling: a client may compare ids as strings.
func TestSpelling(t *testing.T) {
	alice := codec(t, NewKey()).Owner(jid.Must("alice@example.org"))
	id := alice.ID(1 << 60)
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	for _, last := range alphabet {
		other := id[:21] + string(last)
		if _, ok := alice.Seq(other); ok && other != id {
			t.Errorf("%q is %q too", other, id)
		}
	}
}

func TestKey(t *testing.T) {
	if _, err := New(make([]byte, 8)); err == nil {
		t.Error("a short key is accepted")
	}
}

func TestElement(t *testing.T) {
	alice := codec(t, NewKey()).Owner(jid.Must("alice@example.org"))
	st := stanza.New(stanza.Header{Kind: stanza.Message}, "<stanza-id xmlns='urn:xmpp:sid:0' by='room@example.org' id='1'/>"+alice.Element(alice.ID(5)))
	if got, ok := alice.Seq(alice.Find(st.Root())); !ok || got != 5 {
		t.Errorf("found %d, %t", got, ok)
	}
	if got := alice.Find(stanza.New(stanza.Header{Kind: stanza.Message}, "<stanza-id xmlns='urn:xmpp:sid:0' id='1'/>").Root()); got != "" {
		t.Errorf("found %q", got)
	}
}

func FuzzSeq(f *testing.F) {
	alice := codec(f, make([]byte, KeySize)).Owner(jid.Must("alice@example.org"))
	f.Add(alice.ID(1))
	f.Add("")
	f.Fuzz(func(t *testing.T, id string) {
		if seq, ok := alice.Seq(id); ok && alice.ID(seq) != id {
			t.Errorf("%q is %d, whose id is %q", id, seq, alice.ID(seq))
		}
	})
}

func BenchmarkID(b *testing.B) {
	alice := codec(b, NewKey()).Owner(jid.Must("alice@example.org"))
	b.ReportAllocs()
	for i := range b.N {
		alice.ID(Seq(i))
	}
}
