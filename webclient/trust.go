// SPDX-License-Identifier: AGPL-3.0-or-later

//go:build js && wasm

package main

import "kith/omemo"

// The levels of trust are words in their order.

func (w *writer) trust(level omemo.Trust) { w.word(nTrust, wUndecided+word(level)) }

func (v value) trust() omemo.Trust {
	t := v.get(nTrust)
	level := t.word()
	if level < wUndecided || level > wDistrusted {
		t.bad("a trust level")
	}
	return omemo.Trust(level - wUndecided)
}

//go:noinline
func (v value) policy() omemo.Policy {
	p := v.get(nPolicy)
	switch p.word() {
	case wBTBV:
		return omemo.BlindBeforeVerification
	case wAsk:
	default:
		p.bad("\"btbv\" or \"ask\"")
	}
	return omemo.AskAlways
}

func knownKeys(args arguments, out *writer) error {
	known, err := omemo.KnownKeys(args.records(), args.at(1, nJID).text())
	out.list(nKnown, len(known), func(i int) {
		k := &known[i]
		out.bytes(nKey, k.Key[:])
		out.trust(k.Trust)
		out.number(nDevice, int64(k.Device))
		out.number(nFirstSeen, k.FirstSeen)
	})
	return err
}

func setTrust(args arguments, out *writer) error {
	req := args.request(1)
	changes, err := omemo.SetTrust(args.records(), req.get(nJID).text(), req.get(nKey).key(), req.trust(), req.now())
	out.changes(changes)
	return err
}
