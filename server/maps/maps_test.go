package maps

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"kith/internal/clock"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

const png = "\x89PNG\r\n\x1a\nthe rest"

// rig is a service that asks a tile server of the test.
type rig struct {
	*Service
	clock *clock.Fake
	asked atomic.Int32
	log   *strings.Builder
}

func newRig(t *testing.T, answer http.HandlerFunc, change ...func(*Options)) *rig {
	t.Helper()
	r := &rig{clock: clock.NewFake(start), log: &strings.Builder{}}
	far := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		r.asked.Add(1)
		answer(w, q)
	}))
	t.Cleanup(far.Close)
	o := Options{
		Config: DefaultConfig(), Version: "1.0", BaseURL: "https://chat.example.org", Clock: r.clock,
		Log: slog.New(slog.NewTextHandler(r.log, nil)),
	}
	o.Config.Tiles = far.URL + "/{z}/{x}/{y}.png"
	for _, f := range change {
		f(&o)
	}
	var err error
	if r.Service, err = New(o); err != nil {
		t.Fatal(err)
	}
	return r
}

func picture(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "image/png")
	_, _ = io.WriteString(w, png)
}

// pass is one for an account, at the time of the test.
func (r *rig) pass(t *testing.T, account string) string {
	t.Helper()
	sealed, err := pass{Account: account, Ends: r.clock.Now().Add(passTime)}.seal(r.key[:])
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}

func (r *rig) ask(t *testing.T, token, where string) *httptest.ResponseRecorder {
	t.Helper()
	q := httptest.NewRequestWithContext(t.Context(), http.MethodGet, Path+where, nil)
	if token != "" {
		q.Header.Set("Authorization", bearer+token)
	}
	w := httptest.NewRecorder()
	r.ServeHTTP(w, q)
	return w
}

func (r *rig) want(t *testing.T, where string, status int) *httptest.ResponseRecorder {
	t.Helper()
	w := r.ask(t, r.pass(t, "alice"), where)
	if w.Code != status {
		t.Fatalf("%s is answered with %d, want %d", where, w.Code, status)
	}
	return w
}

func TestATileIsFetchedOnceAndKept(t *testing.T) {
	r := newRig(t, picture)
	for range 3 {
		w := r.want(t, "14/8802/5373", http.StatusOK)
		if w.Body.String() != png || w.Header().Get("Content-Type") != "image/png" || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("the answer is %q %v", w.Body, w.Header())
		}
	}
	if n := r.asked.Load(); n != 1 {
		t.Errorf("the tile server was asked %d times", n)
	}
}

// What the tile server learns is who this server is, and nothing of who asked it.
func TestTheTileServerLearnsNothingOfThePerson(t *testing.T) {
	seen := make(chan *http.Request, 1)
	r := newRig(t, func(w http.ResponseWriter, q *http.Request) {
		seen <- q.Clone(context.Background())
		picture(w, q)
	})
	q := httptest.NewRequestWithContext(t.Context(), http.MethodGet, Path+"3/1/2", nil)
	for name, value := range map[string]string{
		"Authorization": bearer + r.pass(t, "alice"), "Cookie": "secret=1", "Referer": "https://chat.example.org/chat/bob@example.org",
		"User-Agent": "Firefox", "Accept-Language": "de", "X-Forwarded-For": "192.0.2.7", "If-None-Match": `"mine"`,
	} {
		q.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	r.ServeHTTP(w, q)
	if w.Code != http.StatusOK {
		t.Fatalf("answered with %d", w.Code)
	}
	far := <-seen
	if far.URL.Path != "/3/1/2.png" {
		t.Errorf("asked for %s", far.URL)
	}
	if got := far.Header.Get("User-Agent"); got != "Kith/1.0 (messenger; +https://chat.example.org)" {
		t.Errorf("the server calls itself %q", got)
	}
	far.Header.Del("User-Agent")
	far.Header.Del("Accept")
	if len(far.Header) != 0 {
		t.Errorf("it was told more: %v", far.Header)
	}
}

func TestOnlyWithAPass(t *testing.T) {
	r := newRig(t, picture)
	good := r.pass(t, "alice")
	other := newRig(t, picture).pass(t, "alice")
	changed := []byte(good)
	changed[len(changed)/2] ^= 1
	for name, token := range map[string]string{
		"none": "", "empty": " ", "no base64": "!", "short": "AAAA", "of another server": other, "changed": string(changed), "long": strings.Repeat("A", maxPass+1),
	} {
		if w := r.ask(t, token, "1/0/0"); w.Code != http.StatusUnauthorized || w.Header().Get("WWW-Authenticate") == "" {
			t.Errorf("%s: answered with %d", name, w.Code)
		}
	}
	if w := r.ask(t, good, "1/0/0"); w.Code != http.StatusOK {
		t.Errorf("a good pass is answered with %d", w.Code)
	}
	r.clock.Advance(passTime)
	if w := r.ask(t, good, "1/0/0"); w.Code != http.StatusUnauthorized {
		t.Errorf("an old pass is answered with %d", w.Code)
	}
	if n := r.asked.Load(); n != 1 {
		t.Errorf("the tile server was asked %d times", n)
	}
}

func TestOnlyTilesThatCanBe(t *testing.T) {
	r := newRig(t, picture)
	for _, where := range []string{
		"", "1", "1/0", "1/0/0/0", "1/2/0", "1/0/2", "20/0/0", "-1/0/0", "1/-1/0", "01/0/0", "1/+0/0", "1/0/0.png", "1/0/0/", "a/b/c",
		"1/0/%30", "1/0/..", "99999999999999999999/0/0", "1/0/1e0",
	} {
		r.want(t, where, http.StatusNotFound)
	}
	if w := httptest.NewRecorder(); true {
		r.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, Path+"1/0/0", nil))
		if w.Code != http.StatusMethodNotAllowed {
			t.Errorf("POST is answered with %d", w.Code)
		}
	}
	if n := r.asked.Load(); n != 0 {
		t.Errorf("the tile server was asked %d times", n)
	}
}

func TestAHostileTileServerGetsNothingThrough(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("another host was asked") }))
	defer elsewhere.Close()
	header := func(kind, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			_, _ = io.WriteString(w, body)
		}
	}
	for name, answer := range map[string]http.HandlerFunc{
		"a page":               header("text/html", "<script>alert(1)</script>"),
		"a page as a picture":  header("image/png", "<script>alert(1)</script>"),
		"a picture as a page":  header("text/html", png),
		"SVG":                  header("image/svg+xml", "<svg/>"),
		"no type":              header("", png),
		"nothing":              header("image/png", ""),
		"huge":                 header("image/png", png+strings.Repeat("x", maxTile)),
		"not changed since":    func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotModified) },
		"a host of its choice": func(w http.ResponseWriter, q *http.Request) { http.Redirect(w, q, elsewhere.URL, http.StatusFound) },
		"round and round": func(w http.ResponseWriter, q *http.Request) {
			http.Redirect(w, q, q.URL.Path+"x", http.StatusFound)
		},
		"cut off": func(w http.ResponseWriter, q *http.Request) {
			w.Header().Set("Content-Type", "image/png")
			w.Header().Set("Content-Length", "1000")
			_, _ = io.WriteString(w, png)
		},
		"huge, without saying so": func(w http.ResponseWriter, q *http.Request) {
			picture(w, q)
			for range 3 * maxTile / (1 << 10) {
				if _, err := io.WriteString(w, strings.Repeat("x", 1<<10)); err != nil {
					return
				}
				w.(http.Flusher).Flush()
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, answer)
			w := r.want(t, "14/8802/5373", http.StatusBadGateway)
			if strings.Contains(w.Body.String(), "script") || strings.HasPrefix(w.Header().Get("Content-Type"), "image/") {
				t.Errorf("got through: %q", w.Body)
			}
			if strings.Contains(r.log.String(), "8802") || strings.Contains(r.log.String(), "127.0.0.1") {
				t.Errorf("the log tells the place: %s", r.log)
			}
		})
	}
}

// A tile server that does not answer keeps nobody: whoever asks may leave, and the next waits for the same.
func TestASlowTileServer(t *testing.T) {
	arrived, release := make(chan struct{}, 10), make(chan struct{})
	r := newRig(t, func(w http.ResponseWriter, q *http.Request) {
		arrived <- struct{}{}
		<-release
		picture(w, q)
	})
	ctx, leave := context.WithCancel(t.Context())
	left := make(chan error)
	go func() {
		_, err := r.get(ctx, spot{1, 0, 0})
		left <- err
	}()
	<-arrived
	leave()
	if err := <-left; err == nil {
		t.Error("who left has a tile")
	}
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if got, err := r.get(t.Context(), spot{1, 0, 0}); err != nil || string(got.body) != png {
				t.Errorf("got %v, %v", got, err)
			}
		})
	}
	close(release)
	all.Wait()
	if n := r.asked.Load(); n != 1 {
		t.Errorf("the tile server was asked %d times for one tile", n)
	}
}

func TestTooManyAtOnce(t *testing.T) {
	release := make(chan struct{})
	r := newRig(t, func(w http.ResponseWriter, q *http.Request) {
		<-release
		picture(w, q)
	})
	var all sync.WaitGroup
	for x := range maxWaiting {
		all.Go(func() {
			if _, err := r.get(t.Context(), spot{12, x, 0}); err != nil {
				t.Errorf("tile %d: %v", x, err)
			}
		})
	}
	waiting := func() int {
		r.mu.Lock()
		defer r.mu.Unlock()
		return len(r.awaited)
	}
	for waiting() < maxWaiting {
		select {
		case <-t.Context().Done():
			t.Fatal("they do not wait")
		default:
			runtime.Gosched()
		}
	}
	if w := r.want(t, "12/4000/1", http.StatusServiceUnavailable); w.Header().Get("Retry-After") == "" {
		t.Error("it is not said when to ask again")
	}
	if n := r.asked.Load(); n > maxFetches {
		t.Errorf("%d requests at a time", n)
	}
	close(release)
	all.Wait()
}

func TestOldTilesAreAskedForAnew(t *testing.T) {
	var changed, broken atomic.Bool
	r := newRig(t, func(w http.ResponseWriter, q *http.Request) {
		if broken.Load() {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		w.Header().Set("Cache-Control", "public, max-age=60")
		if w.Header().Set("ETag", `"one"`); !changed.Load() && q.Header.Get("If-None-Match") == `"one"` {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		picture(w, q)
		if changed.Load() {
			_, _ = io.WriteString(w, " new")
		}
	})
	look := func(asked int32, want string) {
		t.Helper()
		if w := r.want(t, "5/3/4", http.StatusOK); w.Body.String() != want {
			t.Errorf("got %q, want %q", w.Body, want)
		}
		if n := r.asked.Load(); n != asked {
			t.Errorf("the tile server was asked %d times, want %d", n, asked)
		}
	}
	look(1, png)
	r.clock.Advance(minFresh - time.Second) // whatever it says, a week
	look(1, png)
	r.clock.Advance(time.Second)
	look(2, png) // not changed
	changed.Store(true)
	r.clock.Advance(minFresh)
	look(3, png+" new")
	broken.Store(true)
	r.clock.Advance(minFresh)
	look(4, png+" new") // old is better than none
	broken.Store(false)
	look(4, png+" new")
	r.clock.Advance(staleFresh)
	look(5, png+" new")
}

func TestATileServerThatHadEnoughIsLeftAlone(t *testing.T) {
	var status atomic.Int32
	status.Store(http.StatusTooManyRequests)
	r := newRig(t, func(w http.ResponseWriter, q *http.Request) {
		if code := int(status.Load()); code != http.StatusOK {
			w.Header().Set("Retry-After", "120")
			w.WriteHeader(code)
			return
		}
		picture(w, q)
	})
	r.want(t, "5/1/1", http.StatusBadGateway)
	status.Store(http.StatusOK)
	r.clock.Advance(119 * time.Second)
	r.want(t, "5/1/2", http.StatusServiceUnavailable)
	if n := r.asked.Load(); n != 1 {
		t.Errorf("it was asked %d times", n)
	}
	r.clock.Advance(time.Second)
	r.want(t, "5/1/2", http.StatusOK)
	status.Store(http.StatusNotFound)
	r.want(t, "5/1/3", http.StatusNotFound)
	r.want(t, "5/1/3", http.StatusNotFound)
	if n := r.asked.Load(); n != 3 {
		t.Errorf("it was asked %d times", n)
	}
}

func TestOneAccountCannotHaveEverything(t *testing.T) {
	r := newRig(t, picture)
	token := r.pass(t, "alice")
	for range burst {
		if w := r.ask(t, token, "1/0/0"); w.Code != http.StatusOK {
			t.Fatalf("answered with %d", w.Code)
		}
	}
	if w := r.ask(t, token, "1/0/0"); w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") == "" {
		t.Errorf("too many are answered with %d", w.Code)
	}
	if w := r.ask(t, r.pass(t, "bob"), "1/0/0"); w.Code != http.StatusOK {
		t.Errorf("another account is answered with %d", w.Code)
	}
	r.clock.Advance(time.Second)
	if w := r.ask(t, token, "1/0/0"); w.Code != http.StatusOK {
		t.Errorf("later it is answered with %d", w.Code)
	}
}

func TestTheCacheForgetsWhatWasUsedLongAgo(t *testing.T) {
	c := newCache(3 * (overhead + 10))
	put := func(x int) { c.put(spot{1, x, 0}, &tile{body: make([]byte, 10)}) }
	for x := range 3 {
		put(x)
	}
	c.get(spot{1, 0, 0})
	put(3)
	put(3)
	for x, there := range []bool{true, false, true, true} {
		if got := c.get(spot{1, x, 0}) != nil; got != there {
			t.Errorf("tile %d is here: %t", x, got)
		}
	}
	c.put(spot{1, 9, 9}, &tile{body: make([]byte, 10_000)})
	if c.get(spot{1, 9, 9}) != nil || c.size != 3*(overhead+10) || c.order.Len() != 3 {
		t.Errorf("a tile that is too large was taken: %d bytes, %d tiles", c.size, c.order.Len())
	}
}

func TestFreshness(t *testing.T) {
	for header, want := range map[string]time.Duration{
		"": minFresh, "max-age=1": minFresh, "public, MAX-AGE=864000": 10 * 24 * time.Hour, "max-age=999999999": maxFresh,
		"max-age=-1": minFresh, "max-age=99999999999999": minFresh, "no-store": minFresh, `max-age="864000"`: 10 * 24 * time.Hour,
	} {
		if got := fresh(http.Header{"Cache-Control": {header}}, start); got != want {
			t.Errorf("%q is good for %s, want %s", header, got, want)
		}
	}
	expires := http.Header{"Expires": {start.Add(20 * 24 * time.Hour).Format(http.TimeFormat)}}
	if got := fresh(expires, start); got != 20*24*time.Hour {
		t.Errorf("Expires: good for %s", got)
	}
}

func TestConfig(t *testing.T) {
	for tiles, ok := range map[string]bool{
		"": true, "https://tile.openstreetmap.org/{z}/{x}/{y}.png": true, "http://localhost:8081/{z}/{y}/{x}": true,
		"https://tiles.example.org/map?z={z}&x={x}&y={y}&key=secret": true,
		"https://tiles.example.org/{z}/{x}.png":                      false, "https://{x}.example.org/{z}/{y}.png": false, "file:///{z}/{x}/{y}": false,
		"https://user:pw@tiles.example.org/{z}/{x}/{y}": false, "//tiles.example.org/{z}/{x}/{y}": false, "https://tiles.example.org/{z}/{x}/{y}/{y}": false,
		"https://tiles.example.org:{z}/{x}/{y}": false, "{z}{x}{y}": false, "https://tiles.example.org/#{z}/{x}/{y}": false,
	} {
		c := DefaultConfig()
		c.Tiles = tiles
		if err := c.Validate(); (err == nil) != ok {
			t.Errorf("%q: %v", tiles, err)
		}
	}
	for name, change := range map[string]func(*Config){
		"zoom": func(c *Config) { c.MaxZoom = 23 }, "cache": func(c *Config) { c.Cache = 1 }, "attribution": func(c *Config) { c.Attribution = " " },
	} {
		c := DefaultConfig()
		change(&c)
		if c.Validate() == nil {
			t.Errorf("%s: allowed", name)
		}
	}
}

func FuzzPass(f *testing.F) {
	key := []byte("0123456789abcdef0123456789abcdef")
	good, err := pass{Account: "alice", Ends: start}.seal(key)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add("")
	f.Add("AAAA")
	f.Fuzz(func(t *testing.T, sealed string) {
		if p, ok := openPass(sealed, key, start.Add(-time.Second)); ok && (p.Account != "alice" || !p.Ends.Equal(start)) {
			t.Errorf("%q is a pass of %q", sealed, p.Account)
		}
	})
}

func FuzzPath(f *testing.F) {
	s := &Service{config: DefaultConfig()}
	f.Add("14/8802/5373")
	f.Add("0/0/0")
	f.Add("1/2/x")
	f.Fuzz(func(t *testing.T, where string) {
		k, ok := s.parse(Path + where)
		if ok && strconv.Itoa(k.z)+"/"+strconv.Itoa(k.x)+"/"+strconv.Itoa(k.y) != where {
			t.Errorf("%q is read as %v", where, k)
		}
		if ok && (k.z > 19 || k.x>>k.z != 0 || k.y>>k.z != 0 || k.x < 0 || k.y < 0) {
			t.Errorf("%q is out of bounds", where)
		}
	})
}
