// SPDX-License-Identifier: AGPL-3.0-or-later

//go:build js && wasm

package main

import "kith/omemo"

func newDeviceID(args arguments, out *writer) error {
	var taken []uint32
	for _, v := range args.at(0).array("taken") {
		taken = append(taken, v.uint32("taken"))
	}
	out.number("device", int64(omemo.NewDeviceID(taken)))
	return nil
}

func create(args arguments, out *writer) error {
	req := args.object(0)
	at := req.address()
	changes, err := omemo.Create(omemo.CreateOptions{
		JID: at.JID, Device: at.Device, Seed: req.get("seed").optionalBytes("seed"), Now: req.now(),
	})
	out.changes(changes)
	return err
}

func ownIdentity(args arguments, out *writer) error {
	id, err := omemo.OwnIdentity(args.records(0))
	out.address(id.Address)
	out.key(id.Key)
	return err
}

func exportSeed(args arguments, out *writer) error {
	seed, err := omemo.ExportSeed(args.records(0))
	out.bytes("seed", seed)
	return err
}

func publicBundle(args arguments, out *writer) error {
	b, err := omemo.PublicBundle(args.records(0), args.object(1).version())
	if err != nil {
		return err
	}
	out.bytes("identityKey", b.IdentityKey)
	out.number("signedPreKeyId", int64(b.SignedPreKeyID))
	out.bytes("signedPreKey", b.SignedPreKey)
	out.bytes("signedPreKeySignature", b.SignedSignature)
	out.list("preKeys", len(b.PreKeys), func(i int) {
		out.number("id", int64(b.PreKeys[i].ID))
		out.bytes("key", b.PreKeys[i].Key)
	})
	return nil
}

func maintain(args arguments, out *writer) error {
	req := args.object(1)
	publish, changes, err := omemo.Maintain(args.records(0),
		omemo.MaintainOptions{Now: req.now(), CatchUp: req.get("catchUp").isTrue()})
	out.flag("publish", publish)
	out.changes(changes)
	return err
}

func signLabel(args arguments, out *writer) error {
	signature, err := omemo.SignLabel(args.records(0), args.at(1).text("label"))
	out.bytes("signature", signature)
	return err
}

func verifyLabel(args arguments, _ *writer) error {
	return omemo.VerifyLabel(args.at(0).bytes("identityKey"), args.at(1).text("label"), args.at(2).bytes("signature"))
}

func fingerprint(args arguments, out *writer) error {
	out.text("text", omemo.Fingerprint(args.at(0).key("key")))
	return nil
}

func parseFingerprint(args arguments, out *writer) error {
	k, err := omemo.ParseFingerprint(args.at(0).text("text"))
	out.bytes("key", k[:])
	return err
}

func formatURI(args arguments, out *writer) error {
	var keys []omemo.DeviceKey
	for _, v := range args.at(1).array("keys") {
		keys = append(keys, omemo.DeviceKey{Device: v.get("device").uint32("device"), Key: v.get("key").key("key")})
	}
	out.text("text", omemo.FormatURI(args.at(0).text("jid"), keys))
	return nil
}

func parseURI(args arguments, out *writer) error {
	jid, keys, err := omemo.ParseURI(args.at(0).text("uri"))
	out.text("jid", jid)
	out.list("keys", len(keys), func(i int) {
		out.number("device", int64(keys[i].Device))
		out.bytes("key", keys[i].Key[:])
	})
	return err
}
