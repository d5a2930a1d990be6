package c2s

import (
	"crypto/sha1" //nolint:gosec // XEP-0124 section 15.3 asks for it
	"crypto/subtle"
	"encoding/hex"
	"slices"
	"strings"

	"kith/internal/xmltree"
)

// boshKeys is the key sequence of a session (XEP-0124 section 15): each request shows what the key of the one
// before it is the hash of, so that nobody who has only seen requests can make the next.
type boshKeys struct {
	used bool
	// last is what the next key must have as its hash.
	last string
	// shown are the keys of the last requests, for those that are made again.
	shown []boshKey
}

type boshKey struct {
	rid uint64
	key string
}

// begin reads the first request; false if its key is none.
func (k *boshKeys) begin(body xmltree.Element) bool {
	first, ok := body.LookupAttr("", "newkey")
	if !ok {
		return true
	}
	k.used, k.last = true, cleanKey(first)
	return k.last != ""
}

// cleanKey is a key as keys are compared, "" for what is none.
func cleanKey(s string) string {
	if b, err := hex.DecodeString(s); err != nil || len(b) != sha1.Size {
		return ""
	}
	return strings.ToLower(s)
}

// take checks the key of the request that is next, and goes on to it.
func (k *boshKeys) take(rid uint64, body xmltree.Element, window int) bool {
	if !k.used {
		return true
	}
	key := cleanKey(body.Attr("key"))
	sum := sha1.Sum([]byte(body.Attr("key"))) //nolint:gosec // see above
	if key == "" || subtle.ConstantTimeCompare([]byte(hex.EncodeToString(sum[:])), []byte(k.last)) != 1 {
		return false
	}
	k.last = key
	if next, ok := body.LookupAttr("", "newkey"); ok {
		if k.last = cleanKey(next); k.last == "" {
			return false
		}
	}
	k.shown = append(k.shown, boshKey{rid, key})
	if n := len(k.shown) - window - 1; n > 0 {
		k.shown = slices.Delete(k.shown, 0, n)
	}
	return true
}

// again reports whether a request that was made before comes from whoever made it.
func (k *boshKeys) again(rid uint64, body xmltree.Element) bool {
	if !k.used {
		return true
	}
	key := cleanKey(body.Attr("key"))
	for _, s := range k.shown {
		if s.rid == rid {
			return subtle.ConstantTimeCompare([]byte(key), []byte(s.key)) == 1
		}
	}
	// The first has none but the one that it began with.
	return false
}
