import { expect, it } from 'vitest';
import { ScriptServer } from '../../test/support/script';
import { systemClock } from '../xmpp/clock';
import { Connection } from './connection';
import type { Platform } from './platform';

it('stopped while it signs in, it does not come back', async () => {
  const server = new ScriptServer();
  const happened: string[] = [];
  let stored: () => void = () => undefined, storing: () => void = () => undefined;
  const issued = new Promise<void>((resolve) => { storing = resolve; });
  const platform = { clock: systemClock, random: () => 0, origin: 'https://example.org', socket: server.listener.factory, isOnline: () => true, onOnline: () => undefined } as unknown as Platform;
  const connection = new Connection(server.address, { id: crypto.randomUUID(), software: 'Kith', device: 'Node' }, platform, {
    message: () => Promise.resolve(), presence: () => Promise.resolve(), request: () => undefined, resumed: () => undefined, dropped: () => undefined,
    state: ({ phase }) => happened.push(phase),
    started: () => happened.push('started'),
    token: () => new Promise((resolve) => {
      stored = resolve;
      storing();
    }),
  });
  const outcome = connection.signIn('pencil').catch((error: unknown) => String(error));
  await server.accept();
  await issued;
  await connection.stop();
  stored();
  expect(await outcome).toContain('stopped');
  expect(happened).toEqual(['connecting']);
});
