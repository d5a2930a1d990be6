package servertest

import (
	"encoding/pem"
	"net"
	"os"
	"path/filepath"
)

// port is an address at which the server listens.
type port struct {
	address  string
	listener net.Listener
	served   chan error
}

func (p *port) open(s *Server) {
	s.t.Helper()
	l, err := net.Listen("tcp", p.address)
	if err != nil {
		s.t.Fatal(err)
	}
	p.listener, p.address, p.served = l, l.Addr().String(), make(chan error, 1)
	running := s.Server
	go func() { p.served <- running.Serve([]net.Listener{l}, nil) }()
}

func (p *port) close() error {
	_ = p.listener.Close()
	return <-p.served
}

// Listen takes connections that begin with STARTTLS at an address of this machine, for clients in
// processes of their own, until the test ends.
func (s *Server) Listen() net.Addr {
	s.t.Helper()
	p := &port{address: "127.0.0.1:0"}
	p.open(s)
	s.ports = append(s.ports, p)
	s.t.Cleanup(func() {
		if err := p.close(); err != nil {
			s.t.Errorf("listening: %v", err)
		}
	})
	return p.listener.Addr()
}

// CertFile writes the server's certificate, which signs itself, to a file for clients to trust.
func (s *Server) CertFile() string {
	s.t.Helper()
	name := filepath.Join(s.t.TempDir(), "cert.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.cert.Certificate[0]})
	if err := os.WriteFile(name, text, 0o600); err != nil {
		s.t.Fatal(err)
	}
	return name
}
