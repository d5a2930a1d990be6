import type { Reason, SessionState } from '../core/api';
import { Cell } from './cell';

/** The session as the core last told it. */
export class SessionStore extends Cell<SessionState> {
  constructor() {
    super({ phase: 'starting', catchingUp: false });
  }
}

/** What the connection chip shows. `at`: when the state began; shown only after a grace period. */
export type ConnectionNotice =
  | { readonly kind: 'connecting' | 'catching-up' }
  | { readonly kind: 'offline'; readonly retryAt: number | undefined; readonly reason: Reason | undefined };

export function connectionNotice(session: SessionState): ConnectionNotice | undefined {
  if (session.phase === 'offline') return { kind: 'offline', retryAt: session.retryAt, reason: session.reason };
  if (session.phase === 'connecting') return { kind: 'connecting' };
  if (session.phase === 'online' && session.catchingUp) return { kind: 'catching-up' };
  return undefined;
}
