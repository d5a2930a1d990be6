package muc

import (
	"time"

	"kith/internal/jid"
	"kith/internal/mailbox"
	"kith/internal/stanza"
	"kith/internal/stanzaid"
	"kith/server/module"
)

// Room is the actor for one room address, whether there is a room or not. Everything in it is touched
// only by its mailbox.
type Room struct {
	s   *Service
	jid jid.JID
	box *mailbox.Mailbox[work]

	// loaded: it is known whether the room exists. locked: it exists only here, and waits for its maker
	// to configure it (XEP-0045 section 10.1).
	loaded, exists, locked bool
	// visited: somebody was here since the room was loaded. A temporary room ends when the last
	// occupant leaves, not before the first has come back.
	visited bool
	// closing: the service shuts down.
	closing bool

	config  RoomConfig
	salt    []byte
	subject Subject
	hats    Hats
	avatar  []string
	members members

	occupants
	line line

	archive  int64
	archived bool
	owner    stanzaid.Owner
	// last is the Seq of the newest message, whether it is committed or not.
	last stanzaid.Seq

	relayed  relays
	privates privates
	invites  invitations
	voices   voices
	links    Links
	guesses  guesses
	queries  queries
	stopLock func()
	stopIdle func()
	idle     bool
}

// work is one message to the actor: a stanza; a function to run, which gets the error for which the
// room could not be loaded; or the end of a commit.
type work struct {
	env    *module.Envelope
	do     func(r *Room, err error)
	commit *entry
	err    error
}

func newRoom(s *Service, j jid.JID) *Room {
	r := &Room{s: s, jid: j, owner: s.ids.Owner(j)}
	r.box = mailbox.New(s.config.Mailbox, s.counters.Overflow, r.handle)
	return r
}

func (r *Room) handle(w work) {
	if w.commit != nil {
		r.committed(w.commit, w.err)
	} else {
		err := r.load()
		switch {
		case w.do != nil:
			w.do(r, err)
		case err != nil:
			r.s.logError("loading a room failed", err)
			r.s.bounce(w.env, stanza.Internal(err))
		default:
			r.receive(w.env)
		}
	}
	r.rest()
}

// load reads the room when it is needed first.
func (r *Room) load() error {
	if r.loaded {
		return nil
	}
	state, err := r.s.store.Room(bg, r.jid.Local(), r.jid.String())
	if err != nil {
		return err
	}
	r.loaded = true
	if state != nil {
		r.open(state)
	}
	return nil
}

// open makes the room what state says.
func (r *Room) open(state *State) {
	r.exists = true
	r.config, r.salt, r.subject, r.hats, r.avatar = state.Config, state.Salt, state.Subject, state.Hats, state.AvatarHashes
	r.members = newMembers(state.Entries)
	r.links = state.Links
	r.archive, r.archived, r.last = state.Archive, state.Archived, state.Last
}

// rest lets the actor go when there is nothing left to keep.
func (r *Room) rest() {
	if r.exists && r.visited && len(r.sessions) == 0 && (r.locked || !r.config.Persistent) && !r.closing {
		// Sections 7.14 and 10.1.3: the last occupant of a temporary room has left, or the maker of a new
		// one did so without configuring it.
		if err := r.destroy(destruction{}); err != nil {
			r.s.logError("destroying a temporary room failed; it will be tried again", err)
		}
	}
	switch {
	case r.closing || !r.line.empty() || r.queries.reading+r.queries.searching > 0:
		return
	case r.exists && len(r.sessions) > 0:
		if r.stopIdle != nil {
			r.stopIdle()
			r.stopIdle = nil
		}
		r.idle = false
		return
	case r.exists && !r.idle:
		if r.stopIdle == nil {
			r.stopIdle = r.s.after(r.s.config.IdleTime, r, func(r *Room) { r.idle, r.stopIdle = true, nil })
		}
		return
	}
	if r.box.Retire() {
		r.s.forget(r)
	}
}

// receive takes a stanza that is addressed to the room or to one of its occupants.
func (r *Room) receive(env *module.Envelope) {
	if r.closing {
		return // whoever sent it keeps it
	}
	st := env.Stanza
	if r.barred(st) {
		env.Accept()
		return
	}
	switch st.Kind {
	case stanza.Presence:
		r.receivePresence(st)
		env.Accept()
	case stanza.IQ:
		r.receiveIQ(st)
		env.Accept()
	case stanza.Message:
		r.receiveMessage(env)
	}
}

// receivePresence takes presence (XEP-0045 section 18.3).
func (r *Room) receivePresence(st *stanza.Stanza) {
	switch st.Type {
	case stanza.Available:
		r.presence(st)
	case stanza.Unavailable:
		// Whatever nickname it names: the client is in the room once.
		if s := r.session(st.From); s != nil {
			r.leave(s, st)
		}
	case stanza.Error:
		if s := r.session(st.From); s != nil && unreachable(st) {
			r.ghost(s)
		}
	case stanza.Subscribe:
		r.fail(st, stanza.Refuse(stanza.ServiceUnavailable, "Rooms share no presence outside."))
	default:
		// Nobody is subscribed to a room, and nobody is asked.
	}
}

// emit sends at once. It is for what say functions of the line send; all else is sent with send.
func (r *Room) emit(st *stanza.Stanza) { module.Deliver(r.s.router, st) }

// send sends when everything before it has been sent.
func (r *Room) send(st *stanza.Stanza) {
	if st != nil {
		r.later(func() { r.emit(st) })
	}
}

// fail answers with an error.
func (r *Room) fail(st *stanza.Stanza, err error) {
	f := stanza.AsFault(err)
	if f.Cause != nil && f.Condition == stanza.InternalServerError {
		r.s.logError("a request to a room failed", f.Cause)
	}
	r.send(st.Fail(f))
}

func (r *Room) now() time.Time { return r.s.clock.Now() }

// isLocal reports whether an address is an account of this server.
func (r *Room) isLocal(j jid.JID) bool { return j.Domain() == r.s.domain && j.Local() != "" }

// end forgets everything: the room is no more.
func (r *Room) end() {
	for _, stop := range []func(){r.stopLock, r.stopIdle} {
		if stop != nil {
			stop()
		}
	}
	// What others read beside the actor, who it is and its mailbox, is not written again.
	r.loaded, r.exists, r.locked, r.visited = true, false, false, false
	r.config, r.salt, r.subject, r.hats, r.avatar = RoomConfig{}, nil, Subject{}, Hats{}, nil
	r.members, r.occupants = members{}, occupants{}
	r.archive, r.archived = 0, false
	r.relayed, r.privates, r.invites, r.voices = relays{}, privates{}, invitations{}, voices{}
	r.links, r.guesses = Links{}, guesses{}
	r.stopLock, r.stopIdle, r.idle = nil, nil, false
}
