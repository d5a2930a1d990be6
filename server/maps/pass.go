package maps

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"time"
)

// passTime is how long a pass lets somebody in.
const passTime = 30 * time.Minute

// pass is the right of an account to see maps, for a while. Its client keeps it for the server, signed, and
// shows it with every request, since an address of HTTP does not know of the stream of XMPP.
type pass struct {
	Account string    `json:"a"`
	Ends    time.Time `json:"e"`
}

// seal writes a pass for the client to keep.
func (p pass) seal(key []byte) (string, error) {
	text, err := json.Marshal(p)
	if err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(append(sign(key, text), text...)), nil
}

// maxPass bounds what is looked at: a localpart has at most 1023 bytes, which JSON may make longer.
const maxPass = 10_000

// openPass reads what seal has written; false if anybody else has, or its time is over.
func openPass(sealed string, key []byte, now time.Time) (p pass, ok bool) {
	if len(sealed) > maxPass {
		return pass{}, false
	}
	b, err := base64.RawURLEncoding.DecodeString(sealed)
	if err != nil || len(b) < sha256.Size || !hmac.Equal(b[:sha256.Size], sign(key, b[sha256.Size:])) {
		return pass{}, false
	}
	if err := json.Unmarshal(b[sha256.Size:], &p); err != nil || !now.Before(p.Ends) {
		return pass{}, false
	}
	return p, true
}

func sign(key, text []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte("kith maps pass\x00"))
	h.Write(text)
	return h.Sum(nil)
}
