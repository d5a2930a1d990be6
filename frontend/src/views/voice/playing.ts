import { createContext, useContext } from 'solid-js';
import type { Message } from '../../core/api';
import type { App } from '../../stores/app';
import { Player, type Track } from '../../stores/player';
import { linkTo } from '../chat/filesource';

export interface Wave {
  readonly levels: Uint8Array;
  /** In seconds. */
  readonly length: number;
}

/** What is heard in the app that one is signed in to, and the waveforms that were found out, by message. */
export interface Listening {
  readonly player: Player;
  readonly waves: Waves;
}

export const ListeningContext = createContext<Listening>();

export function useListening(): Listening {
  const listening = useContext(ListeningContext);
  if (!listening) throw new Error('views: nothing is played here');
  return listening;
}

export function createListening(app: App): Listening {
  return {
    player: new Player({
      sound: () => new Audio(), clock: app.clock, preferences: app.preferences, link: (data) => linkTo('audio', data), unlink: (url) => URL.revokeObjectURL(url),
    }),
    waves: new Waves(),
  };
}

const kept = 200;

/** Waveforms of sounds whose senders have not said how they look: each is found out once. */
export class Waves {
  readonly #known = new Map<string, Wave | undefined>();

  get(id: string): Wave | undefined {
    return this.#known.get(id);
  }

  async of(id: string, file: Blob): Promise<Wave | undefined> {
    if (this.#known.has(id)) return this.#known.get(id);
    const { waveformOf } = await import('./VoiceBar');
    const wave = await waveformOf(file);
    this.#known.set(id, wave);
    for (const oldest of this.#known.keys()) {
      if (this.#known.size <= kept) break;
      this.#known.delete(oldest);
    }
    return wave;
  }
}

/** The sound of a message. After a voice message comes the next one, if that follows at once. */
export function trackOf(app: App, message: Message): Track {
  const { chat, id, order, file } = message;
  return {
    key: id, message, ...(file?.length !== undefined && { length: file.length / 1000 }),
    load: () => app.core.fetchFile(chat, id),
    ...(file?.voice && {
      next: async () => {
        const [after] = (await app.core.page(chat, { after: order, limit: 1 })).messages;
        return after?.file?.voice && !after.retracted ? trackOf(app, after) : undefined;
      },
    }),
  };
}
