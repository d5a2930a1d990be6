import { ChevronLeft, CircleStop, LockOpen, Mic, MicOff, Pause, Play, SendHorizontal, Trash2, X } from 'lucide';
import { createEffect, createMemo, createSignal, type JSX, Match, on, onCleanup, onMount, Show, Switch } from 'solid-js';
import type { VoiceDraft } from '../../core/api';
import type { Conversation, SendResult } from '../../stores/conversation';
import { type Ending, MIN_LENGTH, Recording } from '../../stores/recording';
import { read } from '../adapter';
import { useView } from '../context';
import { Button, IconButton } from '../parts/Button';
import { Icon } from '../parts/Icon';
import { claimMicrophone, thisMicrophone } from './microphone';
import { useListening } from './playing';
import type { Press } from './press';
import { Bars, Waveform } from './Waveform';
import './voicebar.css';

export { waveformOf } from './waveform';

type Props = {
  readonly conversation: Conversation;
  /** What is done with the button that records; `undefined`: only what was recorded before is shown. */
  readonly press: Press | undefined;
  readonly onSent: (result: SendResult) => void;
  /** There is nothing (more) to record, hear or send. */
  readonly onClose: () => void;
};

/** What is let go sooner is not sent but goes on: one cannot have said anything. */
const said = 1000;
/** Bars of what is being said. */
const seen = 32;

/**
 * Recording a voice message, hearing it before it is sent, and sending it; in the place of what one writes in.
 *
 * Whoever goes to another chat, window or app while it records finds it stopped, and kept with the chat as it was up to there: to be
 * heard, sent or deleted, also after a reload. That is what Signal does; nobody is listened to in a place that they do not look at,
 * and nothing that was said is lost.
 */
export default function VoiceBar(props: Props): JSX.Element {
  const { app, t, formats } = useView();
  const { conversation } = props;
  const { player } = useListening();
  const voice = read(conversation.voice);
  const heard = read(player);
  const preferences = read(app.preferences);
  const [why, setWhy] = createSignal<Ending>();
  const [busy, setBusy] = createSignal(false);
  const key = `draft\n${conversation.address}`;
  let gone = false;

  const send = async (recorded: VoiceDraft): Promise<void> => {
    if (busy()) return;
    setBusy(true);
    if (player.of(key)) player.stop();
    const result = await conversation.sendVoice(recorded);
    setBusy(false);
    props.onSent(result);
    if (result.sent === 'yes') props.onClose();
  };
  const done = (recorded: VoiceDraft, ending: Ending): void => {
    if (ending === 'send' && !gone) return void send(recorded);
    setWhy(ending);
    void conversation.stageVoice(recorded).catch(() => { if (gone) app.notices.done('voice-lost'); });
  };
  const recording = new Recording({ microphone: thisMicrophone(), clock: app.clock, limit: () => app.core.fileLimit(), claim: claimMicrophone, done });
  const state = read(recording);
  const live = createMemo(() => {
    const now = state();
    return now.phase === 'recording' || now.phase === 'paused' ? now : undefined;
  });
  const failed = createMemo(() => {
    const now = state();
    return now.phase === 'failed' ? now : undefined;
  });
  const held = (): boolean => props.press?.phase === 'held';

  const begin = (): void => {
    // What is heard would be recorded.
    player.stop();
    setWhy(undefined);
    void recording.begin();
  };
  const cancel = (): void => {
    recording.cancel();
    props.onClose();
  };
  const discard = (): void => {
    if (player.of(key)) player.stop();
    void conversation.stageVoice(undefined).catch(() => undefined);
    props.onClose();
  };
  createEffect(on(() => props.press?.phase, (phase, before) => {
    // It may have been let go by the time that this part of the app was here.
    if (before === undefined && phase !== undefined && phase !== 'cancelled') return begin();
    switch (phase) {
      case 'held': case 'locked': break;
      case 'cancelled': cancel(); break;
      // While the browser still asks, or before a word was said, letting go only means that it goes on by itself.
      case 'released': if ((live()?.heard ?? 0) >= said) void recording.finish('send'); break;
      case undefined: break;
    }
  }));
  // What was given up, or cut off too early to be anything, leaves nothing to show.
  createEffect(on(() => state().phase, (phase, before) => {
    if (phase === 'idle' && before !== undefined) queueMicrotask(() => { if (!gone && !voice() && !busy() && recording.get().phase === 'idle') props.onClose(); });
  }));

  onMount(() => {
    const hidden = (): void => { if (document.visibilityState === 'hidden') void recording.finish('hidden'); };
    const keep = (): void => {
      const cut = recording.snapshot();
      if (cut) void conversation.stageVoice(cut).catch(() => undefined);
    };
    document.addEventListener('visibilitychange', hidden);
    window.addEventListener('pagehide', keep);
    onCleanup(() => {
      document.removeEventListener('visibilitychange', hidden);
      window.removeEventListener('pagehide', keep);
      gone = true;
      void recording.finish('left');
      if (player.of(key)) player.stop();
    });
  });

  // ── by keyboard ──

  let bar!: HTMLDivElement;
  // Where one goes on: to stop it, then to hear it. A key pressed twice neither sends nor deletes.
  createEffect(on([() => live() !== undefined && !held(), () => voice() !== undefined, () => failed() !== undefined], () => {
    queueMicrotask(() => {
      if (bar?.isConnected && !bar.contains(document.activeElement)) bar.querySelector<HTMLElement>('[data-first]')?.focus({ preventScroll: true });
    });
  }));
  const keys = (event: KeyboardEvent): void => {
    // The slider is no field of the form: what is written in the composer is not sent from here.
    if (event.key === 'Enter' && event.target instanceof HTMLInputElement) event.preventDefault();
    if (event.key !== 'Escape' || event.defaultPrevented) return;
    event.preventDefault();
    event.stopPropagation();
    if (live()) void recording.finish('stop');
    else if (failed()) cancel();
  };

  // ── what is told ──

  const length = (): number => (voice()?.length ?? 0) / 1000;
  const track = (recorded: VoiceDraft) => ({ key, length: recorded.length / 1000, load: () => Promise.resolve(recorded.data) });
  const playing = createMemo(() => { heard(); return player.of(key); });
  const reason = (): string | undefined => {
    const ending = why();
    return ending === 'hidden' || ending === 'unplugged' || ending === 'full' ? t().voice.ended[ending] : undefined;
  };
  /** Said once for each thing that happens, not for each second. */
  const told = createMemo((): string => {
    const now = state();
    switch (now.phase) {
      case 'asking': return t().voice.asking;
      case 'recording': return t().voice.recording;
      case 'paused': return t().voice.paused;
      case 'failed': return t().voice.trouble[now.trouble];
      default: return voice() ? [reason(), t().voice.recorded(formats().clock(length()))].filter((part) => part !== undefined).join(' ') : '';
    }
  });
  const Send = (send: { readonly onClick: () => void }): JSX.Element => (
    <IconButton class="composer-send" icon={SendHorizontal} mirror label={t().chat.send} aria-busy={busy()} onClick={send.onClick} />
  );
  return (
    <div ref={bar} class="voice-bar" classList={{ 'voice-bar-held': held() }} role="group" aria-label={t().voice.kind} onKeyDown={keys}>
      <Switch>
        <Match when={failed()}>
          {(now) => (
            <>
              <Icon of={MicOff} class="voice-bar-sign" />
              <span class="voice-bar-text">{t().voice.trouble[now().trouble]}</span>
              <Button look="quiet" data-first onClick={begin}>{t().common.retry}</Button>
              <IconButton icon={X} label={t().common.close} onClick={cancel} />
            </>
          )}
        </Match>
        <Match when={state().phase === 'asking'}>
          <Icon of={Mic} class="voice-bar-sign" />
          <span class="voice-bar-text">{t().voice.asking}</span>
          <Show when={!held()}><IconButton icon={X} label={t().common.cancel} data-first onClick={cancel} /></Show>
        </Match>
        <Match when={live()}>
          {(now) => (
            <>
              <Show when={!held()} fallback={<span class="voice-dot" />}>
                <IconButton icon={Trash2} label={t().voice.discard} onClick={cancel} />
                <span class="voice-dot" classList={{ 'voice-dot-still': now().phase === 'paused' }} />
              </Show>
              <span class="voice-time">{formats().clock(now().heard / 1000)}</span>
              <Bars class="voice-live" levels={[...Array<number>(Math.max(0, seen - now().levels.length)).fill(0), ...now().levels.slice(-seen)]} full={1} />
              <Show
                when={!held()}
                fallback={(
                  <>
                    <span class="voice-slide" style={{ '--slid': String(props.press?.slid ?? 0) }}><Icon of={ChevronLeft} mirror />{t().voice.slide}</span>
                    <span class="voice-up" title={t().voice.lock}><Icon of={LockOpen} /></span>
                  </>
                )}
              >
                <Show when={recording.mayPause}>
                  <IconButton icon={now().phase === 'paused' ? Mic : Pause} label={now().phase === 'paused' ? t().voice.resume : t().voice.pauseRecording} onClick={() => { if (now().phase === 'paused') recording.resume(); else recording.pause(); }} />
                </Show>
                <IconButton icon={CircleStop} label={t().voice.stop} data-first aria-disabled={now().heard < MIN_LENGTH} onClick={() => { if (now().heard >= MIN_LENGTH) void recording.finish('stop'); }} />
                <Send onClick={() => { if (now().heard >= MIN_LENGTH) void recording.finish('send'); }} />
              </Show>
            </>
          )}
        </Match>
        <Match when={voice()}>
          {(recorded) => (
            <>
              <IconButton icon={Trash2} label={t().voice.discard} onClick={discard} />
              <IconButton
                icon={playing()?.phase === 'playing' ? Pause : Play} data-first
                label={playing()?.phase === 'playing' ? t().voice.pause : t().voice.listen} onClick={() => void player.toggle(track(recorded()))}
              />
              <Waveform levels={recorded().levels} at={playing()?.at ?? 0} length={length()} stop onSeek={(at) => player.seek(track(recorded()), at)} />
              <Show when={playing()} fallback={<span class="voice-time">{formats().clock(length())}</span>}>
                <button type="button" class="voice-speed" aria-label={t().voice.speed(formats().number(preferences().voiceSpeed))} onClick={() => player.faster()}><span>{formats().number(preferences().voiceSpeed)}×</span></button>
              </Show>
              <Send onClick={() => void send(recorded())} />
            </>
          )}
        </Match>
      </Switch>
      <Show when={reason() && voice()}><p class="voice-why">{reason()}</p></Show>
      <div class="hidden" role="status">{told()}</div>
    </div>
  );
}
