package server

import (
	"context"

	"kith/internal/jid"
	"kith/server/auth"
	"kith/server/guardian"
	"kith/server/muc"
)

// policy says what the roles of accounts allow in groups.
type policy struct {
	auth   *auth.Service
	guards *guardian.Service
}

var _ muc.Policy = policy{}

func (p policy) role(user jid.JID) auth.Role {
	if user.Domain() != p.auth.Domain() || user.Local() == "" {
		return ""
	}
	a, err := p.auth.Account(context.Background(), user.Local())
	if err != nil || !a.CanLogin() {
		return ""
	}
	return a.Role
}

// MayCreate implements [muc.Policy].
func (p policy) MayCreate(user jid.JID) bool {
	r := p.role(user)
	return r == auth.RoleAdmin || r == auth.RoleMember
}

// MayJoin implements [muc.Policy]. Apart from children, whom a room lets in is for the room to say.
func (p policy) MayJoin(user jid.JID, room muc.View) bool {
	return p.guards.MayEnter(user, guardian.Room(room))
}

// MayTalk implements [muc.Policy].
func (p policy) MayTalk(user, other jid.JID) bool { return p.guards.MayTalk(user, other) }

// MayInvite implements [muc.Policy].
func (p policy) MayInvite(user jid.JID) bool { return !p.guards.Child(user) }

// MayList implements [muc.Policy].
func (p policy) MayList(user jid.JID) bool { return !p.guards.Child(user) }

// Admin implements [muc.Policy].
func (p policy) Admin(user jid.JID) bool { return p.role(user) == auth.RoleAdmin }

// rooms are those of this server as guardians see them.
type rooms struct{ groups *muc.Service }

var _ guardian.Rooms = rooms{}

// Look implements [guardian.Rooms].
func (r rooms) Look(ctx context.Context, room jid.JID) (guardian.Room, bool, error) {
	v, there, err := r.groups.Look(ctx, room)
	return guardian.Room(v), there, err
}

// Reconsider implements [guardian.Rooms].
func (r rooms) Reconsider() { r.groups.Reconsider() }

// Guardians decide for the accounts of children.
func (s *Server) Guardians() *guardian.Service { return s.parts.guards }
