// Package upload takes files that people send each other (XEP-0363): an app asks for a slot over XMPP,
// puts the file there over HTTP, and tells others where it is.
//
// Whoever knows the address of a file may read it, so nobody can guess one. A file is on the disk, and
// known to the database, before the app is told that it is.
package upload

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"sync"
	"time"

	"kith/internal/clock"
	"kith/internal/counter"
	"kith/internal/form"
	"kith/internal/jid"
	"kith/internal/stanza"
	"kith/internal/xmltree"
	"kith/server/module"
)

// Namespaces of XEP-0363 and of its purposes.
const (
	nsUpload  = "urn:xmpp:http:upload:0"
	nsPurpose = "urn:xmpp:http:upload:purpose:0"
)

// File is what is known of a file beside what is in it.
type File struct {
	// ID is 160 random bits, in base32.
	ID string
	// Account that sent it, by its localpart.
	Account string
	// Name and Type as the sender gave them; Type may be empty.
	Name, Type string
	// Size in bytes.
	Size int64
	// At is when it came.
	At time.Time
	// Until is when it is to be removed; the zero time for as long as the account is there.
	Until time.Time
}

var (
	// ErrQuota means that the account would keep more than it may.
	ErrQuota = errors.New("upload: over quota")
	// ErrTaken means that there is a file with this id.
	ErrTaken = errors.New("upload: there is such a file")
)

// Store knows the files. Its methods are safe for concurrent use.
type Store interface {
	// Add makes a file known if its account then keeps no more than quota: [ErrQuota], [ErrTaken].
	Add(ctx context.Context, f File, quota int64) error
	// File finds one.
	File(ctx context.Context, id string) (f File, ok bool, err error)
	// Used is how much an account keeps, and when the next of its files goes; the zero time if none does.
	Used(ctx context.Context, account string) (bytes int64, next time.Time, err error)
	// Expired lists files whose time is over, at most limit of them.
	Expired(ctx context.Context, now time.Time, limit int) ([]string, error)
	// Of lists files of an account, at most limit of them.
	Of(ctx context.Context, account string, limit int) ([]string, error)
	// Forget removes files.
	Forget(ctx context.Context, ids []string) error
}

// Accounts tells who may upload.
type Accounts interface {
	Exists(ctx context.Context, local string) (bool, error)
}

// Counters tell what was done and what was refused.
type Counters struct {
	Taken   *counter.Counter // files
	Bytes   *counter.Counter // bytes of them
	Refused *counter.Counter // uploads for which there was no room
	Removed *counter.Counter // files whose time was over
}

// Options are what the service needs.
type Options struct {
	// Domain of the accounts.
	Domain string
	// BaseURL is where [Service.ServeHTTP] is reached from outside, without a slash at its end.
	BaseURL string
	// Dir keeps the files.
	Dir string
	// Key signs slots: at least 32 random bytes that stay the same from one run to the next.
	Key      []byte
	Store    Store
	Accounts Accounts
	Clock    clock.Clock
	Log      *slog.Logger
	Config   Config
}

// Service is the feature.
type Service struct {
	opts     Options
	address  jid.JID
	key      []byte
	disk     *disk
	counters Counters

	// finishing is held from when a file gets its place until it is known or gone again.
	finishing sync.Mutex

	mu sync.Mutex // guards busy
	// busy counts the uploads under way, by account.
	busy map[string]int
}

// New makes the service, and removes what a crash has left of uploads.
func New(opts Options) (*Service, error) {
	address, err := jid.New("", opts.Config.Subdomain+"."+opts.Domain, "")
	if err != nil {
		return nil, fmt.Errorf("upload: address: %w", err)
	}
	if len(opts.Key) < 32 {
		return nil, errors.New("upload: the key is too short")
	}
	d, err := openDisk(opts.Dir)
	if err != nil {
		return nil, fmt.Errorf("upload: %w", err)
	}
	return &Service{
		opts: opts, address: address, key: opts.Key, disk: d, busy: map[string]int{},
		counters: Counters{
			Taken: counter.New("upload_files"), Bytes: counter.New("upload_bytes"),
			Refused: counter.New("upload_refused"), Removed: counter.New("upload_removed"),
		},
	}, nil
}

// Address is where apps ask for slots.
func (s *Service) Address() jid.JID { return s.address }

// Counters returns the live counters.
func (s *Service) Counters() Counters { return s.counters }

var _ module.Module = (*Service)(nil)

// Register implements [module.Module]: what the domain says of the service.
func (s *Service) Register(r *module.Registry) {
	r.Implements(module.XEP{Number: 363, Name: "HTTP File Upload", Version: "1.2.0"})
	r.Item(module.Item{JID: s.address, Name: "HTTP File Upload"})
}

// At is what is to be registered at the address of the service.
func (s *Service) At() module.Module { return atAddress{s} }

type atAddress struct{ *Service }

func (s atAddress) Register(r *module.Registry) {
	r.Identity(module.OnServer, module.Identity{Category: "store", Type: "file", Name: "HTTP File Upload"})
	r.Disco(module.OnServer, nsUpload)
	for _, p := range []purpose{forMessage, forProfile, ephemeral, permanent} {
		r.Disco(module.OnServer, nsPurpose+"#"+string(p))
	}
	limit := strconv.FormatInt(s.maxSize(), 10)
	r.Form(form.New(form.TypeResult, nsUpload, form.Field{Var: "max-file-size", Values: []string{limit}}).Write)
	r.HandleIQ(module.OnServer, stanza.Get, nsUpload, "request", s.request)
}

func (s *Service) maxSize() int64 { return int64(s.opts.Config.MaxSize) + tag }

// request answers with a slot (XEP-0363 section 5).
func (s *Service) request(q *module.IQ) error {
	from := q.From()
	if from.Domain() != s.opts.Domain || from.Local() == "" {
		return stanza.Refuse(stanza.Forbidden, "Only people of this server may send files here.")
	}
	now := s.opts.Clock.Now()
	k, err := s.read(q.Payload, now)
	if err != nil {
		return err
	}
	k.Account = from.Local()
	if err := s.room(k, now); err != nil {
		return err
	}
	link := s.url(k.ID, k.Name)
	pass := k.seal(s.key)
	q.Result(func(w *xmltree.Writer) {
		w.Open(nsUpload, "slot")
		w.Open("", "put", "url", link).Element("", "header", bearer+pass, "name", "Authorization").Close()
		w.Empty("", "get", "url", link).Close()
	})
	return nil
}

// room refuses what would not fit.
func (s *Service) room(k slot, now time.Time) error {
	used, next, err := s.opts.Store.Used(context.Background(), k.Account)
	if err != nil {
		return err
	}
	if used+k.Size > int64(s.opts.Config.Quota) {
		s.counters.Refused.Inc()
		f := &stanza.Fault{
			Condition: stanza.ResourceConstraint,
			Text:      "You keep as many files here as you may; the oldest go by themselves.",
		}
		if next.After(now) {
			f.App, f.AppNS, f.AppAttrs = "retry", nsUpload, []string{"stamp", next.UTC().Format(time.RFC3339)}
		} else {
			f.Kind = "cancel"
		}
		return f
	}
	if !s.disk.room(k.Size, int64(s.opts.Config.MinFree)) {
		s.counters.Refused.Inc()
		return stanza.Refuse(stanza.ResourceConstraint, "The server has no room for files at the moment.")
	}
	return nil
}

// upkeepEvery is how often files are removed whose time is over, and batch how many at a time.
const (
	upkeepEvery = 10 * time.Minute
	batch       = 200
)

// Run removes files whose time is over and what belongs to none, when the server starts and from
// time to time, until ctx ends.
func (s *Service) Run(ctx context.Context) {
	tick := s.opts.Clock.NewTicker(upkeepEvery)
	defer tick.Stop()
	err := s.sweep(ctx)
	for {
		if err = errors.Join(err, s.Expire(ctx)); err != nil && ctx.Err() == nil {
			s.opts.Log.LogAttrs(ctx, slog.LevelError, "upkeep of files failed; it will be tried again", slog.Any("error", err))
		}
		err = nil
		select {
		case <-ctx.Done():
			return
		case <-tick.C():
		}
	}
}

// Expire removes files whose time is over.
func (s *Service) Expire(ctx context.Context) error {
	return s.remove(ctx, func() ([]string, error) { return s.opts.Store.Expired(ctx, s.opts.Clock.Now(), batch) })
}

// Purge removes the files of an account. Doing it twice is as good as once.
func (s *Service) Purge(ctx context.Context, local string) error {
	return s.remove(ctx, func() ([]string, error) { return s.opts.Store.Of(ctx, local, batch) })
}

// remove removes files until there are no more. The database forgets them last: what it knows of is
// tried again.
func (s *Service) remove(ctx context.Context, list func() ([]string, error)) error {
	for ctx.Err() == nil {
		ids, err := list()
		if err != nil || len(ids) == 0 {
			return err
		}
		for _, id := range ids {
			if err := s.disk.remove(id); err != nil {
				return fmt.Errorf("upload: remove: %w", err)
			}
		}
		if err := s.opts.Store.Forget(ctx, ids); err != nil {
			return err
		}
		s.counters.Removed.Add(uint64(len(ids)))
	}
	return ctx.Err()
}

// sweep removes files that the database does not know: their upload was not finished.
func (s *Service) sweep(ctx context.Context) error {
	old := s.opts.Clock.Now().Add(-time.Hour)
	return s.disk.each(func(id string, info os.FileInfo) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		if info.ModTime().After(old) {
			return nil // it may be on its way
		}
		if _, ok, err := s.opts.Store.File(ctx, id); err != nil || ok {
			return err
		}
		return s.disk.remove(id)
	})
}
