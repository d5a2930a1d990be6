// SPDX-License-Identifier: AGPL-3.0-or-later

package omemo

// HeaderKey is a <key> of a received <encrypted> element. In 0.3 elements keys have no JID.
type HeaderKey struct {
	Version Version
	JID     string
	Device  uint32
}

// CheckRequest is the input of CheckEnvelope: a decrypted message of omemo:2, what the server says around it, and
// which devices it lists.
type CheckRequest struct {
	// From is the sending device as it was given to Decrypt, Key the identity key that Decrypt has returned.
	From Address
	Key  Key
	// Self is the bare JID of our account.
	Self string
	// To is the bare JID to which the stanza was sent: ours, for a copy of our own message the contact's, in a group the
	// room's. Group tells the latter: <to/> must then be there.
	To    string
	Group bool
	// SentAt is when the stanza was sent, in seconds since 1970: the time of its delay or of the archive, else now.
	SentAt int64
	// Affixes are those of the envelope.
	Affixes Affixes
	// Keys are the <key> elements of all <encrypted> elements of the stanza.
	Keys []HeaderKey
	// OwnListed and SenderListed are the device ids on the lists, of both versions, of our account and of the sender's.
	// Nil if not known; then nothing is said about lists. For a message out of the archive the lists of today
	// say little: leave them nil.
	OwnListed, SenderListed []uint32
}

// FindingKind says what is suspicious about a message.
type FindingKind string

const (
	// KeyStripped: the sender encrypted for the device, and its <key> is gone. KeyAdded: there is a <key> that
	// the sender did not make. The header was changed on the way.
	KeyStripped FindingKind = "key-stripped"
	KeyAdded    FindingKind = "key-added"
	// DeviceInjected: the sender encrypted for a device of our account that does not exist as far as we know. Somebody
	// may be reading along.
	DeviceInjected FindingKind = "device-injected"
	// KeyReplaced: the sender has another identity key for a device, of our account or of its own, than we know.
	KeyReplaced FindingKind = "key-replaced"
	// OwnWithoutKey: the device is ours and listed, and got no key.
	OwnWithoutKey FindingKind = "own-without-key"
	// DeviceUnvouched: the server lists the device for the sender's account, and the sender does not know or trust it.
	DeviceUnvouched FindingKind = "device-unvouched"
	// DeviceUnlisted: the sender has the device, and the server does not list it.
	DeviceUnlisted FindingKind = "device-unlisted"
	// SenderUnlisted: the sending device is not on its account's list.
	SenderUnlisted FindingKind = "sender-unlisted"
	// WrongTime: the sender wrote the message at another time than the server says.
	WrongTime FindingKind = "wrong-time"
)

// Finding is one suspicious fact. Device is the device that it is about, zero for WrongTime.
type Finding struct {
	Kind FindingKind
	Address
}

// CheckResult is the outcome of CheckEnvelope.
type CheckResult struct {
	// Level is WithRecipients if the sender told for whom it had encrypted and the stanza agrees with that, else WithEnvelope.
	Level    Level
	Findings []Finding
}

const (
	// timeAhead and timeBehind are the seconds by which the sender's clock may be ahead of the server's, and the age that a
	// message may have when the server gets it.
	timeAhead  = 10 * 60
	timeBehind = 24 * 3600
	// maxListed is the number of devices on one list that are looked at.
	maxListed = 1000
)

// CheckNeeds lists the records that CheckEnvelope and CheckHeader need.
func CheckNeeds(req CheckRequest) []string {
	keys := []string{KeyIdentity, TrustKey(req.Self)}
	if req.From.JID != req.Self {
		keys = append(keys, TrustKey(req.From.JID))
	}
	return keys
}

// CheckEnvelope checks the affixes of an envelope that Decrypt has opened: that it was written by its sender for this
// chat (XEP-0420 section 3, XEP-0384 section 5.5.1), and what the sender says of devices against what the server says. An
// envelope for another chat or by another sender, or one that is for no chat in a group, is CodeEnvelope: the message is
// not to be shown. Everything else is reported.
func CheckEnvelope(r Records, req CheckRequest) (CheckResult, error) {
	c, err := newChecker(r, &req)
	if err != nil {
		return CheckResult{}, err
	}
	a := &req.Affixes
	switch {
	case a.From != "" && a.From != req.From.JID:
		return CheckResult{}, fail(CodeEnvelope, "written by somebody else")
	case a.To == "" && req.Group:
		return CheckResult{}, fail(CodeEnvelope, "does not tell for which chat it is")
	case a.To != "" && a.To != req.To:
		return CheckResult{}, fail(CodeEnvelope, "written for another chat")
	}
	if a.HasTime && (a.Time > req.SentAt+timeAhead || a.Time < req.SentAt-timeBehind) {
		c.add(WrongTime, Address{})
	}
	c.lists()
	level := WithEnvelope
	if a.HasRecipients {
		same, err := c.recipients()
		if err != nil {
			return CheckResult{}, err
		}
		if same {
			level = WithRecipients
		}
	}
	if a.HasDevices {
		if err := c.devices(); err != nil {
			return CheckResult{}, err
		}
	}
	return CheckResult{level, c.findings}, nil
}

// CheckHeader is what can be checked of a message without an envelope, that is of 0.3: whether its sender is listed and
// every device of ours got a key. Affixes are not looked at.
func CheckHeader(r Records, req CheckRequest) (CheckResult, error) {
	c, err := newChecker(r, &req)
	if err != nil {
		return CheckResult{}, err
	}
	c.lists()
	return CheckResult{Legacy, c.findings}, nil
}

// checker is the state of one check.
type checker struct {
	req      *CheckRequest
	id       *identity
	own      *trustList // of our account
	sender   *trustList // of the sender's, the same if we are it
	findings []Finding
}

func newChecker(r Records, req *CheckRequest) (*checker, error) {
	if err := req.From.check(); err != nil {
		return nil, err
	}
	if len(req.Keys) > 2*MaxRecipients || len(req.OwnListed) > maxListed || len(req.SenderListed) > maxListed {
		return nil, fail(CodeLimit, "too many devices")
	}
	c := &checker{req: req}
	var err error
	if c.id, err = r.identity(); err != nil {
		return nil, err
	}
	if c.id.self.JID != req.Self {
		return nil, fail(CodeArgument, "not our account")
	}
	if c.own, err = r.trust(req.Self); err != nil {
		return nil, err
	}
	c.sender, err = r.trust(req.From.JID)
	return c, err
}

func (c *checker) add(kind FindingKind, a Address) { c.findings = append(c.findings, Finding{kind, a}) }

// headerHas reports whether there is a <key> for a device. Keys of 0.3 have no JID.
func (c *checker) headerHas(a Address) bool {
	for i := range c.req.Keys {
		if k := &c.req.Keys[i]; k.Device == a.Device && (k.Version == V03 || k.JID == a.JID) {
			return true
		}
	}
	return false
}

// lists compares the header with the lists of devices.
func (c *checker) lists() {
	for _, id := range c.req.OwnListed {
		a := Address{c.req.Self, id}
		if a != c.req.From && !c.headerHas(a) {
			c.add(OwnWithoutKey, a)
		}
	}
	if c.req.SenderListed != nil && !contains(c.req.SenderListed, c.req.From.Device) {
		c.add(SenderUnlisted, c.req.From)
	}
}

// recipients compares <recipients/> with the header, and what it says of our account with what we know.
func (c *checker) recipients() (same bool, err error) {
	header := make(map[HeaderKey]int, len(c.req.Keys))
	for _, k := range c.req.Keys {
		if k.Version == V03 {
			k.JID = ""
		}
		header[k]++
	}
	before := len(c.findings)
	seen := map[string]bool{}
	for i := range c.req.Affixes.Recipients {
		account := &c.req.Affixes.Recipients[i]
		list, err := parseEntries(account.Devices)
		if err != nil {
			return false, err
		}
		if seen[account.JID] || len(seen) >= MaxRecipients {
			return false, fail(CodeMalformed, "account in the list of recipients")
		}
		seen[account.JID] = true
		for j := range list {
			e := &list[j]
			key := HeaderKey{V2, account.JID, e.device}
			if e.legacy {
				key = HeaderKey{V03, "", e.device}
			}
			if header[key] == 0 {
				c.add(KeyStripped, Address{account.JID, e.device})
			}
			header[key]--
		}
		if account.JID == c.req.Self && account.JID != c.req.From.JID {
			c.ours(list)
		}
	}
	for _, k := range c.req.Keys { // in their order, so that findings have one
		if k.Version == V03 {
			k.JID = ""
		}
		if header[k] > 0 {
			header[k]--
			c.add(KeyAdded, Address{k.JID, k.Device})
		}
	}
	for _, f := range c.findings[before:] {
		if f.Kind == KeyStripped || f.Kind == KeyAdded {
			return false, nil
		}
	}
	return true, nil
}

// ours compares the sender's list of our devices with what we know of them.
func (c *checker) ours(list []deviceEntry) {
	for i := range list {
		e := &list[i]
		a := Address{c.req.Self, e.device}
		if a == c.id.self {
			if !e.is(&c.id.curve) {
				c.add(KeyReplaced, a)
			}
			continue
		}
		switch known, matches := c.own.matches(e); {
		case matches:
		case known:
			c.add(KeyReplaced, a)
		case c.req.OwnListed != nil && !contains(c.req.OwnListed, e.device):
			c.add(DeviceInjected, a)
		}
	}
}

// devices compares the sender's list of its account's devices with what we know of them.
func (c *checker) devices() error {
	list, err := parseEntries(c.req.Affixes.Devices)
	if err != nil {
		return err
	}
	vouched := make([]uint32, 0, len(list))
	for i := range list {
		e := &list[i]
		a := Address{c.req.From.JID, e.device}
		vouched = append(vouched, e.device)
		if c.req.SenderListed != nil && !contains(c.req.SenderListed, e.device) && a != c.req.From {
			c.add(DeviceUnlisted, a)
		}
		known, matches := c.sender.matches(e)
		switch a {
		case c.req.From:
			known, matches = true, e.is(&c.req.Key)
		case c.id.self:
			known, matches = true, e.is(&c.id.curve)
		}
		if known && !matches {
			c.add(KeyReplaced, a)
		}
	}
	for _, id := range c.req.SenderListed {
		a := Address{c.req.From.JID, id}
		if a != c.id.self && !contains(vouched, id) {
			c.add(DeviceUnvouched, a)
		}
	}
	return nil
}

// matches tells whether keys are known of the device of an entry, and whether its key is among them.
func (t *trustList) matches(e *deviceEntry) (known, matches bool) {
	for i := range t.keys {
		if k := &t.keys[i]; k.Device == e.device {
			if known = true; e.is(&k.Key) {
				return true, true
			}
		}
	}
	return known, false
}

func contains(list []uint32, id uint32) bool {
	for _, x := range list {
		if x == id {
			return true
		}
	}
	return false
}
