package web

import (
	"net/http"
	"net/netip"
	"strings"
)

// A web server in front of Kith on the same machine tells who came and how in two headers. From
// anywhere else they are not believed.

func fromThisMachine(r *http.Request) (netip.Addr, bool) {
	ap, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}, false
	}
	a := ap.Addr().Unmap().WithZone("")
	return a, a.IsLoopback()
}

// ClientAddr is the address of whoever made the request; it is not valid if that is not known.
func ClientAddr(r *http.Request) netip.Addr {
	a, local := fromThisMachine(r)
	if !local {
		return a
	}
	// The last entry is the one that the nearest server wrote.
	list := r.Header.Values("X-Forwarded-For")
	if len(list) == 0 {
		return a
	}
	last := list[len(list)-1]
	last = strings.TrimSpace(last[strings.LastIndexByte(last, ',')+1:])
	if f, err := netip.ParseAddr(last); err == nil {
		return f.Unmap().WithZone("")
	}
	return a
}

// Secure reports whether the request came over TLS, to here or to the web server in front.
func Secure(r *http.Request) bool {
	if r.TLS != nil {
		return true
	}
	_, local := fromThisMachine(r)
	return local && strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https")
}
