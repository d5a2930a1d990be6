// SPDX-License-Identifier: AGPL-3.0-or-later

//go:build js && wasm

package main

import "kith/omemo"

func incoming(v value) omemo.DecryptRequest {
	return omemo.DecryptRequest{
		Version: v.version(),
		From:    v.address(),
		Key:     v.get(nData).bytes(),
		IV:      v.get(nIV).optionalBytes(),
		Payload: v.get(nPayload).optionalBytes(),
		Policy:  v.policy(),
		Now:     v.now(),
	}
}

func decrypt(args arguments, out *writer) error {
	result, changes, err := omemo.Decrypt(args.records(), incoming(args.request(1)))
	out.bytes(nPlaintext, result.Plaintext)
	out.bytes(nTransportKey, result.TransportKey)
	out.key(result.Key)
	out.trust(result.Trust)
	out.flag(nNewKey, result.NewKey)
	out.flag(nKeyChanged, result.KeyChanged)
	out.flag(nNewSession, result.NewSession)
	out.flag(nPreKeyUsed, result.PreKeyUsed)
	out.flag(nDue, result.Due)
	out.changes(changes)
	return err
}
