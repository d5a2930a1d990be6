package store

import (
	"errors"

	"kith/server/auth"
	"kith/server/circle"
)

// welcome gives a new account what its invite carries.
func welcome(tx *Tx, a auth.Account, invite auth.Invite) error {
	for _, id := range invite.Circles {
		err := openCircle(tx, id)
		if errors.Is(err, circle.ErrNotFound) {
			continue // it was removed meanwhile
		}
		if err == nil {
			err = joinCircle(tx, id, a.Local)
		}
		if err != nil {
			return err
		}
	}
	if a.Role != auth.RoleLimited {
		return nil
	}
	for _, g := range invite.Guardians {
		err := usable(&tx.Conn, g)
		if errors.Is(err, auth.ErrNotFound) {
			continue
		}
		if err == nil {
			err = addGuardian(tx, a.Local, g)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
