package upload

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"kith/internal/clock"
)

// Bounds of uploads under way: of one account, and how long the line may be silent.
const (
	maxBusy  = 8
	lineTime = time.Minute
	// stretch is how much is transferred before the deadlines of a connection are set anew.
	stretch = 256 << 10
)

// soon is the end of the patience with a line, in the time of the machine, which is that of connections.
func soon() time.Time { return clock.Real{}.Now().Add(lineTime) }

// ServeHTTP implements [http.Handler], for everything below [Path].
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	// Web apps of other origins put and get files, too.
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Access-Control-Allow-Methods", "OPTIONS, HEAD, GET, PUT")
	h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, Range")
	h.Set("Access-Control-Expose-Headers", "Content-Length, Content-Range, Content-Disposition")
	h.Set("Access-Control-Max-Age", "86400")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	// Whatever a file is, nothing in it runs: not from here, and not in a page of this origin.
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox; frame-ancestors 'none'")
	h.Set("Cache-Control", "no-store")

	id, name, ok := split(r.URL)
	switch {
	case !ok:
		s.refuseUpload(w, r, newPatient(w, r), http.StatusNotFound, lingerTimeStranger)
	case r.Method == http.MethodOptions:
		w.WriteHeader(http.StatusNoContent)
	case r.Method == http.MethodPut:
		s.put(w, r, id, name)
	case r.Method == http.MethodGet, r.Method == http.MethodHead:
		s.get(w, r, id, name)
	default:
		h.Set("Allow", "OPTIONS, HEAD, GET, PUT")
		s.refuseUpload(w, r, newPatient(w, r), http.StatusMethodNotAllowed, lingerTimeStranger)
	}
}

// split reads the path of a file's address.
func split(u *url.URL) (id, name string, ok bool) {
	rest, ok := strings.CutPrefix(u.EscapedPath(), Path)
	id, escaped, found := strings.Cut(rest, "/")
	name, err := url.PathUnescape(escaped)
	return id, name, ok && found && err == nil && isID(id) && !strings.Contains(escaped, "/") && name != ""
}

// put takes a file (XEP-0363 section 8).
func (s *Service) put(w http.ResponseWriter, r *http.Request, id, name string) {
	body := newPatient(w, r)
	k, status := s.permit(w, r, id, name)
	if status != 0 {
		s.refuseUpload(w, r, body, status, lingerTimeStranger)
		return
	}
	if !s.begin(k.Account) {
		w.Header().Set("Retry-After", "10")
		s.refuseUpload(w, r, body, http.StatusTooManyRequests, lingerTimeStranger)
		return
	}
	defer s.end(k.Account)
	status, err := s.take(r.Context(), body, k)
	if err != nil && r.Context().Err() == nil {
		s.opts.Log.LogAttrs(r.Context(), slog.LevelError, "taking a file failed", slog.Any("error", err))
	}
	if status != http.StatusCreated {
		s.refuseUpload(w, r, body, status, lingerTime)
		return
	}
	w.WriteHeader(http.StatusCreated)
}

// permit finds out for what a request has the right, and whether that is what it is about to send; if not, with what
// to refuse it.
func (s *Service) permit(w http.ResponseWriter, r *http.Request, id, name string) (k slot, refusal int) {
	sealed, ok := strings.CutPrefix(r.Header.Get("Authorization"), bearer)
	k, genuine := open(sealed, s.key)
	switch {
	case !ok:
		w.Header().Set("WWW-Authenticate", "Bearer")
		return k, http.StatusUnauthorized
	case !genuine || k.ID != id || k.Name != name || s.opts.Clock.Now().After(k.Closes):
		return k, http.StatusForbidden
	case r.ContentLength < 0:
		return k, http.StatusLengthRequired
	case r.ContentLength > k.Size:
		return k, http.StatusRequestEntityTooLarge
	case r.ContentLength != k.Size:
		return k, http.StatusBadRequest
	}
	if t := r.Header.Get("Content-Type"); t != "" && k.Type != "" && cleanType(t) != k.Type {
		return k, http.StatusUnsupportedMediaType
	}
	return k, 0
}

// take writes a file to the disk and makes it known. Whoever did not hear that it was taken, because the
// line broke, may put the same again.
func (s *Service) take(ctx context.Context, body *patient, k slot) (status int, err error) {
	_, taken, err := s.opts.Store.File(ctx, k.ID)
	if err != nil {
		return http.StatusInternalServerError, err
	}
	if taken {
		return outcome(s.disk.same(k.ID, body), body)
	}
	if !s.disk.room(k.Size, int64(s.opts.Config.MinFree)) {
		s.counters.Refused.Inc()
		return http.StatusInsufficientStorage, nil
	}
	name, err := s.disk.receive(k.ID, k.Size, body)
	if err != nil {
		return outcome(err, body)
	}
	// From here on it is seen through, whether anybody waits for the answer or not: otherwise the database might know a
	// file that is not there.
	ctx = context.WithoutCancel(ctx)
	s.finishing.Lock()
	defer s.finishing.Unlock()
	if err := s.disk.place(k.ID, name); err != nil {
		return outcome(err, body)
	}
	status, err = s.add(ctx, k)
	if status != http.StatusCreated {
		err = errors.Join(err, s.disk.remove(k.ID))
	}
	return status, err
}

// outcome is the answer to an upload that went so.
func outcome(err error, body *patient) (int, error) {
	switch {
	case err == nil:
		return http.StatusCreated, nil
	case errors.Is(err, ErrTaken):
		return http.StatusConflict, nil
	case body.failed:
		return http.StatusBadRequest, nil // the line broke, or was silent for too long
	}
	return http.StatusInternalServerError, err
}

// add makes a file known that is in its place. If it does not say that it was created, the file must go.
func (s *Service) add(ctx context.Context, k slot) (status int, err error) {
	k.At = s.opts.Clock.Now()
	err = s.opts.Store.Add(ctx, k.File, int64(s.opts.Config.Quota))
	switch {
	case errors.Is(err, ErrTaken): // the same has come on another line just before
		return http.StatusCreated, nil
	case errors.Is(err, ErrQuota):
		s.counters.Refused.Inc()
		return http.StatusInsufficientStorage, nil
	case err != nil:
		return http.StatusInternalServerError, err
	}
	// Whoever was removed meanwhile leaves nothing behind.
	there, err := s.opts.Accounts.Exists(ctx, k.Account)
	switch {
	case err != nil:
		return http.StatusInternalServerError, errors.Join(err, s.opts.Store.Forget(ctx, []string{k.ID}))
	case !there:
		return http.StatusForbidden, s.opts.Store.Forget(ctx, []string{k.ID})
	}
	s.counters.Taken.Inc()
	s.counters.Bytes.Add(uint64(k.Size)) //nolint:gosec // it is positive
	return http.StatusCreated, nil
}

func (s *Service) begin(account string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.busy[account] >= maxBusy {
		return false
	}
	s.busy[account]++
	return true
}

func (s *Service) end(account string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.busy[account]--; s.busy[account] == 0 {
		delete(s.busy, account)
	}
}

// patient reads a body that may take its time, as long as something comes.
type patient struct {
	body   io.Reader
	extend func(time.Time) error
	end    time.Time // of all patience, if there is one
	due    int
	begun  bool
	failed bool
}

func newPatient(w http.ResponseWriter, r *http.Request) *patient {
	return &patient{body: r.Body, extend: http.NewResponseController(w).SetReadDeadline}
}

func (p *patient) Read(b []byte) (int, error) {
	p.begun = true
	if p.due <= 0 {
		until := soon()
		if !p.end.IsZero() && p.end.Before(until) {
			until = p.end
		}
		if err := p.extend(until); err != nil && !errors.Is(err, http.ErrNotSupported) {
			p.failed = true
			return 0, err
		}
		p.due = stretch
	}
	n, err := p.body.Read(b)
	p.due -= n
	p.failed = p.failed || err != nil && !errors.Is(err, io.EOF)
	return n, err
}

// get answers with a file, or with a part of it.
func (s *Service) get(w http.ResponseWriter, r *http.Request, id, name string) {
	f, ok, err := s.opts.Store.File(r.Context(), id)
	now := s.opts.Clock.Now()
	if err == nil && (!ok || f.Name != name || !f.Until.IsZero() && !now.Before(f.Until)) {
		refuse(w, http.StatusNotFound)
		return
	}
	var content *os.File
	if err == nil {
		content, err = s.disk.open(id)
	}
	if err != nil {
		if r.Context().Err() == nil {
			s.opts.Log.LogAttrs(r.Context(), slog.LevelError, "reading a file failed", slog.Any("error", err))
		}
		refuse(w, http.StatusInternalServerError)
		return
	}
	defer func() { _ = content.Close() }()
	h := w.Header()
	kind, disposition := present(f.Type)
	h.Set("Content-Type", kind)
	if d := mime.FormatMediaType(disposition, map[string]string{"filename": f.Name}); d != "" {
		disposition = d
	}
	h.Set("Content-Disposition", disposition)
	h.Set("ETag", `"`+id+`"`)
	// It never changes, and it is nobody else's.
	age := 30 * 24 * time.Hour
	if !f.Until.IsZero() {
		age = min(age, f.Until.Sub(now))
	}
	h.Set("Cache-Control", "private, immutable, max-age="+strconv.Itoa(int(age/time.Second)))
	rc := http.NewResponseController(w)
	out := &patientWriter{ResponseWriter: w, extend: func() error { return rc.SetWriteDeadline(soon()) }}
	http.ServeContent(out, r, "", f.At, content)
}

// patientWriter writes an answer that may take its time, as long as somebody reads.
type patientWriter struct {
	http.ResponseWriter
	extend func() error
	due    int
}

func (p *patientWriter) Write(b []byte) (int, error) {
	for n := 0; ; {
		if p.due <= 0 {
			if err := p.extend(); err != nil && !errors.Is(err, http.ErrNotSupported) {
				return n, err
			}
			p.due = stretch
		}
		part := b[n:min(len(b), n+p.due)]
		m, err := p.ResponseWriter.Write(part)
		n += m
		p.due -= m
		if err != nil || n == len(b) {
			return n, err
		}
	}
}

// present is as what a file is shown: the type that a browser is told, and whether it shows the file or
// only saves it. Scripts, styles and documents that a browser would take for a part of this site are
// but bytes.
func present(kind string) (contentType, disposition string) {
	const unknown = "application/octet-stream"
	major, minor, _ := strings.Cut(kind, "/")
	switch {
	case kind == "":
		return unknown, "attachment"
	case major == "image" && !strings.Contains(minor, "xml"), major == "audio", major == "video":
		return kind, "inline"
	case kind == "text/plain":
		return "text/plain; charset=utf-8", "inline"
	case kind == "application/pdf", kind == "application/zip", kind == "text/calendar", kind == "text/vcard",
		major == "application" && strings.HasPrefix(minor, "vnd.") && !strings.Contains(minor, "xml+") && !strings.HasSuffix(minor, "+xml"):
		return kind, "attachment"
	}
	return unknown, "attachment"
}
