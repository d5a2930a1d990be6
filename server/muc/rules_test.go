package muc

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"kith/internal/stanza"
)

var (
	affiliations = []Affiliation{Outcast, Unaffiliated, Member, Admin, Owner}
	roles        = []Role{NoRole, Visitor, Participant, Moderator}
)

// Section 5.2.2: who has to act for one affiliation to become another, by the name of the lowest that may.
var affiliationTable = map[Affiliation]map[Affiliation]Affiliation{
	Outcast:      {Unaffiliated: Admin, Member: Admin, Admin: Owner, Owner: Owner},
	Unaffiliated: {Outcast: Admin, Member: Admin, Admin: Owner, Owner: Owner},
	Member:       {Outcast: Admin, Unaffiliated: Admin, Admin: Owner, Owner: Owner},
	Admin:        {Outcast: Owner, Unaffiliated: Owner, Member: Owner, Owner: Owner},
	Owner:        {Outcast: Owner, Unaffiliated: Owner, Member: Owner, Admin: Owner},
}

func TestAffiliationTable(t *testing.T) {
	for _, by := range affiliations {
		for _, from := range affiliations {
			for _, to := range affiliations {
				if from == to {
					continue
				}
				err := checkAffiliation(by, from, to, false)
				if may := by >= affiliationTable[from][to]; may != (err == nil) {
					t.Errorf("%s changes %s to %s: %v, allowed %v", by, from, to, err, may)
				}
				// An error is one of those that the sections name.
				var f *stanza.Fault
				if err != nil && (!errors.As(err, &f) || f.Condition != stanza.Forbidden && f.Condition != stanza.NotAllowed) {
					t.Errorf("%s changes %s to %s: %v", by, from, to, err)
				}
				if by == Admin && from >= Admin && to == Outcast && f.Condition != stanza.NotAllowed {
					t.Errorf("section 9.1: an admin bans %s: %v", from, err)
				}
			}
		}
		// Section 9.1: nobody bans himself.
		err := checkAffiliation(by, by, Outcast, true)
		var f *stanza.Fault
		if by >= Admin && (!errors.As(err, &f) || f.Condition != stanza.Conflict) {
			t.Errorf("%s bans himself: %v", by, err)
		}
	}
}

// What the sections say about roles, written down apart from the code.
func mayChangeRole(by, whom standing, to Role) bool {
	switch {
	case by.role != Moderator:
		return false // 8, introduction
	case to == whom.role:
		return true
	case to == Moderator:
		return by.affiliation >= Admin // 5.2.1, 9.6
	}
	if whom.role == Moderator && by.affiliation < Admin {
		return false // 5.1.3
	}
	switch to {
	case NoRole:
		return whom.affiliation <= by.affiliation // 8.2
	case Visitor:
		return whom.affiliation < Admin && whom.affiliation < by.affiliation // 8.4
	case Participant:
		return whom.role == Visitor || whom.affiliation < Admin // 8.3, 9.7
	}
	return false
}

func TestRoleTable(t *testing.T) {
	for _, ba := range affiliations[1:] {
		for _, br := range roles {
			for _, wa := range affiliations[1:] {
				for _, wr := range roles[1:] {
					for _, to := range roles {
						by, whom := standing{ba, br}, standing{wa, wr}
						err := checkRole(by, whom, to)
						if may := mayChangeRole(by, whom, to); may != (err == nil) {
							t.Errorf("%v makes %v a %s: %v, allowed %v", by, whom, to, err, may)
						}
					}
				}
			}
		}
	}
}

func TestDefaultRoles(t *testing.T) {
	// Section 5.1.2.
	for _, moderated := range []bool{false, true} {
		want := map[Affiliation]Role{Outcast: NoRole, Unaffiliated: Participant, Member: Participant, Admin: Moderator, Owner: Moderator}
		if moderated {
			want[Unaffiliated] = Visitor
		}
		for a, r := range want {
			if got := defaultRole(a, moderated); got != r {
				t.Errorf("%s, moderated %v: %s", a, moderated, got)
			}
		}
	}
}

// Section 5.1.3, note: whatever happens to affiliations, an admin is a moderator, a member has voice unless
// it was taken away, and who stops being an admin keeps nothing of it.
func TestRoleAfter(t *testing.T) {
	for _, moderated := range []bool{false, true} {
		for _, role := range roles[1:] {
			for _, before := range affiliations[1:] {
				for _, now := range affiliations {
					got := roleAfter(role, before, now, moderated)
					name := fmt.Sprintf("%s, %s becomes %s, moderated %v: %s", role, before, now, moderated, got)
					switch {
					case now == Outcast && got != NoRole:
						t.Errorf("%s: an outcast has a role", name)
					case now >= Admin && before < now && got != Moderator:
						t.Errorf("%s: an admin is a moderator", name)
					case before >= Admin && now < Admin && got != defaultRole(now, moderated):
						t.Errorf("%s: something is left of an admin", name)
					case now > before && now != Outcast && got < role:
						t.Errorf("%s: a role is lost by a better affiliation", name)
					case now == Member && before < Member && got < Participant:
						t.Errorf("%s: a new member has no voice", name)
					case now != Outcast && got == NoRole:
						t.Errorf("%s: a role is lost", name)
					}
				}
			}
		}
	}
}

func TestNames(t *testing.T) {
	for _, a := range affiliations {
		if got, ok := ParseAffiliation(a.String()); !ok || got != a {
			t.Errorf("%s reads as %s", a, got)
		}
	}
	for _, r := range roles {
		if got, ok := parseRole(r.String()); !ok || got != r {
			t.Errorf("%s reads as %s", r, got)
		}
	}
	if _, ok := ParseAffiliation("god"); ok {
		t.Error("god")
	}
}

func TestConfigBounds(t *testing.T) {
	if err := DefaultConfig().Validate(); err != nil {
		t.Error(err)
	}
	bad := DefaultConfig()
	bad.Subdomain, bad.MaxOccupants, bad.IdleTime = "Groups!", 0, 0
	err := bad.Validate()
	for _, name := range []string{"groups.subdomain", "groups.max_occupants", "groups.idle_time"} {
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s is not mentioned in %v", name, err)
		}
	}
	var c Creators
	if c.UnmarshalText([]byte("admins")) != nil || c != CreateAdmins || c.UnmarshalText([]byte("me")) == nil {
		t.Error("creators")
	}
}
