// Package kith holds the web app as it was built, so that the program is one file.
package kith

import (
	"embed"
	"io/fs"
)

//go:embed all:frontend/dist
var dist embed.FS

// Frontend has the files of the web app, index.html at its top. A program that was built without
// the app has no index.html in it.
func Frontend() fs.FS {
	files, err := fs.Sub(dist, "frontend/dist")
	if err != nil {
		panic(err) // the directory is embedded above
	}
	return files
}
