/** One `<encrypted>` at a time: from bytes to text, or to the reason why there is none. */
import { KEY_DUE, OmemoError, V03, type DecryptRequest, type DecryptResult, type OmemoEngine } from '../../crypto/engine';
import type { RecordSession } from '../../crypto/records';
import type { DeviceEntry, MessageProblem, Protection } from '../../db/schema';
import { fromUtf8 } from '../../xmpp/bytes';
import type { Encrypted } from '../../xmpp/xep0384_omemo';
import type { Account } from '../account';
import type { Address, Events } from '../api';
import type { Envelope } from '../envelope';
import { log } from '../log';
import type { Mode } from '../receiver';
import type { Devices } from './devices';

export interface Decrypted {
  readonly text: string;
  readonly lock: Protection;
  readonly problem?: MessageProblem;
  readonly device?: number;
  /** Nothing to show: it only moved the session on. */
  readonly empty?: true;
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
  /** Prekeys were used, or an empty message is owed. */
  upkeep(): void;
  /** There is no session that this device's messages fit; `broken`: there was one. */
  heal(address: Address, device: number, broken: boolean): void;
}

/** Codes after which a new session may help; everything else is one bad message. */
const BROKEN = new Set(['authentication', 'unknown-prekey', 'too-many-skipped']);

export class Decryptor {
  constructor(private readonly account: Account, private readonly devices: Devices, private readonly world: DecryptorWorld) {}

  /** To be awaited before records are taken: making the keys needs them too. */
  async ready(): Promise<void> {
    await this.world.engine();
  }

  /** `undefined`: nothing to show. Changes of records are staged in `session`. */
  async open(session: RecordSession, envelope: Envelope, element: Encrypted, mode: Mode): Promise<Decrypted | undefined> {
    const engine = await this.world.engine();
    const own = this.world.ownDevice();
    const { sid } = element.header;
    if (envelope.outgoing && sid === own) return undefined; // our own message, deleted here since
    const shown = element.payload !== undefined;
    const keys = element.header.keys.filter((key) => key.rid === own);
    if (keys.length === 0) return shown ? problem('not-for-this-device', sid) : undefined;
    let failure: OmemoError | undefined;
    // 0.3 names recipients by device id only: another one's device may have the same.
    for (const key of keys.slice(0, 3)) {
      const request: DecryptRequest = {
        version: V03, from: { jid: envelope.from, device: sid }, key: key.data, iv: element.header.iv,
        ...(element.payload && { payload: element.payload }),
        now: Math.floor(this.account.platform.clock.now() / 1000),
      };
      try {
        const records = await session.read([...engine.decryptNeeds(request), KEY_DUE]);
        const result = engine.decrypt(records, request);
        session.stage(result.changes);
        return this.opened(envelope, sid, result, mode);
      } catch (error) {
        if (!(error instanceof OmemoError)) throw error;
        failure = error;
      }
    }
    return this.failed(envelope, sid, shown, failure, mode);
  }

  private opened(envelope: Envelope, sid: number, result: DecryptResult, mode: Mode): Decrypted | undefined {
    const known = this.devices.entry(envelope.from, sid);
    // The first device of somebody, or one that its owner has announced, is no surprise.
    const surprise = result.newKey && !known && this.devices.of(envelope.from).devices.length > 0;
    const news = result.keyChanged ? 'key-changed' : surprise ? 'new-device' : undefined;
    const facts: Partial<DeviceEntry> = { fingerprint: result.fingerprint, trust: result.trust, lastSeen: envelope.at };
    const sender: SenderNews = { address: envelope.from, device: sid, facts, news };
    if (result.preKeyUsed || result.due) this.world.upkeep();
    // Somebody who is not on the list that we have: the list is old, or they do not belong there. Ask.
    if (known?.listed !== true && mode === 'live') void this.devices.fetch(envelope.from).catch(() => undefined);
    if (!result.plaintext) return { text: '', lock: 'encrypted', empty: true, sender };
    let text: string;
    try {
      text = fromUtf8(result.plaintext);
    } catch {
      return { ...problem('undecryptable', sid), sender };
    }
    return { text, lock: result.trust === 'verified' ? 'verified' : 'encrypted', device: sid, sender };
  }

  private failed(envelope: Envelope, sid: number, shown: boolean, failure: OmemoError | undefined, mode: Mode): Decrypted | undefined {
    const code = failure?.code ?? 'no-session';
    if (code === 'not-read' || code === 'no-identity' || code === 'argument' || code === 'internal') throw failure ?? new OmemoError(code);
    // Decrypted before: what was in it is here, or was never shown (XEP-0384 section 6).
    if (code === 'duplicate' || code === 'own-device') return undefined;
    log.debug('message not decrypted', { code });
    if (mode === 'live' || mode === 'catchup') {
      if (code === 'no-session') this.world.heal(envelope.from, sid, false);
      else if (BROKEN.has(code)) this.world.heal(envelope.from, sid, true);
    }
    return shown ? problem('undecryptable', sid) : undefined;
  }
}

function problem(kind: MessageProblem, device: number): Decrypted {
  return { text: '', lock: 'encrypted', problem: kind, device };
}
