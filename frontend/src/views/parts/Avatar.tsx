import { Minus, Moon } from 'lucide';
import { createEffect, type JSX, Show } from 'solid-js';
import type { Address, Availability } from '../../core/api';
import { tintOf } from '../../stores/colour';
import { initials } from '../../stores/initials';
import { Icon } from './Icon';

type Props = {
  readonly address: Address;
  readonly name: string;
  readonly size?: 'small' | 'medium' | 'large';
  /** Shown by shape: full, moon, bar; nothing for offline. The words stand elsewhere. */
  readonly availability?: Availability | undefined;
};

/** Initials on the colour of the address (XEP-0392). The name stands beside it, so it is hidden from screen readers. */
export function Avatar(props: Props): JSX.Element {
  let ground!: HTMLSpanElement;
  createEffect(() => {
    const { light, dark } = tintOf(props.address);
    // Through the CSSOM: a strict Content-Security-Policy refuses style attributes.
    ground.style.setProperty('--tint-light', light.ground);
    ground.style.setProperty('--tint-ink-light', light.ink);
    ground.style.setProperty('--tint-dark', dark.ground);
    ground.style.setProperty('--tint-ink-dark', dark.ink);
  });
  const mark = (): Availability | undefined => (props.availability === 'offline' ? undefined : props.availability);
  return (
    <span class={`avatar avatar-${props.size ?? 'medium'}`} aria-hidden="true">
      <span class="avatar-ground" ref={ground}>{initials(props.name)}</span>
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
