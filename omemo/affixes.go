// SPDX-License-Identifier: AGPL-3.0-or-later

package omemo

// NamespaceSCE is the namespace of the envelope and of its own affix elements (XEP-0420).
const NamespaceSCE = "urn:xmpp:sce:1"

// NamespaceAffixes is the namespace of the affix elements that Kith adds to the envelope of omemo:2: <recipients/>
// tells for which devices with which keys the sender has encrypted, <devices/> which devices with which keys the
// sender's account has as its sending device knows it. Neither is protected by OMEMO itself: header and device lists
// are the server's to change. Whoever does not know the affixes ignores them (XEP-0420 section 3).
const NamespaceAffixes = "kith:omemo:0"

// Affixes are the affix elements of an SCE envelope, as a reader of XML found them. What is missing is zero.
type Affixes struct {
	// From and To are bare JIDs, normalised by the reader.
	From, To string
	// Time is in seconds since 1970; HasTime tells that there was one.
	Time    int64
	HasTime bool
	// Recipients is the content of <recipients/>; HasRecipients tells that there was one.
	Recipients    []AccountDevices
	HasRecipients bool
	// Devices is the decoded text of <devices/>; HasDevices tells that there was one.
	Devices    []byte
	HasDevices bool
}

// AccountDevices is an <account jid=”/> of <recipients/>: a bare JID and the decoded text.
type AccountDevices struct {
	JID     string
	Devices []byte
}

const (
	// keyPrefix is how much of an identity key an entry holds: 128 bits, so that nobody finds another key for it.
	keyPrefix = 16
	// entrySize is the size of one entry of a list of devices: the device id, big-endian, and the beginning of the
	// identity key in Curve25519 form.
	entrySize = 4 + keyPrefix
	// legacyBit in the device id marks devices that were addressed in 0.3.
	legacyBit = 1 << 31

	// minEnvelope is the size in bytes to which an envelope is padded, maxPadding the number of random bytes that come
	// on top at most (XEP-0420 section 3, <rpad/>).
	minEnvelope = 512
	maxPadding  = 200
)

// deviceEntry is a device in a list of devices.
type deviceEntry struct {
	device uint32
	legacy bool
	key    [keyPrefix]byte
}

func entryOf(device uint32, v Version, key *Key) (e deviceEntry) {
	e.device, e.legacy = device, v == V03
	copy(e.key[:], key[:])
	return e
}

// is reports whether the entry names this key.
func (e *deviceEntry) is(key *Key) bool { return e.key == [keyPrefix]byte(key[:keyPrefix]) }

//go:noinline
func appendEntry(b []byte, e *deviceEntry) []byte {
	id := e.device
	if e.legacy {
		id |= legacyBit
	}
	b = append(b, byte(id>>24), byte(id>>16), byte(id>>8), byte(id)) //nolint:gosec // the four bytes
	return append(b, e.key[:]...)
}

// parseEntries reads a list of devices, in which no device may occur twice.
func parseEntries(data []byte) ([]deviceEntry, error) {
	if len(data)%entrySize != 0 || len(data) > MaxRecipients*entrySize {
		return nil, fail(CodeMalformed, "list of devices")
	}
	list := make([]deviceEntry, 0, len(data)/entrySize)
	seen := make(map[uint32]bool, len(data)/entrySize)
	for ; len(data) > 0; data = data[entrySize:] {
		id := uint32(data[0])<<24 | uint32(data[1])<<16 | uint32(data[2])<<8 | uint32(data[3])
		e := deviceEntry{device: id &^ legacyBit, legacy: id&legacyBit != 0}
		copy(e.key[:], data[4:])
		if e.device == 0 || seen[e.device] {
			return nil, fail(CodeMalformed, "device in a list of devices")
		}
		seen[e.device] = true
		list = append(list, e)
	}
	return list, nil
}

// envelope writes the SCE envelope around the content, with the OMEMO profile of affixes (XEP-0384 section 5.5.1) and
// the lists of what was chosen.
func (e *outgoing) envelope(content []byte, to string) []byte {
	w := xmlWriter{make([]byte, 0, max(minEnvelope, len(content)+360+30*len(e.recipients))+2*maxPadding)}
	w.raw("<envelope xmlns='" + NamespaceSCE + "'><content>")
	w.buf = append(w.buf, content...)
	w.raw("</content><time stamp='")
	w.time(e.now)
	w.raw("'/><to")
	w.jid(to)
	w.raw("/><from")
	w.jid(e.id.self.JID)
	w.raw("/><recipients xmlns='" + NamespaceAffixes + "'>")
	lists := e.entries()
	for _, jid := range e.jids {
		if list := lists[jid]; list != nil {
			w.raw("<account")
			w.jid(jid)
			w.raw(">")
			w.base64(list)
			w.raw("</account>")
		}
	}
	w.raw("</recipients><devices xmlns='" + NamespaceAffixes + "'>")
	w.base64(e.ownView())
	w.raw("</devices><rpad>")
	const end = "</rpad></envelope>"
	w.padding(max(0, minEnvelope-len(w.buf)-len(end)))
	w.raw(end)
	return w.buf
}

// entries lists the devices that get the message, by JID.
func (e *outgoing) entries() map[string][]byte {
	lists := make(map[string][]byte, len(e.jids))
	for i := range e.recipients {
		if to, c := &e.recipients[i], &e.chosen[i]; c.reason == "" {
			entry := entryOf(to.Device, to.Version, &c.key)
			lists[to.JID] = appendEntry(lists[to.JID], &entry)
		}
	}
	return lists
}

// ownView lists the devices of our own account for whose keys this device stands: itself, and those among the
// recipients whose keys it trusts, whether or not they can get this message.
func (e *outgoing) ownView() []byte {
	self := entryOf(e.id.self.Device, V2, &e.id.curve)
	list := appendEntry(nil, &self)
	trust := e.trust[e.id.self.JID]
	for i := range e.recipients {
		to := &e.recipients[i]
		if to.JID != e.id.self.JID || to.Device == e.id.self.Device {
			continue
		}
		key := e.chosen[i].key
		if key == (Key{}) {
			key = trust.keyOf(to.Device)
		}
		if trust.level(&key).Encrypts() {
			entry := entryOf(to.Device, V2, &key)
			list = appendEntry(list, &entry)
		}
	}
	return list
}

// keyOf is a key that is trusted and was first seen with a device, zero if there is none.
func (t *trustList) keyOf(device uint32) Key {
	for i := range t.keys {
		if k := &t.keys[i]; k.Device == device && k.Trust.Encrypts() {
			return k.Key
		}
	}
	return Key{}
}

// xmlWriter appends XML. Its methods are not inlined: the module for the browser would grow with every call.
type xmlWriter struct{ buf []byte }

//go:noinline
func (w *xmlWriter) raw(s string) { w.buf = append(w.buf, s...) }

// jid appends the attribute of that name, characters that XML forbids replaced.
func (w *xmlWriter) jid(s string) {
	w.raw(" jid='")
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '&':
			w.raw("&amp;")
		case c == '<':
			w.raw("&lt;")
		case c == '\'':
			w.raw("&apos;")
		case c < ' ':
			w.raw("?")
		default:
			w.raw(s[i : i+1])
		}
	}
	w.raw("'")
}

// padding appends at least n characters, and up to maxPadding more.
func (w *xmlWriter) padding(n int) {
	var random [3 * (minEnvelope + maxPadding) / 4]byte
	n += randomIndex(maxPadding + 1)
	fillRandom(random[:])
	start := len(w.buf)
	w.base64(random[:])
	w.buf = w.buf[:start+n]
}

// base64 stands in for encoding/base64, which brings reflection into the module.
func (w *xmlWriter) base64(data []byte) {
	const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	for ; len(data) > 0; data = data[min(3, len(data)):] {
		var group [3]byte
		n := copy(group[:], data)
		quad := [4]byte{
			digits[group[0]>>2], digits[group[0]&3<<4|group[1]>>4], digits[group[1]&15<<2|group[2]>>6], digits[group[2]&63],
		}
		if n < 3 {
			quad[3] = '='
		}
		if n < 2 {
			quad[2] = '='
		}
		w.buf = append(w.buf, quad[:]...)
	}
}

// time appends seconds since 1970 as DateTime of XEP-0082 in UTC; the core does not import package time. The calendar
// repeats after 400 years, which have 146,097 days; years begin in March here, so that the leap day comes last.
func (w *xmlWriter) time(seconds int64) {
	seconds = min(max(seconds, 0), 253402300799) // 9999-12-31T23:59:59Z
	days, rest := seconds/86400+719468, seconds%86400
	day := days % 146097
	year := (day - day/1460 + day/36524 - day/146096) / 365
	day -= 365*year + year/4 - year/100
	month := (5*day + 2) / 153
	day -= (153*month+2)/5 - 1
	year += days / 146097 * 400
	if month += 3; month > 12 {
		month, year = month-12, year+1
	}
	w.digits(year/100, "")
	w.digits(year%100, "-")
	w.digits(month, "-")
	w.digits(day, "T")
	w.digits(rest/3600, ":")
	w.digits(rest/60%60, ":")
	w.digits(rest%60, "Z")
}

// digits appends two digits and what follows.
//
//go:noinline
func (w *xmlWriter) digits(n int64, after string) {
	w.buf = append(w.buf, byte('0'+n/10), byte('0'+n%10)) //nolint:gosec // two digits
	w.raw(after)
}
