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

    async def logout(self):
        self.disconnect()
        await asyncio.wait_for(self.ended, PATIENCE)


def tell(story):
    logging.basicConfig(level=os.environ.get("KITH_LOG", "CRITICAL"), stream=sys.stderr)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    print(json.dumps(loop.run_until_complete(asyncio.wait_for(story(), 3 * PATIENCE))))
