import { Download, Pause, Play, RotateCw } from 'lucide';
import { createEffect, createMemo, createSignal, type JSX, on, onCleanup, Show } from 'solid-js';
import type { Message, SharedFile } from '../../core/api';
import type { Track } from '../../stores/player';
import { read } from '../adapter';
import { useView } from '../context';
import { IconButton } from '../parts/Button';
import type { FileSource } from '../chat/filesource';
import { trackOf, useListening, type Wave } from './playing';
import { Waveform } from './Waveform';
import './voice.css';

/** Larger than this nothing is fetched unasked: about eight minutes. */
const unasked = 2 << 20;

type Props = {
  readonly message: Message;
  readonly file: SharedFile;
  /** From somebody one knows: it is fetched unasked, so that it is here when one wants to hear it. */
  readonly trusted: boolean;
  /** Tab leads to this message: also to what can be done in it. */
  readonly stop: boolean;
  readonly source: FileSource;
  readonly onSave: () => void;
};

/** A voice message, or another sound: heard here and while one looks elsewhere. */
export function VoiceBox(props: Props): JSX.Element {
  const { app, t, formats } = useView();
  const { player, waves } = useListening();
  const preferences = read(app.preferences);
  const heard = read(player);
  const now = createMemo(() => { heard(); return player.of(props.message.id); });
  const track = (): Track => {
    const whole = trackOf(app, props.message);
    return {
      ...whole,
      load: async () => {
        const file = await whole.load();
        void draw(props.message.id, file);
        return file;
      },
    };
  };
  const [found, setFound] = createSignal<Wave | undefined>(waves.get(props.message.id));
  const levels = (): Uint8Array | undefined => props.file.voice?.levels ?? found()?.levels;
  const length = (): number | undefined => now()?.length ?? (props.file.length === undefined ? found()?.length : props.file.length / 1000);
  const known = (): boolean => props.message.outgoing || (props.trusted && props.file.size !== undefined);

  // What a sender has not said of it is found out once it is here. It is drawn where an even line stood: nothing moves.
  let gone = false;
  onCleanup(() => { gone = true; });
  const draw = async (id: string, file: Blob): Promise<void> => {
    if (levels() !== undefined && length() !== undefined) return;
    // Without the part that finds it out, the line stays even.
    const wave = await waves.of(id, file).catch(() => undefined);
    if (!gone && props.message.id === id) setFound(wave);
  };
  createEffect(on(() => props.message.id, async (id) => {
    if (!known() || (props.file.size ?? 0) > unasked || props.file.uploading) return;
    try {
      await draw(id, await app.core.fetchFile(props.message.chat, id));
    } catch {
      // Whoever wants to hear it is told why that cannot be.
    }
  }));

  const trouble = (): string | undefined => {
    const it = now()?.trouble;
    return it === undefined ? undefined : it === 'unplayable' ? t().voice.unplayable : t().reason(it);
  };
  const going = (): boolean => now()?.phase === 'playing' || now()?.phase === 'loading';
  const name = (): string => (props.file.voice ? t().voice.kind : props.file.name);
  return (
    <div class="voice" classList={{ 'voice-on': now() !== undefined }}>
      <Show when={!props.file.voice || trouble()}>
        <span class="file-line voice-name">
          <span class="file-text"><bdi>{name()}</bdi><small><Show when={props.source.failed() ?? trouble()} fallback={<Show when={props.file.size}>{(size) => formats().size(size())}</Show>}>{props.source.failed() ?? trouble()}</Show></small></span>
          <Show when={!props.file.uploading}>
            <IconButton icon={props.source.failed() ? RotateCw : Download} tabindex={props.stop ? 0 : -1} label={t().chat.fileSave(name())} aria-busy={props.source.busy()} onClick={() => props.onSave()} />
          </Show>
        </span>
      </Show>
      <span class="voice-line">
        <IconButton
          class="voice-play" icon={going() ? Pause : Play} tabindex={props.stop ? 0 : -1} aria-busy={now()?.phase === 'loading'}
          label={going() ? t().voice.pause : t().chat.filePlay(name())} onClick={() => void player.toggle(track())}
        />
        <Waveform levels={levels()} at={now()?.at ?? 0} length={length()} stop={props.stop} onSeek={(at) => player.seek(track(), at)} />
        <span class="voice-side">
          <Show when={now() && now()?.phase !== 'failed'} fallback={<span class="voice-time">{length() === undefined ? '–:––' : formats().clock(length()!)}</span>}>
            <button type="button" class="voice-speed" tabindex={props.stop ? 0 : -1} aria-label={t().voice.speed(formats().number(preferences().voiceSpeed))} title={t().voice.speed(formats().number(preferences().voiceSpeed))} onClick={() => player.faster()}><span>{formats().number(preferences().voiceSpeed)}×</span></button>
            <span class="voice-time">{formats().clock(now()?.at ?? 0)}</span>
          </Show>
        </span>
      </span>
    </div>
  );
}
