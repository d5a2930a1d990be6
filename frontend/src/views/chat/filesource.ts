import { type Accessor, createSignal, onCleanup } from 'solid-js';
import type { Message, SharedFile } from '../../core/api';
import { reasonOf } from '../../stores/reason';
import { useView } from '../context';

/** Larger than this nothing is fetched unasked. */
export const unasked = 12 << 20;

export interface FileSource {
  /** Where it can be shown from, once it is here. */
  readonly url: Accessor<string | undefined>;
  /** Why it could not be had, in words. */
  readonly failed: Accessor<string | undefined>;
  readonly busy: Accessor<boolean>;
  readonly load: () => Promise<string | undefined>;
}

/** Where a file can be shown and saved from, until that is revoked. Only kinds that cannot run anything are given their type. */
export function linkTo(kind: SharedFile['kind'], file: Blob): string {
  return URL.createObjectURL(kind === 'file' ? new Blob([file], { type: 'application/octet-stream' }) : file);
}

/** Hands a file that is here to the person, under its name. */
export function save(url: string, name: string): void {
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
}

/** The file of a message, as a row shows it: fetched when it is asked for, given back when the row goes. */
export function fileSource(message: () => Message, show: (file: Blob) => string | Promise<string>): FileSource {
  const { app, t } = useView();
  const [url, setUrl] = createSignal<string>();
  const [failed, setFailed] = createSignal<string>();
  const [busy, setBusy] = createSignal(false);
  let gone = false;
  onCleanup(() => {
    gone = true;
    const made = url();
    if (made !== undefined) URL.revokeObjectURL(made);
  });
  const load = async (): Promise<string | undefined> => {
    const there = url();
    if (there !== undefined || busy()) return there;
    setBusy(true);
    setFailed(undefined);
    try {
      const { chat, id } = message();
      const file = await app.core.fetchFile(chat, id);
      if (gone) return undefined;
      const made = await show(file);
      if (gone) {
        URL.revokeObjectURL(made);
        return undefined;
      }
      setUrl(made);
      return made;
    } catch (error) {
      const reason = reasonOf(error);
      if (!gone) setFailed(reason.code === 'not-found' ? t().chat.fileGone : t().reason(reason));
      return undefined;
    } finally {
      setBusy(false);
    }
  };
  return { url, failed, busy, load };
}
