package calls

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // what the TURN REST scheme uses; as a MAC it is sound
	"crypto/sha256"
	"encoding/base64"
	"strconv"
	"strings"
	"time"
)

// credentials makes and checks short-lived TURN passwords: the user name says when it expires, the
// password is its MAC, so nothing has to be stored. The account in it is a pseudonym that changes
// with each start of the server; no address travels in a packet that a network can see.
type credentials struct {
	secret []byte
}

func newCredentials() credentials { return credentials{secret: []byte(rand.Text() + rand.Text())} }

func (c credentials) issue(account string, expires time.Time) (user, password string) {
	mac := hmac.New(sha256.New, c.secret)
	mac.Write([]byte("account " + account))
	pseudonym := base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:12])
	user = strconv.FormatInt(expires.Unix(), 10) + ":" + pseudonym
	return user, c.password(user)
}

func (c credentials) password(user string) string {
	mac := hmac.New(sha1.New, c.secret)
	mac.Write([]byte(user))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// check gives the password of a user name that is not expired, and whose it is.
func (c credentials) check(user string, now time.Time) (password, pseudonym string, ok bool) {
	at, pseudonym, ok := strings.Cut(user, ":")
	if !ok {
		return "", "", false
	}
	expires, err := strconv.ParseInt(at, 10, 64)
	if err != nil || now.Unix() >= expires {
		return "", "", false
	}
	return c.password(user), pseudonym, true
}
