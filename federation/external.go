package federation

import (
	"encoding/base64"

	"kith/internal/jid"
	"kith/internal/ns"
	"kith/internal/peer"
	"kith/internal/stream"
	"kith/internal/xmltree"
)

// maxFailures is how often authentication may fail.
const maxFailures = 3

// authenticate is SASL EXTERNAL (RFC 6120 section 6, XEP-0178 section 3).
func (v *visitor) authenticate(e xmltree.Element) error {
	switch {
	case !v.secured:
		return v.fail("encryption-required")
	case v.proven():
		return &stream.Error{Condition: stream.PolicyViolation, Text: "This stream is authenticated already."}
	case e.Local() == "abort":
		return v.fail("aborted")
	case e.Local() != "auth":
		return v.fail("malformed-request")
	case e.Attr("mechanism") != "EXTERNAL":
		return v.fail("invalid-mechanism")
	}
	from := v.header.From.Domain()
	if text := e.Text(); text != "" && text != "=" {
		b, err := base64.StdEncoding.DecodeString(text)
		if err != nil || len(b) > 3*jid.MaxPart {
			return v.fail("incorrect-encoding")
		}
		who, err := domainOf(string(b))
		if err != nil || from != "" && who != from {
			return v.fail("invalid-authzid")
		}
		from = who
	}
	if from == "" || v.svc.deps.Hosts(from) {
		return v.fail("invalid-authzid")
	}
	if v.header.From.IsZero() {
		// The certificate could not be looked at before somebody said whose it is.
		if !v.svc.rules.permits(from) {
			v.svc.refuse(from, "not permitted by the policy of this server")
			return v.fail("not-authorized")
		}
		v.proof, v.verified = v.svc.verifier.verify(v.ctx, from, v.tls, nil)
	}
	if v.verified != nil {
		v.svc.refuse(from, publicWords(v.verified))
		return v.fail("not-authorized")
	}
	if err := v.put("<success xmlns='" + ns.SASL + "'/>"); err != nil {
		return err
	}
	v.reader.SetLimits(v.svc.cfg.limits())
	v.become.Do(func() { v.proved(peer.Link{Local: v.Local, Remote: from}, v.proof) })
	v.restart()
	v.restarted, v.greeted = true, false
	return nil
}

// fail is a failed authentication.
func (v *visitor) fail(condition string) error {
	if v.failures++; v.failures >= maxFailures {
		return &stream.Error{Condition: stream.PolicyViolation, Text: "Too many failed attempts."}
	}
	return v.put("<failure xmlns='" + ns.SASL + "'><" + condition + "/></failure>")
}
