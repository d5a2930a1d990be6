# SPDX-License-Identifier: AGPL-3.0-or-later
"""What an account keeps for itself and shows to others: nodes, private storage, bookmarks old and new, pictures."""
import base64
import hashlib

from kithtest import people, tell, words

PNG = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")
PUBSUB = "http://jabber.org/protocol/pubsub"


async def story():
    out = {}
    a, b = await people("xep_0030", "xep_0060", "xep_0163", "xep_0172", "xep_0049", "xep_0048", "xep_0054", "xep_0084")
    seen = b.expect("presence_available", lambda p: p["from"].bare == a.boundjid.bare)
    b.send_presence_subscription(pto=a.boundjid.bare)
    await seen

    # A nickname is published, and whoever may know asks for it.
    await a["xep_0172"].publish_nick("Ali")
    items = await b["xep_0060"].get_items(a.boundjid.bare, "http://jabber.org/protocol/nick")
    out["nick"] = "Ali" in str(items)

    # Private storage is for the owner.
    await a.ask("<query xmlns='jabber:iq:private'><notes xmlns='urn:example:notes'>milk</notes></query>", "set")
    out["private"] = "milk" in words(await a.ask("<query xmlns='jabber:iq:private'><notes xmlns='urn:example:notes'/></query>"))

    # A bookmark of an old client is one for new clients, and the other way round; what is not understood stays.
    await a.ask("<query xmlns='jabber:iq:private'><storage xmlns='storage:bookmarks'><conference jid='old@rooms.example' name='Old' autojoin='true'>"
                "<nick>ali</nick></conference></storage></query>", "set")
    new = words(await a.ask(f"<pubsub xmlns='{PUBSUB}'><items node='urn:xmpp:bookmarks:1'/></pubsub>"))
    out["old_to_new"] = "old@rooms.example" in new and "autojoin=\"true\"" in new
    await a.ask(f"<pubsub xmlns='{PUBSUB}'><publish node='urn:xmpp:bookmarks:1'><item id='new@rooms.example'>"
                "<conference xmlns='urn:xmpp:bookmarks:1' name='New' autojoin='1'><extensions><pinned xmlns='urn:xmpp:bookmarks-pinning:0'/></extensions>"
                "</conference></item></publish></pubsub>", "set")
    old = words(await a.ask("<query xmlns='jabber:iq:private'><storage xmlns='storage:bookmarks'/></query>"))
    out["new_to_old"] = "new@rooms.example" in old and "old@rooms.example" in old
    kept = words(await a.ask(f"<pubsub xmlns='{PUBSUB}'><items node='urn:xmpp:bookmarks:1'><item id='new@rooms.example'/></items></pubsub>"))
    out["extensions"] = "urn:xmpp:bookmarks-pinning:0" in kept

    # A picture of a new client is in the card for old ones, and in the presence; and the other way round.
    sha1 = hashlib.sha1(PNG).hexdigest()
    update = b.expect("presence_available", lambda p: p["from"] == a.boundjid and sha1 in str(p))
    await a["xep_0084"].publish_avatar(PNG)
    await a["xep_0084"].publish_avatar_metadata([{"id": sha1, "type": "image/png", "bytes": len(PNG)}])
    await update
    card = await b["xep_0054"].get_vcard(a.boundjid.bare, local=False, cached=False)
    out["picture_in_card"] = card["vcard_temp"]["PHOTO"]["BINVAL"] == PNG
    picture = PNG + b"\0"
    card = a["xep_0054"].make_vcard()
    card["PHOTO"]["TYPE"], card["PHOTO"]["BINVAL"], card["FN"] = "image/png", picture, "Alice"
    await a["xep_0054"].publish_vcard(card)
    meta = await b["xep_0060"].get_items(a.boundjid.bare, "urn:xmpp:avatar:metadata")
    out["card_to_picture"] = hashlib.sha1(picture).hexdigest() in str(meta)
    return out


tell(story)
