package webpush_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"kith/internal/clock"
	"kith/internal/stanza"
	"kith/server/module"
	"kith/server/store"
	"kith/server/store/storetest"
	"kith/server/webpush"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// vendor is the push service of a browser's vendor.
type vendor struct {
	*httptest.Server
	got    chan *http.Request
	bodies chan []byte
	answer chan func(http.ResponseWriter)
}

func newVendor(t *testing.T) *vendor {
	t.Helper()
	v := &vendor{got: make(chan *http.Request, 100), bodies: make(chan []byte, 100), answer: make(chan func(http.ResponseWriter), 100)}
	v.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		v.bodies <- body
		v.got <- r
		select {
		case f := <-v.answer:
			f(w)
		default:
			w.WriteHeader(http.StatusCreated)
		}
	}))
	t.Cleanup(v.Close)
	return v
}

func status(code int, headers ...string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		for i := 0; i < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(code)
	}
}

type house struct {
	*webpush.Service
	t        *testing.T
	db       *store.DB
	clk      *clock.Fake
	vendor   *vendor
	registry *module.Registry
}

func newHouse(t *testing.T) *house {
	t.Helper()
	h := &house{t: t, db: storetest.Open(t), clk: clock.NewFake(start), vendor: newVendor(t)}
	h.open()
	return h
}

// open starts the service, on what the database has.
func (h *house) open() {
	h.t.Helper()
	s, err := webpush.New(webpush.Options{
		Domain: "kith.example", Contact: "https://kith.example", Seed: make([]byte, 32), Store: h.db.WebPush(),
		Client: h.vendor.Client(), Clock: h.clk, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		h.t.Fatal(err)
	}
	h.Service, h.registry = s, module.NewRegistry(s.At())
	h.t.Cleanup(s.Close)
}

// ask makes a request and waits for the answer.
func (h *house) ask(from, typ, payload string) *stanza.Stanza {
	h.t.Helper()
	st, err := stanza.Parse(`<iq xmlns='jabber:client' type='` + typ + `' id='1' from='` + from + `' to='push.kith.example'>` + payload + `</iq>`)
	if err != nil {
		h.t.Fatal(err)
	}
	answers := make(chan *stanza.Stanza, 1)
	q := module.NewIQ(nil, nil, st, func(answer *stanza.Stanza) { answers <- answer })
	handler := h.registry.IQHandler(module.OnServer, st.Type, q.Payload)
	if handler == nil {
		h.t.Fatalf("nobody takes %s", payload)
	}
	if err := handler(q); err != nil {
		q.Fail(err)
	}
	select {
	case answer := <-answers:
		return answer
	case <-h.t.Context().Done():
		return nil
	}
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func (h *house) subscribe(who, path string, b browser) string {
	h.t.Helper()
	st := h.ask(who, "set", `<subscribe xmlns='kith:webpush:0' endpoint='`+h.vendor.URL+path+`' key='`+b64(b.key.PublicKey().Bytes())+`' auth='`+b64(b.auth)+`'/>`)
	node := st.Child(webpush.NS, "subscribed").Attr("node")
	if node == "" {
		h.t.Fatalf("no node in %s", st)
	}
	return node
}

func (h *house) publish(node string) *stanza.Stanza {
	h.t.Helper()
	return h.ask("kith.example", "set", `<pubsub xmlns='http://jabber.org/protocol/pubsub'><publish node='`+node+`'><item><notification xmlns='urn:xmpp:push:0'/></item></publish></pubsub>`)
}

// woken waits for a request of the service.
func (h *house) woken() (*http.Request, []byte) {
	h.t.Helper()
	select {
	case r := <-h.vendor.got:
		return r, <-h.vendor.bodies
	case <-h.t.Context().Done():
		h.t.Fatal("nobody was woken")
		return nil, nil
	}
}

// rests waits until the node is not being woken, and returns when it may be again; 0 for at once.
func (h *house) rests(node string) {
	h.t.Helper()
	for h.t.Context().Err() == nil {
		ready := h.Resting(node)
		if ready {
			return
		}
	}
}

func (h *house) asleep(what string) {
	h.t.Helper()
	select {
	case r := <-h.vendor.got:
		h.t.Errorf("%s: %s was woken", what, r.URL)
	default:
	}
}

func (h *house) whisper(node string) {
	h.t.Helper()
	h.ask("kith.example", "set", `<pubsub xmlns='http://jabber.org/protocol/pubsub'><publish node='`+node+`'><item><notification xmlns='urn:xmpp:push:0'><quiet xmlns='kith:webpush:0'/></notification></item></publish></pubsub>`)
}

// What may be of interest says so in as many bytes, is not kept for later and takes the place of nothing; with something certain it is certain.
func TestWakesWithoutNoise(t *testing.T) {
	h, b := newHouse(t), newBrowser(t)
	node := h.subscribe("alice@kith.example/web", "/p/1", b)
	h.whisper(node)
	r, body := h.woken()
	if text := string(b.open(t, body)); text != webpush.Hushed {
		t.Errorf("it says %q", text)
	}
	if r.Header.Get("Ttl") != "0" || r.Header.Values("Topic") != nil || r.Header.Get("Urgency") != "high" {
		t.Errorf("%v", r.Header)
	}
	quiet := len(body)
	h.rests(node)
	h.whisper(node)
	h.publish(node)
	h.whisper(node)
	h.clk.Advance(webpush.Pause)
	r, body = h.woken()
	if text := string(b.open(t, body)); text != webpush.Content || r.Header.Get("Topic") != "kith" || len(body) != quiet {
		t.Errorf("it says %q in %d bytes, want %d; %v", text, len(body), quiet, r.Header)
	}
	h.rests(node)
	h.whisper(node)
	h.clk.Advance(webpush.Pause)
	if _, body = h.woken(); string(b.open(t, body)) != webpush.Hushed {
		t.Error("it stays loud")
	}
	h.rests(node)
}

func condition(st *stanza.Stanza) stanza.Condition {
	if st.Type != stanza.Error {
		return ""
	}
	return st.ReadFault().Condition
}

func TestWakesABrowser(t *testing.T) {
	h, b := newHouse(t), newBrowser(t)
	node := h.subscribe("alice@kith.example/web", "/p/1", b)
	if st := h.publish(node); st.Type != stanza.Result {
		t.Fatalf("refused: %s", st)
	}
	r, body := h.woken()
	if r.Method != http.MethodPost || r.URL.Path != "/p/1" {
		t.Errorf("%s %s", r.Method, r.URL)
	}
	for name, want := range map[string]string{"Content-Encoding": "aes128gcm", "Ttl": "2419200", "Urgency": "high", "Topic": "kith"} {
		if got := r.Header.Get(name); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
	if text := string(b.open(t, body)); text != webpush.Content {
		t.Errorf("it says %q", text)
	}
	h.checkToken(r.Header.Get("Authorization"))
	h.rests(node)
	if h.Counters().Sent.Load() != 1 {
		t.Error("not counted")
	}
}

// checkToken checks what RFC 8292 asks of the header, with the key that apps are told.
func (h *house) checkToken(header string) {
	h.t.Helper()
	rest, ok := strings.CutPrefix(header, "vapid t=")
	token, k, ok2 := strings.Cut(rest, ", k=")
	told := h.ask("alice@kith.example/web", "get", `<key xmlns='kith:webpush:0'/>`).Child(webpush.NS, "key").Text()
	parts := strings.Split(token, ".")
	if !ok || !ok2 || k != told || len(parts) != 3 {
		h.t.Fatalf("%q, and apps are told %q", header, told)
	}
	var head, claims map[string]any
	if err := json.Unmarshal(bytesOf(h.t, parts[0]), &head); err != nil {
		h.t.Fatal(err)
	}
	if err := json.Unmarshal(bytesOf(h.t, parts[1]), &claims); err != nil {
		h.t.Fatal(err)
	}
	if head["alg"] != "ES256" || claims["aud"] != h.vendor.URL || claims["sub"] != "https://kith.example" ||
		claims["exp"] != float64(start.Add(12*time.Hour).Unix()) {
		h.t.Errorf("%v %v", head, claims)
	}
	public, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), bytesOf(h.t, k))
	if err != nil {
		h.t.Fatal(err)
	}
	signature, digest := bytesOf(h.t, parts[2]), sha256.Sum256([]byte(parts[0]+"."+parts[1]))
	if len(signature) != 64 || !ecdsa.Verify(public, digest[:], new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])) {
		h.t.Error("the signature is wrong")
	}
}

func TestKeyAndTokenStay(t *testing.T) {
	h, b := newHouse(t), newBrowser(t)
	node := h.subscribe("alice@kith.example/web", "/p/1", b)
	header := func() string {
		h.publish(node)
		r, _ := h.woken()
		h.rests(node)
		h.clk.Advance(webpush.Pause)
		h.rests(node)
		return r.Header.Get("Authorization")
	}
	first, second := header(), header()
	if first != second {
		t.Error("a token for every message is work for nothing")
	}
	h.clk.Advance(webpush.TokenLife)
	if header() == first {
		t.Error("a token that is about to expire")
	}
	public := h.PublicKey()
	h.open()
	if string(public) != string(h.PublicKey()) {
		t.Error("another key after a restart: all subscriptions are lost")
	}
	h.publish(node)
	h.woken()
}

func TestNotTooOften(t *testing.T) {
	h, b := newHouse(t), newBrowser(t)
	node := h.subscribe("alice@kith.example/web", "/p/1", b)
	h.publish(node)
	h.woken()
	for range 5 {
		h.publish(node)
	}
	h.rests(node)
	h.asleep("too soon")
	h.clk.Advance(webpush.Pause)
	h.woken()
	h.rests(node)
	h.clk.Advance(webpush.Pause)
	h.asleep("nothing new")
	if h.Active() != 0 {
		t.Error("it is remembered for ever")
	}
	h.publish(node)
	h.woken()
}

func TestGone(t *testing.T) {
	for _, code := range []int{http.StatusNotFound, http.StatusGone} {
		h, b := newHouse(t), newBrowser(t)
		node := h.subscribe("alice@kith.example/web", "/p/1", b)
		h.vendor.answer <- status(code)
		h.publish(node)
		h.woken()
		h.rests(node)
		if got := condition(h.publish(node)); got != stanza.ItemNotFound {
			t.Errorf("%d: %q", code, got)
		}
		if h.Counters().Gone.Load() != 1 {
			t.Error("not counted")
		}
	}
}

func TestTrouble(t *testing.T) {
	h, b := newHouse(t), newBrowser(t)
	node := h.subscribe("alice@kith.example/web", "/p/1", b)
	h.vendor.answer <- status(http.StatusTooManyRequests, "Retry-After", "120")
	h.vendor.answer <- status(http.StatusServiceUnavailable)
	h.publish(node)
	h.woken()
	h.rests(node)
	h.clk.Advance(119 * time.Second)
	h.asleep("before it was asked to")
	h.clk.Advance(time.Second)
	h.woken()
	h.rests(node)
	h.clk.Advance(3 * webpush.RetryAfter)
	h.woken() // this time it is taken
	h.rests(node)
	h.clk.Advance(time.Hour)
	h.asleep("it was taken")

	for range webpush.MaxTries {
		h.vendor.answer <- status(http.StatusBadGateway)
	}
	h.publish(node)
	for range webpush.MaxTries {
		h.woken()
		h.rests(node)
		h.clk.Advance(webpush.MaxRetry)
	}
	h.rests(node)
	h.asleep("it was given up")
	if h.Counters().Lost.Load() != 1 {
		t.Error("not counted")
	}
	h.publish(node)
	h.woken()
}

func TestRefused(t *testing.T) {
	h, b := newHouse(t), newBrowser(t)
	node := h.subscribe("alice@kith.example/web", "/p/1", b)
	h.vendor.answer <- status(http.StatusForbidden)
	h.publish(node)
	h.woken()
	h.rests(node)
	h.clk.Advance(time.Hour)
	h.asleep("it does not want it")
	if h.Counters().Refused.Load() != 1 {
		t.Error("not counted")
	}
	if st := h.publish(node); st.Type != stanza.Result {
		t.Errorf("it may want the next: %s", st)
	}
	h.woken()
}

func TestSubscriptions(t *testing.T) {
	h, b, other := newHouse(t), newBrowser(t), newBrowser(t)
	node := h.subscribe("alice@kith.example/web", "/p/1", b)
	if again := h.subscribe("alice@kith.example/other", "/p/1", other); again != node {
		t.Error("the same browser has two nodes")
	}
	h.publish(node)
	if _, body := h.woken(); string(other.open(t, body)) != webpush.Content {
		t.Error("not to the new keys")
	}
	bobs := h.subscribe("bob@kith.example/web", "/p/1", b)
	if st := h.publish(node); bobs == node || st.Type != stanza.Result {
		t.Error("of two accounts in one browser only one is woken")
	}

	if st := h.ask("alice@kith.example/web", "set", `<unsubscribe xmlns='kith:webpush:0' node='`+bobs+`'/>`); st.Type != stanza.Result {
		t.Errorf("%s", st)
	}
	if st := h.publish(bobs); st.Type != stanza.Result {
		t.Error("somebody else's was removed")
	}
	h.woken()
	h.ask("bob@kith.example/web", "set", `<unsubscribe xmlns='kith:webpush:0' node='`+bobs+`'/>`)
	if condition(h.publish(bobs)) != stanza.ItemNotFound {
		t.Error("not removed")
	}

	var nodes []string
	for i := range webpush.MaxPerAccount + 2 {
		h.clk.Advance(time.Second)
		nodes = append(nodes, h.subscribe("alice@kith.example/web", "/many/"+string(rune('a'+i)), b))
	}
	for i, n := range nodes {
		if gone := condition(h.publish(n)) == stanza.ItemNotFound; gone != (i < 2) {
			t.Errorf("number %d of %d: gone %t", i, len(nodes), gone)
		}
	}
	if err := h.Purge(t.Context(), "alice"); err != nil {
		t.Fatal(err)
	}
	if condition(h.publish(nodes[5])) != stanza.ItemNotFound {
		t.Error("of an account that was removed")
	}
}

func TestForgetsWhatIsNotRenewed(t *testing.T) {
	h, b := newHouse(t), newBrowser(t)
	old := h.subscribe("alice@kith.example/web", "/p/1", b)
	h.clk.Advance(webpush.Lifetime / 2)
	fresh := h.subscribe("alice@kith.example/web", "/p/2", b)
	h.clk.Advance(webpush.Lifetime/2 + time.Minute)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		h.Run(ctx)
	}()
	for condition(h.publish(old)) != stanza.ItemNotFound && t.Context().Err() == nil {
		h.rests(old)
	}
	if st := h.publish(fresh); st.Type != stanza.Result {
		t.Errorf("%s", st)
	}
	cancel()
	<-ended
	st := h.ask("alice@kith.example/web", "set", `<unsubscribe xmlns='kith:webpush:0' node='`+fresh+`'/>`)
	if condition(st) != stanza.ServiceUnavailable {
		t.Errorf("it goes on after its end: %s", st)
	}
}

func TestRefusesRequests(t *testing.T) {
	h, b := newHouse(t), newBrowser(t)
	node := h.subscribe("alice@kith.example/web", "/p/1", b)
	key, auth := b64(b.key.PublicKey().Bytes()), b64(b.auth)
	subscribe := func(endpoint, key, auth string) string {
		return `<subscribe xmlns='kith:webpush:0' endpoint='` + endpoint + `' key='` + key + `' auth='` + auth + `'/>`
	}
	for _, c := range []struct {
		what, from, payload string
		want                stanza.Condition
	}{
		{"no key", "alice@kith.example/web", subscribe("https://push.example/1", "", auth), stanza.BadRequest},
		{"a key that is no point", "alice@kith.example/web", subscribe("https://push.example/1", b64(make([]byte, 65)), auth), stanza.BadRequest},
		{"a short secret", "alice@kith.example/web", subscribe("https://push.example/1", key, "AAAA"), stanza.BadRequest},
		{"no endpoint", "alice@kith.example/web", subscribe("", key, auth), stanza.BadRequest},
		{"an endpoint in the clear", "alice@kith.example/web", subscribe("http://push.example/1", key, auth), stanza.BadRequest},
		{"an endpoint with a password", "alice@kith.example/web", subscribe("https://a:b@push.example/1", key, auth), stanza.BadRequest},
		{"an endless endpoint", "alice@kith.example/web", subscribe("https://push.example/"+strings.Repeat("x", webpush.MaxEndpoint), key, auth), stanza.BadRequest},
		{"a stranger", "mallory@else.example/web", subscribe("https://push.example/1", key, auth), stanza.Forbidden},
		{"the domain", "kith.example", subscribe("https://push.example/1", key, auth), stanza.Forbidden},
		{"a person publishes", "alice@kith.example/web", `<pubsub xmlns='http://jabber.org/protocol/pubsub'><publish node='` + node + `'/></pubsub>`, stanza.Forbidden},
		{"another server publishes", "else.example", `<pubsub xmlns='http://jabber.org/protocol/pubsub'><publish node='` + node + `'/></pubsub>`, stanza.Forbidden},
		{"no node", "kith.example", `<pubsub xmlns='http://jabber.org/protocol/pubsub'><publish/></pubsub>`, stanza.ItemNotFound},
	} {
		if got := condition(h.ask(c.from, "set", c.payload)); got != c.want {
			t.Errorf("%s: %q, want %q", c.what, got, c.want)
		}
	}
	h.asleep("refused")
}

// A client must not reach through the server what it cannot reach itself.
func TestReachesThePublicInternetAlone(t *testing.T) {
	for text, want := range map[string]bool{
		"93.184.216.34": true, "2606:2800:220:1::1": true, "142.250.1.1": true,
		"127.0.0.1": false, "::1": false, "10.1.2.3": false, "172.16.0.1": false, "192.168.1.1": false, "169.254.169.254": false, "100.64.0.1": false,
		"0.0.0.0": false, "::": false, "fe80::1": false, "fd00::1": false, "224.0.0.1": false, "255.255.255.255": false, "::ffff:127.0.0.1": false,
		"64:ff9b::7f00:1": false, "2002:7f00:1::": false, "198.18.0.1": false,
	} {
		if got := webpush.Public(netip.MustParseAddr(text)); got != want {
			t.Errorf("%s: %t", text, got)
		}
	}
	v := newVendor(t)
	resp, err := webpush.Outwards().Get(v.URL)
	if err == nil {
		_ = resp.Body.Close()
		t.Error("it reached this machine")
	} else if !strings.Contains(err.Error(), webpush.ErrPrivate.Error()) {
		t.Error(err)
	}
}

func TestSeed(t *testing.T) {
	if _, err := webpush.New(webpush.Options{Domain: "kith.example", Seed: []byte("short")}); err == nil {
		t.Error("a short seed")
	}
	if _, err := webpush.New(webpush.Options{Domain: "@", Seed: make([]byte, 32)}); err == nil {
		t.Error("no domain")
	}
}
