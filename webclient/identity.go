// SPDX-License-Identifier: AGPL-3.0-or-later

//go:build js && wasm

package main

import "kith/omemo"

func newDeviceID(args arguments, out *writer) error {
	var taken []uint32
	for _, v := range args.at(0, nTaken).array() {
		taken = append(taken, v.uint32())
	}
	out.number(nDevice, int64(omemo.NewDeviceID(taken)))
	return nil
}

func create(args arguments, out *writer) error {
	req := args.request(0)
	at := req.address()
	changes, err := omemo.Create(omemo.CreateOptions{
		JID: at.JID, Device: at.Device, Seed: req.get(nSeed).optionalBytes(), Now: req.now(),
	})
	out.changes(changes)
	return err
}

func ownIdentity(args arguments, out *writer) error {
	id, err := omemo.OwnIdentity(args.records())
	out.address(id.Address)
	out.key(id.Key)
	return err
}

func exportSeed(args arguments, out *writer) error {
	seed, err := omemo.ExportSeed(args.records())
	out.bytes(nSeed, seed)
	return err
}

func publicBundle(args arguments, out *writer) error {
	b, err := omemo.PublicBundle(args.records(), args.request(1).version())
	if err != nil {
		return err
	}
	out.bytes(nIdentityKey, b.IdentityKey)
	out.number(nSignedPreKeyID, int64(b.SignedPreKeyID))
	out.bytes(nSignedPreKey, b.SignedPreKey)
	out.bytes(nSignedPreKeySignature, b.SignedSignature)
	out.list(nPreKeys, len(b.PreKeys), func(i int) {
		out.number(nID, int64(b.PreKeys[i].ID))
		out.bytes(nKey, b.PreKeys[i].Key)
	})
	return nil
}

func maintain(args arguments, out *writer) error {
	req := args.request(1)
	publish, changes, err := omemo.Maintain(args.records(),
		omemo.MaintainOptions{Now: req.now(), CatchUp: req.get(nCatchUp).isTrue()})
	out.flag(nPublish, publish)
	out.changes(changes)
	return err
}

func signLabel(args arguments, out *writer) error {
	signature, err := omemo.SignLabel(args.records(), args.at(1, nLabel).text())
	out.bytes(nSignature, signature)
	return err
}

func verifyLabel(args arguments, _ *writer) error {
	return omemo.VerifyLabel(args.at(0, nKey).key(), args.at(1, nLabel).text(), args.at(2, nSignature).bytes())
}

func formatURI(args arguments, out *writer) error {
	var keys []omemo.DeviceKey
	for _, v := range args.at(1, nKeys).array() {
		keys = append(keys, omemo.DeviceKey{Device: v.get(nDevice).uint32(), Key: v.get(nKey).key()})
	}
	out.text(nText, omemo.FormatURI(args.at(0, nJID).text(), keys))
	return nil
}

func parseURI(args arguments, out *writer) error {
	jid, keys, err := omemo.ParseURI(args.at(0, nURI).text())
	out.text(nJID, jid)
	out.list(nKeys, len(keys), func(i int) {
		out.number(nDevice, int64(keys[i].Device))
		out.bytes(nKey, keys[i].Key[:])
	})
	return err
}
