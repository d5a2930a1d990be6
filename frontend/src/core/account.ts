/** What every part of a signed-in account may use. The parts themselves are put together in `session.ts`. */
import type { Database } from '../db/database';
import type { Stream } from '../xmpp/stream';
import type { Address } from './api';
import type { Hub } from './hub';
import type { Platform } from './platform';

export interface Account {
  /** Own bare address. */
  readonly address: Address;
  readonly db: Database;
  readonly platform: Platform;
  readonly hub: Hub;
  /** The live stream; throws CoreError `network` while there is none. */
  stream(): Stream;
  readonly online: boolean;
}

/** A part that does something when a new session starts; earlier presence, subscriptions to nodes and so on are gone. */
export interface SessionPart {
  /** The stream is up. Rejecting ends the connection. */
  started?(stream: Stream): Promise<void>;
  /** The archive has been read to its end: what is here is what there is. `initial`: this device was never here before. */
  caughtUp?(initial: boolean): Promise<void>;
  /** The connection is gone, perhaps to be resumed. */
  dropped?(): void;
}
