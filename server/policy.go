package server

import (
	"context"

	"kith/internal/jid"
	"kith/server/auth"
	"kith/server/muc"
)

// policy says what the roles of accounts allow in groups.
type policy struct{ auth *auth.Service }

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

// MayJoin implements [muc.Policy]. Whom a room lets in is for the room to say.
func (p policy) MayJoin(jid.JID, jid.JID) bool { return true }

// Admin implements [muc.Policy].
func (p policy) Admin(user jid.JID) bool { return p.role(user) == auth.RoleAdmin }
