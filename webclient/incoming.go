// SPDX-License-Identifier: AGPL-3.0-or-later

//go:build js && wasm

package main

import "kith/omemo"

func incoming(v value) omemo.DecryptRequest {
	return omemo.DecryptRequest{
		Version: v.version(),
		From:    v.address(),
		Key:     v.get("data").bytes("data"),
		IV:      v.get("iv").optionalBytes("iv"),
		Payload: v.get("payload").optionalBytes("payload"),
		Policy:  v.policy(),
		Now:     v.now(),
	}
}

func decryptNeeds(args arguments, out *writer) error {
	out.keys(omemo.DecryptNeeds(incoming(args.object(0))))
	return nil
}

func decrypt(args arguments, out *writer) error {
	result, changes, err := omemo.Decrypt(args.records(0), incoming(args.object(1)))
	out.bytes("plaintext", result.Plaintext)
	out.bytes("transportKey", result.TransportKey)
	out.key(result.Key)
	out.trust(result.Trust)
	out.flag("newKey", result.NewKey)
	out.flag("keyChanged", result.KeyChanged)
	out.flag("newSession", result.NewSession)
	out.flag("preKeyUsed", result.PreKeyUsed)
	out.flag("due", result.Due)
	out.changes(changes)
	return err
}
