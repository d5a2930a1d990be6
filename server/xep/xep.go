// Package xep holds the small features of the server, one file each. What has state beyond a flag
// has a package of its own.
package xep
