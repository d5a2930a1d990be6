/** What those who look after the server are told of somebody whom one blocks (XEP-0377). */
import { messagesBefore } from '../db/messages';
import { archiveId } from '../db/schema';
import { REASONS, type report } from '../xmpp/xep0377_reporting';
import type { Of } from '../xmpp/codec';
import type { Account } from './account';
import type { Address, Report } from './api';

/** So many of somebody's last messages are named. */
const REPORTED = 20;
const MAX_TEXT = 2_000;

export async function reportOf(account: Account, address: Address, why: Report): Promise<Of<typeof report>> {
  const last = await account.db.read(['messages'], (tx) => messagesBefore(tx, address, Infinity, REPORTED));
  const messages = last.filter((message) => !message.outgoing && message.stanzaId !== undefined).map(({ stanzaId }) => ({ id: archiveId(stanzaId ?? ''), by: account.address }));
  const text = why.text?.trim().slice(0, MAX_TEXT);
  return { reason: REASONS[why.reason], messages, ...(text !== undefined && text !== '' && { text }) };
}
