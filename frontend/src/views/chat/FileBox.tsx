import { Download, File as FileIcon, Image as ImageIcon, Music, Play, RotateCw, Video, X } from 'lucide';
import { createEffect, createSignal, type JSX, on, Show } from 'solid-js';
import type { Message, SharedFile } from '../../core/api';
import { read } from '../adapter';
import { useView } from '../context';
import { IconButton } from '../parts/Button';
import { Icon } from '../parts/Icon';
import { VoiceBox } from '../voice/VoiceBox';
import { fileSource, linkTo, save, unasked } from './filesource';

const icons = { image: ImageIcon, video: Video, audio: Music, file: FileIcon } as const;

/** A file that somebody sent: pictures are shown, sounds and films are played, everything can be saved. */
export function FileBox(props: { readonly message: Message; readonly file: SharedFile; readonly trusted: boolean; readonly stop: boolean }): JSX.Element {
  const { app, t, formats } = useView();
  const transfers = read(app.transfers);
  const progress = (): number | undefined => transfers().get(props.message.id);
  const { url, failed, busy, load } = fileSource(() => props.message, (file) => linkTo(props.file.kind, file));
  const keep = async (): Promise<void> => {
    const made = await load();
    if (made !== undefined) save(made, props.file.name);
  };
  const [playing, setPlaying] = createSignal(false);
  const [unplayable, setUnplayable] = createSignal(false);
  const playable = (): boolean => props.file.kind === 'video' && !unplayable();
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
  /** A picture that could not be had leaves its place as high as it was. */
  const lost = (element: HTMLElement): void => {
    createEffect(() => {
      const { width = 4, height = 3 } = props.file;
      if (shows() && failed() !== undefined && sized()) element.style.setProperty('min-block-size', `min(22rem, ${18 * height / width}rem)`);
      else element.style.removeProperty('min-block-size');
    });
  };
  return (
    <div class="file">
      {/* One button before and after: a click in which the picture comes is not lost. */}
      <Show when={place() || (shows() && !failed() && sized())}>
        <button
          type="button" class="file-picture" classList={{ 'file-place': url() === undefined, 'file-unsized': !sized() }} tabindex="-1" ref={reserve} aria-label={t().chat.fileShow(props.file.name)}
          onClick={() => (place() ? app.overlays.open({ name: 'picture', message: props.message }) : void load())}
        >
          <Show when={url()} fallback={<Icon of={ImageIcon} />}>{(source) => <img src={source()} alt={props.file.name} decoding="async" />}</Show>
        </button>
      </Show>
      <Show when={props.file.kind === 'audio'}>
        <VoiceBox message={props.message} file={props.file} trusted={props.trusted} stop={props.stop} source={{ url, failed, busy, load }} onSave={() => void keep()} />
      </Show>
      <Show when={!place() && props.file.kind !== 'audio'}>
        <div class="file-line" ref={lost}>
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
        {(source) => <video class="file-media" src={source()} controls autoplay playsinline aria-label={props.file.name} onError={silent} />}
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
