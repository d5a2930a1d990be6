/**
 * Somebody asks to go on without encryption (XEP-0384 section 5.7). That comes encrypted or does not count, and it changes nothing by
 * itself: nothing is sent any more until the person has decided. Asked for nothing, this program never says so: a chat that can be encrypted is.
 */
import type { ChatRecord, MessageRecord } from '../db/schema';
import { optOut } from '../xmpp/xep0384_omemo2';
import type { XmlElement } from '../xmpp/xml';
import type { Address } from './api';
import type { Chats } from './chats';
import type { Mode } from './receiver';
import { fail } from './reasons';

const MAX_REASON = 500;

/** `content`: what came out of an envelope; what stands beside one could be anybody's. `body`: for who does not know the element. */
export function optOutIn(content: XmlElement, body: string): MessageRecord['optOut'] {
  const found = optOut.in(content);
  const reason = (found?.reason ?? body).replace(/\s+/gu, ' ').trim().slice(0, MAX_REASON);
  return found && { ...(reason !== '' && { reason }) };
}

/**
 * What a message that was put at the end of a chat makes of this: another question to the person, or none any more, as soon as the
 * other side encrypts again. `undefined`: nothing changes.
 */
export function chatAfter(chat: ChatRecord, { optOut: asked, outgoing, lock, trust, problem, at }: MessageRecord, mode: Mode): ChatRecord | undefined {
  if (outgoing || chat.kind === 'group' || problem !== undefined) return undefined;
  // Which devices are theirs is the server's word. Where the person does not take it, such a device has nothing to ask.
  const counts = (mode === 'live' || mode === 'catchup') && (trust === 'trusted' || trust === 'verified');
  if (asked) return counts && chat.optOut?.agreed !== true ? { ...chat, optOut: { at, ...asked } } : undefined;
  if (!chat.optOut || lock === 'unencrypted') return undefined;
  const { optOut: _, ...rest } = chat;
  return rest;
}

/** Whether a chat waits for the decision, or goes on in the clear. */
export function openness({ optOut: asked }: ChatRecord): 'asked' | 'agreed' | undefined {
  return asked && (asked.agreed ? 'agreed' : 'asked');
}

export class OptOuts {
  /** Messages that waited may go. */
  onDecided: () => void = () => undefined;

  constructor(private readonly chats: Chats) {}

  /** The person goes on in the clear, or encrypts (again). Rejects `not-found` where nobody has asked. */
  async answer(chat: Address, agreed: boolean): Promise<void> {
    if (!this.chats.get(chat)?.optOut) throw fail('not-found', 'nobody has asked for that');
    await this.chats.modify(chat, ({ optOut: asked, ...rest }) => {
      if (!asked) return undefined;
      return agreed ? { ...rest, optOut: { ...asked, agreed: true } } : rest;
    });
    this.onDecided();
  }
}
