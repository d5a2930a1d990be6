/** The pages that look at one account: events go to all of them, and what they look at decides about notifications. */
import type { Address, Events } from './api';

export type Emit = <K extends keyof Events>(event: K, data: Events[K]) => void;

interface View {
  active: boolean;
  focus: Address | null;
  listener: Emit | undefined;
}

export class Hub {
  private readonly views = new Map<string, View>();
  /** Called when the app as a whole comes to the front or goes away. */
  onActivity: (active: boolean) => void = () => undefined;

  /** `overhear`: is told everything as well, after the pages. */
  constructor(private readonly overhear: Emit = () => undefined) {}

  readonly emit: Emit = (event, data) => {
    for (const view of this.views.values()) view.listener?.(event, data);
    this.overhear(event, data);
  };

  attach(page: string, listener: Emit): void {
    this.view(page).listener = listener;
  }

  detach(page: string): void {
    const before = this.active;
    this.views.delete(page);
    if (this.active !== before) this.onActivity(this.active);
  }

  setActive(page: string, active: boolean): void {
    const before = this.active;
    this.view(page).active = active;
    if (this.active !== before) this.onActivity(this.active);
  }

  setFocus(page: string, chat: Address | null): void {
    this.view(page).focus = chat;
  }

  /** Somebody is looking at some window. */
  get active(): boolean {
    return [...this.views.values()].some((view) => view.active);
  }

  /** Somebody is looking at this chat. */
  looksAt(chat: Address): boolean {
    return [...this.views.values()].some((view) => view.active && view.focus === chat);
  }

  private view(page: string): View {
    let view = this.views.get(page);
    if (!view) {
      view = { active: false, focus: null, listener: undefined };
      this.views.set(page, view);
    }
    return view;
  }
}
