/** One encrypted stanza at a time: from bytes to what it says, or to the reason why nobody here can tell. */
import { KEY_DUE, OmemoError, V2, type CheckRequest, type DecryptRequest, type DecryptResult, type OmemoEngine } from '../../crypto/engine';
import type { RecordSession } from '../../crypto/records';
import type { SeenElement } from '../../crypto/sent';
import type { DeviceEntry, Finding, KeyTrust, Level, MessageProblem, Protection } from '../../db/schema';
import { fromUtf8 } from '../../xmpp/bytes';
import { NS } from '../../xmpp/ns';
import { originId } from '../../xmpp/xep0359_ids';
import { mayStandOutside, openEnvelope, SCE } from '../../xmpp/xep0420_sce';
import { XmlElement } from '../../xmpp/xml';
import type { Account } from '../account';
import type { Address, Events } from '../api';
import { bodyOf, type Envelope } from '../envelope';
import { log } from '../log';
import type { Mode } from '../receiver';
import type { Devices } from './devices';
import { readEncrypted } from './wire';

export interface Decrypted {
  readonly text: string;
  readonly lock: Protection;
  readonly level: Level;
  readonly trust: KeyTrust;
  readonly problem?: MessageProblem;
  readonly device?: number;
  /** It also went out in 0.3. */
  readonly mixed?: true;
  readonly findings?: readonly Finding[];
  readonly alarm?: true;
  /** There is no text. */
  readonly empty?: true;
  /** The stanza with what was in the envelope, and without what nobody could know to be the sender's. Absent in 0.3: it is the stanza itself. */
  readonly message?: XmlElement;
  /** What became known of the sending device, to be written together with the message. */
  readonly sender?: SenderNews;
}

export interface SenderNews {
  readonly address: Address;
  readonly device: number;
  readonly facts: Partial<DeviceEntry>;
  readonly news: Events['devices']['news'];
}

/** What has to follow once the message is stored. */
export interface DecryptorWorld {
  engine(): Promise<OmemoEngine>;
  ownDevice(): number | undefined;
  /** They are not to learn that we are here. */
  isStranger(address: Address): boolean;
  /** Prekeys were used, or an empty message is owed. */
  upkeep(): void;
  /** There is no session that this device's messages fit; `broken`: there was one. */
  heal(address: Address, device: number, version: DecryptRequest['version'], broken: boolean): void;
}

/** Codes after which a new session may help; everything else is one bad message. */
const BROKEN = new Set(['authentication', 'unknown-prekey', 'too-many-skipped']);
/** Defects, not messages. */
const DEFECTS = new Set(['not-read', 'no-identity', 'argument', 'internal']);
/** Findings of which the chat tells; the others are for who looks. */
const ALARMING = new Set(['key-stripped', 'key-added', 'device-injected', 'key-replaced', 'own-without-key']);
/** So long after a device of ours has appeared, nobody has to know it. */
const GRACE = 3_600_000;
const MAX_FINDINGS = 20;

export class Decryptor {
  /** What was told last of each device in this session; the database may be behind by a batch. */
  private readonly told = new Map<string, readonly string[]>();

  constructor(private readonly account: Account, private readonly devices: Devices, private readonly world: DecryptorWorld) {}

  /** To be awaited before records are taken: making the keys needs them too. */
  async ready(): Promise<void> {
    await this.world.engine();
  }

  /** `undefined`: nothing to show. Changes of records are staged in `session`. */
  async open(session: RecordSession, envelope: Envelope, mode: Mode): Promise<Decrypted | undefined> {
    const engine = await this.world.engine();
    const own = this.world.ownDevice();
    const elements = readEncrypted(envelope.message);
    // Each device has a key in one of both, the better one if somebody gave it two.
    const element = elements.find((one) => this.keysOf(one, own).length > 0) ?? elements[0];
    if (!element) return { ...problem('unsupported'), message: outside(envelope.message) };
    const bare = elements.some((one) => one.version === V2) ? { message: outside(envelope.message) } : {};
    const { sid } = element;
    // Our own message, deleted here since; or what we did to one.
    if (envelope.outgoing && sid === own) return { ...nothing, ...bare };
    const shown = element.payload !== undefined;
    const keys = this.keysOf(element, own);
    if (keys.length === 0) return shown ? { ...problem('not-for-this-device', sid), ...bare } : { ...nothing, ...bare };
    let failure: OmemoError | undefined;
    // 0.3 names recipients by device id only: another one's device may have the same.
    for (const key of keys.slice(0, 3)) {
      const request: DecryptRequest = {
        version: element.version, from: { jid: envelope.from, device: sid }, key: key.data, now: Math.floor(this.account.platform.clock.now() / 1000),
        ...(element.iv && { iv: element.iv }), ...(element.payload && { payload: element.payload }),
      };
      try {
        const records = await session.read([...engine.decryptNeeds(request), KEY_DUE]);
        const result = engine.decrypt(records, request);
        const inner = element.version === V2 && result.plaintext ? openEnvelope(result.plaintext) : undefined;
        // Somebody else's words under this name: nothing of them is remembered as this one's, their key least of all.
        if (inner?.from !== undefined && inner.from !== envelope.from) return { ...problem('misdirected', sid), ...bare };
        session.stage(result.changes);
        return await this.opened(engine, session, envelope, elements, element, result, inner, mode);
      } catch (error) {
        if (!(error instanceof OmemoError)) throw error;
        failure = error;
      }
    }
    const failed = this.failed(envelope, element, shown, failure, mode);
    return failed && { ...failed, ...bare };
  }

  private keysOf(element: SeenElement, own: number | undefined): SeenElement['keys'] {
    return element.keys.filter((key) => key.device === own && (key.jid === undefined || key.jid === this.account.address));
  }

  private async opened(
    engine: OmemoEngine, session: RecordSession, envelope: Envelope, elements: readonly SeenElement[], element: SeenElement, result: DecryptResult,
    inner: ReturnType<typeof openEnvelope>, mode: Mode,
  ): Promise<Decrypted> {
    const { sid, version } = element;
    const known = this.devices.entry(envelope.from, sid);
    // The first device of somebody, or one that its owner has announced, is no surprise.
    const surprise = result.newKey && !known && this.devices.of(envelope.from).devices.length > 0;
    const news = result.keyChanged ? 'key-changed' : surprise ? 'new-device' : undefined;
    const facts: Partial<DeviceEntry> = { fingerprint: result.fingerprint, trust: result.trust, lastSeen: envelope.at, ...(known?.silent && { silent: false }) };
    const sender: SenderNews = { address: envelope.from, device: sid, facts, news };
    if (result.preKeyUsed || result.due) this.world.upkeep();
    // Somebody who is not on the list that we have: the list is old, or they do not belong there. Ask.
    if (known?.listed !== true && mode === 'live' && !this.world.isStranger(envelope.from)) void this.devices.fetch(envelope.from).catch(() => undefined);
    const found: Decrypted = {
      text: '', lock: result.trust === 'verified' ? 'verified' : 'encrypted', level: version === V2 ? 2 : 1, trust: result.trust, device: sid, sender,
      ...(version === V2 && { message: outside(envelope.message) }),
    };
    if (!result.plaintext) return { ...found, empty: true };
    const legacy = version === V2 ? undefined : textOf(result.plaintext);
    if (!inner && legacy === undefined) return { ...found, problem: 'undecryptable' };
    const content = new XmlElement(SCE, 'content', {}, inner?.content ?? []);
    const said = originId.in(content)?.id;
    // The server may have given it another id, so that it corrects something else.
    if (said !== undefined && said !== envelope.id) return { ...found, problem: 'misdirected' };
    let checked: ReturnType<OmemoEngine['check']>;
    try {
      const request = this.checkRequest(envelope, elements, sid, result, inner);
      checked = engine.check(await session.read(engine.checkNeeds(request)), request);
    } catch (error) {
      if (!(error instanceof OmemoError) || DEFECTS.has(error.code)) throw error;
      log.warn('message refused', { code: error.code });
      return { ...found, problem: 'misdirected' };
    }
    const message = found.message && new XmlElement(found.message.ns, found.message.name, found.message.attrs, [
      ...found.message.children, ...content.elements.filter((one) => !one.is(NS.sid, 'origin-id')),
    ]);
    const text = message ? bodyOf(message) : legacy;
    const findings = this.findings(envelope, checked.findings);
    const alarm = this.alarm(envelope.from, sid, findings);
    return {
      ...found, text: text ?? '', level: checked.level, ...(text === undefined && { empty: true as const }),
      sender: { ...sender, facts: { ...facts, ...(alarm.changed && { findings: alarm.now }) } },
      ...(message && { message }),
      ...(version === V2 && elements.some((one) => one.version !== V2) && { mixed: true as const }),
      ...(findings.length > 0 && { findings }),
      ...(alarm.news && { alarm: true as const }),
    };
  }

  private checkRequest(
    envelope: Envelope, elements: readonly SeenElement[], sid: number, result: DecryptResult, inner: ReturnType<typeof openEnvelope>,
  ): CheckRequest {
    const self = this.account.address;
    const group = envelope.kind === 'group';
    // The lists of today say little about what was sent before.
    const now = envelope.source !== 'archive';
    const listed = (who: Address): readonly number[] | undefined => (now && this.devices.of(who).fetchedAt > 0 ? this.devices.listed(who).map((device) => device.id) : undefined);
    const ownListed = listed(self), senderListed = listed(envelope.from);
    const { content: _content, dropped: _dropped, ...affixes } = inner ?? { content: [], dropped: 0 };
    return {
      from: { jid: envelope.from, device: sid }, fingerprint: result.fingerprint, self,
      to: group || envelope.outgoing ? envelope.chat : self, group, sentAt: Math.floor(envelope.at / 1000),
      keys: elements.flatMap(({ version, keys }) => keys.map(({ jid, device }) => ({ version, device, ...(jid !== undefined && { jid }) }))),
      ...(inner && { affixes }), ...(ownListed && { ownListed }), ...(senderListed && { senderListed }),
    };
  }

  /** What is worth keeping: who does not know yet what we have just done is not suspicious. */
  private findings(envelope: Envelope, all: readonly Finding[]): readonly Finding[] {
    return all.filter(({ kind, jid, device }) => {
      if (kind !== 'own-without-key' && kind !== 'device-unvouched') return true;
      return (this.devices.entry(jid, device)?.firstSeen ?? 0) + GRACE < envelope.at;
    }).slice(0, MAX_FINDINGS);
  }

  private alarm(from: Address, device: number, findings: readonly Finding[]): { readonly now: readonly string[]; readonly changed: boolean; readonly news: boolean } {
    const now = findings.filter((finding) => ALARMING.has(finding.kind)).map((finding) => `${finding.kind} ${finding.jid} ${finding.device}`).toSorted();
    const key = `${from}/${device}`;
    const before = this.told.get(key) ?? this.devices.entry(from, device)?.findings ?? [];
    this.told.set(key, now);
    return { now, changed: now.join('\n') !== before.join('\n'), news: now.some((one) => !before.includes(one)) };
  }

  private failed(envelope: Envelope, { sid, version }: SeenElement, shown: boolean, failure: OmemoError | undefined, mode: Mode): Decrypted {
    const code = failure?.code ?? 'no-session';
    if (DEFECTS.has(code)) throw failure ?? new OmemoError(code);
    // Decrypted before: what was in it is here, or was never shown (XEP-0384 section 6).
    if (code === 'duplicate' || code === 'own-device') return nothing;
    log.debug('message not decrypted', { code });
    if (mode === 'live' || mode === 'catchup') {
      if (code === 'no-session') this.world.heal(envelope.from, sid, version, false);
      else if (BROKEN.has(code)) this.world.heal(envelope.from, sid, version, true);
    }
    return shown ? problem('undecryptable', sid) : nothing;
  }
}

const nothing = { text: '', lock: 'encrypted', level: 0, trust: 'undecided', empty: true } as const;

function problem(kind: MessageProblem, device?: number): Decrypted {
  return { text: '', lock: 'encrypted', level: 0, trust: 'undecided', problem: kind, ...(device !== undefined && { device }) };
}

function textOf(bytes: Parameters<typeof fromUtf8>[0]): string | undefined {
  try {
    return fromUtf8(bytes);
  } catch {
    return undefined;
  }
}

/** A stanza without what only its sender could say, inside: the server could have written it. */
function outside(message: XmlElement): XmlElement {
  return new XmlElement(message.ns, message.name, message.attrs,
    message.children.filter((child) => typeof child === 'string' || mayStandOutside(child.ns, child.name)));
}
