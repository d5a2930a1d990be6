import { createUniqueId, For, type JSX } from 'solid-js';
import './tabs.css';

type Props<T extends string> = {
  readonly label: string;
  readonly value: T;
  readonly tabs: readonly { readonly value: T; readonly label: string }[];
  readonly onChange: (value: T) => void;
  readonly children: JSX.Element;
};

/** Tabs by the pattern of the ARIA practices: arrows move and choose, one of them is in the tab order. */
export function Tabs<T extends string>(props: Props<T>): JSX.Element {
  const id = createUniqueId();
  let list!: HTMLDivElement;
  const keys = (event: KeyboardEvent): void => {
    const at = props.tabs.findIndex((tab) => tab.value === props.value);
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const turn = document.documentElement.dir === 'rtl' ? -step : step;
    const next = props.tabs[(at + turn + props.tabs.length) % props.tabs.length];
    if (!next) return;
    props.onChange(next.value);
    list.querySelector<HTMLElement>(`[data-value="${next.value}"]`)?.focus();
  };
  return (
    <div class="tabs">
      <div ref={list} class="tab-list" role="tablist" aria-label={props.label} onKeyDown={keys}>
        <For each={props.tabs}>
          {(tab) => (
            <button
              type="button" role="tab" class="tab" id={`${id}-${tab.value}`} data-value={tab.value} aria-controls={`${id}-panel`}
              aria-selected={props.value === tab.value} tabindex={props.value === tab.value ? 0 : -1} onClick={() => props.onChange(tab.value)}
            >
              {tab.label}
            </button>
          )}
        </For>
      </div>
      <div class="tab-panel" role="tabpanel" id={`${id}-panel`} aria-labelledby={`${id}-${props.value}`}>{props.children}</div>
    </div>
  );
}
