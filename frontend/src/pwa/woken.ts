/** What is shown when the browser was woken and nobody is there who could say more. */
import { BADGE, ICON, WOKEN, type NotificationData } from './messages';

/** What the types of the browser leave out (Notifications API section 2). */
export interface WokenOptions extends NotificationOptions {
  readonly renotify: boolean;
}

/** The server does not know whether this is worth a noise, as what was said in a chat of which only some is told is encrypted. */
export function isHushed(data: Pick<PushMessageData, 'json'> | null): boolean {
  try {
    const said: unknown = data?.json();
    return typeof said === 'object' && said !== null && 'kith' in said && said.kith === 'hush';
  } catch {
    return false;
  }
}

/** Browsers want to see something each time; of what is hushed nothing is heard. `present`: what is shown of this by now. */
export function wokenOptions(body: string, hushed: boolean, present: readonly { readonly data?: unknown }[], at: number): WokenOptions {
  const before = present.map((one) => (one.data ?? null) as NotificationData | null);
  // Somebody has heard of it and not looked yet: that is enough for now.
  const heard = before.some((data) => data !== null && data.hushed !== true);
  const data: NotificationData = { path: '/', at, ...(hushed && !heard && { hushed: true }) };
  return { tag: WOKEN, body, icon: ICON, badge: BADGE, data, silent: hushed, renotify: !hushed && !heard && before.length > 0 };
}
