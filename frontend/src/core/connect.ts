/** Where a page gets its core: a worker shared by all tabs, or one of its own where browsers have no such thing. */
import workerUrl from '../workers/core.worker?worker&url';
import type { Core } from './api';
import { Client } from './client';
import { fail } from './fail';
import { pageLock, workerLock, type Greeting, type Hello, type ToCore, type ToPage } from './rpc';

interface WorkerPort {
  postMessage(message: Hello | ToCore): void;
  onmessage: ((event: MessageEvent<Greeting | ToPage>) => void) | null;
}

interface TrustedTypes {
  createPolicy(name: string, rules: { createScriptURL(url: string): string }): { createScriptURL(url: string): URL };
}

/** How long a worker may take to say its first word, before somebody is told. */
const START_TIMEOUT = 20_000;
/** From one attempt to load a worker to the next. */
const PAUSE = 2_000;

export function connectCore(): Core {
  const page = crypto.randomUUID();
  let port: WorkerPort | undefined;
  const client = new Client((message) => port?.postMessage(message));
  if (!supported()) {
    queueMicrotask(() => client.failAll(fail('unsupported')));
    return client.core;
  }
  const url = trusted(workerUrl);
  // Held as long as the page lives, and not longer: so its worker knows, whom the page tells its name only then.
  const held = new Promise<void>((resolve) => {
    void navigator.locks.request(pageLock(page), () => {
      resolve();
      return new Promise(() => undefined);
    });
  });

  const start = (): void => {
    let ready = false;
    const timer = setTimeout(() => client.failAll(fail('network', 'the worker does not start')), START_TIMEOUT);
    const worker = port = open(url, (event) => {
      if (ready) return; // a fault in what runs, which the browser has reported
      clearTimeout(timer);
      // Where there is an error to tell of, the script is here and cannot run.
      if (event instanceof ErrorEvent) return client.failAll(fail('unsupported', 'the worker does not run'));
      client.failAll(fail('network', 'the worker could not be loaded'));
      setTimeout(start, PAUSE);
    });
    port.onmessage = ({ data }) => {
      switch (data.kind) {
        case 'ready':
          ready = true;
          clearTimeout(timer);
          // Granted when the worker has died, which browsers do to save memory: then there is a new one.
          void navigator.locks.request(workerLock(data.worker), { mode: 'shared' }, async () => start());
          return;
        case 'core': return client.coreUp();
        default: client.received(data);
      }
    };
    void held.then(() => worker.postMessage({ kind: 'hello', page }));
  };
  start();
  return client.core;
}

function supported(): boolean {
  return isSecureContext && 'locks' in navigator && 'subtle' in crypto && 'indexedDB' in globalThis && 'BroadcastChannel' in globalThis
    && typeof WebAssembly === 'object';
}

function open(url: string | URL, failed: (event: Event) => void): WorkerPort {
  if (typeof SharedWorker === 'function') {
    try {
      const worker = new SharedWorker(url, { type: 'module', name: 'kith' });
      worker.onerror = failed;
      return worker.port;
    } catch {
      // Forbidden here: one of our own does as well.
    }
  }
  const worker = new Worker(url, { type: 'module', name: 'kith' });
  worker.onerror = failed;
  return worker;
}

/** The one script URL that this page ever hands to the browser (Trusted Types). */
function trusted(url: string): string | URL {
  const factory = (globalThis as { trustedTypes?: TrustedTypes }).trustedTypes;
  if (!factory) return url;
  return factory.createPolicy('kith-worker', {
    createScriptURL(candidate) {
      if (candidate !== url) throw new TypeError('not the worker of this app');
      return candidate;
    },
  }).createScriptURL(url);
}
