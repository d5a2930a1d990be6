/** The core's end of the wire: commands of pages come in, answers and events go out. */
import { CoreError, type Commands } from './api';
import type { Kith } from './kith';
import { coreError } from './reasons';
import { METHODS, type Event, type ToCore, type ToPage } from './rpc';

type Reply = (message: ToPage) => void;

export class Service {
  private readonly pages = new Map<string, Commands>();

  constructor(private readonly kith: Kith) {}

  handle(page: string, message: ToCore, reply: Reply): void {
    switch (message.kind) {
      case 'attach': return void this.attach(page, message.call, reply);
      case 'call': return void this.call(page, message, reply);
      case 'detach': return this.close(page);
    }
  }

  close(page: string): void {
    this.pages.delete(page);
    this.kith.detach(page);
  }

  private async attach(page: string, call: number, reply: Reply): Promise<void> {
    try {
      const snapshot = await this.kith.attach(page, (event, data) => reply({ kind: 'event', event, data } as Event));
      reply({ kind: 'snapshot', call, snapshot });
    } catch (error) {
      reply({ kind: 'error', call, reason: coreError(error).reason });
    }
  }

  private async call(page: string, { call, method, args }: Extract<ToCore, { kind: 'call' }>, reply: Reply): Promise<void> {
    try {
      if (!METHODS.includes(method)) throw new CoreError({ code: 'internal', detail: 'unknown command' });
      let commands = this.pages.get(page);
      if (!commands) this.pages.set(page, commands = this.kith.commands(page));
      const command = commands[method] as (...args: readonly unknown[]) => Promise<unknown>;
      reply({ kind: 'result', call, value: await command(...args) });
    } catch (error) {
      reply({ kind: 'error', call, reason: coreError(error).reason });
    }
  }
}
