import type { AccountInfo } from '../core/api';
import type { Readable } from './cell';

/** Keeps the number at the icon right: what somebody may be waiting for an answer to, in all accounts together. */
export function followBadge(accounts: Readable<readonly AccountInfo[]>, badge: (count: number) => void): void {
  let shown = -1;
  accounts.subscribe(() => {
    const count = accounts.get().reduce((sum, account) => sum + account.waiting, 0);
    if (count === shown) return;
    shown = count;
    badge(count);
  });
}
