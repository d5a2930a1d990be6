// SPDX-License-Identifier: AGPL-3.0-or-later

package omemo

import "crypto/rand"

// fillRandom fills b with random bytes. It never fails: crypto/rand crashes the program instead.
func fillRandom(b []byte) { _, _ = rand.Read(b) }
