/** What needs the password: another one in its place, and the end of the account. */
import { ConnectionError, StanzaError } from '../xmpp/errors';
import { credentials } from '../xmpp/kith_account';
import { NS } from '../xmpp/ns';
import { xml } from '../xmpp/xml';
import type { Account } from './account';
import type { SessionState } from './api';
import { DEFAULT_MIN_PASSWORD, verifierData, verifiersFor } from './passwords';
import { fail, reasonOf } from './reasons';

export interface CredentialsWorld {
  signIn(password: string): Promise<void>;
  /** Goes on with the token of last time. */
  resume(): Promise<void>;
  role(): SessionState['role'];
}

export class Credentials {
  /** What the server wants of a new password. */
  rules = { minPassword: DEFAULT_MIN_PASSWORD, iterations: 0 };

  constructor(private readonly account: Account, private readonly world: CredentialsWorld) {}

  async changePassword(current: string, next: string): Promise<void> {
    const verifiers = await verifiersFor(next, this.rules.minPassword, this.rules.iterations);
    await this.prove(current);
    try {
      await this.account.stream().iq('set', credentials.write({ verifiers: verifiers.map(verifierData) }));
    } catch (error) {
      if (error instanceof StanzaError && error.condition === 'not-acceptable') throw fail('password-weak', error.message);
      throw error;
    }
  }

  /** Removes the account from the server (XEP-0077 section 3.2), which wants to see the password for that; what is here stays. */
  async removeAccount(password: string): Promise<void> {
    await this.prove(password);
    try {
      await this.account.stream().iq('set', xml(NS.register, 'query', {}, xml(NS.register, 'remove')));
    } catch (error) {
      if (error instanceof StanzaError && error.condition === 'not-allowed' && this.world.role() === 'admin') throw fail('last-admin', error.message);
      // The server ends the session with the account: it may be gone before its answer is here.
      if (!(error instanceof ConnectionError)) throw error;
      const left = await this.world.signIn(password).then(() => true, (reason: unknown) => reasonOf(reason).code !== 'credentials');
      if (left) throw error;
    }
  }

  /** The server wants to see the password of now before it does what cannot be taken back. */
  private async prove(password: string): Promise<void> {
    try {
      await this.world.signIn(password);
    } catch (error) {
      await this.world.resume();
      throw error;
    }
  }
}
