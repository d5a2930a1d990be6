# SPDX-License-Identifier: AGPL-3.0-or-later
"""Files: over HTTP, and from one client to the other by way of the server's relay."""
import asyncio
import os
import ssl
import urllib.error
import urllib.request

from kithtest import people, tell

CONTENT = bytes(range(256)) * 400


def http(method, url, data=None, headers=()):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    r = urllib.request.Request(url.replace("https://" + os.environ["KITH_DOMAIN"], os.environ["KITH_WEB"]), data=data, method=method, headers=dict(headers))
    try:
        with urllib.request.urlopen(r, context=context) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as e:
        return e.code, b""


async def story():
    out = {}
    a, b = await people("xep_0030", "xep_0363", "xep_0065", "xep_0066")
    services = []
    for jid, *_ in (await a["xep_0030"].get_items(a.boundjid.domain))["disco_items"]["items"]:
        if "urn:xmpp:http:upload:0" in (await a["xep_0030"].get_info(jid))["disco_info"]["features"]:
            services.append(jid)
    out["services"] = [str(j) for j in services]
    slot = (await a["xep_0363"].request_slot(services[0], "a.bin", len(CONTENT), "application/octet-stream"))["http_upload_slot"]
    headers = [(h["name"], h["value"]) for h in slot["put"]["headers"]] + [("Content-Type", "application/octet-stream")]
    run = asyncio.get_event_loop().run_in_executor
    put = lambda data: run(None, http, "PUT", slot["put"]["url"], data, headers)
    out["put"] = (await put(CONTENT))[0]
    out["put_again"] = (await put(CONTENT))[0]
    out["put_else"] = (await put(CONTENT[::-1]))[0]
    status, got = await run(None, http, "GET", slot["get"]["url"])
    out["get"] = [status, got == CONTENT]

    # The name of the server is known to nobody here.
    for c in (a, b):
        plugin = c["xep_0065"]
        connect = plugin._connect_proxy
        plugin._connect_proxy = lambda dest, _, port, connect=connect: connect(dest, os.environ["KITH_HOST"], port)

    # SOCKS5: the relay is found, and what goes in on one side comes out on the other.
    b["xep_0065"].auto_accept = True
    received = asyncio.get_event_loop().create_future()
    data = []

    def take(part):
        data.append(part)
        if sum(map(len, data)) >= len(CONTENT) and not received.done():
            received.set_result(b"".join(data))

    b.add_event_handler("socks5_data", take)
    proxies = await a["xep_0065"].discover_proxies()
    out["relay"] = sorted(str(j) for j in proxies)
    stream = await a["xep_0065"].handshake(b.boundjid.full)
    await stream.write(CONTENT)
    out["relayed"] = await asyncio.wait_for(received, 30) == CONTENT
    return out


tell(story)
