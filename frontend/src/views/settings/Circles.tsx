import { MessageCircle, Pencil, Plus, Trash } from 'lucide';
import { createSignal, For, type JSX, Show } from 'solid-js';
import type { Address, Circle } from '../../core/api';
import { read } from '../adapter';
import { useView } from '../context';
import { Avatar } from '../parts/Avatar';
import { Button, IconButton } from '../parts/Button';
import { Confirm } from '../parts/Dialog';
import { Field } from '../parts/Field';
import { Keyed } from '../parts/Keyed';
import { LocalPeople } from './LocalPeople';
import './family.css';

type Props = { readonly circles: readonly Circle[]; readonly admin: boolean; readonly nameOf: (address: Address) => string };

/** Circles: seen by their members, looked after by administrators. */
export function Circles(props: Props): JSX.Element {
  const { app, t } = useView();
  const [name, setName] = createSignal('');
  const [busy, setBusy] = createSignal(false);
  const create = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (busy() || name().trim() === '') return;
    setBusy(true);
    if (await app.attempt(() => app.core.createCircle(name()), 'saved')) setName('');
    setBusy(false);
  };
  return (
    <section class="section">
      <h2>{t().family.circlesTitle}</h2>
      <p class="quiet">{t().family.circlesText}</p>
      <Keyed each={props.circles} by={(circle) => circle.id}>{(circle) => <CircleCard circle={circle()} admin={props.admin} nameOf={props.nameOf} />}</Keyed>
      <Show when={props.admin}>
        <form class="local-people" onSubmit={(event) => void create(event)}>
          <Field label={t().family.newCircle} value={name()} onInput={setName} maxlength="60" autocomplete="off" />
          <Button type="submit" icon={Plus} busy={busy()} disabled={name().trim() === ''}>{t().family.create}</Button>
        </form>
      </Show>
    </section>
  );
}

function CircleCard(props: { readonly circle: Circle; readonly admin: boolean; readonly nameOf: (address: Address) => string }): JSX.Element {
  const { app, t } = useView();
  const session = read(app.session);
  const [asking, setAsking] = createSignal<{ readonly person?: Address }>();
  const [name, setName] = createSignal<string>();
  const rename = async (event: Event): Promise<void> => {
    event.preventDefault();
    const wished = name()?.trim() ?? '';
    if (wished === '' || wished === props.circle.name) setName(undefined);
    else if (await app.attempt(() => app.core.renameCircle(props.circle.id, wished), 'saved')) setName(undefined);
  };
  const inside = (): boolean => props.circle.members.includes(session().address ?? '');
  const go = async (): Promise<void> => {
    const what = asking();
    setAsking(undefined);
    if (!what) return;
    if (what.person === undefined) await app.attempt(() => app.core.deleteCircle(props.circle.id), 'saved');
    else await app.attempt(() => app.core.removeFromCircle(props.circle.id, what.person ?? ''), 'removed');
  };
  return (
    <div class="card circle">
      <div class="circle-head">
        <Show
          when={name() !== undefined}
          fallback={<h3><bdi>{props.circle.name}</bdi></h3>}
        >
          <form class="local-people circle-name" onSubmit={(event) => void rename(event)}>
            <Field label={t().family.rename} value={name() ?? ''} onInput={setName} maxlength="60" autocomplete="off" ref={(element) => queueMicrotask(() => element.focus())} />
            <Button look="quiet" onClick={() => setName(undefined)}>{t().common.cancel}</Button>
            <Button look="primary" type="submit">{t().common.save}</Button>
          </form>
        </Show>
        <Show when={name() === undefined}><span class="quiet">{t().group.count(props.circle.members.length)}</span></Show>
        <Show when={name() === undefined && props.admin}>
          <IconButton icon={Pencil} label={`${t().family.rename}: ${props.circle.name}`} onClick={() => setName(props.circle.name)} />
        </Show>
      </div>
      <ul role="list">
        <For each={props.circle.members}>
          {(member) => (
            <li class="circle-member">
              <Avatar address={member} name={props.nameOf(member)} size="tiny" /><bdi>{props.nameOf(member)}</bdi>
              <Show when={props.admin}>
                <button type="button" class="text-button text-button-danger" aria-label={`${t().family.takeOut}: ${props.nameOf(member)}`} onClick={() => setAsking({ person: member })}>{t().family.takeOut}</button>
              </Show>
            </li>
          )}
        </For>
      </ul>
      <Show when={props.admin}>
        <LocalPeople
          label={t().family.addPerson} action={t().family.add} except={props.circle.members}
          onAdd={(address) => app.attempt(() => app.core.addToCircle(props.circle.id, [address]), 'invited')}
        />
      </Show>
      <div class="line">
        <Show when={inside()}><Button look="quiet" icon={MessageCircle} onClick={() => app.router.go({ name: 'chat', address: props.circle.group, details: false })}>{t().family.openGroup}</Button></Show>
        <Show when={props.admin}><Button look="quiet" icon={Trash} onClick={() => setAsking({})}>{t().family.deleteCircle}</Button></Show>
      </div>
      <Show when={asking()}>
        {(what) => (
          <Confirm
            title={what().person === undefined ? t().family.deleteCircleTitle(props.circle.name) : t().family.takeOutTitle(props.nameOf(what().person ?? ''), props.circle.name)}
            text={what().person === undefined ? t().family.deleteCircleText : t().family.takeOutText} action={what().person === undefined ? t().family.deleteCircle : t().family.takeOut} danger
            onConfirm={() => void go()} onCancel={() => setAsking(undefined)}
          />
        )}
      </Show>
    </div>
  );
}
