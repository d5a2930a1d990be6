/** What happens in shared workers, which Playwright does not show: their console, their errors, their requests. */
import type { Browser, CDPSession } from '@playwright/test';

export interface WorkerNews {
  readonly kind: 'console' | 'error' | 'request' | 'frame';
  readonly text: string;
}

type Listener = (news: WorkerNews) => void;

interface TargetInfo {
  readonly targetId: string;
  readonly type: string;
  readonly browserContextId?: string;
}

interface RemoteObject {
  readonly value?: unknown;
  readonly description?: string;
}

interface Report {
  readonly method?: string;
  readonly params: {
    readonly type?: string;
    readonly args?: readonly RemoteObject[];
    readonly entry?: { readonly level: string; readonly text: string; readonly url?: string };
    readonly exceptionDetails?: { readonly text: string; readonly exception?: RemoteObject };
    readonly request?: { readonly url: string };
    readonly url?: string;
    readonly response?: { readonly payloadData: string };
  };
}

const watchers = new WeakMap<Browser, WorkerWatch>();

export class WorkerWatch {
  private readonly listeners = new Map<string, Listener>();
  /** What was heard of contexts that nobody asked about yet. */
  private readonly early = new Map<string, WorkerNews[]>();
  private readonly contextOf = new Map<string, string>();
  private commands = 0;

  static async of(browser: Browser): Promise<WorkerWatch> {
    let watch = watchers.get(browser);
    if (!watch) {
      const session = await browser.newBrowserCDPSession();
      watch = new WorkerWatch(session);
      watchers.set(browser, watch);
      await session.send('Target.setDiscoverTargets', { discover: true, filter: [{ type: 'shared_worker' }] });
    }
    return watch;
  }

  private constructor(private readonly session: CDPSession) {
    session.on('Target.targetCreated', ({ targetInfo }) => void this.attach(targetInfo));
    session.on('Target.receivedMessageFromTarget', ({ sessionId, message }) => this.heard(sessionId, JSON.parse(message) as Report));
  }

  /** Listens to the workers of one browser context, from its beginning. */
  listen(context: string, listener: Listener): void {
    this.listeners.set(context, listener);
    for (const news of this.early.get(context) ?? []) listener(news);
    this.early.delete(context);
  }

  private async attach(target: TargetInfo): Promise<void> {
    if (target.type !== 'shared_worker') return;
    try {
      const { sessionId } = await this.session.send('Target.attachToTarget', { targetId: target.targetId, flatten: false });
      this.contextOf.set(sessionId, target.browserContextId ?? '');
      for (const method of ['Runtime.enable', 'Log.enable', 'Network.enable']) await this.command(sessionId, method);
    } catch {
      // It ended meanwhile.
    }
  }

  private async command(sessionId: string, method: string): Promise<void> {
    this.commands++;
    await this.session.send('Target.sendMessageToTarget', { sessionId, message: JSON.stringify({ id: this.commands, method }) });
  }

  private heard(session: string, report: Report): void {
    // A worker that is watched and comes again, after a reload of its only page, waits until it is told to run.
    if (report.method === 'Inspector.targetReloadedAfterCrash') void this.command(session, 'Runtime.runIfWaitingForDebugger').catch(() => undefined);
    const news = newsOf(report);
    if (!news) return;
    const context = this.contextOf.get(session) ?? '';
    const listener = this.listeners.get(context);
    if (listener) listener(news);
    else this.early.set(context, [...this.early.get(context) ?? [], news]);
  }
}

function newsOf({ method, params }: Report): WorkerNews | undefined {
  switch (method) {
    case 'Runtime.consoleAPICalled':
      if (params.type !== 'error' && params.type !== 'warning') return undefined;
      return { kind: 'console', text: (params.args ?? []).map((it) => String(it.value ?? it.description)).join(' ') };
    case 'Runtime.exceptionThrown':
      return { kind: 'error', text: params.exceptionDetails?.exception?.description ?? params.exceptionDetails?.text ?? 'exception' };
    case 'Log.entryAdded':
      if (params.entry?.level !== 'error' && params.entry?.level !== 'warning') return undefined;
      return { kind: 'console', text: `${params.entry.text} ${params.entry.url ?? ''}`.trim() };
    case 'Network.requestWillBeSent':
      return { kind: 'request', text: params.request?.url ?? '' };
    case 'Network.webSocketCreated':
      return { kind: 'request', text: params.url ?? '' };
    case 'Network.webSocketFrameSent':
      return { kind: 'frame', text: `> ${params.response?.payloadData}` };
    case 'Network.webSocketFrameReceived':
      return { kind: 'frame', text: `< ${params.response?.payloadData}` };
    default:
      return undefined;
  }
}
