/** Go's support script for WebAssembly: importing it defines `Go` globally. */
declare module '*/wasm_exec.js';
