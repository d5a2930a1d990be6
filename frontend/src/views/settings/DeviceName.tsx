import { createSignal, type JSX, Show } from 'solid-js';
import { read } from '../adapter';
import { useView } from '../context';
import { Button } from '../parts/Button';
import { Field } from '../parts/Field';

/** What the device list of omemo:2 takes (XEP-0384 section 5.3.1). */
const LENGTH = 52;

/** What others see this device called: nothing, until one writes a name. */
export function DeviceName(): JSX.Element {
  const { app, t } = useView();
  const session = read(app.session);
  const label = (): string => session().deviceLabel?.trim() ?? '';
  const [name, setName] = createSignal<string>();
  const [busy, setBusy] = createSignal(false);
  const save = async (event: Event): Promise<void> => {
    event.preventDefault();
    const wished = name()?.trim() ?? '';
    if (busy()) return;
    setBusy(true);
    const done = wished === label() || await app.attempt(() => app.core.nameDevice(wished), 'saved');
    setBusy(false);
    if (done) setName(undefined);
  };
  return (
    <Show
      when={name() !== undefined}
      fallback={(
        <div class="line line-centred">
          <p>{t().settings.devices.name}: <Show when={label() !== ''} fallback={<span class="quiet">{t().settings.devices.noName}</span>}><b><bdi>{label()}</bdi></b></Show></p>
          <Button look="quiet" onClick={() => setName(label())}>{label() === '' ? t().settings.devices.giveName : t().settings.devices.changeName}</Button>
        </div>
      )}
    >
      <form class="form" onSubmit={(event) => void save(event)}>
        <Field
          label={t().settings.devices.name} hint={t().settings.devices.nameHint} value={name() ?? ''} onInput={setName}
          maxlength={String(LENGTH)} dir="auto" autocomplete="off" ref={(element) => queueMicrotask(() => element.focus())}
        />
        <div class="line">
          <Button look="quiet" onClick={() => setName(undefined)}>{t().common.cancel}</Button>
          <Button look="primary" type="submit" busy={busy()}>{t().common.save}</Button>
        </div>
      </form>
    </Show>
  );
}
