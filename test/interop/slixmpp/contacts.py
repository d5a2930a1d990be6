# SPDX-License-Identifier: AGPL-3.0-or-later
"""Contacts: the roster, presence, carbons, blocking, reports, and a client that is not looked at."""
import os

from kithtest import Client, people, tell


async def story():
    out = {}
    a, b = await people("xep_0030", "xep_0191", "xep_0280")

    # Both become contacts of each other; slixmpp agrees and asks back by itself.
    back = b.expect("presence_available", lambda p: p["from"].bare == a.boundjid.bare)
    there = a.expect("presence_available", lambda p: p["from"].bare == b.boundjid.bare)
    a.send_presence_subscription(pto=b.boundjid.bare)
    await there
    await back
    await a.update_roster(b.boundjid.bare, name="Bobby", groups=["Friends"])
    await a.get_roster()
    item = a.client_roster[b.boundjid.bare]
    out["roster"] = [item["subscription"], item["name"], list(item["groups"])]

    # What one device of Alice receives and sends, the other sees.
    a2 = await Client("alice", os.environ["KITH_PASSWORD"], ["xep_0280"]).login()
    await a2.get_roster()
    a2.send_presence()
    await a2["xep_0280"].enable()
    seen = a2.expect("carbon_received")
    b.send_message(mto=a.boundjid.full, mbody="for one device", mtype="chat")
    out["carbon_received"] = (await seen)["carbon_received"]["body"]
    seen = a2.expect("carbon_sent")
    a.send_message(mto=b.boundjid.bare, mbody="from one device", mtype="chat")
    out["carbon_sent"] = (await seen)["carbon_sent"]["body"]

    # A client that is not looked at is left alone with what can wait, until it is looked at.
    a2.send_raw("<inactive xmlns='urn:xmpp:csi:0'/>")
    await a2.get_roster()  # answered after it
    order = []
    a2.add_event_handler("changed_status", lambda p: order.append(p["status"]) if p["status"] else None)
    a2.add_event_handler("message", lambda m: order.append(m["body"]))
    late = a2.expect("message", lambda m: m["body"] == "urgent")
    known = a.expect("changed_status", lambda p: p["status"] == "busy")
    b.send_presence(pstatus="busy")
    await known  # by the client that is looked at
    out["csi_before"] = order[:]
    b.send_message(mto=a2.boundjid.full, mbody="urgent", mtype="chat")
    await late
    a2.send_raw("<active xmlns='urn:xmpp:csi:0'/>")
    out["csi"] = order[:]

    # A report goes to the administrator, with what it is about; and Bob is blocked.
    admin = await Client("root", os.environ["KITH_PASSWORD"]).login()
    admin.send_presence()
    report = admin.expect("message", lambda m: "urn:xmpp:reporting" in str(m) or b.boundjid.bare in m["body"])
    await a.ask("<block xmlns='urn:xmpp:blocking'><item jid='%s'><report xmlns='urn:xmpp:reporting:1' reason='urn:xmpp:reporting:spam'>"
                "<text>too many adverts</text></report></item></block>" % b.boundjid.bare, "set")
    out["report"] = "too many adverts" in str(await report)
    blocked = await a["xep_0191"].get_blocked()
    out["blocked"] = [str(j) for j in blocked["blocklist"]["items"]]
    refused = b.expect("message_error")
    b.send_message(mto=a.boundjid.bare, mbody="hello?", mtype="chat")
    out["refused"] = (await refused)["error"]["condition"]
    await a["xep_0191"].unblock(b.boundjid.bare)
    heard = a.expect("message", lambda m: m["body"] == "hello again")
    b.send_message(mto=a.boundjid.bare, mbody="hello again", mtype="chat")
    await heard
    return out


tell(story)
