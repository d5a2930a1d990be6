// SPDX-License-Identifier: AGPL-3.0-or-later

package omemo

// DecryptRequest is one received <encrypted> element, reduced to what is for this device.
type DecryptRequest struct {
	Version Version
	// From is the sender: its bare JID (in a room the real one, never taken from the nickname) and the sid.
	From Address
	// Key is the decoded content of the <key> element whose rid is our device id. Whether it is a key
	// exchange is told by its content, not by the attribute.
	Key []byte
	// IV is the decoded <iv> of 0.3.
	IV []byte
	// Payload is the decoded <payload>; nil if there is none, empty but not nil if it is empty.
	Payload []byte
	// Policy decides about an identity key that is seen for the first time.
	Policy Policy
	// Now is the time in seconds since 1970.
	Now int64
}

// DecryptResult is the outcome of Decrypt.
type DecryptResult struct {
	// Kind is Message if there was a payload, else Empty.
	Kind Kind
	// Plaintext is not nil if Kind is Message.
	Plaintext []byte
	// TransportKey is the key of a 0.3 message without payload.
	TransportKey []byte
	// Key is the identity key of the device that sent the message, Trust the level it has now. The caller
	// shows messages of untrusted keys as such.
	Key   Key
	Trust Trust
	// NewKey: the identity key was not known for this JID before.
	NewKey bool
	// KeyChanged: the new session is with another identity key than the one before.
	KeyChanged bool
	// NewSession: the message was a key exchange that made a new session.
	NewSession bool
	// PreKeyUsed: a one-time prekey was used; Maintain is to be called, at once or, during catch-up, at its
	// end, and the bundle published if it says so.
	PreKeyUsed bool
	// Due: an empty message is owed to the device; Settle sends it.
	Due bool
}

// DecryptNeeds lists the records that Decrypt needs for a message.
func DecryptNeeds(req DecryptRequest) []string {
	keys := []string{KeyIdentity, SessionKey(req.From, req.Version), TrustKey(req.From.JID), KeyDue}
	if req.Version.Valid() && req.Version.params().isKeyExchange(req.Key) {
		keys = append(keys, KeyPreKeys)
	}
	return keys
}

// Decrypt decrypts a message. If it fails, there are no changes; CodeDuplicate is to be ignored silently, and
// no failure is to be answered with a new session without the user's (or a cautious healing policy's)
// consent, except CodeNoSession.
func Decrypt(r Records, req DecryptRequest) (DecryptResult, []Change, error) {
	if !req.Version.Valid() {
		return DecryptResult{}, nil, fail(CodeArgument, "unknown version")
	}
	if err := req.From.check(); err != nil {
		return DecryptResult{}, nil, err
	}
	id, err := r.identity()
	if err != nil {
		return DecryptResult{}, nil, err
	}
	if req.From == id.self {
		return DecryptResult{}, nil, fail(CodeOwnDevice, "")
	}
	d := incoming{req: &req, id: id}
	if d.session, err = r.session(req.From, req.Version); err != nil {
		return DecryptResult{}, nil, err
	}
	if d.trust, err = r.trust(req.From.JID); err != nil {
		return DecryptResult{}, nil, err
	}
	if d.due, err = r.due(); err != nil {
		return DecryptResult{}, nil, err
	}
	if err := d.open(r); err != nil {
		return DecryptResult{}, nil, err
	}
	return d.result, d.changes(), nil
}

// incoming is the state of one Decrypt.
type incoming struct {
	req     *DecryptRequest
	id      *identity
	session *session
	trust   *trustList
	due     *dueList
	preKeys *preKeys // set if changed
	result  DecryptResult
}

func (d *incoming) open(r Records) error {
	p := d.req.Version.params()
	var before *Key
	if len(d.session.ratchets) > 0 {
		key := d.session.ratchets[0].remoteCurve
		before = &key
	}

	o, n, err := d.openKey(r, p)
	if err != nil {
		return err
	}
	if err := d.openContent(o.secret); err != nil {
		return err
	}

	used := o.ratchet
	d.result.Key = used.remoteCurve
	d.result.Trust, d.result.NewKey = d.trust.observe(&used.remoteCurve, d.req.From.Device, d.req.Policy, d.req.Now)
	if d.result.NewSession {
		d.result.KeyChanged = before != nil && *before != used.remoteCurve
		d.session.add(used, d.trust)
		used.due = true
	}
	if o.fresh && n >= HeartbeatAt && !used.heartbeat {
		used.heartbeat, used.due = true, true
	}
	d.result.Due = used.due
	if used.due {
		d.due.add(dueEntry{d.req.From, d.req.Version})
	}
	d.session.lastReceived = d.req.Now
	d.session.forget(d.trust)
	return nil
}

// openKey decrypts the key with the session that it belongs to, or the session that it starts. n is the
// message's counter.
func (d *incoming) openKey(r Records, p *params) (o opened, n uint32, err error) {
	if !p.isKeyExchange(d.req.Key) {
		m, err := p.decodeMessage(d.req.Key)
		if err != nil {
			return o, 0, err
		}
		o, err = d.session.decrypt(&m, -1)
		return o, m.n, err
	}
	exchange, err := p.decodeKeyExchange(d.req.Key)
	if err != nil {
		return o, 0, err
	}
	m, err := p.decodeMessage(exchange.message)
	if err != nil {
		return o, 0, err
	}
	if i := d.session.byExchange(&exchange); i >= 0 {
		o, err = d.session.decrypt(&m, i)
	} else {
		o, err = d.accept(r, &exchange, &m)
	}
	return o, m.n, err
}

// accept builds a session from a key exchange (XEP-0384 section 5.6).
func (d *incoming) accept(r Records, exchange *keyExchange, m *ratchetMessage) (o opened, err error) {
	keys, err := r.preKeys()
	if err != nil {
		return o, err
	}
	signed, oneTime := keys.findSigned(exchange.signedPreKey), keys.find(exchange.preKey)
	if signed == nil || oneTime == nil {
		return o, fail(CodeUnknownPreKey, "")
	}
	if o.ratchet, err = respond(d.id, d.req.Version, signed, oneTime, exchange); err != nil {
		return o, err
	}
	if o.secret, o.fresh, err = o.ratchet.decrypt(m); err != nil {
		return o, err
	}
	d.session.received++
	keys.consume(exchange.preKey, d.req.Now)
	d.preKeys = keys
	d.result.NewSession, d.result.PreKeyUsed = true, true
	return o, nil
}

// openContent decrypts the payload, if there is one.
func (d *incoming) openContent(secret []byte) (err error) {
	if d.req.Payload != nil {
		d.result.Kind = Message
		if d.result.Plaintext, err = openPayload(d.req.Version, secret, d.req.IV, d.req.Payload); d.result.Plaintext == nil {
			d.result.Plaintext = []byte{}
		}
		return err
	}
	d.result.Kind = Empty
	if d.req.Version == V03 {
		if len(secret) < 16 {
			return fail(CodeMalformed, "transported key is too short")
		}
		d.result.TransportKey = secret[:16]
	}
	return nil
}

func (d *incoming) changes() []Change {
	changes := []Change{{SessionKey(d.req.From, d.req.Version), d.session.encode()}}
	if d.preKeys != nil {
		changes = append(changes, Change{KeyPreKeys, d.preKeys.encode()})
	}
	changes = d.trust.changes(changes)
	return d.due.changes(changes)
}
