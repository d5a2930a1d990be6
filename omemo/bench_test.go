// SPDX-License-Identifier: AGPL-3.0-or-later

package omemo_test

import (
	"fmt"
	"testing"

	"kith/omemo"
	"kith/omemo/sce"
)

// The benchmarks include reading and writing the records of every operation. testdata/bench.mjs in webclient
// measures the same through the bridge in WebAssembly.

func eachVersionB(b *testing.B, f func(b *testing.B, v omemo.Version, alice, bob *device)) {
	for _, v := range bothVersions {
		b.Run(v.Namespace(), func(b *testing.B) {
			alice, bob := newDevice(b, "alice@example.org", 1), newDevice(b, "bob@example.org", 2)
			connect(v, alice, bob)
			b.ReportAllocs()
			f(b, v, alice, bob)
		})
	}
}

const benchText = "The quick brown fox jumps over the lazy dog, as it has always done and always will, world without end."

// BenchmarkEncryptChain: one message for one device, without turn of the ratchet.
func BenchmarkEncryptChain(b *testing.B) {
	eachVersionB(b, func(b *testing.B, v omemo.Version, alice, bob *device) {
		for b.Loop() {
			alice.send(bob, v, benchText)
		}
	})
}

// BenchmarkDecryptChain: one message, without turn of the ratchet.
func BenchmarkDecryptChain(b *testing.B) {
	eachVersionB(b, func(b *testing.B, v omemo.Version, alice, bob *device) {
		var packets []packet
		for b.Loop() {
			if len(packets) == 0 {
				b.StopTimer()
				for range 500 {
					packets = append(packets, alice.send(bob, v, benchText))
				}
				b.StartTimer()
			}
			bob.receive(packets[0])
			packets = packets[1:]
		}
	})
}

// BenchmarkRatchetStep: reception of a message that turns the ratchet.
func BenchmarkRatchetStep(b *testing.B) {
	eachVersionB(b, func(b *testing.B, v omemo.Version, alice, bob *device) {
		for b.Loop() {
			b.StopTimer()
			alice.receive(bob.send(alice, v, benchText))
			p := alice.send(bob, v, benchText)
			b.StartTimer()
			bob.receive(p)
		}
	})
}

// hundred makes 100 devices and the recipients for them.
func hundred(b *testing.B, v omemo.Version, alice *device) (to []omemo.Recipient) {
	b.Helper()
	for i := range 100 {
		to = append(to, alice.recipients(v, newDevice(b, "group@example.org", uint32(i+1)))...)
	}
	return to
}

// BenchmarkX3DH100: the first message to 100 devices, bundles verified.
func BenchmarkX3DH100(b *testing.B) {
	eachVersionB(b, func(b *testing.B, v omemo.Version, alice, _ *device) {
		to := hundred(b, v, alice)
		before := alice.snapshot()
		for b.Loop() {
			alice.store = before
			before = alice.snapshot()
			res, err := alice.encrypt(omemo.EncryptRequest{Body: []byte(benchText), Envelope: []byte(benchText), Recipients: to})
			if err != nil || len(res.Elements[0].Keys) != 100 {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkKnown100: a further message to 100 devices.
func BenchmarkKnown100(b *testing.B) {
	eachVersionB(b, func(b *testing.B, v omemo.Version, alice, _ *device) {
		to := hundred(b, v, alice)
		req := omemo.EncryptRequest{Body: []byte(benchText), Envelope: []byte(benchText), Recipients: to}
		if _, err := alice.encrypt(req); err != nil {
			b.Fatal(err)
		}
		for i := range to {
			to[i].Bundle = nil
		}
		for b.Loop() {
			if _, err := alice.encrypt(req); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkSkip1000: a message that passes over 1000 others.
func BenchmarkSkip1000(b *testing.B) {
	eachVersionB(b, func(b *testing.B, v omemo.Version, alice, bob *device) {
		for range omemo.MaxSkip {
			alice.send(bob, v, benchText)
		}
		p := alice.send(bob, v, benchText)
		before := bob.snapshot()
		for b.Loop() {
			bob.store = before
			before = bob.snapshot()
			bob.receive(p)
		}
	})
}

// BenchmarkSealRoom: a further message to a room of 60 people with two devices each, envelope and list of recipients
// included, and the check of it by one of them.
func BenchmarkSealRoom(b *testing.B) {
	alice := newDevice(b, "alice@example.org", 1)
	var people []*device
	for i := range 120 {
		people = append(people, newDevice(b, fmt.Sprintf("member%d@example.org", i/2), uint32(i+1)))
	}
	targets := alice.targets(people...)
	alice.seal("room@example.org", targets)
	for i := range targets {
		targets[i].BundleV2 = nil
	}
	reader := people[0]
	first := alice.seal("room@example.org", targets)
	l := alice.letterFor(reader, &first)
	got := reader.receive(l.packet)
	b.Run("seal", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if res := alice.seal("room@example.org", targets); len(res.Elements[0].Keys) != len(people) {
				b.Fatal(res.Skipped)
			}
		}
	})
	b.Run("check", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			e, err := sce.Open(got.Plaintext)
			if err != nil {
				b.Fatal(err)
			}
			req := omemo.CheckRequest{
				From: alice.addr, Key: got.Key, Self: reader.addr.JID, To: "room@example.org", Group: true, SentAt: now,
				Affixes: e.Affixes, Keys: l.keys,
			}
			checked, err := omemo.CheckEnvelope(reader.read(omemo.CheckNeeds(req)...), req)
			if err != nil || checked.Level != omemo.WithRecipients {
				b.Fatal(err, checked)
			}
		}
	})
}
