// SPDX-License-Identifier: AGPL-3.0-or-later

package omemo

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"testing"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func key32(t testing.TB, s string) (k [32]byte) {
	t.Helper()
	if copy(k[:], unhex(t, s)) != 32 {
		t.Fatalf("%q is not 32 bytes", s)
	}
	return k
}

// x25519Both is the implementation that this platform uses, and our own.
var x25519Both = []func(_, _ *[32]byte) [32]byte{x25519, ladder}

// RFC 7748 section 5.2.
func TestX25519Vectors(t *testing.T) {
	for _, v := range [][3]string{
		{
			"a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
			"e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c",
			"c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552",
		},
		{
			"4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d",
			"e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493",
			"95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957",
		},
	} {
		k, u := key32(t, v[0]), key32(t, v[1])
		for i, f := range x25519Both {
			if got := f(&k, &u); got != key32(t, v[2]) {
				t.Errorf("%d: X25519(%s, %s) = %x", i, v[0], v[1], got)
			}
		}
	}
	for i, f := range x25519Both {
		k, u := [32]byte{9}, [32]byte{9}
		for n := 1; n <= 1000; n++ {
			k, u = f(&k, &u), k
			if n == 1 && k != key32(t, "422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079") {
				t.Errorf("%d: after 1 iteration %x", i, k)
			}
		}
		if k != key32(t, "684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51") {
			t.Errorf("%d: after 1000 iterations %x", i, k)
		}
	}
}

// RFC 7748 section 6.1.
func TestAgreementVector(t *testing.T) {
	alice := key32(t, "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a")
	bob := key32(t, "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb")
	alicePublic, bobPublic := x25519Base(&alice), x25519Base(&bob)
	if alicePublic != key32(t, "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a") {
		t.Errorf("public key %x", alicePublic)
	}
	want := key32(t, "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742")
	for _, pair := range []pairing{{&alice, &bobPublic}, {&bob, &alicePublic}} {
		got, err := agree(pair.private, pair.public)
		if err != nil || got != want {
			t.Errorf("shared secret %x, %v", got, err)
		}
	}
}

// Points of low order, from the list at https://cr.yp.to/ecdh.html#validate, and encodings above the prime.
func TestLowOrderPointsAreRefused(t *testing.T) {
	for _, p := range []string{
		"0000000000000000000000000000000000000000000000000000000000000000",
		"0100000000000000000000000000000000000000000000000000000000000000",
		"e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
		"5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	} {
		public := key32(t, p)
		k := newKeyPair()
		if _, err := agree(&k.private, &public); CodeOf(err) != CodeBadKey {
			t.Errorf("%s: %v", p, err)
		}
		if ladder(&k.private, &public) != [32]byte{} {
			t.Errorf("%s: own ladder gives a secret", p)
		}
	}
}

// RFC 8032 section 7.1.
func TestEd25519Vectors(t *testing.T) {
	for _, v := range [][4]string{
		{
			"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
			"d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
			"",
			"e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
		},
		{
			"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
			"3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
			"72",
			"92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
		},
		{
			"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
			"fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
			"af82",
			"6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
		},
	} {
		seed, public := key32(t, v[0]), key32(t, v[1])
		message, signature := unhex(t, v[2]), unhex(t, v[3])
		if got := edPublic(&seed); got != public {
			t.Errorf("public key %x", got)
		}
		if got := edPublicOwn(&seed); got != public {
			t.Errorf("own: public key %x", got)
		}
		if got := edSign(&seed, &public, message); !bytes.Equal(got, signature) {
			t.Errorf("signature %x", got)
		}
		if got := edSignOwn(&seed, &public, message); !bytes.Equal(got, signature) {
			t.Errorf("own: signature %x", got)
		}
		if !edVerify(&public, message, signature) || !edVerifyOwn(&public, message, signature) {
			t.Error("signature of the RFC refused")
		}
	}
}

// RFC 5869 appendix A.1 to A.3.
func TestHKDFVectors(t *testing.T) {
	for _, v := range []struct{ salt, ikm, info, okm string }{
		{
			"000102030405060708090a0b0c", "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "f0f1f2f3f4f5f6f7f8f9",
			"3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
		},
		{
			"606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f808182838485868788898a8b8c8d8e8f" +
				"909192939495969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeaf",
			"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f" +
				"303132333435363738393a3b3c3d3e3f404142434445464748494a4b4c4d4e4f",
			"b0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedf" +
				"e0e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff",
			"b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09" +
				"da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87",
		},
		{
			"", "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "",
			"8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8",
		},
	} {
		want := unhex(t, v.okm)
		got := make([]byte, len(want))
		// HMAC pads short keys with zeros and hashes long ones.
		salt := unhex(t, v.salt)
		if len(salt) > 64 {
			sum := sha256.Sum256(salt)
			salt = sum[:]
		}
		var key [32]byte
		copy(key[:], salt)
		padded := newHMAC(&key)
		hkdf(&padded, unhex(t, v.ikm), string(unhex(t, v.info)), got)
		if !bytes.Equal(got, want) {
			t.Errorf("HKDF = %x, want %x", got, want)
		}
	}
}

// Signatures made with libxeddsa 2.0 for keys of both signs; a set sign travels in the highest bit of the
// signature, as libsignal has it.
func TestXEdDSAVectors(t *testing.T) {
	for _, v := range []struct{ curve, ed, message, positive, negative string }{
		{
			"6d208527a2b53b07ddbdce9a36c066516f81eef3199ba9e293effbb714e68050",
			"3eba8227177be734e0695c081004c09af47cd082fe8840c8fb6de88aa287f86f",
			"0542a98f3d3ee09518c8e23699af60fa6d97bb457436a68142b342d2395ecfe405",
			"852f62106c668e1abc74c3427504f3db54658ce7b38278d4a8bb554afb42f46178e57433eec1156b581462b04ecd58f6a5dce970366aa3b50d4ef6bee58bf309",
			"bcdc4a83e1a9d313738856228c85bf4abee902bf7e6e000bc16cd801c654514036963d153e16f200eed637306169ec8031071077bbc242dcb5a8a28f8ddfed07",
		},
		{
			"c24c810361389e3541f9b64d6f398eb17f2dacd7e91e520aed91db1ffe0f7f5a",
			"295fba872955f8a370c242d61cc5697e1032030493dd3f99cfb6f71b2d8eda0d",
			"05289e5175e02c788c2d442cfe81d6be0533d8c13e253ef763fda45d37accfe4d4",
			"48a181c2e7b18780d6febdcbdbd5d61b6ba628b1dff15351aa4365ec30fdba46a1f87d9c1aac7a2d5145b4149e8ba6059db9cf98aa2b9cb300628cfb9f477e0f",
			"d86491ecc691e764ba3e20dc96188b45221f61aea62381ceff4c236ded3d3c66e2aebd78da17a1c1d9b3806e4ee144ab9fd41f798feba17270a56b4f5fc94303",
		},
	} {
		curve, ed := key32(t, v.curve), key32(t, v.ed)
		if got := toEdwards(&curve, 0); got != ed {
			t.Errorf("Ed25519 form %x, want %x", got, ed)
		}
		for _, sign := range []byte{0, 0x80} {
			edSigned := ed
			edSigned[31] |= sign
			if got, err := toCurve(&edSigned); err != nil || got != curve {
				t.Errorf("Curve25519 form %x, %v", got, err)
			}
		}
		positive, negative := unhex(t, v.positive), unhex(t, v.negative)
		negative[63] |= 0x80
		for i, signature := range [][]byte{positive, negative} {
			message := unhex(t, v.message)
			if !verifyXEd(&curve, message, signature) {
				t.Errorf("signature %d refused", i)
			}
			signature[63] ^= 0x80
			if verifyXEd(&curve, message, signature) {
				t.Errorf("signature %d accepted for the other sign", i)
			}
			signature[63] ^= 0x80
			message[5] ^= 1
			if verifyXEd(&curve, message, signature) {
				t.Errorf("signature %d accepted for another message", i)
			}
		}
	}
}

func TestHMACAgreesWithStandardLibrary(t *testing.T) {
	for size := range 400 {
		key, message := randomBytes(size), bytes.Repeat([]byte{byte(size)}, size)
		h := hmac.New(sha256.New, key[:])
		h.Write(message)
		got := hmac256(&key, message[:size/3], message[size/3:])
		if !bytes.Equal(got[:], h.Sum(nil)) {
			t.Fatalf("%d bytes: %x", size, got)
		}
	}
}
