import type { BrowserContext, Page } from '@playwright/test';
import type { Server } from './server';
import { WorkerWatch } from './workers';

/**
 * What a browser writes to the console when it cannot reach a server, which is no fault of the page. The second is about the
 * service worker, for which the browser looks by itself some time after a page was opened.
 */
const unreachable = /net::ERR_(INTERNET_DISCONNECTED|CONNECTION_(REFUSED|RESET|CLOSED|ABORTED)|EMPTY_RESPONSE|INCOMPLETE_CHUNKED_ENCODING|SOCKET_NOT_CONNECTED)|WebSocket connection to '[^']*' failed|An unknown error occurred when fetching the script\./;

/**
 * Listens to everything that a browser says and asks for: nothing may be written to the console, no exception may go
 * astray (a violated Content-Security-Policy is both), and nobody but the own server may be asked for anything.
 */
export class Guard {
  private readonly complaints: string[] = [];
  private readonly allowed: RegExp[] = [];
  /** What went over the wire, to find out why a story failed. */
  readonly frames: string[] = [];

  constructor(private readonly who: string, private readonly server: Server) {}

  async watch(context: BrowserContext): Promise<void> {
    for (const page of context.pages()) this.watchPage(page);
    context.on('page', (page) => this.watchPage(page));
    context.on('request', (request) => this.asked(request.url()));
    const browser = context.browser();
    const page = context.pages()[0] ?? await context.newPage();
    const session = await context.newCDPSession(page);
    const { targetInfo } = await session.send('Target.getTargetInfo');
    await session.detach();
    if (!browser || targetInfo.browserContextId === undefined) throw new Error('nobody listens to the workers');
    (await WorkerWatch.of(browser)).listen(targetInfo.browserContextId, ({ kind, text }) => {
      if (kind === 'request') this.asked(text);
      else if (kind === 'frame') this.frames.push(`${new Date().toISOString().slice(11, 23)} ${text}`);
      else this.heard(`worker ${kind}: ${text}`);
    });
  }

  /** Something that a story provokes on purpose. */
  allow(pattern: RegExp): void {
    this.allowed.push(pattern);
  }

  /** What went wrong, in the order in which it did. */
  get wrong(): readonly string[] {
    return this.complaints.filter((text) => !this.allowed.some((it) => it.test(text)) && !(this.server.wasDown && unreachable.test(text)));
  }

  private watchPage(page: Page): void {
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') this.heard(`console: ${message.text()} ${message.location().url}`.trim());
    });
    page.on('pageerror', (error) => this.heard(`exception: ${error.stack ?? error.message}`));
    page.on('websocket', (socket) => this.asked(socket.url()));
    page.on('crash', () => this.heard('the page crashed'));
  }

  private heard(text: string): void {
    this.complaints.push(`${this.who}: ${text}`);
  }

  private asked(url: string): void {
    const { protocol, host } = new URL(url);
    if (['data:', 'blob:', 'about:'].includes(protocol)) return;
    if (host !== new URL(this.server.origin).host) this.heard(`asked ${url}`);
  }
}
