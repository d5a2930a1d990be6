import type { IconNode } from 'lucide';
import { For, type JSX, onCleanup, onMount, Show, untrack } from 'solid-js';
import { Icon } from './Icon';
import { rove } from './rove';

export interface MenuItem {
  readonly label: string;
  readonly icon: IconNode;
  readonly danger?: boolean;
  /** Stands in the place of icon and label. */
  readonly face?: () => JSX.Element;
  /** One of several of which one is chosen: whether it is this. */
  readonly chosen?: boolean;
  run(): void;
}

type Props = {
  readonly label: string;
  readonly items: readonly MenuItem[];
  /** Where it opens: below this box, or above it where there is no room. */
  readonly anchor: DOMRect;
  readonly onClose: () => void;
  /** Stands above the items; is given the way to close the menu. */
  readonly above?: ((choose: () => void) => JSX.Element) | undefined;
};

const gap = 4;
const edge = 8;

/** A menu of actions at a place on the screen. Takes the focus and gives it back. */
export function Menu(props: Props): JSX.Element {
  let menu!: HTMLDivElement;
  // As they were when it opened: one of them has the focus, whatever changes meanwhile.
  const items = untrack(() => props.items);
  const before = document.activeElement;
  let chosen = false;

  const outside = (event: Event): void => {
    if (event.target instanceof Node && menu.contains(event.target)) return;
    props.onClose();
  };
  const keys = (event: KeyboardEvent): void => {
    if (event.key === 'Escape' || event.key === 'Tab') {
      event.preventDefault();
      event.stopPropagation();
      props.onClose();
      return;
    }
    rove(event, [...menu.querySelectorAll<HTMLElement>('[role=menuitem], [role=menuitemradio]')]);
  };

  onMount(() => {
    const { width, height } = menu.getBoundingClientRect();
    const rtl = document.documentElement.dir === 'rtl';
    const wished = rtl ? props.anchor.left : props.anchor.right - width;
    const below = props.anchor.bottom + gap;
    const top = below + height > window.innerHeight - edge ? Math.max(edge, props.anchor.top - height - gap) : below;
    menu.style.setProperty('left', `${Math.max(edge, Math.min(wished, window.innerWidth - width - edge))}px`);
    menu.style.setProperty('top', `${top}px`);
    menu.querySelector<HTMLElement>('[role=menuitem], [role=menuitemradio]')?.focus();
    document.addEventListener('pointerdown', outside, true);
    window.addEventListener('resize', outside);
    window.addEventListener('blur', outside);
  });
  onCleanup(() => {
    document.removeEventListener('pointerdown', outside, true);
    window.removeEventListener('resize', outside);
    window.removeEventListener('blur', outside);
    if (!chosen && before instanceof HTMLElement && before.isConnected) before.focus();
  });

  const close = (): void => {
    chosen = true;
    if (before instanceof HTMLElement && before.isConnected) before.focus();
    props.onClose();
  };
  const choose = (item: MenuItem): void => {
    close();
    item.run();
  };
  return (
    <div ref={menu} class="menu" role="menu" aria-label={props.label} tabindex="-1" onKeyDown={keys}>
      <Show when={props.above}>{(above) => above()(close)}</Show>
      <For each={items}>
        {(item) => (
          <button
            type="button" role={item.chosen === undefined ? 'menuitem' : 'menuitemradio'} aria-checked={item.chosen} aria-label={item.face ? item.label : undefined}
            tabindex="-1" class="menu-item" classList={{ 'menu-item-danger': item.danger === true }} onClick={() => choose(item)}
          >
            <Show when={item.face} fallback={<><Icon of={item.icon} /><span>{item.label}</span></>}>{(face) => face()()}</Show>
          </button>
        )}
      </For>
    </div>
  );
}
