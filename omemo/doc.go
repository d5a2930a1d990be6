// SPDX-License-Identifier: AGPL-3.0-or-later

// Package omemo is the cryptographic core of OMEMO (XEP-0384) in both versions that are in use:
// "eu.siacs.conversations.axolotl" (0.3) and "urn:xmpp:omemo:2".
//
// It is pure: records and wire bytes go in, wire bytes and changed records come out. It opens no file,
// reads no clock, keeps no state between two calls and prints nothing, so that it runs unchanged in a
// server-side tool, in a test and as WebAssembly in a browser worker. Randomness is crypto/rand.
//
// # Storage
//
// The caller owns storage. Everything the core has to remember lives in records: opaque, versioned byte
// strings under a string key. An operation is used in three steps:
//
//  1. ask which records it needs (EncryptNeeds, DecryptNeeds, ...) and read exactly these into a Records
//     map, with a nil value for every key that does not exist;
//  2. call the operation, which returns its result and a list of Change;
//  3. commit all changes, together with what the result is for (the outgoing stanza, the plaintext), in
//     one transaction, and only then send or acknowledge.
//
// A record that was not read is an error (CodeNotRead), never silently a new session. An operation that
// returns an error returns no changes: a forged, repeated or damaged message leaves every record as it was.
//
// # Operations
//
// Create makes the identity of a device and its first prekeys, PublicBundle what the device publishes,
// Maintain refills and rotates prekeys. Seal encrypts a message for any number of devices, each in the best version
// that it announces, with the envelope of omemo:2 around it; PlanSeal tells which bundles it will need. Encrypt, Plan
// and Start are the same where the caller chooses versions and makes the envelope. Decrypt handles one message,
// CheckEnvelope and CheckHeader judge it: for whom and by whom it was written, and how well it was protected. Settle sends the
// empty messages that the protocol owes (answers to key exchanges, heartbeats). Trust decisions are kept in one
// record per bare JID and are enforced by Encrypt and Seal.
//
// # What the server cannot change unseen
//
// OMEMO authenticates the payload, not for whom it was encrypted, and not which devices an account has. Seal puts both
// into the envelope of omemo:2 (NamespaceAffixes), CheckEnvelope compares. In 0.3 only the text is protected, and not
// from other recipients of the same message; Protection is how callers keep the difference.
//
// One identity key and one device id serve both versions; the versions differ only in the parameter table
// of version.go.
package omemo
