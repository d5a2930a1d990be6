import type { Chat, Contact, Device, Member, Message, MessageState } from '../../src/core/api';
import type { World } from './core';

const domain = 'linden.example';
const me = `mira@${domain}`;
const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

type Line = readonly [who: 'me' | 'they', text: string, before: number, part?: Partial<Message>];

const fingerprint = (seed: number): string => {
  let state = seed * 2654435761 % 2 ** 32;
  return Array.from({ length: 64 }, () => {
    state = (state * 1664525 + 1013904223) % 2 ** 32;
    return Math.floor(state / 2 ** 28).toString(16);
  }).join('');
};

const device = (address: string, id: number, part: Partial<Device> = {}): Device => ({
  id, address, fingerprint: fingerprint(id), trust: 'trusted', own: address === me, current: false, stale: false, ...part,
});

const contact = (name: string, local: string, part: Partial<Contact> = {}): Contact => ({
  address: local.includes('@') ? local : `${local}@${domain}`, name, availability: 'offline', relation: 'mutual', blocked: false, ...part,
});

const talk: Readonly<Record<string, readonly Line[]>> = {
  jonas: [
    ['they', 'Hey! Are we still on for Saturday?', 2 * day + 3 * hour],
    ['me', 'Yes! I booked the hut, keys are at the station.', 2 * day + 2.9 * hour, { state: 'read' }],
    ['me', 'Bring the warm sleeping bag this time 😄', 2 * day + 2.88 * hour, { state: 'read' }],
    ['they', 'Lesson learned.', 2 * day + 2.5 * hour],
    ['they', 'Should I bring the big pot as well?', day + 5 * hour],
    ['me', 'Please do. Grandma sends three kilos of potatoes.', day + 4.8 * hour, { state: 'read' }],
    ['they', 'Of course she does ❤️', day + 4.79 * hour],
    ['they', 'Here is the trail I meant, about four hours with a long break at the lake: https://www.openstreetmap.org/way/23517871', 95 * minute],
    ['they', 'We could start at eight, then we are up there before the sun gets strong. Or is that too early for the kids?', 94 * minute],
    ['me', 'Eight is fine, they are awake at six anyway.', 80 * minute, { state: 'read' }],
    ['me', 'I will ask Lena whether she takes the dog.', 79 * minute, { state: 'delivered' }],
    ['they', '👍', 40 * minute],
    ['me', 'See you on Saturday then!', 12 * minute, { state: 'sent' }],
  ],
  'oma.ilse': [
    ['they', 'Mein Schatz, die Pflaumen sind reif. Kommt ihr am Sonntag?', 3 * hour],
    ['they', 'Ich mache Kuchen.', 2.9 * hour],
    ['they', 'Mit Streuseln!', 2.8 * hour],
  ],
  lena: [
    ['me', 'Can you take Pepper on Saturday?', 75 * minute, { state: 'delivered' }],
    ['they', 'Sure, she can sleep here. Does she still steal socks?', 50 * minute],
  ],
  tarek: [
    ['they', 'Photos from the school play are on the family drive now.', day + 2 * hour],
    ['me', 'Thank you, they are wonderful!', day + hour, { state: 'read' }],
  ],
  'samir@brook.example': [
    ['they', 'صباح الخير يا ميرا، متى نلتقي؟', 4 * day],
    ['me', 'Good morning! Thursday at the café?', 4 * day - hour, { state: 'read' }],
    ['they', 'ممتاز 🌷', 4 * day - 2 * hour],
  ],
  'noor@oldserver.example': [
    ['they', 'I only have the old app on this phone, sorry.', 6 * day, { lock: 'unencrypted' }],
    ['me', 'No problem, let me know when you are home.', 6 * day - hour, { state: 'delivered', lock: 'unencrypted' }],
  ],
};

/** The family's own group, and one that everybody may come into. */
export const familyGroup = `sunday@groups.${domain}`;
export const publicGroup = `neighbours@groups.${domain}`;
export const asked = `choir@groups.brook.example`;

const said: readonly (readonly [who: string, text: string, before: number, part?: Partial<Message>])[] = [
  ['me', 'I made a group, so that nobody has to be asked twice.', 2 * day, { state: 'read' }],
  [`jonas@${domain}`, 'Finally!', 2 * day - 2 * minute],
  [`oma.ilse@${domain}`, 'Wie schön, dass ihr alle da seid.', 2 * day - 9 * minute],
  [`oma.ilse@${domain}`, 'Am Sonntag gibt es Pflaumenkuchen. Wer kommt?', 2 * day - 10 * minute],
  [`lena@${domain}`, 'Me! And Pepper, if she may.', day + 40 * minute],
  [`jonas@${domain}`, 'All four of us. We bring the cream.', day + 30 * minute, { edited: true, reactions: [{ emoji: '❤️', from: [`oma.ilse@${domain}`, me], own: true }, { emoji: '👍', from: [`lena@${domain}`], own: false }] }],
  ['me', 'Then we need the big table. @Tarek can you bring chairs?', day + 20 * minute, { state: 'read' }],
  ['clara@brook.example', 'I can bring some too. Hello everybody, I am *Tarek’s* sister.', 3 * hour, { name: 'Clara', reply: { id: 'sunday-6', from: me, text: 'Then we need the big table. @Tarek can you bring chairs?' } }],
  ['clara@brook.example', '', 2.95 * hour, { name: 'Clara', file: { name: 'chairs.pdf', kind: 'file', size: 284_000, uploading: false } }],
  ['clara@brook.example', '', 2.9 * hour, { name: 'Clara', retracted: { at: 0 } }],
  [`lena@${domain}`, '@Mira Lindner should I come earlier to help?', 70 * minute, { mention: true }],
  [`lena@${domain}`, 'I could be there at two.', 69 * minute],
];

const chatOf = (address: string, title: string, lines: readonly Message[], part: Partial<Chat> = {}): Chat => {
  const last = lines.at(-1);
  return {
    id: address, kind: 'direct', title, lock: 'encrypted', unread: 0, mentions: 0, readUpTo: last?.order ?? 0, draft: '',
    activeAt: last?.at ?? 0, hasOlder: false,
    ...(last ? { last: { text: last.text, outgoing: last.outgoing, state: last.state, at: last.at, ...(last.problem ? { problem: last.problem } : {}) } } : {}),
    ...part,
  };
};

/** A family and its friends, as of `now`. */
export function family(now = Date.now()): World {
  const contacts: Contact[] = [
    contact('Jonas', 'jonas', { availability: 'online' }),
    contact('Oma Ilse', 'oma.ilse', { availability: 'away' }),
    contact('Lena Hartwig', 'lena', { availability: 'busy', status: 'At work until five' }),
    contact('Tarek', 'tarek'),
    contact('Samir', 'samir@brook.example', { availability: 'online' }),
    contact('Noor', 'noor@oldserver.example'),
    contact('Aunt Béatrice', 'beatrice'),
    contact('Emil', 'emil', { relation: 'pending' }),
    contact('Paula Winter', 'paula@brook.example', { relation: 'request', requestText: 'Hello Mira, we met at the choir. Lena gave me your address.' }),
    contact('Spam Bot', 'prize@winner.example', { relation: 'none', blocked: true }),
  ];
  const messages: Message[] = [];
  for (const [who, lines] of Object.entries(talk)) {
    const address = who.includes('@') ? who : `${who}@${domain}`;
    lines.forEach(([from, text, before, part], i) => messages.push({
      id: `${who}-${i}`, chat: address, from: from === 'me' ? me : address, outgoing: from === 'me', text, order: i + 1,
      at: now - before, state: from === 'me' ? 'sent' : 'received', known: true, lock: who === 'jonas' ? 'verified' : 'encrypted', device: 31415926, ...part,
    }));
  }
  said.forEach(([who, text, before, part], i) => messages.push({
    id: `sunday-${i}`, chat: familyGroup, from: who === 'me' ? me : who, outgoing: who === 'me', text, order: i + 1,
    at: now - before, state: who === 'me' ? 'sent' : 'received', known: true, lock: 'encrypted', device: 31415926, ...part,
  }));
  messages.push({
    id: 'public-1', chat: publicGroup, from: `${publicGroup}/Hausmeister`, name: 'Hausmeister', outgoing: false, order: 1, at: now - 5 * hour,
    text: 'The water is off tomorrow from nine to eleven.', state: 'received', lock: 'unencrypted', known: true,
  });
  const member = (address: string, name: string, part: Partial<Member> = {}): Member => ({ address, name, nick: name, role: 'member', self: false, here: false, canRead: true, ...part });
  const title = (address: string): string => contacts.find((it) => it.address === address)?.name ?? address;
  const parts: Readonly<Record<string, Partial<Chat>>> = {
    [`jonas@${domain}`]: { lock: 'verified' },
    [`oma.ilse@${domain}`]: { unread: 3, readUpTo: 0 },
    [`lena@${domain}`]: { unread: 1, readUpTo: 1 },
    [`tarek@${domain}`]: { draft: 'Could you also send the one with' },
    'noor@oldserver.example': { lock: 'unencrypted' },
    [familyGroup]: {
      kind: 'group', title: 'Sunday at Oma’s', unread: 2, mentions: 1, readUpTo: 8,
      group: { state: 'here', privacy: 'private', role: 'owner', people: 6, may: { add: true, remove: true, configure: true, link: true }, cannotRead: [`tarek@${domain}`] },
    },
    [publicGroup]: {
      kind: 'group', title: 'Neighbours of Linden Street', lock: 'unencrypted',
      group: {
        state: 'here', privacy: 'public', role: 'guest', people: 23, may: { add: false, remove: false, configure: false, link: false }, cannotRead: [],
        description: 'News of the house. Be kind to each other.',
      },
    },
  };
  const chats = [...new Set(messages.map((message) => message.chat))].map((address) =>
    chatOf(address, title(address), messages.filter((message) => message.chat === address), parts[address]));
  chats.push({
    id: asked, kind: 'group', title: 'Choir', lock: 'unknown', unread: 0, mentions: 0, readUpTo: 0, draft: '', activeAt: now - hour, hasOlder: true,
    group: {
      state: 'invited', privacy: 'unknown', role: 'guest', people: 0, may: { add: false, remove: false, configure: false, link: false }, cannotRead: [],
      invitedBy: 'paula@brook.example', note: 'We sing on Thursdays.',
    },
  });
  for (const [i, chat] of chats.entries()) {
    if (chat.kind !== 'group' || !chat.last) continue;
    const last = messages.findLast((message) => message.chat === chat.id);
    if (last) chats[i] = { ...chat, last: { ...chat.last, from: last.from, ...(last.name !== undefined && { name: last.name }) } };
  }
  return {
    domain,
    session: {
      phase: 'online', address: me, displayName: 'Mira Lindner', role: 'admin', catchingUp: false,
      fingerprint: fingerprint(1001), deviceId: 1001, privacy: { read: true, typing: true, contactsOnly: false },
    },
    contacts, chats, messages,
    devices: [
      device(me, 1001, { trust: 'verified', current: true }),
      device(me, 1002, { label: 'Conversations', trust: 'verified', lastSeen: now - 2 * hour }),
      device(me, 1003, { stale: true, lastSeen: now - 90 * day }),
      device(`jonas@${domain}`, 2001, { trust: 'verified', label: 'Phone', lastSeen: now - hour }),
      device(`lena@${domain}`, 3001, { label: 'Phone', lastSeen: now - hour }),
      device(`lena@${domain}`, 3002, { trust: 'undecided', lastSeen: now - 5 * minute }),
      device(`oma.ilse@${domain}`, 4001, { label: 'Tablet' }),
    ],
    publicGroups: [
      { address: publicGroup, name: 'Neighbours of Linden Street', description: 'News of the house. Be kind to each other.', privacy: 'public', people: 23 },
      { address: `choir@groups.${domain}`, name: 'Choir', privacy: 'public', people: 1 },
      { address: `closed@groups.${domain}`, name: 'Chess club', privacy: 'private' },
      ...Array.from({ length: 20 }, (_, i) => ({ address: `room${i}@groups.${domain}`, name: `Room ${i + 1} of the community house`, privacy: 'public' as const, people: i, description: 'Who is there, what is going on, and who has lost their keys again.' })),
    ],
    groupLinks: {
      [familyGroup]: [{ id: 'poster', by: `oma.ilse@${domain}`, expires: now + 3 * day, uses: 2 }, { id: 'cousin', by: me, expires: now + day, uses: 0, max: 1 }],
    },
    openedBy: {
      '3q2-7wAAAAAAAAAAAAAAAA': { address: `harvest@groups.${domain}`, name: 'Harvest festival', description: 'Who brings what on the 4th of October.', privacy: 'private', admits: true, members: 9 },
    },
    files: new Map(),
    edits: { 'sunday-5': [{ text: 'All four of us.', at: now - day + 31 * minute }] },
    members: {
      [familyGroup]: [
        member(me, 'Mira Lindner', { role: 'owner', self: true, here: true }), member(`oma.ilse@${domain}`, 'Oma Ilse', { role: 'admin' }),
        member(`jonas@${domain}`, 'Jonas', { here: true }), member(`lena@${domain}`, 'Lena Hartwig', { here: true }),
        member(`tarek@${domain}`, 'Tarek', { canRead: false }), member('clara@brook.example', 'Clara'),
      ],
      [publicGroup]: [
        member(me, 'Mira Lindner', { role: 'guest', self: true, here: true }),
        { address: `${publicGroup}/Hausmeister`, name: 'Hausmeister', nick: 'Hausmeister', role: 'guest', self: false, here: true },
      ],
    },
    logins: [
      { id: 'a', name: 'Firefox on Linux', current: true, online: true, lastUsed: now },
      { id: 'b', name: 'Conversations on Pixel 8', current: false, online: true, lastUsed: now - 3 * minute },
      { id: 'c', name: 'Chromium on the kitchen tablet', current: false, online: false, lastUsed: now - 12 * day },
    ],
    invites: {
      welcome: {
        token: 'welcome', inviter: `jonas@${domain}`, inviterName: 'Jonas', domain, role: 'member', firstAccount: false,
        expires: now + 6 * day, minPassword: 10, uri: `xmpp:jonas@${domain}?roster;preauth=welcome;ibr=y`,
      },
      first: { token: 'first', domain, role: 'admin', firstAccount: true, expires: now + day, minPassword: 10, uri: `xmpp:${domain}?register;preauth=first` },
      reset: { token: 'reset', domain, role: 'member', firstAccount: false, expires: now + day, minPassword: 10, reset: 'mira', uri: '' },
      plain: { token: 'plain', domain, role: 'member', firstAccount: false, expires: now + day, minPassword: 10, uri: `xmpp:${domain}?register;preauth=plain` },
    },
    password: 'correct horse',
    latency: 0,
  };
}

const words = 'the lake house morning bread after school maybe later we could walk there and take the long way home before it rains again'.split(' ');

/** `count` messages in one chat, of different lengths, over many days. */
export function longTalk(count: number, chat: string, now = Date.now()): Message[] {
  return Array.from({ length: count }, (_, i): Message => {
    const outgoing = (i * 7919) % 5 < 2;
    const length = 3 + (i * 104729) % 37;
    const text = Array.from({ length }, (_, w) => words[(i * 31 + w * 17) % words.length]).join(' ');
    const states: readonly MessageState[] = ['read'];
    return {
      id: `long-${i}`, chat, from: outgoing ? me : chat, outgoing, text: `${i + 1}. ${text}`, order: i + 1,
      at: now - (count - i) * 11 * minute, state: outgoing ? states[0] ?? 'read' : 'received', lock: 'encrypted', known: true,
    };
  });
}
