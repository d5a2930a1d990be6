/**
 * Another device signs in with the help of one that is signed in: that one shows a link, the new one opens it, both show
 * the same number, and only when the first agrees does the new one get a token of its own. Here is the side that is signed in.
 */
import { domainOf } from '../xmpp/jid';
import { pairingAnswer, pairingLink, pairingOpened } from '../xmpp/kith_pairing';
import type { XmlElement } from '../xmpp/xml';
import type { Account } from './account';
import type { DeviceLink } from './api';
import { fail } from './reasons';

export class Pairing {
  constructor(private readonly account: Account) {}

  async create(): Promise<DeviceLink> {
    const answer = pairingLink.in(await this.account.stream().iq('set', pairingLink.write({})));
    if (answer?.token === undefined || answer.expires === undefined) throw fail('server', 'malformed link');
    return { token: answer.token, url: `${this.account.platform.origin}/l/${encodeURIComponent(answer.token)}`, expires: answer.expires };
  }

  async answer(token: string, agreed: boolean): Promise<void> {
    await this.account.stream().iq('set', pairingAnswer.write({ token, is: agreed ? 'yes' : 'no' }));
  }

  /** A device has opened the link; false: it is something else. */
  message(stanza: XmlElement): boolean {
    const opened = stanza.attrs['from'] === domainOf(this.account.address) ? pairingOpened.in(stanza) : undefined;
    if (!opened) return false;
    const { software = '', device = '' } = opened;
    this.account.hub.emit('pairing', {
      token: opened.token, number: opened.number, device: software !== '' && device !== '' ? `${software} (${device})` : software || device,
    });
    return true;
  }
}
