package upload_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"kith/internal/clock"
	"kith/internal/stanza"
	"kith/server/auth"
	"kith/server/servertest"
)

const nsUpload = "urn:xmpp:http:upload:0"

// site is a server with a web server.
type site struct {
	*servertest.Server
	t   *testing.T
	web *httptest.Server
	dir string
	clk *clock.Fake
}

func newSite(t *testing.T, change func(*servertest.Options)) *site {
	t.Helper()
	s := &site{t: t, dir: t.TempDir(), clk: clock.NewFake(time.Now())}
	s.Server = servertest.New(t, func(o *servertest.Options) {
		o.Dir, o.Clock = s.dir, s.clk
		o.Config.Upload.MaxSize, o.Config.Upload.Quota, o.Config.Upload.MinFree = 1<<20, 1<<21, 0
		if change != nil {
			change(o)
		}
	})
	s.web = httptest.NewServer(s.Files())
	t.Cleanup(s.web.Close)
	s.Account("alice", "bob")
	return s
}

// until does something again and again until what is waited for has come, as long as the slowest machine may take.
func until(come func() bool, step func()) {
	for deadline := time.Now().Add(time.Minute); !come() && time.Now().Before(deadline); {
		step()
	}
}

// slot is what an app has got.
type slot struct{ url, pass string }

func request(name string, size int, kind, purpose string) string {
	return `<iq type='get' id='slot' to='upload.example.org'><request xmlns='` + nsUpload + `' filename='` + name + `' size='` +
		strconv.Itoa(size) + `' content-type='` + kind + `'>` + purpose + `</request></iq>`
}

func (s *site) slot(c *servertest.Client, name string, size int, kind, purpose string) slot {
	s.t.Helper()
	st := c.Ask(request(name, size, kind, purpose))
	e := st.Child(nsUpload, "slot")
	put := e.Child(nsUpload, "put")
	header := put.Child(nsUpload, "header")
	get := e.Child(nsUpload, "get").Attr("url")
	if st.Type != stanza.Result || header.Attr("name") != "Authorization" || get == "" || put.Attr("url") != get {
		s.t.Fatalf("slot for %s: %s", name, st)
	}
	return slot{get, header.Text()}
}

// do makes an HTTP request; headers are pairs.
func (s *site) do(method, target string, body io.Reader, headers ...string) *http.Response {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.web.URL+strings.TrimPrefix(target, "https://example.org"), body)
	if err != nil {
		s.t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	resp, err := s.web.Client().Do(r)
	if err != nil {
		s.t.Fatalf("%s %s: %v", method, target, err)
	}
	s.t.Cleanup(func() { resp.Body.Close() })
	return resp
}

func (s *site) put(k slot, content string, headers ...string) int {
	s.t.Helper()
	return s.do("PUT", k.url, strings.NewReader(content), append([]string{"Authorization", k.pass}, headers...)...).StatusCode
}

func (s *site) get(url string) (int, string, http.Header) {
	s.t.Helper()
	r := s.do("GET", url, nil)
	b, err := io.ReadAll(r.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return r.StatusCode, string(b), r.Header
}

// files are what is on the disk.
func (s *site) files() (names []string) {
	s.t.Helper()
	err := filepath.WalkDir(s.dir+"/uploads", func(p string, e os.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			names = append(names, p)
		}
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return names
}

func expect(t *testing.T, what string, st *stanza.Stanza, want ...string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(st.String(), w) {
			t.Errorf("%s: no %s in\n%s", what, w, st)
		}
	}
}

func TestUpload(t *testing.T) {
	s := newSite(t, nil)
	c := s.Client("alice")
	expect(t, "items", c.Ask(`<iq type='get' id='i' to='example.org'><query xmlns='http://jabber.org/protocol/disco#items'/></iq>`), `jid='upload.example.org'`)
	expect(t, "info", c.Ask(`<iq type='get' id='d' to='upload.example.org'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>`),
		`category='store' type='file'`, `var='urn:xmpp:http:upload:0'`, `var='urn:xmpp:http:upload:purpose:0#ephemeral'`,
		`<field var='max-file-size'><value>1048592</value></field>`)

	k := s.slot(c, "très cool.jpg", 11, "image/jpeg", "")
	if !strings.HasPrefix(k.url, "https://example.org/upload/") || !strings.HasSuffix(k.url, "/tr%C3%A8s%20cool.jpg") {
		t.Errorf("address %s", k.url)
	}
	if status, _, _ := s.get(k.url); status != 404 {
		t.Errorf("before the upload: %d", status)
	}
	if status := s.put(k, "hello world", "Content-Type", "image/jpeg"); status != http.StatusCreated {
		t.Fatalf("put: %d", status)
	}
	status, body, h := s.get(k.url)
	if status != 200 || body != "hello world" || h.Get("Content-Type") != "image/jpeg" || h.Get("Content-Length") != "11" {
		t.Errorf("get: %d %q %v", status, body, h)
	}
	if d := h.Get("Content-Disposition"); !strings.HasPrefix(d, "inline; filename*=utf-8''tr%C3%A8s%20cool.jpg") {
		t.Errorf("disposition %s", d)
	}
	for name, want := range map[string]string{
		"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "default-src 'none'; sandbox; frame-ancestors 'none'",
		"Access-Control-Allow-Origin": "*", "Cache-Control": "private, immutable, max-age=259",
	} {
		if !strings.HasPrefix(h.Get(name), want) {
			t.Errorf("%s: %q", name, h.Get(name))
		}
	}
	head := s.do("HEAD", k.url, nil)
	if head.StatusCode != 200 || head.ContentLength != 11 {
		t.Errorf("head: %d, %d bytes", head.StatusCode, head.ContentLength)
	}
	part := s.do("GET", k.url, nil, "Range", "bytes=6-")
	if b, _ := io.ReadAll(part.Body); part.StatusCode != http.StatusPartialContent || string(b) != "world" || part.Header.Get("Content-Range") != "bytes 6-10/11" {
		t.Errorf("part: %d %q %v", part.StatusCode, b, part.Header)
	}
	if again := s.do("GET", k.url, nil, "If-None-Match", h.Get("ETag")); again.StatusCode != http.StatusNotModified {
		t.Errorf("unchanged: %d", again.StatusCode)
	}
	for content, want := range map[string]int{"HELLO WORLD": http.StatusConflict, "hello worlD": http.StatusConflict, "hello world": http.StatusCreated} {
		if status := s.put(k, content); status != want {
			t.Errorf("once more, %s: %d, want %d", content, status, want)
		}
	}
	if _, body, _ := s.get(k.url); body != "hello world" {
		t.Errorf("overwritten: %q", body)
	}
	if status, _, _ := s.get(strings.Replace(k.url, "tr%C3%A8s", "tres", 1)); status != 404 {
		t.Errorf("by another name: %d", status)
	}
}

// What a slot is for, and nothing else.
func TestSlotIsForOneFile(t *testing.T) {
	s := newSite(t, nil)
	c := s.Client("alice")
	k, other := s.slot(c, "a.txt", 5, "text/plain", ""), s.slot(c, "a.txt", 5, "text/plain", "")
	for what, tt := range map[string]struct {
		status  int
		url     string
		body    io.Reader
		headers []string
	}{
		"without the right":    {401, k.url, strings.NewReader("12345"), nil},
		"a right of one's own": {403, k.url, strings.NewReader("12345"), []string{"Authorization", "Bearer e30.e30"}},
		"another's right":      {403, k.url, strings.NewReader("12345"), []string{"Authorization", other.pass}},
		"another name":         {403, strings.Replace(k.url, "a.txt", "a.html", 1), strings.NewReader("12345"), []string{"Authorization", k.pass}},
		"too short":            {400, k.url, strings.NewReader("1234"), []string{"Authorization", k.pass}},
		"too long":             {413, k.url, strings.NewReader("123456"), []string{"Authorization", k.pass}},
		"of unknown length":    {411, k.url, io.MultiReader(strings.NewReader("12345")), []string{"Authorization", k.pass}},
		"of another type":      {415, k.url, strings.NewReader("12345"), []string{"Authorization", k.pass, "Content-Type", "text/html"}},
	} {
		if r := s.do("PUT", tt.url, tt.body, tt.headers...); r.StatusCode != tt.status {
			t.Errorf("%s: %d, want %d", what, r.StatusCode, tt.status)
		}
	}
	for _, path := range []string{"/upload/", "/upload/x/a.txt", "/upload/../kith.db", k.url + "/more", strings.Replace(k.url, "a.txt", "", 1), strings.Replace(k.url, "/upload/", "/upload/../", 1)} {
		if r := s.do("PUT", path, strings.NewReader("12345"), "Authorization", k.pass); r.StatusCode != 404 {
			t.Errorf("%s: %d", path, r.StatusCode)
		}
	}
	if r := s.do("DELETE", k.url, nil); r.StatusCode != 405 {
		t.Errorf("DELETE: %d", r.StatusCode)
	}
	// A line that breaks leaves nothing behind, and the slot is still good.
	r, _ := http.NewRequestWithContext(t.Context(), "PUT", s.web.URL+strings.TrimPrefix(k.url, "https://example.org"), &broken{strings.NewReader("123")})
	r.ContentLength = 5
	r.Header.Set("Authorization", k.pass)
	if resp, err := s.web.Client().Do(r); err == nil {
		resp.Body.Close()
		t.Errorf("a broken line: %d", resp.StatusCode)
	}
	// Whether the server has noticed or not: one can try again at once.
	if status := s.put(k, "12345"); status != http.StatusCreated {
		t.Errorf("after that: %d", status)
	}
	s.clk.Advance(5*time.Minute + time.Second)
	if status := s.put(other, "12345"); status != 403 {
		t.Errorf("too late: %d", status)
	}
}

// Who does not hear that a file was taken puts it again, while the first line still hangs or afterwards: all
// are told that it is there, it is there once, and it counts once.
func TestPutAgain(t *testing.T) {
	s := newSite(t, nil)
	c := s.Client("alice")
	const size = 300_000 // several pieces
	content := strings.Repeat("0123456789", size/10)
	k := s.slot(c, "a.bin", size, "", "")
	// One that hangs in the middle.
	r, w := io.Pipe()
	hung, err := http.NewRequestWithContext(t.Context(), "PUT", s.web.URL+strings.TrimPrefix(k.url, "https://example.org"), r)
	if err != nil {
		t.Fatal(err)
	}
	hung.ContentLength = size
	hung.Header.Set("Authorization", k.pass)
	first := make(chan int, 1)
	go func() {
		resp, err := s.web.Client().Do(hung)
		if err != nil {
			first <- 0
			return
		}
		_ = resp.Body.Close()
		first <- resp.StatusCode
	}()
	if _, err := io.WriteString(w, content[:size/2]); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			if status := s.put(k, content); status != http.StatusCreated {
				t.Errorf("again: %d", status)
			}
		})
	}
	wg.Wait()
	// The line comes back, and goes on with what is the same; or with something else, and loses.
	if _, err := io.WriteString(w, content[size/2:size-1]+"!"); err != nil {
		t.Fatal(err)
	}
	if status := <-first; status != http.StatusConflict {
		t.Errorf("another content: %d", status)
	}
	if status := s.put(k, content); status != http.StatusCreated {
		t.Errorf("afterwards: %d", status)
	}
	if _, body, _ := s.get(k.url); body != content {
		t.Errorf("%d bytes of something else", len(body))
	}
	if left := s.files(); len(left) != 1 {
		t.Errorf("files %v", left)
	}
	if used, _, err := s.Store.Uploads().Used(t.Context(), "alice"); err != nil || used != size {
		t.Errorf("it counts as %d, %v", used, err)
	}
}

// broken is a body that ends with an error.
type broken struct{ io.Reader }

func (b *broken) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if err != nil {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

func TestRefusals(t *testing.T) {
	s := newSite(t, nil)
	c := s.Client("alice")
	const max = 1<<20 + 16
	expect(t, "too large", c.Ask(request("a", max+1, "", "")), `<not-acceptable`, `<file-too-large xmlns='urn:xmpp:http:upload:0'><max-file-size>1048592</max-file-size></file-too-large>`)
	for what, xml := range map[string]string{
		"no size":       request("a", 0, "", ""),
		"no name":       request("", 1, "", ""),
		"no real name":  request("../..", 1, "", ""),
		"no type":       request("a", 1, "nonsense", ""),
		"past":          request("a", 1, "", `<ephemeral xmlns='urn:xmpp:http:upload:purpose:0' expire-before='2020-01-01T00:00:00Z'/>`),
		"no time":       request("a", 1, "", `<ephemeral xmlns='urn:xmpp:http:upload:purpose:0'/>`),
		"other purpose": request("a", 1, "", `<world-domination xmlns='urn:xmpp:http:upload:purpose:0'/>`),
	} {
		expect(t, what, c.Ask(xml), `type='error'`)
	}
	// Names keep their ending and lose what is no name.
	k := s.slot(c, "/etc/"+strings.Repeat("ü", 300)+".jpeg", 1, "", "")
	if !strings.HasSuffix(k.url, "%C3%BC.jpeg") || strings.Contains(k.url, "etc") || len(k.url) > 3*200+100 {
		t.Errorf("address %s", k.url)
	}
	// What is kept counts, and so does what was promised twice.
	one, two := s.slot(c, "a", 1<<20, "", ""), s.slot(c, "b", 1<<20, "", "")
	three := s.slot(c, "c", 1<<20, "", "")
	content := strings.Repeat("x", 1<<20)
	if a, b := s.put(one, content), s.put(two, content); a != 201 || b != 201 {
		t.Fatalf("put: %d, %d", a, b)
	}
	if status := s.put(three, content); status != http.StatusInsufficientStorage {
		t.Errorf("more than the quota: %d", status)
	}
	if n := len(s.files()); n != 2 {
		t.Errorf("%d files", n)
	}
	stamp := s.clk.Now().Add(30 * 24 * time.Hour).UTC().Format("2006-01-02T")
	expect(t, "over quota", c.Ask(request("d", 1, "", "")), `<resource-constraint`, `type='wait'`, `<retry xmlns='urn:xmpp:http:upload:0' stamp='`+stamp)
	s.slot(s.Client("bob"), "d", 1, "", "")

	full := newSite(t, func(o *servertest.Options) { o.Config.Upload.MinFree = 1 << 50 })
	expect(t, "no room", full.Client("alice").Ask(request("d", 1, "", "")), `<resource-constraint`)
}

// Nothing that is uploaded can run in the name of the server.
func TestInert(t *testing.T) {
	s := newSite(t, nil)
	c := s.Client("alice")
	for kind, want := range map[string][2]string{
		"text/html": {"application/octet-stream", "attachment"}, "image/svg+xml": {"application/octet-stream", "attachment"},
		"text/javascript": {"application/octet-stream", "attachment"}, "application/javascript": {"application/octet-stream", "attachment"},
		"text/css": {"application/octet-stream", "attachment"}, "application/xhtml+xml": {"application/octet-stream", "attachment"},
		"text/xml": {"application/octet-stream", "attachment"}, "application/vnd.mozilla.xul+xml": {"application/octet-stream", "attachment"},
		"application/wasm": {"application/octet-stream", "attachment"}, "": {"application/octet-stream", "attachment"},
		"application/pdf": {"application/pdf", "attachment"}, "text/plain": {"text/plain; charset=utf-8", "inline"},
		"IMAGE/PNG": {"image/png", "inline"}, "audio/ogg": {"audio/ogg", "inline"}, "video/mp4": {"video/mp4", "inline"},
	} {
		k := s.slot(c, "a.html", 1, kind, "")
		if status := s.put(k, "x"); status != 201 {
			t.Fatalf("%s: %d", kind, status)
		}
		_, _, h := s.get(k.url)
		disposition, _, _ := strings.Cut(h.Get("Content-Disposition"), ";")
		if h.Get("Content-Type") != want[0] || disposition != want[1] || h.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %v", kind, h)
		}
	}
}

func TestRetention(t *testing.T) {
	s := newSite(t, nil)
	c := s.Client("alice")
	const purpose = `xmlns='urn:xmpp:http:upload:purpose:0'/>`
	urls := map[string]string{}
	for name, p := range map[string]string{
		"message": "", "profile": "<profile " + purpose, "permanent": "<permanent " + purpose,
		"ephemeral": `<ephemeral expire-before='` + s.clk.Now().Add(time.Hour).UTC().Format(time.RFC3339) + `' ` + purpose,
	} {
		k := s.slot(c, name, 4, "", p)
		if status := s.put(k, "1234"); status != 201 {
			t.Fatalf("%s: %d", name, status)
		}
		urls[name] = k.url
	}
	left := func(want ...string) {
		t.Helper()
		for name, url := range urls {
			status, _, _ := s.get(url)
			if there := strings.Contains(strings.Join(want, " "), name); there != (status == 200) {
				t.Errorf("%s: %d", name, status)
			}
		}
	}
	left("message profile permanent ephemeral")
	s.clk.Advance(time.Hour + time.Second) // nothing has been removed yet, and it is gone already
	left("message profile permanent")
	s.clk.Advance(30 * 24 * time.Hour)
	left("profile permanent")
	until(func() bool { return len(s.files()) == 2 }, func() { s.clk.Advance(10 * time.Minute) })
	if n := len(s.files()); n != 2 {
		t.Errorf("%d files remain", n)
	}
	// The account and all of it.
	if err := s.Auth.Remove(context.Background(), "alice", 0); err != nil {
		t.Fatal(err)
	}
	until(func() bool { return len(s.files()) == 0 }, func() { s.clk.Advance(time.Hour) })
	if left := s.files(); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
	left()
}

// A slot outlives a restart; what a crash leaves of an upload does not, and files do.
func TestRestart(t *testing.T) {
	dir := t.TempDir()
	start := func(o *servertest.Options) { o.Dir = dir }
	s := &site{t: t, dir: dir, Server: servertest.New(t, start)}
	s.Account("alice")
	c := s.Client("alice")
	s.web = httptest.NewServer(s.Files())
	kept, later := s.slot(c, "kept", 4, "", ""), s.slot(c, "later", 5, "", "")
	if status := s.put(kept, "kept"); status != 201 {
		t.Fatal(status)
	}
	s.web.Close()
	s.Stop()
	orphan := filepath.Join(dir, "uploads", "aa", strings.Repeat("a", 32))
	half := filepath.Join(dir, "uploads", "new", strings.Repeat("b", 32))
	for _, name := range []string{orphan, half} {
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chtimes(orphan, time.Time{}, time.Now().Add(-2*time.Hour)); err != nil {
		t.Fatal(err)
	}
	s.Server = servertest.New(t, start)
	s.web = httptest.NewServer(s.Files())
	t.Cleanup(s.web.Close)
	if _, body, _ := s.get(kept.url); body != "kept" {
		t.Errorf("the file: %q", body)
	}
	if status := s.put(later, "later"); status != 201 {
		t.Errorf("the slot: %d", status)
	}
	until(func() bool { return len(s.files()) == 2 }, func() { s.get(kept.url) })
	if n := len(s.files()); n != 2 {
		t.Errorf("%d files: %v", n, s.files())
	}
}

// Many uploads of one account at a time are too many; those of others are not concerned.
func TestTooManyAtOnce(t *testing.T) {
	s := newSite(t, nil)
	a, b := s.Client("alice"), s.Client("bob")
	var lines []*io.PipeWriter
	done := make(chan int, 8)
	for range 8 {
		k := s.slot(a, "x", 4, "", "")
		r, w := io.Pipe()
		lines = append(lines, w)
		go func() {
			req, _ := http.NewRequestWithContext(t.Context(), "PUT", s.web.URL+strings.TrimPrefix(k.url, "https://example.org"), r)
			req.ContentLength = 4
			req.Header.Set("Authorization", k.pass)
			resp, err := s.web.Client().Do(req)
			if err != nil {
				done <- 0
				return
			}
			resp.Body.Close()
			done <- resp.StatusCode
		}()
		if _, err := w.Write([]byte("12")); err != nil {
			t.Fatal(err)
		}
	}
	k := s.slot(a, "x", 4, "", "")
	until(func() bool { return len(s.files()) == 8 }, func() { s.get(k.url) })
	if status := s.put(k, "1234"); status != http.StatusTooManyRequests {
		t.Errorf("one more: %d", status)
	}
	if status := s.put(s.slot(b, "x", 4, "", ""), "1234"); status != 201 {
		t.Errorf("somebody else: %d", status)
	}
	for _, w := range lines {
		_, _ = w.Write([]byte("34"))
		_ = w.Close()
	}
	for range lines {
		if status := <-done; status != 201 {
			t.Errorf("the slow ones: %d", status)
		}
	}
	if status := s.put(k, "1234"); status != 201 {
		t.Errorf("then: %d", status)
	}
}

// Who is removed while a file is on its way leaves nothing behind.
func TestRemovedMeanwhile(t *testing.T) {
	s := newSite(t, nil)
	if _, err := s.Auth.Create(t.Context(), "root", auth.RoleAdmin, auth.Password(servertest.Password)); err != nil {
		t.Fatal(err)
	}
	k := s.slot(s.Client("alice"), "x", 4, "", "")
	if err := s.Auth.Remove(t.Context(), "alice", 0); err != nil {
		t.Fatal(err)
	}
	if status := s.put(k, "1234"); status != http.StatusForbidden {
		t.Errorf("put: %d", status)
	}
	if left := s.files(); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

func TestCORS(t *testing.T) {
	s := newSite(t, nil)
	k := s.slot(s.Client("alice"), "x", 4, "", "")
	r := s.do("OPTIONS", k.url, nil, "Origin", "https://app.example", "Access-Control-Request-Method", "PUT")
	h := r.Header
	if r.StatusCode != 204 || h.Get("Access-Control-Allow-Origin") != "*" || !strings.Contains(h.Get("Access-Control-Allow-Methods"), "PUT") ||
		!strings.Contains(h.Get("Access-Control-Allow-Headers"), "Authorization") {
		t.Errorf("%d %v", r.StatusCode, h)
	}
}

func FuzzAddress(f *testing.F) {
	s := servertest.New(f)
	for _, seed := range []string{"/upload/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/x", "/upload/%2e%2e/x", "/upload//", "/upload/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/%00", "x"} {
		f.Add(seed, "Bearer e30.e30")
	}
	f.Fuzz(func(t *testing.T, path, pass string) {
		for _, method := range []string{"GET", "PUT"} {
			r, err := http.NewRequestWithContext(t.Context(), method, "http://example.org", bytes.NewReader(nil))
			if err != nil {
				t.Fatal(err)
			}
			if r.URL.Path = path; !strings.HasPrefix(path, "/") {
				continue
			}
			r.Header["Authorization"] = []string{pass}
			w := httptest.NewRecorder()
			s.Files().ServeHTTP(w, r)
			if w.Code < 400 {
				t.Errorf("%s %q: %d", method, path, w.Code)
			}
		}
	})
}
