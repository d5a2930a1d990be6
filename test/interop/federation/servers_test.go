package federation

import (
	"testing"

	"kith/test/peers"
)

// server is one at which people sign in.
type server struct {
	*peers.Server
	t *testing.T
}

// ours is a server of this project.
func ours(t *testing.T, w *peers.World, more string) *server {
	return &server{w.Kith("kith.example", more), t}
}

// others are the kinds of other servers.
var others = map[string]func(*peers.World, peers.Options) *peers.Server{
	"prosody":  (*peers.World).Prosody,
	"ejabberd": (*peers.World).Ejabberd,
}

// status is what the operator is shown.
func (s *server) status(args ...string) string {
	s.t.Helper()
	return s.Command("", append([]string{"federation", "status"}, args...)...)
}

// retry is what an operator does who does not want to wait.
func (s *server) retry() {
	s.t.Helper()
	s.Command("", "federation", "retry")
}
