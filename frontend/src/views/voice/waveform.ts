import { condensed, loudness } from '../../stores/recording';

/** What is larger or longer would take more memory, decoded, than a picture of it is worth. */
export const MOST_BYTES = 2 << 20;
const RATE = 8000;
/** From one level to the next, in samples. */
const STEP = RATE / 20;

/** How loud a sound is from its beginning to its end, and how many seconds it takes. `undefined`: it cannot be decoded here. */
export async function waveformOf(file: Blob): Promise<{ readonly levels: Uint8Array<ArrayBuffer>; readonly length: number } | undefined> {
  if (file.size > MOST_BYTES) return undefined;
  try {
    // The lowest rate that browsers must have: what is drawn needs no more.
    const decoded = await new OfflineAudioContext(1, 1, RATE).decodeAudioData(await file.arrayBuffer());
    const samples = decoded.getChannelData(0);
    const levels: number[] = [];
    for (let from = 0; from < samples.length; from += STEP) {
      const part = samples.subarray(from, from + STEP);
      levels.push(loudness(Math.sqrt(part.reduce((sum, sample) => sum + sample * sample, 0) / part.length)));
    }
    return { levels: condensed(levels), length: decoded.duration };
  } catch {
    return undefined;
  }
}
