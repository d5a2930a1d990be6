// SPDX-License-Identifier: AGPL-3.0-or-later

//go:build js && wasm

package main

import "kith/omemo"

// function is one exported function: it reads its arguments and writes the fields of its result.
type function func(args arguments, out *writer) error

// functions by the name that JavaScript calls.
func functions(name string) function {
	switch name {
	case "newDeviceId":
		return newDeviceID
	case "create":
		return create
	case "identity":
		return ownIdentity
	case "exportSeed":
		return exportSeed
	case "bundle":
		return publicBundle
	case "maintain":
		return maintain
	case "signLabel":
		return signLabel
	case "verifyLabel":
		return verifyLabel
	case "encryptNeeds":
		return encryptNeeds
	case "plan":
		return plan
	case "start":
		return start
	case "encrypt":
		return encrypt
	case "sealNeeds":
		return sealNeeds
	case "planSeal":
		return planSeal
	case "seal":
		return seal
	case "checkNeeds":
		return checkNeeds
	case "check":
		return check
	case "decryptNeeds":
		return decryptNeeds
	case "decrypt":
		return decrypt
	case "settleNeeds":
		return settleNeeds
	case "settle":
		return settle
	case "session":
		return inspectSession
	case "sessionKey":
		return sessionKey
	case "trustKey":
		return trustKey
	case "knownKeys":
		return knownKeys
	case "setTrust":
		return setTrust
	case "fingerprint":
		return fingerprint
	case "parseFingerprint":
		return parseFingerprint
	case "formatUri":
		return formatURI
	case "parseUri":
		return parseURI
	}
	return nil
}

// call runs one packed request, an array of the function's name and its arguments, and returns the packed
// result object, in the memory of room if that is large enough. Whatever goes wrong becomes an error object.
func call(request, room []byte) (answer []byte) {
	defer func() {
		switch failure := recover().(type) {
		case nil:
		case badArgument:
			answer = errorObject("argument", string(failure))
		case error:
			answer = errorObject("internal", failure.Error())
		default:
			answer = errorObject("internal", "")
		}
	}()
	r := reader{request}
	args := r.value().array("request")
	if len(args) == 0 {
		panic(badArgument("request is empty"))
	}
	f := functions(args[0].text("name"))
	if f == nil {
		panic(badArgument("no such function"))
	}
	out := newWriter(room)
	if err := f(arguments(args[1:]), out); err != nil {
		return errorObject(string(omemo.CodeOf(err)), err.Error())
	}
	return out.finish()
}

func errorObject(code, message string) []byte {
	out := newWriter(nil)
	out.nested("error", func() {
		out.text("code", code)
		out.text("message", message)
	})
	return out.finish()
}

// arguments are the arguments of a call.
type arguments []value

func (a arguments) at(i int) value {
	if i >= len(a) {
		return value{}
	}
	return a[i]
}

func (a arguments) object(i int) value { return a.at(i).object("argument") }

// records takes an object as stored records: bytes, or null for a record that does not exist. A property that
// is missing was not read; the core complains if it needs it.
func (a arguments) records(i int) omemo.Records {
	records := make(omemo.Records, 8)
	for r := (reader{a.object(i).data}); len(r.data) > 0; {
		key := string(r.take(r.uint32()))
		records[key] = r.value().optionalBytes(key)
	}
	return records
}
