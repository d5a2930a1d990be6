package main

import (
	"strings"
	"testing"
)

// The commands about circles, roles and guardians, first without a server and then with one that runs.
func TestCirclesAndGuardians(t *testing.T) {
	dir := t.TempDir()
	data := func(args ...string) []string { return append(args, "--data", dir) }
	const password = "correct horse battery"
	for _, name := range []string{"alice", "bob"} {
		must(t, password, data("user", "add", name+"@localhost")...)
	}
	must(t, "", data("circle", "add", "Family")...)
	refused(t, 1, `there is a circle "family" already`, "", data("circle", "add", "family")...)
	refused(t, 1, "there is no account nobody@localhost", "", data("circle", "join", "Family", "nobody")...)
	refused(t, 2, "takes the name of a circle and the JIDs", "", data("circle", "join", "Family")...)
	must(t, "", data("circle", "join", "family", "alice", "bob@localhost")...)
	if out := must(t, "", data("circle", "list")...); !strings.Contains(out, "Family  alice@localhost, bob@localhost") {
		t.Errorf("list: %s", out)
	}
	must(t, "", data("circle", "add", "Choir")...)
	refused(t, 1, `there is a circle "choir" already`, "", data("circle", "rename", "Family", "choir")...)
	refused(t, 1, `there is no circle "Band"`, "", data("circle", "rename", "Band", "Group")...)
	refused(t, 2, "takes the name of a circle and its new name", "", data("circle", "rename", "Family")...)
	if out := must(t, "", data("circle", "rename", "choir", "Band")...); out != "Renamed choir to Band.\n" {
		t.Errorf("rename: %s", out)
	}
	must(t, "", data("circle", "remove", "Band")...)
	refused(t, 1, "guardians are for the role limited alone", password, data("user", "add", "carol", "--guardian", "alice")...)
	refused(t, 1, "a guardian needs an account here", password, data("user", "add", "ben", "--role", "limited", "--guardian", "nobody")...)
	must(t, password, data("user", "add", "ben", "--role", "limited", "--guardian", "alice")...)
	if out := must(t, "", data("user", "guardians", "ben")...); out != "Guardians of ben@localhost: alice@localhost\n" {
		t.Errorf("guardians: %s", out)
	}
	refused(t, 1, "is not the account of a child", "", data("user", "guardians", "bob", "alice")...)
	refused(t, 1, `there is no circle "Choir"`, "", data("invite", "create", "--circle", "Choir")...)
	must(t, "", data("invite", "create", "--circle", "Family", "--role", "limited", "--guardian", "bob", "--name", "eve")...)

	r := serveProcess(t, dir)
	must(t, "", data("user", "role", "bob", "admin")...)
	refused(t, 1, "the role \"king\" is not known", "", data("user", "role", "bob", "king")...)
	if out := must(t, "", data("user", "guardians", "--nobody", "ben")...); !strings.HasPrefix(out, "Guardians of ben@localhost: bob@localhost (the administrators") {
		t.Errorf("guardians: %s", out)
	}
	must(t, "", data("user", "guardians", "ben", "bob", "alice")...)
	refused(t, 1, "bob@localhost is the last administrator", "", data("user", "role", "bob", "limited")...)
	must(t, "", data("circle", "rename", "Family", "Clan")...)
	must(t, "", data("circle", "rename", "Clan", "Family")...)
	must(t, "", data("circle", "leave", "Family", "bob")...)
	refused(t, 1, "bob@localhost is not in the circle Family", "", data("circle", "leave", "Family", "bob")...)
	must(t, "", data("circle", "remove", "Family")...)
	if out := must(t, "", data("circle", "list")...); out != "There are no circles.\n" {
		t.Errorf("list: %s", out)
	}
	r.stop(t)
	if out := must(t, "", data("user", "guardians", "ben")...); out != "Guardians of ben@localhost: alice@localhost, bob@localhost\n" {
		t.Errorf("guardians after all: %s", out)
	}
}
