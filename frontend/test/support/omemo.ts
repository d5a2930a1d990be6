/** The real OMEMO core, loaded into this process. */
import { readFile } from 'node:fs/promises';
import { load } from '../../../webclient/kith-omemo.js';
import { bridge } from '../../src/crypto/bridge';
import type { OmemoEngine } from '../../src/crypto/engine';

const DIRECTORY = new URL('../../generated/', import.meta.url);

let loaded: Promise<OmemoEngine> | undefined;

export function loadEngine(): Promise<OmemoEngine> {
  loaded ??= read();
  return loaded;
}

async function read(): Promise<OmemoEngine> {
  let module: Uint8Array<ArrayBuffer>;
  try {
    module = new Uint8Array(await readFile(new URL('kith-omemo.wasm', DIRECTORY)));
    await import(/* @vite-ignore */ new URL('wasm_exec.js', DIRECTORY).href);
  } catch (error) {
    throw new Error('the OMEMO core is not built: run "make wasm"', { cause: error });
  }
  return bridge(await load(module));
}
