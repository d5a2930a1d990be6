// SPDX-License-Identifier: AGPL-3.0-or-later

package omemo

// SessionState describes a session for the user interface.
type SessionState struct {
	Exists bool
	// Key is the identity key that the session is with.
	Key Key
	// Confirmed: the device is known to have the session.
	Confirmed bool
	// Unanswered is the number of messages sent since the last one from the device.
	Unanswered uint32
	// LastReceived is when the last message from the device was decrypted, in seconds since 1970; 0 if never.
	LastReceived int64
}

// InspectSession describes the session with a device. It needs the record SessionKey(a, v).
func InspectSession(r Records, a Address, v Version) (SessionState, error) {
	if err := a.check(); err != nil {
		return SessionState{}, err
	}
	if !v.Valid() {
		return SessionState{}, fail(CodeArgument, "unknown version")
	}
	s, err := r.session(a, v)
	if err != nil || len(s.ratchets) == 0 {
		return SessionState{}, err
	}
	current := s.ratchets[0]
	return SessionState{
		Exists:       true,
		Key:          current.remoteCurve,
		Confirmed:    current.confirmed,
		Unanswered:   current.unanswered,
		LastReceived: s.lastReceived,
	}, nil
}
