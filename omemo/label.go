// SPDX-License-Identifier: AGPL-3.0-or-later

package omemo

// SignLabel signs the label of this device for the omemo:2 device list: the value of labelsig before base64
// (XEP-0384 section 5.3.1). It needs the record KeyIdentity.
func SignLabel(r Records, label string) ([]byte, error) {
	id, err := r.identity()
	if err != nil {
		return nil, err
	}
	return id.sign([]byte(label)), nil
}

// VerifyLabel checks a labelsig with the identity key of an omemo:2 bundle (32 bytes, Ed25519 form). A label
// without valid signature must be ignored.
func VerifyLabel(identityKey []byte, label string, signature []byte) error {
	key, _, err := paramsV2.parseIdentity(identityKey)
	if err != nil {
		return err
	}
	if !verifyEd(&key, []byte(label), signature) {
		return fail(CodeBadSignature, "label")
	}
	return nil
}
