/** What pages and the service worker say to each other, and where each begins. */

/** At the root, so that its scope is the whole app. */
export const SCRIPT = '/sw.js';

export type ToServiceWorker =
  /** The person wants the new version: do not wait until all windows are closed. */
  | { readonly kind: 'take-over' }
  /** What is said when the browser is woken and nobody is there who could say more. */
  | { readonly kind: 'words'; readonly title: string; readonly body: string };

export type FromServiceWorker =
  /** A notification was clicked: go there. */
  | { readonly kind: 'go'; readonly path: string }
  /** The server has something for us, and did not reach us otherwise. */
  | { readonly kind: 'woken' };

/** Tag of the notification that says nothing but that there is something. */
export const WOKEN = 'kith-woken';
export const ICON = '/icon-192.png';
/** A shape in one colour, for the edge of a phone's screen. */
export const BADGE = '/icon-badge.png';

/** What a notification remembers. */
export interface NotificationData {
  /** Where a click leads. */
  readonly path: string;
  readonly at: number;
  /** Nobody has heard of it yet. */
  readonly hushed?: true;
}

export function isFromServiceWorker(data: unknown): data is FromServiceWorker {
  if (typeof data !== 'object' || data === null || !('kind' in data)) return false;
  return data.kind === 'woken' || (data.kind === 'go' && 'path' in data && typeof data.path === 'string');
}
