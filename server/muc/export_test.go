package muc

import "kith/internal/mailbox"

// Loaded is how many rooms are in memory.
func (s *Service) Loaded() int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return len(s.rooms)
}

// Hold keeps a room busy until stop is closed.
func (s *Service) Hold(address string, stop <-chan struct{}) {
	local, _ := s.localOf(address)
	_ = s.post(local, work{do: func(*Room, error) { <-stop }}, (*mailbox.Mailbox[work]).Force)
}
