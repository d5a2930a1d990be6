#!/usr/bin/python3
# SPDX-License-Identifier: AGPL-3.0-or-later
"""One OMEMO device made of python-oldmemo and python-twomemo, driven by lines of JSON.

Every line on standard input is a request, every line on standard output its answer; byte strings are base64.
Requests: new, bundle, start, encrypt, empty, decrypt, restart, envelope, open. A request that fails is answered with
{"error": "..."}. "envelope" and "open" are start and decrypt with an SCE envelope around the text (XEP-0420), which is
written and read by Python's own XML library. What a client has to decide about sessions follows python-omemo's session manager.
"""

import asyncio
import base64
import json
import sys
import warnings
from typing import Any, Dict
from xml.etree import ElementTree

import oldmemo
import oldmemo.etree
import twomemo
import twomemo.etree
from omemo.session import Initiation
from omemo.storage import Just, Nothing, Storage

warnings.simplefilter("ignore")


class Memory(Storage):
    """Keeps everything as JSON text, so that every operation works on restored state."""

    def __init__(self) -> None:
        super().__init__(disable_cache=True)
        self.data: Dict[str, str] = {}

    async def _load(self, key: str) -> Any:
        return Just(json.loads(self.data[key])) if key in self.data else Nothing()

    async def _store(self, key: str, value: Any) -> None:
        self.data[key] = json.dumps(value)

    async def _delete(self, key: str) -> None:
        self.data.pop(key, None)


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def unb64(text: str) -> bytes:
    return base64.b64decode(text)


class Device:
    def __init__(self, version: str, jid: str, device: int) -> None:
        self.version, self.jid, self.device = version, jid, device
        self.storage = Memory()
        self.restart()

    def restart(self) -> None:
        implementation = oldmemo.Oldmemo if self.version == "old" else twomemo.Twomemo
        self.backend = implementation(self.storage)

    @property
    def etree(self) -> Any:
        return oldmemo.etree if self.version == "old" else twomemo.etree

    async def bundle(self) -> Dict[str, Any]:
        if await self.backend.get_num_visible_pre_keys() < 50:
            await self.backend.generate_pre_keys(100)
        xml = self.etree.serialize_bundle(await self.backend.get_bundle(self.jid, self.device))
        fields = {element.tag.split("}")[1]: element for element in xml}
        if self.version == "old":
            ik, spk, spks = "identityKey", "signedPreKeyPublic", "signedPreKeySignature"
            spk_id, pk_id = "signedPreKeyId", "preKeyId"
        else:
            ik, spk, spks, spk_id, pk_id = "ik", "spk", "spks", "id", "id"
        return {
            "ik": fields[ik].text,
            "spk": fields[spk].text,
            "spkId": int(fields[spk].get(spk_id)),
            "spks": fields[spks].text,
            "prekeys": [{"id": int(e.get(pk_id)), "key": e.text} for e in fields["prekeys"]],
        }

    def parse_bundle(self, b: Dict[str, Any], jid: str, device: int) -> Any:
        # pylint: disable=import-outside-toplevel
        from xml.etree import ElementTree as ET

        ns = self.etree.NS
        root = ET.Element(f"{ns}bundle")
        if self.version == "old":
            ET.SubElement(root, f"{ns}signedPreKeyPublic", {"signedPreKeyId": str(b["spkId"])}).text = b["spk"]
            ET.SubElement(root, f"{ns}signedPreKeySignature").text = b["spks"]
            ET.SubElement(root, f"{ns}identityKey").text = b["ik"]
            name, attribute = "preKeyPublic", "preKeyId"
        else:
            ET.SubElement(root, f"{ns}spk", {"id": str(b["spkId"])}).text = b["spk"]
            ET.SubElement(root, f"{ns}spks").text = b["spks"]
            ET.SubElement(root, f"{ns}ik").text = b["ik"]
            name, attribute = "pk", "id"
        prekeys = ET.SubElement(root, f"{ns}prekeys")
        for key in b["prekeys"]:
            ET.SubElement(prekeys, f"{ns}{name}", {attribute: str(key["id"])}).text = key["key"]
        return self.etree.parse_bundle(root, jid, device)

    def answer(self, content: Any, material: Any, exchange: Any) -> Dict[str, Any]:
        blob = material.serialize()
        if exchange is not None:
            blob = exchange.serialize(blob)
            if isinstance(blob, tuple):
                blob = blob[0]
        result = {"key": b64(blob), "kex": exchange is not None}
        if self.version == "old":
            result["iv"] = b64(content.initialization_vector)
        if not content.empty:
            result["payload"] = b64(content.ciphertext)
        return result

    async def start(self, peer: Dict[str, Any], text: str) -> Dict[str, Any]:
        content, plain = await self.backend.encrypt_plaintext(text.encode())
        bundle = self.parse_bundle(peer["bundle"], peer["jid"], peer["device"])
        session, material = await self.backend.build_session_active(peer["jid"], peer["device"], bundle, plain)
        await self.backend.store_session(session)
        return self.answer(content, material, session.key_exchange)

    async def encrypt(self, peer: Dict[str, Any], text: Any) -> Dict[str, Any]:
        session = await self.backend.load_session(peer["jid"], peer["device"])
        if session is None:
            raise ValueError("no session")
        content, plain = (
            await self.backend.encrypt_empty() if text is None
            else await self.backend.encrypt_plaintext(text.encode())
        )
        material = await self.backend.encrypt_key_material(session, plain)
        await self.backend.store_session(session)
        unconfirmed = session.initiation is Initiation.ACTIVE and not session.confirmed
        return self.answer(content, material, session.key_exchange if unconfirmed else None)

    async def decrypt(self, peer: Dict[str, Any], m: Dict[str, Any]) -> Dict[str, Any]:
        blob, exchange = unb64(m["key"]), None
        if self.version == "old":
            module = oldmemo.oldmemo
            if m["kex"]:
                exchange, blob = module.KeyExchangeImpl.parse(blob, False)
            content = (
                module.ContentImpl(unb64(m["payload"]), unb64(m["iv"])) if "payload" in m
                else module.ContentImpl.make_empty()
            )
        else:
            module = twomemo.twomemo
            if m["kex"]:
                exchange, blob = module.KeyExchangeImpl.parse(blob)
            content = (
                module.ContentImpl(unb64(m["payload"])) if "payload" in m
                else module.ContentImpl.make_empty()
            )
        material = module.EncryptedKeyMaterialImpl.parse(blob, self.jid, self.device)

        session = await self.backend.load_session(peer["jid"], peer["device"])
        built = False
        if exchange is not None and (
            session is None or session.initiation is not Initiation.PASSIVE
            or not session.key_exchange.builds_same_session(exchange)
        ):
            built = True
            session, plain = await self.backend.build_session_passive(
                peer["jid"], peer["device"], exchange, material
            )
        elif session is None:
            raise ValueError("no session")
        else:
            plain = await self.backend.decrypt_key_material(session, material)
        text = None if content.empty else (await self.backend.decrypt_plaintext(content, plain)).decode()
        await self.backend.store_session(session)
        if built:
            await self.backend.delete_pre_key(session)
        return {"text": text, "built": built}


SCE = "{urn:xmpp:sce:1}"
BODY = "{jabber:client}body"


def write_envelope(r: Dict[str, Any]) -> str:
    root = ElementTree.Element(f"{SCE}envelope")
    ElementTree.SubElement(ElementTree.SubElement(root, f"{SCE}content"), BODY).text = r["text"]
    ElementTree.SubElement(root, f"{SCE}rpad").text = "x" * (len(r["text"]) % 7)
    ElementTree.SubElement(root, f"{SCE}from", {"jid": r["from"]})
    if r.get("to"):
        ElementTree.SubElement(root, f"{SCE}to", {"jid": r["to"]})
    ElementTree.SubElement(root, "{urn:example}unknown").text = "ignore me"
    return ElementTree.tostring(root, encoding="unicode")


def read_envelope(text: str) -> Dict[str, Any]:
    root = ElementTree.fromstring(text)
    if root.tag != f"{SCE}envelope":
        raise ValueError(f"not an envelope: {root.tag}")
    return {
        "text": root.find(f"{SCE}content/{BODY}").text,
        "from": root.find(f"{SCE}from").get("jid"),
        "to": root.find(f"{SCE}to").get("jid"),
        "time": root.find(f"{SCE}time").get("stamp"),
        "rpad": len(root.find(f"{SCE}rpad").text or ""),
    }


async def main() -> None:
    devices: Dict[str, Device] = {}
    for line in sys.stdin:
        request = json.loads(line)
        op, name = request["op"], request["name"]
        try:
            if op == "new":
                devices[name] = Device(request["version"], request["jid"], request["device"])
                answer = await devices[name].bundle()
            elif op == "bundle":
                answer = await devices[name].bundle()
            elif op == "start":
                answer = await devices[name].start(request["peer"], request["text"])
            elif op == "encrypt":
                answer = await devices[name].encrypt(request["peer"], request["text"])
            elif op == "empty":
                answer = await devices[name].encrypt(request["peer"], None)
            elif op == "decrypt":
                answer = await devices[name].decrypt(request["peer"], request["message"])
            elif op == "envelope":
                answer = await devices[name].start(request["peer"], write_envelope(request))
            elif op == "open":
                answer = await devices[name].decrypt(request["peer"], request["message"])
                answer = read_envelope(answer["text"])
            elif op == "restart":
                devices[name].restart()
                answer = {}
            else:
                answer = {"error": "unknown operation"}
        except Exception as e:  # pylint: disable=broad-except
            answer = {"error": f"{type(e).__name__}: {e} {e.__cause__!r}"}
        print(json.dumps(answer), flush=True)


asyncio.run(main())
