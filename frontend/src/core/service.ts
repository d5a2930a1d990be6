/** The core's end of the wire: commands of pages come in, answers and events go out. */
import { CoreError, type Address, type Commands } from './api';
import type { Kith } from './kith';
import { coreError } from './reasons';
import { METHODS, type Event, type ToCore, type ToPage } from './rpc';

type Reply = (message: ToPage) => void;

export class Service {
  /** The commands of each page, for the account that it looks at. */
  private readonly pages = new Map<string, { readonly account: Address | undefined; readonly commands: Commands }>();

  constructor(private readonly kith: Kith) {}

  handle(page: string, message: ToCore, reply: Reply): void {
    switch (message.kind) {
      case 'attach': return void this.attach(page, message, reply);
      case 'call': return void this.call(page, message, reply);
      case 'detach': return this.close(page);
    }
  }

  close(page: string): void {
    this.pages.delete(page);
    this.kith.detach(page);
  }

  private async attach(page: string, { call, account }: Extract<ToCore, { kind: 'attach' }>, reply: Reply): Promise<void> {
    try {
      const snapshot = await this.kith.attach(page, (event, data) => reply({ kind: 'event', event, data } as Event), account);
      reply({ kind: 'snapshot', call, snapshot });
    } catch (error) {
      reply({ kind: 'error', call, reason: coreError(error).reason });
    }
  }

  private async call(page: string, { call, account, method, args }: Extract<ToCore, { kind: 'call' }>, reply: Reply): Promise<void> {
    try {
      if (!METHODS.includes(method)) throw new CoreError({ code: 'internal', detail: 'unknown command' });
      let known = this.pages.get(page);
      if (!known || known.account !== account) this.pages.set(page, known = { account, commands: this.kith.commands(page, account) });
      const command = known.commands[method] as (...args: readonly unknown[]) => Promise<unknown>;
      reply({ kind: 'result', call, value: await command(...args) });
    } catch (error) {
      reply({ kind: 'error', call, reason: coreError(error).reason });
    }
  }
}
