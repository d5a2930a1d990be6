// SPDX-License-Identifier: AGPL-3.0-or-later

package omemo

// NamespaceCallVerification is the namespace (its spelling is the field's) of the <fingerprint> element that takes
// the place of XEP-0320's in a Jingle transport, with an <encrypted> element of 0.3 in it, and of the <device id=”/> that a
// callee puts into <proceed> (XEP-0353) to say for which device to encrypt. So do Conversations, Dino and Monal.
const NamespaceCallVerification = "http://gultsch.de/xmpp/drafts/omemo/dlts-srtp-verification"

// CallFingerprint is the fingerprint of a DTLS certificate (RFC 8122 section 5): a hash function and its value.
type CallFingerprint struct {
	// Hash is "sha-256", "sha-384" or "sha-512".
	Hash string
	// Text is the value as it stands in XML and in SDP: hexadecimal in upper case, bytes separated by colons.
	Text string
}

// ParseCallFingerprint reads a fingerprint. Older hash functions, for which others can make certificates of the same
// fingerprint, are refused.
func ParseCallFingerprint(hash, text string) (CallFingerprint, error) {
	f := CallFingerprint{Hash: lower(hash)}
	size := 0
	switch f.Hash {
	case "sha-256":
		size = 32
	case "sha-384":
		size = 48
	case "sha-512":
		size = 64
	default:
		return CallFingerprint{}, fail(CodeMalformed, "hash function of the fingerprint")
	}
	for text != "" && isSpace(text[0]) {
		text = text[1:]
	}
	for text != "" && isSpace(text[len(text)-1]) {
		text = text[:len(text)-1]
	}
	if len(text) != 3*size-1 {
		return CallFingerprint{}, fail(CodeMalformed, "length of the fingerprint")
	}
	out := make([]byte, 0, len(text))
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case i%3 == 2:
			if c != ':' {
				return CallFingerprint{}, fail(CodeMalformed, "fingerprint")
			}
			out = append(out, c)
		case c >= '0' && c <= '9', c >= 'A' && c <= 'F':
			out = append(out, c)
		case c >= 'a' && c <= 'f':
			out = append(out, c-'a'+'A')
		default:
			return CallFingerprint{}, fail(CodeMalformed, "fingerprint")
		}
	}
	f.Text = string(out)
	return f, nil
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' }

// SealCallFingerprint encrypts the fingerprint of our certificate for the one device that takes the call. There
// must be a session or a bundle. It needs the records of EncryptNeeds. Without an element (see skipped), the call can go on
// with a fingerprint in clear and is then not verified.
func SealCallFingerprint(r Records, f CallFingerprint, to Recipient, policy Policy, now int64) (EncryptResult, []Change, error) {
	if to.Version != V03 {
		return EncryptResult{}, nil, fail(CodeArgument, "fingerprints are encrypted in 0.3")
	}
	if parsed, err := ParseCallFingerprint(f.Hash, f.Text); err != nil || parsed != f {
		return EncryptResult{}, nil, fail(CodeArgument, "fingerprint")
	}
	return Encrypt(r, EncryptRequest{Body: []byte(f.Text), Recipients: []Recipient{to}, Policy: policy, Now: now})
}

// CallParty is what a Jingle content has shown of the other side: a fingerprint and who has encrypted it.
type CallParty struct {
	Fingerprint CallFingerprint
	From        Address
	Key         Key
	Trust       Trust
}

// OpenCallFingerprint decrypts the fingerprint of a content; hash is the attribute of the <fingerprint> element.
func OpenCallFingerprint(r Records, req DecryptRequest, hash string) (CallParty, []Change, error) {
	if req.Version != V03 || req.Payload == nil {
		return CallParty{}, nil, fail(CodeArgument, "fingerprints are encrypted in 0.3")
	}
	result, changes, err := Decrypt(r, req)
	if err != nil {
		return CallParty{}, nil, err
	}
	party := CallParty{From: req.From, Key: result.Key, Trust: result.Trust}
	if party.Fingerprint, err = ParseCallFingerprint(hash, string(result.Plaintext)); err != nil {
		// The message was genuine and is used up, whatever was in it.
		return CallParty{}, changes, err
	}
	return party, changes, nil
}

// VerifyCall decides whether a call is verified. contents are the fingerprints of all contents of the session, in the
// other side's session-initiate or session-accept; inClear tells that one of them came unencrypted. caller is the device for
// which the fingerprint of our side was encrypted, zero if none was. All contents must be by that one device and one key, or a
// server could put itself between the media of one of them. The level of trust is that of the key.
func VerifyCall(contents []CallParty, inClear bool, caller Address) (Trust, error) {
	if len(contents) == 0 || inClear {
		return Undecided, fail(CodeAuthentication, "fingerprint in clear")
	}
	first := &contents[0]
	if caller != (Address{}) && first.From != caller {
		return Undecided, fail(CodeAuthentication, "fingerprint of another device")
	}
	for i := range contents {
		if contents[i].From != first.From || contents[i].Key != first.Key {
			return Undecided, fail(CodeAuthentication, "fingerprints of several devices")
		}
	}
	return first.Trust, nil
}
