package muc

import (
	"slices"
	"strconv"
	"strings"

	"kith/internal/form"
	"kith/internal/jid"
	"kith/internal/stanza"
)

// RoomConfig is how a room is configured (XEP-0045 section 15.5.3). It is kept as JSON: what a later version
// adds has the value of [DefaultRoomConfig] in older rooms.
type RoomConfig struct {
	Name, Description, Lang string

	Public, Persistent, MembersOnly, Moderated, NonAnonymous bool

	// Password is "" for a room without one.
	Password string
	// ChangeSubject lets occupants change the subject, Invites lets members invite others.
	ChangeSubject, Invites bool
	// PrivateMessages says who may write them: anyone, participants, moderators or none.
	PrivateMessages string
	// MaxUsers is how many may be in the room, 0 for as many as the service allows.
	MaxUsers int
	// Presence lists the roles whose presence is shown, and MemberList those that may see who belongs
	// to the room.
	Presence, MemberList []string
	// MaxHistory is how many messages are sent to who enters.
	MaxHistory int
	// Archive: what is said is kept.
	Archive bool
}

// Who may write private messages.
const (
	anyone       = "anyone"
	participants = "participants"
	moderators   = "moderators"
	nobody       = "none"
)

var allRoles = []string{"moderator", "participant", "visitor"}

// DefaultRoomConfig is a private group.
func DefaultRoomConfig() RoomConfig {
	return RoomConfig{
		Persistent: true, MembersOnly: true, NonAnonymous: true,
		PrivateMessages: anyone, Presence: allRoles, MemberList: allRoles, MaxHistory: 100, Archive: true,
	}
}

// newRoomConfig is what a room is like before anybody has configured it.
func newRoomConfig(c Config) RoomConfig {
	rc := DefaultRoomConfig()
	if c.NewRooms == Public {
		rc.Public, rc.MembersOnly, rc.NonAnonymous = true, false, false
	}
	return rc
}

// shows reports whether the presence of a role is shown.
func (c *RoomConfig) shows(r Role) bool { return listsRole(c.Presence, r) }

func listsRole(names []string, r Role) bool { return slices.Contains(names, r.String()) }

// mayWritePrivately reports whether a role may write private messages.
func (c *RoomConfig) mayWritePrivately(r Role) bool {
	switch c.PrivateMessages {
	case anyone:
		return true
	case participants:
		return r >= Participant
	case moderators:
		return r >= Moderator
	}
	return false
}

// Bounds of what people may write into a configuration, in bytes.
const (
	maxName        = 255
	maxDescription = 2048
	maxLang        = 35
	maxPassword    = 255
)

// Names of fields.
const (
	fieldName         = "muc#roomconfig_roomname"
	fieldDescription  = "muc#roomconfig_roomdesc"
	fieldLang         = "muc#roomconfig_lang"
	fieldPublic       = "muc#roomconfig_publicroom"
	fieldPersistent   = "muc#roomconfig_persistentroom"
	fieldMembersOnly  = "muc#roomconfig_membersonly"
	fieldModerated    = "muc#roomconfig_moderatedroom"
	fieldWhois        = "muc#roomconfig_whois"
	fieldProtected    = "muc#roomconfig_passwordprotectedroom"
	fieldPassword     = "muc#roomconfig_roomsecret"
	fieldSubject      = "muc#roomconfig_changesubject"
	fieldInvites      = "muc#roomconfig_allowinvites"
	fieldPrivate      = "muc#roomconfig_allowpm"
	fieldMaxUsers     = "muc#roomconfig_maxusers"
	fieldPresence     = "muc#roomconfig_presencebroadcast"
	fieldMemberList   = "muc#roomconfig_getmemberlist"
	fieldHistory      = "muc#maxhistoryfetch"
	fieldArchive      = "muc#roomconfig_enablearchiving"
	fieldAdmins       = "muc#roomconfig_roomadmins"
	fieldOwners       = "muc#roomconfig_roomowners"
	unlimited         = "none"
	whoisAnyone       = "anyone"
	whoisModerators   = "moderators"
	maxAffiliatedForm = 2000
)

// form is the configuration as a form to fill in (XEP-0045 section 10.2).
func (c *RoomConfig) form(limit int, admins, owners []jid.JID) *form.Form {
	text := func(name, label, value string) form.Field {
		return form.Field{Var: name, Kind: form.TextSingle, Label: label, Values: []string{value}}
	}
	boolean := func(name, label string, v bool) form.Field {
		value := "0"
		if v {
			value = "1"
		}
		return form.Field{Var: name, Kind: form.Boolean, Label: label, Values: []string{value}}
	}
	options := func(pairs ...string) (out []form.Option) {
		for i := 0; i+1 < len(pairs); i += 2 {
			out = append(out, form.Option{Value: pairs[i], Label: pairs[i+1]})
		}
		return out
	}
	roles := options("moderator", "Moderators", "participant", "Participants", "visitor", "Visitors")
	users := unlimited
	if c.MaxUsers > 0 {
		users = strconv.Itoa(c.MaxUsers)
	}
	sizes := options(unlimited, "As many as the server allows")
	for _, n := range []int{10, 20, 50, 100, 200, 500, 1000} {
		if n <= limit {
			sizes = append(sizes, form.Option{Value: strconv.Itoa(n), Label: strconv.Itoa(n)})
		}
	}
	whois := whoisModerators
	if c.NonAnonymous {
		whois = whoisAnyone
	}
	people := func(list []jid.JID) (out []string) {
		for _, j := range list {
			out = append(out, j.String())
		}
		return out
	}
	f := form.New(form.TypeForm, formConfig,
		text(fieldName, "Name", c.Name),
		text(fieldDescription, "Description", c.Description),
		text(fieldLang, "Language", c.Lang),
		boolean(fieldPersistent, "Stays when everybody has left", c.Persistent),
		boolean(fieldPublic, "Listed for everybody", c.Public),
		boolean(fieldMembersOnly, "For members only", c.MembersOnly),
		form.Field{
			Var: fieldWhois, Kind: form.ListSingle, Label: "Who may know the addresses of those in the room", Values: []string{whois},
			Options: options(whoisModerators, "Moderators", whoisAnyone, "Everybody in the room"),
		},
		boolean(fieldModerated, "Only who was given voice may speak", c.Moderated),
		boolean(fieldSubject, "Everybody may change the subject", c.ChangeSubject),
		boolean(fieldInvites, "Members may invite others", c.Invites),
		form.Field{
			Var: fieldPrivate, Kind: form.ListSingle, Label: "Who may write private messages", Values: []string{c.PrivateMessages},
			Options: options(anyone, "Everybody", participants, "Who has voice", moderators, "Moderators", nobody, "Nobody"),
		},
		boolean(fieldArchive, "Keep what is said", c.Archive),
		form.Field{Var: fieldHistory, Kind: form.TextSingle, Label: "How many messages who enters is shown", Datatype: "xs:integer", Values: []string{strconv.Itoa(c.MaxHistory)}},
		form.Field{Var: fieldMaxUsers, Kind: form.ListSingle, Label: "How many may be in the room", Values: []string{users}, Options: sizes, Open: true},
		form.Field{Var: fieldPresence, Kind: form.ListMulti, Label: "Whose presence is shown", Values: c.Presence, Options: roles},
		form.Field{Var: fieldMemberList, Kind: form.ListMulti, Label: "Who may see who belongs to the room", Values: c.MemberList, Options: roles},
		boolean(fieldProtected, "A password is needed to enter", c.Password != ""),
		form.Field{Var: fieldPassword, Kind: form.TextPrivate, Label: "Password", Values: []string{c.Password}},
		form.Field{Var: fieldAdmins, Kind: form.JIDMulti, Label: "Admins", Values: people(admins)},
		form.Field{Var: fieldOwners, Kind: form.JIDMulti, Label: "Owners", Values: people(owners)},
	)
	f.Title = "Configuration of the room"
	return f
}

// apply is the configuration with what a form says that was checked; fields that were not submitted stay
// as they are.
func (c RoomConfig) apply(v form.Values, limit int) (RoomConfig, error) {
	texts := []struct {
		name string
		at   *string
		max  int
	}{{fieldName, &c.Name, maxName}, {fieldDescription, &c.Description, maxDescription}, {fieldLang, &c.Lang, maxLang}}
	for _, t := range texts {
		if !v.Has(t.name) {
			continue
		}
		if len(v.Text(t.name)) > t.max {
			return c, refuseField(t.name, "is too long")
		}
		*t.at = strings.Clone(v.Text(t.name))
	}
	for _, b := range []struct {
		name string
		at   *bool
	}{
		{fieldPersistent, &c.Persistent},
		{fieldPublic, &c.Public},
		{fieldMembersOnly, &c.MembersOnly},
		{fieldModerated, &c.Moderated},
		{fieldSubject, &c.ChangeSubject},
		{fieldInvites, &c.Invites},
		{fieldArchive, &c.Archive},
	} {
		if v.Text(b.name) != "" {
			*b.at = v.Bool(b.name)
		}
	}
	if s := v.Text(fieldWhois); s != "" {
		c.NonAnonymous = s == whoisAnyone
	}
	if s := v.Text(fieldPrivate); s != "" {
		c.PrivateMessages = strings.Clone(s)
	}
	if v.Has(fieldPresence) {
		c.Presence = cloneAll(v[fieldPresence])
	}
	if v.Has(fieldMemberList) {
		c.MemberList = cloneAll(v[fieldMemberList])
	}
	if v.Text(fieldHistory) != "" {
		c.MaxHistory = int(min(max(v.Int(fieldHistory, 0), 0), 1000))
	}
	switch s := v.Text(fieldMaxUsers); s {
	case "":
	case unlimited:
		c.MaxUsers = 0
	default:
		n, err := strconv.ParseUint(s, 10, 31)
		if err != nil || n == 0 {
			return c, refuseField(fieldMaxUsers, "is not a number")
		}
		c.MaxUsers = min(int(n), limit)
	}
	return c, c.applyPassword(v)
}

// applyPassword reads the two fields about the password, of which one may be missing.
func (c *RoomConfig) applyPassword(v form.Values) error {
	if v.Has(fieldPassword) {
		if len(v.Text(fieldPassword)) > maxPassword {
			return refuseField(fieldPassword, "is too long")
		}
		c.Password = strings.Clone(v.Text(fieldPassword))
	}
	switch {
	case v.Text(fieldProtected) == "":
	case !v.Bool(fieldProtected):
		c.Password = ""
	case c.Password == "":
		return refuseField(fieldPassword, "is empty")
	}
	return nil
}

// cloneAll gives texts memory of their own.
func cloneAll(all []string) []string {
	out := make([]string, len(all))
	for i, s := range all {
		out[i] = strings.Clone(s)
	}
	return out
}

func refuseField(name, reason string) error {
	return stanza.Refuse(stanza.NotAcceptable, "The field "+name+" "+reason+".")
}
