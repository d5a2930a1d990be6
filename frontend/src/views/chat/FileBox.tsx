import { Download, File as FileIcon, Image as ImageIcon, Music, Play, RotateCw, Video, X } from 'lucide';
import { createEffect, createSignal, type JSX, on, Show } from 'solid-js';
import type { Message, SharedFile } from '../../core/api';
import { read } from '../adapter';
import { useView } from '../context';
import { IconButton } from '../parts/Button';
import { Icon } from '../parts/Icon';
import { fileSource, linkTo, save } from './filesource';

const icons = { image: ImageIcon, video: Video, audio: Music, file: FileIcon } as const;
/** Larger than this nothing is fetched unasked. */
const unasked = 12 << 20;

/** A file that somebody sent: pictures are shown, sounds and films are played, everything can be saved. */
export function FileBox(props: { readonly message: Message; readonly file: SharedFile; readonly trusted: boolean }): JSX.Element {
  const { app, t, formats } = useView();
  const transfers = read(app.transfers);
  const progress = (): number | undefined => transfers().get(props.message.id);
  const { url, failed, busy, load } = fileSource(() => props.message, (file) => linkTo(props.file.kind, file));
  let picture!: HTMLImageElement;

  const keep = async (): Promise<void> => {
    const made = await load();
    if (made !== undefined) save(made, props.file.name);
  };
  const [playing, setPlaying] = createSignal(false);
  const [unplayable, setUnplayable] = createSignal(false);
  const playable = (): boolean => (props.file.kind === 'audio' || props.file.kind === 'video') && !unplayable();
  const play = async (): Promise<void> => { if (await load() !== undefined) setPlaying(true); };
  /** The browser does not know this kind. */
  const silent = (): void => {
    setPlaying(false);
    setUnplayable(true);
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
          <button type="button" class="file-picture" classList={{ 'file-unsized': !sized() }} tabindex="-1" ref={reserve} aria-label={t().chat.fileShow(props.file.name)} onClick={() => app.overlays.open({ name: 'picture', message: props.message, file: props.file })}>
            <img ref={picture} src={source()} alt={props.file.name} decoding="async" />
          </button>
        )}
      </Show>
      <Show when={!place()}>
        <div class="file-line">
          <Show when={playable() && !playing() && !props.file.uploading} fallback={<Icon of={icons[props.file.kind]} />}>
            <IconButton icon={Play} tabindex="-1" label={t().chat.filePlay(props.file.name)} aria-busy={busy()} onClick={() => void play()} />
          </Show>
          <span class="file-text">
            <bdi>{props.file.name}</bdi>
            <small><Show when={failed()} fallback={<Show when={props.file.size}>{(size) => formats().size(size())}</Show>}>{failed()}</Show></small>
          </span>
          <Show when={!props.file.uploading}>
            <IconButton icon={failed() ? RotateCw : Download} tabindex="-1" label={t().chat.fileSave(props.file.name)} aria-busy={busy()} onClick={() => void keep()} />
          </Show>
        </div>
      </Show>
      <Show when={playing() && url()}>
        {(source) => (props.file.kind === 'video'
          ? <video class="file-media" src={source()} controls autoplay playsinline aria-label={props.file.name} onError={silent} />
          : <audio class="file-media" src={source()} controls autoplay aria-label={props.file.name} onError={silent} />)}
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
