import { Pause, Play, X } from 'lucide';
import { createMemo, type JSX, Show } from 'solid-js';
import { chatWith } from '../../stores/chats';
import { authorOf } from '../../stores/groups';
import { read } from '../adapter';
import { useView } from '../context';
import { IconButton } from '../parts/Button';
import { useListening } from './playing';
import './voice.css';

/** What is heard, while one looks elsewhere. `here`: the chat that one looks at, where the message itself shows it. */
export function PlayerBar(props: { readonly here: string | undefined }): JSX.Element {
  const { app, t, formats } = useView();
  const { player } = useListening();
  const heard = read(player);
  const chats = read(app.chats);
  const contacts = read(app.contacts);
  const preferences = read(app.preferences);
  const shown = createMemo(() => {
    const now = heard();
    return now?.track.message && now.phase !== 'failed' && now.track.message.chat !== props.here ? { ...now, message: now.track.message } : undefined;
  });
  const chat = createMemo(() => { const now = shown(); return now && chatWith(chats(), contacts(), now.message.chat); });
  const who = (): string => {
    const [message, where] = [shown()?.message, chat()];
    if (!message || !where) return '';
    return message.outgoing ? t().common.you : authorOf(contacts(), where, message);
  };
  const going = (): boolean => shown()?.phase !== 'paused';
  const toggle = (): void => {
    const now = shown();
    if (now) void player.toggle(now.track);
  };
  const show = (): void => {
    const message = shown()?.message;
    if (!message) return;
    void app.conversations.of(message.chat).aim({ id: message.id, order: message.order });
    app.router.go({ name: 'chat', address: message.chat, details: false });
  };
  return (
    <Show when={shown()}>
      {(now) => (
        <section class="player-bar" aria-label={t().voice.player}>
          <IconButton icon={going() ? Pause : Play} aria-busy={now().phase === 'loading'} label={going() ? t().voice.pause : t().chat.filePlay(t().voice.kind)} onClick={toggle} />
          <button type="button" class="player-what" title={t().voice.show} onClick={show}>
            <b dir="auto">{who()}</b>
            <small><span dir="auto">{now().message.file?.voice ? t().voice.kind : now().message.file?.name}</span><span aria-hidden="true">·</span><span class="voice-time">{formats().clock(now().at)}</span></small>
          </button>
          <button type="button" class="voice-speed" aria-label={t().voice.speed(formats().number(preferences().voiceSpeed))} title={t().voice.speed(formats().number(preferences().voiceSpeed))} onClick={() => player.faster()}><span>{formats().number(preferences().voiceSpeed)}×</span></button>
          <IconButton icon={X} label={t().voice.close} onClick={() => player.stop()} />
        </section>
      )}
    </Show>
  );
}
