// SPDX-License-Identifier: AGPL-3.0-or-later

//go:build js && wasm

package main

import "kith/omemo"

// checked reads the request of check. Without affixes it is one about a message of 0.3.
func checked(v value) (req omemo.CheckRequest, envelope bool) {
	req = omemo.CheckRequest{
		From:         v.get(nFrom).object().address(),
		Key:          v.get(nKey).key(),
		Self:         v.get(nSelf).text(),
		To:           v.get(nTo).text(),
		Group:        v.get(nGroup).isTrue(),
		SentAt:       v.get(nSentAt).integer(),
		OwnListed:    v.get(nOwnListed).devices(),
		SenderListed: v.get(nSenderListed).devices(),
	}
	for _, k := range v.get(nKeys).array() {
		key := omemo.HeaderKey{Version: k.version(), Device: k.get(nDevice).uint32()}
		if key.Version == omemo.V2 {
			key.JID = k.get(nJID).text()
		}
		req.Keys = append(req.Keys, key)
	}
	a := v.get(nAffixes)
	if a.kind == kindNull {
		return req, false
	}
	to := &req.Affixes
	to.From, to.To = a.get(nFrom).optionalText(), a.get(nTo).optionalText()
	if t := a.get(nTime); t.kind != kindNull {
		to.Time, to.HasTime = t.integer(), true
	}
	if list := a.get(nRecipients); list.kind != kindNull {
		to.HasRecipients = true
		for _, r := range list.array() {
			to.Recipients = append(to.Recipients, omemo.AccountDevices{
				JID: r.get(nJID).text(), Devices: r.get(nDevices).bytes(),
			})
		}
	}
	to.Devices = a.get(nDevices).optionalBytes()
	to.HasDevices = to.Devices != nil
	return req, true
}

func check(args arguments, out *writer) error {
	req, envelope := checked(args.request(1))
	run := omemo.CheckHeader
	if envelope {
		run = omemo.CheckEnvelope
	}
	result, err := run(args.records(), req)
	out.number(nLevel, int64(result.Level))
	out.list(nFindings, len(result.Findings), func(i int) {
		f := &result.Findings[i]
		out.text(nKind, string(f.Kind))
		out.address(f.Address)
	})
	return err
}
