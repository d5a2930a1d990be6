package calls

import (
	"strconv"
	"time"

	"kith/internal/jid"
	"kith/internal/ns"
	"kith/internal/stanza"
	"kith/internal/xmltree"
	"kith/server/module"
)

// Discovery tells clients where the relay is and gives them credentials for it (XEP-0215).
type Discovery struct {
	// Relay may be nil: then there is nothing to announce.
	Relay *Relay
	// Host is the name or address under which clients reach the relay.
	Host string
	// Domain is whose people may use it.
	Domain jid.JID
}

// Register implements [module.Module].
func (d *Discovery) Register(r *module.Registry) {
	r.Implements(module.XEP{Number: 215, Name: "External Service Discovery", Version: "1.0.0"})
	if d.Relay == nil {
		return
	}
	r.Disco(module.OnServer, ns.ExtDisco)
	r.HandleIQ(module.OnServer, stanza.Get, ns.ExtDisco, "services", d.services)
	r.HandleIQ(module.OnServer, stanza.Get, ns.ExtDisco, "credentials", d.credentials)
}

// own refuses strangers: the relay costs bandwidth and hides who uses it.
func (d *Discovery) own(q *module.IQ) error {
	if q.From().Domain() != d.Domain.Domain() || q.From().Local() == "" {
		return stanza.Refuse(stanza.Forbidden, "")
	}
	return nil
}

func (d *Discovery) services(q *module.IQ) error {
	if err := d.own(q); err != nil {
		return err
	}
	only := q.Payload.Attr("type")
	q.Result(func(w *xmltree.Writer) {
		w.Open(ns.ExtDisco, "services", "type", only)
		d.write(w, q, only)
		w.Close()
	})
	return nil
}

func (d *Discovery) credentials(q *module.IQ) error {
	if err := d.own(q); err != nil {
		return err
	}
	wanted := q.Payload.Child(ns.ExtDisco, "service")
	if wanted.Attr("host") != d.Host || wanted.Attr("type") != "turn" {
		return stanza.Refuse(stanza.ItemNotFound, "")
	}
	q.Result(func(w *xmltree.Writer) {
		w.Open(ns.ExtDisco, "credentials")
		d.write(w, q, "turn")
		w.Close()
	})
	return nil
}

func (d *Discovery) write(w *xmltree.Writer, q *module.IQ, only string) {
	port := strconv.Itoa(int(d.Relay.port))
	expires := d.Relay.expiry()
	user, password := d.Relay.credentials.issue(q.From().Local(), expires)
	transports := []string{"udp"}
	if d.Relay.tcp {
		transports = append(transports, "tcp")
	}
	for _, transport := range transports {
		if only == "" || only == "stun" {
			w.Empty("", "service", "type", "stun", "host", d.Host, "port", port, "transport", transport)
		}
		if only == "" || only == "turn" {
			w.Empty("", "service", "type", "turn", "host", d.Host, "port", port, "transport", transport, "restricted", "true",
				"username", user, "password", password, "expires", expires.UTC().Format(time.RFC3339))
		}
	}
}
