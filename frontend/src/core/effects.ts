/** What one database transaction changed: gathered while it runs, told to memory and pages once it is committed. */
import type { ChatRecord, MessageRecord } from '../db/schema';
import type { Address, Events } from './api';
import type { Chats } from './chats';
import type { Emit } from './hub';
import { messageView } from './view';

export class Effects {
  private readonly messages = new Map<Address, Map<string, MessageRecord | null>>();
  private readonly chats = new Map<Address, ChatRecord>();
  private readonly later: (() => void)[] = [];

  message(message: MessageRecord): void {
    this.ofChat(message.chat).set(message.id, message);
  }

  removed(message: MessageRecord): void {
    this.ofChat(message.chat).set(message.id, null);
  }

  chat(chat: ChatRecord | undefined): void {
    if (chat) this.chats.set(chat.id, chat);
  }

  /** Something to do after the commit. */
  after(action: () => void): void {
    this.later.push(action);
  }

  tell(chats: Chats, emit: Emit): void {
    const { self } = chats;
    for (const [chat, changes] of this.messages) {
      const event: Events['messages'] = {
        chat,
        changed: [...changes.values()].filter((message) => message !== null).sort((a, b) => a.order - b.order).map((message) => messageView(message, self)),
        removed: [...changes].filter(([, message]) => message === null).map(([id]) => id),
      };
      emit('messages', event);
    }
    chats.put([...this.chats.values()]);
    for (const action of this.later) action();
  }

  private ofChat(chat: Address): Map<string, MessageRecord | null> {
    let changes = this.messages.get(chat);
    if (!changes) this.messages.set(chat, changes = new Map());
    return changes;
  }
}
