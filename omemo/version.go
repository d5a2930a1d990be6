// SPDX-License-Identifier: AGPL-3.0-or-later

package omemo

// Version is one of the two wire versions of OMEMO.
type Version uint8

const (
	// V03 is XEP-0384 version 0.3, namespace "eu.siacs.conversations.axolotl".
	V03 Version = 1
	// V2 is XEP-0384 since version 0.8, namespace "urn:xmpp:omemo:2".
	V2 Version = 2
)

// Namespaces of the two versions.
const (
	NamespaceV03 = "eu.siacs.conversations.axolotl"
	NamespaceV2  = "urn:xmpp:omemo:2"
)

// Valid reports whether v is a version that this package speaks.
func (v Version) Valid() bool { return v == V03 || v == V2 }

// Namespace is the XML namespace of the version, "" for an invalid one.
func (v Version) Namespace() string {
	switch v {
	case V03:
		return NamespaceV03
	case V2:
		return NamespaceV2
	}
	return ""
}

// ParseNamespace finds the version of an XML namespace.
func ParseNamespace(ns string) (Version, bool) {
	switch ns {
	case NamespaceV03:
		return V03, true
	case NamespaceV2:
		return V2, true
	}
	return 0, false
}

// params is everything in which the two versions differ.
type params struct {
	// HKDF info strings (XEP-0384 section 4; for 0.3 those of libsignal).
	infoX3DH, infoRoot, infoMessage, infoPayload string

	// versionByte stands before every message and key exchange, if not 0: both nibbles are the version of
	// the Signal protocol.
	versionByte byte
	// keyType stands before every public key on the wire, if not 0 (DJB_TYPE of libsignal).
	keyType byte
	// edIdentity: identity keys travel in Ed25519 form; otherwise in Curve25519 form.
	edIdentity bool
	// adBySender: the associated data of a message is senderIK || receiverIK; otherwise it is
	// initiatorIK || responderIK in both directions.
	adBySender bool
	// macSize is the number of bytes to which the HMAC of a message is cut.
	macSize int
	// wrapped: message and MAC are the fields of an OMEMOAuthenticatedMessage; otherwise the MAC follows
	// the message.
	wrapped bool

	// Field numbers of the message and of the key exchange.
	message messageFields
	kex     kexFields

	// payloadKey is the size of the payload key; a tag of 16 bytes follows it in the ratchet's plaintext.
	payloadKey int
}

type messageFields struct{ n, pn, dh, ciphertext uint32 }

type kexFields struct{ preKey, signedPreKey, identity, ephemeral, message uint32 }

var paramsV03 = params{
	infoX3DH:    "WhisperText",
	infoRoot:    "WhisperRatchet",
	infoMessage: "WhisperMessageKeys",
	versionByte: 0x33,
	keyType:     0x05,
	adBySender:  true,
	macSize:     8,
	message:     messageFields{dh: 1, n: 2, pn: 3, ciphertext: 4},
	kex:         kexFields{preKey: 1, ephemeral: 2, identity: 3, message: 4, signedPreKey: 6},
	payloadKey:  16,
}

var paramsV2 = params{
	infoX3DH:    "OMEMO X3DH",
	infoRoot:    "OMEMO Root Chain",
	infoMessage: "OMEMO Message Key Material",
	infoPayload: "OMEMO Payload",
	edIdentity:  true,
	macSize:     16,
	wrapped:     true,
	message:     messageFields{n: 1, pn: 2, dh: 3, ciphertext: 4},
	kex:         kexFields{preKey: 1, signedPreKey: 2, identity: 3, ephemeral: 4, message: 5},
	payloadKey:  32,
}

func (v Version) params() *params {
	if v == V03 {
		return &paramsV03
	}
	return &paramsV2
}
