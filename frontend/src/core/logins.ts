/** Programs that are signed in to the own account (XEP-0494). */
import { StanzaError } from '../xmpp/errors';
import { clients, list, revoke, type ClientAccess } from '../xmpp/xep0494_clients';
import type { Account } from './account';
import type { Login } from './api';
import { fail } from './reasons';

export class Logins {
  constructor(private readonly account: Account, private readonly agentId: string) {}

  async list(): Promise<Login[]> {
    const answer = clients.in(await this.account.stream().iq('get', list.write({})));
    return (answer?.clients ?? []).map((client) => this.view(client));
  }

  async end(id: string): Promise<void> {
    try {
      await this.account.stream().iq('set', revoke.write({ id }));
    } catch (error) {
      if (error instanceof StanzaError && error.specific?.endsWith('}password-reset-required') === true) {
        throw fail('policy', 'only a new password ends this one');
      }
      throw error;
    }
  }

  private view(client: ClientAccess): Login {
    const software = client.userAgent?.software, device = client.userAgent?.device;
    return {
      id: client.id,
      name: software !== undefined && device !== undefined ? `${software} (${device})` : software ?? device ?? client.id,
      current: client.current === true || client.id.includes(this.agentId),
      online: client.connected === true,
      ...(client.lastSeen !== undefined && { lastUsed: client.lastSeen }),
    };
  }
}
