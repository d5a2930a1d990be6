import { expect, it } from 'vitest';
import { TestClock } from '../../../test/support/clock';
import { parse, type XmlElement } from '../../xmpp/xml';
import type { Account } from '../account';
import { Room } from './room';

const ROOM = 'family@groups.example.org', ALICE = 'alice@example.org';

it('who asks a second time before there is an answer gets that of the second', async () => {
  const sent: XmlElement[] = [];
  const account = {
    address: ALICE, online: true, platform: { clock: new TestClock() }, stream: () => ({ send: (stanza: XmlElement) => sent.push(stanza) }),
  } as unknown as Account;
  const room = new Room(account, ROOM, { caps: async () => parse(`<c xmlns='http://jabber.org/protocol/caps'/>`), told: () => undefined, moved: () => undefined, exited: () => undefined });
  const first = room.enter('Alice').catch((error: unknown) => String(error));
  const second = room.enter('Alice', 'secret');
  expect(await first).toContain('asked again');
  expect(sent.length).toBe(2);
  room.presence('Alice', parse(`<presence xmlns='jabber:client' from='${ROOM}/Alice'><x xmlns='http://jabber.org/protocol/muc#user'>
    <item affiliation='member' role='participant'/><status code='110'/></x></presence>`));
  expect(await second).toEqual({ created: false });
  expect(room.phase).toBe('reading');
});
