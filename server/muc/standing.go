package muc

import (
	"context"
	"fmt"

	"kith/internal/jid"
	"kith/internal/stanza"
)

// view is what the policy gets to know of the room.
func (r *Room) view() View {
	return View{
		JID: r.jid, Private: !r.config.Public && r.config.MembersOnly,
		Belongs: func(user jid.JID) bool { return r.members.of(user) >= Member },
	}
}

// barred reports whether the policy keeps the sender of a stanza away from the room, and answers it
// then. Whoever is in it can always leave, and what a room does not exist for is for others to say.
func (r *Room) barred(st *stanza.Stanza) bool {
	if !r.exists || st.Kind == stanza.Presence && st.Type != stanza.Available || st.Type == stanza.Error || st.Type == stanza.Result ||
		r.s.policy.MayJoin(st.From.Bare(), r.view()) {
		return false
	}
	err := stanza.Refuse(stanza.Forbidden, "You may not enter this room.")
	if st.Kind == stanza.Presence {
		r.refuseJoin(st, err)
	} else {
		r.fail(st, err)
	}
	return true
}

// Reconsider makes all rooms look again at who is in them, after the policy has changed its mind about
// somebody. It does not wait.
func (s *Service) Reconsider() {
	s.mu.RLock()
	all := make([]*Room, 0, len(s.rooms))
	for _, r := range s.rooms {
		all = append(all, r)
	}
	s.mu.RUnlock()
	for _, r := range all {
		// Who is not loaded any more has nobody in it.
		_ = r.box.Force(work{do: func(r *Room, err error) {
			if err == nil && r.exists {
				r.reconsider(change{codes: []int{codeNoMember}})
			}
		}})
	}
}

// Look is what a policy gets to know of a room, as the database has it; false if there is no such room.
// It reads only, so that it may be called inside the actor of an account.
func (s *Service) Look(ctx context.Context, room jid.JID) (View, bool, error) {
	if room.Domain() != s.jid.Domain() || room.Local() == "" {
		return View{}, false, nil
	}
	state, err := s.store.Room(ctx, room.Local(), room.Bare().String())
	if err != nil {
		return View{}, false, fmt.Errorf("muc: look: %w", err)
	}
	if state == nil {
		return View{}, false, nil
	}
	m := newMembers(state.Entries)
	return View{
		JID: room.Bare(), Private: !state.Config.Public && state.Config.MembersOnly,
		Belongs: func(user jid.JID) bool { return m.of(user) >= Member },
	}, true, nil
}

// Provide makes sure that there is a room of this localpart which the server itself looks after: for
// members only, with this name, and with these members and no others. Nobody else owns it. It waits for
// the room.
func (s *Service) Provide(ctx context.Context, local, name string, members []jid.JID) error {
	err := s.do(ctx, local, func(r *Room) error { return r.provide(name, members) })
	if err != nil {
		return fmt.Errorf("muc: provide a room: %w", err)
	}
	return nil
}

// Abolish makes sure that there is no room of this localpart.
func (s *Service) Abolish(ctx context.Context, local, reason string) error {
	err := s.do(ctx, local, func(r *Room) error {
		if !r.exists {
			return nil
		}
		return r.destroy(destruction{reason: clip(reason)})
	})
	if err != nil {
		return fmt.Errorf("muc: abolish a room: %w", err)
	}
	return nil
}

func (r *Room) provide(name string, members []jid.JID) error {
	if len(name) > maxName {
		return refuseField(fieldName, "is too long")
	}
	if !r.exists {
		return r.found(name, members)
	}
	want := make(map[jid.JID]bool, len(members))
	var changed []Entry
	for _, j := range members {
		want[j] = true
	}
	// Who leaves does not learn who comes.
	for j, e := range r.members.byJID {
		if !want[j] && e.Affiliation >= Member && j != r.s.jid {
			changed = append(changed, Entry{JID: j})
		}
	}
	for _, j := range members {
		if r.members.entry(j).Affiliation < Member {
			changed = append(changed, Entry{JID: j, Affiliation: Member})
		}
	}
	before, c := r.config, r.config
	if c.Name = name; c.Name != before.Name {
		if err := r.s.store.SaveConfig(bg, r.jid.Local(), c, changed); err != nil {
			return err
		}
		r.config = c
	} else if err := r.saveEntries(changed); err != nil {
		return err
	}
	for _, e := range changed {
		if r.members.set(e); !r.reconsider(change{codes: []int{codeNoMember}}) {
			r.tellAffiliation(e)
		}
	}
	if c.Name != before.Name {
		r.tellCode(codeConfigured)
	}
	return nil
}

// found makes the room that provide is asked for.
func (r *Room) found(name string, members []jid.JID) error {
	c := DefaultRoomConfig()
	c.Name = name
	st := &State{Local: r.jid.Local(), Config: c, Salt: newSalt(), Last: r.last, Entries: []Entry{{JID: r.s.jid, Affiliation: Owner}}}
	for _, j := range members {
		st.Entries = append(st.Entries, Entry{JID: j, Affiliation: Member})
	}
	if err := r.s.store.CreateRoom(bg, st, r.jid.String()); err != nil {
		return err
	}
	st.Last = max(st.Last, r.last)
	r.open(st)
	return nil
}
