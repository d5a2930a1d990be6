#!/usr/bin/python3
# SPDX-License-Identifier: AGPL-3.0-or-later
"""A person with slixmpp and python-omemo, who accepts everybody and says what they are told to.

Told by environment variables: KITH_JID, KITH_PASSWORD, KITH_PORT, KITH_CERT (of the server), KITH_TLS (starttls or direct).
Every line on standard input is something to do, as JSON: {"do": "say", "to": ..., "text": ..., "clear": true or absent}
or {"do": "leave"}. Every line on standard output is something that happened: online (with the own code), contact,
message, error.
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
from omemo.storage import Just, Nothing, Storage
from slixmpp.exceptions import IqError

NS = oldmemo.oldmemo.NAMESPACE
DEVICES = f"{NS}.devicelist"
HINTS = "urn:xmpp:hints"


def happened(what, **facts):
    print(json.dumps({"is": what, **facts}), flush=True)


def bundle_node(device):
    return f"{NS}.bundles:{device}"


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
            await bot.publish(bundle_node(bundle.device_id), oldmemo.etree.serialize_bundle(bundle))

        @staticmethod
        async def _download_bundle(namespace, bare_jid, device_id):
            payload = await bot.payload(bare_jid, bundle_node(device_id))
            if payload is None:
                raise omemo.BundleNotFound(f"{bare_jid}/{device_id}")
            return oldmemo.etree.parse_bundle(payload, bare_jid, device_id)

        @staticmethod
        async def _delete_bundle(namespace, device_id):
            await bot["xep_0060"].delete_node(None, bundle_node(device_id))

        @staticmethod
        async def _upload_device_list(namespace, device_list):
            await bot.publish(DEVICES, oldmemo.etree.serialize_device_list(device_list))

        @staticmethod
        async def _download_device_list(namespace, bare_jid):
            payload = await bot.payload(bare_jid, DEVICES)
            return {} if payload is None else oldmemo.etree.parse_device_list(payload)

        async def _evaluate_custom_trust_level(self, device):
            return omemo.TrustLevel.TRUSTED if device.trust_level_name == "trusted" else omemo.TrustLevel.UNDECIDED

        async def _make_trust_decision(self, undecided, identifier):
            for device in undecided:
                await self.set_trust(device.bare_jid, device.identity_key, "trusted")

        @staticmethod
        async def _send_message(message, bare_jid):
            bot.send_encrypted(bare_jid, message)

    return Sessions


class Bot(slixmpp.ClientXMPP):
    def __init__(self):
        super().__init__(os.environ["KITH_JID"], os.environ["KITH_PASSWORD"])
        # Its channel binding is tls-unique, which TLS 1.3 does not have.
        self.ssl_context.maximum_version = ssl.TLSVersion.TLSv1_2
        self.ca_certs = os.environ["KITH_CERT"]
        self.whitespace_keepalive = False
        self.auto_authorize = self.auto_subscribe = True
        for plugin in ("xep_0030", "xep_0060", "xep_0115", "xep_0163", "xep_0184", "xep_0199"):
            self.register_plugin(plugin)
        self.sessions = None
        self.add_event_handler("session_start", self.begin)
        self.add_event_handler("message", self.read)
        self.add_event_handler("changed_status", self.seen)
        self.add_event_handler("pubsub_publish", self.announced)
        for failure in ("failed_all_auth", "connection_failed"):
            self.add_event_handler(failure, lambda why, failure=failure: happened("error", text=f"{failure}: {why}"))

    # what it does

    async def begin(self, _):
        await self.get_roster()
        memory = Memory()
        self.sessions = await sessions(self).create(
            [oldmemo.Oldmemo(memory)], memory, self.boundjid.bare, None, "undecided")
        await self.sessions.after_history_sync()
        own, _ = await self.sessions.get_own_device_information()
        self["xep_0163"].add_interest(DEVICES)
        self.send_presence()
        happened("online", code="".join(self.sessions.format_identity_key(own.identity_key)),
                 tls=self.transport.get_extra_info("cipher") is not None)

    async def say(self, to, text, clear=False):
        if clear:
            self.send_message(mto=to, mbody=text, mtype="chat")
            return
        await self.sessions.refresh_device_list(NS, to)
        messages, errors = await self.sessions.encrypt(frozenset([to]), {NS: text.encode()})
        for error in errors:
            happened("error", text=repr(error))
        for message in messages:
            self.send_encrypted(to, message, text)

    def send_encrypted(self, to, message, text=None):
        stanza = self.make_message(mto=to, mtype="chat")
        stanza.xml.append(oldmemo.etree.serialize_message(message))
        stanza.xml.append(ET.Element(f"{{{HINTS}}}store"))
        if text is not None:
            stanza["id"] = self.new_id()
        stanza.send()

    async def publish(self, node, payload):
        options = self["xep_0004"].make_form(ftype="submit")
        options.add_field(var="FORM_TYPE", ftype="hidden", value="http://jabber.org/protocol/pubsub#publish-options")
        options.add_field(var="pubsub#access_model", value="open")
        options.add_field(var="pubsub#persist_items", value="true")
        await self["xep_0060"].publish(self.boundjid.bare, node, id="current", payload=payload, options=options)

    async def payload(self, jid, node):
        try:
            answer = await self["xep_0060"].get_items(jid, node)
        except IqError as error:
            if error.condition == "item-not-found":
                return None
            raise
        items = list(answer["pubsub"]["items"])
        return items[-1]["payload"] if items else None

    # what happens to it

    async def read(self, stanza):
        if stanza["type"] == "error":
            happened("error", text=str(stanza))
            return
        sender = stanza["from"].bare
        element = stanza.xml.find(f"{{{NS}}}encrypted")
        if element is not None:
            message = await oldmemo.etree.parse_message(element, sender, self.boundjid.bare, self.sessions)
            text, device, _ = await self.sessions.decrypt(message)
            if text is not None:
                happened("message", sender=sender, text=text.decode(), encrypted=True,
                         code="".join(self.sessions.format_identity_key(device.identity_key)))
        elif stanza["body"]:
            happened("message", sender=sender, text=stanza["body"], encrypted=False)

    async def announced(self, stanza):
        items = stanza["pubsub_event"]["items"]
        if items["node"] != DEVICES or self.sessions is None:
            return
        for item in items:
            if item["payload"] is not None:
                await self.sessions.update_device_list(NS, stanza["from"].bare, oldmemo.etree.parse_device_list(item["payload"]))

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
        if order.pop("do") == "leave":
            break
        try:
            await bot.say(**order)
        except Exception as error:  # told to whoever gave the order
            happened("error", text=repr(error))
    bot.disconnect()
    await bot.disconnected


if __name__ == "__main__":
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    loop.run_until_complete(main())
