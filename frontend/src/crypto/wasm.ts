/**
 * Loads the OMEMO core, Go compiled to WebAssembly. Imported by workers only, when it is needed: it is larger than
 * everything else together.
 */
import { load } from '../../../webclient/kith-omemo.js';
import wasmUrl from '../../generated/kith-omemo.wasm?url';
import { bridge } from './bridge';
import type { OmemoEngine } from './engine';

export async function loadOmemo(): Promise<OmemoEngine> {
  const module = fetch(wasmUrl);
  module.catch(() => undefined); // `load` tells
  // Go's own support file is a script that defines `Go` globally; importing it runs it.
  await import('../../generated/wasm_exec.js');
  return bridge(await load(module));
}
