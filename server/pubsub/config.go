package pubsub

import (
	"slices"
	"strconv"
	"strings"

	"kith/internal/ns"
	"kith/internal/stanza"
	"kith/internal/xmltree"
)

// field is one field of the configuration form: how it is read, written and described.
type field struct {
	name, kind, label string
	options           []string
	get               func(*NodeConfig) []string
	set               func(c *NodeConfig, values []string, limit int) bool
}

func one(v []string) string {
	if len(v) == 1 {
		return v[0]
	}
	return ""
}

func boolean(name, label string, at func(*NodeConfig) *bool) field {
	return field{
		name: name, kind: "boolean", label: label,
		get: func(c *NodeConfig) []string {
			if *at(c) {
				return []string{"1"}
			}
			return []string{"0"}
		},
		set: func(c *NodeConfig, v []string, _ int) bool {
			switch one(v) {
			case "1", "true":
				*at(c) = true
			case "0", "false":
				*at(c) = false
			default:
				return false
			}
			return true
		},
	}
}

func choice(name, label string, options []string, at func(*NodeConfig) *string) field {
	return field{
		name: name, kind: "list-single", label: label, options: options,
		get: func(c *NodeConfig) []string { return []string{*at(c)} },
		set: func(c *NodeConfig, v []string, _ int) bool {
			if !slices.Contains(options, one(v)) {
				return false
			}
			*at(c) = one(v)
			return true
		},
	}
}

func text(name, label string, at func(*NodeConfig) *string) field {
	return field{
		name: name, kind: "text-single", label: label,
		get: func(c *NodeConfig) []string { return []string{*at(c)} },
		set: func(c *NodeConfig, v []string, _ int) bool {
			if len(v) > 1 || len(one(v)) > 1024 {
				return false
			}
			*at(c) = one(v)
			return true
		},
	}
}

// fields of the form http://jabber.org/protocol/pubsub#node_config (XEP-0060 section 16.4.4).
var fields = []field{
	choice("pubsub#access_model", "Who may read", []string{string(Open), string(Presence), string(Roster), string(Whitelist)},
		func(c *NodeConfig) *string { return (*string)(&c.Access) }),
	choice("pubsub#publish_model", "Who may publish", []string{"publishers", "subscribers", "open"},
		func(c *NodeConfig) *string { return &c.PublishModel }),
	boolean("pubsub#persist_items", "Keep the items", func(c *NodeConfig) *bool { return &c.Persist }),
	{
		name: "pubsub#max_items", kind: "text-single", label: "How many items to keep",
		get: func(c *NodeConfig) []string { return []string{strconv.Itoa(c.MaxItems)} },
		set: func(c *NodeConfig, v []string, limit int) bool {
			if one(v) == "max" {
				c.MaxItems = limit
				return true
			}
			n, err := strconv.Atoi(one(v))
			if err != nil || n < 0 {
				return false
			}
			c.MaxItems = min(n, limit)
			return true
		},
	},
	choice("pubsub#send_last_published_item", "When to send the last item", []string{"never", "on_sub", "on_sub_and_presence"},
		func(c *NodeConfig) *string { return &c.SendLast }),
	boolean("pubsub#deliver_notifications", "Notify of new items", func(c *NodeConfig) *bool { return &c.DeliverNotifications }),
	boolean("pubsub#deliver_payloads", "Put the payload into notifications", func(c *NodeConfig) *bool { return &c.DeliverPayloads }),
	boolean("pubsub#notify_retract", "Notify of removed items", func(c *NodeConfig) *bool { return &c.NotifyRetract }),
	boolean("pubsub#notify_delete", "Notify when the node is deleted", func(c *NodeConfig) *bool { return &c.NotifyDelete }),
	boolean("pubsub#notify_config", "Notify when the configuration changes", func(c *NodeConfig) *bool { return &c.NotifyConfig }),
	choice("pubsub#notification_type", "Type of notification messages", []string{"headline", "normal"},
		func(c *NodeConfig) *string { return &c.MessageType }),
	{
		name: "pubsub#roster_groups_allowed", kind: "text-multi", label: "Groups of contacts that may read",
		get: func(c *NodeConfig) []string { return c.Groups },
		set: func(c *NodeConfig, v []string, _ int) bool {
			if len(v) > 100 {
				return false
			}
			c.Groups = slices.Clone(v)
			return true
		},
	},
	text("pubsub#title", "Name", func(c *NodeConfig) *string { return &c.Title }),
	text("pubsub#description", "Description", func(c *NodeConfig) *string { return &c.Description }),
	text("pubsub#type", "Namespace of the payload", func(c *NodeConfig) *string { return &c.Type }),
}

func fieldNamed(name string) *field {
	for i := range fields {
		if fields[i].name == name {
			return &fields[i]
		}
	}
	return nil
}

const (
	configForm  = ns.PubSub + "#node_config"
	optionsForm = ns.PubSub + "#publish-options"
	metaForm    = ns.PubSub + "#meta-data"
)

// formFields gives the values of a submitted form of this type; ok is false if it is none.
func formFields(x xmltree.Element, formType string) (values map[string][]string, ok bool) {
	if !x.Is(ns.DataForms, "x") || x.Attr("type") != "submit" {
		return nil, false
	}
	values = map[string][]string{}
	for f := range x.Children() {
		if !f.Is(ns.DataForms, "field") {
			continue
		}
		var v []string
		for c := range f.Children() {
			if c.Is(ns.DataForms, "value") {
				v = append(v, strings.Clone(c.Text())) // what a node keeps of it outlives the request
			}
		}
		values[f.Attr("var")] = v
	}
	if one(values["FORM_TYPE"]) != formType {
		return nil, false
	}
	delete(values, "FORM_TYPE")
	return values, true
}

// apply changes the configuration as a submitted form says. Unknown fields are an error where
// strict is set (publish-options: XEP-0060 section 7.1.5), otherwise they are left alone.
func (c *NodeConfig) apply(values map[string][]string, limit int, strict bool) error {
	for name, v := range values {
		f := fieldNamed(name)
		if f == nil {
			if strict {
				return fault(stanza.Conflict, "precondition-not-met")
			}
			continue
		}
		if !f.set(c, v, limit) {
			if name == "pubsub#access_model" {
				e := stanza.Refuse(stanza.NotAcceptable, "This access model is not supported.")
				e.App, e.AppNS = "unsupported-access-model", ns.PubSubErrors
				return e
			}
			return stanza.Refuse(stanza.NotAcceptable, "Invalid value for "+name+".")
		}
	}
	return nil
}

// meets checks publish-options against the configuration of an existing node.
func (c *NodeConfig) meets(values map[string][]string, limit int) error {
	want := *c
	if err := want.apply(values, limit, true); err != nil {
		return fault(stanza.Conflict, "precondition-not-met")
	}
	for name := range values {
		f := fieldNamed(name)
		if !slices.Equal(f.get(c), f.get(&want)) {
			return fault(stanza.Conflict, "precondition-not-met")
		}
	}
	return nil
}

// writeForm writes the configuration as a form to fill in.
func (c *NodeConfig) writeForm(w *xmltree.Writer) {
	w.Open(ns.DataForms, "x", "type", "form")
	w.Open("", "field", "var", "FORM_TYPE", "type", "hidden").Element("", "value", configForm).Close()
	for i := range fields {
		f := &fields[i]
		w.Open("", "field", "var", f.name, "type", f.kind, "label", f.label)
		for _, v := range f.get(c) {
			w.Element("", "value", v)
		}
		for _, o := range f.options {
			w.Open("", "option").Element("", "value", o).Close()
		}
		w.Close()
	}
	w.Close()
}
