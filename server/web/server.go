package web

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// Server serves HTTP on listeners.
type Server struct {
	http *http.Server
}

// The time that a client may take. Whoever holds a WebSocket is not bound by them.
const (
	headerTime = 10 * time.Second
	readTime   = time.Minute
	writeTime  = 5 * time.Minute // for the app's largest file over the slowest line
	idleTime   = 2 * time.Minute
	maxHeader  = 16 << 10
)

// NewServer makes a server for a handler.
func NewServer(h http.Handler, log *slog.Logger) *Server {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Server{http: &http.Server{
		Handler:           h,
		ReadHeaderTimeout: headerTime,
		ReadTimeout:       readTime,
		WriteTimeout:      writeTime,
		IdleTimeout:       idleTime,
		MaxHeaderBytes:    maxHeader,
		// It speaks of each handshake that fails, with the client's address.
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}}
}

// Serve answers on all listeners until Shutdown: on the plain ones as they are, and with TLS on the
// others, whose configuration offers h2 and http/1.1. When one listener fails, it ends with all of them.
func (s *Server) Serve(plain, secure []net.Listener, config *tls.Config) error {
	var (
		wg   sync.WaitGroup
		mu   sync.Mutex
		errs []error
	)
	for _, l := range secure {
		plain = append(plain[:len(plain):len(plain)], tls.NewListener(l, config))
	}
	for _, l := range plain {
		wg.Go(func() {
			if err := s.http.Serve(l); err != nil && !errors.Is(err, http.ErrServerClosed) {
				mu.Lock()
				errs = append(errs, err)
				mu.Unlock()
				_ = s.http.Close() // the error above says why
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// Shutdown closes the listeners and waits for the requests that are under way, WebSockets not
// among them.
func (s *Server) Shutdown(ctx context.Context) error {
	if err := s.http.Shutdown(ctx); err != nil {
		return errors.Join(err, s.http.Close())
	}
	return nil
}
