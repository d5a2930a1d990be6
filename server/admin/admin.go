// Package admin is what people have to do with those who run the server, and these with the server: the
// addresses of contact (XEP-0157), messages to the domain, reports of abuse (XEP-0377), and the commands of
// service administration (XEP-0133).
package admin

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/url"
	"time"

	"golang.org/x/time/rate"

	"kith/internal/clock"
	"kith/internal/config"
	"kith/internal/form"
	"kith/internal/jid"
	"kith/internal/ns"
	"kith/internal/stanza"
	"kith/internal/xmltree"
	"kith/server/auth"
	"kith/server/module"
)

// Accounts runs functions in the actors of accounts.
type Accounts interface {
	// DoLoaded is for an account that is in use, which it reports.
	DoLoaded(local string, f func(module.Account)) bool
}

// Sessions tells who is signed in.
type Sessions interface {
	// Online are the full addresses of all sessions.
	Online() []jid.JID
}

// Config is the section [contact] of the configuration file.
type Config struct {
	// Admin, Abuse, Feedback, Security and Support are addresses at which the operator can be reached, such as
	// "mailto:admin@example.org" or "xmpp:admin@example.org". Without any, people can write to the
	// address of the server itself, and its administrators get the message.
	Admin    []string `toml:"admin"`
	Abuse    []string `toml:"abuse"`
	Feedback []string `toml:"feedback"`
	Security []string `toml:"security"`
	Support  []string `toml:"support"`
	// Status is where one can read whether the server works.
	Status []string `toml:"status"`
	// Messages lets people of other servers write to the address of the server. Its own people always
	// can.
	Messages bool `toml:"messages"`
}

// DefaultConfig is what a server uses that is not told otherwise.
func DefaultConfig() Config { return Config{Messages: true} }

// lists are the addresses by the name of their field (XEP-0157 section 4).
func (c Config) lists() []struct {
	option, field string
	addresses     []string
} {
	return []struct {
		option, field string
		addresses     []string
	}{
		{"abuse", "abuse-addresses", c.Abuse},
		{"admin", "admin-addresses", c.Admin},
		{"feedback", "feedback-addresses", c.Feedback},
		{"security", "security-addresses", c.Security},
		{"status", "status-addresses", c.Status},
		{"support", "support-addresses", c.Support},
	}
}

// Validate says which options are out of their bounds, all of them.
func (c Config) Validate() error {
	check := config.NewCheck("contact")
	for _, l := range c.lists() {
		for _, a := range l.addresses {
			if u, err := url.Parse(a); err != nil || u.Scheme == "" || len(a) > 500 {
				check.Add(l.option, "has %q; expected an address such as mailto:admin@example.org", a)
			}
		}
	}
	return check.Err()
}

// Feature is the feature.
type Feature struct {
	domain   jid.JID
	auth     *auth.Service
	router   module.Router
	sessions Sessions
	accounts Accounts
	clock    clock.Clock
	log      *slog.Logger
	config   Config

	// ours and theirs bound the messages to the domain, of its own people and of others.
	ours, theirs *rate.Limiter
	reports      *module.Slot[reporter]
}

var _ module.Module = (*Feature)(nil)

// New makes the feature. Connect must be called before anything is served.
func New(domain jid.JID, a *auth.Service, router module.Router, c clock.Clock, log *slog.Logger, config Config) *Feature {
	return &Feature{
		domain: domain, auth: a, router: router, clock: c, log: log, config: config,
		ours: rate.NewLimiter(1, 60), theirs: rate.NewLimiter(rate.Every(time.Minute), 20),
		reports: module.NewSlot(func() *reporter { return &reporter{rate.NewLimiter(rate.Every(3*time.Minute), 20)} }),
	}
}

// Connect gives the feature the accounts and their sessions, which are made after it.
func (f *Feature) Connect(accounts Accounts, sessions Sessions) {
	f.accounts, f.sessions = accounts, sessions
}

// Register implements [module.Module].
func (f *Feature) Register(r *module.Registry) {
	r.Implements(
		module.XEP{Number: 133, Name: "Service Administration", Version: "1.3.1", Note: "accounts, sessions, administrators and announcements; what people write and with whom is not for administrators"},
		module.XEP{Number: 157, Name: "Contact Addresses for XMPP Services", Version: "1.1.1"},
		module.XEP{Number: 377, Name: "Blocking Command Reports", Version: "0.4.1", Note: "to the administrators of the server, and to nobody else"},
	)
	r.Disco(module.OnServer, nsReporting)
	r.Disco(module.OnAccount, nsReporting)
	r.Form(f.contacts().Write)
	r.OnMail(f.mail)
	f.registerCommands(r)
}

// contacts is the form of XEP-0157.
func (f *Feature) contacts() *form.Form {
	x := form.New(form.TypeResult, "http://jabber.org/network/serverinfo")
	for _, l := range f.config.lists() {
		values := l.addresses
		if len(values) == 0 && f.config.Messages && (l.option == "abuse" || l.option == "admin") {
			values = []string{"xmpp:" + f.domain.String()}
		}
		if len(values) > 0 {
			x.Fields = append(x.Fields, form.Field{Var: l.field, Kind: form.ListMulti, Values: values})
		}
	}
	return x
}

// isAdmin reports whether somebody administers the server.
func (f *Feature) isAdmin(who jid.JID) bool {
	if who.Domain() != f.domain.Domain() || who.Local() == "" {
		return false
	}
	a, err := f.auth.Account(context.Background(), who.Local())
	return err == nil && a.Role == auth.RoleAdmin && a.CanLogin()
}

// mail passes a message that is addressed to the server on to its administrators.
func (f *Feature) mail(st *stanza.Stanza) error {
	body := st.Body()
	own := st.From.Domain() == f.domain.Domain() && st.From.Local() != ""
	switch {
	case body == "" || st.Type == stanza.Groupchat || st.Type == stanza.Headline:
		return module.ErrDrop
	case !own && !f.config.Messages:
		return stanza.Refuse(stanza.ServiceUnavailable, "")
	case own && !f.ours.AllowN(f.clock.Now(), 1), !own && !f.theirs.AllowN(f.clock.Now(), 1):
		return stanza.Refuse(stanza.ResourceConstraint, "Too many messages; please try again later.")
	}
	return f.tell(fmt.Sprintf("Message from %s:\n\n%s", st.From.Bare(), clip(body, 10_000)))
}

// tell sends a message to all administrators.
func (f *Feature) tell(text string) error {
	all, err := f.auth.Accounts(context.Background())
	if err != nil {
		return err
	}
	told := false
	for _, a := range all {
		if a.Role != auth.RoleAdmin || !a.CanLogin() {
			continue
		}
		to, err := f.auth.Address(a.Local)
		if err != nil {
			return err
		}
		told = true
		module.Deliver(f.router, f.message(to, stanza.Chat, "", text))
	}
	if !told {
		return stanza.Refuse(stanza.RecipientUnavailable, "The server has no administrator at the moment.")
	}
	return nil
}

// message is one of the server.
func (f *Feature) message(to jid.JID, typ stanza.Type, subject, text string) *stanza.Stanza {
	return stanza.Build(stanza.Header{Kind: stanza.Message, Type: typ, ID: rand.Text(), From: f.domain, To: to}, func(w *xmltree.Writer) {
		if subject != "" {
			w.Element(ns.Client, "subject", subject)
		}
		w.Element(ns.Client, "body", text)
	})
}

// clip shortens a text to so many bytes.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && s[n]&0xc0 == 0x80 {
		n--
	}
	return s[:n] + "…"
}
