import { Archive, ArchiveRestore, Bell, BellOff, type IconNode, Mail, MailOpen, Pin, PinOff } from 'lucide';
import type { Chat } from '../../core/api';
import type { Catalogue } from '../../i18n/en';
import type { App } from '../../stores/app';
import { arrangements, chatDeeds, type ChatDeed } from '../../stores/arrange';
import type { MenuItem } from '../parts/Menu';

const icons: Readonly<Record<ChatDeed, IconNode>> = {
  pin: Pin, unpin: PinOff, markRead: MailOpen, markUnread: Mail, mute: BellOff, unmute: Bell, archive: Archive, unarchive: ArchiveRestore,
};

/** Does it, or asks about it. */
export function doWithChat(app: App, chat: Chat, deed: ChatDeed): void {
  if (deed === 'mute') {
    app.overlays.open({ name: 'mute', address: chat.id });
    return;
  }
  const route = app.router.get();
  // What is put away or to be read later is left.
  if ((deed === 'archive' || deed === 'markUnread') && route.name === 'chat' && route.address === chat.id) app.router.go({ name: 'home' });
  void app.attempt(() => app.core.arrangeChat(chat.id, arrangements[deed]));
}

export function chatItems(app: App, t: Catalogue, chat: Chat): readonly MenuItem[] {
  return chatDeeds(chat).map((deed) => ({ label: t.arrange[deed], icon: icons[deed], run: () => doWithChat(app, chat, deed) }));
}
