package upload_test

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"kith/internal/clock"
	"kith/internal/jid"
	"kith/internal/stanza"
	"kith/server/module"
	"kith/server/store/storetest"
	"kith/server/upload"
)

// leaving is a store in which the line breaks at the very moment in which a file has become known.
type leaving struct {
	upload.Store
	hangUp func()
}

func (l *leaving) Add(ctx context.Context, f upload.File, quota int64) error {
	err := l.Store.Add(ctx, f, quota)
	l.hangUp()
	return err
}

// everybody has an account, for who waits for the answer.
type everybody struct{}

func (everybody) Exists(ctx context.Context, _ string) (bool, error) {
	return ctx.Err() == nil, ctx.Err()
}

// Who hangs up just when the file is known does not hear of it, and puts it again: it is there, whole.
func TestHangUpAtTheEnd(t *testing.T) {
	key := make([]byte, 32)
	_, _ = rand.Read(key)
	files := &leaving{Store: storetest.Open(t).Uploads(), hangUp: func() {}}
	s, err := upload.New(upload.Options{
		Domain: "example.org", BaseURL: "https://example.org", Dir: t.TempDir(), Key: key, Store: files, Accounts: everybody{},
		Clock: clock.Real{}, Log: slog.New(slog.DiscardHandler), Config: upload.DefaultConfig(),
	})
	if err != nil {
		t.Fatal(err)
	}
	st, err := stanza.Parse(request("x.txt", 4, "text/plain", ""))
	if err != nil {
		t.Fatal(err)
	}
	st = st.Stamp(jid.Must("alice@example.org/x"))
	var k slot
	q := module.NewIQ(nil, nil, st, func(answer *stanza.Stanza) {
		put := answer.Payload().First()
		k = slot{strings.TrimPrefix(put.Attr("url"), "https://example.org"), put.First().Text()}
	})
	if err := module.NewRegistry(s.At()).IQHandler(module.OnServer, stanza.Get, q.Payload)(q); err != nil {
		t.Fatal(err)
	}
	put := func(ctx context.Context) int {
		r := httptest.NewRequestWithContext(ctx, http.MethodPut, k.url, strings.NewReader("1234"))
		r.Header.Set("Authorization", k.pass)
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		return w.Code
	}
	ctx, cancel := context.WithCancel(t.Context())
	files.hangUp = cancel
	put(ctx)
	if status := put(t.Context()); status != http.StatusCreated {
		t.Errorf("put again: %d", status)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, k.url, nil))
	if w.Code != http.StatusOK || w.Body.String() != "1234" {
		t.Errorf("get: %d %s", w.Code, w.Body)
	}
}
