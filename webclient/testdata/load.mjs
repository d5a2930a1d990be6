// SPDX-License-Identifier: AGPL-3.0-or-later

// Loads the bridge into this process: node SCRIPT WASM_EXEC MODULE

import { readFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";
import { load as loadCore } from "../kith-omemo.js";

export async function load() {
  const [wasmExec, module] = process.argv.slice(2);
  await import(pathToFileURL(wasmExec).href);
  return await loadCore(readFile(module));
}
