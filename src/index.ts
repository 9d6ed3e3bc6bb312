export * from "./metadata.ts";
export * from "./errors.ts";
export { configureEngine, stopEngine } from "./engine/engine.ts";
