# SPDX-License-Identifier: AGPL-3.0-or-later
"""A session over plain HTTP requests (XEP-0124, XEP-0206), by the standard library alone."""
import base64
import hashlib
import hmac
import logging
import os
import secrets
import ssl
import urllib.request
import xml.etree.ElementTree as ET

from kithtest import tell

SASL = "urn:ietf:params:xml:ns:xmpp-sasl"
BIND = "http://jabber.org/protocol/httpbind"


def b64(text):
    return base64.b64encode(text.encode()).decode()


def scram(first_bare, challenge, password):
    """The last message of the client (RFC 5802 section 3)."""
    fields = dict(part.split("=", 1) for part in challenge.split(","))
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), base64.b64decode(fields["s"]), int(fields["i"]))
    key = hmac.digest(salted, b"Client Key", "sha256")
    final = f"c={b64('n,,')},r={fields['r']}"
    signature = hmac.digest(hashlib.sha256(key).digest(), f"{first_bare},{challenge},{final}".encode(), "sha256")
    return f"{final},p=" + base64.b64encode(bytes(x ^ y for x, y in zip(key, signature))).decode()


class Session:
    def __init__(self):
        self.rid, self.sid, self.waiting = 7, "", []
        self.context = ssl.create_default_context()
        self.context.check_hostname, self.context.verify_mode = False, ssl.CERT_NONE

    def request(self, attrs="", inner=""):
        sid = f" sid='{self.sid}'" if self.sid else ""
        body = f"<body xmlns='{BIND}' xmlns:xmpp='urn:xmpp:xbosh' rid='{self.rid}'{sid} {attrs}>{inner}</body>"
        self.rid += 1
        r = urllib.request.Request(os.environ["KITH_BOSH"], data=body.encode(), headers={"Content-Type": "text/xml; charset=utf-8"})
        with urllib.request.urlopen(r, context=self.context, timeout=60) as answer:
            text = answer.read()
        logging.debug("%s\n    %s", body, text)
        root = ET.fromstring(text)
        self.sid = root.attrib.get("sid", self.sid)
        self.waiting += list(root)
        return root

    def get(self, tag):
        while True:
            for e in self.waiting:
                if e.tag.endswith("}failure") or e.tag.endswith("}error"):
                    raise RuntimeError(ET.tostring(e))
                if e.tag.endswith("}" + tag):
                    self.waiting.remove(e)
                    return e
            self.request()


async def story():
    out = {}
    domain = os.environ["KITH_DOMAIN"]
    s = Session()
    first = s.request(f"to='{domain}' wait='1' hold='1' ver='1.11' xmpp:version='1.0' ack='1'")
    out["first"] = [first.attrib[k] for k in ("wait", "maxpause", "ack")]
    s.get("features")
    first_bare = "n=alice,r=" + secrets.token_hex(16)
    s.request(inner=f"<auth xmlns='{SASL}' mechanism='SCRAM-SHA-256'>{b64('n,,' + first_bare)}</auth>")
    challenge = base64.b64decode(s.get("challenge").text).decode()
    s.request(inner=f"<response xmlns='{SASL}'>{b64(scram(first_bare, challenge, os.environ['KITH_PASSWORD']))}</response>")
    s.get("success")
    s.request(f"to='{domain}' xmpp:restart='true'")
    s.get("features")
    s.request(inner="<iq xmlns='jabber:client' type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>page</resource></bind></iq>")
    out["bound"] = "".join(s.get("iq").itertext())
    s.request(inner="<presence xmlns='jabber:client'/>")
    s.request(inner="<message xmlns='jabber:client' to='%s' type='chat' id='m'><body>to oneself</body></message>" % out["bound"])
    while True:
        m = s.get("message")
        if m.find("{jabber:client}body") is not None:
            out["message"] = m.find("{jabber:client}body").text
            break
    out["pause"] = len(s.request("pause='60'"))
    out["end"] = s.request("type='terminate'").attrib.get("type")
    return out


tell(story)
