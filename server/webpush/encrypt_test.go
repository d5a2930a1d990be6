package webpush_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"testing"

	"kith/server/webpush"
)

func bytesOf(t testing.TB, text string) []byte {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The example of RFC 8291 section 5 and appendix A.
func TestExampleOfRFC8291(t *testing.T) {
	sender, err := ecdh.P256().NewPrivateKey(bytesOf(t, "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"))
	if err != nil {
		t.Fatal(err)
	}
	sub := &webpush.Subscription{
		Key:  bytesOf(t, "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"),
		Auth: bytesOf(t, "BTBZMqHH6r4Tts7J_aSIgg"),
	}
	body, err := webpush.Seal(sub, []byte("When I grow up, I want to be a watermelon"), sender, bytesOf(t, "DGv6ra1nlYgDCS1FRnbzlw"))
	if err != nil {
		t.Fatal(err)
	}
	const want = "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
	if got := base64.RawURLEncoding.EncodeToString(body); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// browser is the other end of a subscription.
type browser struct {
	key  *ecdh.PrivateKey
	auth []byte
}

func newBrowser(t testing.TB) browser {
	t.Helper()
	key, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	b := browser{key, make([]byte, webpush.AuthSize)}
	_, _ = rand.Read(b.auth)
	return b
}

func mac(key, text []byte) []byte {
	m := hmac.New(sha256.New, key)
	m.Write(text)
	return m.Sum(nil)
}

// open decrypts as RFC 8291 section 3.4 spells it out, in HMACs.
func (b browser) open(t testing.TB, body []byte) []byte {
	t.Helper()
	if len(body) < 86 || body[20] != 65 || !bytes.Equal(body[16:20], []byte{0, 0, 16, 0}) {
		t.Fatalf("not a header of aes128gcm: %x", body)
	}
	salt, sender := body[:16], body[21:86]
	public, err := ecdh.P256().NewPublicKey(sender)
	if err != nil {
		t.Fatal(err)
	}
	shared, err := b.key.ECDH(public)
	if err != nil {
		t.Fatal(err)
	}
	info := append(append([]byte("WebPush: info\x00"), b.key.PublicKey().Bytes()...), sender...)
	ikm := mac(mac(b.auth, shared), append(info, 1))
	prk := mac(salt, ikm)
	block, err := aes.NewCipher(mac(prk, []byte("Content-Encoding: aes128gcm\x00\x01"))[:16])
	if err != nil {
		t.Fatal(err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	text, err := aead.Open(nil, mac(prk, []byte("Content-Encoding: nonce\x00\x01"))[:12], body[86:], nil)
	if err != nil {
		t.Fatal(err)
	}
	end := bytes.LastIndexByte(text, 2)
	if end < 0 {
		t.Fatalf("no end of the last record in %x", text)
	}
	return text[:end]
}

func TestEncrypt(t *testing.T) {
	b := newBrowser(t)
	sub := &webpush.Subscription{Key: b.key.PublicKey().Bytes(), Auth: b.auth}
	one, err := webpush.Encrypt(sub, []byte("wake up"))
	if err != nil {
		t.Fatal(err)
	}
	two, err := webpush.Encrypt(sub, []byte("wake up"))
	if err != nil {
		t.Fatal(err)
	}
	if string(b.open(t, one)) != "wake up" || string(b.open(t, two)) != "wake up" {
		t.Error("it says something else")
	}
	if bytes.Equal(one[:86], two[:86]) {
		t.Error("two messages with the same salt and key")
	}
	if _, err := webpush.Encrypt(&webpush.Subscription{Key: make([]byte, 65), Auth: b.auth}, nil); err == nil {
		t.Error("encrypted to no key")
	}
}
