import { Check, Search, X } from 'lucide';
import { createMemo, createSignal, For, type JSX, Show } from 'solid-js';
import type { Address } from '../../core/api';
import { shownName } from '../../stores/contacts';
import { candidates } from '../../stores/groups';
import { read } from '../adapter';
import { useView } from '../context';
import { Avatar } from '../parts/Avatar';
import { Field } from '../parts/Field';
import { Icon } from '../parts/Icon';
import { rove } from '../parts/rove';
import './group.css';

type Props = {
  readonly chosen: readonly Address[];
  readonly onChange: (chosen: readonly Address[]) => void;
  readonly except: ReadonlySet<Address>;
  readonly empty: string;
  readonly autofocus?: boolean;
};

/** Several of one's contacts: those chosen stand above, and a click takes them out again. */
export function PeoplePicker(props: Props): JSX.Element {
  const { app, t } = useView();
  const contacts = read(app.contacts);
  const [query, setQuery] = createSignal('');
  const all = createMemo(() => candidates(contacts(), '', props.except));
  const found = createMemo(() => candidates(contacts(), query(), props.except));
  const nameOf = (address: Address): string => shownName(contacts().get(address), address);
  const toggle = (address: Address): void => {
    const chosen = props.chosen.includes(address);
    props.onChange(chosen ? props.chosen.filter((one) => one !== address) : [...props.chosen, address]);
    if (!chosen) setQuery('');
  };
  let list!: HTMLUListElement;
  return (
    <Show when={all().length > 0} fallback={<p class="quiet">{props.empty}</p>}>
      <div class="people-picker">
        <Field
          label={t().group.search} value={query()} onInput={setQuery} autocomplete="off" spellcheck={false} enterkeyhint="search" autofocus={props.autofocus === true}
          after={<span class="field-icon"><Icon of={Search} /></span>}
          onKeyDown={(event) => {
            const first = found()[0];
            if (event.key !== 'Enter' || event.isComposing || query().trim() === '' || !first) return;
            event.preventDefault();
            toggle(first.address);
          }}
        />
        <Show when={props.chosen.length > 0}>
          <ul class="chips" role="list" aria-label={t().group.chosen(props.chosen.length)}>
            <For each={props.chosen}>
              {(address) => (
                <li>
                  <button type="button" class="person-chip" onClick={() => toggle(address)}>
                    <Avatar address={address} name={nameOf(address)} size="tiny" /><bdi>{nameOf(address)}</bdi><Icon of={X} />
                  </button>
                </li>
              )}
            </For>
          </ul>
        </Show>
        <Show when={found().length > 0} fallback={<p class="quiet pick-none">{t().group.none}</p>}>
          <ul ref={list} class="pick people" role="list" onKeyDown={(event) => rove(event, [...list.querySelectorAll<HTMLElement>('button')])}>
            <For each={found()}>
              {(contact) => (
                <li>
                  <button type="button" class="nav-line" role="checkbox" aria-checked={props.chosen.includes(contact.address)} onClick={() => toggle(contact.address)}>
                    <Avatar address={contact.address} name={nameOf(contact.address)} size="small" availability={contact.availability} />
                    <span class="nav-line-text"><bdi class="own-direction">{nameOf(contact.address)}</bdi><small><bdi dir="ltr">{contact.address}</bdi></small></span>
                    <span class="tick-box" aria-hidden="true"><Icon of={Check} /></span>
                  </button>
                </li>
              )}
            </For>
          </ul>
        </Show>
        <p class="hidden" role="status">{props.chosen.length > 0 ? t().group.chosen(props.chosen.length) : ''}</p>
      </div>
    </Show>
  );
}
