import { describe, expect, it } from 'vitest';
import { isHistory } from './xep0045_muc';
import { parse } from './xml';

describe('history of a room', () => {
  const message = (...delays: string[]): ReturnType<typeof parse> =>
    parse(`<message xmlns='jabber:client' type='groupchat' from='cave@rooms.example/Ann'><body>hi</body>${delays.join('')}</message>`);
  const late = (from?: string): string => `<delay xmlns='urn:xmpp:delay' stamp='2026-01-01T00:00:00Z'${from === undefined ? '' : ` from='${from}'`}/>`;

  it('is what the room says is late', () => {
    expect(isHistory(message(late('cave@rooms.example')))).toBe(true);
    expect(isHistory(message(late('ann@example.org/phone'), late('cave@rooms.example')))).toBe(true);
  });

  it('is not what somebody wrote while offline', () => {
    expect(isHistory(message())).toBe(false);
    expect(isHistory(message(late()))).toBe(false);
    expect(isHistory(message(late('ann@example.org/phone')))).toBe(false);
  });
});
