import { Download, File as FileIcon, Image as ImageIcon, Music, RotateCw, Video, X } from 'lucide';
import { createEffect, createSignal, type JSX, on, onCleanup, Show } from 'solid-js';
import type { Message, SharedFile } from '../../core/api';
import { reasonOf } from '../../stores/reason';
import { read } from '../adapter';
import { useView } from '../context';
import { IconButton } from '../parts/Button';
import { Icon } from '../parts/Icon';

const icons = { image: ImageIcon, video: Video, audio: Music, file: FileIcon } as const;
/** Larger than this nothing is fetched unasked. */
const unasked = 12 << 20;

/** A file that somebody sent: pictures are shown, everything can be saved. */
export function FileBox(props: { readonly message: Message; readonly file: SharedFile; readonly trusted: boolean }): JSX.Element {
  const { app, t, formats } = useView();
  const transfers = read(app.transfers);
  const progress = (): number | undefined => transfers().get(props.message.id);
  const [url, setUrl] = createSignal<string>();
  const [failed, setFailed] = createSignal<string>();
  const [busy, setBusy] = createSignal(false);
  let picture!: HTMLImageElement;
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
      const blob = await app.core.fetchFile(props.message.chat, props.message.id);
      if (gone) return undefined;
      // Only kinds that cannot run anything are given their type.
      const made = URL.createObjectURL(props.file.kind === 'file' ? new Blob([blob], { type: 'application/octet-stream' }) : blob);
      setUrl(made);
      return made;
    } catch (error) {
      if (!gone) setFailed(t().reason(reasonOf(error)));
      return undefined;
    } finally {
      setBusy(false);
    }
  };
  const save = async (): Promise<void> => {
    const made = await load();
    if (made === undefined) return;
    const link = document.createElement('a');
    link.href = made;
    link.download = props.file.name;
    link.click();
  };
  const shows = (): boolean => props.file.kind === 'image';
  createEffect(on(() => props.message.id, () => {
    if (shows() && (props.trusted || props.message.outgoing) && (props.file.size ?? 0) <= unasked) void load();
  }));
  // The place of a picture is kept before it is there, so that nothing moves.
  const reserve = (element: HTMLElement): void => {
    const { width, height } = props.file;
    if (width && height) element.style.setProperty('aspect-ratio', `${width} / ${height}`);
  };
  return (
    <div class="file">
      <Show
        when={shows() && url()}
        fallback={(
          <Show when={shows() && !failed() && (busy() || props.file.width)}>
            <button type="button" class="file-place" tabindex="-1" ref={reserve} aria-label={t().chat.fileShow(props.file.name)} onClick={() => void load()}><Icon of={ImageIcon} /></button>
          </Show>
        )}
      >
        {(source) => (
          <button type="button" class="file-picture" tabindex="-1" ref={reserve} aria-label={t().chat.fileSave(props.file.name)} onClick={() => void save()}>
            <img ref={picture} src={source()} alt={props.file.name} decoding="async" />
          </button>
        )}
      </Show>
      <Show when={!shows() || !url()}>
        <div class="file-line">
          <Icon of={icons[props.file.kind]} />
          <span class="file-text">
            <bdi>{props.file.name}</bdi>
            <small><Show when={failed()} fallback={<Show when={props.file.size}>{(size) => formats().size(size())}</Show>}>{failed()}</Show></small>
          </span>
          <Show when={!props.file.uploading}>
            <IconButton icon={failed() ? RotateCw : Download} tabindex="-1" label={t().chat.fileSave(props.file.name)} aria-busy={busy()} onClick={() => void save()} />
          </Show>
        </div>
      </Show>
      <Show when={props.file.uploading}>
        <div class="file-progress">
          <progress value={progress() ?? 0} max="1" aria-label={t().chat.fileSending(props.file.name)} />
          <IconButton icon={X} label={t().common.cancel} onClick={() => void app.attempt(() => app.core.discard(props.message.chat, props.message.id))} />
        </div>
      </Show>
    </div>
  );
}
