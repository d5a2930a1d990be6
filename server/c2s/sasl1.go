package c2s

import (
	"errors"

	"kith/internal/ns"
	"kith/internal/sasl"
	"kith/internal/stream"
	"kith/internal/xmltree"
)

// beginSASL1 is the auth element of RFC 6120 section 6.4.2.
func (n *negotiation) beginSASL1(e xmltree.Element) *stream.Error {
	in, err := sasl.DecodeInitial(e.Text())
	if err == nil {
		err = n.begin(Attempt{Mechanism: sasl.Mechanism(e.Attr("mechanism"))})
	}
	if err != nil {
		return n.failed(err, ns.SASL)
	}
	n.phase = phaseSASL1
	return n.stepSASL1(in)
}

// respondSASL1 is the response element.
func (n *negotiation) respondSASL1(e xmltree.Element) *stream.Error {
	in, err := sasl.Decode(e.Text())
	if err != nil {
		return n.failed(err, ns.SASL)
	}
	return n.stepSASL1(in)
}

func (n *negotiation) stepSASL1(in []byte) *stream.Error {
	out, done, err := n.auth.Next(n.ctx, in)
	switch {
	case err != nil:
		return n.failed(err, ns.SASL)
	case !done:
		n.send(element(ns.SASL, "challenge", encode(out)))
		return nil
	}
	// Nothing that SASL2 adds is asked for here, but the device has been seen.
	if _, err := n.auth.Finish(n.ctx, FinishRequest{}); err != nil {
		return n.failed(err, ns.SASL)
	}
	n.signed()
	data := encode(out)
	if out != nil && data == "" {
		data = "=" // RFC 6120 section 6.4.6
	}
	n.phase = phaseOpening
	n.conn.Restart()
	n.send(element(ns.SASL, "success", data))
	n.restart()
	return nil
}

func (n *negotiation) abortSASL1(xmltree.Element) *stream.Error {
	return n.failed(&sasl.Error{Condition: sasl.Aborted, Cause: errAborted}, ns.SASL)
}

var errAborted = errors.New("c2s: the client gave up")

// element is an element with text alone.
func element(space, local, text string) string {
	return xmltree.NewWriter(len(text)+64).Element(space, local, text).String()
}
