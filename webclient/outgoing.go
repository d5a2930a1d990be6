// SPDX-License-Identifier: AGPL-3.0-or-later

//go:build js && wasm

package main

import "kith/omemo"

func (v value) encryptKind() omemo.Kind {
	switch v.get("kind").text("kind") {
	case "message":
		return omemo.Message
	case "empty":
		return omemo.Empty
	case "keyTransport":
	default:
		bad("kind", "\"message\", \"empty\" or \"keyTransport\"")
	}
	return omemo.KeyTransport
}

func recipients(list []value) []omemo.Recipient {
	to := make([]omemo.Recipient, len(list))
	for i, v := range list {
		to[i] = omemo.Recipient{Address: v.address(), Version: v.version(), Renew: v.get("renew").isTrue()}
		if b := v.get("bundle"); b.kind != kindNull {
			to[i].Bundle = bundleOf(b.object("bundle"), to[i].Version)
		}
	}
	return to
}

func bundleOf(b value, v omemo.Version) *omemo.Bundle {
	out := &omemo.Bundle{
		Version:         v,
		IdentityKey:     b.get("identityKey").bytes("identityKey"),
		SignedPreKeyID:  b.get("signedPreKeyId").uint32("signedPreKeyId"),
		SignedPreKey:    b.get("signedPreKey").bytes("signedPreKey"),
		SignedSignature: b.get("signedPreKeySignature").bytes("signedPreKeySignature"),
	}
	for _, k := range b.get("preKeys").array("preKeys") {
		out.PreKeys = append(out.PreKeys, omemo.PublicPreKey{ID: k.get("id").uint32("id"), Key: k.get("key").bytes("key")})
	}
	return out
}

func encryptNeeds(args arguments, out *writer) error {
	out.keys(omemo.EncryptNeeds(recipients(args.at(0).array("recipients"))))
	return nil
}

// to reads the property recipients.
func (v value) to() []omemo.Recipient { return recipients(v.get("recipients").array("recipients")) }

func plan(args arguments, out *writer) error {
	req := args.object(1)
	planned, err := omemo.Plan(args.records(0), req.to(), req.policy())
	out.planned(planned)
	return err
}

func (w *writer) planned(planned []omemo.Planned) {
	w.list("devices", len(planned), func(i int) {
		p := &planned[i]
		w.address(p.Address)
		w.version(p.Version)
		w.key(p.Key)
		w.trust(p.Trust)
		w.flag("newSession", p.NewSession)
		w.reason(p.Reason)
	})
}

func (w *writer) skipped(skipped []omemo.Skipped) {
	w.list("skipped", len(skipped), func(i int) {
		s := &skipped[i]
		w.address(s.Address)
		w.version(s.Version)
		w.key(s.Key)
		w.reason(s.Reason)
	})
}

func start(args arguments, out *writer) error {
	req := args.object(1)
	started, skipped, changes, err := omemo.Start(args.records(0),
		omemo.StartRequest{Recipients: req.to(), Policy: req.policy(), Now: req.now()})
	out.list("started", len(started), func(i int) {
		s := &started[i]
		out.address(s.Address)
		out.version(s.Version)
		out.key(s.Key)
		out.trust(s.Trust)
	})
	out.skipped(skipped)
	out.changes(changes)
	return err
}

func encrypt(args arguments, out *writer) error {
	req := args.object(1)
	result, changes, err := omemo.Encrypt(args.records(0), omemo.EncryptRequest{
		Kind:       req.encryptKind(),
		Body:       req.get("body").optionalBytes("body"),
		Envelope:   req.get("envelope").optionalBytes("envelope"),
		Recipients: req.to(),
		Policy:     req.policy(),
		Now:        req.now(),
	})
	out.encryptResult(&result)
	out.changes(changes)
	return err
}

func (w *writer) encryptResult(result *omemo.EncryptResult) {
	w.number("device", int64(result.Device))
	w.list("elements", len(result.Elements), func(i int) { w.encrypted(&result.Elements[i]) })
	w.skipped(result.Skipped)
}

func (w *writer) encrypted(e *omemo.Encrypted) {
	w.version(e.Version)
	w.bytes("iv", e.IV)
	w.bytes("payload", e.Payload)
	w.bytes("transportKey", e.TransportKey)
	w.list("keys", len(e.Keys), func(i int) {
		k := &e.Keys[i]
		w.address(k.Address)
		w.bytes("data", k.Data)
		w.flag("keyExchange", k.KeyExchange)
		w.key(k.Key)
		w.trust(k.Trust)
		w.number("unanswered", int64(k.Unanswered))
	})
}

func settleNeeds(args arguments, out *writer) error {
	keys, err := omemo.SettleNeeds(args.records(0))
	out.keys(keys)
	return err
}

func settle(args arguments, out *writer) error {
	device, messages, changes, err := omemo.Settle(args.records(0))
	out.number("device", int64(device))
	out.list("messages", len(messages), func(i int) {
		out.text("to", messages[i].To)
		out.nested("element", func() { out.encrypted(&messages[i].Encrypted) })
	})
	out.changes(changes)
	return err
}

func inspectSession(args arguments, out *writer) error {
	at := args.object(1)
	s, err := omemo.InspectSession(args.records(0), at.address(), at.version())
	out.flag("exists", s.Exists)
	out.key(s.Key)
	out.flag("confirmed", s.Confirmed)
	out.number("unanswered", int64(s.Unanswered))
	out.number("lastReceived", s.LastReceived)
	return err
}
