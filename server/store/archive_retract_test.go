package store_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"kith/internal/jid"
	"kith/internal/payload"
	xmpp "kith/internal/stanza"
	"kith/internal/stanzaid"
	"kith/server/mam"
	"kith/server/module"
	"kith/server/store"
	"kith/server/store/storetest"
)

// said is a message of alice for bob's archive; text is what is stored.
func said(seq stanzaid.Seq, id, body string) *mam.Entry {
	return &mam.Entry{
		Archive: ofBob, Address: addresses[ofBob], New: true, Seq: seq, Peer: jid.Must("alice@example.org/desk"), Stored: &module.Stored{},
		Stanza: xmpp.New(xmpp.Header{Kind: xmpp.Message, Type: xmpp.Chat, ID: id}, "<body>"+body+"</body>"),
	}
}

// taken is a message that takes the one with this id back; read gathers the messages that were looked at.
func taken(seq stanzaid.Seq, id string, read map[string]bool) *mam.Entry {
	e := said(seq, "r-"+id, "taken back")
	e.Retraction = &mam.Retraction{ID: id, Replace: func(st *xmpp.Stanza) string {
		read[st.ID] = true
		switch {
		case !payload.Named(st, id):
			return ""
		case payload.IsTombstone(st):
			return st.String()
		}
		return payload.Tombstone(st, "r-"+id, stanzaid.Time(seq))
	}}
	return e
}

func add(t *testing.T, ar *store.Archive, e *mam.Entry) error {
	t.Helper()
	done := make(chan error, 1)
	ar.Append(e, func(err error) { done <- err })
	return <-done
}

// One message is read to find the one that is retracted, however many there are, and not one too far back.
func TestRetractedMessageIsFound(t *testing.T) {
	db := storetest.Open(t)
	ar := db.Archive()
	const n = 2100
	for i := range n {
		done := func(error) {}
		if i == n-1 {
			wait := make(chan struct{})
			done = func(error) { close(wait) }
			defer func() { <-wait }()
		}
		ar.Append(said(stanzaid.Seq(i+1), fmt.Sprint("m", i), "secret"), done)
	}
	read := map[string]bool{}
	for i, c := range []struct {
		id    string
		found bool
	}{{"m2099", true}, {"m200", true}, {"m50", false}, {"unknown", false}} {
		clear(read)
		if err := add(t, ar, taken(stanzaid.Seq(n+i+1), c.id, read)); err != nil {
			t.Fatal(err)
		}
		want := 0
		if c.found {
			want = 1
		}
		if len(read) != want {
			t.Errorf("%s: %d messages were read", c.id, len(read))
		}
	}
	left := 0
	for _, body := range bodiesOf(t, ar, ofBob) {
		if body == "secret" {
			left++
		}
	}
	if page := bodiesOf(t, ar, ofBob); len(page) != 1000 || left != 999 { // m200 and the 999 around it
		t.Errorf("%d of %d are left", left, len(page))
	}
}

// What was stored before messages had a number for their ids is read to find one of them.
func TestRetractionOfOldMessages(t *testing.T) {
	db := storetest.Open(t)
	ar := db.Archive()
	for i := range 100 {
		if err := add(t, ar, said(stanzaid.Seq(i+1), fmt.Sprint("m", i), fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
	}
	execute(t, db, "UPDATE archive_entries SET flags = flags & 31")
	read := map[string]bool{}
	if err := add(t, ar, taken(200, "m90", read)); err != nil || len(read) != 10 {
		t.Fatalf("%d messages were read: %v", len(read), err)
	}
	clear(read)
	if err := add(t, ar, taken(201, "m3", read)); err != nil || len(read) > 64 {
		t.Fatalf("%d messages were read: %v", len(read), err)
	}
	got := bodiesOf(t, ar, ofBob)
	if got[90] != "" || got[3] != "3" || slices.Index(got, "") != 90 {
		t.Errorf("%q", got)
	}
}

// A retraction that cannot be stored retracts nothing, and one that cannot be carried out is not stored.
func TestRetractionIsAtomic(t *testing.T) {
	for name, trigger := range map[string]string{
		"the message":   "BEFORE INSERT ON archive_entries",
		"the tombstone": "BEFORE UPDATE ON archive_stanzas",
		"its place":     "BEFORE UPDATE ON archive_entries",
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			db := storetest.OpenDir(t, dir)
			ar := db.Archive()
			if err := add(t, ar, said(1, "m", "secret")); err != nil {
				t.Fatal(err)
			}
			execute(t, db, "CREATE TRIGGER no "+trigger+" BEGIN SELECT RAISE(ABORT, 'no'); END")
			read := map[string]bool{}
			if err := add(t, ar, taken(2, "m", read)); err == nil {
				t.Fatal("it was stored")
			}
			if got := bodiesOf(t, ar, ofBob); !slices.Equal(got, []string{"secret"}) {
				t.Errorf("%q", got)
			}
			execute(t, db, "DROP TRIGGER no")
			if err := add(t, ar, taken(2, "m", read)); err != nil {
				t.Fatal(err)
			}
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			if got := bodiesOf(t, storetest.OpenDir(t, dir).Archive(), ofBob); !slices.Equal(got, []string{"", "taken back"}) {
				t.Errorf("after a restart: %q", got)
			}
		})
	}
}

// The message is retracted in the one archive before the other has listed it: that one lists what is left.
func TestRetractionBeforeTheOtherSideIsStored(t *testing.T) {
	db := storetest.Open(t)
	ar := db.Archive()
	first := said(1, "m", "secret")
	read := map[string]bool{}
	if err := add(t, ar, first); err != nil {
		t.Fatal(err)
	}
	if err := add(t, ar, taken(2, "m", read)); err != nil {
		t.Fatal(err)
	}
	other := said(1, "m", "secret")
	other.Archive, other.Address, other.Peer, other.Outgoing, other.Shared = ofAlice, addresses[ofAlice], jid.Must("bob@example.org"), true, first.Stored
	if err := add(t, ar, other); err != nil {
		t.Fatal(err)
	}
	e := taken(2, "m", read)
	e.Archive, e.Address, e.Peer, e.Outgoing = ofAlice, addresses[ofAlice], jid.Must("bob@example.org"), true
	if err := add(t, ar, e); err != nil {
		t.Fatal(err)
	}
	for _, archive := range []int64{ofAlice, ofBob} {
		if got := bodiesOf(t, ar, archive); !slices.Equal(got, []string{"", "taken back"}) {
			t.Errorf("%d: %q", archive, got)
		}
	}
}

// A damaged message in between is no reason to lose what is said now.
func TestRetractionPastDamage(t *testing.T) {
	db := storetest.Open(t)
	ar := db.Archive()
	for i, id := range []string{"m", "m"} {
		if err := add(t, ar, said(stanzaid.Seq(i+1), id, fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
	}
	execute(t, db, "UPDATE archive_stanzas SET stanza = '<damaged' WHERE id = (SELECT MAX(id) FROM archive_stanzas)")
	read := map[string]bool{}
	if err := add(t, ar, taken(3, "m", read)); err != nil || len(read) != 1 {
		t.Fatalf("%d, %v", len(read), err)
	}
	var text string
	err := db.Read(t.Context(), func(c *store.Conn) error {
		return c.QueryRow("SELECT stanza FROM archive_stanzas ORDER BY id LIMIT 1").Scan(&text)
	})
	if err != nil || !strings.Contains(text, "<retracted") {
		t.Errorf("%s %v", text, err)
	}
}
