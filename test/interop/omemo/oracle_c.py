#!/usr/bin/python3
# SPDX-License-Identifier: AGPL-3.0-or-later
"""One OMEMO device made of libomemo-c, the C library of Dino and Kaidan, driven like oracle.py.

The library is loaded with ctypes; crypto primitives, storage and the payload layer are Python.
"""

import base64
import ctypes as c
import hashlib
import hmac
import json
import os
import sys
from typing import Any, Dict

from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

lib = c.CDLL("libomemo-c.so.0")
P, PP, B, N, U32, INT = c.c_void_p, c.POINTER(c.c_void_p), c.POINTER(c.c_uint8), c.c_size_t, c.c_uint32, c.c_int
NOT_FOUND, NO_KEY = 0, -1003


def declare(name: str, result: Any, *arguments: Any) -> Any:
    function = getattr(lib, name)
    function.restype, function.argtypes = result, arguments
    return function


buffer_create = declare("signal_buffer_create", P, c.c_char_p, N)
buffer_data = declare("signal_buffer_data", c.POINTER(c.c_uint8), P)
buffer_len = declare("signal_buffer_len", N, P)
for _name in [
    "ec_public_key_get_ed", "ec_public_key_get_mont", "ec_key_pair_get_public", "ec_key_pair_get_private",
    "ratchet_identity_key_pair_get_public", "ratchet_identity_key_pair_get_private",
    "session_pre_key_get_key_pair", "session_signed_pre_key_get_key_pair", "ciphertext_message_get_serialized",
    "signal_protocol_key_helper_key_list_element", "signal_protocol_key_helper_key_list_next",
    "session_signed_pre_key_get_signature", "session_signed_pre_key_get_signature_omemo",
]:
    declare(_name, P, P)


class Address(c.Structure):
    _fields_ = [("name", c.c_char_p), ("name_len", N), ("device_id", c.c_int32)]


def structure(*members: Any) -> Any:
    class Table(c.Structure):
        _fields_ = [(f"f{i}", m) for i, m in enumerate(members)]

    return Table


def check(code: int, what: str) -> int:
    if code < 0:
        raise ValueError(f"{what}: {code}")
    return code


def data_of(buffer: int) -> bytes:
    return c.string_at(buffer_data(buffer), buffer_len(buffer))


def new(function: str, *arguments: Any) -> c.c_void_p:
    """Calls a function whose first parameter returns an object."""
    out = P()
    check(getattr(lib, function)(c.byref(out), *arguments), function)
    return out


# Crypto provider

contexts: Dict[int, Any] = {}


def open_context(out: Any, obj: Any) -> int:
    number = max(contexts, default=0) + 1
    contexts[number] = obj
    out[0] = number
    return 0


def aes(encrypt: bool) -> Any:
    def run(out: Any, mode: int, key: Any, key_len: int, iv: Any, iv_len: int, text: Any, length: int, _: Any) -> int:
        key, iv, text = c.string_at(key, key_len), c.string_at(iv, iv_len), c.string_at(text, length)
        if mode != 2:
            return -1
        result = cbc(encrypt, key, iv, text)
        if result is None:
            return -1
        out[0] = buffer_create(result, len(result))
        return 0

    return run


def cbc(encrypt: bool, key: bytes, iv: bytes, text: bytes) -> Any:
    cipher = Cipher(algorithms.AES(key), modes.CBC(iv))
    if encrypt:
        pad = padding.PKCS7(128).padder()
        run = cipher.encryptor()
        return run.update(pad.update(text) + pad.finalize()) + run.finalize()
    run, unpad = cipher.decryptor(), padding.PKCS7(128).unpadder()
    try:
        return unpad.update(run.update(text) + run.finalize()) + unpad.finalize()
    except ValueError:
        return None


def random(out: Any, length: int, _: Any) -> int:
    c.memmove(out, os.urandom(length), length)
    return 0


def finish(digest: Any) -> Any:
    def run(context: int, out: Any, _: Any) -> int:
        result = digest(contexts[context])
        out[0] = buffer_create(result, len(result))
        return 0

    return run


def update(context: int, data: Any, length: int, _: Any) -> int:
    contexts[context].update(c.string_at(data, length))
    return 0


def forget(context: int, _: Any) -> None:
    contexts.pop(context, None)


INIT_KEY = c.CFUNCTYPE(INT, PP, P, N, P)
INIT = c.CFUNCTYPE(INT, PP, P)
UPDATE = c.CFUNCTYPE(INT, P, P, N, P)
FINAL = c.CFUNCTYPE(INT, P, PP, P)
DONE = c.CFUNCTYPE(None, P, P)
RANDOM = c.CFUNCTYPE(INT, P, N, P)
AES = c.CFUNCTYPE(INT, PP, INT, P, N, P, N, P, N, P)

keep = [
    RANDOM(random),
    INIT_KEY(lambda out, key, n, _: open_context(out, hmac.new(c.string_at(key, n), digestmod="sha256"))),
    UPDATE(update), FINAL(finish(lambda h: h.digest())), DONE(forget),
    INIT(lambda out, _: open_context(out, hashlib.sha512())),
    UPDATE(update), FINAL(finish(lambda h: h.digest())), DONE(forget),
    AES(aes(True)), AES(aes(False)), None,
]
Provider = structure(RANDOM, INIT_KEY, UPDATE, FINAL, DONE, INIT, UPDATE, FINAL, DONE, AES, AES, P)
provider = Provider(*keep)
context = new("signal_context_create", None)
check(lib.signal_context_set_crypto_provider(context, c.byref(provider)), "crypto provider")

# Stores

LOAD = c.CFUNCTYPE(INT, PP, PP, c.POINTER(Address), P)
SUB = c.CFUNCTYPE(INT, PP, P, N, P)
STORE = c.CFUNCTYPE(INT, c.POINTER(Address), P, N, P, N, P)
ASK = c.CFUNCTYPE(INT, c.POINTER(Address), P)
ALL = c.CFUNCTYPE(INT, P, N, P)
DESTROY = c.CFUNCTYPE(None, P)
KEY_LOAD = c.CFUNCTYPE(INT, PP, U32, P)
KEY_STORE = c.CFUNCTYPE(INT, U32, P, N, P)
KEY_ASK = c.CFUNCTYPE(INT, U32, P)
OWN = c.CFUNCTYPE(INT, PP, PP, P)
REG = c.CFUNCTYPE(INT, P, c.POINTER(U32))
IDENTITY = c.CFUNCTYPE(INT, c.POINTER(Address), P, N, P)

SessionStore = structure(LOAD, SUB, STORE, ASK, ASK, ALL, DESTROY, P)
KeyStore = structure(KEY_LOAD, KEY_STORE, KEY_ASK, KEY_ASK, DESTROY, P)
IdentityStore = structure(OWN, REG, IDENTITY, IDENTITY, DESTROY, P)


def to_buffer(out: Any, data: bytes) -> None:
    out[0] = buffer_create(data, len(data))


class Device:
    """State is kept serialised by the library; restart drops every live object."""

    def __init__(self, version: str, jid: str, device: int) -> None:
        self.version, self.jid, self.device = version, jid, device
        self.number = 3 if version == "old" else 4
        self.sessions: Dict[Any, bytes] = {}
        self.prekeys: Dict[int, bytes] = {}
        self.signed: Dict[int, bytes] = {}

        pair = new("signal_protocol_key_helper_generate_identity_key_pair", context)
        self.identity = P(lib.ratchet_identity_key_pair_get_public(pair))
        self.public = data_of(new("ec_public_key_serialize", self.identity).value)
        self.private = data_of(
            new("ec_private_key_serialize", P(lib.ratchet_identity_key_pair_get_private(pair))).value
        )
        node = new("signal_protocol_key_helper_generate_pre_keys", U32(1), U32(100), context)
        self.published = []
        while node:
            key = P(lib.signal_protocol_key_helper_key_list_element(node))
            number = lib.session_pre_key_get_id(key)
            self.prekeys[number] = data_of(new("session_pre_key_serialize", key).value)
            self.published.append((number, self.public_of(P(lib.session_pre_key_get_key_pair(key)))))
            node = P(lib.signal_protocol_key_helper_key_list_next(node))
        signed = new("signal_protocol_key_helper_generate_signed_pre_key", pair, U32(7), c.c_uint64(1), context)
        self.signed[7] = data_of(new("session_signed_pre_key_serialize", signed).value)
        self.signed_public = self.public_of(P(lib.session_signed_pre_key_get_key_pair(signed)))
        suffix = "" if version == "old" else "_omemo"
        self.signature = c.string_at(getattr(lib, f"session_signed_pre_key_get_signature{suffix}")(signed), 64)
        self.restart()

    def public_of(self, pair: Any) -> bytes:
        key = P(lib.ec_key_pair_get_public(pair))
        if self.version == "old":
            return data_of(new("ec_public_key_serialize", key).value)
        return data_of(lib.ec_public_key_get_mont(key))

    def restart(self) -> None:
        self.store = new("signal_protocol_store_context_create", context)
        sessions = SessionStore(
            LOAD(self.load_session), SUB(lambda *_: -1), STORE(self.store_session),
            ASK(lambda a, _: int((a[0].name, a[0].device_id) in self.sessions)),
            ASK(lambda a, _: int(self.sessions.pop((a[0].name, a[0].device_id), None) is not None)),
            ALL(lambda *_: -1), DESTROY(lambda _: None), None,
        )
        prekeys, signed = self.key_store(self.prekeys), self.key_store(self.signed)
        identity = IdentityStore(
            OWN(self.own_identity), REG(self.registration), IDENTITY(lambda *_: 0), IDENTITY(lambda *_: 1),
            DESTROY(lambda _: None), None,
        )
        lib.signal_protocol_store_context_set_session_store(self.store, c.byref(sessions))
        lib.signal_protocol_store_context_set_pre_key_store(self.store, c.byref(prekeys))
        lib.signal_protocol_store_context_set_signed_pre_key_store(self.store, c.byref(signed))
        lib.signal_protocol_store_context_set_identity_key_store(self.store, c.byref(identity))
        self.tables = [sessions, prekeys, signed, identity]

    def load_session(self, out: Any, _user: Any, a: Any, _: Any) -> int:
        record = self.sessions.get((a[0].name, a[0].device_id))
        if record is None:
            return NOT_FOUND
        to_buffer(out, record)
        return 1

    def store_session(self, a: Any, record: Any, length: int, *_: Any) -> int:
        self.sessions[(a[0].name, a[0].device_id)] = c.string_at(record, length)
        return 0

    @staticmethod
    def key_store(keys: Dict[int, bytes]) -> Any:
        def load(out: Any, number: int, _: Any) -> int:
            if number not in keys:
                return NO_KEY
            to_buffer(out, keys[number])
            return 0

        def store(number: int, record: Any, length: int, _: Any) -> int:
            keys[number] = c.string_at(record, length)
            return 0

        def remove(number: int, _: Any) -> int:
            keys.pop(number, None)
            return 0

        return KeyStore(
            KEY_LOAD(load), KEY_STORE(store), KEY_ASK(lambda number, _: int(number in keys)), KEY_ASK(remove),
            DESTROY(lambda _: None), None,
        )

    def own_identity(self, public: Any, private: Any, _: Any) -> int:
        to_buffer(public, self.public)
        to_buffer(private, self.private)
        return 0

    def registration(self, _: Any, out: Any) -> int:
        out[0] = self.device
        return 0

    def bundle(self) -> Dict[str, Any]:
        ik = self.public if self.version == "old" else data_of(lib.ec_public_key_get_ed(self.identity))
        return {
            "ik": b64(ik), "spk": b64(self.signed_public), "spkId": 7, "spks": b64(self.signature),
            "prekeys": [{"id": n, "key": b64(k)} for n, k in self.published if n in self.prekeys],
        }

    def address(self, peer: Dict[str, Any]) -> Any:
        name = peer["jid"].encode()
        return Address(name, len(name), peer["device"])

    def cipher(self, address: Any) -> Any:
        cipher = new("session_cipher_create", self.store, c.byref(address), context)
        lib.session_cipher_set_version(cipher, U32(self.number))
        return cipher

    def key(self, text: str, identity: bool = False) -> Any:
        data = unb64(text)
        function = "curve_decode_point"
        if self.version == "two":
            function = "curve_decode_point_ed" if identity else "curve_decode_point_mont"
        return new(function, c.c_char_p(data), N(len(data)), context)

    def start(self, peer: Dict[str, Any], text: str) -> Dict[str, Any]:
        b, address = peer["bundle"], self.address(peer)
        chosen, signature = b["prekeys"][int.from_bytes(os.urandom(2), "big") % len(b["prekeys"])], unb64(b["spks"])
        bundle = new(
            "session_pre_key_bundle_create", U32(peer["device"]), INT(peer["device"]), U32(chosen["id"]),
            self.key(chosen["key"]), U32(b["spkId"]), self.key(b["spk"]), c.c_char_p(signature), N(len(signature)),
            self.key(b["ik"], identity=True),
        )
        builder = new("session_builder_create", self.store, c.byref(address), context)
        lib.session_builder_set_version(builder, U32(self.number))
        check(lib.session_builder_process_pre_key_bundle(builder, bundle), "bundle")
        return self.encrypt(peer, text)

    def encrypt(self, peer: Dict[str, Any], text: Any) -> Dict[str, Any]:
        address = self.address(peer)
        if (address.name, address.device_id) not in self.sessions:
            raise ValueError("no session")
        result, secret = self.seal(text)
        message = new_last(lib.session_cipher_encrypt, self.cipher(address), c.c_char_p(secret), N(len(secret)))
        result["key"] = b64(data_of(lib.ciphertext_message_get_serialized(message)))
        result["kex"] = lib.ciphertext_message_get_type(message) == 3
        return result

    def decrypt(self, peer: Dict[str, Any], m: Dict[str, Any]) -> Dict[str, Any]:
        blob, address = unb64(m["key"]), self.address(peer)
        arguments = [c.c_char_p(blob), N(len(blob))]
        omemo = "" if self.version == "old" else "_omemo"
        if m["kex"]:
            registration = [] if self.version == "old" else [U32(peer["device"])]
            message = new(f"pre_key_signal_message_deserialize{omemo}", *arguments, *registration, context)
            open_message = lib.session_cipher_decrypt_pre_key_signal_message
        else:
            message = new(f"signal_message_deserialize{omemo}", *arguments, context)
            open_message = lib.session_cipher_decrypt_signal_message
        secret = data_of(new_last(open_message, self.cipher(address), message, None).value)
        return {"text": self.unseal(secret, m)}

    def seal(self, text: Any) -> Any:
        if self.version == "old":
            key, iv = os.urandom(16), os.urandom(12)
            if text is None:
                return {"iv": b64(iv)}, key
            both = AESGCM(key).encrypt(iv, text.encode(), None)
            return {"iv": b64(iv), "payload": b64(both[:-16])}, key + both[-16:]
        if text is None:
            return {}, bytes(32)
        key = os.urandom(32)
        material = payload_keys(key)
        payload = cbc(True, material[:32], material[64:], text.encode())
        return {"payload": b64(payload)}, key + hmac.digest(material[32:64], payload, "sha256")[:16]

    def unseal(self, secret: bytes, m: Dict[str, Any]) -> Any:
        if "payload" not in m:
            return None
        payload = unb64(m["payload"])
        if self.version == "old":
            return AESGCM(secret[:16]).decrypt(unb64(m["iv"]), payload + secret[16:], None).decode()
        material = payload_keys(secret[:32])
        if hmac.digest(material[32:64], payload, "sha256")[:16] != secret[32:]:
            raise ValueError("payload")
        return cbc(False, material[:32], material[64:], payload).decode()


def payload_keys(key: bytes) -> bytes:
    root, block, out = hmac.digest(bytes(32), key, "sha256"), b"", b""
    for i in range(1, 4):
        block = hmac.digest(root, block + b"OMEMO Payload" + bytes([i]), "sha256")
        out += block
    return out[:80]


def new_last(function: Any, *arguments: Any) -> c.c_void_p:
    """Calls a function whose last parameter returns an object."""
    out = P()
    check(function(*arguments, c.byref(out)), function.__name__)
    return out


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def unb64(text: str) -> bytes:
    return base64.b64decode(text)


def main() -> None:
    devices: Dict[str, Device] = {}
    for line in sys.stdin:
        request = json.loads(line)
        op, name = request["op"], request["name"]
        try:
            if op == "new":
                devices[name] = Device(request["version"], request["jid"], request["device"])
                answer = devices[name].bundle()
            elif op == "bundle":
                answer = devices[name].bundle()
            elif op == "start":
                answer = devices[name].start(request["peer"], request["text"])
            elif op == "encrypt":
                answer = devices[name].encrypt(request["peer"], request["text"])
            elif op == "empty":
                answer = devices[name].encrypt(request["peer"], None)
            elif op == "decrypt":
                answer = devices[name].decrypt(request["peer"], request["message"])
            elif op == "restart":
                devices[name].restart()
                answer = {}
            else:
                answer = {"error": "unknown operation"}
        except Exception as e:  # pylint: disable=broad-except
            answer = {"error": f"{type(e).__name__}: {e}"}
        print(json.dumps(answer), flush=True)


main()
