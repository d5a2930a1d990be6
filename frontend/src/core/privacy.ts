/** What one lets others see and do, the same on all own devices. Until something is chosen, everything that people are used to is told. */
import { readMeta, writeMeta } from '../db/meta';
import { StanzaError } from '../xmpp/errors';
import { NS } from '../xmpp/ns';
import { privacy as codec, PRIVACY_OPTIONS, senders } from '../xmpp/kith_privacy';
import { xml } from '../xmpp/xml';
import type { Account } from './account';
import type { Privacy as Choice } from './api';
import { log } from './log';
import type { Pep } from './pep';
import { reasonOf } from './reasons';

const OPEN: Choice = { read: true, typing: true };

export class Privacy {
  private choice: Choice = OPEN;
  onChange: () => void = () => undefined;

  constructor(private readonly account: Account, private readonly pep: Pep) {
    pep.on(NS.kithPrivacy, async (from, items) => {
      const found = codec.read(items?.[items.length - 1]?.payload);
      if (from !== account.address || !found) return;
      await this.take({ ...this.choice, read: found.read ?? true, typing: found.typing ?? true });
      // Whoever has chosen something there may have told the server something as well.
      void this.started().catch((error: unknown) => log.debug('senders not asked for', { code: reasonOf(error).code }));
    });
  }

  async load(): Promise<void> {
    this.choice = await readMeta(this.account.db, 'privacy') ?? OPEN;
  }

  /** Asks the server whose messages it takes. */
  async started(): Promise<void> {
    let found: ReturnType<typeof senders.in>;
    try {
      found = senders.in(await this.account.stream().iq('get', xml(NS.kithPrivacy, 'privacy')));
    } catch (error) {
      if (!(error instanceof StanzaError)) throw error; // a server that does not know it
    }
    const { contactsOnly: _, ...rest } = this.choice;
    await this.take({ ...rest, ...(found && { contactsOnly: found.messages === 'contacts' }) });
  }

  get now(): Choice {
    return this.choice;
  }

  /** Chosen here: told to the server and the other devices first, so that nobody goes on as before. */
  async set(choice: Choice): Promise<void> {
    const { contactsOnly, ...told } = choice;
    if (contactsOnly !== undefined && contactsOnly !== this.choice.contactsOnly) {
      await this.account.stream().iq('set', senders.write({ messages: contactsOnly ? 'contacts' : 'everybody' }));
    }
    await this.pep.publish(NS.kithPrivacy, 'current', codec.write(told), PRIVACY_OPTIONS);
    await this.take(choice);
  }

  private async take(choice: Choice): Promise<void> {
    const { read, typing, contactsOnly } = this.choice;
    if (choice.read === read && choice.typing === typing && choice.contactsOnly === contactsOnly) return;
    await writeMeta(this.account.db, 'privacy', choice);
    this.choice = choice;
    this.onChange();
  }
}
