// SPDX-License-Identifier: AGPL-3.0-or-later

package omemo

// SignLabel signs the label of this device for the omemo:2 device list: the value of labelsig before base64
// (XEP-0384 section 5.3.1). It needs the record KeyIdentity.
//
// What is signed has no mark of what it is, and the same key signs prekeys: a label as long as one of those is
// refused (CodeArgument), so that nobody can be talked into signing a prekey that somebody else has made.
func SignLabel(r Records, label string) ([]byte, error) {
	id, err := r.identity()
	if err != nil {
		return nil, err
	}
	for _, v := range [...]Version{V03, V2} {
		if len(label) == len(v.params().publicKeyBytes(&id.curve)) {
			return nil, fail(CodeArgument, "label is as long as a public key")
		}
	}
	return id.sign([]byte(label)), nil
}

// VerifyLabel checks the labelsig of a device that has this identity key. A label without valid signature must be
// ignored.
//
// A Key has lost the sign bit of the Ed25519 form with which labels are signed, so that both are tried: nobody but
// who has the private key can sign for either.
func VerifyLabel(key Key, label string, signature []byte) error {
	for _, sign := range [...]byte{0, 0x80} {
		ed := toEdwards(&key, sign)
		if verifyEd(&ed, []byte(label), signature) {
			return nil
		}
	}
	return fail(CodeBadSignature, "label")
}
