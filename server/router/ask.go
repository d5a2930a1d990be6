package router

import (
	"kith/internal/clock"
	"kith/internal/jid"
	"kith/internal/stanza"
	"kith/server/module"
)

// askKey matches an answer to its question by who answers and by id (RFC 6120 section 8.2.3: by
// both, since ids are chosen by each entity for itself).
type askKey struct {
	from jid.JID
	id   string
}

type question struct {
	done  func(*stanza.Stanza)
	timer clock.Timer
}

// Ask implements [module.Account].
func (a *Account) Ask(st *stanza.Stanza, done func(*stanza.Stanza)) {
	key := askKey{st.To, st.ID}
	q := &question{done: done}
	a.asked[key] = q
	q.timer = a.accounts.clock.AfterFunc(a.accounts.config.AskTimeout, func() {
		a.Do(func(module.Account) {
			if a.asked[key] == q {
				delete(a.asked, key)
				done(nil)
			}
		})
	})
	a.Route(st)
}

// unanswered gives up all questions.
func (a *Account) unanswered() {
	for key, q := range a.asked {
		q.timer.Stop()
		delete(a.asked, key)
		q.done(nil)
	}
}

// answered hands an answer to who asked and reports whether it was one.
func (a *Account) answered(st *stanza.Stanza) bool {
	if st.Type != stanza.Result && st.Type != stanza.Error {
		return false
	}
	key := askKey{st.From, st.ID}
	if q := a.asked[key]; q != nil {
		q.timer.Stop()
		delete(a.asked, key)
		q.done(st)
	}
	return true
}
