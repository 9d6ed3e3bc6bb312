import type { System } from "../system.ts";
import { unwritten } from "../unwritten.ts";

/** The part for macOS is not written yet: everything throws `ENOTSUP`. */
export const system: System = unwritten("macOS");
