// SPDX-License-Identifier: AGPL-3.0-or-later

package omemo

// Level is how much of a message is protected. A higher one protects all that a lower one does.
type Level uint8

const (
	// Plain: not encrypted.
	Plain Level = iota
	// Legacy is 0.3: only the text is encrypted, and whoever else got the message could have replaced it.
	Legacy
	// WithEnvelope is omemo:2: everything is encrypted and bound to the sending device.
	WithEnvelope
	// WithRecipients is omemo:2 with the sender's word for whom it has encrypted, which agrees with the stanza.
	WithRecipients
)

// Protection is what is known of how a message came: its level, and the trust in the sending device's key when it came.
type Protection struct {
	Level Level
	Trust Trust
}

// AtLeast reports whether p is as good as q in both respects.
func (p Protection) AtLeast(q Protection) bool {
	if p.Level < q.Level {
		return false
	}
	return q.Level == Plain || p.Trust.rank() >= q.Trust.rank()
}

// MayChange decides whether a message may correct or retract an earlier one (XEP-0308, XEP-0424), by the
// bare JIDs of both senders, in rooms the real ones, and their protection. It must be by the same person and must have come
// as well protected: else a server or another device could change what was said.
func MayChange(earlierSender string, earlier Protection, sender string, change Protection) bool {
	return sender == earlierSender && sender != "" && change.AtLeast(earlier)
}

// MayReact decides whether a reaction (XEP-0444) or a reply counts for a message: anybody's, in a chat that is encrypted
// if it is encrypted itself and comes from a key that is trusted. A reaction that changes an earlier one is a change (MayChange).
func MayReact(message, reaction Protection) bool {
	return message.Level == Plain || (reaction.Level != Plain && reaction.Trust.Encrypts())
}
