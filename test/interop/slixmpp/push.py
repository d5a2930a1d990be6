# SPDX-License-Identifier: AGPL-3.0-or-later
"""A push service, which is a component of the server, wakes a client that is away; and hears no more when it is told so."""
import asyncio
import os

import slixmpp
from slixmpp.xmlstream.handler import Callback
from slixmpp.xmlstream.matcher import MatchXPath

from kithtest import PATIENCE, Client, people, tell, words

PUBSUB = "{http://jabber.org/protocol/pubsub}"


class Service(slixmpp.ComponentXMPP):
    """As much of a service as an app's vendor runs (XEP-0357)."""

    def __init__(self):
        super().__init__("vendor." + os.environ["KITH_DOMAIN"], os.environ["KITH_SECRET"], os.environ["KITH_HOST"], int(os.environ["KITH_COMPONENTS"]))
        self.pushes = asyncio.Queue()
        self.register_plugin("xep_0030")
        self.register_handler(Callback("push", MatchXPath("{jabber:component:accept}iq/" + PUBSUB + "pubsub"), self._push))

    def _push(self, iq):
        iq.reply().send()
        self.pushes.put_nowait([iq["from"].bare, words(iq.xml)])

    async def next(self):
        return await asyncio.wait_for(self.pushes.get(), PATIENCE)


async def story():
    out = {}
    service = Service()
    ready = asyncio.get_event_loop().create_future()
    service.add_event_handler("session_start", lambda _: ready.set_result(None))
    service.connect()
    await asyncio.wait_for(ready, PATIENCE)
    a, b = await people("xep_0030")
    out["component"] = (await a.ask("<query xmlns='http://jabber.org/protocol/disco#info'/>", to=service.boundjid.bare)).attrib["type"]
    await b.ask("<enable xmlns='urn:xmpp:push:0' jid='%s' node='a-token'><x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'>"
                "<value>http://jabber.org/protocol/pubsub#publish-options</value></field><field var='secret'><value>s3cret</value></field></x></enable>"
                % service.boundjid.bare, "set")
    await b.logout()
    a.send_message(mto=b.boundjid.bare, mbody="wake up", mtype="chat")
    sender, push = await service.next()
    out["push"] = [sender, "a-token" in push, "s3cret" in push, "wake up" in push]

    # It wakes, and gets what waited.
    b = Client("bob", os.environ["KITH_PASSWORD"])
    waited = b.expect("message", lambda m: m["body"] == "wake up")
    await b.login()
    b.send_presence()
    await waited
    await b.ask("<disable xmlns='urn:xmpp:push:0' jid='%s'/>" % service.boundjid.bare, "set")
    await b.logout()
    a.send_message(mto=b.boundjid.bare, mbody="still there?", mtype="chat")

    # Messages to and from the component. What it would have been told before them, it was not.
    heard = asyncio.get_event_loop().create_future()
    service.add_event_handler("message", lambda m: heard.set_result(m) if not heard.done() else None)
    a.send_message(mto="room@" + service.boundjid.bare, mbody="to the component", mtype="chat")
    out["to_component"] = (await asyncio.wait_for(heard, PATIENCE))["body"]
    out["after_disable"] = service.pushes.qsize()
    answer = a.expect("message", lambda m: m["body"] == "from the component")
    service.send_message(mto=a.boundjid.full, mfrom="room@" + service.boundjid.bare, mbody="from the component", mtype="chat")
    out["from_component"] = (await answer)["from"].bare
    return out


tell(story)
