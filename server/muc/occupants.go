package muc

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"slices"

	"kith/internal/jid"
	"kith/internal/stanza"
)

// occupant is one nickname in a room: all clients of a user that joined with it (XEP-0045 section
// 7.2.8).
type occupant struct {
	nick, key string
	// jid is its address in the room, user the bare address of who it is.
	jid, user jid.JID
	// id is the occupant id (XEP-0421).
	id string
	standing
	sessions []*session

	// Its presence as others get it, without a recipient; nil when it has to be written anew. open says
	// who it is.
	open, closed *stanza.Stanza
}

// session is one client in a room.
type session struct {
	// jid is the full address.
	jid jid.JID
	occ *occupant
	// presence is the content of the last presence that others may see, and rank orders clients by how
	// available they are.
	presence string
	rank     int
	// held keeps back what is for the client during a burst; nil otherwise.
	held *held
}

// occupants are those who are in a room.
type occupants struct {
	byJID  map[jid.JID]*session
	byNick map[string]*occupant
	byUser map[jid.JID][]*occupant
	// sessions are all clients. The slice is never changed in place but by appending, so that a part
	// of it taken earlier stays what it was.
	sessions []*session
}

// session is the client with this full address, nil if it is not in the room.
func (o *occupants) session(j jid.JID) *session { return o.byJID[j] }

// named is the occupant with exactly this nickname.
func (o *occupants) named(nick string) *occupant {
	key, err := nickKey(nick)
	if err != nil {
		return nil
	}
	if occ := o.byNick[key]; occ != nil && occ.nick == nick {
		return occ
	}
	return nil
}

// everybody is all clients that are in the room now.
func (o *occupants) everybody() []*session { return o.sessions[:len(o.sessions):len(o.sessions)] }

func (o *occupants) addOccupant(occ *occupant) {
	if o.byNick == nil {
		o.byJID, o.byNick, o.byUser = map[jid.JID]*session{}, map[string]*occupant{}, map[jid.JID][]*occupant{}
	}
	o.byNick[occ.key] = occ
	o.byUser[occ.user] = append(o.byUser[occ.user], occ)
}

func (o *occupants) removeOccupant(occ *occupant) {
	if o.byNick[occ.key] == occ {
		delete(o.byNick, occ.key)
	}
	rest := slices.DeleteFunc(o.byUser[occ.user], func(x *occupant) bool { return x == occ })
	if len(rest) == 0 {
		delete(o.byUser, occ.user)
	} else {
		o.byUser[occ.user] = rest
	}
}

func (o *occupants) addSession(s *session) {
	o.byJID[s.jid] = s
	o.sessions = append(o.sessions, s)
	s.occ.sessions = append(s.occ.sessions, s)
}

func (o *occupants) removeSession(s *session) {
	delete(o.byJID, s.jid)
	rest := make([]*session, 0, len(o.sessions))
	for _, x := range o.sessions {
		if x != s {
			rest = append(rest, x)
		}
	}
	o.sessions = rest
	s.occ.drop(s)
}

// drop takes a client out of an occupant.
func (occ *occupant) drop(s *session) {
	occ.sessions = slices.DeleteFunc(slices.Clone(occ.sessions), func(x *session) bool { return x == s })
	occ.changed()
}

// changed says that its presence has to be written anew.
func (occ *occupant) changed() { occ.open, occ.closed = nil, nil }

// primary is the client whose presence stands for the occupant: the most available one, and of those
// the one that joined first.
func (occ *occupant) primary() *session {
	best := occ.sessions[0]
	for _, s := range occ.sessions[1:] {
		if s.rank > best.rank {
			best = s
		}
	}
	return best
}

// occupantID is the occupant id of a user (XEP-0421 section 4.1): it says nothing about who it is, and
// is another one in every room.
func (r *Room) occupantID(user jid.JID) string {
	mac := hmac.New(sha256.New, r.salt)
	mac.Write([]byte(user.String()))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:24])
}

// find is what the room knows of a user who may be in it: the highest role.
func (r *Room) standingOf(user jid.JID) standing {
	st := standing{affiliation: r.members.of(user)}
	for _, occ := range r.byUser[user] {
		st.role = max(st.role, occ.role)
	}
	if st.affiliation >= Admin {
		st.role = Moderator // also from outside the room
	}
	return st
}

// present reports whether a user is in the room.
func (r *Room) present(user jid.JID) bool { return len(r.byUser[user]) > 0 }

// seesJIDs reports whether an occupant is told who the others are.
func (r *Room) seesJIDs(occ *occupant) bool { return r.config.NonAnonymous || occ.role == Moderator }
