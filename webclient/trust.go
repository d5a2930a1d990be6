// SPDX-License-Identifier: AGPL-3.0-or-later

//go:build js && wasm

package main

import "kith/omemo"

// trustName is the name of a level.
func trustName(level omemo.Trust) string {
	switch level {
	case omemo.Blind:
		return "blind"
	case omemo.Verified:
		return "verified"
	case omemo.Distrusted:
		return "distrusted"
	case omemo.Undecided:
	}
	return "undecided"
}

func (w *writer) trust(level omemo.Trust) { w.text("trust", trustName(level)) }

func (v value) trust() omemo.Trust {
	name := v.get("trust").text("trust")
	for level := omemo.Undecided; level <= omemo.Distrusted; level++ {
		if trustName(level) == name {
			return level
		}
	}
	bad("trust", "a trust level")
	return omemo.Undecided
}

//go:noinline
func (v value) policy() omemo.Policy {
	switch v.get("policy").text("policy") {
	case "btbv":
		return omemo.BlindBeforeVerification
	case "ask":
	default:
		bad("policy", "\"btbv\" or \"ask\"")
	}
	return omemo.AskAlways
}

func knownKeys(args arguments, out *writer) error {
	known, err := omemo.KnownKeys(args.records(0), args.at(1).text("jid"))
	out.list("known", len(known), func(i int) {
		k := &known[i]
		out.bytes("key", k.Key[:])
		out.trust(k.Trust)
		out.number("device", int64(k.Device))
		out.number("firstSeen", k.FirstSeen)
	})
	return err
}

func setTrust(args arguments, out *writer) error {
	req := args.object(1)
	changes, err := omemo.SetTrust(args.records(0), req.get("jid").text("jid"), req.get("key").key("key"), req.trust(), req.now())
	out.changes(changes)
	return err
}

func sessionKey(args arguments, out *writer) error {
	at := args.object(0)
	out.text("key", omemo.SessionKey(at.address(), at.version()))
	return nil
}

func trustKey(args arguments, out *writer) error {
	out.text("key", omemo.TrustKey(args.at(0).text("jid")))
	return nil
}
