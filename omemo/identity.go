// SPDX-License-Identifier: AGPL-3.0-or-later

package omemo

import (
	"crypto/sha512"
	"slices"
)

const formatIdentity = 1

// identity is the long-term key of this device, one for both versions: an Ed25519 seed.
type identity struct {
	self    Address
	seed    [32]byte
	edwards [32]byte // public, Ed25519 form, sign bit 0
	curve   [32]byte // public, Curve25519 form
}

// Identity is the public side of this device.
type Identity struct {
	Address
	Key Key // the identity key
}

// CreateOptions says for whom an identity is made.
type CreateOptions struct {
	// JID is the bare JID of the account.
	JID string
	// Device is the device id, 1 to MaxDeviceID; the caller has checked that the account's published list
	// does not contain it. See NewDeviceID.
	Device uint32
	// Seed restores an identity from a backup (ExportSeed). Nil makes a new one.
	Seed []byte
	// Now is the time in seconds since 1970.
	Now int64
}

// Create makes the identity of this device with a signed prekey and PreKeyCount one-time prekeys. The
// changes replace an earlier identity; the caller must then also delete all session records, which belong
// to the old one.
func Create(o CreateOptions) ([]Change, error) {
	self := Address{o.JID, o.Device}
	if err := self.check(); err != nil {
		return nil, err
	}
	id, err := newIdentity(self, o.Seed)
	if err != nil {
		return nil, err
	}
	keys := &preKeys{}
	keys.rotate(id, o.Now)
	keys.refill()
	return []Change{{KeyIdentity, id.encode()}, {KeyPreKeys, keys.encode()}}, nil
}

func newIdentity(self Address, seed []byte) (*identity, error) {
	id := &identity{self: self}
	if seed != nil {
		if len(seed) != len(id.seed) {
			return nil, fail(CodeArgument, "identity seed must be 32 bytes")
		}
		copy(id.seed[:], seed)
		return id, id.derive()
	}
	// Half of all seeds give a public key with sign bit 1. Such identities are refused by Converse in
	// omemo:2 and need the sign smuggled through the signature in 0.3, so we draw until the bit is 0.
	for {
		fillRandom(id.seed[:])
		if id.derive() == nil {
			return id, nil
		}
	}
}

// derive computes the public forms from the seed.
func (id *identity) derive() error {
	id.edwards = edPublic(&id.seed)
	if id.edwards[31]&0x80 != 0 {
		return fail(CodeArgument, "identity seed gives a key with sign bit 1")
	}
	curve, err := toCurve(&id.edwards)
	id.curve = curve
	return err
}

// scalar is the X25519 private key of the identity (RFC 8032 section 5.1.5).
func (id *identity) scalar() (s [32]byte) {
	digest := sha512.Sum512(id.seed[:])
	copy(s[:], digest[:32])
	return s
}

// public is the identity key as it travels in version p.
func (id *identity) public(p *params) [32]byte {
	if p.edIdentity {
		return id.edwards
	}
	return id.curve
}

func (id *identity) encode() []byte {
	w := newRecord(formatIdentity, 140+len(id.self.JID))
	w.string(id.self.JID)
	w.uint32(id.self.Device)
	w.key(&id.seed)
	w.key(&id.edwards)
	w.key(&id.curve)
	return w.buf
}

func (r Records) identity() (*identity, error) {
	data, err := r.get(KeyIdentity)
	if err != nil {
		return nil, err
	}
	if data == nil {
		return nil, fail(CodeNoIdentity, "")
	}
	in := openRecord(data, formatIdentity)
	id := &identity{}
	id.self.JID = in.string(maxJID)
	id.self.Device = in.uint32()
	id.seed = in.key()
	id.edwards = in.key()
	id.curve = in.key()
	return id, in.end(KeyIdentity)
}

// OwnIdentity returns the public side of this device. It needs the record KeyIdentity.
func OwnIdentity(r Records) (Identity, error) {
	id, err := r.identity()
	if err != nil {
		return Identity{}, err
	}
	return Identity{id.self, id.curve}, nil
}

// ExportSeed returns the private seed of the identity for a backup, 32 bytes. Sessions and prekeys are not
// part of a backup: an old copy of them breaks conversations (XEP-0384 section 6).
// It needs the record KeyIdentity.
func ExportSeed(r Records) ([]byte, error) {
	id, err := r.identity()
	if err != nil {
		return nil, err
	}
	return id.seed[:], nil
}

// NewDeviceID draws a device id that is not among those taken.
func NewDeviceID(taken []uint32) uint32 {
	for {
		if id := randomID(MaxDeviceID); !slices.Contains(taken, id) {
			return id
		}
	}
}

// randomID draws a number from 1 to limit, limit being a power of two minus one.
func randomID(limit uint32) uint32 {
	var b [4]byte
	for {
		fillRandom(b[:])
		if id := (uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])) & limit; id != 0 {
			return id
		}
	}
}
