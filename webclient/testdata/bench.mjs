// SPDX-License-Identifier: AGPL-3.0-or-later

// node bench.mjs WASM_EXEC MODULE

import { load } from "./load.mjs";
import { bench } from "./measure.mjs";

const begin = performance.now();
const core = await load();
console.log(`start-up ${(performance.now() - begin).toFixed(0)} ms`);
bench(core, console.log);
console.log(`\nmemory ${(process.memoryUsage().rss / 2 ** 20).toFixed(0)} MiB resident`);
process.exit(0);
