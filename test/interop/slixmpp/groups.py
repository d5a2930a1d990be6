# SPDX-License-Identifier: AGPL-3.0-or-later
"""A private group: made, joined by invitation, its archive, moderation, a picture, being there or not."""
from slixmpp import JID
from slixmpp.exceptions import IqError, PresenceError

from kithtest import people, tell, words

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


async def story():
    out = {}
    a, b = await people("xep_0030", "xep_0045", "xep_0249", "xep_0313", "xep_0199", "xep_0421", "xep_0054")
    room = JID("family@groups." + a.boundjid.domain)
    await a["xep_0045"].join_muc_wait(room, "alice", maxstanzas=0, timeout=30)
    form = await a["xep_0045"].get_room_config(room)
    out["default"] = {v: form["values"][v] for v in (
        "muc#roomconfig_membersonly", "muc#roomconfig_persistentroom", "muc#roomconfig_publicroom", "muc#roomconfig_whois")}
    form["type"] = "submit"
    form["values"] = {"muc#roomconfig_roomname": "The family"}
    await a["xep_0045"].set_room_config(room, form)
    try:
        await b["xep_0045"].join_muc_wait(room, "bob", maxstanzas=0, timeout=30)
    except PresenceError as e:
        out["uninvited"] = e.condition

    invited = b.sees(lambda m: m["from"].bare == room.bare and "invite" in str(m))
    a["xep_0045"].invite(room, b.boundjid.bare, reason="dinner")
    out["invited"] = (await invited)["from"].bare == room.bare
    direct = b.sees(lambda m: "jabber:x:conference" in str(m))
    a["xep_0249"].send_invitation(b.boundjid.bare, room, reason="again")
    out["direct"] = room.bare in str(await direct)
    await b["xep_0045"].join_muc_wait(room, "bob", maxstanzas=0, timeout=30)

    heard = a.expect("groupchat_message", lambda m: m["body"] == "alice, hello")
    b.say(room, ["<reference xmlns='urn:xmpp:reference:0' type='mention' begin='0' end='5' uri='xmpp:%s'/>" % a.boundjid.bare], "groupchat", "alice, hello")
    said = await heard
    out["mention"] = said.xml.find("{urn:xmpp:reference:0}reference").attrib["uri"] == "xmpp:" + a.boundjid.bare
    out["occupant_id"] = said.xml.find("{urn:xmpp:occupant-id:0}occupant-id").attrib["id"] != ""
    stable = said.xml.find("{urn:xmpp:sid:0}stanza-id").attrib["id"]

    # Alice takes it back for everybody; what is left in the archive is a tombstone.
    gone = b.sees(lambda m: "urn:xmpp:message-retract:1" in str(m) and stable in str(m))
    await a.ask("<moderate xmlns='urn:xmpp:message-moderate:1' id='%s'><retract xmlns='urn:xmpp:message-retract:1'/><reason>rude</reason></moderate>" % stable, "set", room)
    out["moderated"] = "rude" in str(await gone)
    try:
        await b.ask("<moderate xmlns='urn:xmpp:message-moderate:1' id='%s'><retract xmlns='urn:xmpp:message-retract:1'/></moderate>" % stable, "set", room)
    except IqError as e:
        out["no_moderator"] = e.condition
    heard = b.expect("groupchat_message", lambda m: m["body"] == "dinner is ready")
    a.send_message(mto=room, mbody="dinner is ready", mtype="groupchat")
    await heard
    history = [str(m["mam_result"]["forwarded"]["stanza"]) async for m in b["xep_0313"].iterate(jid=room)]
    out["archive"] = [any("dinner is ready" in m for m in history), any("alice, hello" in m for m in history), any("retracted" in m for m in history)]

    # Is one still there? (XEP-0410)
    out["self_ping"] = (await b.ask("<ping xmlns='urn:xmpp:ping'/>", to=f"{room}/bob")).attrib["type"]
    b["xep_0045"].leave_muc(room, "bob")
    try:
        await b.ask("<ping xmlns='urn:xmpp:ping'/>", to=f"{room}/bob")
    except IqError as e:
        out["self_ping_outside"] = e.condition

    # The picture of the group.
    await a.ask("<vCard xmlns='vcard-temp'><PHOTO><TYPE>image/png</TYPE><BINVAL>%s</BINVAL></PHOTO></vCard>" % PNG, "set", room)
    out["picture"] = PNG in words(await b.ask("<vCard xmlns='vcard-temp'/>", to=room))
    # Not on the list of anybody.
    out["listed"] = room.bare in words(await b.ask("<query xmlns='http://jabber.org/protocol/disco#items'/>", to=room.domain))
    return out


tell(story)
