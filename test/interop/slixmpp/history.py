# SPDX-License-Identifier: AGPL-3.0-or-later
"""What was said: the archive, what one wants archived, the list of conversations, mentions passed through."""
from slixmpp.xmlstream.handler import Callback
from slixmpp.xmlstream.matcher import MatchXPath

from kithtest import people, tell, words

MAM, INBOX = "{urn:xmpp:mam:2}", "{urn:xmpp:inbox:1}"


async def story():
    out = {}
    a, b = await people("xep_0030", "xep_0059", "xep_0313", "xep_0441")
    for n in range(25):
        heard = b.expect("message", lambda m, n=n: m["body"] == f"message {n}")
        a.send_message(mto=b.boundjid.bare, mbody=f"message {n}", mtype="chat")
        last = await heard
    bodies, ids = [], []
    async for msg in b["xep_0313"].iterate(with_jid=a.boundjid.bare, rsm={"max": 10}):
        bodies.append(msg["mam_result"]["forwarded"]["stanza"]["body"])
        ids.append(msg["mam_result"]["id"])
    out["archive"] = bodies == [f"message {n}" for n in range(25)]
    stable = last.xml.find("{urn:xmpp:sid:0}stanza-id").attrib["id"]
    out["stable"] = ids[-1] == stable
    meta = await b["xep_0313"].get_archive_metadata()
    out["metadata"] = meta["mam_metadata"]["end"]["id"] == stable

    # The list of conversations, in one round trip; displayed is what the client says.
    async def inbox():
        fin = await b.ask("<inbox xmlns='urn:xmpp:inbox:1'/>")
        fin = fin.find(INBOX + "fin")
        return [fin.attrib[k] for k in ("total", "unread", "all-unread")]

    entries = []

    def note(stanza):
        entry = stanza.xml.find(INBOX + "entry")
        if entry is not None:
            result = stanza.xml.find(MAM + "result")
            entries.append([entry.attrib["jid"], entry.attrib["unread"], entry.attrib["id"] == stable, "message 24" in words(result)])

    b.register_handler(Callback("inbox", MatchXPath("{jabber:client}message/" + INBOX + "entry"), note))
    out["inbox"] = await inbox()
    out["inbox_entries"] = entries[:]
    await b.ask("<pubsub xmlns='http://jabber.org/protocol/pubsub'><publish node='urn:xmpp:mds:displayed:0'><item id='%s'>"
                "<displayed xmlns='urn:xmpp:mds:displayed:0'><stanza-id xmlns='urn:xmpp:sid:0' id='%s' by='%s'/></displayed>"
                "</item></publish></pubsub>" % (a.boundjid.bare, stable, b.boundjid.bare), "set")
    out["inbox_displayed"] = await inbox()

    # A mention is passed on as it is, and archived so.
    mention = ("<reference xmlns='urn:xmpp:reference:0' type='mention' begin='0' end='3' uri='xmpp:%s'/>" % b.boundjid.bare)
    heard = b.expect("message", lambda m: m["body"] == "Bob, come here")
    a.say(b.boundjid.bare, [mention], body="Bob, come here")
    out["mention"] = (await heard).xml.find("{urn:xmpp:reference:0}reference").attrib["uri"] == "xmpp:" + b.boundjid.bare

    # Bob wants nothing archived of Alice.
    await b["xep_0441"].set_preferences(default="always", always=[], never=[a.boundjid.bare])
    default, _, never = await b["xep_0441"].get_preferences()
    out["prefs"] = [default, [str(j) for j in never]]
    heard = b.expect("message", lambda m: m["body"] == "off the record")
    a.send_message(mto=b.boundjid.bare, mbody="off the record", mtype="chat")
    await heard
    later = [m["mam_result"]["forwarded"]["stanza"]["body"] async for m in b["xep_0313"].iterate(with_jid=a.boundjid.bare)]
    out["not_archived"] = later[-1]
    return out


tell(story)
