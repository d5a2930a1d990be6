import { Plus, X } from 'lucide';
import { createSignal, Index, type JSX, Show } from 'solid-js';
import type { Address } from '../../core/api';
import { useView } from '../context';
import { Button, IconButton } from '../parts/Button';
import { Dialog } from '../parts/Dialog';
import { Field } from '../parts/Field';
import { Switch } from '../parts/Switch';

const most = 12;

/** Asks a question with answers to choose from. */
export default function PollDialog(props: { readonly address: Address }): JSX.Element {
  const { app, t, formats } = useView();
  const [question, setQuestion] = createSignal('');
  const [options, setOptions] = createSignal<readonly string[]>(['', '']);
  const [several, setSeveral] = createSignal(false);
  const [tried, setTried] = createSignal(false);
  const given = (): readonly string[] => [...new Set(options().map((option) => option.trim()).filter((option) => option !== ''))];
  const whole = (): boolean => question().trim() !== '' && given().length >= 2;
  let list!: HTMLDivElement;
  const add = (): void => {
    setOptions([...options(), '']);
    queueMicrotask(() => list.querySelector<HTMLInputElement>('.poll-option:last-of-type input')?.focus());
  };
  const ask = (event: Event): void => {
    event.preventDefault();
    setTried(true);
    if (!whole()) return;
    const { address } = props, poll = { question: question(), options: given(), several: several() };
    app.overlays.close();
    void app.attempt(() => app.core.askPoll(address, poll));
  };
  return (
    <Dialog
      title={t().poll.ask} size="small" onClose={() => app.overlays.close()}
      actions={(
        <>
          <Button look="quiet" onClick={() => app.overlays.close()}>{t().common.cancel}</Button>
          <Button look="primary" type="submit" form="poll-form">{t().poll.send}</Button>
        </>
      )}
    >
      <form id="poll-form" class="poll-form" onSubmit={ask}>
        <Field label={t().poll.question} value={question()} onInput={setQuestion} maxlength="300" autocomplete="off" autofocus />
        <div ref={list} class="poll-options">
          <Index each={options()}>
            {(option, i) => (
              <div class="poll-option">
                <Field
                  label={t().poll.option(formats().number(i + 1))} value={option()} maxlength="100" autocomplete="off"
                  onInput={(text) => setOptions(options().map((one, at) => (at === i ? text : one)))}
                />
                <Show when={options().length > 2}>
                  <IconButton icon={X} label={t().poll.remove(t().poll.option(formats().number(i + 1)))} onClick={() => setOptions(options().filter((_, at) => at !== i))} />
                </Show>
              </div>
            )}
          </Index>
        </div>
        <Show when={options().length < most}><Button look="quiet" icon={Plus} onClick={add}>{t().poll.add}</Button></Show>
        <Switch label={t().poll.several} on={several()} onChange={setSeveral} />
        <p class="poll-missing" role="alert"><Show when={tried() && !whole()}>{t().poll.missing}</Show></p>
      </form>
    </Dialog>
  );
}
