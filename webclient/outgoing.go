// SPDX-License-Identifier: AGPL-3.0-or-later

//go:build js && wasm

package main

import "kith/omemo"

func (v value) encryptKind() omemo.Kind {
	k := v.get(nKind)
	switch k.word() {
	case wMessage:
		return omemo.Message
	case wEmpty:
		return omemo.Empty
	case wKeyTransport:
	default:
		k.bad("\"message\", \"empty\" or \"keyTransport\"")
	}
	return omemo.KeyTransport
}

func recipients(list []value) []omemo.Recipient {
	to := make([]omemo.Recipient, len(list))
	for i, v := range list {
		to[i] = omemo.Recipient{Address: v.address(), Version: v.version(), Renew: v.get(nRenew).isTrue()}
		if b := v.get(nBundle); b.kind != kindNull {
			to[i].Bundle = bundleOf(b.object(), to[i].Version)
		}
	}
	return to
}

func bundleOf(b value, v omemo.Version) *omemo.Bundle {
	out := &omemo.Bundle{
		Version:         v,
		IdentityKey:     b.get(nIdentityKey).bytes(),
		SignedPreKeyID:  b.get(nSignedPreKeyID).uint32(),
		SignedPreKey:    b.get(nSignedPreKey).bytes(),
		SignedSignature: b.get(nSignedPreKeySignature).bytes(),
	}
	for _, k := range b.get(nPreKeys).array() {
		out.PreKeys = append(out.PreKeys, omemo.PublicPreKey{ID: k.get(nID).uint32(), Key: k.get(nKey).bytes()})
	}
	return out
}

// to reads the property recipients.
func (v value) to() []omemo.Recipient { return recipients(v.get(nRecipients).array()) }

func (w *writer) planned(planned []omemo.Planned) {
	w.list(nDevices, len(planned), func(i int) {
		p := &planned[i]
		w.address(p.Address)
		w.version(p.Version)
		w.key(p.Key)
		w.trust(p.Trust)
		w.flag(nNewSession, p.NewSession)
		w.reason(p.Reason)
	})
}

func (w *writer) skipped(skipped []omemo.Skipped) {
	w.list(nSkipped, len(skipped), func(i int) {
		s := &skipped[i]
		w.address(s.Address)
		w.version(s.Version)
		w.key(s.Key)
		w.reason(s.Reason)
	})
}

func encrypt(args arguments, out *writer) error {
	req := args.request(1)
	result, changes, err := omemo.Encrypt(args.records(), omemo.EncryptRequest{
		Kind:       req.encryptKind(),
		Body:       req.get(nBody).optionalBytes(),
		Envelope:   req.get(nEnvelope).optionalBytes(),
		Recipients: req.to(),
		Policy:     req.policy(),
		Now:        req.now(),
	})
	out.encryptResult(&result)
	out.changes(changes)
	return err
}

func (w *writer) encryptResult(result *omemo.EncryptResult) {
	w.number(nDevice, int64(result.Device))
	w.list(nElements, len(result.Elements), func(i int) { w.encrypted(&result.Elements[i]) })
	w.skipped(result.Skipped)
}

func (w *writer) encrypted(e *omemo.Encrypted) {
	w.version(e.Version)
	w.bytes(nIV, e.IV)
	w.bytes(nPayload, e.Payload)
	w.bytes(nTransportKey, e.TransportKey)
	w.list(nKeys, len(e.Keys), func(i int) {
		k := &e.Keys[i]
		w.address(k.Address)
		w.bytes(nData, k.Data)
		w.flag(nKeyExchange, k.KeyExchange)
		w.key(k.Key)
		w.trust(k.Trust)
		w.number(nUnanswered, int64(k.Unanswered))
	})
}

func settleNeeds(args arguments, out *writer) error {
	keys, err := omemo.SettleNeeds(args.records())
	out.keys(keys)
	return err
}

func settle(args arguments, out *writer) error {
	device, messages, changes, err := omemo.Settle(args.records())
	out.number(nDevice, int64(device))
	out.list(nMessages, len(messages), func(i int) {
		out.text(nTo, messages[i].To)
		out.nested(nElement, func() { out.encrypted(&messages[i].Encrypted) })
	})
	out.changes(changes)
	return err
}
