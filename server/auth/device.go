package auth

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"kith/internal/sasl"
)

// UserAgent is what a client says of itself (XEP-0388 section 2.3).
type UserAgent struct {
	// ID is the same for every login of one installation; "" if the client gave none.
	ID string
	// Software and Device are for its owner to read.
	Software, Device string
}

// maxAgentText bounds what a client says of itself, in characters.
const maxAgentText = 64

// ParseUserAgent cleans what a client sent: the names lose what cannot be shown on one line and what is too
// long. An id is asked to be a UUID of version 4; anything of up to 64 printable ASCII characters
// without spaces passes, and anything else is an error, because tokens would hang on it.
func ParseUserAgent(id, software, device string) (UserAgent, error) {
	if len(id) > 64 || strings.ContainsFunc(id, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return UserAgent{}, errors.New("auth: user agent id is not a UUID")
	}
	return UserAgent{ID: strings.ToLower(id), Software: oneLine(software), Device: oneLine(device)}, nil
}

func oneLine(s string) string {
	s = strings.ToValidUTF8(s, "")
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsPrint(r):
			return -1
		}
		return r
	}, s)
	s = strings.Join(strings.Fields(s), " ")
	if utf8.RuneCountInString(s) > maxAgentText {
		s = strings.TrimSpace(string([]rune(s)[:maxAgentText]))
	}
	return s
}

// Device is an installation of a client that has logged in to an account (XEP-0494).
type Device struct {
	// ID names the device towards its owner. It is also good for a stable resource: unlike the
	// user agent's id, it is no secret (XEP-0386 section 3.2).
	ID    string
	Agent UserAgent
	First time.Time
	// Last is when it was last seen; not more precise than seenAfter while nothing else changes.
	Last time.Time
	// Password: it has logged in by password since that was last changed, so that it may know it.
	Password bool
	// TokenExpires is when its token expires, zero if it has none.
	TokenExpires time.Time
}

// seenAfter is how long a login by token is not written down after the one before: it saves a
// write at most logins, and nobody needs to know more.
const seenAfter = time.Hour

// Grant is what a login brings.
type Grant struct {
	// Device that logged in; its ID is empty for a client that gave no id of its user agent.
	Device Device
	// Token for the token element, "" for none, and when it expires.
	Token   string
	Expires time.Time
}

// Finish completes a login: call it when all is proven, tasks included, and before success is
// sent. It records the device and the day, and issues a token if the client asked for one or used
// one that is due for rotation. request is the mechanism of the request-token element (XEP-0484
// section 3.2), "" if there was none; one that was not offered is passed over.
//
// It fails with not-authorized if the account or the device was removed since the proof, so that a
// revocation is not overtaken by a login that is under way.
func (s *Service) Finish(ctx context.Context, l Login, request sasl.Mechanism) (Grant, error) {
	now := s.now()
	if err := s.touch(ctx, l.account); err != nil {
		return Grant{}, sasl.AsError(err)
	}
	if l.Agent.ID == "" {
		return Grant{}, nil
	}
	mech := request
	if _, ok := mech.Token(); !ok || !l.offer.Has(mech) {
		mech = ""
	}
	if mech == "" && l.rotate {
		mech = l.Mechanism
	}
	n := SeenDevice{
		Local: l.Local, ID: newID(9), Agent: l.Agent, Now: now, Password: l.Password, Max: s.cfg.MaxDevices,
	}
	var g Grant
	if mech != "" {
		row := TokenRow{
			ID: randomBytes(16), Key: s.secret.current().id, New: true, Mechanism: mech,
			Issued: now, Expires: now.Add(s.cfg.TokenLife),
		}
		n.Token = &row
		g.Token, _ = s.token(l.Local, row)
		g.Expires = row.Expires
	}
	if mech == "" && !l.Password {
		_, d, _, err := s.store.Device(ctx, l.Local, l.Agent.ID)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return Grant{}, sasl.AsError(fmt.Errorf("auth: login: %w", err))
		}
		if err == nil && d.Agent == l.Agent && now.Sub(d.Last) < seenAfter {
			return Grant{Device: d}, nil
		}
	}
	d, err := s.store.SeeDevice(ctx, n)
	if errors.Is(err, ErrNotFound) {
		return Grant{}, &sasl.Error{Condition: sasl.NotAuthorized, Cause: fmt.Errorf("auth: login: %w", err)}
	}
	if err != nil {
		return Grant{}, sasl.AsError(fmt.Errorf("auth: login: %w", err))
	}
	g.Device = d
	return g, nil
}

// Vouch gives a device a token as if it had logged in by password: another device of the account that is
// logged in has agreed to it. Errors: [ErrNotFound] if there is no such account, [ErrDisabled] if it may not log in.
func (s *Service) Vouch(ctx context.Context, local string, agent UserAgent) (Grant, error) {
	a, err := s.Account(ctx, local)
	if err != nil {
		return Grant{}, err
	}
	if a.Disabled {
		return Grant{}, ErrDisabled
	}
	now := s.now()
	row := TokenRow{
		ID: randomBytes(16), Key: s.secret.current().id, New: true, Mechanism: sasl.HTSHA256None,
		Issued: now, Expires: now.Add(s.cfg.TokenLife),
	}
	d, err := s.store.SeeDevice(ctx, SeenDevice{Local: local, ID: newID(9), Agent: agent, Now: now, Vouched: true, Token: &row, Max: s.cfg.MaxDevices})
	if err != nil {
		return Grant{}, fmt.Errorf("auth: vouch: %w", err)
	}
	g := Grant{Device: d, Expires: row.Expires}
	g.Token, _ = s.token(local, row)
	return g, nil
}

// token computes the token of a row. The string is the key of an HMAC that both sides compute, so
// a hash of it would not do for the server; it is not stored at all but derived. Where the key is
// not known any more, ok is false.
func (s *Service) token(local string, r TokenRow) (token string, ok bool) {
	k, ok := s.secret.key(r.Key)
	if !ok {
		return "", false
	}
	mac := prf(k.token, local, string(r.Mechanism), string(r.ID))
	// The prefix lets programs that look for leaked secrets know it as one (RFC 8959).
	return "secret-token:" + base64.RawURLEncoding.EncodeToString(mac), true
}

// useToken decides about a token whose proof was right, and records its use.
func (x *Exchange) useToken(ctx context.Context, r TokenRow, now time.Time, l *Login) error {
	s, fast := x.s, x.attempt.FAST
	if !now.Before(r.Expires) {
		return &sasl.Error{Condition: sasl.CredentialsExpired, Cause: errors.New("auth: token expired")}
	}
	l.rotate = !fast.Invalidate && now.Sub(r.Issued) >= s.cfg.TokenRotation
	if !r.New && fast.Count == nil && !fast.Invalidate {
		return nil // nothing changes
	}
	err := s.store.UseToken(ctx, r.ID, fast.Count, fast.Invalidate, func(t TokenRow) error {
		if fast.Count != nil && *fast.Count <= t.Count {
			return errReplayed
		}
		return nil
	})
	switch {
	case errors.Is(err, errReplayed), errors.Is(err, ErrNotFound):
		// Seen before, or revoked at this very moment.
		return &sasl.Error{Condition: sasl.NotAuthorized, Cause: fmt.Errorf("auth: use token: %w", err)}
	case err != nil:
		return fmt.Errorf("auth: use token: %w", err)
	}
	return nil
}

var errReplayed = errors.New("auth: replayed")

// Devices returns the devices of an account, the one seen last first.
func (s *Service) Devices(ctx context.Context, local string) ([]Device, error) {
	ds, err := s.store.Devices(ctx, local)
	if err != nil {
		return nil, fmt.Errorf("auth: devices: %w", err)
	}
	now := s.now()
	for i := range ds {
		if !now.Before(ds[i].TokenExpires) {
			ds[i].TokenExpires = time.Time{}
		}
	}
	return ds, nil
}

// RevokeDevice signs a device out: its token is gone and its sessions end. If the device that is
// returned has Password set, it may know the password and come back with it; only
// [Service.SetPassword] helps against that (XEP-0494 section 3.2).
func (s *Service) RevokeDevice(ctx context.Context, local, id string) (Device, error) {
	d, err := s.store.RemoveDevice(ctx, local, id)
	if err != nil {
		return Device{}, fmt.Errorf("auth: revoke device: %w", err)
	}
	s.endSessions(ctx, local, End{Reason: EndSignedOut, Only: d.Agent.ID})
	return d, nil
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	rand.Read(b) // never fails
	return b
}

// newID is a random name of 2n characters.
func newID(n int) string { return hex.EncodeToString(randomBytes(n)) }
