package plays

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"kith/internal/ns"
	"kith/internal/xmltree"
	"kith/test/peers"
)

// House is a server on which plays run.
type House interface {
	// Kind is one of [Servers].
	Kind() string
	// Domain is that of the accounts; rooms are at groups.DOMAIN.
	Domain() string
	Account(ctx context.Context, name, password string, admin bool) error
	// Dial connects an app by a transport.
	Dial(ctx context.Context, by string) (*peers.Conn, error)
	// Attach connects a component that knows [peers.Secret].
	Attach(ctx context.Context, host string) (*peers.Conn, error)
	// Web makes requests, and base is where what has no address of its own is.
	Web() (client *http.Client, base string)
}

// Performance is a play on a server, with accounts, rooms and components of its own, which have its number in their
// names.
type Performance struct {
	*Play
	Number int
	By     string // how apps connect that do not say it
}

// Hosts are the domains of its components.
func (p Performance) Hosts(domain string) []string {
	var out []string
	for _, c := range p.Components {
		out = append(out, fmt.Sprintf("%s-%d.%s", c, p.Number, domain))
	}
	return out
}

// Bosses are the addresses of its administrators.
func (p Performance) Bosses(domain string) []string {
	var out []string
	for _, a := range p.Admins {
		out = append(out, fmt.Sprintf("%s-%d@%s", a, p.Number, domain))
	}
	return out
}

const password = "a password for plays"

// stage is one play on one server.
type stage struct {
	house  House
	play   Performance
	names  names
	actors map[string]*actor
	// patience is how long something may take that must happen. Nothing is ever waited for that must not.
	patience time.Duration
	// supports is what actors say that they support, from before they sign in.
	supports map[string][]string
	received map[string]int  // stanzas that actors had counted when they lost their connections (XEP-0198)
	answer   xmltree.Element // to what was asked last

	mu  sync.Mutex // guards log
	log []string
}

// Run runs a play. It returns what went wrong, and all that was said.
func Run(ctx context.Context, h House, p Performance, patience time.Duration) (transcript []string, err error) {
	s := &stage{house: h, play: p, names: names{}, actors: map[string]*actor{}, patience: patience, supports: map[string][]string{}, received: map[string]int{}}
	defer s.close()
	s.names["domain"], s.names["groups"] = h.Domain(), "groups."+h.Domain()
	s.names["number"] = strconv.Itoa(p.Number)
	s.names["nobody"] = fmt.Sprintf("nobody-%d@%s", p.Number, h.Domain())
	for _, r := range p.Rooms {
		s.names[r] = fmt.Sprintf("%s-%d@groups.%s", r, p.Number, h.Domain())
	}
	for i, host := range p.Hosts(h.Domain()) {
		s.names[p.Components[i]] = host
	}
	for _, who := range p.People {
		name := fmt.Sprintf("%s-%d", who, p.Number)
		s.names[who] = name + "@" + h.Domain()
		if err := h.Account(ctx, name, password, slices.Contains(p.Admins, who)); err != nil {
			return nil, fmt.Errorf("account %s: %w", who, err)
		}
	}
	for _, pair := range p.Contacts {
		if err := s.introduce(ctx, pair[0], pair[1]); err != nil {
			return s.said(), fmt.Errorf("%s and %s become contacts: %w", pair[0], pair[1], err)
		}
	}
	for _, step := range p.Steps {
		if step.Servers != nil && !slices.Contains(step.Servers, h.Kind()) {
			continue
		}
		if err := s.do(ctx, step); err != nil {
			return s.said(), fmt.Errorf("%s.play:%d: %s %s: %w", p.Name, step.Line, strings.Join(step.Actors, " and "), step.Verb, err)
		}
	}
	return nil, nil
}

func (s *stage) note(line string) {
	if strings.Contains(line, "id='settle") {
		return // what nobody wants to read
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log = append(s.log, line)
}

func (s *stage) said() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.log)
}

func (s *stage) close() {
	for _, a := range s.actors {
		_ = a.conn.Close()
		<-a.over
	}
}

// introduce makes two people contacts, by what their apps would send (RFC 6121 section 3.1).
func (s *stage) introduce(ctx context.Context, one, other string) error {
	pair := []string{one + "/introduction", other + "/introduction"}
	for _, who := range pair {
		if err := s.signIn(ctx, who, TCP); err != nil {
			return err
		}
		if err := s.available(ctx, s.actors[who]); err != nil {
			return err
		}
	}
	for i, who := range pair {
		a, b := s.actors[who], s.actors[pair[1-i]]
		mine, theirs := s.names[strings.Split(who, "/")[0]], s.names[strings.Split(pair[1-i], "/")[0]]
		if err := a.put("<presence type='subscribe' to='" + theirs + "'/>"); err != nil {
			return err
		}
		if err := s.gets(b, "<presence type='subscribe' from='"+mine+"'/>"); err != nil {
			return err
		}
		if err := b.put("<presence type='subscribed' to='" + mine + "'/>"); err != nil {
			return err
		}
		if err := s.gets(a, "<presence type='subscribed' from='"+theirs+"'/>"); err != nil {
			return err
		}
	}
	for _, who := range pair {
		if err := s.settle(ctx, s.actors[who]); err != nil {
			return err
		}
	}
	for _, who := range pair {
		if err := s.leave(s.actors[who]); err != nil {
			return err
		}
	}
	return nil
}

// available does what every app does when it is there: it asks for the roster, so that it is told of changes
// (RFC 6121 section 2.2), and sends its first presence.
func (s *stage) available(ctx context.Context, a *actor) error {
	if _, err := a.ask(ctx, "settle", "<iq type='get'><query xmlns='"+ns.Roster+"'/></iq>"); err != nil {
		return err
	}
	caps := ""
	if a.features != nil {
		caps = a.caps()
	}
	if err := a.put("<presence>" + caps + "</presence>"); err != nil {
		return err
	}
	return s.gets(a, "<presence from='"+a.jid+"'/>")
}

// gets waits for one element, for the runner itself.
func (s *stage) gets(a *actor, xml string) error {
	block, err := parse(xml)
	if err != nil {
		return err
	}
	return a.find(s.patience, func(e xmltree.Element) error { return s.names.match(block[0].Element, e) })
}

// dial opens a connection.
func (s *stage) dial(ctx context.Context, who, by string) (*actor, error) {
	if s.actors[who] != nil {
		return nil, errors.New("is connected already")
	}
	conn, err := s.house.Dial(ctx, by)
	if err != nil {
		return nil, err
	}
	a := newActor(who, conn, s.note)
	a.features, a.received = s.supports[who], s.received[who]
	return a, nil
}

// local is the name of a person's account.
func (s *stage) local(who string) string {
	name, _, _ := strings.Cut(s.names[strings.Split(who, "/")[0]], "@")
	return name
}

// connect opens a connection and authenticates.
func (s *stage) connect(ctx context.Context, who, by string) (*actor, error) {
	a, err := s.dial(ctx, who, by)
	if err != nil {
		return nil, err
	}
	if _, err := a.conn.Authenticate(s.local(who), password); err != nil {
		_ = a.conn.Close()
		return nil, err
	}
	return a, nil
}

// enter puts an actor on the stage.
func (s *stage) enter(a *actor) {
	s.actors[a.name] = a
	go a.read()
}

func (s *stage) signIn(ctx context.Context, who, by string) error {
	a, err := s.connect(ctx, who, by)
	if err != nil {
		return err
	}
	if a.jid, err = a.conn.Bind(strings.Split(who, "/")[1]); err != nil {
		return errors.Join(err, a.conn.Close())
	}
	s.names[who] = a.jid
	s.enter(a)
	return nil
}

// attach connects a component.
func (s *stage) attach(ctx context.Context, name string) error {
	if s.actors[name] != nil {
		return errors.New("is connected already")
	}
	conn, err := s.house.Attach(ctx, s.names[name])
	if err != nil {
		return err
	}
	a := newActor(name, conn, s.note)
	a.jid, a.features = s.names[name], s.supports[name]
	s.enter(a)
	return nil
}

// leave closes the stream and waits until the server has.
func (s *stage) leave(a *actor) error {
	delete(s.actors, a.name)
	err := a.put("</stream:stream>")
	select {
	case <-a.over:
	case <-time.After(s.patience):
		err = errors.Join(err, errors.New("the server does not close the stream"))
	}
	return errors.Join(err, a.conn.Close())
}

// settle returns when all has reached an actor that the others have caused so far. Each of them asks its own
// account, the rooms of the play and then this actor, in this order and waiting for each answer; what they sent
// before came before (RFC 6120 section 10.1). At last the actor itself asks the server.
func (s *stage) settle(ctx context.Context, a *actor) error {
	var asking sync.WaitGroup
	failed := make(chan error, len(s.actors))
	for _, other := range s.actors {
		if other == a || other.jid == "" {
			continue
		}
		asking.Go(func() {
			bare, _, _ := strings.Cut(other.jid, "/")
			if other.isComponent() {
				bare = s.house.Domain()
			}
			questions := []string{ping(bare)}
			for _, r := range s.play.Rooms {
				questions = append(questions, "<iq type='get' to='"+s.names[r]+"'><query xmlns='"+ns.DiscoInfo+"'/></iq>")
			}
			if a.jid != "" {
				questions = append(questions, ping(a.jid))
			}
			for _, q := range questions {
				if _, err := other.ask(ctx, "settle", q); err != nil {
					failed <- err
					return
				}
			}
		})
	}
	asking.Wait()
	select {
	case err := <-failed:
		return err
	default:
	}
	if a.jid == "" {
		return nil
	}
	bare, _, _ := strings.Cut(a.jid, "/")
	if a.isComponent() {
		bare = s.house.Domain()
	}
	for _, to := range append([]string{bare}, s.rooms()...) {
		if _, err := a.ask(ctx, "settle", "<iq type='get' to='"+to+"'><query xmlns='"+ns.DiscoInfo+"'/></iq>"); err != nil {
			return err
		}
	}
	_, err := a.ask(ctx, "settle", ping(s.house.Domain()))
	return err
}

func (s *stage) rooms() []string {
	var out []string
	for _, r := range s.play.Rooms {
		out = append(out, s.names[r])
	}
	return out
}

func ping(to string) string {
	return "<iq type='get' to='" + to + "'><ping xmlns='" + ns.Ping + "'/></iq>"
}

// do does one step.
func (s *stage) do(ctx context.Context, step Step) error {
	ctx, cancel := context.WithTimeout(ctx, s.patience)
	defer cancel()
	s.note("-- line " + strconv.Itoa(step.Line) + ": " + strings.Join(step.Actors, " and ") + " " + step.Verb)
	for _, who := range step.Actors {
		if err := s.act(ctx, who, step); err != nil {
			return err
		}
	}
	return nil
}

func (s *stage) act(ctx context.Context, who string, step Step) error {
	switch step.Verb {
	case "supports":
		s.supports[who] = step.Words
		if a := s.actors[who]; a != nil {
			a.mu.Lock()
			a.features = step.Words
			a.mu.Unlock()
		}
		return nil
	case "dials":
		a, err := s.dial(ctx, who, s.by(step))
		if err != nil {
			return err
		}
		features, err := a.conn.Open()
		if err != nil {
			return errors.Join(err, a.conn.Close())
		}
		s.note(who + " < " + features.Source())
		a.take(features)
		s.enter(a)
		return nil
	case "connects":
		if slices.Contains(s.play.Components, who) {
			return s.attach(ctx, who)
		}
		a, err := s.connect(ctx, who, s.by(step))
		if err != nil {
			return err
		}
		s.enter(a)
		return nil
	case "signs in":
		return s.signIn(ctx, who, s.by(step))
	case "is online":
		if err := s.signIn(ctx, who, s.by(step)); err != nil {
			return err
		}
		a := s.actors[who]
		if err := s.available(ctx, a); err != nil {
			return err
		}
		if err := s.settle(ctx, a); err != nil {
			return err
		}
		a.forget()
		return nil
	}
	a := s.actors[who]
	if a == nil {
		return errors.New("is not connected")
	}
	switch step.Verb {
	case "authenticates":
		return s.authenticate(ctx, a, step)
	case "requests":
		return s.request(ctx, step)
	case "sends":
		for _, b := range step.Block {
			text, err := s.text(a, b)
			if err != nil {
				return err
			}
			if err := a.put(text); err != nil {
				return err
			}
		}
		return nil
	case "asks":
		text, err := s.text(a, step.Block[0])
		if err != nil {
			return err
		}
		if s.answer, err = a.ask(ctx, "asked", text); err != nil {
			return err
		}
		if !s.answeredNext(step) && s.answer.Attr("type") != "result" {
			return fmt.Errorf("the answer is %s", s.answer.Source())
		}
		return nil
	case "and is answered":
		if err := s.names.match(step.Block[0].Element, s.answer); err != nil {
			return fmt.Errorf("%w\n\t%s", err, s.answer.Source())
		}
		return nil
	case "gets":
		for _, b := range step.Block {
			if err := a.find(s.patience, func(e xmltree.Element) error { return s.names.match(b.Element, e) }); err != nil {
				return fmt.Errorf("%s\n%w", b.Text, err)
			}
		}
		return nil
	case "gets in any order":
		return s.anyOrder(a, step.Block)
	case "gets nothing", "gets no":
		if err := s.settle(ctx, a); err != nil {
			return err
		}
		a.mu.Lock()
		defer a.mu.Unlock()
		for _, e := range a.inbox {
			if step.Verb == "gets nothing" || slices.ContainsFunc(step.Block, func(b Block) bool { return s.names.match(b.Element, e) == nil }) {
				return fmt.Errorf("got %s", e.Source())
			}
		}
		return nil
	case "looks away":
		if err := s.settle(ctx, a); err != nil {
			return err
		}
		a.forget()
		return nil
	case "opens", "joins":
		return s.room(ctx, a, step)
	case "leaves":
		return s.leave(a)
	case "drops":
		delete(s.actors, who)
		err := a.conn.Close()
		<-a.over
		s.received[who] = a.received
		return err
	case "is cut off":
		delete(s.actors, who)
		select {
		case <-a.over:
			return a.conn.Close()
		case <-ctx.Done():
			return errors.New("the stream goes on")
		}
	}
	return fmt.Errorf("nobody knows how to do %q", step.Verb)
}

// by is the transport of a step.
func (s *stage) by(step Step) string {
	if len(step.Words) == 2 {
		return step.Words[1]
	}
	return s.play.By
}

// answeredNext reports whether the play says what the answer is.
func (s *stage) answeredNext(step Step) bool {
	i := slices.IndexFunc(s.play.Steps, func(o Step) bool { return o.Line == step.Line })
	for _, next := range s.play.Steps[i+1:] {
		if next.Verb != "and is answered" {
			return false
		}
		if next.Servers == nil || slices.Contains(next.Servers, s.house.Kind()) {
			return true
		}
	}
	return false
}

// text is what an actor sends.
func (s *stage) text(a *actor, b Block) (string, error) {
	a.mu.Lock()
	s.names["received"] = strconv.Itoa(a.received)
	a.mu.Unlock()
	return s.names.fill(strings.ReplaceAll(b.Text, "{caps}", a.caps()))
}

// anyOrder waits for elements that may come in any order; each fits one that is expected.
func (s *stage) anyOrder(a *actor, block []Block) error {
	left := slices.Clone(block)
	for len(left) > 0 {
		found := -1
		err := a.find(s.patience, func(e xmltree.Element) error {
			var err error
			for i, b := range left {
				if err = s.names.match(b.Element, e); err == nil {
					found = i
					return nil
				}
			}
			return err
		})
		if err != nil {
			return fmt.Errorf("%s\n%w", left[0].Text, err)
		}
		left = slices.Delete(left, found, found+1)
	}
	return nil
}

// room is how most plays with a room begin: somebody makes one with this configuration, or comes in, with the
// name of the person as nick.
func (s *stage) room(ctx context.Context, a *actor, step Step) error {
	room, err := s.names.fill(step.Words[0])
	if err != nil {
		return err
	}
	nick, _, _ := strings.Cut(a.name, "/")
	inside, fields := "", []string{"muc#roomconfig_membersonly", "0", "muc#roomconfig_moderatedroom", "0", "muc#roomconfig_whois", "anyone", "muc#roomconfig_persistentroom", "1"}
	set := ""
	for _, b := range step.Block {
		text, err := s.text(a, b)
		if err != nil {
			return err
		}
		if step.Verb == "joins" {
			inside += text
			continue
		}
		set += text
		if i := slices.Index(fields, b.Element.Attr("var")); i >= 0 {
			fields = slices.Delete(fields, i, i+2)
		}
	}
	for i := 0; i < len(fields); i += 2 {
		set += "<field var='" + fields[i] + "'><value>" + fields[i+1] + "</value></field>"
	}
	if err := a.put("<presence to='" + room + "/" + nick + "'><x xmlns='" + ns.MUC + "'>" + inside + "</x></presence>"); err != nil {
		return err
	}
	if err := s.gets(a, "<presence from='"+room+"/"+nick+"'><x xmlns='"+ns.MUCUser+"'><status code='110'/></x></presence>"); err != nil {
		return err
	}
	if step.Verb == "opens" {
		form := "<iq type='set' to='" + room + "'><query xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' type='submit'>" +
			"<field var='FORM_TYPE'><value>http://jabber.org/protocol/muc#roomconfig</value></field>" + set + "</x></query></iq>"
		answer, err := a.ask(ctx, "asked", form)
		if err != nil {
			return err
		}
		if answer.Attr("type") != "result" {
			return fmt.Errorf("the configuration: %s", answer.Source())
		}
	}
	if err := s.gets(a, "<message from='"+room+"' type='groupchat'><subject/></message>"); step.Verb == "joins" && err != nil {
		return err
	}
	for _, other := range s.actors {
		if err := s.settle(ctx, other); err != nil {
			return err
		}
	}
	a.forget()
	return nil
}
