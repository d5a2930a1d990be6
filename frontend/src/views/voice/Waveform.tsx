import { createMemo, type JSX } from 'solid-js';
import { useView } from '../context';

/** The shortest that a stretch is drawn, of 100. */
const least = 8;

/** Bars as one line that is drawn in pieces. */
function barsOf(levels: ArrayLike<number>, full: number): string {
  return Array.from(levels, (level, i) => {
    const height = Math.max(least, (level / full) * 100);
    return `M${i * 2 + 1} ${50 - height / 2}v${height}`;
  }).join('');
}

/** How loud something is, from its beginning to its end. Decoration: who does not see it misses nothing. */
export function Bars(props: { readonly levels: ArrayLike<number>; readonly full: number; readonly class?: string }): JSX.Element {
  return (
    <svg class={`wave-bars ${props.class ?? ''}`} viewBox={`0 0 ${Math.max(1, props.levels.length) * 2} 100`} preserveAspectRatio="none" aria-hidden="true">
      <path d={barsOf(props.levels, props.full)} vector-effect="non-scaling-stroke" />
    </svg>
  );
}

/** So many bars fit into the narrowest place with room between them. */
const bars = 40;

/** Fewer bars that look the same. */
function folded(levels: Uint8Array): ArrayLike<number> {
  if (levels.length <= bars) return levels;
  return Array.from({ length: bars }, (_, i) => Math.max(...levels.subarray(Math.floor((i * levels.length) / bars), Math.ceil(((i + 1) * levels.length) / bars))));
}

/** What is drawn of which nobody knows how loud it is. */
const even = new Uint8Array(bars).fill(40);

type Props = {
  /** 0 to 255. */
  readonly levels: Uint8Array | undefined;
  /** In seconds. */
  readonly at: number;
  readonly length: number | undefined;
  readonly stop: boolean;
  readonly onSeek: (at: number) => void;
};

/** A waveform that shows how far something was heard, and where one goes on elsewhere: a slider for keys and fingers. */
export function Waveform(props: Props): JSX.Element {
  const { t, formats } = useView();
  const length = (): number => props.length ?? 0;
  const levels = createMemo(() => (props.levels && props.levels.length > 0 ? folded(props.levels) : even));
  const share = (): number => (length() > 0 ? Math.min(1, props.at / length()) : 0);
  const step = (): number => Math.min(5, Math.max(0.5, length() / 10));
  const keys = (event: KeyboardEvent & { readonly currentTarget: HTMLInputElement }): void => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const rtl = getComputedStyle(event.currentTarget).direction === 'rtl';
    const to = (): number | undefined => {
      switch (event.key) {
        case 'ArrowRight': return props.at + (rtl ? -step() : step());
        case 'ArrowLeft': return props.at - (rtl ? -step() : step());
        case 'ArrowUp': case 'PageUp': return props.at + step();
        case 'ArrowDown': case 'PageDown': return props.at - step();
        case 'Home': return 0;
        case 'End': return length();
        default: return undefined;
      }
    };
    const at = to();
    if (at === undefined) return;
    // Neither the slider's own steps nor the list of messages, which has the same keys.
    event.preventDefault();
    event.stopPropagation();
    if (length() > 0) props.onSeek(Math.min(length(), Math.max(0, at)));
  };
  return (
    <span class="wave" style={{ '--heard': `${(share() * 100).toFixed(2)}%` }}>
      <Bars levels={levels()} full={255} />
      <Bars levels={levels()} full={255} class="wave-heard" />
      <input
        type="range" min="0" max={length()} step="any" value={props.at} tabindex={props.stop ? 0 : -1}
        aria-label={t().voice.position} aria-valuetext={t().voice.at(formats().clock(props.at), formats().clock(length()))}
        onKeyDown={keys} onInput={(event) => { if (length() > 0) props.onSeek(event.currentTarget.valueAsNumber); }}
      />
    </span>
  );
}
