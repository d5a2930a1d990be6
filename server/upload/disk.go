package upload

import (
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

// put writes a file of exactly this size. It is durable when put returns nil, and gone otherwise.
func (d *disk) put(id string, size int64, r io.Reader) (err error) {
	name := filepath.Join(d.dir, incoming, id)
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return ErrTaken
	}
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, ignoreMissing(os.Remove(name)))
		}
	}()
	_, err = io.CopyN(f, r, size)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	to := d.path(id)
	if _, err := os.Lstat(to); !errors.Is(err, fs.ErrNotExist) {
		return errors.Join(err, ErrTaken)
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return err
	}
	if err := os.Rename(name, to); err != nil {
		return err
	}
	return errors.Join(syncDir(filepath.Dir(to)), syncDir(d.dir))
}

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
