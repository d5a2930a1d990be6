import { describe, expect, it } from 'vitest';
import type { KeyTrust } from './engine';
import { mayChange, mayReact, type Authored, type Level } from './protection';

const by = (from: string | undefined, level: Level, trust: KeyTrust): Authored => ({ from, level, trust });

describe('what may change a message', () => {
  it.each<[string, Authored, Authored, boolean]>([
    ['the same', by('a', 3, 'trusted'), by('a', 3, 'trusted'), true],
    ['another person', by('a', 3, 'trusted'), by('b', 3, 'verified'), false],
    ['plain after encrypted', by('a', 1, 'trusted'), by('a', 0, 'undecided'), false],
    ['0.3 after omemo:2', by('a', 2, 'trusted'), by('a', 1, 'verified'), false],
    ['a changed header', by('a', 3, 'trusted'), by('a', 2, 'trusted'), false],
    ['better', by('a', 1, 'trusted'), by('a', 3, 'verified'), true],
    ['an unverified device', by('a', 2, 'verified'), by('a', 2, 'trusted'), false],
    ['a device that is not trusted', by('a', 2, 'trusted'), by('a', 2, 'undecided'), false],
    ['plain after plain', by('a', 0, 'undecided'), by('a', 0, 'undecided'), true],
    ['encrypted after plain', by('a', 0, 'verified'), by('a', 1, 'undecided'), true],
    ['unknown senders', by(undefined, 0, 'undecided'), by(undefined, 0, 'undecided'), false],
  ])('%s', (_, earlier, change, want) => {
    expect(mayChange(earlier, change)).toBe(want);
  });

  it('lets reactions count that are encrypted if the message is', () => {
    expect(mayReact(by('a', 1, 'trusted'), by('b', 0, 'undecided'))).toBe(false);
    expect(mayReact(by('a', 3, 'trusted'), by('b', 1, 'trusted'))).toBe(true);
    expect(mayReact(by('a', 0, 'trusted'), by('b', 0, 'undecided'))).toBe(true);
    expect(mayReact(by('a', 3, 'verified'), by('b', 2, 'trusted'))).toBe(true);
    for (const trust of ['undecided', 'distrusted'] as const) expect(mayReact(by('a', 3, 'trusted'), by('b', 3, trust)), trust).toBe(false);
  });
});
