// SPDX-License-Identifier: AGPL-3.0-or-later

// Package omemo_test plays our OMEMO core against other implementations.
//
// KITH_OMEMO_SEEDS sets the number of random conversations per version, starting side and partner (default 4; before a
// release 20 or more), KITH_OMEMO_STEPS their length (default 300), KITH_OMEMO_SEED the first seed.
package omemo_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"testing"

	"kith/omemo"
)

func setting(name string, standard int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil {
		return n
	}
	return standard
}

// python is Debian's interpreter, which sees Debian's Python packages.
const python = "/usr/bin/python3"

func needPython(tb testing.TB) {
	tb.Helper()
	if err := exec.CommandContext(tb.Context(), python, "-c", "import oldmemo.etree, twomemo.etree").Run(); err != nil {
		tb.Skip("needs Debian's packages python3-oldmemo, python3-twomemo and python3-xmlschema")
	}
}

func TestExchangePython(t *testing.T) {
	needPython(t)
	exchangeAll(t, 0, python, "oracle.py")
}

func needC(tb testing.TB) {
	tb.Helper()
	const probe = "import ctypes, cryptography; ctypes.CDLL('libomemo-c.so.0')"
	if err := exec.CommandContext(tb.Context(), python, "-c", probe).Run(); err != nil {
		tb.Skip("needs Debian's packages libomemo-c0 and python3-cryptography")
	}
}

func TestExchangeC(t *testing.T) {
	needC(t)
	// The C library forgets receiving chains after five turns of the ratchet.
	exchangeAll(t, 4, python, "oracle_c.py")
}

// exchangeAll plays every version and starting side, with one process per combination.
func exchangeAll(t *testing.T, patience int, name string, args ...string) {
	for _, v := range []omemo.Version{omemo.V03, omemo.V2} {
		for _, weStart := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s/weStart=%v", versionName(v), weStart), func(t *testing.T) {
				t.Parallel()
				p := startPartner(t, name, args...)
				first := setting("KITH_OMEMO_SEED", 1)
				for seed := first; seed < first+setting("KITH_OMEMO_SEEDS", 4); seed++ {
					x := newExchange(t, p, v, weStart, seed)
					x.patience = patience
					x.run(setting("KITH_OMEMO_STEPS", 300))
				}
			})
		}
	}
}

// flying is a message under way.
type flying struct {
	m    wireMessage
	text string
	// seen: it was delivered before, so that the receiver must refuse it.
	seen bool
	// overtaken counts the later messages that have been delivered before it.
	overtaken int
}

// exchange is one random conversation between us and a partner over a network that reorders, loses and
// repeats.
type exchange struct {
	t        *testing.T
	name     string
	rnd      *rand.Rand
	us       *local
	them     *remote
	toUs     []flying
	toThem   []flying
	sent     int
	usOpen   bool // we have a session and may send
	themOpen bool
	// patience is how often a message may be overtaken; 0 for no limit.
	patience int
}

func newExchange(t *testing.T, p *partner, v omemo.Version, weStart bool, seed int) *exchange {
	t.Helper()
	x := &exchange{
		t:    t,
		name: fmt.Sprintf("%s weStart=%v seed %d", v.Namespace(), weStart, seed),
		rnd:  rand.New(rand.NewPCG(uint64(seed), uint64(v))),
		us:   newLocal(t, omemo.Address{JID: "us@example.org", Device: 1001}),
		them: p.newDevice(fmt.Sprint(v, weStart, seed), v, omemo.Address{JID: "them@example.org", Device: 2002}),
	}
	if weStart {
		x.usOpen = true
		x.toThem = append(x.toThem, flying{m: x.us.encrypt(x.them, x.them.bundle(), "start"), text: "start"})
	} else {
		x.themOpen = true
		x.toUs = append(x.toUs, flying{m: x.them.start(x.us, "start"), text: "start"})
	}
	return x
}

func (x *exchange) run(steps int) {
	x.t.Helper()
	for range steps {
		switch n := x.rnd.IntN(100); {
		case n < 30:
			x.send(x.rnd.IntN(2) == 0)
		case n < 90:
			x.deliver(x.rnd.IntN(2) == 0)
		case n < 95:
			x.lose(x.rnd.IntN(2) == 0)
		default:
			x.them.restart()
		}
	}
	for len(x.toUs)+len(x.toThem) > 0 {
		x.deliver(len(x.toUs) > 0)
	}
	// Whatever happened, the conversation goes on.
	if x.usOpen && x.themOpen {
		x.send(true)
		x.deliver(false)
		x.send(false)
		x.deliver(true)
	}
}

// send makes a new message, sometimes an empty one.
func (x *exchange) send(we bool) {
	x.sent++
	text := fmt.Sprintf("message %d äöü %d", x.sent, x.rnd.Uint64())
	if x.rnd.IntN(8) == 0 {
		text = ""
	}
	switch {
	case we && x.usOpen:
		x.toThem = append(x.toThem, flying{m: x.us.encrypt(x.them, nil, text), text: text})
	case !we && x.themOpen:
		x.toUs = append(x.toUs, flying{m: x.them.encrypt(x.us, text), text: text})
	}
}

// lose drops a message, unless it is the only one that could open the session.
func (x *exchange) lose(toUs bool) {
	queue := &x.toThem
	open := x.themOpen
	if toUs {
		queue, open = &x.toUs, x.usOpen
	}
	if len(*queue) == 0 || (!open && len(*queue) == 1) {
		return
	}
	i := x.rnd.IntN(len(*queue))
	*queue = append((*queue)[:i], (*queue)[i+1:]...)
}

// deliver hands over one of the messages under way: mostly the oldest, sometimes any, and sometimes keeps it
// for a second delivery.
func (x *exchange) deliver(toUs bool) {
	x.t.Helper()
	queue := &x.toThem
	if toUs {
		queue = &x.toUs
	}
	if len(*queue) == 0 {
		return
	}
	i := 0
	if x.rnd.IntN(3) == 0 {
		i = x.rnd.IntN(len(*queue))
	}
	for j := range i {
		if (*queue)[j].overtaken++; x.patience > 0 && (*queue)[j].overtaken > x.patience {
			i = j
			break
		}
	}
	f := (*queue)[i]
	if x.rnd.IntN(10) == 0 && !f.seen {
		(*queue)[i].seen = true
	} else {
		*queue = append((*queue)[:i], (*queue)[i+1:]...)
	}
	if toUs {
		x.arriveHere(f)
	} else {
		x.arriveThere(f)
	}
}

func (x *exchange) arriveHere(f flying) {
	x.t.Helper()
	res, err := x.us.decrypt(x.them, f.m)
	switch {
	case f.seen && err == nil:
		x.t.Fatalf("%s: we took %q twice", x.name, f.text)
	case f.seen:
		// After some turns of the ratchet a repetition can no longer be told from a forgery.
		if code := omemo.CodeOf(err); code != omemo.CodeDuplicate && code != omemo.CodeAuthentication {
			x.t.Fatalf("%s: repeated message: %v", x.name, err)
		}
	case err != nil:
		x.t.Fatalf("%s: we cannot decrypt %q: %v", x.name, f.text, err)
	case string(res.Plaintext) != f.text:
		x.t.Fatalf("%s: we decrypted %q, not %q", x.name, res.Plaintext, f.text)
	}
	x.usOpen = true
}

func (x *exchange) arriveThere(f flying) {
	x.t.Helper()
	text, err := x.them.decrypt(x.us, f.m)
	switch {
	case f.seen && err == nil:
		x.t.Fatalf("%s: they took %q twice", x.name, f.text)
	case f.seen:
	case err != nil:
		x.t.Fatalf("%s: they cannot decrypt %q: %v", x.name, f.text, err)
	case text != f.text:
		x.t.Fatalf("%s: they decrypted %q, not %q", x.name, text, f.text)
	}
	x.themOpen = true
}
