package module

// Slots is where features keep their state with an account or a session. It belongs to the
// account's actor.
type Slots struct {
	m map[any]any
}

// Slot is one feature's place in [Slots]; make it with [NewSlot] when the feature is made.
type Slot[T any] struct {
	fresh func() *T
}

// NewSlot makes a slot. fresh makes the state on first use.
func NewSlot[T any](fresh func() *T) *Slot[T] { return &Slot[T]{fresh: fresh} }

// Of is the state in s, made on first use.
func (k *Slot[T]) Of(s *Slots) *T {
	if v, ok := s.m[k]; ok {
		return v.(*T) //nolint:forcetypeassert // only this slot writes under its key
	}
	v := k.fresh()
	if s.m == nil {
		s.m = map[any]any{}
	}
	s.m[k] = v
	return v
}

// Peek is the state in s, nil if there is none yet.
func (k *Slot[T]) Peek(s *Slots) *T {
	v, _ := s.m[k].(*T)
	return v
}

// Drop forgets the state in s.
func (k *Slot[T]) Drop(s *Slots) { delete(s.m, k) }
