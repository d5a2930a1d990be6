package upload

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"mime"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"kith/internal/stanza"
	"kith/internal/xmltree"
)

// slot is the right to upload one file. The app keeps it for the server, signed, so that the server
// need not, and it outlives a restart.
type slot struct {
	File
	// Closes is when the right ends.
	Closes time.Time
}

// slotTime is how long a slot can be used (XEP-0363 section 8).
const slotTime = 5 * time.Minute

const bearer = "Bearer "

// Bounds of what an app may say of a file, in bytes.
const (
	maxName = 200
	maxType = 127
	// maxProfile is how large a picture in a profile may be.
	maxProfile = 8 << 20
)

// purpose is what a file is for (XEP-0363 section 6): it decides how long it stays.
type purpose string

const (
	forMessage purpose = "message"
	forProfile purpose = "profile"
	ephemeral  purpose = "ephemeral"
	permanent  purpose = "permanent"
)

// read makes a slot of a request.
func (s *Service) read(e xmltree.Element, now time.Time) (slot, error) {
	size, err := strconv.ParseInt(strings.TrimSpace(e.Attr("size")), 10, 64)
	if err != nil || size <= 0 {
		return slot{}, stanza.Refuse(stanza.BadRequest, "The size of the file is missing.")
	}
	name := cleanName(e.Attr("filename"))
	if name == "" {
		return slot{}, stanza.Refuse(stanza.BadRequest, "The name of the file is missing.")
	}
	k := slot{File: File{ID: newID(), Name: name, Size: size}, Closes: now.Add(slotTime)}
	if t := e.Attr("content-type"); t != "" {
		if k.Type = cleanType(t); k.Type == "" {
			return slot{}, stanza.Refuse(stanza.BadRequest, "The type of the file is none.")
		}
	}
	limit := s.maxSize()
	p := e.ChildNS(nsPurpose)
	switch purpose(p.Local()) {
	case "", forMessage:
		if r := s.opts.Config.Retention; r > 0 {
			k.Until = now.Add(r)
		}
	case ephemeral:
		until, err := time.Parse(time.RFC3339, p.Attr("expire-before"))
		if err != nil || !until.After(now) {
			return slot{}, stanza.Refuse(stanza.BadRequest, "The time at which the file is to be gone is missing or past.")
		}
		if r := s.opts.Config.Retention; r > 0 && until.After(now.Add(r)) {
			until = now.Add(r)
		}
		k.Until = until
	case forProfile:
		limit = min(limit, maxProfile)
	case permanent:
	default:
		return slot{}, stanza.Refuse(stanza.FeatureNotImplemented, "Files are not taken for this purpose.")
	}
	if size > limit {
		text := strconv.FormatInt(limit, 10)
		return slot{}, &stanza.Fault{
			Condition: stanza.NotAcceptable, Text: "File too large. The maximum file size is " + text + " bytes.",
			App: "file-too-large", AppNS: nsUpload, AppChildren: []string{"max-file-size", text},
		}
	}
	return k, nil
}

// newID makes the part of an address that nobody can guess: 160 bits.
func newID() string {
	var b [20]byte
	_, _ = rand.Read(b[:]) // it does not fail
	return idText.EncodeToString(b[:])
}

// cleanName is a file name without directories and control characters, at most so long, with its
// ending; "" if nothing remains.
func cleanName(s string) string {
	s = s[strings.LastIndexAny(s, `/\`)+1:]
	s = strings.TrimSpace(strings.Map(func(r rune) rune {
		if r == utf8.RuneError || unicode.Is(unicode.C, r) || unicode.Is(unicode.Zl, r) || unicode.Is(unicode.Zp, r) {
			return -1
		}
		return r
	}, s))
	if ext := path.Ext(s); len(s) > maxName && len(ext) < 20 {
		s = shorten(strings.TrimSuffix(s, ext), maxName-len(ext)) + ext
	}
	s = shorten(s, maxName)
	if strings.Trim(s, ".") == "" {
		return ""
	}
	return s
}

// shorten cuts after a whole character.
func shorten(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// cleanType is a media type without its parameters, "" if it is none.
func cleanType(s string) string {
	t, _, err := mime.ParseMediaType(s)
	if err != nil || len(t) > maxType || !strings.Contains(t, "/") {
		return ""
	}
	return t
}

// Path is where files are, below the base of all addresses.
const Path = "/upload/"

func (s *Service) url(id, name string) string {
	return s.opts.BaseURL + Path + id + "/" + url.PathEscape(name)
}

// seal writes a slot for the app to keep.
func (k slot) seal(key []byte) string {
	text, err := json.Marshal(k)
	if err != nil { // there is nothing in it that JSON cannot hold
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(text) + "." + base64.RawURLEncoding.EncodeToString(sign(key, text))
}

// open reads what seal has written; false if anybody else has.
func open(sealed string, key []byte) (k slot, ok bool) {
	content, signature, _ := strings.Cut(sealed, ".")
	text, err := base64.RawURLEncoding.DecodeString(content)
	if err != nil {
		return slot{}, false
	}
	mac, err := base64.RawURLEncoding.DecodeString(signature)
	if err != nil || !hmac.Equal(mac, sign(key, text)) {
		return slot{}, false
	}
	if err := json.Unmarshal(text, &k); err != nil {
		return slot{}, false
	}
	return k, true
}

func sign(key, text []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte("kith upload slot\x00"))
	h.Write(text)
	return h.Sum(nil)
}
