#!/usr/bin/python3
# SPDX-License-Identifier: AGPL-3.0-or-later
"""A person with slixmpp and python-omemo, who accepts everybody and says what they are told to.

Told by environment variables: KITH_JID, KITH_PASSWORD, KITH_PORT, KITH_CERT (of the server), KITH_TLS (starttls or direct),
KITH_OMEMO (old: 0.3, the default; both: 0.3 and omemo:2 with its envelope).
Every line on standard input is something to do, as JSON: {"do": "say", "to": ..., "text": ..., "clear": true or absent} (a group is
said by "room": true), {"do": "join", "room": ..., "nick": ...} or {"do": "leave"}. Every line on standard output is something that
happened: online (with the own code), contact, invited, joined, said, message (with the version in which it was), error.
"""

import asyncio
import json
import logging
import os
import ssl
import sys
import xml.etree.ElementTree as ET

import oldmemo
import oldmemo.etree
import omemo
import slixmpp
import twomemo
import twomemo.etree
from omemo.storage import Just, Nothing, Storage
from slixmpp.exceptions import IqError

OLD = oldmemo.oldmemo.NAMESPACE
TWO = twomemo.twomemo.NAMESPACE
#: The versions that it speaks, the better one first.
VERSIONS = {TWO: twomemo, OLD: oldmemo} if os.environ.get("KITH_OMEMO") == "both" else {OLD: oldmemo}
DEVICES = {OLD: f"{OLD}.devicelist", TWO: f"{TWO}:devices"}
HINTS = "urn:xmpp:hints"
SCE = "urn:xmpp:sce:1"
CLIENT = "jabber:client"
MUC_ADMIN = "http://jabber.org/protocol/muc#admin"


def happened(what, **facts):
    print(json.dumps({"is": what, **facts}), flush=True)


def bundle_place(namespace, device):
    """Node and item: 0.3 has a node for each bundle, omemo:2 an item."""
    return (f"{OLD}.bundles:{device}", "current") if namespace == OLD else (f"{TWO}:bundles", str(device))


def envelope(sender, to, text):
    """XEP-0420: what omemo:2 encrypts."""
    root = ET.Element(f"{{{SCE}}}envelope")
    ET.SubElement(ET.SubElement(root, f"{{{SCE}}}content"), f"{{{CLIENT}}}body").text = text
    ET.SubElement(root, f"{{{SCE}}}rpad").text = "x" * 17
    ET.SubElement(root, f"{{{SCE}}}from").set("jid", sender)
    ET.SubElement(root, f"{{{SCE}}}to").set("jid", to)
    return ET.tostring(root)


def opened(plaintext, sender, to):
    """The body in an envelope, None without one. Refuses what was meant for somebody else."""
    root = ET.fromstring(plaintext)
    for affix, wanted in (("from", sender), ("to", to)):
        element = root.find(f"{{{SCE}}}{affix}")
        if element is not None and element.get("jid") != wanted:
            raise ValueError(f"envelope {affix} {element.get('jid')}, not {wanted}")
    return root.findtext(f"{{{SCE}}}content/{{{CLIENT}}}body")


class Memory(Storage):
    def __init__(self):
        super().__init__(True)
        self.data = {}

    async def _load(self, key):
        return Just(self.data[key]) if key in self.data else Nothing()

    async def _store(self, key, value):
        self.data[key] = value

    async def _delete(self, key):
        self.data.pop(key, None)


def sessions(bot):
    """The session manager of python-omemo, with a stream to talk to the server over."""

    class Sessions(omemo.SessionManager):
        @staticmethod
        async def _upload_bundle(bundle):
            await bot.publish(*bundle_place(bundle.namespace, bundle.device_id), VERSIONS[bundle.namespace].etree.serialize_bundle(bundle))

        @staticmethod
        async def _download_bundle(namespace, bare_jid, device_id):
            payload = await bot.payload(bare_jid, *bundle_place(namespace, device_id))
            if payload is None:
                raise omemo.BundleNotFound(f"{bare_jid}/{device_id}")
            return VERSIONS[namespace].etree.parse_bundle(payload, bare_jid, device_id)

        @staticmethod
        async def _delete_bundle(namespace, device_id):
            node, item = bundle_place(namespace, device_id)
            if namespace == OLD:
                await bot["xep_0060"].delete_node(None, node)
            else:
                await bot["xep_0060"].retract(None, node, item)

        @staticmethod
        async def _upload_device_list(namespace, device_list):
            await bot.publish(DEVICES[namespace], "current", VERSIONS[namespace].etree.serialize_device_list(device_list))

        @staticmethod
        async def _download_device_list(namespace, bare_jid):
            payload = await bot.payload(bare_jid, DEVICES[namespace], "current")
            return {} if payload is None else VERSIONS[namespace].etree.parse_device_list(payload)

        async def _evaluate_custom_trust_level(self, device):
            return omemo.TrustLevel.TRUSTED if device.trust_level_name == "trusted" else omemo.TrustLevel.UNDECIDED

        async def _make_trust_decision(self, undecided, identifier):
            for device in undecided:
                await self.set_trust(device.bare_jid, device.identity_key, "trusted")

        @staticmethod
        async def _send_message(message, bare_jid):
            bot.send_encrypted(bare_jid, [message])

    return Sessions


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
        self.add_event_handler("session_start", self.begin)
        self.add_event_handler("message", self.read)
        self.add_event_handler("changed_status", self.seen)
        self.add_event_handler("pubsub_publish", self.announced)
        self.add_event_handler("groupchat_direct_invite", lambda it: happened("invited", address=str(it["groupchat_invite"]["jid"])))
        self.add_event_handler("groupchat_invite", lambda it: happened("invited", address=it["from"].bare))
        for failure in ("failed_all_auth", "connection_failed"):
            self.add_event_handler(failure, lambda why, failure=failure: happened("error", text=f"{failure}: {why}"))

    # what it does

    async def begin(self, _):
        await self.get_roster()
        memory = Memory()
        self.sessions = await sessions(self).create(
            [twomemo.Twomemo(memory) if namespace == TWO else oldmemo.Oldmemo(memory) for namespace in VERSIONS], memory, self.boundjid.bare, None, "undecided")
        await self.sessions.after_history_sync()
        own, _ = await self.sessions.get_own_device_information()
        for namespace in VERSIONS:
            self["xep_0163"].add_interest(DEVICES[namespace])
        self.send_presence()
        happened("online", code="".join(self.sessions.format_identity_key(own.identity_key)),
                 tls=self.transport.get_extra_info("cipher") is not None)

    async def join(self, room, nick):
        self.nicks[room] = nick
        await self["xep_0045"].join_muc_wait(slixmpp.JID(room), nick, maxstanzas=20, timeout=20)
        happened("joined", address=room)

    async def say(self, to, text, clear=False, room=False):
        if clear:
            self.send_message(mto=to, mbody=text, mtype="groupchat" if room else "chat")
            return
        people = await self.members(to) if room else [to]
        for jid in people:
            for namespace in VERSIONS:
                await self.sessions.refresh_device_list(namespace, jid)
        plain = {OLD: text.encode(), TWO: envelope(self.boundjid.bare, to, text)}
        messages, errors = await self.sessions.encrypt(frozenset(people), {namespace: plain[namespace] for namespace in VERSIONS})
        for error in errors:
            happened("error", text=repr(error))
        self.send_encrypted(to, messages, text, "groupchat" if room else "chat")
        happened("said", text=text)

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

    def send_encrypted(self, to, messages, text=None, kind="chat"):
        stanza = self.make_message(mto=to, mtype=kind, mbody=None if text is None else "I sent you an encrypted message.")
        for message in messages:
            stanza.xml.append(VERSIONS[message.namespace].etree.serialize_message(message))
        stanza.xml.append(ET.Element(f"{{{HINTS}}}store"))
        if text is not None:
            stanza["id"] = self.new_id()
        stanza.send()

    async def publish(self, node, item, payload):
        options = self["xep_0004"].make_form(ftype="submit")
        options.add_field(var="FORM_TYPE", ftype="hidden", value="http://jabber.org/protocol/pubsub#publish-options")
        options.add_field(var="pubsub#access_model", value="open")
        options.add_field(var="pubsub#persist_items", value="true")
        if item != "current":
            options.add_field(var="pubsub#max_items", value="max")
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
        if stanza["type"] == "error":
            happened("error", text=str(stanza))
            return
        room = stanza["from"].bare if stanza["type"] == "groupchat" else None
        sender = stanza["from"].bare
        if room is not None:
            nick = stanza["from"].resource
            if nick in ("", self.nicks.get(room)):
                return  # of the room itself, or our own
            sender = slixmpp.JID(self["xep_0045"].get_jid_property(slixmpp.JID(room), nick, "jid")).bare
        for namespace in VERSIONS:
            element = stanza.xml.find(f"{{{namespace}}}encrypted")
            if element is not None and await self.decrypt(namespace, element, sender, room):
                return
        if not any(stanza.xml.find(f"{{{namespace}}}encrypted") is not None for namespace in (OLD, TWO)) and stanza["body"]:
            happened("message", sender=sender, text=stanza["body"], encrypted=False, **({"room": room} if room else {}))

    async def decrypt(self, namespace, element, sender, room):
        """Whether it was for us."""
        try:
            message = (twomemo.etree.parse_message(element, sender) if namespace == TWO
                       else await oldmemo.etree.parse_message(element, sender, self.boundjid.bare, self.sessions))
            text, device, _ = await self.sessions.decrypt(message)
        except omemo.MessageNotForUs:
            return False
        if text is not None:
            text = text.decode() if namespace == OLD else opened(text, sender, room or self.boundjid.bare)
        if text is not None:
            happened("message", sender=sender, text=text, encrypted=True, version=namespace, **({"room": room} if room else {}),
                     code="".join(self.sessions.format_identity_key(device.identity_key)))
        return True

    async def announced(self, stanza):
        items = stanza["pubsub_event"]["items"]
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


async def main():
    logging.basicConfig(level=os.environ.get("KITH_LOG", "CRITICAL"), stream=sys.stderr)
    bot = Bot()
    bot.connect(("127.0.0.1", int(os.environ["KITH_PORT"])), use_ssl=os.environ["KITH_TLS"] == "direct")
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    async for line in lines:
        order = json.loads(line)
        what = order.pop("do")
        if what == "leave":
            break
        try:
            await (bot.join if what == "join" else bot.say)(**order)
        except Exception as error:  # told to whoever gave the order
            happened("error", text=repr(error))
    bot.disconnect()
    await bot.disconnected


if __name__ == "__main__":
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    loop.run_until_complete(main())
