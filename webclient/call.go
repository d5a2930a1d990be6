// SPDX-License-Identifier: AGPL-3.0-or-later

//go:build js && wasm

package main

import "kith/omemo"

// function is one exported function: it reads its arguments and writes the fields of its result.
type function func(args arguments, out *writer) error

// functions by the number that JavaScript calls: their place in its list, as the comments tell (TestNames).
func functions(number byte) function {
	switch number {
	case 0: // newDeviceId
		return newDeviceID
	case 1: // create
		return create
	case 2: // identity
		return ownIdentity
	case 3: // exportSeed
		return exportSeed
	case 4: // bundle
		return publicBundle
	case 5: // maintain
		return maintain
	case 6: // signLabel
		return signLabel
	case 7: // verifyLabel
		return verifyLabel
	case 8: // encrypt
		return encrypt
	case 9: // planSeal
		return planSeal
	case 10: // seal
		return seal
	case 11: // check
		return check
	case 12: // decrypt
		return decrypt
	case 13: // settleNeeds
		return settleNeeds
	case 14: // settle
		return settle
	case 15: // knownKeys
		return knownKeys
	case 16: // setTrust
		return setTrust
	case 17: // formatUri
		return formatURI
	case 18: // parseUri
		return parseURI
	}
	return nil
}

// call runs one packed request, the number of the function and its arguments, and returns the packed result object, in the
// memory of room if that is large enough. Whatever goes wrong becomes an error object.
func call(request, room []byte) (answer []byte) {
	defer func() {
		switch failure := recover().(type) {
		case nil:
		case badArgument:
			answer = errorObject("argument", "must be "+failure.want, failure.name)
		case error:
			answer = errorObject("internal", failure.Error(), 0)
		default:
			answer = errorObject("internal", "", 0)
		}
	}()
	r := reader{request}
	f := functions(r.byte())
	if f == nil {
		panic(badArgument{nCode, "that of a function"})
	}
	var args [3]value
	n := 0
	for ; len(r.data) > 0 && n < len(args); n++ {
		args[n] = r.value(nProperty)
	}
	out := newWriter(room)
	if err := f(args[:n], out); err != nil {
		return errorObject(string(omemo.CodeOf(err)), err.Error(), 0)
	}
	return out.finish()
}

// errorObject is the result of a failure; about the argument of a name, if there is one.
func errorObject(code, message string, about name) []byte {
	out := newWriter(nil)
	out.nested(nError, func() {
		out.text(nCode, code)
		out.text(nMessage, message)
		if about != 0 {
			out.number(nProperty, int64(about))
		}
	})
	return out.finish()
}
