// SPDX-License-Identifier: AGPL-3.0-or-later

package omemo_test

import (
	"testing"

	"kith/omemo"
)

func TestConversation(t *testing.T) {
	eachVersion(t, func(t *testing.T, v omemo.Version, alice, bob *device) {
		first := alice.send(bob, v, "one")
		second := alice.send(bob, v, "two")
		if !first.kex || !second.kex {
			t.Fatal("messages before the first answer must be key exchanges")
		}
		res := bob.receiveText(first, "one")
		if !res.NewSession || !res.PreKeyUsed || !res.Due || !res.NewKey || res.KeyChanged {
			t.Fatalf("first message: %+v", res)
		}
		if res.Key != alice.key() || res.Trust != omemo.Blind {
			t.Fatalf("identity of the sender: %+v", res)
		}
		res = bob.receiveText(second, "two")
		if res.NewSession || res.PreKeyUsed || res.NewKey {
			t.Fatalf("repeated key exchange: %+v", res)
		}
		answers := bob.settle()[alice.addr.JID]
		if len(answers) != 1 || answers[0].kex {
			t.Fatalf("answers %+v", answers)
		}
		if res := alice.receive(answers[0]); res.Kind != omemo.Empty || res.Due {
			t.Fatalf("answer: %+v", res)
		}
		if len(bob.settle()) != 0 {
			t.Fatal("answered twice")
		}
		third := alice.send(bob, v, "three")
		if third.kex {
			t.Fatal("key exchange after an answer")
		}
		bob.receiveText(third, "three")
		alice.receiveText(bob.send(alice, v, "four"), "four")
	})
}
