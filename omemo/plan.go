// SPDX-License-Identifier: AGPL-3.0-or-later

package omemo

// Planned tells what Encrypt would do for one recipient.
type Planned struct {
	Address
	Version Version
	// Key is the identity key that would be encrypted to, zero if none is known. With NewSession it is the
	// claim of the bundle, whose signature is not verified yet.
	Key   Key
	Trust Trust
	// NewSession: a session would be started from the bundle.
	NewSession bool
	// Reason is empty if the device would get the message, else as in Skipped.
	Reason Code
}

// Plan looks at recipients without encrypting or changing anything, to ask the user about undecided keys, or
// to put the recipients into the envelope. It needs the records of EncryptNeeds.
func Plan(r Records, recipients []Recipient, policy Policy) ([]Planned, error) {
	e, err := newOutgoing(r, recipients, nil, policy, 0)
	if err != nil {
		return nil, err
	}
	plan := make([]Planned, len(recipients))
	for i := range recipients {
		plan[i] = e.plan(i)
	}
	return plan, nil
}

func (e *outgoing) plan(i int) Planned {
	to, s := &e.recipients[i], e.sessions[i]
	trust := e.trust[to.JID]
	p := Planned{Address: to.Address, Version: to.Version, Reason: CodeNoSession}
	if to.Address == e.id.self {
		p.Key, p.Reason = e.id.curve, CodeOwnDevice
		return p
	}
	if len(s.ratchets) > 0 && !to.Renew {
		if ratchet := s.encrypting(trust); ratchet != nil {
			p.Key, p.Reason = ratchet.remoteCurve, ""
			p.Trust = trust.level(&p.Key)
			return p
		}
		p.Key = s.ratchets[0].remoteCurve
		p.Trust = trust.level(&p.Key)
		p.Reason = distrust(p.Trust)
	}
	if to.Bundle == nil {
		return p
	}
	key, err := to.Bundle.identityOf()
	if err != nil {
		p.Reason = CodeOf(err)
		return p
	}
	p.Key, p.NewSession = key, true
	if known := trust.find(&key); known != nil {
		p.Trust = known.Trust
	} else {
		p.Trust = trust.decide(e.policy, to.Device)
	}
	p.Reason = ""
	if !p.Trust.Encrypts() {
		p.Reason = distrust(p.Trust)
	}
	return p
}

// StartRequest is the input of Start.
type StartRequest struct {
	Recipients []Recipient // with bundles
	Policy     Policy
	Now        int64
}

// Started is a session that exists after Start.
type Started struct {
	Address
	Version Version
	Key     Key
	Trust   Trust
}

// Start verifies bundles and starts sessions from them without sending anything yet; Encrypt does the same on
// its way. Recipients that already have a usable session are reported as started and stay as they are,
// unless Renew is set. To be called only just before sending: the peer does not know which prekey was taken
// until the first message arrives. It needs the records of EncryptNeeds.
func Start(r Records, req StartRequest) (started []Started, skipped []Skipped, changes []Change, err error) {
	e, err := newOutgoing(r, req.Recipients, nil, req.Policy, req.Now)
	if err != nil {
		return nil, nil, nil, err
	}
	for i := range e.recipients {
		to := &e.recipients[i]
		_, key, reason := e.ratchetFor(i, true)
		if reason != "" {
			skipped = append(skipped, Skipped{to.Address, to.Version, reason, key})
			continue
		}
		started = append(started, Started{to.Address, to.Version, key, e.trust[to.JID].level(&key)})
	}
	return started, skipped, e.changes(), nil
}
