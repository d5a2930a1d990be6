/**
 * The pictures that maps are made of: from the own server alone, which gets them elsewhere. They are asked for with a pass that
 * the server gives to those who are signed in, and kept in memory only: what is on the disk would tell where people are.
 */
import type { Of } from '../xmpp/codec';
import { StanzaError } from '../xmpp/errors';
import { askMapPass, mapPass } from '../xmpp/kith_maps';
import type { Account } from './account';
import type { MapFacts, Tile } from './api';
import { fail } from './reasons';

const PATH = '/api/v1/maps/';
const TIMEOUT = 25_000;
/** A pass is asked for anew so long before it ends. */
const EARLY = 60_000;
const MAX_KEPT = 192;
const MAX_TILE = 1 << 20;
const TYPES: ReadonlySet<string> = new Set(['image/png', 'image/jpeg', 'image/webp']);

interface Pass {
  readonly token: string;
  readonly ends: number;
  readonly facts: MapFacts;
}

export class Maps {
  private pass: Promise<Pass> | undefined;
  /** Used last at the end. */
  private readonly kept = new Map<string, Promise<Blob>>();

  constructor(private readonly account: Account) {}

  /** Rejects `unsupported` where the server has no maps. */
  async facts(): Promise<MapFacts> {
    return (await this.valid()).facts;
  }

  /** Rejects `not-found` where there is no picture, `network` where it cannot be had now. */
  async tile({ z, x, y }: Tile): Promise<Blob> {
    if (![z, x, y].every((part) => Number.isSafeInteger(part) && part >= 0)) throw fail('not-found');
    const place = `${z}/${x}/${y}`;
    const known = this.kept.get(place);
    this.kept.delete(place);
    const tile = known ?? this.fetch(place);
    this.kept.set(place, tile);
    for (const [oldest] of this.kept) if (this.kept.size > MAX_KEPT) this.kept.delete(oldest);
    try {
      return await tile;
    } catch (error) {
      if (this.kept.get(place) === tile) this.kept.delete(place);
      throw error;
    }
  }

  private async fetch(place: string): Promise<Blob> {
    let response = await this.ask(place, await this.valid());
    // Its time is over, or the server began anew.
    if (response.status === 401) {
      this.pass = undefined;
      response = await this.ask(place, await this.valid());
    }
    if (response.status === 404) throw fail('not-found');
    if (response.status === 429) throw fail('throttled');
    if (!response.ok) throw fail('server', `${response.status}`);
    const type = response.headers.get('Content-Type') ?? '';
    const data = await response.blob().catch(() => { throw fail('network'); });
    if (!TYPES.has(type) || data.size > MAX_TILE) throw fail('server', 'no picture');
    return data.slice(0, data.size, type);
  }

  private async ask(place: string, { token }: Pass): Promise<Response> {
    const { origin, fetch } = this.account.platform;
    try {
      return await fetch(`${origin}${PATH}${place}`, {
        headers: { Authorization: `Bearer ${token}` }, credentials: 'omit', cache: 'no-store', redirect: 'error', signal: AbortSignal.timeout(TIMEOUT),
      });
    } catch {
      throw fail('network');
    }
  }

  /** One pass for all who need one. */
  private async valid(): Promise<Pass> {
    const { clock } = this.account.platform;
    const pass = this.pass ??= this.get();
    try {
      const got = await pass;
      if (got.ends > clock.now()) return got;
    } catch (error) {
      if (this.pass === pass) this.pass = undefined;
      throw error;
    }
    if (this.pass === pass) this.pass = undefined;
    return this.valid();
  }

  private async get(): Promise<Pass> {
    const asked = this.account.platform.clock.now();
    let answer: Of<typeof mapPass> | undefined;
    try {
      answer = mapPass.in(await this.account.stream().iq('get', askMapPass.write({}), this.account.address));
    } catch (error) {
      throw error instanceof StanzaError ? fail('unsupported') : error;
    }
    if (!answer) throw fail('server', 'no pass');
    const { token, seconds, zoom, attribution } = answer;
    return { token, ends: asked + Math.max(1, seconds * 1000 - EARLY), facts: { zoom: Math.min(Math.max(zoom, 1), 22), attribution: attribution.slice(0, 200) } };
  }
}
