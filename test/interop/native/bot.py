#!/usr/bin/python3
# SPDX-License-Identifier: AGPL-3.0-or-later
"""A person with slixmpp and python-omemo, who accepts everybody and says what they are told to.

Told by environment variables: KITH_JID, KITH_PASSWORD, KITH_PORT, KITH_CERT (of the server), KITH_TLS (starttls or direct),
KITH_OMEMO (old: 0.3, the default; both: 0.3 and omemo:2 with its envelope).
Every line on standard input is something to do, as JSON: {"do": "say", "to": ..., "text": ..., "clear": true or absent} (a group is
said by "room": true, a correction by "replace": the id of what it corrects), {"do": "react", "to": ..., "ref": ..., "emojis": [...]},
{"do": "retract", "to": ..., "ref": ...}, {"do": "marker", "to": ..., "ref": ...}, {"do": "displayed", "chat": ..., "id": ...},
{"do": "join", "room": ..., "nick": ...}, {"do": "away"}, {"do": "back"}, {"do": "history", "chat": ...} or {"do": "leave"}.
Every line on standard output is something that happened: online (with the own code), away, contact, invited, joined, said, message
(with the version in which it was, and its id), edited, reacted, retracted, marker (somebody has displayed what is up to this id),
displayed (an own device has, up to this id in the archive), history (what the archive tells, with what was done to it), error.
"copy": true is with what another own device has sent or got.
"""

import asyncio
import json
import logging
import os
import ssl
import sys
import uuid
import xml.etree.ElementTree as ET

import oldmemo
import oldmemo.etree
import omemo
import slixmpp
import twomemo
import twomemo.etree
from slixmpp.exceptions import IqError
from slixmpp.xmlstream.handler import Callback, CoroutineCallback
from slixmpp.xmlstream.matcher import MatchXPath

from protection import CLIENT, DEVICES, OLD, TWO, VERSIONS, Memory, envelope, opened, sessions

HINTS = "urn:xmpp:hints"
SID = "urn:xmpp:sid:0"
RECEIPTS = "urn:xmpp:receipts"
MARKERS = "urn:xmpp:chat-markers:0"
DISPLAYED = "urn:xmpp:mds:displayed:0"
CORRECTION = "urn:xmpp:message-correct:0"
RETRACTION = "urn:xmpp:message-retract:1"
REACTIONS = "urn:xmpp:reactions:0"
FORWARDED = "{urn:xmpp:forward:0}forwarded"
CARBONS = "urn:xmpp:carbons:2"
MAM = "urn:xmpp:mam:2"
RSM = "http://jabber.org/protocol/rsm"
MUC_ADMIN = "http://jabber.org/protocol/muc#admin"


def happened(what=None, **facts):
    print(json.dumps(facts if what is None else {"is": what, **facts}), flush=True)


def element(name, namespace, **attributes):
    return ET.Element(f"{{{namespace}}}{name}", attributes)


class Bot(slixmpp.ClientXMPP):
    def __init__(self):
        super().__init__(os.environ["KITH_JID"], os.environ["KITH_PASSWORD"])
        # Its channel binding is tls-unique, which TLS 1.3 does not have.
        self.ssl_context.maximum_version = ssl.TLSVersion.TLSv1_2
        self.ca_certs = os.environ["KITH_CERT"]
        self.whitespace_keepalive = False
        self.auto_authorize = self.auto_subscribe = True
        for plugin in ("xep_0030", "xep_0045", "xep_0060", "xep_0115", "xep_0163", "xep_0184", "xep_0199", "xep_0249"):
            self.register_plugin(plugin)
        self.sessions = None
        self.nicks = {}
        #: What it sent itself by the ids of the stanzas, which it could not decrypt; and all that it knows by the ids in the archive.
        self.sent, self.kept = {}, {}
        self.results = []
        #: One message after the other, in the order in which they came.
        self.turn = asyncio.Lock()
        self.register_handler(Callback("archived", MatchXPath(f"{{{CLIENT}}}message/{{{MAM}}}result"),
                                       lambda it: self.results.append(it.xml.find(f"{{{MAM}}}result"))))
        self.register_handler(CoroutineCallback("all messages", MatchXPath(f"{{{CLIENT}}}message"), self.read))
        self.add_event_handler("session_start", self.begin)
        self.add_event_handler("changed_status", self.seen)
        self.add_event_handler("pubsub_publish", self.announced)
        self.add_event_handler("groupchat_direct_invite", lambda it: happened("invited", address=str(it["groupchat_invite"]["jid"])))
        self.add_event_handler("groupchat_invite", lambda it: happened("invited", address=it["from"].bare))
        for failure in ("failed_all_auth", "connection_failed"):
            self.add_event_handler(failure, lambda why, failure=failure: happened("error", text=f"{failure}: {why}"))

    def begin_stream(self):
        self.connect(("127.0.0.1", int(os.environ["KITH_PORT"])), use_ssl=os.environ["KITH_TLS"] == "direct")

    # what it does

    async def begin(self, _):
        await self.get_roster()
        first = self.sessions is None
        if first:
            memory = Memory()
            self.sessions = await sessions(self).create(
                [twomemo.Twomemo(memory) if namespace == TWO else oldmemo.Oldmemo(memory) for namespace in VERSIONS], memory, self.boundjid.bare, None, "undecided")
            await self.sessions.after_history_sync()
            for node in (*(DEVICES[namespace] for namespace in VERSIONS), DISPLAYED):
                self["xep_0163"].add_interest(node)
        copies = self.make_iq_set()
        copies.xml.append(element("enable", CARBONS))
        await copies.send()
        own, _ = await self.sessions.get_own_device_information()
        self.send_presence()
        happened("online" if first else "back", code="".join(self.sessions.format_identity_key(own.identity_key)),
                 tls=self.transport.get_extra_info("cipher") is not None)

    async def away(self):
        gone = self.wait_until("disconnected", timeout=20)
        self.disconnect()
        await gone
        happened("away")

    async def back(self):
        self.begin_stream()

    async def join(self, room, nick):
        self.nicks[room] = nick
        await self["xep_0045"].join_muc_wait(slixmpp.JID(room), nick, maxstanzas=20, timeout=20)
        happened("joined", address=room)

    async def say(self, to, text, clear=False, room=False, replace=None):
        stanza = self.prepared(to, room)
        if not room:
            stanza.xml.extend([element("request", RECEIPTS), element("markable", MARKERS)])
        fact = {"is": "message", "text": text} if replace is None else {"is": "edited", "text": text, "ref": replace}
        elements = [] if replace is None else [element("replace", CORRECTION, id=replace)]
        if clear:
            stanza["body"] = text
            self.sent[stanza["id"]] = fact
            stanza.send()
        else:
            await self.send_protected(stanza, fact, elements, text, room)
        happened("said", text=text, id=stanza["id"])

    async def react(self, to, ref, emojis):
        reactions = element("reactions", REACTIONS, id=ref)
        for emoji in emojis:
            ET.SubElement(reactions, f"{{{REACTIONS}}}reaction").text = emoji
        await self.send_protected(self.prepared(to), {"is": "reacted", "ref": ref, "emojis": emojis}, [reactions])

    async def retract(self, to, ref):
        await self.send_protected(self.prepared(to), {"is": "retracted", "ref": ref}, [element("retract", RETRACTION, id=ref)])

    async def marker(self, to, ref):
        """XEP-0333: tells somebody, and by the copy one's own devices, that what is up to this message was displayed."""
        stanza = self.prepared(to)
        stanza.xml.append(element("displayed", MARKERS, id=ref))
        stanza.send()

    async def displayed(self, chat, id):
        """XEP-0490: tells one's own devices alone, by the id of the message in the archive."""
        payload = element("displayed", DISPLAYED)
        payload.append(element("stanza-id", SID, id=id, by=self.boundjid.bare))
        await self.publish(DISPLAYED, chat, payload, access_model="whitelist", send_last_published_item="never")

    async def history(self, chat):
        """The whole archive of a chat (XEP-0313), with what was done to the messages in it."""
        known, after = [], None
        while True:
            query = ET.Element(f"{{{MAM}}}query")
            form = self["xep_0004"].make_form(ftype="submit")
            form.add_field(var="FORM_TYPE", ftype="hidden", value=MAM)
            form.add_field(var="with", value=chat)
            page = element("set", RSM)
            ET.SubElement(page, f"{{{RSM}}}max").text = "50"
            if after is not None:
                ET.SubElement(page, f"{{{RSM}}}after").text = after
            query.extend([form.xml, page])
            iq = self.make_iq_set()
            iq.xml.append(query)
            fin = (await iq.send()).xml.find(f"{{{MAM}}}fin")
            results, self.results = self.results, []
            async with self.turn:
                for result in results:
                    if result.get("id") not in self.kept:
                        await self.take(result.find(f"{FORWARDED}/{{{CLIENT}}}message"), archive=result.get("id"))
                    known.append(self.kept.get(result.get("id")))
            after = fin.findtext(f"{{{RSM}}}set/{{{RSM}}}last")
            if fin.get("complete") == "true" or after is None:
                break
        happened("history", address=chat, messages=folded(fact for fact in known if fact is not None))

    def prepared(self, to, room=False):
        stanza = self.make_message(mto=to, mtype="groupchat" if room else "chat")
        stanza["id"] = str(uuid.uuid4())
        stanza.xml.append(element("origin-id", SID, id=stanza["id"]))
        stanza.xml.append(element("store", HINTS))
        return stanza

    async def send_protected(self, stanza, fact, elements, text=None, room=False):
        """Of what has no text, 0.3 can encrypt nothing."""
        self.sent[stanza["id"]] = fact
        versions = [namespace for namespace in VERSIONS if namespace == TWO or text is not None]
        if versions:
            to = stanza["to"].bare
            people = await self.members(to) if room else [to]
            for jid in people:
                for namespace in versions:
                    await self.sessions.refresh_device_list(namespace, jid)
            plain = {TWO: envelope(self.boundjid.bare, to, text, elements)}
            if text is not None:
                plain[OLD] = text.encode()
            messages, errors = await self.sessions.encrypt(frozenset(people), {namespace: plain[namespace] for namespace in versions})
            for error in errors:
                happened("error", text=repr(error))
            self.add_encrypted(stanza, messages)
        if TWO not in versions:
            stanza.xml.extend(elements)
        if text is not None:
            stanza["body"] = "I sent you an encrypted message."
        stanza.send()

    async def members(self, room):
        """Everybody who belongs to it, here or not (XEP-0384 section 5.8)."""
        people = set()
        for affiliation in ("owner", "admin", "member"):
            iq = self.make_iq_get(ito=room)
            query = ET.SubElement(iq.xml, f"{{{MUC_ADMIN}}}query")
            ET.SubElement(query, f"{{{MUC_ADMIN}}}item").set("affiliation", affiliation)
            answer = await iq.send()
            people |= {slixmpp.JID(item.get("jid")).bare for item in answer.xml.iter(f"{{{MUC_ADMIN}}}item")}
        return sorted(people - {self.boundjid.bare})

    def send_keys(self, to, messages):
        """Messages of python-omemo that say nothing but what their sessions need."""
        stanza = self.prepared(to)
        self.add_encrypted(stanza, messages)
        stanza.send()

    @staticmethod
    def add_encrypted(stanza, messages):
        for message in messages:
            stanza.xml.append(VERSIONS[message.namespace].etree.serialize_message(message))

    async def publish(self, node, item, payload, access_model="open", **more):
        options = self["xep_0004"].make_form(ftype="submit")
        options.add_field(var="FORM_TYPE", ftype="hidden", value="http://jabber.org/protocol/pubsub#publish-options")
        options.add_field(var="pubsub#access_model", value=access_model)
        options.add_field(var="pubsub#persist_items", value="true")
        if item != "current":
            options.add_field(var="pubsub#max_items", value="max")
        for name, value in more.items():
            options.add_field(var=f"pubsub#{name}", value=value)
        await self["xep_0060"].publish(self.boundjid.bare, node, id=item, payload=payload, options=options)

    async def payload(self, jid, node, item):
        # There is one item where it is the current one, whatever others call it.
        try:
            answer = await self["xep_0060"].get_items(jid, node, item_ids=None if item == "current" else [item])
        except IqError as error:
            if error.condition in ("item-not-found", "not-authorized"):  # without a node nobody else may look
                return None
            raise
        items = list(answer["pubsub"]["items"])
        return items[-1]["payload"] if items else None

    # what happens to it

    async def read(self, stanza):
        if stanza.xml.find(f"{{{MAM}}}result") is None:
            async with self.turn:
                try:
                    await self.take(stanza.xml)
                except Exception as error:  # told to whoever waits for it
                    happened("error", text=repr(error))

    async def take(self, message, copy=False, archive=None):
        own = self.boundjid.bare
        sender = slixmpp.JID(message.get("from", own)).bare
        if message.get("type") == "error":
            happened("error", text=ET.tostring(message, "unicode"))
            return
        for way in ("sent", "received"):
            carbon = message.find(f"{{{CARBONS}}}{way}")
            if carbon is not None and sender == own:
                await self.take(carbon.find(f"{FORWARDED}/{{{CLIENT}}}message"), copy=True)
                return
        room = sender if message.get("type") == "groupchat" else None
        if room is not None:
            nick = slixmpp.JID(message.get("from")).resource
            if nick in ("", self.nicks.get(room)):
                return  # of the room itself, or our own
            sender = slixmpp.JID(self["xep_0045"].get_jid_property(slixmpp.JID(room), nick, "jid")).bare
        origin = message.find(f"{{{SID}}}origin-id")
        ident = message.get("id") if origin is None else origin.get("id")
        archive = archive or next((it.get("id") for it in message.findall(f"{{{SID}}}stanza-id") if it.get("by") == own), None)
        fact = self.sent.get(ident) if sender == own else None
        if fact is not None:
            fact = {**fact, "sender": own}
        else:
            text, said, shield = await self.content(message, sender, room or slixmpp.JID(message.get("to", own)).bare)
            if said is None:
                return
            fact = {**meaning(text, said), "sender": sender, **shield}
            if fact["is"] is None:
                return
            places = {"archive": archive, "room": room, "copy": copy or None}
            happened(**fact, id=ident, **{name: value for name, value in places.items() if value is not None})
        if archive is not None:
            self.kept[archive] = {**fact, "id": ident}

    async def content(self, message, sender, to):
        """What a message says: its text, the element with everything else, and how it was protected. Nothing, if it was not for us."""
        encrypted = {namespace: found for namespace in (TWO, OLD) if (found := message.find(f"{{{namespace}}}encrypted")) is not None}
        for namespace in VERSIONS:
            if namespace not in encrypted:
                continue
            found = encrypted[namespace]
            try:
                parsed = (twomemo.etree.parse_message(found, sender) if namespace == TWO
                          else await oldmemo.etree.parse_message(found, sender, self.boundjid.bare, self.sessions))
                plain, device, _ = await self.sessions.decrypt(parsed)
            except omemo.MessageNotForUs:
                continue
            if plain is None:
                return None, None, {}
            said = message if namespace == OLD else opened(plain, sender, to)
            text = plain.decode() if namespace == OLD else said.findtext(f"{{{CLIENT}}}body")
            return text, said, {"encrypted": True, "version": namespace, "code": "".join(self.sessions.format_identity_key(device.identity_key))}
        # Beside what is encrypted stands no text, but what 0.3 cannot encrypt.
        return (None if encrypted else message.findtext(f"{{{CLIENT}}}body")), message, {"encrypted": False}

    async def announced(self, stanza):
        items = stanza["pubsub_event"]["items"]
        if items["node"] == DISPLAYED and stanza["from"].bare == self.boundjid.bare:
            for item in items:
                happened("displayed", address=item["id"], archive=item["payload"].find(f"{{{SID}}}stanza-id").get("id"))
            return
        namespace = next((one for one in VERSIONS if DEVICES[one] == items["node"]), None)
        if namespace is None or self.sessions is None:
            return
        for item in items:
            if item["payload"] is not None:
                devices = VERSIONS[namespace].etree.parse_device_list(item["payload"])
                await self.sessions.update_device_list(namespace, stanza["from"].bare, devices)

    def seen(self, presence):
        if presence["from"].bare != self.boundjid.bare and presence["type"] in ("available", "away", "chat", "dnd", "xa"):
            happened("contact", address=presence["from"].bare)


def meaning(text, said):
    """What an element with what somebody says is: a message, or what is done to one."""
    def ref(name, namespace):
        found = said.find(f"{{{namespace}}}{name}")
        return None if found is None else found.get("id")

    if taken := ref("retract", RETRACTION):
        return {"is": "retracted", "ref": taken}
    if reacted := ref("reactions", REACTIONS):
        return {"is": "reacted", "ref": reacted, "emojis": [it.text for it in said.iter(f"{{{REACTIONS}}}reaction")]}
    if shown := ref("displayed", MARKERS):
        return {"is": "marker", "ref": shown}
    if text is None:
        return {"is": None}
    if corrected := ref("replace", CORRECTION):
        return {"is": "edited", "text": text, "ref": corrected}
    return {"is": "message", "text": text}


def folded(facts):
    """Messages as they are after everything that was done to them."""
    messages = []
    for fact in facts:
        if fact["is"] == "message":
            messages.append({"id": fact["id"], "sender": fact["sender"], "text": fact["text"], "reactions": {}})
            continue
        message = next((it for it in messages if it["id"] == fact.get("ref")), None)
        if message is None:
            continue
        if fact["is"] == "reacted":
            message["reactions"][fact["sender"]] = fact["emojis"]
        elif message["sender"] == fact["sender"] and fact["is"] in ("edited", "retracted"):
            message["text"] = fact.get("text")
    return messages


async def main():
    logging.basicConfig(level=os.environ.get("KITH_LOG", "CRITICAL"), stream=sys.stderr)
    bot = Bot()
    bot.begin_stream()
    orders = {it.__name__: it for it in (bot.say, bot.react, bot.retract, bot.marker, bot.displayed, bot.join, bot.away, bot.back, bot.history)}
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    async for line in lines:
        order = json.loads(line)
        what = order.pop("do")
        if what == "leave":
            break
        try:
            await orders[what](**order)
        except Exception as error:  # told to whoever gave the order
            happened("error", text=repr(error))
    bot.disconnect()
    await bot.disconnected


if __name__ == "__main__":
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    loop.run_until_complete(main())
