package web

import (
	"context"
	"net/http"

	"github.com/labstack/echo/v4"

	"kith/server/auth"
)

type resetInfo struct {
	Token       string   `json:"token"`
	Domain      string   `json:"domain"`
	Username    string   `json:"username"`
	Expires     int64    `json:"expires"` // milliseconds since 1970
	MinPassword int      `json:"minPassword"`
	Iterations  int      `json:"iterations"`
	Mechanisms  []string `json:"mechanisms"`
}

// reset tells whoever has a token to set a new password whose it is, and how verifiers are made.
func (w *Web) reset(c echo.Context) error {
	c.Response().Header().Set("Cache-Control", "no-store")
	if done, err := w.throttled(c, w.lookups); done {
		return err
	}
	token := c.Param("token")
	t, err := w.opts.Accounts.CheckInvite(c.Request().Context(), token)
	if err == nil && t.Invite.Kind != auth.InviteReset {
		err = &auth.InviteError{Reason: auth.InviteNotThis}
	}
	if err != nil {
		return w.refuse(c, err)
	}
	params := w.opts.Accounts.Params()
	return c.JSON(http.StatusOK, resetInfo{
		Token: token, Domain: w.opts.Domain, Username: t.Invite.Local, Expires: t.Invite.Expires.UnixMilli(),
		MinPassword: params.MinPassword, Iterations: params.Iterations, Mechanisms: mechanisms(params),
	})
}

// setPassword sets a new password. All devices of the account are signed out.
func (w *Web) setPassword(c echo.Context) error {
	c.Response().Header().Set("Cache-Control", "no-store")
	if done, err := w.throttled(c, w.creates); done {
		return err
	}
	var in struct {
		Verifiers []verifier `json:"verifiers"`
	}
	if err := decode(c.Request(), &in); err != nil {
		return refuseBody(c, err)
	}
	cred, err := credential(in.Verifiers)
	if err != nil {
		return refuseBody(c, err)
	}
	ctx := c.Request().Context()
	t, err := w.opts.Accounts.CheckInvite(ctx, c.Param("token"))
	if err != nil {
		return w.refuse(c, err)
	}
	if _, err := w.opts.Accounts.ResetPassword(context.WithoutCancel(ctx), t, cred); err != nil {
		return w.refuse(c, err)
	}
	return c.NoContent(http.StatusNoContent)
}
