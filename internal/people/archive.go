package people

import (
	"context"
	"crypto/rand"
	"fmt"

	"kith/internal/jid"
	"kith/internal/ns"
	"kith/internal/payload"
	"kith/internal/stanza"
	"kith/internal/xmltree"
)

// newID is an id that nobody can guess and nobody else has.
func newID() string { return rand.Text() }

const archivePage = "50"

// query collects the results of a question to the archive.
type query struct{ results []archivedMessage }

type archivedMessage struct {
	id      string
	message *stanza.Stanza
	delay   string
}

// collect takes a result of the archive (XEP-0313 section 4.2). It needs p.mu.
func (p *Person) collect(st *stanza.Stanza, result xmltree.Element) {
	q := p.queries[result.Attr("queryid")]
	if q == nil || !p.isOwn(st.From) {
		return
	}
	q.results = append(q.results, archivedMessage{
		id: result.Attr("id"), message: forwarded(result),
		delay: result.Child(ns.Forward, "forwarded").Child(ns.Delay, "delay").Attr("stamp"),
	})
}

// page asks for one page: forward after an id, or, backward, the last message alone.
func (p *Person) page(ctx context.Context, w *wire, after string, backward bool) (results []archivedMessage, complete bool, err error) {
	q, id := &query{}, newID()
	p.mu.Lock()
	p.queries[id] = q
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.queries, id)
	}()
	st, err := w.ask(ctx, stanza.Set, jid.JID{}, func(x *xmltree.Writer) {
		x.Open(ns.MAM, "query", "queryid", id).Open(ns.RSM, "set")
		switch {
		case backward:
			x.Element("", "max", "1").Empty("", "before")
		case after != "":
			x.Element("", "max", archivePage).Element("", "after", after)
		default:
			x.Element("", "max", archivePage)
		}
		x.Close().Close()
	})
	if err != nil {
		return nil, false, fmt.Errorf("archive: %w", err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return q.results, st.Child(ns.MAM, "fin").Attr("complete") == "true", nil
}

// CatchUp fetches what was missed since the first time: what was said before is not encrypted for this
// device.
func (p *Person) CatchUp(ctx context.Context) error {
	w, err := p.linked()
	if err != nil {
		return err
	}
	if !p.o.WithoutArchive {
		if err := p.readArchive(ctx, w); err != nil {
			return err
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, st := range p.held {
		p.arrived(st)
	}
	p.held, p.current, p.upkeep = nil, true, true
	p.change()
	return nil
}

// beginArchive finds where the archive ends, the first time.
func (p *Person) beginArchive(ctx context.Context, w *wire) error {
	p.mu.Lock()
	begun := p.begun
	p.mu.Unlock()
	if begun || p.o.WithoutArchive {
		return nil
	}
	results, _, err := p.page(ctx, w, "", true)
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.begun = true; len(results) > 0 {
		p.cursor = results[0].id
	}
	return nil
}

func (p *Person) readArchive(ctx context.Context, w *wire) error {
	p.mu.Lock()
	cursor := p.cursor
	p.mu.Unlock()
	for {
		results, complete, err := p.page(ctx, w, cursor, false)
		if err != nil {
			return err
		}
		p.mu.Lock()
		for _, r := range results {
			p.fetched(r)
			p.cursor = r.id
		}
		cursor = p.cursor
		p.mu.Unlock()
		if complete || len(results) == 0 {
			return nil
		}
	}
}

// fetched takes a message out of the archive. It needs p.mu.
func (p *Person) fetched(r archivedMessage) {
	if r.message == nil {
		return
	}
	at, err := payload.ParseTime(r.delay)
	if err != nil {
		at = p.o.Clock.Now()
	}
	if env, ok := p.envelope(r.message, r.id, at); ok {
		env.archived = true
		p.put(env)
	}
}
