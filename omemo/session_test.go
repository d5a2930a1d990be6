// SPDX-License-Identifier: AGPL-3.0-or-later

package omemo_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"kith/omemo"
)

// connect makes a session that both sides have confirmed.
func connect(v omemo.Version, a, b *device) {
	a.tb.Helper()
	b.receiveText(a.send(b, v, "hello"), "hello")
	a.receiveText(b.send(a, v, "hi"), "hi")
	b.receiveText(a.send(b, v, "connected"), "connected")
	a.settle()
	b.settle()
}

func TestMessagesOutOfOrderAndLost(t *testing.T) {
	eachVersion(t, func(t *testing.T, v omemo.Version, alice, bob *device) {
		var first, second []packet
		for i := range 6 {
			first = append(first, alice.send(bob, v, fmt.Sprint("first ", i)))
		}
		bob.receiveText(first[3], "first 3")
		alice.receiveText(bob.send(alice, v, "turn"), "turn")
		for i := range 4 {
			second = append(second, alice.send(bob, v, fmt.Sprint("second ", i)))
		}
		bob.receiveText(second[2], "second 2") // second[3] is lost
		bob.receiveText(first[5], "first 5")   // the last of a closed chain
		bob.receiveText(first[0], "first 0")
		bob.receiveText(second[0], "second 0")
		bob.receiveText(first[4], "first 4")
		bob.receiveText(second[1], "second 1")
		for _, p := range []packet{first[0], first[3], first[5], second[0], second[2]} {
			bob.refuse(p, omemo.CodeDuplicate)
		}
		alice.receiveText(bob.send(alice, v, "turn"), "turn")
		bob.receiveText(alice.send(bob, v, "third"), "third")
	})
}

// A late message beyond the announced end of a chain is not a duplicate: nobody has seen it.
func TestMessageBeyondTheEndIsNotADuplicate(t *testing.T) {
	eachVersion(t, func(t *testing.T, v omemo.Version, alice, bob *device) {
		connect(v, alice, bob)
		var chain []packet
		for i := range 3 {
			chain = append(chain, alice.send(bob, v, fmt.Sprint(i)))
		}
		bob.receiveText(chain[0], "0")
		// Keep the late one for so many turns that its key goes.
		for range 201 {
			alice.receiveText(bob.send(alice, v, "x"), "x")
			bob.receiveText(alice.send(bob, v, "y"), "y")
		}
		before := bob.snapshot()
		_, err := bob.tryReceive(chain[1])
		if code := omemo.CodeOf(err); code == "" || code == omemo.CodeDuplicate {
			t.Fatalf("error %v", err)
		}
		bob.unchanged(before)
	})
}

func TestSkipLimit(t *testing.T) {
	eachVersion(t, func(t *testing.T, v omemo.Version, alice, bob *device) {
		connect(v, alice, bob)
		packets := make([]packet, 0, omemo.MaxSkip+2)
		for range omemo.MaxSkip + 2 {
			packets = append(packets, alice.send(bob, v, "x"))
		}
		bob.refuse(packets[omemo.MaxSkip+1], omemo.CodeTooManySkipped)
		bob.receiveText(packets[omemo.MaxSkip], "x")
		bob.receiveText(packets[omemo.MaxSkip+1], "x")
		// All skipped ones are there, and in time no more than MaxSkip.
		bob.receiveText(packets[1], "x")
		if size := len(bob.store[omemo.SessionKey(alice.addr, v)]); size > 36*omemo.MaxSkip+2000 {
			t.Fatalf("session record of %d bytes", size)
		}
		later := make([]packet, 0, 500)
		for range 500 {
			later = append(later, alice.send(bob, v, "y"))
		}
		bob.receiveText(later[499], "y")
		bob.refuse(packets[2], omemo.CodeExpired)
		bob.refuse(packets[1], omemo.CodeExpired) // it was decrypted, but that is no longer known for sure
		bob.receiveText(packets[999], "x")
		bob.receiveText(later[0], "y")
		if size := len(bob.store[omemo.SessionKey(alice.addr, v)]); size > 36*omemo.MaxSkip+2000 {
			t.Fatalf("session record of %d bytes", size)
		}
	})
}

// A peer that lost more messages than MaxSkip must not be locked out.
func TestTurnAfterHeavyLoss(t *testing.T) {
	eachVersion(t, func(t *testing.T, v omemo.Version, alice, bob *device) {
		connect(v, alice, bob)
		for range omemo.MaxSkip + 500 {
			alice.send(bob, v, "lost")
		}
		alice.receiveText(bob.send(alice, v, "still there?"), "still there?")
		bob.receiveText(alice.send(bob, v, "yes"), "yes")
	})
}

func TestHeartbeat(t *testing.T) {
	eachVersion(t, func(t *testing.T, v omemo.Version, alice, bob *device) {
		connect(v, alice, bob)
		alice.receiveText(bob.send(alice, v, "turn"), "turn")
		for n := range 2*omemo.HeartbeatAt + 10 {
			res := bob.receiveText(alice.send(bob, v, "x"), "x")
			if want := n >= omemo.HeartbeatAt; res.Due != want {
				t.Fatalf("message %d: due %v", n, res.Due)
			}
			if n == omemo.HeartbeatAt+2 {
				break
			}
		}
		beats := bob.settle()[alice.addr.JID]
		if len(beats) != 1 {
			t.Fatalf("%d heartbeats", len(beats))
		}
		// Only one per chain, even while the chain goes on because the heartbeat has not arrived.
		for range 10 {
			if bob.receiveText(alice.send(bob, v, "x"), "x").Due {
				t.Fatal("second heartbeat for the same chain")
			}
		}
		if res := alice.receive(beats[0]); res.Kind != omemo.Empty {
			t.Fatalf("heartbeat: %+v", res)
		}
		if bob.receiveText(alice.send(bob, v, "x"), "x").Due {
			t.Fatal("heartbeat did not turn the ratchet")
		}
	})
}

// A late message with a high counter, of a chain that is closed, says nothing about the present one.
func TestNoHeartbeatForLateMessage(t *testing.T) {
	eachVersion(t, func(t *testing.T, v omemo.Version, alice, bob *device) {
		connect(v, alice, bob)
		alice.receiveText(bob.send(alice, v, "turn"), "turn")
		bob.receiveText(alice.send(bob, v, "x"), "x")
		var late packet
		for range omemo.HeartbeatAt + 5 {
			late = alice.send(bob, v, "late")
		}
		alice.receiveText(bob.send(alice, v, "turn"), "turn")
		bob.receiveText(alice.send(bob, v, "new chain"), "new chain")
		if bob.receiveText(late, "late").Due {
			t.Fatal("heartbeat for a late message")
		}
		for range omemo.HeartbeatAt - 1 {
			bob.receiveText(alice.send(bob, v, "x"), "x")
		}
		if !bob.receiveText(alice.send(bob, v, "x"), "x").Due {
			t.Fatal("late message has suppressed the heartbeat")
		}
	})
}

// What is owed survives a restart and is settled by any message.
func TestDueIsSettledByAnyMessage(t *testing.T) {
	eachVersion(t, func(t *testing.T, v omemo.Version, alice, bob *device) {
		if !bob.receiveText(alice.send(bob, v, "x"), "x").Due {
			t.Fatal("nothing is owed after a key exchange")
		}
		if len(bob.store[omemo.KeyDue]) == 0 {
			t.Fatal("what is owed is not stored")
		}
		alice.receiveText(bob.send(alice, v, "answer"), "answer")
		if out := bob.settle(); len(out) != 0 {
			t.Fatalf("%d messages settled twice", len(out))
		}
		if len(bob.store[omemo.KeyDue]) != 0 {
			t.Fatal("settled, but still stored")
		}
	})
}

// Both start at the same time. Everything can be read, and both come to use the same session.
func TestSimultaneousStart(t *testing.T) {
	eachVersion(t, func(t *testing.T, v omemo.Version, alice, bob *device) {
		a1, b1 := alice.send(bob, v, "from alice"), bob.send(alice, v, "from bob")
		a2, b2 := alice.send(bob, v, "more from alice"), bob.send(alice, v, "more from bob")
		alice.receiveText(b1, "from bob")
		bob.receiveText(a1, "from alice")
		// Each now sends with the session that the other one has started.
		a3, b3 := alice.send(bob, v, "again alice"), bob.send(alice, v, "again bob")
		bob.receiveText(a3, "again alice")
		alice.receiveText(b3, "again bob")
		alice.receiveText(b2, "more from bob")
		bob.receiveText(a2, "more from alice")
		for i := range 4 {
			bob.receiveText(alice.send(bob, v, fmt.Sprint(i)), fmt.Sprint(i))
			alice.receiveText(bob.send(alice, v, fmt.Sprint(i)), fmt.Sprint(i))
		}
		for _, d := range []*device{alice, bob} {
			d.settle()
		}
		p := alice.send(bob, v, "end")
		if p.kex {
			t.Fatal("session is still unconfirmed")
		}
		bob.receiveText(p, "end")
	})
}

// A user replaces a broken session. Messages under way in the old one can still be read.
func TestRenew(t *testing.T) {
	eachVersion(t, func(t *testing.T, v omemo.Version, alice, bob *device) {
		connect(v, alice, bob)
		late := bob.send(alice, v, "late")
		lost := alice.send(bob, v, "also late")
		res, err := alice.encrypt(omemo.EncryptRequest{
			Kind:       omemo.Empty,
			Recipients: []omemo.Recipient{{Address: bob.addr, Version: v, Bundle: bob.bundle(v), Renew: true}},
		})
		if err != nil || len(res.Elements) != 1 {
			t.Fatal(err, res.Skipped)
		}
		p := alice.packet(res.Elements[0], 0)
		if !p.kex {
			t.Fatal("renewed session starts without key exchange")
		}
		got := bob.receive(p)
		if !got.NewSession || got.KeyChanged || got.NewKey || !got.Due {
			t.Fatalf("renewed session: %+v", got)
		}
		alice.receiveText(late, "late")
		bob.receiveText(lost, "also late")
		for i := range 4 {
			alice.receiveText(bob.send(alice, v, fmt.Sprint(i)), fmt.Sprint(i))
			bob.receiveText(alice.send(bob, v, fmt.Sprint(i)), fmt.Sprint(i))
		}
	})
}

// A peer that lost everything, identity included, but kept its device id.
func TestReinstalledPeer(t *testing.T) {
	eachVersion(t, func(t *testing.T, v omemo.Version, alice, bob *device) {
		connect(v, alice, bob)
		again := newDevice(t, bob.addr.JID, bob.addr.Device)
		res := alice.receiveText(again.send(alice, v, "new phone"), "new phone")
		if !res.NewSession || !res.KeyChanged || !res.NewKey || res.Key != again.key() || res.Trust != omemo.Undecided {
			t.Fatalf("message of the reinstalled device: %+v", res)
		}
		bob.receiveText(alice.send(bob, v, "is it you?"), "is it you?")
		alice.setTrust(again, omemo.Blind)
		alice.receiveText(again.send(alice, v, "it is"), "it is")
		again.receiveText(alice.send(again, v, "welcome back"), "welcome back")
	})
}

func TestNoSession(t *testing.T) {
	eachVersion(t, func(t *testing.T, v omemo.Version, alice, bob *device) {
		connect(v, alice, bob)
		delete(bob.store, omemo.SessionKey(alice.addr, v))
		bob.refuse(alice.send(bob, v, "lost"), omemo.CodeNoSession)
		// The answer that XEP-0384 asks for: a new session, with an empty message.
		p := bob.sendAs(alice, v, omemo.EncryptRequest{Kind: omemo.Empty})
		if res := alice.receive(p); !res.NewSession || res.Kind != omemo.Empty {
			t.Fatalf("repair: %+v", res)
		}
		bob.receiveText(alice.send(bob, v, "here again"), "here again")
	})
}

func TestUnansweredCounts(t *testing.T) {
	eachVersion(t, func(t *testing.T, v omemo.Version, alice, bob *device) {
		connect(v, alice, bob)
		for range 7 {
			alice.send(bob, v, "x")
		}
		info, err := omemo.InspectSession(alice.read(omemo.SessionKey(bob.addr, v)), bob.addr, v)
		if err != nil || !info.Exists || !info.Confirmed || info.Unanswered != 8 || info.Key != bob.key() || info.LastReceived != now {
			t.Fatalf("%+v %v", info, err)
		}
		res, err := alice.encrypt(omemo.EncryptRequest{
			Kind: omemo.Empty, Recipients: []omemo.Recipient{{Address: bob.addr, Version: v}},
		})
		if err != nil || res.Elements[0].Keys[0].Unanswered != 8 {
			t.Fatalf("%+v %v", res, err)
		}
		alice.receiveText(bob.send(alice, v, "here"), "here")
		info, err = omemo.InspectSession(alice.read(omemo.SessionKey(bob.addr, v)), bob.addr, v)
		if err != nil || info.Unanswered != 0 {
			t.Fatalf("%+v %v", info, err)
		}
	})
}

// TestRandomConversation plays two of our devices over a network that reorders, loses and repeats, with both
// starting, sometimes at the same time, sessions replaced by either side, and answers settled at any time.
func TestRandomConversation(t *testing.T) {
	for seed := range uint64(12) {
		eachVersion(t, func(t *testing.T, v omemo.Version, alice, bob *device) {
			rnd := rand.New(rand.NewPCG(seed, 7))
			type flying struct {
				packet
				text      string
				seen      bool
				overtaken int
			}
			devices := []*device{alice, bob}
			alice.spread, bob.spread = true, true
			var queues [2][]flying // towards devices[i]
			texts := 0
			put := func(from int, p packet, text string) {
				queues[1-from] = append(queues[1-from], flying{packet: p, text: text})
			}
			deliver := func(to int, i int) {
				q := queues[to]
				f := q[i]
				if !f.seen && rnd.IntN(10) == 0 {
					q[i].seen = true
				} else {
					queues[to] = append(q[:i], q[i+1:]...)
				}
				res, err := devices[to].tryReceive(f.packet)
				switch {
				case f.seen && err == nil:
					t.Fatalf("seed %d: %q taken twice", seed, f.text)
				case !f.seen && err != nil:
					t.Fatalf("seed %d: %q: %v", seed, f.text, err)
				case !f.seen && string(res.Plaintext) != f.text:
					t.Fatalf("seed %d: %q instead of %q", seed, res.Plaintext, f.text)
				}
				devices[to].maintain(false)
			}
			for step := range 400 {
				who := rnd.IntN(2)
				switch n := rnd.IntN(100); {
				case n < 35:
					texts++
					text := fmt.Sprint("message ", texts)
					put(who, devices[who].send(devices[1-who], v, text), text)
				case n < 37 && step%100 < 50:
					res, err := devices[who].encrypt(omemo.EncryptRequest{
						Kind: omemo.Empty,
						Recipients: []omemo.Recipient{{
							Address: devices[1-who].addr, Version: v, Bundle: devices[1-who].bundle(v), Renew: true,
						}},
					})
					if err != nil {
						t.Fatal(err)
					}
					put(who, devices[who].packet(res.Elements[0], 0), "")
				case n < 45:
					for _, packets := range devices[who].settle() {
						for _, p := range packets {
							put(who, p, "")
						}
					}
				case n < 47 && len(queues[who]) > 1:
					i := 1 + rnd.IntN(len(queues[who])-1)
					queues[who] = append(queues[who][:i], queues[who][i+1:]...)
				case len(queues[who]) > 0:
					i := 0
					if rnd.IntN(3) == 0 {
						i = rnd.IntN(len(queues[who]))
					}
					for j := range i {
						if queues[who][j].overtaken++; queues[who][j].overtaken > 6 {
							i = j
							break
						}
					}
					deliver(who, i)
				}
			}
			for len(queues[0])+len(queues[1]) > 0 {
				deliver(min(1, len(queues[1])), 0)
			}
			for i := range 3 {
				alice.receiveText(bob.send(alice, v, fmt.Sprint("end", i)), fmt.Sprint("end", i))
				bob.receiveText(alice.send(bob, v, fmt.Sprint("end", i)), fmt.Sprint("end", i))
			}
			if p := alice.send(bob, v, "x"); p.kex {
				t.Fatalf("seed %d: the two sides do not come together", seed)
			}
		})
	}
}
