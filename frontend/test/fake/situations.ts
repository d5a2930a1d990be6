import type { Chat, Message } from '../../src/core/api';
import type { World } from './core';
import { familyGroup, publicGroup } from './seed';

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
      last: { from: message.from, text: message.text, outgoing, state: message.state, at: message.at, ...(message.poll && { poll: true as const }), ...(message.file && { file: message.file.kind }), ...(message.timerSet !== undefined && { timerSet: message.timerSet }) },
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
