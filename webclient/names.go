// SPDX-License-Identifier: AGPL-3.0-or-later

//go:build js && wasm

package main

// name is a property of an object, in one byte: kith-omemo.js has the same list in the same order, as the comments tell
// (TestNames). Of the first four the value is a word.
type name byte

const (
	nVersion               name = iota // version
	nPolicy                            // policy
	nKind                              // kind
	nTrust                             // trust
	nNow                               // now
	nJID                               // jid
	nDevice                            // device
	nKey                               // key
	nReason                            // reason
	nKeys                              // keys
	nChanges                           // changes
	nValue                             // value
	nV03                               // v03
	nV2                                // v2
	nV2Failed                          // v2Failed
	nAllowWeaker                       // allowWeaker
	nRenew                             // renew
	nBundle                            // bundle
	nTargets                           // targets
	nBody                              // body
	nContent                           // content
	nTo                                // to
	nDropStale                         // dropStale
	nWithdrawn                         // withdrawn
	nFallback                          // fallback
	nKnown                             // known
	nFirstSeen                         // firstSeen
	nFrom                              // from
	nSelf                              // self
	nGroup                             // group
	nSentAt                            // sentAt
	nOwnListed                         // ownListed
	nSenderListed                      // senderListed
	nAffixes                           // affixes
	nTime                              // time
	nRecipients                        // recipients
	nDevices                           // devices
	nLevel                             // level
	nFindings                          // findings
	nSeed                              // seed
	nCatchUp                           // catchUp
	nTaken                             // taken
	nLabel                             // label
	nSignature                         // signature
	nURI                               // uri
	nIdentityKey                       // identityKey
	nSignedPreKeyID                    // signedPreKeyId
	nSignedPreKey                      // signedPreKey
	nSignedPreKeySignature             // signedPreKeySignature
	nPreKeys                           // preKeys
	nID                                // id
	nPublish                           // publish
	nText                              // text
	nData                              // data
	nIV                                // iv
	nPayload                           // payload
	nPlaintext                         // plaintext
	nTransportKey                      // transportKey
	nNewKey                            // newKey
	nKeyChanged                        // keyChanged
	nNewSession                        // newSession
	nPreKeyUsed                        // preKeyUsed
	nDue                               // due
	nEnvelope                          // envelope
	nSkipped                           // skipped
	nElements                          // elements
	nKeyExchange                       // keyExchange
	nUnanswered                        // unanswered
	nMessages                          // messages
	nElement                           // element
	nError                             // error
	nCode                              // code
	nMessage                           // message
	nProperty                          // property
)

// word is a string of which there are only a few, in one byte, likewise.
type word byte

const (
	wV03          word = iota // eu.siacs.conversations.axolotl
	wV2                       // urn:xmpp:omemo:2
	wBTBV                     // btbv
	wAsk                      // ask
	wMessage                  // message
	wEmpty                    // empty
	wKeyTransport             // keyTransport
	wUndecided                // undecided
	wBlind                    // blind
	wVerified                 // verified
	wDistrusted               // distrusted
)
