// SPDX-License-Identifier: AGPL-3.0-or-later

package omemo_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"testing"

	"kith/omemo"
)

// partner is another implementation of OMEMO in a process of its own, driven by lines of JSON.
type partner struct {
	tb  testing.TB
	in  io.Writer
	out *bufio.Scanner
}

func startPartner(tb testing.TB, name string, args ...string) *partner {
	tb.Helper()
	if _, err := os.Stat(args[0]); err != nil { // also tells the go command that the test depends on the script
		tb.Fatal(err)
	}
	cmd := exec.CommandContext(tb.Context(), name, args...)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		tb.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Wait()
	})
	p := &partner{tb: tb, in: in, out: bufio.NewScanner(out)}
	p.out.Buffer(nil, 1<<20)
	return p
}

type wireAddress struct {
	JID    string      `json:"jid"`
	Device uint32      `json:"device"`
	Bundle *wireBundle `json:"bundle,omitempty"`
}

type wireBundle struct {
	IK      []byte       `json:"ik"`
	SPK     []byte       `json:"spk"`
	SPKID   uint32       `json:"spkId"`
	SPKS    []byte       `json:"spks"`
	PreKeys []wirePreKey `json:"prekeys"`
}

type wirePreKey struct {
	ID  uint32 `json:"id"`
	Key []byte `json:"key"`
}

// wireMessage is what travels to one device.
type wireMessage struct {
	Key     []byte  `json:"key"`
	Kex     bool    `json:"kex"`
	IV      []byte  `json:"iv,omitempty"`
	Payload *[]byte `json:"payload,omitempty"`
}

type request struct {
	Op      string       `json:"op"`
	Name    string       `json:"name"`
	Version string       `json:"version,omitempty"`
	JID     string       `json:"jid,omitempty"`
	Device  uint32       `json:"device,omitempty"`
	Peer    *wireAddress `json:"peer,omitempty"`
	Text    string       `json:"text"`
	From    string       `json:"from,omitempty"`
	To      string       `json:"to,omitempty"`
	Message *wireMessage `json:"message,omitempty"`
}

// call sends a request and decodes the answer. Only an answer with an error is an error.
func (p *partner) call(req request, answer any) error {
	p.tb.Helper()
	line, err := json.Marshal(req)
	if err != nil {
		p.tb.Fatal(err)
	}
	if _, err := p.in.Write(append(line, '\n')); err != nil {
		p.tb.Fatal(err)
	}
	if !p.out.Scan() {
		p.tb.Fatalf("%s: partner has ended: %v", req.Op, p.out.Err())
	}
	var failure struct {
		Error string `json:"error"`
	}
	if err := json.Unmarshal(p.out.Bytes(), &failure); err != nil {
		p.tb.Fatalf("%s: %v in %q", req.Op, err, p.out.Bytes())
	}
	if failure.Error != "" {
		return errors.New(failure.Error)
	}
	if answer == nil {
		return nil
	}
	if err := json.Unmarshal(p.out.Bytes(), answer); err != nil {
		p.tb.Fatalf("%s: %v in %q", req.Op, err, p.out.Bytes())
	}
	return nil
}

// remote is one device of a partner.
type remote struct {
	p    *partner
	name string
	v    omemo.Version
	addr omemo.Address
}

func versionName(v omemo.Version) string {
	if v == omemo.V03 {
		return "old"
	}
	return "two"
}

func (p *partner) newDevice(name string, v omemo.Version, addr omemo.Address) *remote {
	p.tb.Helper()
	d := &remote{p, name, v, addr}
	d.must(request{Op: "new", Version: versionName(v), JID: addr.JID, Device: addr.Device}, nil)
	return d
}

func (d *remote) must(req request, answer any) {
	d.p.tb.Helper()
	req.Name = d.name
	if err := d.p.call(req, answer); err != nil {
		d.p.tb.Fatalf("%s: %v", req.Op, err)
	}
}

func (d *remote) bundle() *omemo.Bundle {
	d.p.tb.Helper()
	var w wireBundle
	d.must(request{Op: "bundle"}, &w)
	b := &omemo.Bundle{
		Version: d.v, IdentityKey: w.IK, SignedPreKeyID: w.SPKID, SignedPreKey: w.SPK, SignedSignature: w.SPKS,
	}
	for _, k := range w.PreKeys {
		b.PreKeys = append(b.PreKeys, omemo.PublicPreKey{ID: k.ID, Key: k.Key})
	}
	return b
}

func toWire(b *omemo.Bundle) *wireBundle {
	w := &wireBundle{IK: b.IdentityKey, SPK: b.SignedPreKey, SPKID: b.SignedPreKeyID, SPKS: b.SignedSignature}
	for _, k := range b.PreKeys {
		w.PreKeys = append(w.PreKeys, wirePreKey{k.ID, k.Key})
	}
	return w
}

func (d *remote) start(to *local, text string) wireMessage {
	d.p.tb.Helper()
	var m wireMessage
	d.must(request{
		Op: "start", Text: text,
		Peer: &wireAddress{to.addr.JID, to.addr.Device, toWire(to.bundle(d.v))},
	}, &m)
	return m
}

// encrypt sends a text, or an empty message for an empty text.
func (d *remote) encrypt(to *local, text string) wireMessage {
	d.p.tb.Helper()
	op := "encrypt"
	if text == "" {
		op = "empty"
	}
	var m wireMessage
	d.must(request{Op: op, Text: text, Peer: &wireAddress{JID: to.addr.JID, Device: to.addr.Device}}, &m)
	return m
}

func (d *remote) decrypt(from *local, m wireMessage) (text string, err error) {
	d.p.tb.Helper()
	var answer struct {
		Text string `json:"text"`
	}
	err = d.p.call(request{
		Op: "decrypt", Name: d.name, Message: &m,
		Peer: &wireAddress{JID: from.addr.JID, Device: from.addr.Device},
	}, &answer)
	return answer.Text, err
}

func (d *remote) restart() {
	d.p.tb.Helper()
	d.must(request{Op: "restart"}, nil)
}

// local is a device of our own core, with its storage.
type local struct {
	tb    testing.TB
	addr  omemo.Address
	store map[string][]byte
}

const now = int64(1_700_000_000)

func newLocal(tb testing.TB, addr omemo.Address) *local {
	tb.Helper()
	l := &local{tb, addr, map[string][]byte{}}
	changes, err := omemo.Create(omemo.CreateOptions{JID: addr.JID, Device: addr.Device, Now: now})
	if err != nil {
		tb.Fatal(err)
	}
	l.commit(changes)
	return l
}

func (l *local) read(keys ...string) omemo.Records {
	r := omemo.Records{}
	for _, k := range keys {
		r[k] = l.store[k]
	}
	return r
}

func (l *local) commit(changes []omemo.Change) {
	for _, c := range changes {
		if c.Value == nil {
			delete(l.store, c.Key)
		} else {
			l.store[c.Key] = c.Value
		}
	}
}

func (l *local) bundle(v omemo.Version) *omemo.Bundle {
	l.tb.Helper()
	b, err := omemo.PublicBundle(l.read(omemo.KeyIdentity, omemo.KeyPreKeys), v)
	if err != nil {
		l.tb.Fatal(err)
	}
	return &b
}

// encrypt sends a text, or an empty message for an empty text.
func (l *local) encrypt(to *remote, bundle *omemo.Bundle, text string) wireMessage {
	l.tb.Helper()
	req := omemo.EncryptRequest{
		Body: []byte(text), Envelope: []byte(text), Now: now,
		Recipients: []omemo.Recipient{{Address: to.addr, Version: to.v, Bundle: bundle}},
	}
	if text == "" {
		req.Kind = omemo.Empty
	}
	res, changes, err := omemo.Encrypt(l.read(omemo.EncryptNeeds(req.Recipients)...), req)
	if err != nil || len(res.Elements) != 1 {
		l.tb.Fatal(err, res.Skipped)
	}
	l.commit(changes)
	e := res.Elements[0]
	m := wireMessage{Key: e.Keys[0].Data, Kex: e.Keys[0].KeyExchange, IV: e.IV}
	if e.Payload != nil {
		m.Payload = &e.Payload
	}
	return m
}

func (l *local) decrypt(from *remote, m wireMessage) (omemo.DecryptResult, error) {
	l.tb.Helper()
	req := omemo.DecryptRequest{Version: from.v, From: from.addr, Key: m.Key, IV: m.IV, Now: now}
	if m.Payload != nil {
		req.Payload = *m.Payload
		if req.Payload == nil {
			req.Payload = []byte{}
		}
	}
	res, changes, err := omemo.Decrypt(l.read(omemo.DecryptNeeds(req)...), req)
	l.commit(changes)
	return res, err
}
