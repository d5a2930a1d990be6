import { For, type JSX } from 'solid-js';
import { useView } from '../context';
import { Dialog } from '../parts/Dialog';

const isMac = /mac|iphone|ipad/i.test(navigator.platform);

export default function ShortcutsDialog(): JSX.Element {
  const { app, t } = useView();
  const lines = (): readonly (readonly [string, readonly string[]])[] => {
    const { keys, ...words } = t().shortcuts;
    const command = isMac ? keys.cmd : keys.ctrl;
    return [
      [words.switcher, [command, 'K']],
      [words.inChat, [command, 'F']],
      [words.newChat, [keys.alt, 'N']],
      [words.next, [keys.alt, '↓']],
      [words.previous, [keys.alt, '↑']],
      [words.settings, [command, ',']],
      [words.send, [keys.enter]],
      [words.newline, [keys.shift, keys.enter]],
      [words.correct, ['↑']],
      [words.lastMessage, [keys.shift, '↑']],
      [words.inList, ['↑', '↓']],
      [words.actions, [keys.enter]],
      [t().chat.reply, ['R']],
      [t().chat.edit, ['E']],
      [t().arrange.pin, ['P']],
      [t().arrange.markUnread, ['U']],
      [t().arrange.mute, ['M']],
      [t().arrange.archive, ['A']],
      [words.escape, [keys.esc]],
      [words.help, ['?']],
    ];
  };
  return (
    <Dialog title={t().shortcuts.title} size="small" onClose={() => app.overlays.close()}>
      <dl class="shortcuts">
        <For each={lines()}>
          {([what, keys]) => <div><dt>{what}</dt><dd><For each={keys}>{(key) => <kbd>{key}</kbd>}</For></dd></div>}
        </For>
      </dl>
    </Dialog>
  );
}
