/** What one lets others see, the same on all own devices. Until something is chosen, everything that people are used to is told. */
import { readMeta, writeMeta } from '../db/meta';
import { NS } from '../xmpp/ns';
import { privacy as codec, PRIVACY_OPTIONS } from '../xmpp/kith_privacy';
import type { Account } from './account';
import type { Privacy as Choice } from './api';
import type { Pep } from './pep';

const OPEN: Choice = { read: true, typing: true };

export class Privacy {
  private choice: Choice = OPEN;
  onChange: () => void = () => undefined;

  constructor(private readonly account: Account, private readonly pep: Pep) {
    pep.on(NS.kithPrivacy, async (from, items) => {
      const found = codec.read(items?.[items.length - 1]?.payload);
      if (from === account.address && found) await this.take({ read: found.read ?? true, typing: found.typing ?? true });
    });
  }

  async load(): Promise<void> {
    this.choice = await readMeta(this.account.db, 'privacy') ?? OPEN;
  }

  get now(): Choice {
    return this.choice;
  }

  /** Chosen here: told to the other devices first, so that none goes on as before. */
  async set(choice: Choice): Promise<void> {
    await this.pep.publish(NS.kithPrivacy, 'current', codec.write(choice), PRIVACY_OPTIONS);
    await this.take(choice);
  }

  private async take(choice: Choice): Promise<void> {
    if (choice.read === this.choice.read && choice.typing === this.choice.typing) return;
    await writeMeta(this.account.db, 'privacy', choice);
    this.choice = choice;
    this.onChange();
  }
}
