package auth_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"kith/internal/sasl"
	"kith/server/auth"
)

// features are purgers that note what they were asked.
type features struct {
	mu   sync.Mutex // guards the fields below
	log  []string
	fail map[string]error
	did  chan string
}

func (f *features) hooks() auth.Hooks {
	purger := func(name string) auth.Purger {
		return auth.Purger{Name: name, Purge: func(_ context.Context, local string) error {
			f.mu.Lock()
			defer f.mu.Unlock()
			if err := f.fail[name]; err != nil {
				return err
			}
			f.log = append(f.log, name+":"+local)
			if f.did != nil {
				f.did <- name + ":" + local
			}
			return nil
		}}
	}
	return auth.Hooks{Purgers: []auth.Purger{purger("roster"), purger("archive")}}
}

func TestRemove(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	w.account("juliet", auth.RoleMember)
	token := w.signIn("juliet", phone, sasl.HTSHA256None).Token
	f := &features{fail: map[string]error{}}
	hooks := f.hooks()
	hooks.Sessions = w.ended
	w.SetHooks(hooks)

	w.must(w.Remove(ctx, "juliet", 24*time.Hour))
	w.ended.take(t, "juliet", auth.End{Reason: auth.EndRemoved})
	if ok, _ := w.Exists(ctx, "juliet"); ok {
		t.Error("exists")
	}
	_, err := w.tokenLogin("juliet", phone, token, sasl.HTSHA256None, nil)
	w.condition(err, sasl.NotAuthorized)
	w.want(w.SetPassword(ctx, "juliet", auth.Password(pw), ""), auth.ErrNotFound)
	w.want(w.SetRole(ctx, "juliet", auth.RoleAdmin), auth.ErrNotFound)
	_, err = w.Create(ctx, "juliet", auth.RoleMember, auth.Password(pw))
	w.want(err, auth.ErrRemoving)
	as, err := w.Accounts(ctx)
	w.must(err)
	if len(as) != 1 || !as[0].Removed() || !as[0].PurgeAt.Equal(start.Add(24*time.Hour)) {
		t.Errorf("%+v", as)
	}
	w.must(w.CatchUp(ctx))
	if len(f.log) != 0 {
		t.Fatalf("purged before its time: %v", f.log)
	}
	// Restored, it has its password and no devices.
	w.must(w.Restore(ctx, "juliet"))
	w.want(w.Restore(ctx, "juliet"), auth.ErrNotFound)
	_, err = w.try(login{mech: sasl.ScramSHA256, user: "juliet", pass: pw})
	w.must(err)
	_, err = w.tokenLogin("juliet", phone, token, sasl.HTSHA256None, nil)
	w.condition(err, sasl.NotAuthorized)

	// Removed again; a second removal cannot put the first one off.
	w.must(w.Remove(ctx, "juliet", time.Hour))
	w.must(w.Remove(ctx, "juliet", 48*time.Hour))
	w.clock.Advance(time.Hour)
	w.want(w.Restore(ctx, "juliet"), auth.ErrNotFound)

	// The purge stops where a feature fails, and begins anew, also after a crash.
	f.fail["archive"] = errors.New("archive is ill")
	w.want(w.CatchUp(ctx), f.fail["archive"])
	w.restart()
	w.SetHooks(f.hooks())
	f.fail["archive"] = nil
	w.must(w.CatchUp(ctx))
	if want := []string{"roster:juliet", "roster:juliet", "archive:juliet"}; !slices.Equal(f.log, want) {
		t.Errorf("%v, want %v", f.log, want)
	}
	w.must(w.CatchUp(ctx))
	if len(f.log) != 3 {
		t.Errorf("purged again: %v", f.log)
	}
	as, err = w.Accounts(ctx)
	if err != nil || len(as) != 0 {
		t.Errorf("%+v, %v", as, err)
	}
	w.want(w.Remove(ctx, "juliet", 0), auth.ErrNotFound)
	if _, creds, err := w.db.Auth().Credentials(ctx, "juliet"); err != nil || len(creds) != 0 {
		t.Errorf("%d verifiers are left, %v", len(creds), err)
	}

	// The name rests for those who come by invite, and is free for the operator.
	_, invite := w.invite(auth.NewInvite{Kind: auth.InviteAccount, Uses: 3})
	_, err = w.register(invite, "juliet")
	w.want(err, auth.ErrExists)
	a, err := w.Create(ctx, "juliet", auth.RoleMember, auth.Password("battery staple"))
	w.must(err)
	if a.Removed() || a.ActiveDay != 0 {
		t.Errorf("%+v", a)
	}
	if ds, err := w.Devices(ctx, "juliet"); err != nil || len(ds) != 0 {
		t.Errorf("the former owner's devices: %+v, %v", ds, err)
	}
	_, err = w.try(login{mech: sasl.ScramSHA256, user: "juliet", pass: pw})
	w.condition(err, sasl.NotAuthorized)

	w.account("tybalt", auth.RoleMember)
	w.must(w.Remove(ctx, "tybalt", 0))
	w.must(w.CatchUp(ctx))
	w.clock.Advance(w.config.NameRest + time.Hour)
	w.must(w.CatchUp(ctx))
	_, invite = w.invite(auth.NewInvite{Kind: auth.InviteAccount})
	_, err = w.register(invite, "tybalt")
	w.must(err)
}

// A process without the features leaves the purge to the one that has them.
func TestPurgeNeedsTheFeatures(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	w.account("juliet", auth.RoleMember)
	w.must(w.Remove(ctx, "juliet", 0))
	w.must(w.CatchUp(ctx))
	_, err := w.Create(ctx, "juliet", auth.RoleMember, auth.Password(pw))
	w.want(err, auth.ErrExists)
	f := &features{}
	w.SetHooks(f.hooks())
	w.must(w.CatchUp(ctx))
	w.account("juliet", auth.RoleMember)
}

func TestRun(t *testing.T) {
	w := newWorld(t)
	w.account("juliet", auth.RoleMember)
	w.account("romeo", auth.RoleMember)
	w.account("paris", auth.RoleMember)
	f := &features{did: make(chan string, 10)}
	w.must(w.Remove(t.Context(), "paris", 0)) // before the start, as if by another process
	w.SetHooks(f.hooks())
	ctx, cancel := context.WithCancel(t.Context())
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		w.Run(ctx)
	}()
	expect := func(local string) {
		t.Helper()
		for _, want := range []string{"roster:" + local, "archive:" + local} {
			if got := <-f.did; got != want {
				t.Fatalf("%s, want %s", got, want)
			}
		}
	}
	expect("paris")
	w.must(w.Remove(ctx, "juliet", 0)) // at once
	expect("juliet")
	w.must(w.Remove(ctx, "romeo", 90*time.Minute)) // when it is due
	w.must(w.clock.WaitPending(ctx, 1))
	w.clock.Advance(2 * time.Hour)
	expect("romeo")
	cancel()
	<-stopped
}

// Whatever is removed twice at the same time is removed once, and the last administrator stays.
func TestRemoveRace(t *testing.T) {
	w := newWorld(t)
	w.account("a", auth.RoleAdmin)
	w.account("b", auth.RoleAdmin)
	errs := make(chan error, 20)
	for i := range 20 {
		go func() { errs <- w.Remove(t.Context(), strings.Split("ab", "")[i%2], time.Hour) }()
	}
	for range 20 {
		if err := <-errs; err != nil {
			w.want(err, auth.ErrLastAdmin)
		}
	}
	as, err := w.Accounts(t.Context())
	w.must(err)
	if as[0].Removed() == as[1].Removed() {
		t.Errorf("%+v", as)
	}
}
