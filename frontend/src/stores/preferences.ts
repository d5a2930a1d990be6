import { Cell } from './cell';

export type Theme = 'system' | 'light' | 'dark';
export const textSizes = ['small', 'normal', 'large', 'huge'] as const;
export type TextSize = (typeof textSizes)[number];
export const accents = ['teal', 'blue', 'violet', 'rose', 'green'] as const;
export type Accent = (typeof accents)[number];
export const voiceSpeeds = [1, 1.5, 2] as const;
export type VoiceSpeed = (typeof voiceSpeeds)[number];

/** What this browser remembers about how the app looks and behaves; nothing about people. */
export interface Preferences {
  readonly theme: Theme;
  readonly textSize: TextSize;
  readonly accent: Accent;
  /** `system`: as the device asks for. */
  readonly contrast: 'system' | 'more';
  /** A language tag, or `system` for the browser's. */
  readonly language: string;
  readonly notifications: boolean;
  /** Show who wrote and what in notifications. */
  readonly notificationText: boolean;
  /** Maps of places in messages are fetched unasked. */
  readonly showMaps: boolean;
  /** How fast voice messages are played. */
  readonly voiceSpeed: VoiceSpeed;
  /** What the panel beside the composer showed last. */
  readonly panel: 'emoji' | 'stickers';
}

const key = 'kith.preferences';
const defaults: Preferences = { theme: 'system', textSize: 'normal', accent: 'teal', contrast: 'system', language: 'system', notifications: false, notificationText: true, showMaps: false, voiceSpeed: 1, panel: 'emoji' };

function read(storage: Pick<Storage, 'getItem'>): Preferences {
  try {
    const stored: unknown = JSON.parse(storage.getItem(key) ?? '{}');
    if (typeof stored !== 'object' || stored === null) return defaults;
    const found = stored as Partial<Record<keyof Preferences, unknown>>;
    return {
      theme: found.theme === 'light' || found.theme === 'dark' ? found.theme : 'system',
      textSize: textSizes.find((size) => size === found.textSize) ?? 'normal',
      accent: accents.find((accent) => accent === found.accent) ?? 'teal',
      contrast: found.contrast === 'more' ? 'more' : 'system',
      language: typeof found.language === 'string' ? found.language : 'system',
      notifications: found.notifications === true,
      notificationText: found.notificationText !== false,
      showMaps: found.showMaps === true,
      voiceSpeed: voiceSpeeds.find((speed) => speed === found.voiceSpeed) ?? 1,
      panel: found.panel === 'stickers' ? 'stickers' : 'emoji',
    };
  } catch {
    return defaults; // storage forbidden or broken: the app works, it only forgets
  }
}

export class PreferencesStore extends Cell<Preferences> {
  readonly #storage: Pick<Storage, 'getItem' | 'setItem'>;

  constructor(storage: Pick<Storage, 'getItem' | 'setItem'>) {
    super(read(storage));
    this.#storage = storage;
  }

  change(part: Partial<Preferences>): void {
    this.set({ ...this.get(), ...part });
    try {
      this.#storage.setItem(key, JSON.stringify(this.get()));
    } catch {
      // as above
    }
  }
}
