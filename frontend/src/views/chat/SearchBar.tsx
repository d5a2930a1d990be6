import { CalendarDays, ChevronDown, ChevronUp, Search, X } from 'lucide';
import { createEffect, createSignal, type JSX, on, onMount, untrack } from 'solid-js';
import type { Conversation } from '../../stores/conversation';
import { MessageSearch } from '../../stores/search';
import { read } from '../adapter';
import { useView } from '../context';
import { IconButton } from '../parts/Button';
import { Icon } from '../parts/Icon';

type Props = { readonly conversation: Conversation; readonly onClose: () => void };

/** Looks for words in one chat and leads from one place to the next, or to a day. */
export function SearchBar(props: Props): JSX.Element {
  const { app, t, formats } = useView();
  const conversation = untrack(() => props.conversation);
  const search = new MessageSearch(app.core, app.clock, conversation.address);
  const state = read(search);
  const [at, setAt] = createSignal(-1);
  let field!: HTMLInputElement;
  let calendar!: HTMLInputElement;
  onMount(() => field.focus());

  const go = (index: number): void => {
    const message = state().messages[index];
    if (!message) return;
    setAt(index);
    void conversation.aim(message);
  };
  createEffect(on(() => state().query, () => setAt(-1), { defer: true }));
  /** Enter was pressed before there was an answer. */
  let eager = false;
  createEffect(on(() => state().busy, (busy) => {
    if (busy || !eager) return;
    eager = false;
    go(0);
  }, { defer: true }));
  const older = (): void => {
    if (state().busy) {
      eager = field.value.trim() !== state().query;
      return;
    }
    if (at() + 1 < state().messages.length) go(at() + 1);
    else void search.more().then(() => go(at() + 1));
  };
  const newer = (): void => { if (at() > 0) go(at() - 1); };
  const keys = (event: KeyboardEvent): void => {
    if (event.isComposing) return;
    if (event.key === 'Escape') props.onClose();
    else if (event.key === 'Enter' || event.key === 'ArrowUp' || event.key === 'ArrowDown') {
      if (event.key === 'ArrowDown' || (event.key === 'Enter' && event.shiftKey)) newer();
      else older();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const toDate = async (value: string): Promise<void> => {
    const [year, month, day] = value.split('-').map(Number);
    if (year === undefined || month === undefined || day === undefined) return;
    await app.attempt(async () => { await conversation.revealDate(new Date(year, month - 1, day).getTime()); });
  };
  const pick = (): void => {
    calendar.max = new Date(app.clock.now() - new Date().getTimezoneOffset() * 60_000).toISOString().slice(0, 10);
    calendar.showPicker();
  };
  const place = (): string => {
    const { query, messages, more, busy } = state();
    if (query === '' || (busy && messages.length === 0)) return '';
    if (messages.length === 0) return t().find.none;
    const count = formats().number(messages.length), where = formats().number(at() + 1);
    return at() < 0 ? t().switcher.results(messages.length) : more ? t().find.placeMore(where, count) : t().find.place(where, count);
  };
  return (
    <search class="chat-search">
      <div class="chat-search-field">
        <Icon of={Search} />
        <input
          ref={field} type="text" aria-label={t().find.inChat} placeholder={t().find.inChat} autocomplete="off" spellcheck={false} enterkeyhint="search"
          onInput={(event) => search.ask(event.currentTarget.value)} onKeyDown={keys}
        />
        <span class="chat-search-place" role="status">{place()}</span>
      </div>
      <IconButton icon={ChevronUp} label={t().find.older} disabled={state().messages.length === 0 || (at() >= state().messages.length - 1 && !state().more)} onClick={older} />
      <IconButton icon={ChevronDown} label={t().find.newer} disabled={at() <= 0} onClick={newer} />
      <span class="chat-search-date">
        <IconButton icon={CalendarDays} label={t().find.toDate} onClick={pick} />
        <input ref={calendar} type="date" tabindex="-1" aria-hidden="true" onChange={(event) => void toDate(event.currentTarget.value)} />
      </span>
      <IconButton icon={X} label={t().find.end} onClick={() => props.onClose()} />
    </search>
  );
}
