# SPDX-License-Identifier: AGPL-3.0-or-later
"""Stream management: a session goes on after its connection broke; and after the server has restarted, where it
cannot, nothing is lost either."""
import asyncio
import os

from kithtest import PATIENCE, Client, line, people, tell


async def story():
    out = {}
    a = Client("alice", os.environ["KITH_PASSWORD"])
    b = Client("bob", os.environ["KITH_PASSWORD"], ["xep_0198"])
    b["xep_0198"].allow_resume = True
    enabled = b.expect("sm_enabled")
    for c in (a, b):
        await c.login()
        await c.get_roster()
        c.send_presence()
    await enabled
    got = []
    b.add_event_handler("message", lambda m: got.append(m["body"]) if m["body"] else None)

    async def reconnect(event):
        settled = b.expect(event)
        b.connect((os.environ["KITH_HOST"], int(os.environ["KITH_PORT"])))
        await settled

    async def arrived(*bodies):
        for _ in range(PATIENCE * 20):
            if set(bodies) <= set(got):
                return
            await asyncio.sleep(0.05)
        raise TimeoutError(f"{bodies} of {got}")

    # The network goes, without a word.
    lost = b.expect("disconnected")
    b.transport.abort()
    await lost
    a.send_message(mto=b.boundjid.bare, mbody="while it was cut", mtype="chat")
    full = str(b.boundjid)
    await reconnect("session_resumed")
    out["resumed"] = str(b.boundjid) == full
    await arrived("while it was cut")
    # What the server does not know to be here comes again: the first answer stands behind its question, the second
    # behind ours to it.
    await b.get_roster()
    await b.get_roster()

    # The server restarts.
    lost = b.expect("disconnected")
    also = a.expect("disconnected")
    await line("restart")
    await lost
    await also
    a = Client("alice", os.environ["KITH_PASSWORD"])
    await a.login()
    a.send_message(mto=b.boundjid.bare, mbody="after the restart", mtype="chat")
    failed = b.expect("sm_failed")
    started = b.expect("session_start")
    b.connect((os.environ["KITH_HOST"], int(os.environ["KITH_PORT"])))
    out["failed_with_h"] = (await failed).xml.attrib.get("h", "").isdigit()
    await started
    b.send_presence()
    await arrived("after the restart")
    out["once"] = [got.count(x) for x in ("while it was cut", "after the restart")]
    return out


tell(story)
