package inbox

import (
	"cmp"
	"strconv"
	"strings"

	"kith/internal/rsm"
	"kith/internal/stanza"
	"kith/internal/stanzaid"
	"kith/server/module"
)

// request is a request that was understood (XEP-0430 section 3.1).
type request struct {
	unreadOnly, texts bool
	limit             int
	// after and before bound the page, nil for no bound. backward takes the end of what is left.
	after, before *place
	backward      bool
}

// place is where a conversation stands in the list: newest first. It does not move when another one does,
// so that one can go on from it.
type place struct {
	at  stanzaid.Seq
	jid string
}

func (p place) compare(o place) int {
	return cmp.Or(cmp.Compare(o.at, p.at), strings.Compare(p.jid, o.jid))
}

func (p place) String() string { return strconv.FormatInt(p.at, 10) + "/" + p.jid }

func readPlace(s string) (*place, error) {
	at, name, ok := strings.Cut(s, "/")
	n, err := strconv.ParseInt(at, 10, 64)
	if !ok || err != nil || name == "" {
		return nil, stanza.Refuse(stanza.ItemNotFound, "")
	}
	return &place{n, strings.Clone(name)}, nil
}

func readRequest(q *module.IQ) (r request, err error) {
	e := q.Payload
	if r.unreadOnly, err = readBool(e.Attr("unread-only"), false); err != nil {
		return r, err
	}
	if r.texts, err = readBool(e.Attr("messages"), true); err != nil {
		return r, err
	}
	set, _, err := rsm.Read(e)
	if err != nil {
		return r, &stanza.Fault{Condition: stanza.BadRequest, Cause: err}
	}
	if set.Index != rsm.Unset {
		return r, stanza.Refuse(stanza.FeatureNotImplemented, "The inbox is read from one conversation to the next, not by index.")
	}
	r.limit, r.backward = set.Limit(usualPage, maxPage), set.Backward
	if set.After != "" {
		if r.after, err = readPlace(set.After); err != nil {
			return r, err
		}
	}
	if set.Before != "" {
		if r.before, err = readPlace(set.Before); err != nil {
			return r, err
		}
	}
	return r, nil
}

// readBool reads an xs:boolean.
func readBool(s string, usual bool) (bool, error) {
	switch s {
	case "":
		return usual, nil
	case "true", "1":
		return true, nil
	case "false", "0":
		return false, nil
	}
	return false, stanza.Refuse(stanza.BadRequest, "An attribute is neither true nor false.")
}
