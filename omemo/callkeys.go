// SPDX-License-Identifier: AGPL-3.0-or-later

package omemo

// Keys of group calls: every device makes a secret for what it sends in a call and gives it to the devices of the others in
// a message of omemo:2 (Seal without a body). Frames are encrypted with SFrame (RFC 9605, suite AES_128_GCM_SHA256_128), so
// that the server that forwards them sees none. When somebody joins, each sender goes on to the next secret
// (NextCallSecret) and gives the newcomer that, which says nothing of what was sent before. When somebody leaves, each makes a
// new one (NewCallSecret) and does not give it to whoever left.

// CallSecret is what one device encrypts its frames with: the base key of SFrame.
type CallSecret [32]byte

const (
	// callSuite is AES_128_GCM_SHA256_128.
	callSuite = 4
	// callStepBits is R of RFC 9605 section 5.1: so many bits of the key id tell the step.
	callStepBits = 8
	// MaxCallSender is the largest number of a sender in a call.
	MaxCallSender = 1<<24 - 1
)

// NewCallSecret draws a secret.
func NewCallSecret() (s CallSecret) {
	fillRandom(s[:])
	return s
}

// NextCallSecret is the secret after s, from which s cannot be found (RFC 9605 section 5.1).
func NextCallSecret(s *CallSecret) (next CallSecret) {
	hkdf(zeroSalt(), s[:], "SFrame 1.0 Ratchet", next[:])
	return next
}

// CallKeyID is the key id (KID) of frames by a sender, whose number is unique in the call, after step steps
// (RFC 9605 section 5.1). The step wraps; receivers keep few secrets of a sender.
func CallKeyID(sender, step uint32) (uint64, error) {
	if sender > MaxCallSender {
		return 0, fail(CodeArgument, "number of the sender")
	}
	return uint64(sender)<<callStepBits | uint64(step%(1<<callStepBits)), nil
}

// CallFrameKey derives the AES-128-GCM key and the salt of the nonces for a key id (RFC 9605 section 4.4.2).
func CallFrameKey(s []byte, keyID uint64) (key [16]byte, salt [12]byte, err error) {
	if len(s) < 16 || len(s) > 64 {
		return key, salt, fail(CodeArgument, "secret of a call must have 16 to 64 bytes")
	}
	suffix := make([]byte, 0, 10)
	for shift := 56; shift >= 0; shift -= 8 {
		suffix = append(suffix, byte(keyID>>shift)) //nolint:gosec // the eight bytes
	}
	suffix = append(suffix, 0, callSuite)
	hkdf(zeroSalt(), s, "SFrame 1.0 Secret key "+string(suffix), key[:])
	hkdf(zeroSalt(), s, "SFrame 1.0 Secret salt "+string(suffix), salt[:])
	return key, salt, nil
}
