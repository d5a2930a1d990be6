/**
 * From an open WebSocket to a session: SASL2 with everything inline in one round trip more than the mechanism needs
 * (XEP-0388, 0386, 0484, 0198), or the path of RFC 6120 with servers that know only that.
 */
import { fromBase64, toBase64, type Bytes } from './bytes';
import { AuthError, ProtocolError, StanzaError } from './errors';
import { htFirst, htVerify } from './ht';
import { bareOf, fullOf, parseJid } from './jid';
import { NS } from './ns';
import { saslprepOrRaw } from './saslprep';
import { chooseMechanism, ScramClient, type Advertised } from './scram';
import type { Transport } from './transport';
import { enabled, failed, resume, resumed, StreamManagement } from './xep0198_sm';
import { enableCarbons } from './xep0280_carbons';
import { active, inactive } from './xep0352_csi';
import { bound } from './xep0386_bind2';
import { authentication, challenge as sasl2Challenge, response as sasl2Response, success as sasl2Success, userAgent } from './xep0388_sasl2';
import { FAST_MECHANISM, fast, requestToken, token as fastToken } from './xep0484_fast';
import { xml, type XmlElement } from './xml';

export type Credential =
  | { readonly kind: 'password'; readonly password: string }
  | { readonly kind: 'token'; readonly token: string };

export interface Agent {
  /** UUID v4, the same for every session of this installation. */
  readonly id: string;
  readonly software: string;
  readonly device: string;
}

export interface LoginRequest {
  /** Bare address. */
  readonly address: string;
  readonly credential: Credential;
  readonly agent: Agent;
  /** Resume this stream if the server still has it. */
  readonly previous?: StreamManagement;
  readonly active: boolean;
  /** Sign in only to make the token worthless; no session follows. */
  readonly invalidate?: boolean;
}

export interface FastToken {
  readonly token: string;
  /** Milliseconds since epoch. */
  readonly expiry: number;
}

export interface LoginResult {
  /** Full address; empty on a resumed stream, which keeps what it had, features and carbons included. */
  readonly jid: string;
  readonly resumed: boolean;
  readonly byPassword: boolean;
  readonly token: FastToken | undefined;
  /** Absent when the server has no stream management. */
  readonly sm: StreamManagement | undefined;
  /** What to send again on a resumed stream. */
  readonly again: readonly XmlElement[];
  /** False: to be enabled by an iq. */
  readonly carbons: boolean;
  /** Feature elements of the authenticated stream, as `{namespace}name`. */
  readonly features: ReadonlySet<string>;
}

export async function login(transport: Transport, request: LoginRequest): Promise<LoginResult> {
  const { domain } = parseJid(request.address);
  await transport.open(domain, request.address);
  const features = await readFeatures(transport);
  const offer = authentication.in(features);
  if (offer) return loginSasl2(transport, request, features, offer);
  if (request.credential.kind === 'token') throw new AuthError('credentials-expired', 'the server does not take tokens any more');
  return loginSasl1(transport, request, features);
}

async function readFeatures(transport: Transport): Promise<XmlElement> {
  const features = await transport.receive();
  if (!features.is(NS.stream, 'features')) throw new ProtocolError('stream features expected');
  return features;
}

function featureNames(features: XmlElement): ReadonlySet<string> {
  return new Set(features.elements.map((feature) => `{${feature.ns}}${feature.name}`));
}

function advertised(features: XmlElement, mechanisms: readonly string[]): Advertised {
  const bindings = features.child('sasl-channel-binding', NS.channelBinding);
  if (!bindings) return { mechanisms };
  return { mechanisms, channelBindings: bindings.elements.map((binding) => binding.attrs['type'] ?? '') };
}

// ── SASL2 ──

type Sasl2Offer = NonNullable<ReturnType<typeof authentication.read>>;

async function loginSasl2(transport: Transport, request: LoginRequest, features: XmlElement, offer: Sasl2Offer): Promise<LoginResult> {
  const inlineFeatures = new Set((offer.inline?.bind?.inline?.features ?? []).map((feature) => feature.var));
  const takesTokens = offer.inline?.fast?.mechanisms.includes(FAST_MECHANISM) === true;
  const binds = offer.inline?.bind !== undefined && request.invalidate !== true;
  const password = request.credential.kind === 'password';
  const previous = offer.inline?.sm === true ? request.previous : undefined;
  const extras: XmlElement[] = [
    userAgent.write({ id: request.agent.id, software: request.agent.software, device: request.agent.device }),
  ];
  if (previous?.id !== undefined) extras.push(resumeRequest(previous));
  if (binds) {
    extras.push(xml(NS.bind2, 'bind', {},
      xml(NS.bind2, 'tag', {}, request.agent.software),
      inlineFeatures.has(NS.sm) && xml(NS.sm, 'enable', { resume: 'true' }),
      inlineFeatures.has(NS.carbons) && enableCarbons.write({}),
      inlineFeatures.has(NS.csi) && (request.active ? active : inactive).write({})));
  }
  if (password) {
    if (takesTokens) extras.push(requestToken.write({ mechanism: FAST_MECHANISM }));
  } else {
    extras.push(fast.write(request.invalidate === true ? { invalidate: true } : {}));
  }
  const success = password
    ? await scramSasl2(transport, request, features, offer, extras)
    : await tokenSasl2(transport, request, takesTokens, extras);

  const outcome = sasl2Success.read(success);
  const jid = fullOf(outcome?.identity);
  if (jid === undefined || bareOf(jid) !== request.address) throw new ProtocolError('signed in as somebody else');
  const newToken = fastToken.in(success);
  const base = { byPassword: password, token: newToken && { token: newToken.token, expiry: newToken.expiry } };
  const again = resumed.in(success);
  if (again && previous && again.previd === previous.id) {
    return { ...base, jid: '', resumed: true, sm: previous, again: previous.resume(again.h), carbons: true, features: new Set() };
  }
  noteFailedResume(failed.in(success), previous);
  const binding = bound.in(success);
  if (request.invalidate === true) {
    return { ...base, jid, resumed: false, sm: undefined, again: [], carbons: false, features: new Set() };
  }
  const after = await readFeatures(transport);
  if (!binding) return bindResource(transport, request, after, base);
  const management = binding.enabled
    ? new StreamManagement(binding.enabled.resume === true ? binding.enabled.id : undefined, binding.enabled.max)
    : await enableManagement(transport, after);
  return {
    ...base, jid, resumed: false, sm: management, again: [],
    carbons: inlineFeatures.has(NS.carbons), features: featureNames(after),
  };
}

function resumeRequest(previous: StreamManagement): XmlElement {
  previous.forgetUnhandled();
  return resume.write({ previd: previous.id ?? '', h: previous.h });
}

/** A failed resumption may still tell how far the server got (XEP-0198 section 6). */
function noteFailedResume(failure: { h?: number } | undefined, previous: StreamManagement | undefined): void {
  if (failure?.h !== undefined && previous) {
    try {
      previous.acknowledge(failure.h);
    } catch {
      // The old stream is gone in any case; the archive tells what arrived.
    }
  }
}

async function scramSasl2(
  transport: Transport, request: LoginRequest, features: XmlElement, offer: Sasl2Offer, extras: readonly XmlElement[],
): Promise<XmlElement> {
  if (request.credential.kind !== 'password') throw new ProtocolError('password expected');
  const mechanism = chooseMechanism(offer.mechanisms);
  if (!mechanism) throw new AuthError('invalid-mechanism', `offered: ${offer.mechanisms.join(', ')}`);
  const scram = new ScramClient(mechanism, parseJid(request.address).local, saslprepOrRaw(request.credential.password),
    advertised(features, offer.mechanisms));
  transport.send(xml(NS.sasl2, 'authenticate', { mechanism },
    xml(NS.sasl2, 'initial-response', {}, toBase64(scram.first())), ...extras));
  for (let rounds = 0; rounds < 4; rounds++) {
    const element = await transport.receive();
    if (element.is(NS.sasl2, 'failure')) throw AuthError.read(element);
    const challenge = sasl2Challenge.read(element);
    if (challenge) {
      transport.send(sasl2Response.write({ data: await scram.final(challenge.data) }));
      continue;
    }
    if (element.is(NS.sasl2, 'success')) {
      scram.verify(sasl2Success.read(element)?.data);
      return element;
    }
    if (element.is(NS.sasl2, 'continue')) throw new AuthError('account-disabled', 'the server asks for a second factor');
    break;
  }
  throw new ProtocolError('unexpected answer to authentication');
}

async function tokenSasl2(
  transport: Transport, request: LoginRequest, takesTokens: boolean, extras: readonly XmlElement[],
): Promise<XmlElement> {
  if (request.credential.kind !== 'token') throw new ProtocolError('token expected');
  if (!takesTokens) throw new AuthError('credentials-expired', 'the server does not take tokens any more');
  const first = await htFirst(parseJid(request.address).local, request.credential.token);
  transport.send(xml(NS.sasl2, 'authenticate', { mechanism: FAST_MECHANISM },
    xml(NS.sasl2, 'initial-response', {}, toBase64(first)), ...extras));
  const element = await transport.receive();
  if (element.is(NS.sasl2, 'failure')) throw AuthError.read(element);
  if (!element.is(NS.sasl2, 'success')) throw new ProtocolError('unexpected answer to authentication');
  await htVerify(request.credential.token, sasl2Success.read(element)?.data);
  return element;
}

// ── RFC 6120 ──

type Base = Pick<LoginResult, 'byPassword' | 'token'>;

async function loginSasl1(transport: Transport, request: LoginRequest, features: XmlElement): Promise<LoginResult> {
  if (request.credential.kind !== 'password') throw new ProtocolError('password expected');
  const { domain, local } = parseJid(request.address);
  const mechanisms = (features.child('mechanisms', NS.sasl)?.elements ?? [])
    .filter((element) => element.is(NS.sasl, 'mechanism')).map((element) => element.text);
  const mechanism = chooseMechanism(mechanisms);
  if (!mechanism) throw new AuthError('invalid-mechanism', `offered: ${mechanisms.join(', ')}`);
  const scram = new ScramClient(mechanism, local, saslprepOrRaw(request.credential.password), advertised(features, mechanisms));
  transport.send(xml(NS.sasl, 'auth', { mechanism }, toBase64(scram.first())));
  await answerSasl1(transport, scram);
  await transport.open(domain, request.address);
  const after = await readFeatures(transport);
  const base: Base = { byPassword: true, token: undefined };
  const { previous } = request;
  if (previous?.id !== undefined && after.child('sm', NS.sm)) {
    transport.send(resumeRequest(previous));
    const answer = await transport.receive();
    const again = resumed.read(answer);
    if (again && again.previd === previous.id) {
      return { ...base, jid: '', resumed: true, sm: previous, again: previous.resume(again.h), carbons: true, features: new Set() };
    }
    if (!answer.is(NS.sm, 'failed')) throw new ProtocolError('unexpected answer to resumption');
    noteFailedResume(failed.read(answer), previous);
  }
  return bindResource(transport, request, after, base);
}

async function answerSasl1(transport: Transport, scram: ScramClient): Promise<void> {
  let proven = false;
  for (let rounds = 0; rounds < 4; rounds++) {
    const element = await transport.receive();
    if (element.is(NS.sasl, 'failure')) throw AuthError.read(element);
    if (element.is(NS.sasl, 'challenge')) {
      const data = decode(element.text);
      if (proven) throw new ProtocolError('unexpected challenge');
      // The server's proof may come as one more challenge, answered by an empty response.
      if (data[0] === 0x76 /* v= */ || data[0] === 0x65 /* e= */) {
        scram.verify(data);
        proven = true;
        transport.send(xml(NS.sasl, 'response'));
      } else {
        transport.send(xml(NS.sasl, 'response', {}, toBase64(await scram.final(data))));
      }
      continue;
    }
    if (element.is(NS.sasl, 'success')) {
      if (!proven) scram.verify(decode(element.text));
      return;
    }
    break;
  }
  throw new ProtocolError('unexpected answer to authentication');
}

function decode(text: string): Bytes {
  try {
    return fromBase64(text);
  } catch {
    throw new ProtocolError('SASL data is not base64');
  }
}

async function bindResource(transport: Transport, request: LoginRequest, features: XmlElement, base: Base): Promise<LoginResult> {
  transport.send(xml(NS.client, 'iq', { type: 'set', id: 'bind' }, xml(NS.bind, 'bind')));
  const answer = await transport.receive();
  if (answer.is(NS.client, 'iq') && answer.attrs['type'] === 'error') throw StanzaError.read(answer);
  const jid = fullOf(answer.child('bind', NS.bind)?.child('jid')?.text);
  if (jid === undefined || bareOf(jid) !== request.address) throw new ProtocolError('bound to somebody else');
  const session = features.child('session', NS.session);
  if (session && !session.child('optional')) {
    // RFC 3921 servers still ask for it.
    transport.send(xml(NS.client, 'iq', { type: 'set', id: 'session' }, xml(NS.session, 'session')));
    await transport.receive();
  }
  return {
    ...base, jid, resumed: false, sm: await enableManagement(transport, features), again: [],
    carbons: false, features: featureNames(features),
  };
}

/** Nothing was sent before, so that no stanza can come between the request and its answer. */
async function enableManagement(transport: Transport, features: XmlElement): Promise<StreamManagement | undefined> {
  if (!features.child('sm', NS.sm)) return undefined;
  transport.send(xml(NS.sm, 'enable', { resume: 'true' }));
  const answer = await transport.receive();
  const result = enabled.read(answer);
  if (result) return new StreamManagement(result.resume === true ? result.id : undefined, result.max);
  if (answer.is(NS.sm, 'failed')) return undefined;
  throw new ProtocolError('unexpected answer to stream management');
}
