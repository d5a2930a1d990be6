import { Minus, Moon } from 'lucide';
import { createEffect, createMemo, type JSX, Show } from 'solid-js';
import type { Address, Availability } from '../../core/api';
import { tintOf } from '../../stores/colour';
import { initials } from '../../stores/initials';
import { read } from '../adapter';
import { useView } from '../context';
import { Icon } from './Icon';

type Props = {
  readonly address: Address;
  readonly name: string;
  readonly size?: 'tiny' | 'small' | 'medium' | 'large';
  /** Shown by shape: full, moon, bar; nothing for offline. The words stand elsewhere. */
  readonly availability?: Availability | undefined;
  /** Hash of the picture, where it is not that of a contact or a group. */
  readonly picture?: string | undefined;
  /** A group has another shape than a person. */
  readonly group?: boolean;
};

/** Sets the colours of an address, through the CSSOM: a strict Content-Security-Policy refuses style attributes. */
function tint(element: HTMLElement, address: Address): void {
  const { light, dark } = tintOf(address);
  element.style.setProperty('--tint-light', light.ground);
  element.style.setProperty('--tint-ink-light', light.ink);
  element.style.setProperty('--tint-dark', dark.ground);
  element.style.setProperty('--tint-ink-dark', dark.ink);
}

/** The name of somebody in the colour of their address, above what they wrote. */
export function AuthorName(props: { readonly address: Address; readonly name: string }): JSX.Element {
  let name!: HTMLElement;
  createEffect(() => tint(name, props.address));
  return <b ref={name} class="author own-direction" dir="auto" aria-hidden="true">{props.name}</b>;
}

/** The picture of somebody, or initials on the colour of the address (XEP-0392). The name stands beside it, so it is hidden from screen readers. */
export function Avatar(props: Props): JSX.Element {
  const { app } = useView();
  let ground!: HTMLSpanElement;
  const faces = read(app.pictures);
  const hash = createMemo(() => props.picture ?? faces().get(props.address));
  const url = createMemo(() => {
    const of = hash();
    return of === undefined ? undefined : read(app.pictures.url(of));
  });
  createEffect(() => tint(ground, props.address));
  const mark = (): Availability | undefined => (props.availability === 'offline' ? undefined : props.availability);
  return (
    <span class={`avatar avatar-${props.size ?? 'medium'}`} classList={{ 'avatar-group': props.group === true }} aria-hidden="true">
      <span class="avatar-ground" ref={ground}>
        <Show when={url()?.()} fallback={initials(props.name)}>{(it) => <img class="avatar-picture" src={it()} alt="" draggable={false} />}</Show>
      </span>
      <Show when={mark()}>
        {(availability) => (
          <span class={`avatar-mark avatar-mark-${availability()}`}>
            <Show when={availability() === 'away'}><Icon of={Moon} /></Show>
            <Show when={availability() === 'busy'}><Icon of={Minus} /></Show>
          </span>
        )}
      </Show>
    </span>
  );
}
