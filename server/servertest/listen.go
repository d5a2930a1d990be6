package servertest

import (
	"encoding/pem"
	"net"
	"os"
	"path/filepath"
)

// Listen takes connections that begin with STARTTLS at an address of this machine, for clients in
// processes of their own, until the test ends.
func (s *Server) Listen() net.Addr {
	s.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		s.t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve([]net.Listener{l}, nil) }()
	s.t.Cleanup(func() {
		_ = l.Close()
		if err := <-served; err != nil {
			s.t.Errorf("listening: %v", err)
		}
	})
	return l.Addr()
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
