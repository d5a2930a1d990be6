/** SASLprep (RFC 4013), the form in which a password enters SCRAM. */

/** The password holds a character that no client can be relied on to send the same way. */
export class SaslprepError extends Error {
  constructor() {
    super('the password contains a character that cannot be used');
    this.name = 'SaslprepError';
  }
}

// Tables of RFC 3454. B.1: mapped to nothing. C.1.2: spaces that become U+0020.
const TO_NOTHING = /[\u00ad\u034f\u1806\u180b-\u180d\u200b-\u200d\u2060\ufe00-\ufe0f\ufeff]/gu;
const TO_SPACE = /[\u00a0\u1680\u2000-\u200b\u202f\u205f\u3000]/gu;
// C.2.1, C.2.2 controls; C.3 private use; C.4 non-characters; C.5 surrogates; C.6 to C.9.
// oxlint-disable-next-line no-control-regex
const CONTROLS = /[\0-\x1f\x7f-\x9f\u06dd\u070f\u180e\u200c\u200d\u2028\u2029\u2060-\u2063\u206a-\u206f\ufeff\ufff9-\ufffc\u{1d173}-\u{1d17a}]/u;
const PRIVATE_OR_BROKEN = /[\p{Co}\p{Surrogate}\ufdd0-\ufdef\p{Noncharacter_Code_Point}]/u;
const UNSUITABLE = /[\ufff9-\ufffd\u2ff0-\u2ffb\u0340\u0341\u200e\u200f\u202a-\u202e\u{e0001}\u{e0020}-\u{e007f}]/u;
// D.1: characters with bidirectional property R or AL.
const RIGHT_TO_LEFT = /[\u05be\u05c0\u05c3\u05d0-\u05ea\u05f0-\u05f4\u061b\u061f\u0621-\u063a\u0640-\u064a\u066d-\u066f\u0671-\u06d5\u06dd\u06e5\u06e6\u06fa-\u06fe\u0700-\u070d\u0710\u0712-\u072c\u0780-\u07a5\u07b1\u200f\ufb1d\ufb1f-\ufb28\ufb2a-\ufb36\ufb38-\ufb3c\ufb3e\ufb40\ufb41\ufb43\ufb44\ufb46-\ufbb1\ufbd3-\ufd3d\ufd50-\ufd8f\ufd92-\ufdc7\ufdf0-\ufdfc\ufe70-\ufe74\ufe76-\ufefc]/u;
const LETTER = /\p{L}/u;

/**
 * Prepares a password; throws SaslprepError. Code points that Unicode 3.2 did not assign pass, as the RFC allows
 * for queries: they are what passwords of today contain (emoji), and every implementation passes them unchanged.
 */
export function saslprep(password: string): string {
  const prepared = password.replace(TO_SPACE, ' ').replace(TO_NOTHING, '').normalize('NFKC');
  if (CONTROLS.test(prepared) || PRIVATE_OR_BROKEN.test(prepared) || UNSUITABLE.test(prepared)) throw new SaslprepError();
  const characters = [...prepared];
  if (characters.some((c) => RIGHT_TO_LEFT.test(c))) {
    // RFC 3454 section 6: no left-to-right letters beside them, and they stand at both ends.
    if (characters.some((c) => LETTER.test(c) && !RIGHT_TO_LEFT.test(c))) throw new SaslprepError();
    const first = characters[0] ?? '', last = characters[characters.length - 1] ?? '';
    if (!RIGHT_TO_LEFT.test(first) || !RIGHT_TO_LEFT.test(last)) throw new SaslprepError();
  }
  return prepared;
}

/** For signing in: a password that SASLprep refuses may still have been set by a server that does not prepare. */
export function saslprepOrRaw(password: string): string {
  try {
    return saslprep(password);
  } catch {
    return password;
  }
}
