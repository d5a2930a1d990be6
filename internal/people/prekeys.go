package people

import (
	"slices"
	"sync"

	"kith/omemo"
)

// PreKeys is what people in one program agree on: none of them begins a session with a one-time prekey
// that another one has taken. Whoever takes it second would write in vain, because it is gone by then.
// People far apart cannot agree, and rarely begin in the same second.
type PreKeys struct {
	mu    sync.Mutex // guards taken
	taken map[preKeyOf]bool
}

type preKeyOf struct {
	device omemo.Address
	id     uint32
}

// NewPreKeys is for people who begin together.
func NewPreKeys() *PreKeys { return &PreKeys{taken: map[preKeyOf]bool{}} }

// take leaves one prekey in a bundle, which nobody has taken; all of them if there is none.
func (p *PreKeys) take(device omemo.Address, b *omemo.Bundle) {
	if p == nil || b == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	i := slices.IndexFunc(b.PreKeys, func(k omemo.PublicPreKey) bool { return !p.taken[preKeyOf{device, k.ID}] })
	if i < 0 {
		return
	}
	p.taken[preKeyOf{device, b.PreKeys[i].ID}] = true
	b.PreKeys = b.PreKeys[i : i+1]
}
