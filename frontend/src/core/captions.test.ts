/** What is said beside a file: in one message where everybody's programs can show both, and never lost. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { House, says, sentTo } from '../../test/support/house';
import { Stranger } from '../../test/support/stranger';
import { aesgcmUrl, parseAesgcm, sealFile } from '../crypto/files';
import { fileSharing, sharedFile, shareFile } from '../xmpp/xep0447_sfs';
import { XmlElement } from '../xmpp/xml';
import { readEncrypted } from './omemo/wire';

const ALICE = 'alice@example.org', BOB = 'bob@example.org';
const lake = new Blob(['a lake'], { type: 'image/png' });
const facts = { id: 'one', name: 'lake.png', width: 4, height: 3, caption: ' The lake, at last \n' };

let house: House;
beforeEach(() => { house = new House(); });
afterEach(async () => {
  for (const device of house.devices) await device.stop();
});

describe('what is said beside a file that is sent', () => {
  it('is in the envelope with it, where all have omemo:2', async () => {
    const bob = await Stranger.make(BOB, 11);
    bob.publish(house.first, { 1: [11], 2: [11] });
    const { device, connected } = await house.enter();
    await device.commands.focus(BOB);
    await device.until(() => device.chats.get(BOB)?.lock === 'encrypted');
    const sent = await device.commands.sendFile(BOB, lake, facts);
    expect(sent).toMatchObject({ text: 'The lake, at last', file: { name: 'lake.png', kind: 'image' } });
    const stanza = await sentTo(connected, BOB);
    expect(stanza.toString()).not.toContain('lake');
    const opened = bob.open(stanza, ALICE);
    expect(opened).toMatchObject({ version: 2, text: 'The lake, at last' });
    const said = fileSharing.in(new XmlElement('', 'content', {}, opened?.content ?? []));
    expect(said && sharedFile(said)).toMatchObject({ name: 'lake.png', width: 4, height: 3 });
    expect(device.chats.get(BOB)?.last).toMatchObject({ file: 'image', text: 'The lake, at last' });
    for (const query of ['last', 'lake.png']) {
      expect((await device.commands.findMessages(query, { limit: 3 })).messages).toMatchObject([{ id: 'one', file: 'image', text: 'The lake, at last · lake.png' }]);
    }
    // What is taken back leaves nothing of it.
    await device.commands.retract(BOB, 'one');
    expect((await device.commands.findMessages('last', { limit: 3 })).messages).toEqual([]);
    expect(device.chats.get(BOB)?.last?.text).toBe('');
  });

  it('is a message of its own, where somebody has only 0.3', async () => {
    const kith = await Stranger.make(BOB, 11), native = await Stranger.make(BOB, 12);
    kith.publish(house.first, { 1: [11, 12], 2: [11] });
    native.publish(house.first, { 1: [11, 12] });
    const { device, connected } = await house.enter();
    await device.commands.focus(BOB);
    await device.until(() => device.chats.get(BOB)?.lock === 'encrypted');
    expect(await device.commands.sendFile(BOB, lake, facts)).toMatchObject({ text: '' });
    const first = await sentTo(connected, BOB);
    expect(parseAesgcm(native.open(first, ALICE)?.text ?? '')).toBeDefined();
    expect(parseAesgcm(kith.open(first, ALICE)?.text ?? '')).toBeDefined();
    const second = await connected.until((one) => one.name === 'message' && one.attrs['to'] === BOB && one.attrs['id'] !== 'one' && readEncrypted(one)[0]?.payload !== undefined);
    expect(native.open(second, ALICE)?.text).toBe('The lake, at last');
    expect(kith.open(second, ALICE)?.text).toBe('The lake, at last');
  });

  it('reaches a device that has only 0.3 and came before the file was sent', async () => {
    const kith = await Stranger.make(BOB, 11), native = await Stranger.make(BOB, 12);
    kith.publish(house.first, { 1: [11, 12], 2: [11] });
    native.publish(house.first, { 1: [11, 12] });
    const { device, connected } = await house.enter();
    // Nothing is known of Bob's devices when it is written.
    await device.commands.sendFile(BOB, lake, facts);
    const stanza = await sentTo(connected, BOB);
    expect(kith.open(stanza, ALICE)?.text).toBe('The lake, at last');
    const [words, address] = native.open(stanza, ALICE)?.text.split('\n') ?? [];
    expect(words).toBe('The lake, at last');
    expect(parseAesgcm(address ?? '')).toBeDefined();
  });
});

it('what somebody says beside a file stands there, without what is only for programs that know no files', async () => {
  const bob = await Stranger.make(BOB, 11);
  bob.publish(house.first);
  const { device, connected } = await house.enter();
  const own = device.session.deviceId ?? 0;
  const file = await sealFile(lake);
  const url = 'https://example.org/upload/x';
  house.files.set(url, file.data);
  const element = fileSharing.write(shareFile({ name: 'lake.png', mediaType: 'image/png', size: lake.size, sha256: file.sha256, url, ...file.fileKey })).toString();
  const address = aesgcmUrl(url, file.fileKey);
  let last = -Infinity;
  const instead = "<fallback xmlns='urn:xmpp:fallback:0' for='urn:xmpp:sfs:0'>";
  const cases: readonly (readonly [text: string, more: string, caption: string])[] = [
    ['look', '', 'look'],
    [address, '', ''],
    [`look\n${address}`, '', 'look'],
    [`look at ${url}`, `${instead}<body start='5'/></fallback>`, 'look'],
    ['A file for you', `${instead}<body/></fallback>`, ''],
    ['', '', ''],
  ];
  for (const [i, [text, more, caption]] of cases.entries()) {
    says(house, bob, connected, `m${i}`, own, { text, elements: `${element}${more}` });
    const message = await device.until(() => [...device.messages.get(BOB)?.values() ?? []].find((one) => one.order > last && one.file));
    expect(message, text).toMatchObject({ text: caption, file: { name: 'lake.png', kind: 'image' } });
    expect(await (await device.commands.fetchFile(BOB, message.id)).text()).toBe('a lake');
    last = message.order;
  }
  const told = device.log.flatMap((entry) => (entry.event === 'notify' ? [entry.data.text] : []));
  expect(told).toEqual(['look', 'lake.png', 'look', 'look', 'lake.png', 'lake.png']);
});
