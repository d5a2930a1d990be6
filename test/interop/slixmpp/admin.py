# SPDX-License-Identifier: AGPL-3.0-or-later
"""Commands of administrators and of everybody (XEP-0050, XEP-0133, XEP-0401), and the relay for calls (XEP-0215)."""
import os

from slixmpp.exceptions import IqError

from kithtest import Client, people, tell, words

COMMANDS = "http://jabber.org/protocol/commands"
ADMIN = "http://jabber.org/protocol/admin#"


async def story():
    out = {}
    a, b = await people("xep_0030", "xep_0050", "xep_0133")
    root = await Client("root", os.environ["KITH_PASSWORD"], ["xep_0030", "xep_0050", "xep_0133", "xep_0004"]).login()
    domain = root.boundjid.domain

    async def commands(c):
        return {str(i[1]) for i in (await c["xep_0050"].get_commands(domain))["disco_items"]["items"]}

    out["for_admins"] = ADMIN + "add-user" in await commands(root)
    out["for_all"] = ADMIN + "add-user" in await commands(a)

    async def run(c, node, **values):
        fields = "".join(f"<field var='{k}'><value>{v}</value></field>" for k, v in values.items())
        first = await c.ask(f"<command xmlns='{COMMANDS}' node='{node}' action='execute'/>", "set", domain)
        command = first.find("{%s}command" % COMMANDS)
        if command.attrib["status"] == "completed":
            return words(first)
        form_type = [f for f in command.iter("{jabber:x:data}field") if f.attrib.get("var") == "FORM_TYPE"][0][0].text
        return words(await c.ask(
            f"<command xmlns='{COMMANDS}' node='{node}' sessionid='{command.attrib['sessionid']}' action='complete'><x xmlns='jabber:x:data' type='submit'>"
            f"<field var='FORM_TYPE'><value>{form_type}</value></field>{fields}</x></command>", "set", domain))

    done = await run(root, ADMIN + "add-user", accountjid=f"carol@{domain}", password="a password for carol", **{"password-verify": "a password for carol"})
    out["added"] = 'status="completed"' in done
    carol = await Client("carol", "a password for carol").login()
    out["carol"] = carol.boundjid.bare
    try:
        await run(a, ADMIN + "add-user")
    except IqError as e:
        out["refused"] = e.condition
    invited = await run(a, "urn:xmpp:invite#invite")
    out["invitation"] = "xmpp:alice@" in invited and "preauth=" in invited
    services = words(await a.ask("<services xmlns='urn:xmpp:extdisco:2'/>", to=domain))
    out["relay"] = ["turn" in services, "password" in services]
    return out


tell(story)
