import type { IconNode } from 'lucide';
import { type JSX, Show, splitProps } from 'solid-js';
import { Icon } from './Icon';

type ButtonProps = JSX.ButtonHTMLAttributes<HTMLButtonElement> & {
  readonly look?: 'primary' | 'plain' | 'quiet' | 'danger';
  readonly icon?: IconNode;
  /** Something is being done: the button stays, and cannot be pressed twice. */
  readonly busy?: boolean | undefined;
  readonly wide?: boolean;
};

export function Button(props: ButtonProps): JSX.Element {
  const [own, rest] = splitProps(props, ['look', 'icon', 'busy', 'wide', 'class', 'children', 'onClick']);
  const click: JSX.EventHandler<HTMLButtonElement, MouseEvent> = (event) => {
    if (own.busy) {
      event.preventDefault();
      return;
    }
    if (typeof own.onClick === 'function') own.onClick(event);
  };
  return (
    <button
      type="button" {...rest} onClick={click} aria-disabled={own.busy ? 'true' : undefined}
      class={`button button-${own.look ?? 'plain'} ${own.class ?? ''}`} classList={{ 'button-wide': own.wide === true, 'button-busy': own.busy === true }}
    >
      <Show when={own.icon}>{(icon) => <Icon of={icon()} />}</Show>
      <span>{own.children}</span>
    </button>
  );
}

/** A square button with an icon and a name for those who do not see it; the name is shown as a tooltip too. */
export function IconButton(props: Omit<ButtonProps, 'look' | 'busy' | 'wide'> & { readonly label: string; readonly icon: IconNode; readonly mirror?: boolean }): JSX.Element {
  const [own, rest] = splitProps(props, ['label', 'icon', 'class', 'mirror', 'children']);
  return (
    <button type="button" {...rest} class={`icon-button ${own.class ?? ''}`} aria-label={own.label} title={own.label}>
      <Icon of={own.icon} mirror={own.mirror === true} />
      {own.children}
    </button>
  );
}
