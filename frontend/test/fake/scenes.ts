import type { FakeCore, World } from './core';
import { arranged, child, foundOut, guardian, pictured, placed, otherAccounts, polled, sealedOff, stickered, voiced, wordy } from './situations';
import { family, longTalk } from './seed';

interface Scene {
  /** Changes the family before anybody looks. */
  world?(world: World): void;
  /** The other accounts of this browser. */
  others?(): readonly World[];
  /** Goes on after the page is attached. */
  after?(core: FakeCore): void;
}

const lena = 'lena@linden.example';
const jonas = 'jonas@linden.example';
const sunday = 'sunday@groups.linden.example';

/** Situations to look at, by the name in `?scene=`. */
export const scenes: Readonly<Record<string, Scene>> = {
  family: {},
  'signed-out': { world: (world) => { world.session = { phase: 'none', catchingUp: false }; } },
  locked: {
    world: (world) => { world.session = { ...world.session, phase: 'locked', reason: { code: 'credentials' } }; },
  },
  starting: { world: (world) => { world.session = { phase: 'starting', catchingUp: false }; } },
  empty: { world: (world) => { world.contacts = []; world.chats = []; world.messages = []; } },
  offline: {
    world: (world) => { world.session = { ...world.session, phase: 'offline', retryAt: Date.now() + 42_000, reason: { code: 'network' } }; },
  },
  typing: { after: (core) => core.tell('typing', { chat: jonas, from: jonas, typing: true }) },
  long: {
    world: (world) => {
      world.messages = [...world.messages.filter((message) => message.chat !== lena), ...longTalk(10_000, lena)];
      world.chats = world.chats.map((chat) => (chat.id === lena ? { ...chat, unread: 0, readUpTo: 10_000, hasOlder: true } : chat));
    },
  },
  unread: {
    world: (world) => {
      const talk = longTalk(400, lena);
      const from = 300;
      world.messages = [...world.messages.filter((message) => message.chat !== lena), ...talk];
      const unread = talk.slice(from).filter((message) => !message.outgoing).length;
      world.chats = world.chats.map((chat) => (chat.id === lena ? { ...chat, unread, readUpTo: from, hasOlder: true } : chat));
    },
  },
  troubles: {
    world: (world) => {
      const base = world.messages.find((message) => message.chat === lena);
      const at = Date.now();
      const make = (i: number, part: object) => ({ ...base!, id: `trouble-${i}`, order: i, at: at - (40 - i) * 60_000, outgoing: false, from: lena, state: 'received' as const, text: '', ...part });
      world.messages = [
        ...world.messages.filter((message) => message.chat !== lena),
        make(1, { problem: 'not-for-this-device' }), make(2, { problem: 'not-for-this-device' }), make(3, { problem: 'not-for-this-device' }),
        make(4, { text: 'Now it works, I think.' }),
        make(5, { problem: 'undecryptable' }),
        make(6, { text: 'This one came without encryption.', lock: 'unencrypted' }),
        make(6.5, { text: 'And this one from a device that nobody has confirmed.', unconfirmed: true }),
        make(7, { outgoing: true, from: world.session.address, state: 'failed', reason: { code: 'cannot-encrypt' }, text: 'Did you get my letter?' }),
        make(8, { outgoing: true, from: world.session.address, state: 'sending', text: 'And this one waits for the connection.' }),
        make(9, { outgoing: true, from: world.session.address, state: 'sending', text: '🎉🎂' }),
      ];
      world.chats = world.chats.map((chat) => (chat.id === lena ? { ...chat, unread: 0, readUpTo: 9, draft: '' } : chat));
    },
  },
  'own-device': {
    world: (world) => {
      world.session = { ...world.session, newDevice: true };
      const base = world.messages.findLast((message) => message.chat === sunday);
      if (!base) return;
      world.messages.push({ ...base, id: 'came', order: base.order + 1, at: Date.now() - 60_000, outgoing: false, from: sunday, state: 'received', text: '', came: [lena, jonas] });
      world.chats = world.chats.map((chat) => (chat.id === sunday ? { ...chat, unread: 0, readUpTo: base.order + 1, draft: '' } : chat));
    },
  },
  'crypto-broken': { world: (world) => { world.session = { ...world.session, cryptoError: { code: 'storage' } }; } },
  accounts: { others: otherAccounts },
  'accounts-locked': {
    world: (world) => { world.session = { ...world.session, phase: 'locked', reason: { code: 'credentials' } }; },
    others: otherAccounts,
  },
  arranged: { world: arranged },
  polls: { world: polled },
  'opt-out': {
    world: (world) => {
      const reason = 'The office keeps a record of everything.';
      const base = world.messages.findLast((message) => message.chat === jonas);
      if (!base) return;
      world.messages.push({ ...base, id: 'opt-out', order: base.order + 1, at: Date.now() - 60_000, outgoing: false, from: jonas, state: 'received', text: '', optOut: { reason } });
      world.chats = world.chats.map((chat) => (chat.id === jonas ? { ...chat, unread: 0, readUpTo: base.order + 1, draft: '', optOut: { agreed: false, reason } } : chat));
    },
  },
  findings: { world: foundOut },
  devices: { world: sealedOff },
  pictures: { world: pictured },
  stickers: { world: stickered },
  places: { world: placed },
  voice: { world: voiced },
  guardian: { world: guardian },
  child: { world: child },
  wordy: { world: wordy },
  many: {
    world: (world) => {
      for (let i = 0; i < 500; i++) {
        const address = `person${i}@linden.example`;
        world.contacts.push({ address, name: `Person ${i}`, availability: 'offline', relation: 'mutual', blocked: false });
        world.chats.push({
          id: address, kind: 'direct', title: `Person ${i}`, lock: 'encrypted', mentions: 0, unread: i % 7 === 0 ? 2 : 0, readUpTo: 0, draft: '',
          activeAt: Date.now() - i * 3_600_000, hasOlder: false, last: { text: 'Good night!', outgoing: i % 2 === 0, state: 'read', at: Date.now() - i * 3_600_000 },
        });
      }
    },
  },
};

export function worldOf(name: string): World {
  const world = family();
  scenes[name]?.world?.(world);
  return world;
}

export function othersOf(name: string): readonly World[] {
  return scenes[name]?.others?.() ?? [];
}
