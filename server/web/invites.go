package web

import (
	"context"
	"errors"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"kith/internal/throttle"
	"kith/server/auth"
)

// apiError is the answer to a request that failed. Error is a word for programs, Detail a sentence
// for whoever looks into it.
type apiError struct {
	Error   string `json:"error"`
	Detail  string `json:"detail,omitempty"`
	Seconds int    `json:"seconds,omitempty"`
}

type inviteInfo struct {
	Token        string   `json:"token"`
	Inviter      string   `json:"inviter,omitempty"`
	InviterName  string   `json:"inviterName,omitempty"`
	Domain       string   `json:"domain"`
	Role         string   `json:"role"`
	Username     string   `json:"username,omitempty"` // the only one that it is good for
	FirstAccount bool     `json:"firstAccount"`
	Expires      int64    `json:"expires"` // milliseconds since 1970
	MinPassword  int      `json:"minPassword"`
	Iterations   int      `json:"iterations"`
	Mechanisms   []string `json:"mechanisms"`
	URI          string   `json:"uri,omitempty"`
}

// throttled answers those who ask too often, and reports whether it did.
func (w *Web) throttled(c echo.Context, t *throttle.Throttle) (bool, error) {
	wait := t.Wait(ClientAddr(c.Request()), w.opts.Clock.Now())
	if wait <= 0 {
		return false, nil
	}
	w.counters.Throttled.Inc()
	return true, tooSoon(c, wait)
}

func tooSoon(c echo.Context, wait time.Duration) error {
	seconds := int(math.Ceil(wait.Seconds()))
	c.Response().Header().Set("Retry-After", strconv.Itoa(seconds))
	return c.JSON(http.StatusTooManyRequests, apiError{Error: "throttled", Seconds: seconds})
}

// invite tells whoever has a token what it is good for.
func (w *Web) invite(c echo.Context) error {
	c.Response().Header().Set("Cache-Control", "no-store")
	if done, err := w.throttled(c, w.lookups); done {
		return err
	}
	ctx := c.Request().Context()
	token := c.Param("token")
	t, err := w.opts.Accounts.CheckInvite(ctx, token)
	if err == nil && !t.Invite.Register {
		err = &auth.InviteError{Reason: auth.InviteNotThis}
	}
	if err != nil {
		return w.refuse(c, err)
	}
	inv, params := t.Invite, w.opts.Accounts.Params()
	info := inviteInfo{
		Token: token, Domain: w.opts.Domain, Role: string(inv.Role), Username: inv.Local,
		FirstAccount: inv.Kind == auth.InviteFirst, Expires: inv.Expires.UnixMilli(),
		MinPassword: params.MinPassword, Iterations: params.Iterations,
		URI: w.opts.Accounts.Links(w.opts.BaseURL, inv).XMPP,
	}
	info.Mechanisms = mechanisms(params)
	if inv.Creator != "" {
		info.Inviter = inv.Creator + "@" + w.opts.Domain
		info.InviterName = w.displayName(ctx, inv.Creator)
	}
	return c.JSON(http.StatusOK, info)
}

func (w *Web) displayName(ctx context.Context, local string) string {
	if w.opts.DisplayName == nil {
		return ""
	}
	return w.opts.DisplayName(ctx, local)
}

type registration struct {
	Username  string     `json:"username"`
	Verifiers []verifier `json:"verifiers"`
}

// register makes an account. The password stays in the browser; so does the name to be shown, which
// the new account publishes itself.
func (w *Web) register(c echo.Context) error {
	c.Response().Header().Set("Cache-Control", "no-store")
	if done, err := w.throttled(c, w.creates); done {
		return err
	}
	var in registration
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
	// Once begun it is not given up when the browser goes away: it could not tell how it ended.
	done, err := w.opts.Accounts.Register(context.WithoutCancel(ctx), t, auth.Registration{Name: in.Username, Credential: cred})
	if err != nil {
		return w.refuse(c, err)
	}
	return c.JSON(http.StatusCreated, map[string]string{"address": done.Account.Local + "@" + w.opts.Domain})
}

// refuse maps the errors of the accounts service to those of the API.
func (w *Web) refuse(c echo.Context, err error) error {
	var (
		input  *auth.InputError
		invite *auth.InviteError
		slow   *auth.ThrottledError
	)
	switch {
	case errors.As(err, &invite):
		return c.JSON(http.StatusNotFound, apiError{Error: "invite-invalid", Detail: string(invite.Reason)})
	case errors.Is(err, auth.ErrNotFound): // whom it was for is gone
		return c.JSON(http.StatusNotFound, apiError{Error: "invite-invalid", Detail: string(auth.InviteUnknown)})
	case errors.As(err, &slow):
		return tooSoon(c, slow.Wait)
	case errors.As(err, &input) && errors.Is(err, auth.ErrName):
		return c.JSON(http.StatusUnprocessableEntity, apiError{Error: "name-invalid", Detail: input.Text})
	case errors.Is(err, auth.ErrExists):
		return c.JSON(http.StatusConflict, apiError{Error: "conflict"})
	case errors.Is(err, auth.ErrVerifiers), errors.Is(err, auth.ErrPassword):
		return c.JSON(http.StatusUnprocessableEntity, apiError{Error: "policy", Detail: "the verifiers are not as this server asks for"})
	case errors.Is(err, auth.ErrForbidden):
		return c.JSON(http.StatusForbidden, apiError{Error: "policy"})
	}
	return err
}
