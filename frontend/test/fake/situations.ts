import type { Chat, Message, SharedFile, SharedLocation } from '../../src/core/api';
import type { World } from './core';
import { family, familyGroup, publicGroup } from './seed';

// What can become of the family's world: each changes it before anybody looks.

const domain = 'linden.example';
const me = `mira@${domain}`;
const jonas = `jonas@${domain}`;
const lena = `lena@${domain}`;
const ilse = `oma.ilse@${domain}`;
const tarek = `tarek@${domain}`;
const hour = 3_600_000;

function changeChat(world: World, id: string, part: Partial<Chat>): void {
  world.chats = world.chats.map((chat) => (chat.id === id ? { ...chat, ...part } : chat));
}

/** Adds messages at the end of a chat, a minute apart, everything read. */
function say(world: World, chat: string, messages: readonly Partial<Message>[]): void {
  let order = Math.max(0, ...world.messages.filter((message) => message.chat === chat).map((message) => message.order));
  const start = Date.now() - messages.length * 60_000;
  for (const [i, part] of messages.entries()) {
    const outgoing = part.outgoing === true;
    const message: Message = {
      id: `said-${chat}-${i}`, chat, from: outgoing ? me : chat, outgoing, text: '', order: ++order, at: start + i * 60_000, state: outgoing ? 'read' : 'received',
      lock: 'encrypted', known: true, device: 31415926, ...part,
    };
    world.messages.push(message);
    changeChat(world, chat, {
      unread: 0, mentions: 0, readUpTo: order, draft: '', activeAt: message.at,
      last: { from: message.from, text: message.location ? message.location.name ?? '' : message.text, ...(message.location && { location: true as const }), outgoing, state: message.state, at: message.at, ...(message.poll && { poll: true as const }), ...(message.file && { file: message.file.kind }), ...(message.timerSet !== undefined && { timerSet: message.timerSet }) },
    });
  }
}

/** Chats that stand first, are silent, put away or to be read later; and people one does not know. */
export function arranged(world: World): void {
  changeChat(world, jonas, { pinned: true });
  changeChat(world, familyGroup, { pinned: true, muted: { exceptMentions: true } });
  changeChat(world, tarek, { archived: true });
  changeChat(world, publicGroup, { archived: true, muted: {} });
  changeChat(world, 'samir@brook.example', { marked: true, muted: { until: Date.now() + 8 * hour } });
  for (const [address, text] of [['kim@brook.example', 'Hi, is this still for sale?'], ['win.a.very.long.address.with.nothing.to.break.at@winner.example', 'https://example.org/you/have/won/a/prize/that/is/as/long/as/this/address/which/nobody/should/open']] as const) {
    world.chats.push({ id: address, kind: 'direct', title: address, lock: 'encrypted', unread: 0, mentions: 0, readUpTo: 0, draft: '', activeAt: 0, hasOlder: false });
    say(world, address, [{ text }]);
  }
}

/** Questions, messages that go, and what stands above the chat. */
export function polled(world: World): void {
  changeChat(world, familyGroup, { timer: 604_800 });
  say(world, familyGroup, [
    { from: ilse, text: '', timerSet: 604_800 },
    { from: ilse, text: 'Plums or cherries on Sunday, and please say it before I go to the market on Friday morning?', pinned: true, poll: { options: [{ text: 'Plums', from: [jonas, lena], own: false }, { text: 'Cherries', from: [me], own: true }, { text: 'Whatever is ripe, but not those from the shop at the station', from: [], own: false }], several: false, closed: false, people: 3 } },
    { outgoing: true, text: 'Which days suit you?', poll: { options: [{ text: 'Saturday', from: [me, jonas, lena, ilse], own: true }, { text: 'Sunday', from: [me, ilse], own: true }], several: true, closed: false, people: 4 } },
    { from: jonas, text: 'Is the big table enough?', poll: { options: [{ text: 'Yes', from: [ilse], own: false }, { text: 'No', from: [], own: false }], several: false, closed: true, people: 1 } },
    { from: lena, text: 'The key is under the third stone on the left, as ever.', pinned: true, timer: 604_800 },
    { outgoing: true, text: 'Thank you!', timer: 604_800 },
  ]);
}

/** Somebody on the way plays with the keys. */
export function foundOut(world: World): void {
  say(world, lena, [
    { text: 'I am late, start without me.', level: 2, alarm: true, findings: [{ kind: 'key-added', address: me, device: 77_001 }, { kind: 'device-unvouched', address: lena, device: 3002 }, { kind: 'wrong-time', address: '', device: 0 }] },
    { outgoing: true, text: 'No hurry.', level: 1, alarm: true, findings: [{ kind: 'key-stripped', address: lena, device: 3001 }] },
  ]);
}

/** Devices with everything that can be wrong about them. */
export function sealedOff(world: World): void {
  world.devices = world.devices.map((device) => {
    switch (device.id) {
      case 3001: return { ...device, older: true as const, withdrawn: true as const };
      case 3002: return { ...device, silent: true as const, label: 'A tablet with a name that is as long as its owner could make it' };
      case 1002: return { ...device, older: true as const, trust: 'distrusted' as const };
      default: return device;
    }
  });
}

/** A sticker of its own: a face with ears in this colour, and nothing around it. */
function face(colour: string, ears: boolean, width = 240, height = 240): Blob {
  const canvas = document.createElement('canvas');
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext('2d');
  if (!context) throw new Error('no canvas');
  const round = (x: number, y: number, size: number, fill: string): void => {
    context.fillStyle = fill;
    context.beginPath();
    context.ellipse(x * width, y * height, size * width, size * height, 0, 0, 2 * Math.PI);
    context.fill();
  };
  if (ears) for (const x of [0.24, 0.76]) round(x, 0.2, 0.16, colour);
  round(0.5, 0.54, 0.42, colour);
  for (const x of [0.36, 0.64]) round(x, 0.46, 0.06, '#2b2622');
  round(0.5, 0.66, 0.14, '#f6efe6');
  const [, data = ''] = canvas.toDataURL('image/png').split(',');
  return new Blob([Uint8Array.from(atob(data), (char) => char.charCodeAt(0))], { type: 'image/png' });
}

/** Stickers: one's own, among the messages, of somebody who has a pack of them. */
export function stickered(world: World): void {
  const colours = ['#e2a23b', '#7d9c5a', '#c4624a', '#5b8fb0', '#9a6fb0', '#6b5b4a', '#d8849a'];
  world.stickers = colours.map((colour, i) => {
    const id = `own-${i}`, wide = i === 3 ? { width: 320, height: 160 } : { width: 240, height: 240 };
    world.files.set(`sticker-${id}`, face(colour, i % 2 === 0, wide.width, wide.height));
    return { id, description: ['A bear that waves', 'Good morning', '', 'Wide awake', 'Thank you', 'A word that has no end, nor any place where one could break it', '🥳'][i] ?? '', ...wide };
  });
  world.pack = {
    id: 'pack', name: 'The animals of the house', summary: 'Drawn by Lena on long winter evenings. Take what you like.', restricted: false,
    stickers: colours.map((_, i) => ({ description: `Animal ${i + 1}`, width: 240, height: 240 })),
  };
  for (const [i, colour] of colours.entries()) if (i !== 4) world.files.set(`pack-${i}`, face(colour, true));
  const file = (description: string, width: number, height: number, pack = false): SharedFile => ({ name: 'sticker.webp', kind: 'image', size: 20_000, width, height, uploading: false, sticker: { description, pack } });
  for (const chat of [jonas, familyGroup]) {
    say(world, chat, [
      { id: `${chat}-bear`, from: jonas, file: file('A bear that waves', 240, 240), reactions: [{ emoji: '❤️', from: [me], own: true }] },
      { id: `${chat}-own`, outgoing: true, file: file('Wide awake', 320, 160), reply: { from: jonas, text: 'Are you up?' } },
      { id: `${chat}-pack`, from: jonas, file: file('', 160, 320, true) },
      { id: `${chat}-gone`, from: jonas, file: file('A word that has no end, nor any place where one could break it', 240, 240) },
      { outgoing: true, text: 'Lovely!' },
    ]);
    world.files.set(`${chat}-bear`, face('#e2a23b', true));
    world.files.set(`${chat}-own`, face('#5b8fb0', false, 320, 160));
    world.files.set(`${chat}-pack`, face('#9a6fb0', true, 160, 320));
  }
  const stranger = 'kim@brook.example';
  world.chats.push({ id: stranger, kind: 'direct', title: stranger, lock: 'encrypted', unread: 0, mentions: 0, readUpTo: 0, draft: '', activeAt: 0, hasOlder: false });
  say(world, stranger, [{ id: 'kim-sticker', file: file('A present', 240, 240, true) }]);
  world.files.set('kim-sticker', face('#c4624a', true));
}

/** Places that people sent each other, one of them from a stranger. */
export function placed(world: World): void {
  world.session = { ...world.session, maps: true };
  const place = (location: SharedLocation): Partial<Message> => ({ text: `geo:${location.latitude},${location.longitude}`, location });
  for (const chat of [jonas, familyGroup]) {
    say(world, chat, [
      { from: jonas, ...place({ latitude: 52.516275, longitude: 13.377704, accuracy: 300, name: 'The gate, on the side of the park' }) },
      { text: 'I am there in ten minutes.', outgoing: true },
      { outgoing: true, ...place({ latitude: -33.8568, longitude: 151.2153, accuracy: 12 }) },
    ]);
  }
  const stranger = 'kim@brook.example';
  world.chats.push({ id: stranger, kind: 'direct', title: stranger, lock: 'encrypted', unread: 0, mentions: 0, readUpTo: 0, draft: '', activeAt: 0, hasOlder: false });
  say(world, stranger, [place({ latitude: 0, longitude: 0, name: 'A word that has no end, nor any place where one could break it: Donaudampfschifffahrtsgesellschaft' })]);
}

/** People with a picture, and pictures among the messages. */
export function pictured(world: World): void {
  const photo = Uint8Array.from(atob('iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAAeklEQVR42g3JIRZEEQAAwD3Yz7Isy/IEyRNFURRFB1xT5/e5wY1ucrNbXG5zf58TnOgkJzvF4TTnxQ52tJOd7WKzm/1iBStaycpWsVjNejGDGc1kZrOYzGa+GMGIRjKyUQxGM170oEc96VkvOr3pL2pQo5rUrBaV2tQ/qsRbwRO9d3QAAAAASUVORK5CYII='), (char) => char.charCodeAt(0));
  const blob = new Blob([photo], { type: 'image/png' });
  for (const hash of ['jonas', 'sunday', 'mira']) world.files.set(`picture-${hash}`, blob);
  world.session = { ...world.session, picture: 'mira' };
  world.contacts = world.contacts.map((contact) => (contact.address === jonas ? { ...contact, picture: 'jonas' } : contact));
  world.chats = world.chats.map((chat) => (chat.id === familyGroup && chat.group ? { ...chat, group: { ...chat.group, picture: 'sunday' } } : chat));
  for (const chat of [jonas, familyGroup]) {
    say(world, chat, [
      { id: `${chat}-wide`, from: jonas, file: { name: 'lake.png', kind: 'image', size: 84_000, width: 1600, height: 400, uploading: false } },
      { id: `${chat}-tall`, from: jonas, file: { name: 'tower.png', kind: 'image', size: 84_000, width: 300, height: 1200, uploading: false } },
      { id: `${chat}-gone`, from: jonas, file: { name: 'a-picture-that-is-no-longer-on-the-server-and-has-a-long-name.jpeg', kind: 'image', size: 84_000, width: 400, height: 300, uploading: false } },
      { id: `${chat}-own`, outgoing: true, state: 'sending', file: { name: 'film-of-the-school-play.mp4', kind: 'video', size: 84_000_000, uploading: true } },
      { id: `${chat}-sound`, from: jonas, file: { name: 'hello.ogg', kind: 'audio', size: 184_000, uploading: false } },
    ]);
    for (const end of ['wide', 'tall']) world.files.set(`${chat}-${end}`, blob);
  }
}

const circles = [
  { id: 'family', name: 'Family', group: familyGroup, members: [me, jonas, lena, ilse] },
  { id: 'walkers', name: 'Those who walk to the lake on Sundays', group: `walkers@groups.${domain}`, members: [jonas, tarek] },
];

/** Somebody who looks after a child and the server. */
export function guardian(world: World): void {
  const at = Date.now() - hour;
  world.family = {
    children: [
      {
        address: `emil@${domain}`, name: 'Emil', guardians: [me, jonas], mayDecide: true,
        requests: [
          { address: 'felix@brook.example', kind: 'contact', direction: 'out', at },
          { address: 'a.stranger.with.a.very.long.address@oldserver.example', kind: 'contact', direction: 'in', at, name: 'Somebody', text: 'Hi Emil, I saw you at the pool and would like to write with you.' },
          { address: publicGroup, kind: 'group', direction: 'in', at, by: lena },
        ],
        approved: [{ address: lena, kind: 'contact', by: me }, { address: 'felix.the.friend.from.school@brook.example', kind: 'contact' }, { address: familyGroup, kind: 'group' }],
      },
      { address: `ida@${domain}`, name: 'Ida', guardians: [tarek], mayDecide: false, requests: [], approved: [] },
    ],
    guardians: [], waiting: [], circles,
  };
}

/** A child's own account. */
export function child(world: World): void {
  world.session = { ...world.session, role: 'limited' };
  world.family = {
    children: [], guardians: [jonas, ilse], circles: circles.slice(0, 1),
    waiting: [{ address: 'felix@brook.example', kind: 'contact', direction: 'out', at: Date.now() }, { address: publicGroup, kind: 'group', direction: 'out', at: Date.now() }],
  };
}

/** A tone that swells and fades, so many seconds of it. */
export function tone(seconds: number): Blob {
  const rate = 8000;
  const wave = new DataView(new ArrayBuffer(44 + rate * seconds));
  const text = (at: number, word: string): void => { for (const [i, letter] of [...word].entries()) wave.setUint8(at + i, letter.charCodeAt(0)); };
  text(0, 'RIFF');
  wave.setUint32(4, 36 + rate * seconds, true);
  text(8, 'WAVEfmt ');
  wave.setUint32(16, 16, true);
  wave.setUint16(20, 1, true);
  wave.setUint16(22, 1, true);
  wave.setUint32(24, rate, true);
  wave.setUint32(28, rate, true);
  wave.setUint16(32, 1, true);
  wave.setUint16(34, 8, true);
  text(36, 'data');
  wave.setUint32(40, rate * seconds, true);
  for (let i = 0; i < rate * seconds; i++) wave.setUint8(44 + i, 128 + Math.round(100 * Math.sin(i / 4) * Math.abs(Math.sin(i / rate))));
  return new Blob([wave], { type: 'audio/wav' });
}

/** Voice messages, with their waveforms and without, and a piece of music. */
export function voiced(world: World): void {
  const levels = Uint8Array.from({ length: 64 }, (_, i) => Math.round(Math.abs(Math.sin(i / 3) * Math.cos(i / 11)) * 255));
  const voice = (seconds: number, waveform = true): SharedFile => ({ name: 'voice-message.m4a', kind: 'audio', size: seconds * 8000, length: seconds * 1000, uploading: false, voice: waveform ? { levels } : {} });
  const files: readonly SharedFile[] = [voice(12), voice(4), voice(83), { name: 'The song that the choir sings on Sunday.mp3', kind: 'audio', size: 40_000, uploading: false }, voice(3, false), voice(6)];
  say(world, jonas, files.map((file, i) => ({ file, outgoing: i === 2 || i === 5 })));
  for (const [i, file] of files.entries()) world.files.set(`said-${jonas}-${i}`, tone(Math.round((file.length ?? 5000) / 1000)));
}

/** Words without an end, wherever others choose them. */
export function wordy(world: World): void {
  const long = 'Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft';
  world.session = { ...world.session, displayName: long };
  world.contacts = world.contacts.map((contact) => ({ ...contact, name: `${long} ${contact.name}`, ...(contact.status && { status: long }), ...(contact.requestText && { requestText: long }) }));
  world.chats = world.chats.map((chat) => ({
    ...chat, title: `${long} ${chat.title}`, draft: chat.draft && long, ...(chat.last && { last: { ...chat.last, text: long } }),
    ...(chat.group && { group: { ...chat.group, ...(chat.group.description && { description: long }), ...(chat.group.note && { note: long }) } }),
  }));
  world.messages = world.messages.map((message) => (message.text === '' ? message : { ...message, text: `${long} ${message.text}`, ...(message.name && { name: long }), ...(message.reply && { reply: { ...message.reply, text: long } }) }));
  world.devices = world.devices.map((device) => (device.label ? { ...device, label: long } : device));
  world.logins = world.logins.map((login) => ({ ...login, name: long }));
  for (const group of Object.keys(world.members)) world.members[group] = (world.members[group] ?? []).map((member) => ({ ...member, name: `${long} ${member.name}` }));
}

/** What else somebody is: at work with something new, and somewhere with a long name where they were signed out. */
export function otherAccounts(): readonly World[] {
  const work = family();
  work.session = { ...work.session, address: `mira.w@${domain}`, displayName: 'Mira (work)' };
  const kept = new Set([jonas, tarek]);
  work.contacts = work.contacts.filter((contact) => kept.has(contact.address));
  work.chats = work.chats.filter((chat) => chat.id === tarek).map((chat) => ({ ...chat, unread: 3, mentions: 0, muted: undefined as never }));
  const club = family();
  club.session = { ...club.session, address: `the.treasurer.of.the.walkers@${domain}`, displayName: 'The treasurer of the Sunday walkers', phase: 'locked', reason: { code: 'credentials' } };
  club.contacts = [];
  club.chats = [];
  return [work, club];
}
