/** The FAST token between sessions: at rest sealed, like the keys. */
import type { Sealer } from '../crypto/seal';
import type { Database } from '../db/database';
import { deleteMeta, readMeta, writeMeta } from '../db/meta';
import { fromUtf8, utf8 } from '../xmpp/bytes';
import type { FastToken } from '../xmpp/login';

const NAME = 'token';

export class TokenStore {
  constructor(private readonly db: Database, private readonly sealer: Sealer) {}

  /** `undefined`: there is none that is still valid at this time. */
  async read(now: number): Promise<string | undefined> {
    const stored = await readMeta(this.db, 'token');
    if (!stored || stored.expiry <= now) return undefined;
    return fromUtf8(await this.sealer.open(NAME, stored.sealed));
  }

  /** `undefined`: it is worthless. */
  async write(token: FastToken | undefined): Promise<void> {
    if (token) await writeMeta(this.db, 'token', { sealed: await this.sealer.seal(NAME, utf8(token.token)), expiry: token.expiry });
    else await this.db.write([], (tx) => deleteMeta(tx, 'token'), 'strict');
  }
}
