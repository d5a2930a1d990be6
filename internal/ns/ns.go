// Package ns names the XML namespaces of the protocols that Kith speaks.
package ns

// RFC 6120, RFC 6121, RFC 7395.
const (
	Client      = "jabber:client"
	Server      = "jabber:server"
	Component   = "jabber:component:accept" // XEP-0114
	Stream      = "http://etherx.jabber.org/streams"
	Streams     = "urn:ietf:params:xml:ns:xmpp-streams"
	Stanzas     = "urn:ietf:params:xml:ns:xmpp-stanzas"
	TLS         = "urn:ietf:params:xml:ns:xmpp-tls"
	SASL        = "urn:ietf:params:xml:ns:xmpp-sasl"
	Bind        = "urn:ietf:params:xml:ns:xmpp-bind"
	Session     = "urn:ietf:params:xml:ns:xmpp-session"
	Framing     = "urn:ietf:params:xml:ns:xmpp-framing"
	XML         = "http://www.w3.org/XML/1998/namespace"
	XMLNS       = "http://www.w3.org/2000/xmlns/"
	Roster      = "jabber:iq:roster"
	RosterVer   = "urn:xmpp:features:rosterver"
	PreApproval = "urn:xmpp:features:pre-approval"
)

// XEPs, by number.
const (
	DataForms       = "jabber:x:data"                            // XEP-0004
	DiscoInfo       = "http://jabber.org/protocol/disco#info"    // XEP-0030
	DiscoItems      = "http://jabber.org/protocol/disco#items"   // XEP-0030
	MUC             = "http://jabber.org/protocol/muc"           // XEP-0045
	MUCUser         = "http://jabber.org/protocol/muc#user"      // XEP-0045
	PrivateStorage  = "jabber:iq:private"                        // XEP-0049
	Commands        = "http://jabber.org/protocol/commands"      // XEP-0050
	VCardTemp       = "vcard-temp"                               // XEP-0054
	RSM             = "http://jabber.org/protocol/rsm"           // XEP-0059
	PubSub          = "http://jabber.org/protocol/pubsub"        // XEP-0060
	PubSubEvent     = "http://jabber.org/protocol/pubsub#event"  // XEP-0060
	PubSubOwner     = "http://jabber.org/protocol/pubsub#owner"  // XEP-0060
	PubSubErrors    = "http://jabber.org/protocol/pubsub#errors" // XEP-0060
	Register        = "jabber:iq:register"                       // XEP-0077
	RegisterFeature = "http://jabber.org/features/iq-register"   // XEP-0077
	ChatStates      = "http://jabber.org/protocol/chatstates"    // XEP-0085
	Version         = "jabber:iq:version"                        // XEP-0092
	Caps            = "http://jabber.org/protocol/caps"          // XEP-0115
	OfflineFeature  = "msgoffline"                               // XEP-0160
	Nick            = "http://jabber.org/protocol/nick"          // XEP-0172
	Receipts        = "urn:xmpp:receipts"                        // XEP-0184
	Blocking        = "urn:xmpp:blocking"                        // XEP-0191
	BlockingErrors  = "urn:xmpp:blocking:errors"                 // XEP-0191
	SM              = "urn:xmpp:sm:3"                            // XEP-0198
	Ping            = "urn:xmpp:ping"                            // XEP-0199
	Time            = "urn:xmpp:time"                            // XEP-0202
	Delay           = "urn:xmpp:delay"                           // XEP-0203
	ExtDisco        = "urn:xmpp:extdisco:2"                      // XEP-0215
	Carbons         = "urn:xmpp:carbons:2"                       // XEP-0280
	CarbonsRules    = "urn:xmpp:carbons:rules:0"                 // XEP-0280
	Forward         = "urn:xmpp:forward:0"                       // XEP-0297
	MAM             = "urn:xmpp:mam:2"                           // XEP-0313
	MAMExtended     = "urn:xmpp:mam:2#extended"                  // XEP-0313
	FullText        = "urn:xmpp:fulltext:0"                      // XEP-0431
	ChatMarkers     = "urn:xmpp:chat-markers:0"                  // XEP-0333
	Hints           = "urn:xmpp:hints"                           // XEP-0334
	CSI             = "urn:xmpp:csi:0"                           // XEP-0352
	JingleMessage   = "urn:xmpp:jingle-message:0"                // XEP-0353
	StanzaID        = "urn:xmpp:sid:0"                           // XEP-0359
	PARS            = "urn:xmpp:pars:0"                          // XEP-0379
	EME             = "urn:xmpp:eme:0"                           // XEP-0380
	OMEMOLegacy     = "eu.siacs.conversations.axolotl"           // XEP-0384 (0.3)
	OMEMO2          = "urn:xmpp:omemo:2"                         // XEP-0384
	Bind2           = "urn:xmpp:bind:0"                          // XEP-0386
	SASL2           = "urn:xmpp:sasl:2"                          // XEP-0388
	Invite          = "urn:xmpp:invite"                          // XEP-0401
	InviteInvite    = "urn:xmpp:invite#invite"                   // XEP-0401
	InviteCreate    = "urn:xmpp:invite#create-account"           // XEP-0401
	Bookmarks       = "urn:xmpp:bookmarks:1"                     // XEP-0402
	Retract         = "urn:xmpp:message-retract:1"               // XEP-0424
	ChannelBinding  = "urn:xmpp:sasl-cb:0"                       // XEP-0440
	Reactions       = "urn:xmpp:reactions:0"                     // XEP-0444
	IBRToken        = "urn:xmpp:ibr-token:0"                     // XEP-0445
	StreamLimits    = "urn:xmpp:stream-limits:0"                 // XEP-0478
	SASLUpgrade     = "urn:xmpp:sasl:upgrade:0"                  // XEP-0480
	ScramUpgrade    = "urn:xmpp:scram-upgrade:0"                 // XEP-0480
	FAST            = "urn:xmpp:fast:0"                          // XEP-0484
	Inbox           = "urn:xmpp:inbox:1"                         // XEP-0430
	MDS             = "urn:xmpp:mds:displayed:0"                 // XEP-0490
	ClientAccess    = "urn:xmpp:cam:0"                           // XEP-0494
)

// Kith's own, used between its server and its web app (each has a golden example in test/stanzas).
const (
	KithAccount     = "kith:account:0"
	KithCredentials = "kith:credentials:0"
	KithCircle      = "kith:circle:0"
	KithGuardian    = "kith:guardian:0"
	KithPairing     = "kith:pairing:0"
	KithPrivacy     = "kith:privacy:0"
	KithGroupLink   = "kith:grouplink:0"
	KithMaps        = "kith:maps:0"
)
