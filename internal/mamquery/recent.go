package mamquery

import "kith/internal/stanzaid"

// MaxUnread is how many unread messages of a conversation are counted (XEP-0430): beyond that, nobody
// wants to know exactly.
const MaxUnread = 1000

// Recent is the end of a conversation, as a list of conversations needs it (XEP-0430 section 2.2).
type Recent struct {
	// Newest is the last that the archive has of the conversation, 0 if it has nothing. Last is the
	// newest message that a person is to read, 0 if there is none.
	Newest, Last stanzaid.Seq
	// Unread are the messages from others, newest first, that follow on what was read; at most
	// [MaxUnread].
	Unread []stanzaid.Seq
	// Marker is the newest of the own messages among those or after them which says that something
	// was displayed (XEP-0333), 0 if there is none. What it names, and what came before, is read too.
	Marker stanzaid.Seq
}

// Displayed takes note that upTo was displayed, and so all before it.
func (r *Recent) Displayed(upTo stanzaid.Seq) {
	for i, seq := range r.Unread {
		if seq <= upTo {
			r.Unread = r.Unread[:i]
			return
		}
	}
}
