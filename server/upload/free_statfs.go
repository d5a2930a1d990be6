//go:build linux || darwin

package upload

import "syscall"

// freeBytes is how much the program may still write where dir is; false if that cannot be told.
func freeBytes(dir string) (int64, bool) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		return 0, false
	}
	return int64(st.Bavail) * int64(st.Bsize), true //nolint:gosec,unconvert // their types differ between systems
}
