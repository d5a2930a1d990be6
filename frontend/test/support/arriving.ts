/** Waiting for many messages, however long a busy machine takes for them. */
import type { Message } from '../../src/core/api';
import type { Device } from './device';

/** Resolves once the messages of a chat are as they should be, or when nothing happens any more; then the test says what is missing. */
export async function arriving(device: Device, chat: string, done: (messages: readonly Message[]) => boolean): Promise<void> {
  for (;;) {
    const before = device.log.length;
    if (done(await device.read(chat))) return;
    if (!(await device.until(() => device.log.length > before, 'an event').catch(() => false))) return;
  }
}
