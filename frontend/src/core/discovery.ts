/** What we can (XEP-0030, XEP-0115), told and asked; and what the own server can. */
import { StanzaError } from '../xmpp/errors';
import { NS } from '../xmpp/ns';
import type { Stream } from '../xmpp/stream';
import { discoInfo, type DiscoInfo } from '../xmpp/xep0030_disco';
import { caps, capsHash } from '../xmpp/xep0115_caps';
import type { XmlElement } from '../xmpp/xml';
import type { Account, SessionPart } from './account';

const FEATURES: readonly string[] = [
  NS.discoInfo, NS.caps, NS.chatStates, NS.receipts, NS.markers, NS.ping, NS.sid, NS.eme, NS.hints, NS.nick, NS.mucDirectInvite, NS.replace, NS.retract, NS.reactions, NS.reply, NS.reference, NS.ephemeral,
];

export class Discovery implements SessionPart {
  private readonly info: DiscoInfo;
  private ver: Promise<string> | undefined;
  private accountFeatures: ReadonlySet<string> = new Set();

  /** `nodes`: those of which we want to hear (XEP-0163 section 4.3). */
  constructor(private readonly account: Account, nodes: readonly string[]) {
    this.info = {
      identities: [{ category: 'client', type: 'web', name: 'Kith' }],
      features: [...FEATURES, ...nodes.map((node) => `${node}+notify`)].sort().map((name) => ({ var: name })),
      forms: [],
    };
  }

  async started(stream: Stream): Promise<void> {
    this.accountFeatures = new Set();
    try {
      const answer = discoInfo.in(await stream.iq('get', discoInfo.write({ identities: [], features: [], forms: [] }), this.account.address));
      this.accountFeatures = new Set(answer?.features.map((feature) => feature.var));
    } catch (error) {
      if (!(error instanceof StanzaError)) throw error;
    }
  }

  /** The own account's server can do this for us. */
  has(feature: string): boolean {
    return this.accountFeatures.has(feature);
  }

  /** For our presence. */
  async caps(): Promise<XmlElement> {
    return caps.write({ hash: 'sha-1', node: this.node, ver: await this.hash() });
  }

  /** Somebody asks what we can. */
  request(payload: XmlElement): Promise<XmlElement> | undefined {
    return payload.is(NS.discoInfo, 'query') ? this.answer(payload) : undefined;
  }

  private async answer(payload: XmlElement): Promise<XmlElement> {
    const node = discoInfo.read(payload)?.node;
    if (node !== undefined && node !== `${this.node}#${await this.hash()}`) throw new StanzaError('cancel', 'item-not-found');
    return discoInfo.write({ ...(node !== undefined && { node }), ...this.info });
  }

  private hash(): Promise<string> {
    this.ver ??= capsHash(this.info);
    return this.ver;
  }

  private get node(): string {
    return this.account.platform.origin;
  }
}
