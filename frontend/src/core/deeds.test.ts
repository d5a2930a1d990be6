import { describe, expect, it } from 'vitest';
import type { Done } from '../db/deeds';
import type { Deed, KeyTrust, Level, MessageRecord } from '../db/schema';
import { judge, judgeOwn, protectionOf } from './deeds';

const BOB = 'bob@example.org', CAROL = 'carol@example.org';

function message(level: Level | undefined, trust?: KeyTrust, part: Partial<MessageRecord> = {}): MessageRecord {
  return {
    id: 'm', chat: BOB, from: BOB, outgoing: false, text: 'x', order: 1, at: 0, state: 'received', lock: 'encrypted',
    ...(level !== undefined && { level }), ...(trust && { trust }), ...part,
  };
}

const edit: Deed = { kind: 'edit', ref: 'm', text: 'y', lock: 'encrypted' }, retract: Deed = { kind: 'retract', ref: 'm' }, react: Deed = { kind: 'react', ref: 'm', emojis: ['x'] };

function done(deed: Deed, level: Level, trust: KeyTrust = 'trusted', from = BOB): Done {
  return { deed, chat: BOB, from, self: 'alice@example.org', at: 0, level, trust };
}

describe('who may change what was said', () => {
  it.each([
    // of the message, of the change, whether it counts as correction
    [0, 0, true], [0, 3, true], [1, 0, false], [1, 1, true], [1, 3, true], [2, 1, false], [2, 2, true], [3, 0, false], [3, 1, false], [3, 2, false], [3, 3, true],
  ] as const)('a message of level %i is corrected with level %i: %s', (before, after, allowed) => {
    expect(judge(message(before, 'trusted'), done(edit, after))).toBe(allowed);
  });

  it('is taken back also with another program of its sender, which says nothing of the recipients', () => {
    for (const [before, after, allowed] of [[3, 3, true], [3, 2, true], [3, 1, false], [2, 2, true], [2, 1, false]] as const) {
      expect(judge(message(before, 'trusted'), done(retract, after)), `${before} ${after}`).toBe(allowed);
    }
  });

  it('nobody but its sender, and no less trusted key', () => {
    for (const deed of [edit, retract]) {
      expect(judge(message(3, 'trusted'), done(deed, 3, 'trusted', CAROL))).toBe(false);
      expect(judge(message(3, 'verified'), done(deed, 3, 'trusted'))).toBe(false);
      expect(judge(message(3, 'verified'), done(deed, 3, 'verified'))).toBe(true);
    }
    expect(judge(message(3, 'trusted', { problem: 'undecryptable' }), done(edit, 3))).toBe(false);
  });

  it('0.3 cannot encrypt retractions and reactions: there they count in the clear, and only there', () => {
    for (const [level, allowed] of [[0, true], [1, true], [2, false], [3, false]] as const) {
      expect(judge(message(level, 'trusted'), done(retract, 0)), String(level)).toBe(allowed);
      expect(judge(message(level, 'trusted'), done(react, 0, 'undecided', CAROL)), String(level)).toBe(allowed);
    }
    expect(judge(message(3, 'trusted', { mixed: true }), done(react, 0, 'undecided', CAROL))).toBe(true);
    expect(judge(message(3, 'trusted', { mixed: true }), done(retract, 0))).toBe(false);
    expect(judge(message(1, 'trusted'), done(retract, 0, 'undecided', CAROL))).toBe(false);
  });

  it('a room takes back what somebody who looks after it has removed', () => {
    expect(judge(message(3, 'trusted'), done({ ...retract, by: 'Alice' }, 0, 'undecided', 'family@groups.example.org'))).toBe(true);
  });

  it('what was stored before levels were kept counts as 0.3', () => {
    expect(protectionOf(message(undefined))).toEqual({ from: BOB, level: 1, trust: 'trusted' });
    expect(protectionOf(message(undefined, undefined, { lock: 'verified' }))).toEqual({ from: BOB, level: 1, trust: 'verified' });
    expect(protectionOf(message(undefined, undefined, { lock: 'unencrypted' })).level).toBe(0);
  });

  it('the person here changes only their own messages', () => {
    expect(judgeOwn(message(3), done(edit, 3))).toBe(false);
    expect(judgeOwn(message(3, 'trusted', { outgoing: true }), done(edit, 3))).toBe(true);
    expect(judgeOwn(message(3), done(react, 3))).toBe(true);
  });
});
