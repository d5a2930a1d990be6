package auth_test

import (
	"fmt"
	"testing"

	"kith/internal/clock"
	"kith/internal/sasl"
	"kith/internal/sasl/sasltest"
	"kith/server/auth"
	"kith/server/store/storetest"
)

// What a login costs the server, without the client's part; and that an unknown name costs the
// same as a known one.
func BenchmarkChallenge(b *testing.B) {
	s, err := auth.New(b.Context(), auth.Options{
		Domain: "example.org", Config: auth.DefaultConfig(), Secret: auth.NewSecret(),
		Store: storetest.Open(b).Auth(), Clock: clock.Real{},
	})
	if err != nil {
		b.Fatal(err)
	}
	for i := range 20 {
		if _, err := s.Create(b.Context(), fmt.Sprint("user", i), auth.RoleMember, auth.Password(pw)); err != nil {
			b.Fatal(err)
		}
	}
	offer, err := s.Offer(b.Context(), channel, "")
	if err != nil {
		b.Fatal(err)
	}
	for _, name := range []string{"user7", "nobody"} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				x, err := s.Begin(auth.Attempt{Mechanism: sasl.ScramSHA256, Channel: channel, Offer: offer.Offer})
				if err != nil {
					b.Fatal(err)
				}
				c := &sasltest.SCRAM{Mechanism: sasl.ScramSHA256, User: name}
				if _, _, err := x.Next(b.Context(), c.First()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
