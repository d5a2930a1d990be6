package peers

// Also gives the server more domains, such as those of components: names, and a certificate that has them
// too. It is for before Start.
func (s *Server) Also(domains ...string) {
	s.World.t.Helper()
	for _, d := range domains {
		s.World.name(d, s.S2S)
	}
	s.World.certificate(s.Domain, append([]string{s.Domain, "groups." + s.Domain}, domains...)...)
}

// Port finds one of 127.0.0.1 that is free.
func (w *World) Port() int {
	w.t.Helper()
	return w.port()
}

// Direct says that the server takes others with TLS from the first byte at a port (XEP-0368), and nowhere else.
func (s *Server) Direct(port int) {
	s.World.mu.Lock()
	defer s.World.mu.Unlock()
	for _, d := range []string{s.Domain, "groups." + s.Domain} {
		delete(s.World.srv, "_xmpp-server._tcp."+d+".")
		s.World.srv["_xmpps-server._tcp."+d+"."] = uint16(port) //nolint:gosec // a port
	}
}
