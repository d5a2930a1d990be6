# SPDX-License-Identifier: AGPL-3.0-or-later
"""A slixmpp client for one story: it is told by environment variables where the server is, and
what a story returns is printed as JSON."""
import asyncio
import json
import logging
import os
import ssl
import sys

import slixmpp
from slixmpp.xmlstream import ET

PATIENCE = 30


class Client(slixmpp.ClientXMPP):
    def __init__(self, name, password, plugins=()):
        super().__init__(f"{name}@{os.environ['KITH_DOMAIN']}", password)
        # Its channel binding is tls-unique, which TLS 1.3 does not have.
        self.ssl_context.maximum_version = ssl.TLSVersion.TLSv1_2
        self.ca_certs = os.environ["KITH_CERT"]
        for name in plugins:
            self.register_plugin(name)
        self.started = asyncio.get_event_loop().create_future()
        self.ended = asyncio.get_event_loop().create_future()
        self.add_event_handler("session_start", lambda _: self._settle(self.started, None))
        for failure in ("failed_auth", "failed_all_auth", "connection_failed"):
            self.add_event_handler(failure, lambda why, f=failure: self._settle(self.started, RuntimeError(f"{f}: {why}")))
        self.add_event_handler("disconnected", lambda _: self._settle(self.ended, None))
        self.whitespace_keepalive = False

    @staticmethod
    def _settle(future, error):
        if future.done():
            return
        if error is None:
            future.set_result(None)
        else:
            future.set_exception(error)

    async def login(self):
        self.connect((os.environ["KITH_HOST"], int(os.environ["KITH_PORT"])))
        await asyncio.wait_for(self.started, PATIENCE)
        return self

    def expect(self, event, accept=lambda _: True):
        """A future for the next event of a name that is accepted."""
        future = asyncio.get_event_loop().create_future()

        def handler(data):
            if not future.done() and accept(data):
                self.del_event_handler(event, handler)
                future.set_result(data)

        self.add_event_handler(event, handler)
        return asyncio.wait_for(future, PATIENCE)

    def sees(self, accept):
        """A future for the next stanza that is accepted, whatever slixmpp makes of it."""
        future = asyncio.get_event_loop().create_future()

        def look(stanza):
            if not future.done() and accept(stanza):
                future.set_result(stanza)
            return stanza

        self.add_filter("in", look)
        return asyncio.wait_for(future, PATIENCE)

    async def ask(self, payload, kind="get", to=None):
        """Sends a request with this payload and gives the element of the answer, or raises IqError."""
        iq = self.make_iq_get(ito=to) if kind == "get" else self.make_iq_set(ito=to)
        iq.append(ET.fromstring(payload))
        return (await iq.send(timeout=PATIENCE)).xml

    def say(self, to, payload, kind="chat", body=None):
        """Sends a message with further elements and gives its id."""
        msg = self.make_message(mto=to, mbody=body, mtype=kind)
        msg["id"] = self.new_id()
        for part in payload:
            msg.append(ET.fromstring(part))
        msg.send()
        return msg["id"]

    async def logout(self):
        self.disconnect()
        await asyncio.wait_for(self.ended, PATIENCE)


async def people(*plugins):
    """Alice and Bob, signed in and available; one client each."""
    out = []
    for name in ("alice", "bob"):
        c = await Client(name, os.environ["KITH_PASSWORD"], plugins).login()
        await c.get_roster()
        c.send_presence()
        out.append(c)
    return out


async def until(condition):
    """Waits for what no event tells of."""
    for _ in range(PATIENCE * 20):
        result = await condition()
        if result:
            return result
        await asyncio.sleep(0.05)
    raise TimeoutError


def words(element):
    """An element as text, for what is looked for in it."""
    return ET.tostring(element, encoding="unicode")


async def line(text):
    """Tells the test how far the story has come, and waits until the test has done its part."""
    print(text, flush=True)
    return (await asyncio.get_event_loop().run_in_executor(None, sys.stdin.readline)).strip()


def tell(story):
    logging.basicConfig(level=os.environ.get("KITH_LOG", "CRITICAL"), stream=sys.stderr)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    print(json.dumps(loop.run_until_complete(asyncio.wait_for(story(), 3 * PATIENCE))))
