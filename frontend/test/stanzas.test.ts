import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { toBase64 } from '../src/xmpp/bytes';
import type { Codec } from '../src/xmpp/codec';
import * as kith from '../src/xmpp/kith_account';
import * as circle from '../src/xmpp/kith_circle';
import * as grouplink from '../src/xmpp/kith_grouplink';
import * as guardian from '../src/xmpp/kith_guardian';
import * as maps from '../src/xmpp/kith_maps';
import * as pairing from '../src/xmpp/kith_pairing';
import * as privacy from '../src/xmpp/kith_privacy';
import * as vault from '../src/xmpp/kith_vault';
import * as voices from '../src/xmpp/kith_voice';
import * as webpush from '../src/xmpp/kith_webpush';
import * as roster from '../src/xmpp/rfc6121_roster';
import * as form from '../src/xmpp/xep0004_form';
import * as disco from '../src/xmpp/xep0030_disco';
import * as vcard from '../src/xmpp/xep0054_vcard';
import * as avatar from '../src/xmpp/xep0084_avatar';
import * as vcardUpdate from '../src/xmpp/xep0153_update';
import * as muc from '../src/xmpp/xep0045_muc';
import * as commands from '../src/xmpp/xep0050_commands';
import * as rsm from '../src/xmpp/xep0059_rsm';
import * as pubsub from '../src/xmpp/xep0060_pubsub';
import * as caps from '../src/xmpp/xep0115_caps';
import * as nick from '../src/xmpp/xep0172_nick';
import * as receipts from '../src/xmpp/xep0184_receipts';
import * as blocking from '../src/xmpp/xep0191_blocking';
import * as sm from '../src/xmpp/xep0198_sm';
import * as ping from '../src/xmpp/xep0199_ping';
import * as delay from '../src/xmpp/xep0203_delay';
import * as directInvites from '../src/xmpp/xep0249_invites';
import * as correction from '../src/xmpp/xep0308_correction';
import * as retraction from '../src/xmpp/xep0424_retraction';
import * as fallbacks from '../src/xmpp/xep0428_fallback';
import * as reactions from '../src/xmpp/xep0444_reactions';
import * as uploads from '../src/xmpp/xep0363_upload';
import * as replies from '../src/xmpp/xep0461_replies';
import * as stickers from '../src/xmpp/xep0449_stickers';
import * as forwarding from '../src/xmpp/xep0297_forwarding';
import * as mam from '../src/xmpp/xep0313_mam';
import * as markers from '../src/xmpp/xep0333_markers';
import * as hints from '../src/xmpp/xep0334_hints';
import * as ids from '../src/xmpp/xep0359_ids';
import * as push from '../src/xmpp/xep0357_push';
import * as preauth from '../src/xmpp/xep0379_preauth';
import * as eme from '../src/xmpp/xep0380_eme';
import * as omemo from '../src/xmpp/xep0384_omemo';
import * as omemo2 from '../src/xmpp/xep0384_omemo2';
import * as bind2 from '../src/xmpp/xep0386_bind2';
import * as sasl2 from '../src/xmpp/xep0388_sasl2';
import * as bookmarks from '../src/xmpp/xep0402_bookmarks';
import * as occupants from '../src/xmpp/xep0421_occupants';
import * as inbox from '../src/xmpp/xep0430_inbox';
import * as fast from '../src/xmpp/xep0484_fast';
import * as mds from '../src/xmpp/xep0490_mds';
import * as clients from '../src/xmpp/xep0494_clients';
import { parse, XmlElement } from '../src/xmpp/xml';

const DIRECTORY = new URL('../../test/stanzas/', import.meta.url);

const CODECS: Readonly<Record<string, Codec<never>>> = {
  kith_mapPass: maps.mapPass, kith_link: pairing.pairingLink, kith_opened: pairing.pairingOpened, kith_answer: pairing.pairingAnswer, kith_privacy: privacy.privacy, kith_senders: privacy.senders, xep0054_vCard: vcard.vCard, xep0084_metadata: avatar.avatarMetadata, xep0084_data: avatar.avatarData, xep0153_vCardUpdate: vcardUpdate.vCardUpdate,
  kith_circles: circle.circles, kith_children: guardian.children, kith_guardians: guardian.guardians, kith_decide: guardian.decide,
  kith_asked: guardian.asked, kith_decided: guardian.decided, kith_changed: guardian.changed, kith_approvalRequired: guardian.approvalRequired,
  kith_groupLink: grouplink.groupLink, kith_groupLinks: grouplink.groupLinks, kith_makeLink: grouplink.makeLink, kith_renewLink: grouplink.renewLink,
  kith_revokeLink: grouplink.revokeLink, kith_lookWith: grouplink.lookWith, kith_lookedAt: grouplink.lookedAt,
  kith_account: kith.account, kith_credentials: kith.credentials, kith_pushKey: webpush.pushKey, kith_subscribe: webpush.subscribe,
  kith_subscribed: webpush.subscribed, kith_unsubscribe: webpush.unsubscribe, xep0357_enable: push.enablePush, xep0357_disable: push.disablePush, rfc6121_roster: roster.roster,
  xep0004_form: form.form, xep0030_discoInfo: disco.discoInfo, xep0030_discoItems: disco.discoItems,
  xep0045_mucUser: muc.mucUser, xep0045_mucAdmin: muc.mucAdmin, xep0045_mucOwner: muc.mucOwner,
  xep0050_command: commands.command, xep0059_rsm: rsm.rsm, xep0060_pubsub: pubsub.pubsub, xep0060_event: pubsub.event,
  xep0115_caps: caps.caps, xep0172_nick: nick.nick, xep0184_request: receipts.receiptRequest, xep0184_received: receipts.received,
  xep0191_block: blocking.block, xep0191_blocklist: blocking.blocklist, xep0191_unblock: blocking.unblock,
  xep0198_enable: sm.enable, xep0198_enabled: sm.enabled, xep0198_resume: sm.resume, xep0198_resumed: sm.resumed, xep0198_a: sm.answer,
  xep0199_ping: ping.ping, xep0203_delay: delay.delay, xep0249_directInvite: directInvites.directInvite, xep0297_forwarded: forwarding.forwarded,
  xep0313_query: mam.query, xep0313_result: mam.result, xep0313_fin: mam.fin, xep0313_metadata: mam.metadata,
  xep0333_markable: markers.markable, xep0333_displayed: markers.displayed, xep0334_store: hints.store,
  xep0359_originId: ids.originId, xep0359_stanzaId: ids.stanzaId, xep0379_preauth: preauth.preauth, xep0380_encryption: eme.encryption,
  xep0384_deviceList: omemo.deviceList, xep0384_bundle: omemo.bundle, xep0384_encrypted: omemo.encrypted,
  xep0384_devices: omemo2.devices, xep0384_bundle2: omemo2.bundle, xep0384_encrypted2: omemo2.encrypted, xep0386_bound: bind2.bound,
  xep0388_authentication: sasl2.authentication, xep0388_userAgent: sasl2.userAgent, xep0388_success: sasl2.success,
  xep0363_request: uploads.request, xep0363_slot: uploads.slot,
  xep0308_replace: correction.replace, xep0424_retract: retraction.retract, xep0424_retracted: retraction.retracted,
  xep0428_fallback: fallbacks.fallback, xep0444_reactions: reactions.reactions, xep0461_reply: replies.reply,
  xep0402_bookmark: bookmarks.bookmark, xep0421_occupantId: occupants.occupantId,
  xep0430_inbox: inbox.inbox, xep0430_entry: inbox.entry, xep0430_fin: inbox.fin,
  xep0484_requestToken: fast.requestToken, xep0484_token: fast.token, xep0484_fast: fast.fast, xep0490_displayed: mds.mdsDisplayed,
  xep0449_sticker: stickers.sticker, xep0449_pack: stickers.pack, kith_voice: voices.voice, kith_sealed: vault.sealed, kith_vaultKeys: vault.vaultKeys,
  xep0494_list: clients.list, xep0494_clients: clients.clients, xep0494_revoke: clients.revoke,
} as unknown as Readonly<Record<string, Codec<never>>>;

const read = (name: string): string => readFileSync(new URL(name, DIRECTORY), 'utf8');

/** As the README of the directory says: bytes are base64, elements are their text. */
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value, (_, part: unknown) =>
    part instanceof Uint8Array ? toBase64(part) : part instanceof XmlElement ? part.toString() : part));
}

const shape = (element: XmlElement): unknown => JSON.parse(JSON.stringify(element));

describe('golden stanzas', () => {
  const files = readdirSync(DIRECTORY).filter((name) => name.endsWith('.xml')).map((name) => name.slice(0, -4));

  it('cover every codec', () => {
    expect(Object.keys(CODECS).filter((codec) => !files.some((file) => file.split('.')[0] === codec))).toEqual([]);
  });

  it.each(files)('%s', (file) => {
    const codec = CODECS[file.split('.')[0] ?? ''];
    if (!codec) throw new Error(`no codec for ${file}`);
    const element = parse(read(`${file}.xml`));
    const value = codec.read(element);
    if (file.endsWith('.bad')) {
      expect(value).toBeUndefined();
      return;
    }
    if (value === undefined) throw new Error('not read');
    expect(plain(value)).toEqual(JSON.parse(read(`${file}.json`)));
    expect(shape(codec.write(value))).toEqual(shape(element));
  });
});
