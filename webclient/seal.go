// SPDX-License-Identifier: AGPL-3.0-or-later

//go:build js && wasm

package main

import "kith/omemo"

func targets(list []value) []omemo.Target {
	to := make([]omemo.Target, len(list))
	for i, v := range list {
		to[i] = omemo.Target{
			Address:     v.address(),
			V03:         v.get("v03").isTrue(),
			V2:          v.get("v2").isTrue(),
			V2Failed:    v.get("v2Failed").isTrue(),
			AllowWeaker: v.get("allowWeaker").isTrue(),
			Renew:       v.get("renew").isTrue(),
		}
		if b := v.get("bundle"); b.kind != kindNull {
			// One bundle is enough: the caller fetches that of the version which planSeal has told.
			if v := b.version(); v == omemo.V2 {
				to[i].BundleV2 = bundleOf(b, v)
			} else {
				to[i].BundleV03 = bundleOf(b, v)
			}
		}
	}
	return to
}

// targets reads the property targets.
func (v value) targets() []omemo.Target { return targets(v.get("targets").array("targets")) }

func sealNeeds(args arguments, out *writer) error {
	out.keys(omemo.SealNeeds(targets(args.at(0).array("targets"))))
	return nil
}

func planSeal(args arguments, out *writer) error {
	req := args.object(1)
	planned, err := omemo.PlanSeal(args.records(0), req.targets(), req.policy())
	out.planned(planned)
	return err
}

func seal(args arguments, out *writer) error {
	req := args.object(1)
	result, changes, err := omemo.Seal(args.records(0), omemo.SealRequest{
		Kind:      req.encryptKind(),
		Body:      req.get("body").optionalBytes("body"),
		Content:   req.get("content").optionalBytes("content"),
		To:        req.get("to").text("to"),
		Targets:   req.targets(),
		DropStale: req.get("dropStale").isTrue(),
		Policy:    req.policy(),
		Now:       req.now(),
	})
	out.encryptResult(&result.EncryptResult)
	out.addresses("withdrawn", result.Withdrawn)
	out.addresses("fallback", result.Fallback)
	out.changes(changes)
	return err
}

func (w *writer) addresses(name string, list []omemo.Address) {
	w.list(name, len(list), func(i int) { w.address(list[i]) })
}
