import { Download, File as FileIcon, Image as ImageIcon, Music, RotateCw, Video, X } from 'lucide';
import { createEffect, type JSX, on, Show } from 'solid-js';
import type { Message, SharedFile } from '../../core/api';
import { read } from '../adapter';
import { useView } from '../context';
import { IconButton } from '../parts/Button';
import { Icon } from '../parts/Icon';
import { fileSource } from './filesource';

const icons = { image: ImageIcon, video: Video, audio: Music, file: FileIcon } as const;
/** Larger than this nothing is fetched unasked. */
const unasked = 12 << 20;

/** A file that somebody sent: pictures are shown, everything can be saved. */
export function FileBox(props: { readonly message: Message; readonly file: SharedFile; readonly trusted: boolean }): JSX.Element {
  const { app, t, formats } = useView();
  const transfers = read(app.transfers);
  const progress = (): number | undefined => transfers().get(props.message.id);
  // Only kinds that cannot run anything are given their type.
  const { url, failed, busy, load } = fileSource(() => props.message,
    (file) => URL.createObjectURL(props.file.kind === 'file' ? new Blob([file], { type: 'application/octet-stream' }) : file));
  let picture!: HTMLImageElement;

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
  const sized = (): boolean => Boolean(props.file.width && props.file.height);
  /** It is a picture that is here, or about to be. */
  const place = (): boolean => shows() && !failed() && (busy() || url() !== undefined);
  // The place of a picture is kept before it is there, so that nothing moves; of one whose size nobody has told, a fixed one.
  const reserve = (element: HTMLElement): void => {
    if (sized()) element.style.setProperty('aspect-ratio', `${props.file.width} / ${props.file.height}`);
  };
  return (
    <div class="file">
      <Show
        when={shows() && url()}
        fallback={(
          <Show when={place() || (shows() && !failed() && sized())}>
            <button type="button" class="file-place" tabindex="-1" ref={reserve} aria-label={t().chat.fileShow(props.file.name)} onClick={() => void load()}><Icon of={ImageIcon} /></button>
          </Show>
        )}
      >
        {(source) => (
          <button type="button" class="file-picture" classList={{ 'file-unsized': !sized() }} tabindex="-1" ref={reserve} aria-label={t().chat.fileSave(props.file.name)} onClick={() => void save()}>
            <img ref={picture} src={source()} alt={props.file.name} decoding="async" />
          </button>
        )}
      </Show>
      <Show when={!place()}>
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
