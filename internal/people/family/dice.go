package family

import "time"

// dice are numbers that look like chance and are the same for the same seed. What has to be secret is
// from crypto/rand.
type dice struct{ state uint64 }

// rolled are dice for one purpose, so that what one person does changes nothing for the others.
func rolled(seed uint64, purpose string) *dice {
	d := &dice{seed}
	for _, b := range []byte(purpose) {
		d.state ^= uint64(b)
		d.next()
	}
	return d
}

// next is SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
func (d *dice) next() uint64 {
	d.state += 0x9e3779b97f4a7c15
	z := d.state
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// below is from 0 to n-1.
func (d *dice) below(n int) int {
	return int(d.next() % uint64(n)) //nolint:gosec // n is small and positive
}

// between is a time from one to another.
func (d *dice) between(from, to time.Duration) time.Duration {
	return from + time.Duration(d.below(int(to-from)))
}
