import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { toBase64, utf8 } from './bytes';
import { mayStandOutside, openEnvelope } from './xep0420_sce';

interface Golden {
  readonly name: string;
  readonly envelope: string;
  readonly malformed?: boolean;
  readonly content: readonly string[];
  readonly dropped: number;
}

// The core's own reader has the same cases.
const goldens = JSON.parse(readFileSync(new URL('../../../omemo/sce/testdata/envelopes.json', import.meta.url), 'utf8')) as Golden[];

describe('envelopes', () => {
  it.each(goldens.map((golden) => [golden.name, golden] as const))('%s', (_, { name: _name, envelope, malformed, ...want }) => {
    const got = openEnvelope(utf8(envelope));
    if (malformed === true) {
      expect(got).toBeUndefined();
      return;
    }
    expect(got && {
      ...got,
      content: got.content.map(String),
      ...(got.recipients && { recipients: got.recipients.map(({ jid, devices }) => ({ jid, devices: toBase64(devices) })) }),
      ...(got.devices && { devices: toBase64(got.devices) }),
    }).toEqual(want);
  });

  it('refuses what is too deep, too wide or too long, and what is not UTF-8', () => {
    for (const inner of ['<a>'.repeat(40) + '</a>'.repeat(40), '<a/>'.repeat(20_000), `<a>${'x'.repeat(1 << 20)}</a>`]) {
      expect(openEnvelope(utf8(`<envelope xmlns='urn:xmpp:sce:1'><content>${inner}</content></envelope>`))).toBeUndefined();
    }
    expect(openEnvelope(new Uint8Array([0xff]))).toBeUndefined();
  });

  it('believes only what is the server\u2019s beside an encrypted message', () => {
    expect(mayStandOutside('urn:xmpp:hints', 'store')).toBe(true);
    expect(mayStandOutside('urn:xmpp:sid:0', 'stanza-id')).toBe(true);
    expect(mayStandOutside('urn:xmpp:receipts', 'request')).toBe(true);
    for (const [ns, name] of [['jabber:client', 'body'], ['jabber:x:oob', 'x'], ['urn:xmpp:reactions:0', 'reactions'],
      ['urn:xmpp:message-correct:0', 'replace'], ['urn:xmpp:message-retract:1', 'retract'], ['urn:xmpp:receipts', 'received']] as const) {
      expect(mayStandOutside(ns, name), name).toBe(false);
    }
  });
});
