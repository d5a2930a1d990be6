package people

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"

	"kith/internal/clock"
	"kith/internal/jid"
	"kith/internal/ns"
	"kith/internal/stanza"
	"kith/internal/xmltree"
	"kith/omemo"
)

// Options say who somebody is and how their server is reached.
type Options struct {
	// Address is that of the account, without a resource.
	Address  jid.JID
	Password string
	// Dial opens a connection on which the server expects a client that will use STARTTLS, and says
	// whom to trust there; the ServerName is the domain.
	Dial func(context.Context) (net.Conn, *tls.Config, error)
	// WithoutArchive: what was missed comes as offline messages, and the archive is never asked.
	WithoutArchive bool
	// PreKeys is shared by people who begin together; nil for one who is alone.
	PreKeys *PreKeys
	Clock   clock.Clock
	Log     *slog.Logger
}

// Person is one device of an account. Its methods may be called from many goroutines.
type Person struct {
	o   Options
	log *slog.Logger
	// device is the id of this device in the lists of OMEMO.
	device uint32

	mu      sync.Mutex // guards everything below
	changed chan struct{}

	// records are what the cryptographic core remembers.
	records map[string][]byte
	lists   map[jid.JID]deviceList
	// stale: the published bundle is not the one in records. upkeep: prekeys were used, or an empty
	// message is owed. heal are devices whose messages fit no session.
	stale, upkeep bool
	heal          []omemo.Address
	healed        map[omemo.Address]bool

	contacts map[jid.JID]Contact
	names    map[jid.JID]string
	around   map[jid.JID]string // by full address, what they show
	typing   map[jid.JID]bool
	groups   map[jid.JID]*group

	messages []Message
	byID     map[messageKey]int
	archived map[string]bool // stanza-ids that were seen
	outbox   []*outgoing

	// The archive is known up to cursor, "" for its beginning; begun: as far as this device cares.
	cursor  string
	begun   bool
	queries map[string]*query

	// What belongs to a connection.
	link *wire
	stop context.CancelFunc
	work sync.WaitGroup
	// visible: presence was sent. current: nothing that was missed is missing. held came before that.
	visible, current bool
	// shown is what was said to others with the presence.
	shown func(*xmltree.Writer)
	held  []*stanza.Stanza
}

// messageKey is what tells a message from all others: its id in the words of its sender (XEP-0359).
type messageKey struct {
	from jid.JID
	id   string
}

// New makes a device with keys of its own. It is not connected.
func New(o Options) (*Person, error) {
	p := &Person{
		o: o, log: o.Log.With(slog.String("account", o.Address.String())), changed: make(chan struct{}),
		device: omemo.NewDeviceID(nil), records: map[string][]byte{}, lists: map[jid.JID]deviceList{}, healed: map[omemo.Address]bool{},
		contacts: map[jid.JID]Contact{}, names: map[jid.JID]string{}, around: map[jid.JID]string{}, typing: map[jid.JID]bool{}, groups: map[jid.JID]*group{},
		byID: map[messageKey]int{}, archived: map[string]bool{}, queries: map[string]*query{},
	}
	changes, err := omemo.Create(omemo.CreateOptions{JID: o.Address.String(), Device: p.device, Now: p.seconds()})
	if err != nil {
		return nil, fmt.Errorf("people: keys: %w", err)
	}
	p.commit(changes)
	return p, nil
}

// Address is that of the account, without a resource.
func (p *Person) Address() jid.JID { return p.o.Address }

// Device is the id of this device in the lists of OMEMO.
func (p *Person) Device() uint32 { return p.device }

func (p *Person) seconds() int64 { return p.o.Clock.Now().Unix() }

// SignIn connects, fetches the contacts and announces the keys. Nobody sees it yet, and messages wait on
// the server until [Person.Appear] or [Person.CatchUp]; what was written here meanwhile is sent.
func (p *Person) SignIn(ctx context.Context) error {
	p.Cut()
	w, err := dial(ctx, p.o, p)
	if err != nil {
		return err
	}
	working, stop := context.WithCancel(context.Background())
	p.mu.Lock()
	p.link, p.stop = w, stop
	p.visible, p.current, p.held, p.stale = false, false, nil, true
	clear(p.around)
	clear(p.typing)
	clear(p.healed)
	for j, l := range p.lists {
		l.fresh = false
		p.lists[j] = l
	}
	for _, g := range p.groups {
		g.inside = false
	}
	for _, m := range p.outbox {
		m.handed = false
	}
	p.change()
	p.mu.Unlock()
	if err := p.begin(ctx, w); err != nil {
		p.Cut()
		return fmt.Errorf("%s: %w", p.o.Address, err)
	}
	p.work.Go(func() {
		p.worker(working, w)
		p.mu.Lock()
		defer p.mu.Unlock()
		p.change()
	})
	return nil
}

func (p *Person) begin(ctx context.Context, w *wire) error {
	if err := w.manage(ctx); err != nil {
		return err
	}
	if _, err := w.ask(ctx, stanza.Set, jid.JID{}, func(x *xmltree.Writer) { x.Empty(ns.Carbons, "enable") }); err != nil {
		return fmt.Errorf("carbons: %w", err)
	}
	if err := p.fetchContacts(ctx, w); err != nil {
		return err
	}
	// The archive begins for this device where somebody can write to it.
	if err := p.beginArchive(ctx, w); err != nil {
		return err
	}
	return p.announce(ctx, w)
}

// Appear shows presence, at first or another one: show is away, chat, dnd, xa, or "" for being just
// there (RFC 6121 section 4.7.2.1). The first time it also fetches what was missed.
func (p *Person) Appear(ctx context.Context, show, status string) error {
	w, err := p.linked()
	if err != nil {
		return err
	}
	// First of all we are there and get what comes; only then what came before is asked for. The
	// other way round, what comes between would be neither here nor there.
	shown := func(x *xmltree.Writer) {
		if show != "" {
			x.Element("", "show", show)
		}
		if status != "" {
			x.Element("", "status", status)
		}
		capabilities.write(x)
	}
	p.mu.Lock()
	first := !p.visible
	p.visible, p.shown = true, shown
	if p.o.WithoutArchive {
		p.current = true
	}
	p.mu.Unlock()
	if err := w.send(ctx, stanza.Build(stanza.Header{Kind: stanza.Presence}, shown), nil); err != nil {
		return err
	}
	if !first {
		return nil
	}
	return p.CatchUp(ctx)
}

// SignOut ends the connection politely.
func (p *Person) SignOut(ctx context.Context) error {
	w := p.unlink()
	if w == nil {
		return nil
	}
	err := w.hangUp(ctx)
	p.work.Wait()
	return err
}

// Cut ends the connection as the network does, without a word.
func (p *Person) Cut() {
	if w := p.unlink(); w != nil {
		w.cut()
		p.work.Wait()
	}
}

func (p *Person) unlink() *wire {
	p.mu.Lock()
	defer p.mu.Unlock()
	w := p.link
	if w != nil {
		p.stop()
		p.link = nil
		p.change()
	}
	return w
}

// linked is the present connection.
func (p *Person) linked() (*wire, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if w := p.alive(); w != nil {
		return w, nil
	}
	return nil, ErrOffline
}

// alive is the present connection, nil for none. It needs p.mu.
func (p *Person) alive() *wire {
	if p.link == nil {
		return nil
	}
	select {
	case <-p.link.over:
		return nil
	default:
		return p.link
	}
}

// change wakes whoever waits. It needs p.mu.
func (p *Person) change() {
	close(p.changed)
	p.changed = make(chan struct{})
}

// Until waits until something holds. what says it in an error. The condition is looked at after every
// change; it must not call methods of the person.
func (p *Person) Until(ctx context.Context, what string, holds func(View) bool) error {
	for {
		p.mu.Lock()
		ok, changed := holds(View{p}), p.changed
		p.mu.Unlock()
		if ok {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("%s waited for %s: %w", p.o.Address, what, ctx.Err())
		}
	}
}

// Look shows what the person knows now. look must not call methods of the person.
func (p *Person) Look(look func(View)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	look(View{p})
}

// refused tells an answer that is final from one that may be different later.
func refused(err error) bool {
	var f *stanza.Fault
	return errors.As(err, &f) && f.Kind != "wait"
}
