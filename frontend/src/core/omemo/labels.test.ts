/** Names of devices on the list of omemo:2, one's own and those of others, against a server that a test plays. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Device } from '../../../test/support/device';
import { loadEngine } from '../../../test/support/omemo';
import { ScriptServer, type Connected } from '../../../test/support/script';
import { Stranger } from '../../../test/support/stranger';
import { fromBase64, utf8 } from '../../xmpp/bytes';
import { NS } from '../../xmpp/ns';
import { xml } from '../../xmpp/xml';
import type { Device as Shown } from '../api';
import { labelFor, LABEL_LENGTH } from './labels';
import { LIST_NODES, readList, writeList, type Announced } from './wire';

const ALICE = 'alice@example.org', BOB = 'bob@example.org';

let server: ScriptServer;
let device: Device;
let profile = 0;

beforeEach(() => {
  profile++;
  server = new ScriptServer();
});

afterEach(async () => {
  await device.stop();
});

async function open(): Promise<void> {
  device = await Device.open({
    origin: 'https://example.org', socket: server.listener.factory, profile: `labels-${profile}`,
    platform: { fetch: () => Promise.reject(new Error('no network')), deviceName: 'Firefox on Linux' },
  });
}

async function signIn(): Promise<Connected> {
  await open();
  const [connected] = await Promise.all([server.accept(), device.commands.signIn(ALICE, 'pencil')]);
  await device.online();
  await published(connected, 1, (list) => list.some(({ id }) => id === device.session.deviceId));
  await published(connected, 2, (list) => list.some(({ id }) => id === device.session.deviceId));
  return connected;
}

const listOf = (owner: string, version: 1 | 2): readonly Announced[] =>
  readList(version, [{ payload: server.nodes.get(`${owner} ${LIST_NODES[version]}`)?.elements[0] ?? xml('', 'none') }]) ?? [];

/** The own list is, or becomes, what is looked for. */
async function published(connected: Connected, version: 1 | 2, is: (list: readonly Announced[]) => boolean): Promise<void> {
  if (is(listOf(ALICE, version))) return;
  await connected.until((one) => {
    const publish = one.child('pubsub', NS.pubsub)?.child('publish');
    return publish?.attrs['node'] === LIST_NODES[version] && is(readList(version, [{ payload: publish.child('item')?.elements[0] ?? xml('', 'none') }]) ?? []);
  });
}

/** The server says what a list is now. */
function tell(connected: Connected, owner: string, devices: readonly Announced[]): void {
  connected.send(`<message xmlns='jabber:client' from='${owner}' to='${ALICE}' type='headline'><event xmlns='http://jabber.org/protocol/pubsub#event'>
    <items node='${LIST_NODES[2]}'><item id='current'>${writeList(2, devices).toString()}</item></items></event></message>`);
}

const names = (list: readonly Shown[]): (string | undefined)[] => list.toSorted((a, b) => a.id - b.id).map((one) => one.label);

describe('the name of this device', () => {
  it('is nobody’s business until the person gives it one', async () => {
    await signIn();
    for (const version of [1, 2] as const) expect(listOf(ALICE, version)).toEqual([{ id: device.session.deviceId }]);
    expect([...server.nodes.values()].join('')).not.toContain('Firefox');
    expect(device.session.deviceLabel).toBeUndefined();
    expect(names(await device.commands.devices(ALICE))).toEqual([undefined]);
  });

  it('is signed, stays, and can be changed and taken back', async () => {
    const connected = await signIn();
    const id = device.session.deviceId;
    const phone = await Stranger.make(ALICE, 77);
    phone.publish(server, { 1: [77], 2: [77] });
    server.put(ALICE, LIST_NODES[2], xml(NS.pubsub, 'item', { id: 'current' }, writeList(2, [{ id: id ?? 0 }, phone.label('Phone')])));
    tell(connected, ALICE, [{ id: id ?? 0 }, phone.label('Phone')]);
    await device.knowsDevicesOf(ALICE, 2);

    await device.commands.nameDevice('  Kitchen \n laptop ');
    const [first, mine] = listOf(ALICE, 2);
    expect(first).toEqual(phone.label('Phone'));
    expect(mine).toMatchObject({ id, label: 'Kitchen laptop' });
    const engine = await loadEngine();
    expect(engine.verifyLabel(device.session.fingerprint ?? '', 'Kitchen laptop', fromBase64(mine?.labelsig ?? ''))).toBe(true);
    expect(listOf(ALICE, 1)).not.toContainEqual(expect.objectContaining({ label: expect.anything() as string }));
    expect(device.session.deviceLabel).toBe('Kitchen laptop');
    expect(names(await device.commands.devices(ALICE))).toEqual(id !== undefined && id < 77 ? ['Kitchen laptop', 'Phone'] : ['Phone', 'Kitchen laptop']);

    // Another program has written the list without it: the next start puts it back.
    server.put(ALICE, LIST_NODES[2], xml(NS.pubsub, 'item', { id: 'current' }, writeList(2, [{ id: id ?? 0 }, phone.label('Phone')])));
    await device.stop();
    await open();
    const again = await server.accept();
    await device.online();
    await published(again, 2, (list) => list.some((one) => one.id === id && one.label === 'Kitchen laptop' && one.labelsig === mine?.labelsig));
    expect(device.session.deviceLabel).toBe('Kitchen laptop');

    await device.commands.nameDevice(' ');
    expect(listOf(ALICE, 2)).toContainEqual({ id });
    expect(listOf(ALICE, 2)).toContainEqual(phone.label('Phone'));
    expect(device.session.deviceLabel).toBeUndefined();
  });

  it('is not changed where nobody can be told', async () => {
    await signIn();
    device.cut();
    await device.until(() => device.session.phase !== 'online');
    await expect(device.commands.nameDevice('Laptop')).rejects.toMatchObject({ reason: { code: 'network' } });
    expect(device.session.deviceLabel).toBeUndefined();
  });

  it('is short, and never as long as a key that the same signature would vouch for', () => {
    expect(labelFor('x'.repeat(60))).toBe('x'.repeat(LABEL_LENGTH));
    expect(labelFor('\u0000a\u2028b')).toBe('a b');
    for (const length of [30, 31, 32, 33, 34]) {
      const label = labelFor('k'.repeat(length));
      expect(label.trim()).toBe('k'.repeat(length));
      expect([32, 33]).not.toContain(utf8(label).length);
    }
    expect([32, 33]).not.toContain(utf8(labelFor('ö'.repeat(16))).length);
  });
});

describe('names of the devices of others', () => {
  async function told(list: (bob: Stranger, other: Stranger) => readonly Announced[]): Promise<(string | undefined)[]> {
    const bob = await Stranger.make(BOB, 11), other = await Stranger.make(BOB, 12);
    bob.publish(server, { 1: [11, 12], 2: [11, 12] });
    other.publish(server, { 1: [11, 12], 2: [11, 12] });
    server.put(BOB, LIST_NODES[2], xml(NS.pubsub, 'item', { id: 'current' }, writeList(2, list(bob, other))));
    await signIn();
    return names(await device.commands.devices(BOB));
  }

  it('are shown if their own key has signed them', async () => {
    expect(await told((bob, other) => [bob.label('Bob’s phone'), other.label('شاشة المطبخ')])).toEqual(['Bob’s phone', 'شاشة المطبخ']);
  });

  it('are not shown without a signature, with another’s, or with one of another name', async () => {
    expect(await told((_, other) => [{ id: 11, label: 'Bob’s phone' }, { ...other.label('Phone'), label: 'Bank' }])).toEqual([undefined, undefined]);
    await device.stop();
    profile++;
    server = new ScriptServer();
    expect(await told((_, other) => [{ ...other.label('Phone'), id: 11 }, { id: 12, label: 'Phone', labelsig: 'not base64!' }])).toEqual([undefined, undefined]);
  });

  it('are not shown with signs that only move others about, and are cut when they are long', async () => {
    const [odd, long] = await told((bob, other) => [bob.label('Phone\u2028\u2028Verified'), other.label('x'.repeat(150))]);
    expect(odd).toBeUndefined();
    expect(long).toBe('x'.repeat(LABEL_LENGTH + 1));
  });

  it('follow what the list says next', async () => {
    const bob = await Stranger.make(BOB, 11);
    bob.publish(server);
    const connected = await signIn();
    expect(names(await device.commands.devices(BOB))).toEqual([undefined]);
    device.log.length = 0;
    tell(connected, BOB, [bob.label('Phone')]);
    await device.until(() => device.log.some((one) => one.event === 'devices' && one.data.address === BOB));
    expect(names(await device.commands.devices(BOB))).toEqual(['Phone']);
  });
});
