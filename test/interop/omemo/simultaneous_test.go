// SPDX-License-Identifier: AGPL-3.0-or-later

package omemo_test

import (
	"fmt"
	"testing"

	"kith/omemo"
)

// Both sides start a session before they have heard of each other's. A partner that keeps earlier sessions
// (libsignal's children) reads everything. One that keeps only the newest (python-omemo) cannot read what we
// send in the session that it has given up, but its first message brings us together.
func TestSimultaneousStart(t *testing.T) {
	for _, c := range []struct {
		program     string
		keepsOthers bool
	}{{"oracle.py", false}, {"oracle_c.py", true}} {
		for _, v := range []omemo.Version{omemo.V03, omemo.V2} {
			t.Run(c.program+"/"+versionName(v), func(t *testing.T) {
				needPython(t)
				needC(t)
				p := startPartner(t, python, c.program)
				us := newLocal(t, omemo.Address{JID: "us@example.org", Device: 1001})
				them := p.newDevice("them", v, omemo.Address{JID: "them@example.org", Device: 2002})
				hears := func(m wireMessage, want string) {
					t.Helper()
					if got, err := them.decrypt(us, m); err != nil || got != want {
						t.Fatalf("they read %q, %v; want %q", got, err, want)
					}
				}
				weHear := func(m wireMessage, want string) {
					t.Helper()
					if got, err := us.decrypt(them, m); err != nil || string(got.Plaintext) != want {
						t.Fatalf("we read %q, %v; want %q", got.Plaintext, err, want)
					}
				}
				ours, theirs := us.encrypt(them, them.bundle(), "ours"), them.start(us, "theirs")
				hears(ours, "ours")
				weHear(theirs, "theirs")
				if crossing := us.encrypt(them, nil, "crossing"); c.keepsOthers {
					hears(crossing, "crossing")
				}
				weHear(them.encrypt(us, "next"), "next")
				for i := range 5 {
					hears(us.encrypt(them, nil, fmt.Sprint(i)), fmt.Sprint(i))
					weHear(them.encrypt(us, fmt.Sprint(i)), fmt.Sprint(i))
				}
			})
		}
	}
}
