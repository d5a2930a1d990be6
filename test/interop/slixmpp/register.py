# SPDX-License-Identifier: AGPL-3.0-or-later
"""In-band registration with the token of an invitation, a new password, and the end of the account."""
import os

from slixmpp.exceptions import IqError
from slixmpp.xmlstream import ET

from kithtest import Client, tell


async def story():
    out = {}
    new = Client("bob", "a password for tests", ["xep_0077"])
    new._always_send_everything = True  # otherwise 1.8.3 keeps back what comes before the login

    async def register(form):
        out["asked_without_token"] = sorted(form["register"]["fields"])
        preauth = new.make_iq_set()
        preauth.append(ET.fromstring(f"<preauth xmlns='urn:xmpp:pars:0' token='{os.environ['KITH_TOKEN']}'/>"))
        await preauth.send()
        out["asked"] = sorted((await new["xep_0077"].get_registration())["register"]["fields"])
        iq = new.make_iq_set()
        iq["register"]["username"] = new.boundjid.user
        iq["register"]["password"] = new.password
        await iq.send()

    new.add_event_handler("register", register)
    await new.login()
    out["bound"] = new.boundjid.bare
    try:
        await new["xep_0077"].change_password("short", jid=new.boundjid.domain)
    except IqError as e:
        out["short"] = e.condition
    await new["xep_0077"].change_password("another password", jid=new.boundjid.domain)
    await new.ended

    again = await Client("bob", "another password", ["xep_0077"]).login()
    await again["xep_0077"].cancel_registration()
    await again.ended
    try:
        await Client("bob", "another password").login()
    except RuntimeError as e:
        out["gone"] = str(e).split(":")[0]
    return out


tell(story)
