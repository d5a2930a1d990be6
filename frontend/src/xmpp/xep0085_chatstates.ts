/** XEP-0085: Chat State Notifications. */
import { NS } from './ns';
import { xml, type XmlElement } from './xml';

export const CHAT_STATES = ['active', 'composing', 'paused', 'inactive', 'gone'] as const;
export type ChatState = (typeof CHAT_STATES)[number];

export function chatState(state: ChatState): XmlElement {
  return xml(NS.chatStates, state);
}

export function readChatState(message: XmlElement): ChatState | undefined {
  return CHAT_STATES.find((state) => message.child(state, NS.chatStates));
}
