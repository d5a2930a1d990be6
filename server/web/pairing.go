package web

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"kith/internal/jid"
	"kith/server/auth"
)

// Errors of [Pairing].
var (
	// ErrLink: there is no such link, it was opened already, or its time is over.
	ErrLink = errors.New("web: invalid link")
	// ErrDenied: the other device did not agree, or not in time.
	ErrDenied = errors.New("web: denied")
)

// Claim is what a new device learns when it has opened a link.
type Claim struct {
	// Secret proves later that it is the same device; Number is shown on both.
	Secret, Number string
	Account        jid.JID
	Expires        time.Time
}

// Pairing signs in a device with the help of one that is signed in.
type Pairing interface {
	// Claim opens a link, once. Error: [ErrLink].
	Claim(token string, agent auth.UserAgent) (Claim, error)
	// Await waits for the other device and gives what the new one signs in with. Errors: [ErrLink], [ErrDenied],
	// that of ctx.
	Await(ctx context.Context, token, secret string) (jid.JID, auth.Grant, error)
}

// patience is how long a request waits for the other device before the browser asks again.
const patience = 25 * time.Second

type agent struct {
	ID       string `json:"id"`
	Software string `json:"software"`
	Device   string `json:"device"`
}

// claim opens a link for the device that asks.
func (w *Web) claim(c echo.Context) error {
	c.Response().Header().Set("Cache-Control", "no-store")
	if done, err := w.throttled(c, w.lookups); done {
		return err
	}
	var in agent
	if err := decode(c.Request(), &in); err != nil {
		return refuseBody(c, err)
	}
	ua, err := auth.ParseUserAgent(in.ID, in.Software, in.Device)
	if err != nil {
		return refuseBody(c, err)
	}
	claim, err := w.opts.Pairing.Claim(c.Param("token"), ua)
	if err != nil {
		return refusePairing(c, err)
	}
	return c.JSON(http.StatusOK, map[string]any{
		"secret": claim.Secret, "number": claim.Number, "address": claim.Account.String(), "expires": claim.Expires.UnixMilli(),
	})
}

// await answers when the other device has: with what the new one signs in with, or that it was refused. 202
// says that it has not, and that one may ask again.
func (w *Web) await(c echo.Context) error {
	c.Response().Header().Set("Cache-Control", "no-store")
	if done, err := w.throttled(c, w.lookups); done {
		return err
	}
	var in struct {
		Secret string `json:"secret"`
	}
	if err := decode(c.Request(), &in); err != nil {
		return refuseBody(c, err)
	}
	ctx, cancel := context.WithTimeout(c.Request().Context(), patience)
	defer cancel()
	account, grant, err := w.opts.Pairing.Await(ctx, c.Param("token"), in.Secret)
	if errors.Is(err, context.DeadlineExceeded) {
		return c.JSON(http.StatusAccepted, map[string]string{})
	}
	if err != nil {
		return refusePairing(c, err)
	}
	return c.JSON(http.StatusOK, map[string]any{
		"address": account.String(), "token": grant.Token, "expires": grant.Expires.UnixMilli(),
	})
}

func refusePairing(c echo.Context, err error) error {
	switch {
	case errors.Is(err, ErrLink):
		return c.JSON(http.StatusNotFound, apiError{Error: "link-invalid"})
	case errors.Is(err, ErrDenied), errors.Is(err, auth.ErrDisabled), errors.Is(err, auth.ErrNotFound):
		return c.JSON(http.StatusForbidden, apiError{Error: "denied"})
	}
	return err
}
