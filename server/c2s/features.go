package c2s

import (
	"strconv"

	"kith/internal/ns"
	"kith/internal/xmltree"
)

// featuresEarly are the stream features before the client is signed in.
func (n *negotiation) featuresEarly() string {
	w := xmltree.NewWriter(1024)
	o := n.offer
	if n.phase == phasePlain && n.srv.tls != nil {
		if len(o.Mechanisms) == 0 {
			w.Open(ns.TLS, "starttls").Empty("", "required").Close()
		} else {
			w.Empty(ns.TLS, "starttls")
		}
	}
	if len(o.Mechanisms) > 0 {
		w.Open(ns.SASL, "mechanisms")
		for _, m := range o.Mechanisms {
			w.Element("", "mechanism", string(m))
		}
		w.Close()
		n.featureSASL2(w)
		if len(o.Bindings) > 0 {
			w.Open(ns.ChannelBinding, "sasl-channel-binding")
			for _, b := range o.Bindings {
				w.Empty("", "channel-binding", "type", string(b))
			}
			w.Close()
		}
	}
	if n.security.TLS {
		for _, f := range n.srv.deps.Registry.Features {
			if f.Early != nil {
				f.Early(w)
			}
		}
	}
	n.featureLimits(w, earlyBytes)
	return w.String()
}

// featureSASL2 is that of XEP-0388 with all that can be done inline.
func (n *negotiation) featureSASL2(w *xmltree.Writer) {
	w.Open(ns.SASL2, "authentication")
	for _, m := range n.offer.Mechanisms {
		w.Element("", "mechanism", string(m))
	}
	w.Open("", "inline")
	w.Open(ns.Bind2, "bind").Open("", "inline")
	w.Empty("", "feature", "var", ns.SM)
	w.Empty("", "feature", "var", ns.CSI)
	for _, f := range n.srv.deps.Registry.Features {
		if f.Bind2 != "" {
			w.Empty("", "feature", "var", f.Bind2)
		}
	}
	w.Close().Close()
	w.Empty(ns.SM, "sm")
	if len(n.offer.Tokens) > 0 {
		w.Open(ns.FAST, "fast")
		for _, m := range n.offer.Tokens {
			w.Element("", "mechanism", string(m))
		}
		w.Close()
	}
	w.Close()
	for _, h := range n.offer.Upgrades {
		w.Element(ns.SASLUpgrade, "upgrade", upgradePrefix+string(h))
	}
	w.Close()
}

// featureLimits announces limits (XEP-0478).
func (n *negotiation) featureLimits(w *xmltree.Writer, bytes int) {
	w.Open(ns.StreamLimits, "limits")
	w.Element("", "max-bytes", strconv.Itoa(bytes))
	w.Element("", "idle-seconds", strconv.Itoa(int(n.srv.cfg.IdleTime.Seconds())))
	w.Close()
}

// featuresBinding are those of a client that is signed in and has no resource yet.
func (n *negotiation) featuresBinding() string {
	w := xmltree.NewWriter(1024)
	w.Empty(ns.Bind, "bind")
	// Older clients think that they must ask for it where it is not said to be optional.
	w.Open(ns.Session, "session").Empty("", "optional").Close()
	w.Empty(ns.SM, "sm")
	n.featuresAlways(w)
	return w.String()
}

// featuresBound are those of a client that was bound inline.
func (n *negotiation) featuresBound(s *session) string {
	w := xmltree.NewWriter(1024)
	if !s.sm.enabled {
		w.Empty(ns.SM, "sm")
	}
	n.featuresAlways(w)
	return w.String()
}

func (n *negotiation) featuresAlways(w *xmltree.Writer) {
	w.Empty(ns.CSI, "csi")
	for _, f := range n.srv.deps.Registry.Features {
		if f.Write != nil {
			f.Write(w)
		}
	}
	n.featureLimits(w, int(n.srv.cfg.StanzaBytes))
}
