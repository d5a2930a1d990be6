// SPDX-License-Identifier: AGPL-3.0-or-later

package omemo

// Kind is what an <encrypted> element is for.
type Kind uint8

const (
	// Message carries a payload.
	Message Kind = iota
	// Empty carries nothing and only moves the sessions on. Trust does not apply to it.
	Empty
	// KeyTransport carries a fresh key for use outside (0.3 only, XEP-0384 0.3 section 4.6). Trust applies.
	KeyTransport
)

// Recipient is a device to encrypt for, in one version.
type Recipient struct {
	Address
	Version Version
	// Bundle starts a session if there is none that can be used. It may be nil.
	Bundle *Bundle
	// Renew starts a new session from the bundle in any case: the "replace broken session" that the user
	// can ask for.
	Renew bool
}

// MaxRecipients is the number of devices that one Encrypt takes.
const MaxRecipients = 5000

// EncryptRequest is the input of Encrypt.
type EncryptRequest struct {
	Kind Kind
	// Body is the text for 0.3, Envelope the SCE envelope element (XEP-0420) for omemo:2. Each must be set if
	// a recipient has that version and Kind is Message.
	Body, Envelope []byte
	// Recipients lists every device once, in the better of the versions that it announces.
	Recipients []Recipient
	// Policy decides about identity keys that are seen for the first time in a bundle.
	Policy Policy
	// Now is the time in seconds since 1970.
	Now int64
}

// Encrypted is the content of one <encrypted> element. Both versions may stand in one stanza.
type Encrypted struct {
	Version Version
	IV      []byte // 0.3 only
	Payload []byte // nil without payload
	Keys    []EncryptedKey
	// TransportKey is the key that a KeyTransport element carries.
	TransportKey []byte
}

// EncryptedKey is the content of one <key> element and for whom it is.
type EncryptedKey struct {
	Address
	Data []byte
	// KeyExchange is the value of the attribute prekey (0.3) or kex (omemo:2).
	KeyExchange bool
	// Key is the identity key of the session that was used.
	Key   Key
	Trust Trust
	// Unanswered is the number of messages sent to the device since it was heard of last. A large number
	// means that the device is probably no longer used.
	Unanswered uint32
}

// Skipped is a device that was left out, and why: CodeNoSession (neither session nor bundle), CodeUndecided,
// CodeDistrusted, CodeOwnDevice, or what is wrong with its bundle.
type Skipped struct {
	Address
	Version Version
	Reason  Code
	Key     Key // zero if not known
}

// EncryptResult is the outcome of Encrypt. Elements has at most one entry per version, omemo:2 first.
type EncryptResult struct {
	Device   uint32 // our device id, the sid
	Elements []Encrypted
	Skipped  []Skipped
}

// EncryptNeeds lists the records that Start, Plan and Encrypt need for these recipients.
func EncryptNeeds(recipients []Recipient) []string {
	keys := make([]string, 1, 1+2*len(recipients))
	keys[0] = KeyIdentity
	seen := map[string]bool{}
	for i := range recipients {
		to := &recipients[i]
		keys = append(keys, SessionKey(to.Address, to.Version))
		if !seen[to.JID] {
			seen[to.JID] = true
			keys = append(keys, TrustKey(to.JID))
		}
	}
	return keys
}

// Encrypt encrypts one payload for many devices. Devices for which that is impossible or not wanted are
// reported in Skipped and do not hinder the others; if none is left, Elements is empty. The changes are to be
// committed even then: identity keys of new bundles are noted in the trust records, so that the user can be
// asked about them.
func Encrypt(r Records, req EncryptRequest) (EncryptResult, []Change, error) {
	e, err := newOutgoing(r, req.Recipients, nil, req.Policy, req.Now)
	if err != nil {
		return EncryptResult{}, nil, err
	}
	e.choose(req.Kind != Empty)
	if err := e.encrypt(req.seal); err != nil {
		return EncryptResult{}, nil, err
	}
	return e.result, e.changes(), nil
}

// outgoing is the state of one Encrypt, Start or Plan.
type outgoing struct {
	id         *identity
	policy     Policy
	now        int64
	recipients []Recipient
	keys       []string   // of the session records, by recipient
	sessions   []*session // by recipient
	touched    []bool     // by recipient: session has changed
	trust      map[string]*trustList
	jids       []string // keys of trust, in order
	chosen     []chosen // by recipient
	result     EncryptResult
}

// chosen is with what a recipient's key is encrypted, or why it is not.
type chosen struct {
	ratchet *ratchet // nil if there is a reason
	key     Key
	reason  Code
}

// newOutgoing reads every record before anything is changed. sessions, if not nil, holds those of the recipients that
// were read before.
func newOutgoing(r Records, recipients []Recipient, sessions []*session, policy Policy, now int64) (*outgoing, error) {
	if len(recipients) > MaxRecipients {
		return nil, fail(CodeLimit, "too many recipients")
	}
	id, err := r.identity()
	if err != nil {
		return nil, err
	}
	e := &outgoing{
		id:         id,
		policy:     policy,
		now:        now,
		recipients: recipients,
		keys:       make([]string, len(recipients)),
		sessions:   sessions,
		touched:    make([]bool, len(recipients)),
		trust:      map[string]*trustList{},
		chosen:     make([]chosen, len(recipients)),
	}
	if sessions == nil {
		e.sessions = make([]*session, len(recipients))
	}
	e.result.Device = id.self.Device
	seen := make(map[string]bool, len(recipients))
	for i := range recipients {
		to := &recipients[i]
		if err := to.check(); err != nil {
			return nil, err
		}
		key := SessionKey(to.Address, to.Version)
		if seen[key] {
			return nil, fail(CodeArgument, "recipient listed twice: "+key)
		}
		seen[key] = true
		e.keys[i] = key
		if e.sessions[i] == nil {
			if e.sessions[i], err = r.sessionUnder(key, to.Version); err != nil {
				return nil, err
			}
		}
		if e.trust[to.JID] != nil {
			continue
		}
		if e.trust[to.JID], err = r.trust(to.JID); err != nil {
			return nil, err
		}
		e.jids = append(e.jids, to.JID)
	}
	return e, nil
}

func (to *Recipient) check() error {
	if !to.Version.Valid() {
		return fail(CodeArgument, "unknown version")
	}
	if to.Bundle != nil && to.Bundle.Version != to.Version {
		return fail(CodeArgument, "bundle is of the other version")
	}
	return to.Address.check()
}

// choose finds the ratchet for every recipient, starting sessions where there are none. Nothing is encrypted
// yet, so that the payload can tell for whom it is. Recipients that already have a reason stay without.
func (e *outgoing) choose(trusted bool) {
	for i := range e.recipients {
		c := &e.chosen[i]
		if c.reason != "" {
			continue
		}
		if c.ratchet, c.key, c.reason = e.ratchetFor(i, trusted); c.reason == "" && c.ratchet.exhausted() {
			c.reason = CodeLimit
		}
	}
}

// encrypt makes the elements, one for each version that occurs; seal makes the payload of a version.
func (e *outgoing) encrypt(seal func(Version) (sealed, error)) error {
	for _, v := range []Version{V2, V03} {
		var s sealed
		out := Encrypted{Version: v}
		for i := range e.recipients {
			to, c := &e.recipients[i], &e.chosen[i]
			if to.Version != v {
				continue
			}
			if s.secret == nil {
				var err error
				if s, err = seal(v); err != nil {
					return err
				}
				out.Keys = make([]EncryptedKey, 0, len(e.recipients)-i)
			}
			if c.reason != "" {
				e.result.Skipped = append(e.result.Skipped, Skipped{to.Address, v, c.reason, c.key})
				continue
			}
			unanswered := c.ratchet.unanswered
			blob, exchange, err := c.ratchet.encrypt(s.secret)
			if err != nil {
				return err // choose has excluded it
			}
			e.touched[i] = true
			out.Keys = append(out.Keys, EncryptedKey{
				Address: to.Address, Data: blob, KeyExchange: exchange, Key: c.key,
				Trust: e.trust[to.JID].level(&c.key), Unanswered: unanswered,
			})
		}
		if len(out.Keys) == 0 {
			continue
		}
		out.IV, out.Payload = s.iv, s.ciphertext
		if s.transport {
			out.TransportKey = s.secret
		}
		e.result.Elements = append(e.result.Elements, out)
	}
	return nil
}

// seal makes the payload of a version.
func (req *EncryptRequest) seal(v Version) (sealed, error) {
	switch req.Kind {
	case Message:
		plaintext := req.Body
		if v == V2 {
			plaintext = req.Envelope
		}
		if plaintext == nil {
			return sealed{}, fail(CodeArgument, "no plaintext for "+v.Namespace())
		}
		return sealMessage(v, plaintext)
	case Empty:
		return sealEmpty(v), nil
	case KeyTransport:
		if v != V03 {
			return sealed{}, fail(CodeArgument, "key transport exists in 0.3 only")
		}
		s := sealEmpty(v)
		s.transport = true
		return s, nil
	}
	return sealed{}, fail(CodeArgument, "unknown kind")
}

// ratchetFor finds the ratchet to encrypt with for recipient i, starting a session if need be.
func (e *outgoing) ratchetFor(i int, trusted bool) (ratchet *ratchet, key Key, reason Code) {
	to, s := &e.recipients[i], e.sessions[i]
	trust := e.trust[to.JID]
	if to.Address == e.id.self {
		return nil, e.id.curve, CodeOwnDevice
	}
	reason = CodeNoSession
	if len(s.ratchets) > 0 && !to.Renew {
		if ratchet = s.ratchets[0]; trusted {
			ratchet = s.encrypting(trust)
		}
		if ratchet != nil {
			return ratchet, ratchet.remoteCurve, ""
		}
		key = s.ratchets[0].remoteCurve
		reason = distrust(trust.level(&key))
	}
	if to.Bundle == nil {
		return nil, key, reason
	}
	opened, err := to.Bundle.open()
	if err != nil {
		return nil, key, CodeOf(err)
	}
	level, _ := trust.observe(&opened.curve, to.Device, e.policy, e.now)
	if trusted && !level.Encrypts() {
		return nil, opened.curve, distrust(level)
	}
	ratchet, err = initiate(e.id, to.Version, &opened)
	if err != nil {
		return nil, opened.curve, CodeOf(err)
	}
	s.add(ratchet, trust)
	e.touched[i] = true
	return ratchet, opened.curve, ""
}

// distrust is the reason for leaving out a key of a level that gets no messages.
func distrust(level Trust) Code {
	if level == Distrusted {
		return CodeDistrusted
	}
	return CodeUndecided
}

func (e *outgoing) changes() []Change {
	changes := make([]Change, 0, len(e.recipients)+len(e.jids))
	for i := range e.recipients {
		if e.touched[i] {
			changes = append(changes, Change{e.keys[i], e.sessions[i].encode()})
		}
	}
	for _, jid := range e.jids {
		changes = e.trust[jid].changes(changes)
	}
	return changes
}
