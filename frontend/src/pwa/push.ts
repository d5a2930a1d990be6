/** The browser's push service (Push API). */
import type { WakeupHost } from '../stores/wakeups';
import type { Registration } from './registration';

export class Push implements WakeupHost {
  constructor(private readonly registration: Registration | undefined) {}

  async subscribe(key: string): Promise<{ endpoint: string; key: string; auth: string } | undefined> {
    const manager = await this.manager();
    if (!manager || Notification.permission !== 'granted') return undefined;
    const wanted = fromBase64(key);
    let subscription = await manager.getSubscription();
    if (subscription && !same(subscription.options.applicationServerKey, wanted)) {
      // It belongs to a server that was here before.
      await subscription.unsubscribe();
      subscription = null;
    }
    try {
      subscription ??= await manager.subscribe({ userVisibleOnly: true, applicationServerKey: wanted });
    } catch {
      return undefined; // a browser without a service behind it, or one that does not want to
    }
    const [p256dh, auth] = [subscription.getKey('p256dh'), subscription.getKey('auth')];
    if (!p256dh || !auth) return undefined;
    return { endpoint: subscription.endpoint, key: toBase64(p256dh), auth: toBase64(auth) };
  }

  async unsubscribe(): Promise<void> {
    await (await (await this.manager())?.getSubscription())?.unsubscribe();
  }

  private async manager(): Promise<PushManager | undefined> {
    if (!('PushManager' in globalThis) || !('Notification' in globalThis)) return undefined;
    return (await this.registration?.ready())?.pushManager;
  }
}

function same(one: ArrayBuffer | null, other: Uint8Array): boolean {
  return one !== null && toBase64(one) === toBase64(other);
}

function toBase64(bytes: ArrayBuffer | Uint8Array): string {
  return btoa(String.fromCharCode(...new Uint8Array(bytes))).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');
}

function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text.replace(/-/g, '+').replace(/_/g, '/')), (it) => it.charCodeAt(0));
}
