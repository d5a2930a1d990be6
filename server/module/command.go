package module

import (
	"kith/internal/jid"
	"kith/internal/xmltree"
)

// Command is an ad-hoc command of the server (XEP-0050).
type Command struct {
	// Node names it, Name describes it for people.
	Node, Name string
	// Allowed decides who sees and runs it.
	Allowed func(who jid.JID) bool
	// Run does a step. form is the submitted data form, the zero element in the first step.
	Run func(q *IQ, form xmltree.Element) (Step, error)
}

// Step is what a command answers.
type Step struct {
	// Form writes the data form to fill in or the result; nil for none.
	Form func(*xmltree.Writer)
	// Next is true if the form is to be filled in and submitted; otherwise the command is done.
	Next bool
	// Note is a sentence for people; "" for none.
	Note string
}

// Command adds an ad-hoc command to the server.
func (r *Registry) Command(c Command) { r.Commands = append(r.Commands, c) }
