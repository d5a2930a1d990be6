/** Invitations as they come: by the room (XEP-0045 section 7.8.2) or straight from a person (XEP-0249). */
import { bareOf } from '../../xmpp/jid';
import { mucUser } from '../../xmpp/xep0045_muc';
import { directInvite } from '../../xmpp/xep0249_invites';
import type { Address } from '../api';
import type { Envelope } from '../envelope';

export interface Invitation {
  readonly group: Address;
  readonly from: Address;
  /** The person said it; otherwise the room says that the person said it. */
  readonly direct: boolean;
  readonly text: string | undefined;
  readonly password: string | undefined;
  readonly at: number;
}

const MAX_TEXT = 500;

export function readInvitation({ message, from, outgoing, kind, at }: Envelope): Invitation | undefined {
  if (outgoing || kind !== 'direct') return undefined;
  const direct = directInvite.in(message);
  const group = direct && bareOf(direct.jid);
  if (direct && group?.includes('@') === true) {
    return { group, from, direct: true, text: short(direct.reason), password: direct.password, at };
  }
  const user = mucUser.in(message);
  const inviter = bareOf(user?.invites[0]?.from);
  // A room speaks with its own address, not with that of somebody in it.
  if (!user || inviter === undefined || message.attrs['from'] !== from || !from.includes('@')) return undefined;
  return { group: from, from: inviter, direct: false, text: short(user.invites[0]?.reason), password: user.password, at };
}

function short(text: string | undefined): string | undefined {
  return text === undefined || text.trim() === '' ? undefined : text.slice(0, MAX_TEXT);
}
