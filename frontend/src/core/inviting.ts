/** Invitations are made over the stream. */
import { parseJid } from '../xmpp/jid';
import { inviteRequest, readInvite } from '../xmpp/xep0401_invites';
import type { Account } from './account';
import type { InviteLink } from './api';
import { fail } from './reasons';

/** Lets somebody in, who becomes a contact of this account. Rejects where the server does not allow it. */
export async function createInvite(account: Account): Promise<InviteLink> {
  const { domain } = parseJid(account.address);
  const answer = await account.stream().iq('set', inviteRequest(), domain);
  const invite = readInvite(answer.elements[0]);
  if (!invite) throw fail('server', 'malformed invitation');
  return {
    token: invite.token, uri: invite.uri,
    url: invite.landing ?? `${account.platform.origin}/i/${encodeURIComponent(invite.token)}`,
    expires: invite.expires ?? Number.MAX_SAFE_INTEGER,
  };
}
