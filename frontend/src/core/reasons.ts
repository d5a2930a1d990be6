/** From errors of the layers below to the reasons that the app can put into words. */
import { OmemoError } from '../crypto/engine';
import { SupersededError } from '../db/database';
import { AuthError, ConnectionError, ProtocolError, StanzaError, StreamError } from '../xmpp/errors';
import { JidError } from '../xmpp/jid';
import { NS } from '../xmpp/ns';
import { SaslprepError } from '../xmpp/saslprep';
import { CoreError, type Reason, type ReasonCode } from './api';
import { reason } from './fail';

export { fail, reason } from './fail';

export function reasonOf(error: unknown): Reason {
  if (error instanceof CoreError) return error.reason;
  if (error instanceof StanzaError) return stanzaReason(error);
  if (error instanceof AuthError) return authReason(error);
  if (error instanceof StreamError) return streamReason(error);
  if (error instanceof ConnectionError) return reason('network', error.message);
  if (error instanceof ProtocolError) return reason('server', error.message);
  if (error instanceof SaslprepError) return reason('password-weak', error.message);
  if (error instanceof JidError) return reason('name-invalid', error.message);
  if (error instanceof SupersededError) return reason('conflict', error.message);
  if (error instanceof OmemoError) return reason('internal', error.message);
  if (error instanceof DOMException) {
    if (error.name === 'AbortError' || error.name === 'TimeoutError') return reason('network', error.name);
    return reason('storage', `${error.name}: ${error.message}`);
  }
  return reason('internal', error instanceof Error ? `${error.name}: ${error.message}` : String(error));
}

export function coreError(error: unknown): CoreError {
  return error instanceof CoreError ? error : new CoreError(reasonOf(error));
}

const STANZA: Readonly<Record<string, ReasonCode>> = {
  'item-not-found': 'not-found', 'remote-server-not-found': 'not-found', 'recipient-unavailable': 'not-found', gone: 'not-found',
  'jid-malformed': 'name-invalid', conflict: 'conflict', forbidden: 'policy', 'not-allowed': 'policy', 'policy-violation': 'policy',
  'not-authorized': 'credentials', 'registration-required': 'policy', 'subscription-required': 'policy',
  'remote-server-timeout': 'network', 'resource-constraint': 'throttled', 'service-unavailable': 'not-found', 'feature-not-implemented': 'server',
};

function stanzaReason(error: StanzaError): Reason {
  if (error.specific === '{urn:xmpp:blocking:errors}blocked') return reason('blocked', error.message);
  if (error.specific === `{${NS.kithGuardian}}approval-required`) return reason('approval', error.message);
  if (error.specific === `{${NS.kithPrivacy}}contacts-only`) return reason('contacts-only', error.message);
  if (error.specific?.endsWith('}payload-too-big') === true) return reason('too-large', error.message);
  if (error.seconds !== undefined) return reason('throttled', error.message, error.seconds);
  return reason(STANZA[error.condition] ?? 'server', error.message);
}

function authReason(error: AuthError): Reason {
  if (error.seconds !== undefined) return reason('throttled', error.message, error.seconds);
  switch (error.condition) {
    case 'not-authorized': case 'credentials-expired': case 'invalid-authzid': return reason('credentials', error.message);
    case 'account-disabled': return reason('policy', error.message);
    default: return reason('server', error.message);
  }
}

function streamReason(error: StreamError): Reason {
  switch (error.condition) {
    case 'conflict': return reason('conflict', error.message);
    case 'host-unknown': case 'host-gone': return reason('not-found', error.message);
    case 'policy-violation': case 'resource-constraint': return reason('throttled', error.message);
    case 'not-authorized': return reason('credentials', error.message);
    case 'connection-timeout': return reason('network', error.message);
    default: return reason('server', error.message);
  }
}
