/**
 * The service worker: opens the app without a network. It answers for the files of one build and for nothing else:
 * what people say to each other never passes through here.
 */
import { WOKEN, type FromServiceWorker, type NotificationData, type ToServiceWorker } from './messages';
import { Shell, spareFor, type Files } from './shell';
import { isHushed, wokenOptions } from './woken';
import { readWords, writeWords } from './words';

/** Written in front of this script by the build. */
declare const kithBuild: { readonly version: string; readonly files: Files };

const worker = self as unknown as ServiceWorkerGlobalScope;
const shell = new Shell(kithBuild.files, kithBuild.version, {
  origin: worker.location.origin, caches: worker.caches, fetch: (url, options) => worker.fetch(url, options),
}, spareFor(worker.navigator.languages));

worker.addEventListener('install', (event) => event.waitUntil(shell.install()));

// No claim: a window that was loaded without us goes on without us.
worker.addEventListener('activate', (event) => event.waitUntil(shell.activate()));

worker.addEventListener('fetch', (event) => {
  const { request } = event;
  const answer = shell.answer(request);
  if (!answer) return;
  event.respondWith(answer.then((response) => response ?? worker.fetch(request)));
  if (request.mode === 'navigate') event.waitUntil(answer.then(() => shell.renew()));
});

worker.addEventListener('message', (event) => {
  const message = event.data as ToServiceWorker;
  if (message.kind === 'take-over') event.waitUntil(worker.skipWaiting());
  if (message.kind === 'words') event.waitUntil(writeWords(worker.caches, message));
});

worker.addEventListener('push', (event) => event.waitUntil(woken(isHushed(event.data))));

worker.addEventListener('notificationclick', (event) => {
  event.notification.close();
  event.waitUntil(go((event.notification.data as NotificationData | null)?.path ?? '/'));
});

/** There is something; nothing is known of it here. Pages that are open find out, and say it better. */
async function woken(hushed: boolean): Promise<void> {
  const { title, body } = await readWords(worker.caches);
  const present = await worker.registration.getNotifications({ tag: WOKEN });
  await worker.registration.showNotification(title, wokenOptions(body, hushed, present, Date.now()));
  const message: FromServiceWorker = { kind: 'woken' };
  for (const window of await worker.clients.matchAll({ type: 'window', includeUncontrolled: true })) window.postMessage(message);
}

/** Brings the app to the front, at this place. */
async function go(path: string): Promise<void> {
  const windows = await worker.clients.matchAll({ type: 'window', includeUncontrolled: true });
  const window = windows.find((one) => one.focused) ?? windows.find((one) => one.visibilityState === 'visible') ?? windows[0];
  if (!window) {
    await worker.clients.openWindow(path);
    return;
  }
  const message: FromServiceWorker = { kind: 'go', path };
  window.postMessage(message);
  await window.focus();
}
