package upload

import (
	"bytes"
	"encoding/base32"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// idText writes ids: lower case, for file systems that do not know the difference.
var idText = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

const idLength = 32

func isID(s string) bool {
	return len(s) == idLength && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz234567") == ""
}

// disk keeps what is in the files: dir/ab/abcd..., and in dir/new what is on its way.
type disk struct{ dir string }

const incoming = "new"

func openDisk(dir string) (*disk, error) {
	d := &disk{dir}
	if err := os.RemoveAll(filepath.Join(dir, incoming)); err != nil {
		return nil, err
	}
	return d, os.MkdirAll(filepath.Join(dir, incoming), 0o700)
}

func (d *disk) path(id string) string { return filepath.Join(d.dir, id[:2], id) }

// receive writes a file of exactly this size beside the others. It is durable when receive returns its name,
// and gone otherwise. Several for one id may be under way: whoever did not hear of the first tries again.
func (d *disk) receive(id string, size int64, r io.Reader) (name string, err error) {
	f, err := os.CreateTemp(filepath.Join(d.dir, incoming), id+".*")
	if err != nil {
		return "", err
	}
	_, err = io.CopyN(f, r, size)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return "", errors.Join(err, ignoreMissing(os.Remove(f.Name())))
	}
	return f.Name(), nil
}

// place puts what was received where it stays. If there is the same already, that is as good; if there is
// something else, that stays: [ErrTaken]. What was received is gone in either case.
func (d *disk) place(id, name string) (err error) {
	to := d.path(id)
	_, err = os.Lstat(to)
	if err == nil {
		return errors.Join(d.compare(id, name), os.Remove(name))
	}
	if errors.Is(err, fs.ErrNotExist) {
		if err = os.MkdirAll(filepath.Dir(to), 0o700); err == nil {
			err = os.Rename(name, to)
		}
	}
	if err != nil {
		return errors.Join(err, ignoreMissing(os.Remove(name)))
	}
	return errors.Join(syncDir(filepath.Dir(to)), syncDir(d.dir))
}

func (d *disk) compare(id, name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(d.same(id, f), f.Close())
}

// same reads what should be the content of a file again: [ErrTaken] if it is not.
func (d *disk) same(id string, r io.Reader) error {
	f, err := d.open(id)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	const chunk = 64 << 10
	ours, theirs := make([]byte, chunk), make([]byte, chunk)
	for {
		n, end := io.ReadFull(f, ours)
		m, err := io.ReadFull(r, theirs[:max(n, 1)])
		switch {
		case end != nil && !ended(end):
			return end
		case err != nil && !ended(err):
			return err
		case n != m || !bytes.Equal(ours[:n], theirs[:m]):
			return ErrTaken
		case end != nil:
			return nil
		}
	}
}

func ended(err error) bool { return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) }

func syncDir(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

func (d *disk) open(id string) (*os.File, error) { return os.Open(d.path(id)) }

func (d *disk) remove(id string) error { return ignoreMissing(os.Remove(d.path(id))) }

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// room reports whether a file of this size leaves so much of the disk free.
func (d *disk) room(size, free int64) bool {
	has, known := freeBytes(d.dir)
	return !known || has-size >= free
}

// each calls f for every file.
func (d *disk) each(f func(id string, info os.FileInfo) error) error {
	err := filepath.WalkDir(d.dir, func(_ string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return ignoreMissing(err)
		case e.IsDir() && e.Name() == incoming:
			return fs.SkipDir
		case e.IsDir() || !isID(e.Name()):
			return nil
		}
		info, err := e.Info()
		if err != nil {
			return ignoreMissing(err)
		}
		return f(e.Name(), info)
	})
	if err != nil {
		return fmt.Errorf("upload: look through the files: %w", err)
	}
	return nil
}
