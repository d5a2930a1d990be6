/**
 * A browser profile that was put back from a backup has sessions of long ago: what is sent in them, everybody takes for repetitions and
 * drops without a word (XEP-0384 section 6). It is noticed by a published bundle that this device's key has signed and of which nothing is known here.
 * Then all sessions are begun anew.
 */
import { KEY_DUE, type BundleData, type OmemoEngine } from '../../crypto/engine';
import type { RecordStore } from '../../crypto/records';
import type { Database } from '../../db/database';
import { getMeta, putMeta, readMeta } from '../../db/meta';
import { equalBytes } from '../../xmpp/bytes';
import type { Clock } from '../../xmpp/clock';
import type { Address } from '../api';
import { log } from '../log';
import { writeSealed } from './store';

/** So many bundles are remembered; there is a new one after each that a new correspondent has used, and every week. */
const KEPT = 200;
/** The keys are signed, their ids and which ones there are is not: a server could make it look so each time. */
const PAUSE = 7 * 86_400_000;

export class Copies {
  constructor(private readonly db: Database, private readonly records: RecordStore, private readonly address: Address, private readonly clock: Clock) {}

  /** To be awaited before a bundle is published. The bundles of both versions have the same keys. */
  async publishing(bundle: BundleData): Promise<void> {
    const name = nameOf(bundle);
    if (!(await this.known())?.includes(name)) await this.remember(name, false);
  }

  /** `published` was found where this device publishes `own`. Resolves when what follows is stored. */
  async found(engine: OmemoEngine, published: BundleData, own: BundleData, device: number): Promise<void> {
    const now = this.clock.now();
    const known = await this.known();
    const last = await readMeta(this.db, 'begunAnew') ?? -Infinity;
    const name = nameOf(published);
    if (!known) return this.remember(name, false); // what was published before that was kept
    if (known.includes(name) || Math.abs(now - last) < PAUSE || !equalBytes(published.identityKey, own.identityKey) || !(await this.isSigned(engine, published, device, Math.floor(now / 1000)))) return;
    log.warn('this profile is an old copy: sessions are begun anew');
    await this.remember(name, true);
  }

  private known(): Promise<readonly string[] | undefined> {
    return readMeta(this.db, 'bundles');
  }

  /** A server can put anything there; but nobody else can sign it. */
  private isSigned(engine: OmemoEngine, bundle: BundleData, device: number, now: number): Promise<boolean> {
    const recipients = [{ jid: this.address, device: device === 1 ? 2 : 1, version: bundle.version, bundle, renew: true }];
    return this.records.exclusive(async (session) =>
      engine.encrypt(await session.read(engine.encryptNeeds(recipients)), { kind: 'empty', recipients, now }).elements.length > 0);
  }

  private remember(name: string, anew: boolean): Promise<void> {
    return this.records.exclusive(async (session) => {
      const keys = anew ? await this.db.read(['omemo'], (tx) => tx.objectStore('omemo').getAllKeys()) : [];
      session.stage(keys.filter((key) => key === KEY_DUE || key.startsWith('session/')).map((key) => ({ key, value: null })));
      await session.commit((sealed) => this.db.write(['omemo', 'outbox', 'meta'], async (tx) => {
        const before = await getMeta(tx, 'bundles') ?? [];
        if (!before.includes(name)) await putMeta(tx, 'bundles', [...before, name].slice(-KEPT));
        await writeSealed(tx, sealed);
        if (!anew) return;
        await putMeta(tx, 'begunAnew', this.clock.now());
        // What was finished in those sessions and did not arrive is encrypted again.
        for (const { stanza: _, ...entry } of await tx.objectStore('outbox').getAll()) await tx.objectStore('outbox').put(entry);
      }, 'strict'));
    });
  }
}

/** Nobody else has drawn the same ids. */
function nameOf({ signedPreKeyId, preKeys }: BundleData): string {
  let sum = 0;
  for (const { id } of preKeys) sum = (sum + id * id) % 2 ** 52;
  return `${signedPreKeyId} ${preKeys.length} ${sum}`;
}
