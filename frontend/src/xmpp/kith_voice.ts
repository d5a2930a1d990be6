/**
 * What makes a shared sound (XEP-0447) a voice message, and how loud it is from its beginning to its end. It stands beside
 * `<file-sharing/>` in an envelope and nowhere else: a waveform tells something of what was said. No XEP has a form for this;
 * the length stands where it belongs, in the metadata of the file (XEP-0446).
 */
import { define, text } from './codec';
import { NS } from './ns';

/** `levels`: stretches of the same length, 0 for silence to 255 for the loudest; perhaps none. */
export const voice = define(NS.kithVoice, 'voice', { levels: text.bytes() });
