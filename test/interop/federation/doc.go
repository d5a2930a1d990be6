// Package federation holds plays between this server and others: Prosody and ejabberd, as Debian has
// them. They run in processes of their own, with a name server and a certificate authority that are
// made for the test, and nothing leaves the machine.
package federation
