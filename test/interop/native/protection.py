# SPDX-License-Identifier: AGPL-3.0-or-later
"""OMEMO of a bot: python-omemo in one version or both (KITH_OMEMO), keys kept in memory, and the envelope of omemo:2."""

import os
import xml.etree.ElementTree as ET

import oldmemo
import oldmemo.etree
import omemo
import twomemo
import twomemo.etree
from omemo.storage import Just, Nothing, Storage

OLD = oldmemo.oldmemo.NAMESPACE
TWO = twomemo.twomemo.NAMESPACE
#: The versions that it speaks, the better one first.
VERSIONS = {TWO: twomemo, OLD: oldmemo} if os.environ.get("KITH_OMEMO") == "both" else {OLD: oldmemo}
DEVICES = {OLD: f"{OLD}.devicelist", TWO: f"{TWO}:devices"}
SCE = "urn:xmpp:sce:1"
CLIENT = "jabber:client"


def bundle_place(namespace, device):
    """Node and item: 0.3 has a node for each bundle, omemo:2 an item."""
    return (f"{OLD}.bundles:{device}", "current") if namespace == OLD else (f"{TWO}:bundles", str(device))


def envelope(sender, to, text, elements):
    """XEP-0420: what omemo:2 encrypts."""
    root = ET.Element(f"{{{SCE}}}envelope")
    content = ET.SubElement(root, f"{{{SCE}}}content")
    if text is not None:
        ET.SubElement(content, f"{{{CLIENT}}}body").text = text
    content.extend(elements)
    ET.SubElement(root, f"{{{SCE}}}rpad").text = "x" * 17
    ET.SubElement(root, f"{{{SCE}}}from").set("jid", sender)
    ET.SubElement(root, f"{{{SCE}}}to").set("jid", to)
    return ET.tostring(root)


def opened(plaintext, sender, to):
    """What is in an envelope. Refuses what was meant for somebody else."""
    root = ET.fromstring(plaintext)
    for affix, wanted in (("from", sender), ("to", to)):
        element = root.find(f"{{{SCE}}}{affix}")
        if element is not None and element.get("jid") != wanted:
            raise ValueError(f"envelope {affix} {element.get('jid')}, not {wanted}")
    return root.find(f"{{{SCE}}}content")


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
            bot.send_keys(bare_jid, [message])

    return Sessions
