// SPDX-License-Identifier: AGPL-3.0-or-later

package omemo_test

import (
	"bytes"
	"maps"
	"slices"
	"testing"

	"kith/omemo"
)

// hardship is a conversation in which the network or a server is as bad as it can be.
type hardship struct {
	*testing.T
	us   *local
	them *remote
}

// hardships plays with every partner in both versions.
func hardships(t *testing.T, play func(h *hardship)) {
	needPython(t)
	needC(t)
	for _, program := range []string{"oracle.py", "oracle_c.py"} {
		p := startPartner(t, python, program)
		for _, v := range []omemo.Version{omemo.V03, omemo.V2} {
			t.Run(program+"/"+versionName(v), func(t *testing.T) {
				play(&hardship{
					t, newLocal(t, omemo.Address{JID: "us@example.org", Device: 1001}),
					p.newDevice("them "+versionName(v), v, omemo.Address{JID: "them@example.org", Device: 2002}),
				})
			})
		}
	}
}

func (h *hardship) theyRead(m wireMessage, want string) {
	h.Helper()
	if got, err := h.them.decrypt(h.us, m); err != nil || got != want {
		h.Fatalf("they read %q, %v; want %q", got, err, want)
	}
}

func (h *hardship) weRead(m wireMessage, want string) {
	h.Helper()
	if got, err := h.us.decrypt(h.them, m); err != nil || string(got.Plaintext) != want {
		h.Fatalf("we read %q, %v; want %q", got.Plaintext, err, want)
	}
}

func (h *hardship) weRefuse(m wireMessage) {
	h.Helper()
	before := maps.Clone(h.us.store)
	if got, err := h.us.decrypt(h.them, m); err == nil {
		h.Fatalf("we read %q", got.Plaintext)
	}
	if !maps.EqualFunc(before, h.us.store, bytes.Equal) {
		h.Fatal("a refused message has changed our records")
	}
}

// A server changes key exchanges and messages, one bit at a time, and delivers them unchanged afterwards.
func TestDamageOnTheWay(t *testing.T) {
	hardships(t, func(h *hardship) {
		damaged := func(m wireMessage, i int) wireMessage {
			m.Key = slices.Clone(m.Key)
			m.Key[i] ^= 1 << (i % 8)
			return m
		}
		ours := h.us.encrypt(h.them, h.them.bundle(), "ours")
		for i := 0; i < len(ours.Key); i += 7 {
			if got, err := h.them.decrypt(h.us, damaged(ours, i)); err == nil && got != "ours" {
				h.Fatalf("they read %q", got)
			}
		}
		theirs := h.them.start(newLocal(h, omemo.Address{JID: "else@example.org", Device: 1}), "not for us")
		h.weRefuse(theirs)
		h.weRead(h.them.start(h.us, "theirs"), "theirs")
		for round := range 3 {
			m := h.them.encrypt(h.us, "again")
			for i := range m.Key {
				if m.Kex && round == 0 {
					break // what is not covered by the MAC may be changed in a key exchange that is known
				}
				if !m.Kex {
					h.weRefuse(damaged(m, i))
				}
			}
			h.weRead(m, "again")
			h.weRefuse(m)
			h.theyRead(h.us.encrypt(h.them, nil, "answer"), "answer")
		}
	})
}

// The first messages, all of them key exchanges, come in the wrong order, and again when they are old.
func TestKeyExchangesInTheWrongOrder(t *testing.T) {
	hardships(t, func(h *hardship) {
		first, second, third := h.them.start(h.us, "first"), h.them.encrypt(h.us, "second"), h.them.encrypt(h.us, "third")
		h.weRead(third, "third")
		h.weRead(first, "first")
		h.weRefuse(third)
		h.theyRead(h.us.encrypt(h.them, nil, "answer"), "answer")
		h.weRead(h.them.encrypt(h.us, "fourth"), "fourth")
		h.weRead(second, "second")
		h.weRefuse(first)
		h.weRead(h.them.encrypt(h.us, "fifth"), "fifth")
	})
}

// More messages are lost than anybody keeps keys for.
func TestHeavyLoss(t *testing.T) {
	hardships(t, func(h *hardship) {
		h.weRead(h.them.start(h.us, "start"), "start")
		h.theyRead(h.us.encrypt(h.them, nil, "answer"), "answer")
		for range omemo.MaxSkip {
			h.them.encrypt(h.us, "lost")
		}
		last := h.them.encrypt(h.us, "the last that can be read")
		h.them.encrypt(h.us, "lost")
		beyond := h.them.encrypt(h.us, "beyond")
		for range omemo.MaxSkip {
			beyond = h.them.encrypt(h.us, "beyond")
		}
		h.weRefuse(beyond)
		h.weRead(last, "the last that can be read")
		h.weRefuse(beyond)
		// The next turn of the ratchet brings both together again.
		h.theyRead(h.us.encrypt(h.them, nil, "are you there?"), "are you there?")
		h.weRead(h.them.encrypt(h.us, "yes"), "yes")
		h.theyRead(h.us.encrypt(h.them, nil, "good"), "good")
	})
}
