// SPDX-License-Identifier: AGPL-3.0-or-later

package omemo

import (
	"bytes"
	"maps"
	"testing"
)

// The known classes of attack on OMEMO and XMPP clients, and where the part of this package is tested:
//
//	a recipient replaces the payload (audit of 2016, 2.2.3)   TestHostileRecipient, TestKeyHolder...
//	device injection by the server                            TestInjectedDevice, TestViewOfTheSendersDevices, TestForgedBundle
//	key replaced by the server                                TestReplacedKeyOfOurDevice, TestForgedSessionOfVerifiedDevice
//	<key> stripped or added                                   TestChangedHeader, TestRecipientsOfBothVersions
//	downgrade to 0.3                                          TestSealDoesNotDowngrade
//	correction or retraction by somebody else                 TestProtection
//	room: private message shown in a group and the like       TestEnvelopeOfAnotherChat
//	message sent on under another name                        TestMessagesAreBound, TestKeyExchangeIsBoundToSender
//	replay, delay                                             TestTimeOfEnvelope, duplicates in session_test.go
//	carbons, archive results, events inside an envelope       sce: TestGolden ("dropped")
//	confusion of XML parsers, stanza smuggling                sce: TestGolden, FuzzOpen
//	metadata in clear beside the envelope                     sce: TestOutside
//	hostile encodings, crash                                  FuzzDecrypt, FuzzBundle, FuzzRecords, TestNonCanonicalKeys
//	low-order keys, missing one-time prekey                   TestLowOrderKeyExchange, TestKeyExchangeWithoutPreKey
//	state damaged by forged or late messages                  device.refuse, TestLateMessageOfEarlierSession
//	skip flood, counters, lists without end                   TestSkipLimit, TestExtremeCounters, TestEnvelopeOfAnotherChat
//	MACs cut shorter than specified                           TestMACLength

// scene is alice, who writes to bob and mallory, each with one device.
type scene struct{ alice, bob, mallory Records }

func newScene(t *testing.T) scene {
	t.Helper()
	create := func(jid string, device uint32) Records {
		r := Records{KeyDue: nil}
		changes, err := Create(CreateOptions{JID: jid, Device: device})
		if err != nil {
			t.Fatal(err)
		}
		r.Apply(changes)
		return r
	}
	return scene{create("alice@example.org", 1), create("bob@example.org", 2), create("mallory@example.org", 3)}
}

// send lets alice write to both and returns the elements.
func (s *scene) send(t *testing.T, v Version) Encrypted {
	t.Helper()
	var targets []Target
	for _, r := range []Records{s.bob, s.mallory} {
		id, err := OwnIdentity(r)
		if err != nil {
			t.Fatal(err)
		}
		target := Target{Address: id.Address, V2: v == V2, V03: v == V03}
		b, err := PublicBundle(r, v)
		if err != nil {
			t.Fatal(err)
		}
		if v == V2 {
			target.BundleV2 = &b
		} else {
			target.BundleV03 = &b
		}
		targets = append(targets, target)
	}
	need(s.alice, SealNeeds(targets))
	res, changes, err := Seal(s.alice, SealRequest{
		Body: []byte("meet at noon"), Content: []byte("<body xmlns='jabber:client'>meet at noon</body>"),
		To: "bob@example.org", Targets: targets,
	})
	if err != nil || len(res.Elements) != 1 || len(res.Elements[0].Keys) != 2 {
		t.Fatal(err, res)
	}
	s.alice.Apply(changes)
	return res.Elements[0]
}

func need(r Records, keys []string) {
	for _, k := range keys {
		if _, ok := r[k]; !ok {
			r[k] = nil
		}
	}
}

func (e *Encrypted) request(key int) DecryptRequest {
	return DecryptRequest{
		Version: e.Version, From: Address{"alice@example.org", 1}, Key: e.Keys[key].Data, IV: e.IV, Payload: e.Payload,
	}
}

// secret is what mallory's device finds in its <key>.
func (s *scene) secret(t *testing.T, e *Encrypted) []byte {
	t.Helper()
	req := e.request(1)
	need(s.mallory, DecryptNeeds(req))
	id, err := s.mallory.identity()
	if err != nil {
		t.Fatal(err)
	}
	d := incoming{req: &req, id: id}
	if d.session, err = s.mallory.session(req.From, req.Version); err != nil {
		t.Fatal(err)
	}
	o, _, err := d.openKey(s.mallory, req.Version.params())
	if err != nil {
		t.Fatal(err)
	}
	return o.secret
}

// TestHostileRecipient replays attack 2.2.3 of the audit of 2016: mallory is a recipient of alice's message. Together
// with a server, mallory takes the key of the payload out of the <key> for his own device, encrypts another text with it,
// drops his <key>, and lets bob have the rest, which is genuine. In omemo:2 bob refuses it and nothing has changed; the genuine
// message can still be read. In 0.3 it cannot be told from a genuine one, and has the level that says so.
func TestHostileRecipient(t *testing.T) {
	t.Run(NamespaceV2, func(t *testing.T) {
		s := newScene(t)
		e := s.send(t, V2)
		secret := s.secret(t, &e)
		keys := deriveKeys(secret[:32], paramsV2.infoPayload)
		plaintext, err := openPayload(V2, secret, nil, e.Payload)
		if err != nil {
			t.Fatal(err)
		}
		forged := e.request(0)
		if forged.Payload, err = encryptCBC(&keys, bytes.ReplaceAll(plaintext, []byte("noon"), []byte("midnight"))); err != nil {
			t.Fatal(err)
		}
		need(s.bob, DecryptNeeds(forged))
		before := maps.Clone(s.bob)
		result, changes, err := Decrypt(s.bob, forged)
		if CodeOf(err) != CodePayload || changes != nil || result.Plaintext != nil {
			t.Fatalf("%v %+v", err, result)
		}
		if !maps.EqualFunc(before, s.bob, bytes.Equal) {
			t.Fatal("records have changed")
		}
		if result, _, err = Decrypt(s.bob, e.request(0)); err != nil || !bytes.Contains(result.Plaintext, []byte("noon")) {
			t.Fatalf("the genuine message: %v %+v", err, result)
		}
	})
	t.Run(NamespaceV03, func(t *testing.T) {
		s := newScene(t)
		e := s.send(t, V03)
		secret := s.secret(t, &e)
		forged := e.request(0)
		forged.Payload = forgeGCM(t, secret[:16], secret[16:], e.IV, []byte("meet at midnight and come alone."))
		need(s.bob, DecryptNeeds(forged))
		result, changes, err := Decrypt(s.bob, forged)
		if err != nil || !bytes.HasPrefix(result.Plaintext, []byte("meet at midnight")) {
			t.Fatalf("%v %+v", err, result)
		}
		s.bob.Apply(changes)
		check := CheckRequest{
			From: forged.From, Key: result.Key, Self: "bob@example.org", To: "bob@example.org",
			Keys: []HeaderKey{{Version: V03, Device: 2}},
		}
		need(s.bob, CheckNeeds(check))
		got, err := CheckHeader(s.bob, check)
		if err != nil || got.Level != Legacy {
			t.Fatalf("%v %+v", err, got)
		}
		// So it takes the place of nothing that came in omemo:2.
		if MayChange("alice@example.org", Protection{WithEnvelope, Blind}, "alice@example.org", Protection{got.Level, result.Trust}) {
			t.Fatal("may change a better message")
		}
	})
}

// The MACs have the length that the version says, and no other is taken: 8 bytes in 0.3, 16 in omemo:2.
func TestMACLength(t *testing.T) {
	for v, size := range map[Version]int{V03: 8, V2: 16} {
		p := v.params()
		signed := p.encodeSigned(&[32]byte{9}, 0, 0, make([]byte, 16))
		for _, n := range []int{0, size - 1, size, size + 1, 32} {
			m, err := p.decodeMessage(p.encodeMessage(bytes.Clone(signed), make([]byte, n)))
			genuine := err == nil && bytes.Equal(m.signed, signed) && len(m.mac) == size
			if genuine != (n == size) {
				t.Errorf("%s: MAC of %d bytes: %v", v.Namespace(), n, err)
			}
		}
		s, err := sealMessage(v, []byte("x"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := openPayload(v, s.secret[:len(s.secret)-1], s.iv, s.ciphertext); CodeOf(err) != CodePayload {
			t.Errorf("%s: shorter tag of the payload: %v", v.Namespace(), err)
		}
	}
}

func TestAttributesAreEscaped(t *testing.T) {
	var w xmlWriter
	w.jid("<a&b'\n>@c")
	if got := string(w.buf); got != " jid='&lt;a&amp;b&apos;?>@c'" {
		t.Fatal(got)
	}
}
