/** Devices and their keys. */
import type { Address } from './session';

export type Trust = 'undecided' | 'trusted' | 'verified' | 'distrusted';

export interface Device {
  readonly id: number;
  readonly address: Address;
  readonly fingerprint: string;
  readonly trust: Trust;
  readonly own: boolean;
  readonly current: boolean;
  /** No longer announced by its owner. */
  readonly stale: boolean;
  /** It knows only the older encryption (OMEMO 0.3), which protects only the text. */
  readonly older?: true;
  /** Nothing was heard of it for months: it gets no messages until it writes again. */
  readonly silent?: true;
  /** It knew the newer encryption and no longer says so. It still gets that, until the person allows the older one (`allowOlder`). */
  readonly withdrawn?: true;
  /** What it is called on its list, signed by its key. */
  readonly label?: string;
  readonly lastSeen?: number;
}

/** What another own device opens to be signed in; once, and for minutes. */
export interface DeviceLink {
  readonly token: string;
  readonly url: string;
  readonly expires: number;
}
