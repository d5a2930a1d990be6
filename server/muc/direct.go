package muc

import (
	"errors"

	"kith/internal/form"
	"kith/internal/ns"
	"kith/internal/rsm"
	"kith/internal/stanza"
	"kith/internal/xmltree"
	"kith/server/module"
)

// maxList is how many rooms a list has at most in one answer.
const maxList = 100

// direct takes what is addressed to the service itself.
func (s *Service) direct(env *module.Envelope) {
	defer env.Accept()
	st := env.Stanza
	reply := func(answer *stanza.Stanza) { module.Deliver(s.router, answer) }
	switch {
	case st.IsRequest():
		q := module.NewIQ(nil, nil, st, reply)
		if err := s.answer(q); err != nil {
			q.Fail(err)
		}
	case st.Kind == stanza.Message, st.Kind == stanza.Presence && (st.Type == stanza.Subscribe || st.Type == stanza.Available):
		if e := st.Fail(&stanza.Fault{Condition: stanza.ServiceUnavailable}); e != nil {
			reply(e)
		}
	}
}

func (s *Service) answer(q *module.IQ) error {
	p := q.Payload
	node := p.Attr("node")
	switch {
	case !q.Stanza.To.IsDomain() || q.Stanza.Type != stanza.Get:
	case p.Is(ns.DiscoInfo, "query") && node == "":
		q.Result(s.writeInfo)
		return nil
	case p.Is(ns.DiscoItems, "query") && node == "":
		return s.list(q)
	case p.Is(ns.DiscoInfo, "query"), p.Is(ns.DiscoItems, "query"):
		return stanza.Refuse(stanza.ItemNotFound, "")
	case p.Is(ns.Ping, "ping"):
		q.Result(nil)
		return nil
	}
	return stanza.Refuse(stanza.ServiceUnavailable, "")
}

// common are the features of the service and of each room.
var common = []string{
	ns.DiscoInfo, ns.DiscoItems, ns.MUC, nsStableID, nsOccupantID, ns.Ping, ns.VCardTemp,
}

// writeInfo describes the service (XEP-0045 section 6.2).
func (s *Service) writeInfo(w *xmltree.Writer) {
	w.Open(ns.DiscoInfo, "query")
	w.Empty("", "identity", "category", "conference", "type", "text", "name", serviceName)
	for _, f := range common {
		w.Empty("", "feature", "var", f)
	}
	w.Empty("", "feature", "var", ns.RSM)
	w.Close()
}

// list answers with the public rooms (XEP-0045 section 6.3), page by page (XEP-0059).
func (s *Service) list(q *module.IQ) error {
	if s.config.List == ForAccounts && q.From().Domain() != s.domain || !s.policy.MayList(q.From().Bare()) {
		q.Result(func(w *xmltree.Writer) { w.Empty(ns.DiscoItems, "query") })
		return nil
	}
	set, asked, err := rsm.Read(q.Payload)
	if err != nil {
		return &stanza.Fault{Condition: stanza.BadRequest, Cause: err}
	}
	if set.Index != rsm.Unset || set.Backward {
		return stanza.Refuse(stanza.FeatureNotImplemented, "The list of rooms is read from its beginning.")
	}
	limit := set.Limit(maxList, maxList)
	after := set.After
	if local, ok := s.localOf(after); ok {
		after = local
	} else if after != "" {
		return stanza.Refuse(stanza.ItemNotFound, "")
	}
	total, err := s.store.CountRooms(bg, true)
	if err != nil {
		return err
	}
	var rooms []Listing
	if limit > 0 {
		if rooms, err = s.store.Rooms(bg, true, after, limit); err != nil {
			return err
		}
	}
	q.Result(func(w *xmltree.Writer) {
		w.Open(ns.DiscoItems, "query")
		for _, r := range rooms {
			w.Empty("", "item", "jid", s.addressOf(r.Local), "name", r.Name)
		}
		if asked || len(rooms) < total {
			res := rsm.Result{Index: rsm.Unset, Count: total}
			if n := len(rooms); n > 0 {
				res.First, res.Last = s.addressOf(rooms[0].Local), s.addressOf(rooms[n-1].Local)
			}
			res.Write(w)
		}
		w.Close()
	})
	return nil
}

func (s *Service) addressOf(local string) string { return local + "@" + s.jid.String() }

// localOf is the name of the room with this address.
func (s *Service) localOf(address string) (string, bool) {
	j, err := parseJID(address)
	if err != nil || j.Domain() != s.jid.Domain() || j.Local() == "" || !j.IsBare() {
		return "", false
	}
	return j.Local(), true
}

// formError is the answer to a form that was filled in wrongly.
func formError(err error, c stanza.Condition) error {
	f := &stanza.Fault{Condition: c, Cause: err}
	var field *form.FieldError
	if errors.As(err, &field) {
		f.Text = "The field " + field.Var + " " + field.Reason + "."
	}
	return f
}
