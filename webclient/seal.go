// SPDX-License-Identifier: AGPL-3.0-or-later

//go:build js && wasm

package main

import "kith/omemo"

func targets(list []value) []omemo.Target {
	to := make([]omemo.Target, len(list))
	for i, v := range list {
		to[i] = omemo.Target{
			Address:     v.address(),
			V03:         v.get(nV03).isTrue(),
			V2:          v.get(nV2).isTrue(),
			V2Failed:    v.get(nV2Failed).isTrue(),
			AllowWeaker: v.get(nAllowWeaker).isTrue(),
			Renew:       v.get(nRenew).isTrue(),
		}
		if b := v.get(nBundle); b.kind != kindNull {
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
func (v value) targets() []omemo.Target { return targets(v.get(nTargets).array()) }

func planSeal(args arguments, out *writer) error {
	req := args.request(1)
	planned, err := omemo.PlanSeal(args.records(), req.targets(), req.policy())
	out.planned(planned)
	return err
}

func seal(args arguments, out *writer) error {
	req := args.request(1)
	result, changes, err := omemo.Seal(args.records(), omemo.SealRequest{
		Kind:      req.encryptKind(),
		Body:      req.get(nBody).optionalBytes(),
		Content:   req.get(nContent).optionalBytes(),
		To:        req.get(nTo).text(),
		Targets:   req.targets(),
		DropStale: req.get(nDropStale).isTrue(),
		Policy:    req.policy(),
		Now:       req.now(),
	})
	out.encryptResult(&result.EncryptResult)
	out.addresses(nWithdrawn, result.Withdrawn)
	out.addresses(nFallback, result.Fallback)
	out.changes(changes)
	return err
}

func (w *writer) addresses(n name, list []omemo.Address) {
	w.list(n, len(list), func(i int) { w.address(list[i]) })
}
