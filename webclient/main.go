// SPDX-License-Identifier: AGPL-3.0-or-later

//go:build js && wasm

// Command webclient is the bridge between the OMEMO core and the browser: compiled to WebAssembly and run in a
// worker, it offers the functions of package omemo to JavaScript. The other half of the bridge is
// kith-omemo.js, the face for TypeScript kith-omemo.d.ts; README.md shows how a worker uses it.
//
// A call is one byte string in, one out: packed values (value.go, writer.go) in the memory of the module. With
// syscall/js every step across the border costs microseconds, and an object takes hundreds of steps. Functions
// are synchronous, keep nothing and never throw; a failure is the object {error: {code, message}} with a stable
// code. They never print: the write would block the Go scheduler inside a call from JavaScript.
package main

import (
	"runtime"
	"unsafe"
)

// collectAfter bytes across the border the garbage is collected: so much traffic leaves some megabytes behind. The collector
// runs by itself only where a single call needs too much (kith-omemo.js says when): with one thread it cannot run beside us,
// only between our steps, for long, and with every write watched. It costs a third of the time less to collect all at once
// between two calls.
const collectAfter = 1 << 20

func main() {
	select {} // the exported functions can be called as long as main does not return
}

// border is the memory through which JavaScript hands over requests and takes answers. It is the one variable
// of the program: exported functions have no receiver, and the garbage collector must see what JavaScript
// holds the address of.
var border struct {
	request, answer []byte
	traffic         int
}

// request makes room for a request of n bytes and returns its address.
//
//go:wasmexport kithOmemoRequest
func request(n uint32) unsafe.Pointer {
	if uint64(n) > uint64(cap(border.request)) {
		border.request = make([]byte, n)
	}
	border.request = border.request[:n]
	return unsafe.Pointer(unsafe.SliceData(border.request))
}

// run executes the request and returns the length of the answer.
//
//go:wasmexport kithOmemoRun
func run() uint32 {
	if border.traffic > collectAfter {
		border.traffic = 0
		border.answer = nil
		runtime.GC()
	}
	border.answer = call(border.request, border.answer[:0])
	border.traffic += len(border.request) + len(border.answer)
	return uint32(len(border.answer))
}

// answer returns the address of the answer.
//
//go:wasmexport kithOmemoAnswer
func answer() unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(border.answer)) }
