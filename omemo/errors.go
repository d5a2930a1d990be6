// SPDX-License-Identifier: AGPL-3.0-or-later

package omemo

// Code is the stable name of a failure. Callers (and the browser bridge) decide by it.
type Code string

// Codes that Decrypt returns.
const (
	// CodeDuplicate: this message was certainly decrypted before. It is to be ignored without any notice to the
	// user (XEP-0384 section 6, business rules).
	CodeDuplicate Code = "duplicate"
	// CodeExpired: the message belongs to the session but comes so late that its key is no longer kept.
	CodeExpired Code = "expired"
	// CodeNoSession: a message that is no key exchange came from a device without a session. The caller
	// should build one from the device's bundle and send an empty message.
	CodeNoSession Code = "no-session"
	// CodeAuthentication: the message is not from the peer of any known session, or was changed.
	CodeAuthentication Code = "authentication"
	// CodePayload: the session part is genuine, the payload is not what its sender encrypted.
	CodePayload Code = "payload"
	// CodeTooManySkipped: more messages would be skipped than MaxSkip.
	CodeTooManySkipped Code = "too-many-skipped"
	// CodeNoPreKey: a key exchange without one-time prekey, which must be rejected.
	CodeNoPreKey Code = "no-prekey"
	// CodeUnknownPreKey: the key exchange names a prekey or signed prekey that does not exist (any more).
	CodeUnknownPreKey Code = "unknown-prekey"
	// CodeOwnDevice: the message claims to be from this very device.
	CodeOwnDevice Code = "own-device"
)

// Codes of several operations.
const (
	// CodeMalformed: bytes from the wire do not follow the format.
	CodeMalformed Code = "malformed"
	// CodeBadKey: a public key has the wrong length, is not canonical or of low order.
	CodeBadKey Code = "bad-key"
	// CodeBadSignature: the signature of a bundle's signed prekey or of a label does not verify.
	CodeBadSignature Code = "bad-signature"
	// CodeArgument: the caller passed something impossible (an unknown version, an empty JID, ...).
	CodeArgument Code = "argument"
	// CodeNotRead: a record that the operation needs is not among the records given.
	CodeNotRead Code = "not-read"
	// CodeNoIdentity: there is no identity record; Create has not run.
	CodeNoIdentity Code = "no-identity"
	// CodeRecord: a stored record is damaged or from a newer release.
	CodeRecord Code = "record"
	// CodeLimit: a list or counter has reached its documented limit.
	CodeLimit Code = "limit"
	// CodeUndecided and CodeDistrusted: Encrypt left a device out because of the trust in its identity key.
	CodeUndecided  Code = "undecided"
	CodeDistrusted Code = "distrusted"
	// CodeStale: Seal left a device out because it has long been silent.
	CodeStale Code = "stale"
	// CodeWeaker: Seal left a device out because it can only be reached in 0.3, and the message is not meant for that.
	CodeWeaker Code = "weaker"
	// CodeEnvelope: the envelope of an omemo:2 message is not for this chat, or not by its sender.
	CodeEnvelope Code = "envelope"
)

// Error is every error of this package. errors.Is finds it by its Code:
// errors.Is(err, &omemo.Error{Code: omemo.CodeDuplicate}).
type Error struct {
	Code   Code
	Detail string // for the log and for developers; contains no key material
}

func (e *Error) Error() string {
	if e.Detail == "" {
		return "omemo: " + string(e.Code)
	}
	return "omemo: " + string(e.Code) + ": " + e.Detail
}

// Is matches another *Error with the same code.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code
}

// CodeOf is the code of an error of this package, wrapped or not; "" for nil and for others.
func CodeOf(err error) Code {
	for err != nil {
		if e, ok := err.(*Error); ok { //nolint:errorlint // errors.As would bring reflection into the WebAssembly module
			return e.Code
		}
		wrapper, ok := err.(interface{ Unwrap() error })
		if !ok {
			break
		}
		err = wrapper.Unwrap()
	}
	return ""
}

// fail is not inlined to keep its hundred callers small.
//
//go:noinline
func fail(code Code, detail string) error { return &Error{Code: code, Detail: detail} }
