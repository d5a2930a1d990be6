import { type Accessor, createContext, createSignal } from 'solid-js';

/** The dialogs that lie above the page. While one is open everything outside of the topmost is inert. */
export interface Layers {
  readonly top: Accessor<HTMLElement | undefined>;
  /** It has opened. Gives what tells that it has closed. */
  readonly add: (dialog: HTMLElement) => () => void;
}

export const LayersContext = createContext<Layers>();

export function createLayers(): Layers {
  const [open, setOpen] = createSignal<readonly HTMLElement[]>([]);
  return {
    top: () => open().at(-1),
    add: (dialog) => {
      setOpen((all) => [...all, dialog]);
      return () => void setOpen((all) => all.filter((one) => one !== dialog));
    },
  };
}
