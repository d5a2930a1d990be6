package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"kith/federation"
)

// While the server runs, the commands reach it through a socket in its data directory, which only
// its owner can open: HTTP, with a path for each method of people and JSON both ways.

const (
	controlRequest = 1 << 20 // bytes, at most
	controlTime    = time.Minute
)

// controlAnswer is what comes back.
type controlAnswer[T any] struct {
	Result T      `json:"result"`
	Error  string `json:"error,omitempty"`
}

// controlHandler answers the commands.
func controlHandler(p people, l links) http.Handler {
	mux := http.NewServeMux()
	answer(mux, "user/add", p.AddUser)
	answer(mux, "user/list", p.ListUsers)
	answer(mux, "user/passwd", p.SetPassword)
	answer(mux, "user/remove", p.RemoveUser)
	answer(mux, "user/restore", p.RestoreUser)
	answer(mux, "invite/create", p.CreateInvite)
	answer(mux, "invite/list", p.ListInvites)
	answer(mux, "invite/revoke", p.RevokeInvite)
	answer(mux, "user/role", p.SetRole)
	answer(mux, "user/guardians", p.Guardians)
	answer(mux, "circle/add", p.AddCircle)
	answer(mux, "circle/list", p.ListCircles)
	answer(mux, "circle/join", p.JoinCircle)
	answer(mux, "circle/leave", p.LeaveCircle)
	answer(mux, "circle/rename", p.RenameCircle)
	answer(mux, "circle/remove", p.RemoveCircle)
	answer(mux, "federation/status", l.Status)
	answer(mux, "federation/policy", l.SetPolicy)
	answer(mux, "federation/rule", l.SetRule)
	answer(mux, "federation/retry", l.Retry)
	answer(mux, "federation/return", l.GiveBack)
	answer(mux, "federation/trust", l.Trust)
	return mux
}

func answer[In, Out any](mux *http.ServeMux, path string, do func(context.Context, In) (Out, error)) {
	mux.HandleFunc("POST /v1/"+path, func(w http.ResponseWriter, r *http.Request) {
		var (
			in  In
			out controlAnswer[Out]
		)
		err := json.NewDecoder(http.MaxBytesReader(w, r.Body, controlRequest)).Decode(&in)
		if err == nil {
			// What was begun is finished, although the command may be interrupted.
			out.Result, err = do(context.WithoutCancel(r.Context()), in)
		}
		if err != nil {
			out.Error = err.Error()
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(out)
	})
}

// remote is people and links over the socket.
type remote struct{ client *http.Client }

var (
	_ people = remote{}
	_ links  = remote{}
)

// errNoServer means that nothing listens at the socket.
var errNoServer = errors.New("no server answers")

func newRemote(dir string) remote {
	return remote{&http.Client{
		Timeout: controlTime,
		Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			path, done, err := socketPath(dir)
			if err != nil {
				return nil, err
			}
			defer done()
			var d net.Dialer
			c, err := d.DialContext(ctx, "unix", path)
			if err != nil {
				return nil, fmt.Errorf("%w: %w", errNoServer, err)
			}
			return c, nil
		}},
	}}
}

func call[In, Out any](ctx context.Context, r remote, path string, in In) (Out, error) {
	var out controlAnswer[Out]
	body, err := json.Marshal(in)
	if err != nil {
		return out.Result, err
	}
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://kith/v1/"+path, bytes.NewReader(body))
	if err != nil {
		return out.Result, err
	}
	resp, err := r.client.Do(q)
	if err != nil {
		return out.Result, fmt.Errorf("asking the server: %w", err)
	}
	defer func() { _ = resp.Body.Close() }() // read to its end below
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return out.Result, fmt.Errorf("asking the server: %w", err)
	}
	if err := json.Unmarshal(text, &out); err != nil || resp.StatusCode != http.StatusOK {
		return out.Result, fmt.Errorf("the server that runs is of another version (%s)", resp.Status)
	}
	if out.Error != "" {
		return out.Result, errors.New(out.Error)
	}
	return out.Result, nil
}

func (r remote) AddUser(ctx context.Context, in newUser) (user, error) {
	return call[newUser, user](ctx, r, "user/add", in)
}

func (r remote) ListUsers(ctx context.Context, in none) ([]user, error) {
	return call[none, []user](ctx, r, "user/list", in)
}

func (r remote) SetPassword(ctx context.Context, in newPassword) (none, error) {
	return call[newPassword, none](ctx, r, "user/passwd", in)
}

func (r remote) RemoveUser(ctx context.Context, in removal) (removed, error) {
	return call[removal, removed](ctx, r, "user/remove", in)
}

func (r remote) RestoreUser(ctx context.Context, in address) (none, error) {
	return call[address, none](ctx, r, "user/restore", in)
}

func (r remote) CreateInvite(ctx context.Context, in newInvite) (invite, error) {
	return call[newInvite, invite](ctx, r, "invite/create", in)
}

func (r remote) ListInvites(ctx context.Context, in none) ([]invite, error) {
	return call[none, []invite](ctx, r, "invite/list", in)
}

func (r remote) RevokeInvite(ctx context.Context, in inviteID) (none, error) {
	return call[inviteID, none](ctx, r, "invite/revoke", in)
}

func (r remote) Status(ctx context.Context, in domainName) (federation.Status, error) {
	return call[domainName, federation.Status](ctx, r, "federation/status", in)
}

func (r remote) SetPolicy(ctx context.Context, in federation.Policy) (none, error) {
	return call[federation.Policy, none](ctx, r, "federation/policy", in)
}

func (r remote) SetRule(ctx context.Context, in domainRule) (none, error) {
	return call[domainRule, none](ctx, r, "federation/rule", in)
}

func (r remote) Retry(ctx context.Context, in domainName) (int, error) {
	return call[domainName, int](ctx, r, "federation/retry", in)
}

func (r remote) GiveBack(ctx context.Context, in domainName) (int, error) {
	return call[domainName, int](ctx, r, "federation/return", in)
}

func (r remote) Trust(ctx context.Context, in domainName) (bool, error) {
	return call[domainName, bool](ctx, r, "federation/trust", in)
}

// control serves the socket of a data directory that this process has.
type control struct {
	http   *http.Server
	served chan struct{}
}

func openControl(dir string, p people, fed links) (*control, error) {
	path, done, err := socketPath(dir)
	if err != nil {
		return nil, err
	}
	defer done()
	// One that was left behind: the lock tells that nobody listens there.
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("control socket: %w", err)
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("control socket: %w", err)
	}
	// The path may be gone by then, see socketPath.
	l.SetUnlinkOnClose(false)
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("control socket: %w", err), l.Close())
	}
	c := &control{
		http:   &http.Server{Handler: controlHandler(p, fed), ReadHeaderTimeout: controlTime, ReadTimeout: controlTime},
		served: make(chan struct{}),
	}
	go func() {
		defer close(c.served)
		_ = c.http.Serve(l) // until Shutdown
	}()
	return c, nil
}

// close waits for the commands that are being done.
func (c *control) close(ctx context.Context, dir string) error {
	err := c.http.Shutdown(ctx)
	<-c.served
	if rerr := os.Remove(filepath.Join(dir, controlFile)); !errors.Is(rerr, os.ErrNotExist) {
		err = errors.Join(err, rerr)
	}
	return err
}

// maxSocketPath is what fits into the address of a Unix socket on every system.
const maxSocketPath = 100

// socketPath is a path of the socket that is short enough. done is called when it was used. A longer
// one goes, on Linux, through a handle of the directory.
func socketPath(dir string) (path string, done func(), err error) {
	path = filepath.Join(dir, controlFile)
	if len(path) <= maxSocketPath {
		return path, func() {}, nil
	}
	if runtime.GOOS != "linux" {
		return "", nil, fmt.Errorf("the path of the data directory is too long: %s", dir)
	}
	d, err := os.Open(dir)
	if err != nil {
		return "", nil, err
	}
	return fmt.Sprintf("/proc/self/fd/%d/%s", d.Fd(), controlFile), func() { _ = d.Close() }, nil
}
