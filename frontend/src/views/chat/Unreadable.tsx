import { ChevronDown, EyeOff } from 'lucide';
import { type JSX, Show, createSignal } from 'solid-js';
import type { Message } from '../../core/api';
import { useView } from '../context';
import { Icon } from '../parts/Icon';

type Props = { readonly messages: readonly Message[]; readonly rowKey: string; readonly stop: boolean };

/** Messages without a text, told in one line, with the reason for those who ask. */
export function Unreadable(props: Props): JSX.Element {
  const { t } = useView();
  const [open, setOpen] = createSignal(false);
  const problem = () => props.messages[0]?.problem ?? 'undecryptable';
  const early = (): boolean => props.messages.every((message) => message.problem === 'not-for-this-device');
  const text = (): string => {
    const count = props.messages.length;
    return early() ? t().chat.unreadableEarly(count) : t().chat.unreadable(count);
  };
  return (
    <div class="unreadable">
      <button
        type="button" class="message unreadable-line" data-key={props.rowKey} data-stop={props.stop ? 'true' : undefined}
        tabindex={props.stop ? 0 : -1} aria-expanded={open()} onClick={() => setOpen(!open())}
      >
        <Icon of={EyeOff} /><span>{text()}</span><Icon of={ChevronDown} class="unreadable-more" />
      </button>
      <Show when={open()}><p class="unreadable-why">{t().chat.unreadableWhy[problem()]}</p></Show>
    </div>
  );
}
