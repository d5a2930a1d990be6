// SPDX-License-Identifier: AGPL-3.0-or-later

package omemo

// Target is a device to encrypt for, with the versions in which it can be reached. Seal chooses.
type Target struct {
	Address
	// V03 and V2: the device is on its account's list of that version.
	V03, V2 bool
	// BundleV03 and BundleV2 start a session if there is none that can be used. They may be nil.
	BundleV03, BundleV2 *Bundle
	// V2Failed: the omemo:2 bundle was asked for and could not be had, so that 0.3 has to do.
	V2Failed bool
	// AllowWeaker: the user has agreed that a device that has spoken omemo:2 gets messages in 0.3 when it no longer
	// announces omemo:2.
	AllowWeaker bool
	// Renew starts a new session from the bundle in any case.
	Renew bool
}

// SealRequest is the input of Seal.
type SealRequest struct {
	// Kind is Message or Empty.
	Kind Kind
	// Body is the text for devices of 0.3. It may be nil if no message is meant for them; they are then skipped with
	// CodeWeaker.
	Body []byte
	// Content is what stands in the <content/> of the SCE envelope for devices of omemo:2: elements, each with its
	// namespace, such as <body xmlns='jabber:client'>text</body>. Well-formedness is the caller's matter.
	Content []byte
	// To is the bare JID of the chat: the contact's or the room's.
	To string
	// Targets lists every device once.
	Targets []Target
	// DropStale leaves out devices that have long been silent (Stale), with CodeStale.
	DropStale bool
	Policy    Policy
	// Now is the time in seconds since 1970.
	Now int64
}

// SealResult is the outcome of Seal.
type SealResult struct {
	EncryptResult
	// Withdrawn are devices that have spoken omemo:2 and no longer announce it. They were still addressed in omemo:2,
	// because a server could make everybody weaker by changing the list; the user may decide otherwise (AllowWeaker).
	Withdrawn []Address
	// Fallback are devices that announce omemo:2 and were addressed in 0.3 all the same, for want of a bundle.
	Fallback []Address
}

// SealNeeds lists the records that Seal and PlanSeal need.
func SealNeeds(targets []Target) []string {
	both := make([]Recipient, 0, 2*len(targets))
	for i := range targets {
		both = append(both, Recipient{Address: targets[i].Address, Version: V2}, Recipient{Address: targets[i].Address, Version: V03})
	}
	return EncryptNeeds(both)
}

// Seal encrypts a message for many devices, each in the best version that it announces: omemo:2 if it can be reached
// so, else 0.3. A device that has ever answered in omemo:2 stays there. Both elements belong into one stanza. In
// omemo:2 the content is put into an SCE envelope with the affixes that XEP-0384 asks for (rpad, time, to, from) and the
// signed view of the recipients (NamespaceAffixes), which the receiver checks with CheckEnvelope.
//
// Skipped devices and changes are as with Encrypt.
func Seal(r Records, req SealRequest) (SealResult, []Change, error) {
	if req.Kind == KeyTransport {
		return SealResult{}, nil, fail(CodeArgument, "key transport is for Encrypt")
	}
	if err := checkJID(req.To); err != nil && req.Kind == Message {
		return SealResult{}, nil, err
	}
	result := SealResult{}
	recipients, sessions, err := bestVersions(r, req.Targets, &result)
	if err != nil {
		return SealResult{}, nil, err
	}
	e, err := newOutgoing(r, recipients, sessions, req.Policy, req.Now)
	if err != nil {
		return SealResult{}, nil, err
	}
	e.leaveOut(&req)
	e.choose(req.Kind == Message)
	err = e.encrypt(func(v Version) (sealed, error) {
		switch {
		case req.Kind == Empty:
			return sealEmpty(v), nil
		case v == V2:
			return sealMessage(v, e.envelope(req.Content, req.To))
		}
		return sealMessage(v, req.Body)
	})
	if err != nil {
		return SealResult{}, nil, err
	}
	result.EncryptResult = e.result
	return result, e.changes(), nil
}

// leaveOut notes the recipients that are not to get a message, before sessions are started with them.
func (e *outgoing) leaveOut(req *SealRequest) {
	if req.Kind != Message {
		return
	}
	for i := range e.recipients {
		switch c := &e.chosen[i]; {
		case e.recipients[i].Version == V03 && req.Body == nil:
			c.reason = CodeWeaker
		case req.DropStale && e.stale(i):
			c.reason = CodeStale
		}
	}
}

// PlanSeal tells what Seal would do, as Plan does for Encrypt: in which version each device would be addressed, and for
// which there is no session (CodeNoSession), so that the bundle of that version is to be fetched.
func PlanSeal(r Records, targets []Target, policy Policy) ([]Planned, error) {
	recipients, _, err := bestVersions(r, targets, &SealResult{})
	if err != nil {
		return nil, err
	}
	return Plan(r, recipients, policy)
}

// bestVersions chooses the version for each target, and returns the sessions of omemo:2 that it has read for that.
func bestVersions(r Records, targets []Target, notes *SealResult) ([]Recipient, []*session, error) {
	if len(targets) > MaxRecipients {
		return nil, nil, fail(CodeLimit, "too many recipients")
	}
	sessions := make([]*session, len(targets))
	recipients := make([]Recipient, len(targets))
	for i := range targets {
		t := &targets[i]
		if err := t.Address.check(); err != nil {
			return nil, nil, err
		}
		s, err := r.session(t.Address, V2)
		if err != nil {
			return nil, nil, err
		}
		to := Recipient{Address: t.Address, Version: V2, Bundle: t.BundleV2, Renew: t.Renew}
		proven := s.confirmed()
		switch {
		case proven && !t.V2 && !t.AllowWeaker:
			notes.Withdrawn = append(notes.Withdrawn, t.Address)
		case t.V2 && (proven || !t.V2Failed):
		case t.V03:
			to.Version, to.Bundle = V03, t.BundleV03
			if t.V2 {
				notes.Fallback = append(notes.Fallback, t.Address)
			}
		}
		if recipients[i] = to; to.Version == V2 {
			sessions[i] = s
		}
	}
	return recipients, sessions, nil
}

// confirmed reports whether the device has shown that it speaks the version of the session.
func (s *session) confirmed() bool {
	for _, r := range s.ratchets {
		if r.confirmed {
			return true
		}
	}
	return false
}

const (
	// StaleUnanswered and StaleSilence say when a device is stale: so many messages were sent to it since the last one
	// from it, two heartbeats' worth, and for so many seconds, 12 weeks, nothing came. Who keeps its old keys for ever
	// gives an attacker as long to find them.
	StaleUnanswered = 2 * HeartbeatAt
	StaleSilence    = 84 * 24 * 3600
)

// Stale reports whether a device is probably no longer used. heard is when the last message of it was decrypted or, if
// there was none, when its key was first seen, in seconds since 1970.
func Stale(unanswered uint32, heard, now int64) bool {
	return unanswered >= StaleUnanswered && now-heard >= StaleSilence
}

// stale tells it of a recipient, if there is a session.
func (e *outgoing) stale(i int) bool {
	to, s := &e.recipients[i], e.sessions[i]
	if len(s.ratchets) == 0 || to.Renew {
		return false
	}
	current := s.ratchets[0]
	heard := s.lastReceived
	if heard == 0 {
		k := e.trust[to.JID].find(&current.remoteCurve)
		if k == nil {
			return false
		}
		heard = k.FirstSeen
	}
	return Stale(current.unanswered, heard, e.now)
}
