// SPDX-License-Identifier: AGPL-3.0-or-later

//go:build js && wasm

package main

import "kith/omemo"

// checked reads the request of check. Without affixes it is one about a message of 0.3.
func checked(v value) (req omemo.CheckRequest, envelope bool) {
	req = omemo.CheckRequest{
		From:         v.get("from").object("from").address(),
		Key:          v.get("key").key("key"),
		Self:         v.get("self").text("self"),
		To:           v.get("to").text("to"),
		Group:        v.get("group").isTrue(),
		SentAt:       v.get("sentAt").integer("sentAt"),
		OwnListed:    v.get("ownListed").devices("ownListed"),
		SenderListed: v.get("senderListed").devices("senderListed"),
	}
	for _, k := range v.get("keys").array("keys") {
		key := omemo.HeaderKey{Version: k.version(), Device: k.get("device").uint32("device")}
		if key.Version == omemo.V2 {
			key.JID = k.get("jid").text("jid")
		}
		req.Keys = append(req.Keys, key)
	}
	a := v.get("affixes")
	if a.kind == kindNull {
		return req, false
	}
	to := &req.Affixes
	to.From, to.To = a.get("from").optionalText("from"), a.get("to").optionalText("to")
	if t := a.get("time"); t.kind != kindNull {
		to.Time, to.HasTime = t.integer("time"), true
	}
	if list := a.get("recipients"); list.kind != kindNull {
		to.HasRecipients = true
		for _, r := range list.array("recipients") {
			to.Recipients = append(to.Recipients, omemo.AccountDevices{
				JID: r.get("jid").text("jid"), Devices: r.get("devices").bytes("devices"),
			})
		}
	}
	to.Devices = a.get("devices").optionalBytes("devices")
	to.HasDevices = to.Devices != nil
	return req, true
}

func checkNeeds(args arguments, out *writer) error {
	req, _ := checked(args.object(0))
	out.keys(omemo.CheckNeeds(req))
	return nil
}

func check(args arguments, out *writer) error {
	req, envelope := checked(args.object(1))
	run := omemo.CheckHeader
	if envelope {
		run = omemo.CheckEnvelope
	}
	result, err := run(args.records(0), req)
	out.number("level", int64(result.Level))
	out.list("findings", len(result.Findings), func(i int) {
		f := &result.Findings[i]
		out.text("kind", string(f.Kind))
		out.address(f.Address)
	})
	return err
}
