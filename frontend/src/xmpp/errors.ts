/** Everything that can go wrong between two XMPP entities, as four errors. */
import { NS } from './ns';
import { XmlElement, xml } from './xml';

/** The connection is gone: cut, closed, or never opened. Worth another try. */
export class ConnectionError extends Error {
  constructor(detail: string) {
    super(detail);
    this.name = 'ConnectionError';
  }
}

/** The peer sent what the protocol does not allow, or failed to prove itself. */
export class ProtocolError extends Error {
  constructor(detail: string) {
    super(detail);
    this.name = 'ProtocolError';
  }
}

/** The server ended the stream with an error (RFC 6120 section 4.9). */
export class StreamError extends Error {
  constructor(readonly condition: string, readonly text: string | undefined) {
    super(`stream error: ${condition}${text === undefined ? '' : ` (${text})`}`);
    this.name = 'StreamError';
  }

  static read(element: XmlElement): StreamError {
    const condition = element.elements.find((child) => child.ns === NS.streamError && child.name !== 'text');
    return new StreamError(condition?.name ?? 'undefined-condition', element.child('text', NS.streamError)?.text);
  }
}

/** Authentication failed (RFC 6120 section 6.5); `condition` is the SASL condition. */
export class AuthError extends Error {
  constructor(readonly condition: string, readonly text?: string, readonly seconds?: number) {
    super(`authentication failed: ${condition}${text === undefined ? '' : ` (${text})`}`);
    this.name = 'AuthError';
  }

  static read(failure: XmlElement): AuthError {
    const condition = failure.elements.find((child) => child.ns === NS.sasl && child.name !== 'text');
    const text = failure.elements.find((child) => child.name === 'text')?.text;
    return new AuthError(condition?.name ?? 'not-authorized', text, retryAfter(failure));
  }
}

export type StanzaErrorType = 'auth' | 'cancel' | 'continue' | 'modify' | 'wait';

/** Answer of type `error` to a stanza (RFC 6120 section 8.3). */
export class StanzaError extends Error {
  constructor(
    readonly type: StanzaErrorType,
    readonly condition: string,
    readonly text?: string,
    /** The condition of the application, as `{namespace}name`. */
    readonly specific?: string,
    readonly seconds?: number,
  ) {
    super(`${condition}${text === undefined ? '' : ` (${text})`}`);
    this.name = 'StanzaError';
  }

  static read(stanza: XmlElement): StanzaError {
    const error = stanza.child('error');
    const type = error?.attrs['type'];
    const condition = error?.elements.find((child) => child.ns === NS.stanzaError && child.name !== 'text');
    const specific = error?.elements.find((child) => child.ns !== NS.stanzaError);
    return new StanzaError(
      type === 'auth' || type === 'continue' || type === 'modify' || type === 'wait' ? type : 'cancel',
      condition?.name ?? 'undefined-condition',
      error?.child('text', NS.stanzaError)?.text,
      specific && `{${specific.ns}}${specific.name}`,
      error && retryAfter(error),
    );
  }

  write(): XmlElement {
    return xml(NS.client, 'error', { type: this.type },
      xml(NS.stanzaError, this.condition),
      this.text !== undefined && xml(NS.stanzaError, 'text', {}, this.text));
  }
}

/** Kith says how long to wait with `<retry xmlns='kith:account:0' seconds='n'/>`. */
function retryAfter(element: XmlElement): number | undefined {
  const seconds = element.elements.find((child) => child.is(NS.kithAccount, 'retry'))?.attrs['seconds'];
  return seconds !== undefined && /^\d{1,7}$/.test(seconds) ? Number(seconds) : undefined;
}
