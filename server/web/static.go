package web

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
)

// static serves the files of the app as they were built, in the smallest form that the browser
// takes. Nothing is compressed here.
type static struct {
	fsys  fs.FS
	files map[string]*file // by path, without those that are a form of another
	index *file            // nil when the app is not in this build
}

type file struct {
	contentType string
	cache       string
	forms       []form // smallest first
}

// form is one encoding of a file.
type form struct {
	encoding string // "" for the file itself
	path     string
	size     string
	etag     string
}

// contentTypes are those of the files that a build makes. The system's table is not asked: it
// differs from one machine to the next.
var contentTypes = map[string]string{
	".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".mjs": "text/javascript; charset=utf-8",
	".css": "text/css; charset=utf-8", ".json": "application/json", ".webmanifest": "application/manifest+json",
	".svg": "image/svg+xml", ".png": "image/png", ".ico": "image/x-icon", ".webp": "image/webp", ".jpg": "image/jpeg",
	".woff2": "font/woff2", ".wasm": "application/wasm", ".txt": "text/plain; charset=utf-8", ".mp3": "audio/mpeg", ".ogg": "audio/ogg",
	".opus": "audio/ogg", ".wav": "audio/wav", ".map": "application/json",
}

// assets is where the build puts the files whose names change with their content.
const assets = "assets/"

var encodings = []struct{ name, suffix string }{{"br", ".br"}, {"gzip", ".gz"}}

func newStatic(fsys fs.FS) (*static, error) {
	s := &static{fsys: fsys, files: map[string]*file{}}
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(path.Base(name), ".") {
			return err
		}
		for _, e := range encodings {
			if original, ok := strings.CutSuffix(name, e.suffix); ok {
				if _, err := fs.Stat(fsys, original); err == nil {
					return nil
				}
			}
		}
		f, err := s.describe(name)
		s.files[name] = f
		return err
	})
	if err != nil {
		return nil, err
	}
	s.index = s.files["index.html"]
	return s, nil
}

func (s *static) describe(name string) (*file, error) {
	f := &file{contentType: contentTypes[path.Ext(name)], cache: "no-cache"}
	if f.contentType == "" {
		f.contentType = "application/octet-stream"
	}
	if strings.HasPrefix(name, assets) {
		f.cache = "public, max-age=31536000, immutable"
	}
	for _, e := range encodings {
		if _, err := fs.Stat(s.fsys, name+e.suffix); err == nil {
			if err := s.add(f, e.name, name+e.suffix); err != nil {
				return nil, err
			}
		}
	}
	return f, s.add(f, "", name)
}

func (s *static) add(f *file, encoding, name string) error {
	info, err := fs.Stat(s.fsys, name)
	if err != nil {
		return err
	}
	h := sha256.New()
	if strings.HasPrefix(name, assets) {
		// The name tells the content, and most of them are never asked for: reading them all would
		// only bring them into memory.
		h.Write([]byte(name))
	} else if err := s.hash(h, name); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	f.forms = append(f.forms, form{
		encoding: encoding, path: name, size: strconv.FormatInt(info.Size(), 10),
		etag: `"` + hex.EncodeToString(h.Sum(nil)[:16]) + `"`,
	})
	return nil
}

func (s *static) hash(h io.Writer, name string) error {
	in, err := s.fsys.Open(name)
	if err != nil {
		return err
	}
	_, err = io.Copy(h, in)
	return errors.Join(err, in.Close())
}

func (s *static) serve(c echo.Context, f *file) error {
	h := c.Response().Header()
	form := f.choose(c.Request().Header.Values("Accept-Encoding"))
	in, err := s.fsys.Open(form.path)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }() // it was only read
	content, ok := in.(io.ReadSeeker)
	if !ok {
		return fmt.Errorf("web: %s cannot be sought in", form.path)
	}
	h.Set("Content-Type", f.contentType)
	h.Set("Cache-Control", f.cache)
	h.Set("ETag", form.etag)
	if len(f.forms) > 1 {
		h.Add("Vary", "Accept-Encoding")
	}
	if form.encoding != "" {
		h.Set("Content-Encoding", form.encoding)
		h.Set("Content-Length", form.size) // ServeContent leaves it out of what is encoded
	}
	http.ServeContent(c.Response(), c.Request(), "", time.Time{}, content)
	return nil
}

// choose takes the first form that the browser accepts (RFC 9110 section 12.5.3).
func (f *file) choose(accept []string) form {
	for _, form := range f.forms {
		if form.encoding == "" || accepts(accept, form.encoding) {
			return form
		}
	}
	return f.forms[len(f.forms)-1]
}

func accepts(accept []string, encoding string) bool {
	for _, line := range accept {
		for part := range strings.SplitSeq(line, ",") {
			name, params, _ := strings.Cut(part, ";")
			if !strings.EqualFold(strings.TrimSpace(name), encoding) {
				continue
			}
			q, found := strings.CutPrefix(strings.TrimSpace(params), "q=")
			weight, err := strconv.ParseFloat(q, 64)
			return !found || err == nil && weight > 0
		}
	}
	return false
}
