package offline

import (
	"cmp"
	"slices"

	"kith/internal/stanzaid"
)

// ledger knows of every message of one account that waits for its first delivery. It is in the
// order of the archive.
type ledger struct {
	entries []entry
	// head is where the entries begin: those before it are forgotten.
	head int
	// open and bytes count those that still wait.
	open  int
	bytes int64
	// through is the newest Seq whose passage has come to its delivery: only up to here may be sent
	// what was read from the archive, since the passage of what is newer is going to.
	through stanzaid.Seq
	// delivered: nothing waits up to and including this Seq. noted is what the saver knows of it.
	delivered, noted stanzaid.Seq
	// drop gathers hidden messages that are to be deleted.
	drop []stanzaid.Seq
}

type entry struct {
	seq    stanzaid.Seq
	size   int32
	hidden bool
	done   bool
}

// add notes a message; Seqs ascend.
func (l *ledger) add(e entry) {
	if l.head > 64 && l.head*2 > len(l.entries) {
		l.entries = slices.Delete(l.entries, 0, l.head)
		l.head = 0
	}
	l.entries = append(l.entries, e)
	l.open++
	l.bytes += int64(e.size)
}

// find is the entry of a message, nil if it does not wait and did not lately.
func (l *ledger) find(seq stanzaid.Seq) *entry {
	if n := len(l.entries); n > l.head && l.entries[n-1].seq == seq {
		return &l.entries[n-1] // nearly always
	}
	if i, ok := l.index(seq); ok {
		return &l.entries[i]
	}
	return nil
}

// index is the place of the first entry with this Seq or a later one.
func (l *ledger) index(seq stanzaid.Seq) (int, bool) {
	i, ok := slices.BinarySearchFunc(l.entries[l.head:], seq, func(e entry, s stanzaid.Seq) int { return cmp.Compare(e.seq, s) })
	return l.head + i, ok
}

// finish notes that a message has reached a client and reports whether it still waited.
func (l *ledger) finish(seq stanzaid.Seq) bool {
	e := l.find(seq)
	if e == nil || e.done {
		return false
	}
	if e.hidden {
		l.drop = append(l.drop, seq)
	}
	l.close(e)
	return true
}

// cancel forgets a message that was not stored after all.
func (l *ledger) cancel(seq stanzaid.Seq) {
	if e := l.find(seq); e != nil && !e.done {
		l.close(e)
	}
}

func (l *ledger) close(e *entry) {
	e.done = true
	l.open--
	l.bytes -= int64(e.size)
	for l.head < len(l.entries) && l.entries[l.head].done {
		l.delivered = l.entries[l.head].seq
		l.head++
	}
	if l.head == len(l.entries) {
		l.entries, l.head = l.entries[:0], 0
	}
}

// news reports whether there is anything to save.
func (l *ledger) news() bool { return l.delivered > l.noted || len(l.drop) > 0 }

// waits reports whether a message still waits.
func (l *ledger) waits(seq stanzaid.Seq) bool {
	e := l.find(seq)
	return e != nil && !e.done
}

// after are the entries after a Seq whose passages have come to their delivery.
func (l *ledger) after(seq stanzaid.Seq) []entry {
	from, _ := l.index(seq + 1)
	to, _ := l.index(l.through + 1)
	return l.entries[from:max(from, to)]
}
