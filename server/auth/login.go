package auth

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"kith/internal/clock"
	"kith/internal/jid"
	"kith/internal/sasl"
)

// Offer is what to announce to a client, and to hold it to.
type Offer struct {
	sasl.Offer
	// Upgrades for the upgrade elements of XEP-0480, in SASL2 only.
	Upgrades []sasl.Hash
}

// Offer selects the mechanisms for a connection. from is the localpart of the stream's 'from'
// attribute, "" if there was none. An account that has verifiers for some hashes only, because it
// came from another server, is offered these; an account that there is not, everything.
func (s *Service) Offer(ctx context.Context, ch sasl.Channel, from string) (Offer, error) {
	p := sasl.Policy{
		Hashes: s.cfg.Hashes, Tokens: true, Plain: s.cfg.PlainPasswords,
		NoDowngradeHash: !s.cfg.DowngradeProtection,
	}
	if from == "" || !ch.Confidential {
		return Offer{Offer: p.Offer(ch)}, nil
	}
	_, creds, err := s.findCredentials(ctx, from)
	if err != nil {
		return Offer{}, err
	}
	if len(creds) > 0 {
		p.Hashes = slices.DeleteFunc(slices.Clone(p.Hashes), func(h sasl.Hash) bool {
			return !slices.ContainsFunc(creds, func(c Credential) bool { return c.Hash == h })
		})
	}
	ups, err := s.Upgrades(ctx, from)
	if err != nil {
		return Offer{}, err
	}
	return Offer{Offer: p.Offer(ch), Upgrades: ups}, nil
}

// findCredentials returns no credentials for an account that cannot log in or that there is not.
func (s *Service) findCredentials(ctx context.Context, local string) (Account, []Credential, error) {
	a, creds, err := s.store.Credentials(ctx, local)
	if errors.Is(err, ErrNotFound) || err == nil && a.Removed() {
		return Account{}, nil, nil
	}
	if err != nil {
		return Account{}, nil, fmt.Errorf("auth: credentials: %w", err)
	}
	return a, creds, nil
}

// Attempt is what a client asked for in its auth (RFC 6120 section 6.4.2) or authenticate element
// (XEP-0388 section 2.3).
type Attempt struct {
	Mechanism sasl.Mechanism
	Channel   sasl.Channel
	// Offer is what was announced on this stream for the kind of SASL that is used.
	Offer sasl.Offer
	// SASL2 is true for XEP-0388.
	SASL2 bool
	// From is the stream's 'from' attribute, zero if there was none.
	From jid.JID
	// Remote is the client's address, for throttling alone.
	Remote netip.Addr
	// Agent is the user-agent element of XEP-0388, zero if there was none.
	Agent UserAgent
	// FAST is the fast element of XEP-0484, nil if there was none.
	FAST *FAST
}

// FAST is the fast element by which a client says that it logs in by token (XEP-0484 section 3.4).
type FAST struct {
	// Count is the replay counter, nil if the client sent none.
	Count *int64
	// Invalidate asks to invalidate the token by its use.
	Invalidate bool
}

// Login is a successful authentication.
type Login struct {
	Local string
	JID   jid.JID // bare
	Role  Role
	// Mechanism and the channel binding that was proven, "" for none.
	Mechanism sasl.Mechanism
	Binding   sasl.Binding
	// Password is true if the password was proven, false for a token.
	Password bool
	Agent    UserAgent
	At       time.Time

	offer   sasl.Offer
	account Account
	// rotate: the token is old enough to get a successor, and the client still wants one.
	rotate bool
}

// Exchange is one authentication. It implements [sasl.Exchange]; every error of Next is a
// [*sasl.Error], with [*ThrottledError] as cause where that is it. The server sends its condition
// and text and nothing else: they do not tell whether the account exists.
type Exchange struct {
	s       *Service
	attempt Attempt
	inner   sasl.Exchange
	scram   *sasl.SCRAM
	// challenged: the next message of the client is its proof.
	challenged bool

	name    string // for throttling
	account Account
	found   bool
	tokens  []TokenRow
	login   *Login
}

var _ sasl.Exchange = (*Exchange)(nil)

// Begin starts an authentication. Its error is a [*sasl.Error], such as invalid-mechanism for one
// that was not offered.
func (s *Service) Begin(a Attempt) (*Exchange, error) {
	x := &Exchange{s: s, attempt: a}
	var err error
	if _, ok := a.Mechanism.Token(); ok {
		switch {
		case !a.SASL2:
			err = &sasl.Error{Condition: sasl.InvalidMechanism}
		case a.FAST == nil || a.Agent.ID == "":
			err = &sasl.Error{Condition: sasl.MalformedRequest, Text: "A token needs a fast element and a user agent with an id."}
		default:
			x.inner, err = sasl.NewToken(a.Mechanism, a.Channel, a.Offer, x.lookupTokens)
		}
	} else if a.Mechanism == sasl.Plain {
		x.inner, err = sasl.NewPlain(a.Channel, a.Offer, x.checkPassword)
	} else {
		x.scram, err = sasl.NewSCRAM(a.Mechanism, a.Channel, a.Offer, x.lookupVerifier)
		x.inner = x.scram
	}
	if err != nil {
		return nil, err
	}
	return x, nil
}

// Login is the result, after Next has returned done.
func (x *Exchange) Login() Login { return *x.login }

// Next implements [sasl.Exchange].
func (x *Exchange) Next(ctx context.Context, in []byte) (out []byte, done bool, err error) {
	if x.challenged && x.scram != nil {
		if err := x.charge(ctx); err != nil {
			return nil, false, sasl.AsError(err)
		}
	}
	out, done, err = x.inner.Next(ctx, in)
	if err == nil && done {
		err = x.succeed(ctx)
	}
	if err != nil {
		if errors.Is(err, sasl.ErrProof) {
			x.s.counters.LoginFailed.Inc()
		}
		return nil, false, sasl.AsError(err)
	}
	x.challenged = x.name != ""
	return out, done, nil
}

// charge counts the attempt and holds it back if the account is under attack.
func (x *Exchange) charge(ctx context.Context) error {
	delay, err := x.s.throttle.begin(x.attempt.Remote, x.name)
	if err != nil {
		return x.throttled(err)
	}
	if delay > 0 {
		if err := clock.Sleep(ctx, x.s.clock, delay); err != nil {
			return &sasl.Error{Condition: sasl.Aborted, Cause: err}
		}
	}
	return nil
}

func (x *Exchange) throttled(err error) error {
	x.s.counters.Throttled.Inc()
	refusal := &sasl.Error{Condition: sasl.TemporaryAuthFailure, Text: "Too many failed attempts; please try again later.", Cause: err}
	if t, ok := errors.AsType[*ThrottledError](err); ok {
		refusal.Retry = max(t.Wait.Round(time.Second), time.Second)
		refusal.Text = fmt.Sprintf("Too many failed attempts; please try again in %s.", refusal.Retry)
	}
	return refusal
}

// identify decides which account a client means. name is for lookups: the localpart, or what the
// client sent if that cannot be one.
func (x *Exchange) identify(id sasl.Identity) (local, name string, err error) {
	s := x.s
	name, err = s.normalise(id.Authcid)
	local = name
	if err != nil || local == "" {
		local, name = "", id.Authcid // treated like any name that is not taken
	}
	bad := func(why string) error {
		return &sasl.Error{Condition: sasl.InvalidAuthzid, Cause: errors.New("auth: " + why)}
	}
	if id.Authzid != "" {
		j, err := jid.Parse(id.Authzid)
		if err != nil || !j.IsBare() || j.Domain() != s.domain || j.Local() != local || local == "" {
			return "", "", bad("authorization identity is not that of the user")
		}
	}
	if from := x.attempt.From; x.attempt.SASL2 && from.Local() != "" {
		// Tokens and upgrades were offered to whom the stream header names (XEP-0388 section 2.3).
		if from.Domain() != s.domain || from.Local() != local {
			return "", "", bad("user is not that of the stream header")
		}
	}
	return local, name, nil
}

// lookupVerifier takes the same way for users that there are and are not: one query, one decoy,
// one verifier opened.
func (x *Exchange) lookupVerifier(ctx context.Context, id sasl.Identity, h sasl.Hash) (sasl.Verifier, error) {
	s := x.s
	local, name, err := x.identify(id)
	if err != nil {
		return sasl.Verifier{}, err
	}
	x.name = name
	if err := s.throttle.check(x.attempt.Remote, name); err != nil {
		return sasl.Verifier{}, x.throttled(err)
	}
	account, creds, err := s.findCredentials(ctx, local)
	if err != nil {
		return sasl.Verifier{}, err
	}
	decoy := s.decoy(name, h)
	i := slices.IndexFunc(creds, func(c Credential) bool { return c.Hash == h })
	cred, owner := s.dummy, ""
	if i >= 0 {
		cred, owner = creds[i], local
	}
	v, err := s.secret.open(owner, cred)
	if err != nil {
		return sasl.Verifier{}, err
	}
	if i < 0 {
		return decoy, nil
	}
	x.account, x.found = account, true
	return v, nil
}

func (x *Exchange) checkPassword(ctx context.Context, id sasl.Identity, password string) error {
	v, err := x.lookupVerifier(ctx, id, x.s.cfg.Hashes[0])
	if err != nil {
		return err
	}
	if err := x.charge(ctx); err != nil {
		return err
	}
	if len(password) > maxPassword || !v.Matches(password) {
		return &sasl.Error{Condition: sasl.NotAuthorized, Cause: sasl.ErrProof}
	}
	return nil
}

func (x *Exchange) lookupTokens(ctx context.Context, authcid string, m sasl.Mechanism) ([]string, error) {
	s := x.s
	local, name, err := x.identify(sasl.Identity{Authcid: authcid})
	if err != nil {
		return nil, err
	}
	x.name = name
	account, _, rows, err := s.store.Device(ctx, local, x.attempt.Agent.ID)
	switch {
	case errors.Is(err, ErrNotFound), err == nil && account.Removed():
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("auth: tokens: %w", err)
	}
	x.account, x.found = account, true
	var out []string
	for _, r := range rows {
		// A token is good for the mechanism that it was asked for alone (XEP-0484 section 3.4).
		if token, ok := s.token(local, r); ok && r.Mechanism == m {
			x.tokens = append(x.tokens, r)
			out = append(out, token)
		}
	}
	return out, nil
}

// succeed is what remains after the proof.
func (x *Exchange) succeed(ctx context.Context) error {
	s, now := x.s, x.s.now()
	if !x.found {
		return &sasl.Error{Condition: sasl.NotAuthorized, Cause: sasl.ErrProof}
	}
	l := Login{
		Local: x.account.Local, Role: x.account.Role, Mechanism: x.attempt.Mechanism, Password: true,
		Agent: x.attempt.Agent, At: now, offer: x.attempt.Offer, account: x.account,
	}
	if t, ok := x.inner.(*sasl.Token); ok {
		l.Password, l.Binding = false, t.Binding()
		if err := x.useToken(ctx, x.tokens[t.Matched()], now, &l); err != nil {
			return err
		}
	} else {
		if x.scram != nil {
			l.Binding = x.scram.Binding()
		}
		s.throttle.succeeded(x.attempt.Remote, x.name)
	}
	// Only who has proven to be its owner learns that an account is disabled.
	if x.account.Disabled {
		return &sasl.Error{Condition: sasl.AccountDisabled, Cause: ErrDisabled}
	}
	var err error
	if l.JID, err = s.Address(l.Local); err != nil {
		return fmt.Errorf("auth: login: %w", err)
	}
	if l.Password {
		s.counters.LoginPassword.Inc()
	} else {
		s.counters.LoginToken.Inc()
	}
	x.login = &l
	return nil
}
