import { describe, expect, it } from 'vitest';
import { isHushed, wokenOptions } from './woken';

const data = (text: string): { json(): unknown } => ({ json: () => JSON.parse(text) as unknown });

describe('being woken', () => {
  it('makes no noise when the server says so, and in all other cases it may', () => {
    expect(isHushed(data('{"kith":"hush"}'))).toBe(true);
    for (const text of ['{"kith":"wake"}', '{}', 'null', '"hush"', 'nonsense']) expect(isHushed(data(text)), text).toBe(false);
    expect(isHushed(null)).toBe(false);
  });

  it('is heard once until somebody has looked', () => {
    const first = wokenOptions('x', false, [], 1);
    expect(first).toMatchObject({ silent: false, renotify: false, data: { path: '/', at: 1 } });
    expect(wokenOptions('x', false, [first], 2)).toMatchObject({ silent: false, renotify: false });
  });

  it('is heard although something was shown before that made no noise', () => {
    const quiet = wokenOptions('x', true, [], 1);
    expect(quiet).toMatchObject({ silent: true, renotify: false, data: { hushed: true } });
    const again = wokenOptions('x', true, [quiet], 2);
    expect(again).toMatchObject({ silent: true, renotify: false, data: { hushed: true } });
    const loud = wokenOptions('x', false, [again], 3);
    expect(loud).toMatchObject({ silent: false, renotify: true });
    expect(loud.data).not.toHaveProperty('hushed');
    // What makes no noise does not take away that somebody has heard.
    const after = wokenOptions('x', true, [loud], 4);
    expect(after).toMatchObject({ silent: true, renotify: false });
    expect(wokenOptions('x', false, [after], 5).renotify).toBe(false);
  });
});
