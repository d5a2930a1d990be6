export type Strength = 'too-short' | 'weak' | 'fair' | 'good';

const common = [
  'password', 'passwort', 'qwert', 'qwertz', 'azerty', 'asdf', 'iloveyou', 'letmein', 'welcome', 'willkommen',
  'admin', 'hallo', 'hello', 'geheim', 'secret', 'schatz', 'dragon', 'monkey', 'sunshine', 'princess', 'football',
  'fussball', 'master', 'sommer', 'summer', 'winter', 'test', 'abc', 'motdepasse', 'contrasena', 'kith',
];

function runs(text: string): number {
  let inRun = 0;
  for (let i = 2; i < text.length; i++) {
    const [a, b, c] = [text.charCodeAt(i - 2), text.charCodeAt(i - 1), text.charCodeAt(i)];
    if ((a === b && b === c) || (b - a === 1 && c - b === 1) || (a - b === 1 && b - c === 1)) inRun += 1;
  }
  return inRun;
}

/**
 * A rough judgement for the person who chooses, no promise: bits by length and kinds of characters, less what
 * is guessed first (common words, the own name, rows of the keyboard, repetition).
 */
export function strengthOf(password: string, minimum: number, ownWords: readonly string[] = []): Strength {
  const length = [...password].length;
  if (length < minimum) return 'too-short';
  const kinds = [/\p{Ll}/u, /\p{Lu}/u, /\p{N}/u, /[^\p{L}\p{N}]/u].filter((kind) => kind.test(password)).length;
  let counted = length - runs(password.toLowerCase());
  const lower = password.toLowerCase();
  for (const word of [...common, ...ownWords.map((own) => own.toLowerCase())]) {
    if (word.length >= 3 && lower.includes(word)) counted -= word.length - 1;
  }
  const distinct = new Set(lower).size;
  const bits = Math.max(0, Math.min(counted, distinct * 2)) * [0, 3.2, 4, 4.6, 5][kinds]!;
  if (bits < 32) return 'weak';
  return bits < 52 ? 'fair' : 'good';
}

const onsets = 'b d f g h k l m n p r s t w z'.split(' ');
const vowels = 'a e i o u'.split(' ');

/** Four words one can say aloud, about 50 bits. */
export function suggestPassword(random: (bytes: Uint8Array<ArrayBuffer>) => void): string {
  const count = onsets.length * vowels.length;
  const pick = (): string => {
    const byte = new Uint8Array(1);
    do random(byte); while ((byte[0] ?? 255) >= count * Math.floor(256 / count)); // no bias by the remainder
    const n = (byte[0] ?? 0) % count;
    return `${onsets[n % onsets.length]}${vowels[Math.floor(n / onsets.length)]}`;
  };
  return Array.from({ length: 4 }, () => pick() + pick()).join('-');
}
