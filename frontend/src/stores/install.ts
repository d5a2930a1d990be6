import { Cell } from './cell';

/** `offered`: the browser will ask when told to. `by-hand`: the person can do it from the browser's menu (iOS). */
export type InstallState = 'no' | 'offered' | 'by-hand' | 'installed';

export interface InstallHost {
  state(): InstallState;
  onChange(listener: () => void): void;
  /** Lets the browser ask. */
  prompt(): Promise<void>;
}

/** Whether the app can be put among the apps of the device, or is there. */
export class Install extends Cell<InstallState> {
  readonly #host: InstallHost;

  constructor(host: InstallHost) {
    super(host.state());
    this.#host = host;
    host.onChange(() => this.set(host.state()));
  }

  prompt(): Promise<void> {
    return this.#host.prompt();
  }
}
