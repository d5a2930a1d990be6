package c2s

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"kith/internal/ns"
	"kith/internal/sasl"
	"kith/internal/stream"
	"kith/internal/xmltree"
	"kith/server/router"
)

// request is what an authenticate element asks for beside the authentication (XEP-0388 section 2.3).
type request struct {
	resume, bind xmltree.Element
	upgrades     []sasl.Hash
	finish       FinishRequest
}

// task is an upgrade that is under way (XEP-0480).
type task struct {
	// rest are the upgrades that are to be done; the first is the present one.
	rest []sasl.Hash
	// begun: the client has chosen it and was given the salt.
	begun bool
	// data is the additional data for success.
	data []byte
}

// beginSASL2 is the authenticate element.
func (n *negotiation) beginSASL2(e xmltree.Element) *stream.Error {
	in, req, a, err := readAuthenticate(e)
	if err == nil {
		err = n.begin(a)
	}
	if err != nil {
		return n.failed(err, ns.SASL2)
	}
	for u := range e.Children() {
		h := sasl.Hash(strings.TrimPrefix(u.Text(), upgradePrefix))
		if u.Is(ns.SASLUpgrade, "upgrade") && slices.Contains(n.offer.Upgrades, h) && !slices.Contains(req.upgrades, h) {
			req.upgrades = append(req.upgrades, h)
		}
	}
	n.phase, n.request, n.task = phaseSASL2, req, task{}
	return n.stepSASL2(in)
}

// upgradePrefix begins the names of upgrade tasks (XEP-0480 section 2.1).
const upgradePrefix = "UPGR-SCRAM-"

func readAuthenticate(e xmltree.Element) ([]byte, *request, Attempt, error) {
	a := Attempt{Mechanism: sasl.Mechanism(e.Attr("mechanism")), SASL2: true}
	req := &request{resume: e.Child(ns.SM, "resume"), bind: e.Child(ns.Bind2, "bind")}
	var in []byte
	if first := e.Child(ns.SASL2, "initial-response"); !first.IsZero() {
		var err error
		if in, err = sasl.Decode(first.Text()); err != nil {
			return nil, nil, a, err
		}
	}
	agent := e.Child(ns.SASL2, "user-agent")
	a.Agent = UserAgent{
		ID:       agent.Attr("id"),
		Software: agent.ChildText(ns.SASL2, "software"),
		Device:   agent.ChildText(ns.SASL2, "device"),
	}
	if f := e.Child(ns.FAST, "fast"); !f.IsZero() {
		a.FAST = &FAST{Invalidate: boolean(f.Attr("invalidate"))}
		if v, ok := f.LookupAttr("", "count"); ok {
			count, err := strconv.ParseInt(v, 10, 64)
			if err != nil || count < 0 {
				return nil, nil, a, &sasl.Error{Condition: sasl.MalformedRequest, Text: "The count of a token is a number."}
			}
			a.FAST.Count = &count
		}
		req.finish.Invalidated = a.FAST.Invalidate
	}
	req.finish.Token = sasl.Mechanism(e.Child(ns.FAST, "request-token").Attr("mechanism"))
	return in, req, a, nil
}

// respondSASL2 is the response element.
func (n *negotiation) respondSASL2(e xmltree.Element) *stream.Error {
	in, err := sasl.Decode(e.Text())
	if err != nil {
		return n.failed(err, ns.SASL2)
	}
	return n.stepSASL2(in)
}

func (n *negotiation) stepSASL2(in []byte) *stream.Error {
	out, done, err := n.auth.Next(n.ctx, in)
	switch {
	case err != nil:
		return n.failed(err, ns.SASL2)
	case !done:
		n.send(element(ns.SASL2, "challenge", encode(out)))
		return nil
	}
	n.task.data = out
	if n.auth.Identity().Password {
		n.task.rest = n.request.upgrades
	}
	return n.proceed()
}

// proceed asks for the next task, or completes the authentication.
func (n *negotiation) proceed() *stream.Error {
	if len(n.task.rest) == 0 {
		return n.complete()
	}
	n.phase, n.task.begun = phaseTasks, false
	w := xmltree.NewWriter(256)
	w.Open(ns.SASL2, "continue")
	writeData(w, n.task.data)
	w.Open("", "tasks").Element("", "task", upgradePrefix+string(n.task.rest[0])).Close()
	w.Close()
	n.send(w.String())
	return nil
}

func writeData(w *xmltree.Writer, data []byte) {
	if data != nil {
		w.Element("", "additional-data", encode(data))
	}
}

// nextTask is the next element by which the client begins a task (XEP-0388 section 2.6.3).
func (n *negotiation) nextTask(e xmltree.Element) *stream.Error {
	h := n.task.rest[0]
	if n.task.begun || e.Attr("task") != upgradePrefix+string(h) {
		return n.failed(&sasl.Error{Condition: sasl.MalformedRequest, Text: "This task was not asked for."}, ns.SASL2)
	}
	salt, iterations, err := n.auth.BeginUpgrade(h)
	if err != nil {
		return n.failed(err, ns.SASL2)
	}
	n.task.begun = true
	w := xmltree.NewWriter(256)
	w.Open(ns.SASL2, "task-data").Element(ns.ScramUpgrade, "salt", encode(salt), "iterations", strconv.Itoa(iterations)).Close()
	n.send(w.String())
	return nil
}

// taskData has the client's part of a task.
func (n *negotiation) taskData(e xmltree.Element) *stream.Error {
	if !n.task.begun {
		return n.failed(&sasl.Error{Condition: sasl.MalformedRequest, Text: "No task has begun."}, ns.SASL2)
	}
	salted, err := sasl.Decode(e.ChildText(ns.ScramUpgrade, "hash"))
	if err == nil {
		err = n.auth.FinishUpgrade(n.ctx, salted)
	}
	if err != nil {
		return n.failed(err, ns.SASL2)
	}
	n.task.rest = n.task.rest[1:]
	return n.proceed()
}

func (n *negotiation) abortSASL2(xmltree.Element) *stream.Error {
	return n.failed(&sasl.Error{Condition: sasl.Aborted, Cause: errAborted}, ns.SASL2)
}

// complete answers with success and all that was asked for along with it: the former session, or
// else a new one, and a token.
func (n *negotiation) complete() *stream.Error {
	n.who = n.auth.Identity()
	var b *bound
	r := resumption{}
	if !n.request.resume.IsZero() {
		var bad *stream.Error
		if r, bad = n.srv.resume(n.link, n.who.JID, n.request.resume); bad != nil {
			return bad
		}
	}
	grant, err := n.auth.Finish(n.ctx, n.request.finish)
	if err == nil && r.session == nil && !n.request.bind.IsZero() {
		b, err = n.bind2(n.request.bind, grant)
	}
	if err != nil {
		if r.session != nil {
			r.session.lost(n.link)
		}
		n.who = Identity{}
		switch {
		case errors.Is(err, errTooMany):
			err = &sasl.Error{Condition: sasl.TemporaryAuthFailure, Text: tooManyText, Cause: err}
		case errors.Is(err, router.ErrNoAccount):
			err = &sasl.Error{Condition: sasl.NotAuthorized, Cause: err}
		}
		return n.failed(err, ns.SASL2)
	}
	n.signed()
	w := xmltree.NewWriter(1024)
	w.Open(ns.SASL2, "success")
	writeData(w, n.task.data)
	id := n.who.JID
	switch {
	case r.session != nil:
		id = r.session.jid
	case b != nil:
		id = b.session.jid
	}
	w.Element("", "authorization-identifier", id.String())
	switch {
	case r.session != nil:
		w.Raw(r.element())
	default:
		w.Raw(r.failed)
	}
	if b != nil {
		w.Raw(b.element)
	}
	if grant.Token != "" {
		w.Empty(ns.FAST, "token", "token", grant.Token, "expiry", grant.Expires.UTC().Format(time.RFC3339))
	}
	w.Close()
	n.write(func(c Conn) {
		c.Element(w.String())
		// A resumed stream goes on at once, without features (XEP-0198 section 9.2).
		switch {
		case r.session != nil:
		case b != nil:
			c.Features(n.featuresBound(b.session))
		default:
			c.Features(n.featuresBinding())
		}
	})
	n.phase = phaseBinding
	switch {
	case r.session != nil:
		n.session = r.session
	case b != nil:
		n.session = b.session
	default:
		return nil
	}
	n.session.release(n.link)
	return nil
}

// bound is a session that was bound inline.
type bound struct {
	session *session
	// element is the bound element of XEP-0386.
	element string
}
