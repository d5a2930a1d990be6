package muc

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"strconv"
	"strings"

	"kith/internal/form"
	"kith/internal/jid"
	"kith/internal/stanza"
	"kith/internal/xmltree"
)

// Hat is a function that people have in a room (XEP-0317).
type Hat struct {
	URI, Title string
	// Hue is an angle in degrees, "" for none.
	Hue string
}

// Hats are those of a room, and who wears them.
type Hats struct {
	All []Hat
	// Worn lists the URIs of the hats of a user, by bare address.
	Worn map[string][]string
}

// Bounds of hats: how many a room has, one person wears, and how many people wear any; and of their texts in
// bytes.
const (
	maxHats    = 50
	maxWorn    = 10
	maxWearers = 1000
	maxURI     = 512
	maxTitle   = 128
)

func (h Hats) find(uri string) int {
	return slices.IndexFunc(h.All, func(x Hat) bool { return x.URI == uri })
}

// clone is a copy to change.
func (h Hats) clone() Hats {
	c := Hats{All: slices.Clone(h.All), Worn: make(map[string][]string, len(h.Worn))}
	for j, uris := range h.Worn {
		c.Worn[j] = slices.Clone(uris)
	}
	return c
}

// hash tells one list of hats from another (XEP-0317 section 2).
func (h Hats) hash() string {
	sum := sha256.New()
	for _, x := range h.All {
		for _, s := range []string{x.URI, x.Title, x.Hue} {
			sum.Write([]byte(strconv.Quote(s)))
		}
	}
	return hex.EncodeToString(sum.Sum(nil)[:16])
}

// writeHats writes those of a user (section 3.1).
func (r *Room) writeHats(w *xmltree.Writer, user jid.JID) {
	uris := r.hats.Worn[user.String()]
	if len(uris) == 0 {
		return
	}
	w.Open(nsHats, "hats")
	for _, uri := range uris {
		if i := r.hats.find(uri); i >= 0 {
			x := r.hats.All[i]
			w.Empty("", "hat", "title", x.Title, "uri", x.URI, "hue", x.Hue)
		}
	}
	w.Close()
}

// saveHats replaces the hats, and shows everybody whose hats are other ones.
func (r *Room) saveHats(h Hats) error {
	if err := r.s.store.SaveHats(bg, r.jid.Local(), h); err != nil {
		return err
	}
	old := r.hats
	r.hats = h
	for _, occ := range r.inOrder() {
		j := occ.user.String()
		if len(old.Worn[j])+len(h.Worn[j]) > 0 {
			r.update(occ, occ.role, "", "")
		}
	}
	if !slices.Equal(old.All, h.All) {
		r.tellCode(codeConfigured)
	}
	return nil
}

// wear lets a user wear these hats and no other.
func (r *Room) wear(user jid.JID, uris []string) error {
	h := r.hats.clone()
	if len(uris) == 0 {
		delete(h.Worn, user.String())
	} else {
		h.Worn[user.String()] = uris
	}
	return r.saveHats(h)
}

// hatCommand is a command of XEP-0317 section 3.
type hatCommand struct {
	name string
	// form is what is to be filled in; nil for nothing.
	form func(r *Room) *form.Form
	// allowed decides who may run it.
	allowed func(r *Room, user jid.JID) bool
	run     func(r *Room, v form.Values) (*form.Form, error)
}

// hatCommands are the commands of a room by node.
func hatCommands() map[string]hatCommand {
	admins := func(r *Room, user jid.JID) bool { return r.members.of(user) >= Admin }
	return map[string]hatCommand{
		formHats + ":create":   {"Create or change a hat", (*Room).createForm, admins, (*Room).createHat},
		formHats + ":destroy":  {"Destroy a hat", (*Room).hatForm, admins, (*Room).destroyHat},
		formHats + ":assign":   {"Assign a hat", (*Room).wearerForm, admins, (*Room).assignHat},
		formHats + ":unassign": {"Take a hat away", (*Room).wearerForm, admins, (*Room).unassignHat},
		formHats + ":list":     {"List the hats", nil, (*Room).visibleTo, (*Room).listHats},
		formHats + ":list-assigned": {
			"List who wears which hat", nil,
			func(r *Room, user jid.JID) bool { return r.visibleTo(user) && r.maySee(user) }, (*Room).listWearers,
		},
	}
}

func (r *Room) createForm() *form.Form {
	return form.New(form.TypeForm, formHats,
		form.Field{Var: "hats#title", Kind: form.TextSingle, Label: "Title", Required: true},
		form.Field{Var: "hats#uri", Kind: form.TextSingle, Label: "URI", Required: true},
		form.Field{Var: "hats#hue", Kind: form.TextSingle, Label: "Hue"},
	)
}

// hatField is a choice of a hat. An unknown one is refused by name, not as a wrong form.
func (r *Room) hatField() form.Field {
	f := form.Field{Var: "hats#uri", Kind: form.ListSingle, Label: "Hat", Required: true, Open: true}
	for _, x := range r.hats.All {
		f.Options = append(f.Options, form.Option{Label: x.Title, Value: x.URI})
	}
	return f
}

func (r *Room) hatForm() *form.Form { return form.New(form.TypeForm, formHats, r.hatField()) }

func (r *Room) wearerForm() *form.Form {
	return form.New(form.TypeForm, formHats, form.Field{Var: "hats#jid", Kind: form.JIDSingle, Label: "Address", Required: true}, r.hatField())
}

func (r *Room) createHat(v form.Values) (*form.Form, error) {
	x := Hat{URI: strings.Clone(v.Text("hats#uri")), Title: strings.Clone(v.Text("hats#title")), Hue: strings.Clone(v.Text("hats#hue"))}
	if x.URI == "" || len(x.URI) > maxURI || x.Title == "" || len(x.Title) > maxTitle {
		return nil, stanza.Refuse(stanza.NotAcceptable, "A hat needs a URI and a title that are not too long.")
	}
	if n, err := strconv.ParseFloat(x.Hue, 64); x.Hue != "" && (err != nil || n < 0 || n > 360 || len(x.Hue) > 20) {
		return nil, stanza.Refuse(stanza.NotAcceptable, "A hue is an angle from 0 to 360.")
	}
	h := r.hats.clone()
	if i := h.find(x.URI); i >= 0 {
		h.All[i] = x
	} else if h.All = append(h.All, x); len(h.All) > maxHats {
		return nil, stanza.Refuse(stanza.ResourceConstraint, "The room has too many hats.")
	}
	return nil, r.saveHats(h)
}

func (r *Room) destroyHat(v form.Values) (*form.Form, error) {
	h := r.hats.clone()
	i := h.find(v.Text("hats#uri"))
	if i < 0 {
		return nil, noHat()
	}
	uri := h.All[i].URI
	h.All = slices.Delete(h.All, i, i+1)
	for j, uris := range h.Worn {
		if uris = slices.DeleteFunc(uris, func(u string) bool { return u == uri }); len(uris) == 0 {
			delete(h.Worn, j)
		} else {
			h.Worn[j] = uris
		}
	}
	return nil, r.saveHats(h)
}

func noHat() error { return stanza.Refuse(stanza.ItemNotFound, "There is no such hat.") }

func (r *Room) assignHat(v form.Values) (*form.Form, error) {
	user, uri := v.JID("hats#jid").Clone().Bare(), v.Text("hats#uri")
	i := r.hats.find(uri)
	worn := r.hats.Worn[user.String()]
	switch {
	case i < 0:
		return nil, noHat()
	case user.Local() == "":
		return nil, stanza.Refuse(stanza.NotAcceptable, "Only people wear hats.")
	case slices.Contains(worn, uri):
		return nil, nil //nolint:nilnil // it is so already
	case len(worn) >= maxWorn, len(worn) == 0 && len(r.hats.Worn) >= maxWearers:
		return nil, stanza.Refuse(stanza.ResourceConstraint, "There are too many hats on people.")
	}
	return nil, r.wear(user, append(slices.Clone(worn), r.hats.All[i].URI))
}

func (r *Room) unassignHat(v form.Values) (*form.Form, error) {
	user, uri := v.JID("hats#jid").Clone().Bare(), v.Text("hats#uri")
	worn := r.hats.Worn[user.String()]
	if !slices.Contains(worn, uri) {
		return nil, noHat()
	}
	return nil, r.wear(user, slices.DeleteFunc(slices.Clone(worn), func(u string) bool { return u == uri }))
}

func table(names ...string) *form.Form {
	f := form.New(form.TypeResult, formHats)
	for _, n := range names {
		f.Reported = append(f.Reported, form.Field{Var: n})
	}
	return f
}

func row(pairs ...string) (out []form.Field) {
	for i := 0; i+1 < len(pairs); i += 2 {
		out = append(out, form.Field{Var: pairs[i], Values: []string{pairs[i+1]}})
	}
	return out
}

func (r *Room) listHats(form.Values) (*form.Form, error) {
	f := table("hats#title", "hats#uri", "hats#hue")
	for _, x := range r.hats.All {
		f.Items = append(f.Items, row("hats#title", x.Title, "hats#uri", x.URI, "hats#hue", x.Hue))
	}
	return f, nil
}

func (r *Room) listWearers(form.Values) (*form.Form, error) {
	f := table("hats#jid", "hats#uri", "hats#title", "hats#hue")
	for _, j := range slices.Sorted(maps.Keys(r.hats.Worn)) {
		for _, uri := range r.hats.Worn[j] {
			if i := r.hats.find(uri); i >= 0 {
				x := r.hats.All[i]
				f.Items = append(f.Items, row("hats#jid", j, "hats#uri", x.URI, "hats#title", x.Title, "hats#hue", x.Hue))
			}
		}
	}
	return f, nil
}
