import type { Address, Chat, Core, Events } from '../core/api';
import type { Clock } from './clock';
import { Conversation } from './conversation';

const keep = 8;

/** The chats that were open lately, so that going back to one is instant. */
export class Conversations {
  readonly #core: Core;
  readonly #clock: Clock;
  readonly #chat: (address: Address) => Chat;
  readonly #open = new Map<Address, Conversation>();

  constructor(core: Core, clock: Clock, chat: (address: Address) => Chat) {
    this.#core = core;
    this.#clock = clock;
    this.#chat = chat;
  }

  of(address: Address): Conversation {
    const known = this.#open.get(address);
    const conversation = known ?? new Conversation(this.#core.bound(), this.#clock, address, () => this.#chat(address));
    this.#open.delete(address);
    this.#open.set(address, conversation);
    for (const oldest of this.#open.keys()) {
      if (this.#open.size <= keep) break;
      this.#open.delete(oldest);
    }
    return conversation;
  }

  apply(event: Events['messages']): void {
    this.#open.get(event.chat)?.apply(event);
  }

  flushDrafts(): void {
    for (const conversation of this.#open.values()) conversation.flushDraft();
  }

  clear(): void {
    this.#open.clear();
  }
}
