/** The servers against which the core is tried: strangers, and our own if it is built. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { SocketFactory } from '../../src/xmpp/transport';
import { Kithd } from './kithd';
import { Prosody } from './prosody';

export interface Server {
  readonly origin: string;
  readonly socket: SocketFactory;
  addUser(name: string, password: string): Promise<void>;
  /** kill -9, and start again with the same data. */
  crash(): Promise<void>;
  stop(): Promise<void>;
  /** Whether this text stands anywhere in what the server keeps or logs. */
  knows(text: string): boolean;
}

export interface Flavour {
  readonly name: string;
  /** The server gives tokens, so that nobody has to sign in twice. */
  readonly tokens: boolean;
  /** What it acknowledged survives kill -9, on both sides or on none. Others archive for one side after the other. */
  readonly durable: boolean;
  start(): Promise<Server>;
}

const PROSODY: readonly Flavour[] = [
  { name: 'prosody, RFC 6120', tokens: false, durable: false, start: () => Prosody.start('rfc6120') },
  { name: 'prosody, SASL2 with Bind 2 and FAST', tokens: true, durable: false, start: () => Prosody.start('sasl2') },
];

/** Path of our own server's program. */
export const PROGRAM = process.env['KITH_BIN'] ?? fileURLToPath(new URL('../../../bin/kith', import.meta.url));

const KITH: Flavour = { name: 'kith', tokens: true, durable: true, start: () => Kithd.start(PROGRAM) };

const only = process.env['SERVER'];

/** All that are there; at least one is needed. */
export const FLAVOURS: readonly Flavour[] = [...(Prosody.available() ? PROSODY : []), ...(existsSync(PROGRAM) ? [KITH] : [])]
  .filter((flavour) => only === undefined || flavour.name.includes(only));

if (FLAVOURS.length === 0) throw new Error('no server to test against: build bin/kith or install prosody');

export const MODERN: readonly Flavour[] = FLAVOURS.filter((flavour) => flavour.tokens);
