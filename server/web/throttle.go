package web

import "golang.org/x/time/rate"

// The requests of one address about invites. A token cannot be guessed; this keeps one visitor
// from keeping the database busy.
const (
	lookupRate  = rate.Limit(1) // a second
	lookupBurst = 60
	createRate  = rate.Limit(1.0 / 20)
	createBurst = 20
)
