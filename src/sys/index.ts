/** The dispatcher: picks the system at import time, and only that one is loaded. */
import type { System } from "./system.ts";

/** Which system to load in place of the one that runs: for tests against a stand-in. */
const wanted = process.env.BUN_FS_EXTENDED_SYSTEM ?? process.platform;

// `require` and not `await import`, which would keep programs from requiring the library.
function load(): System {
	switch (wanted) {
		case "linux":
		case "android":
			return (require("./linux/index.ts") as typeof import("./linux/index.ts")).system;
		case "darwin":
			return (require("./darwin/index.ts") as typeof import("./darwin/index.ts")).system;
		case "win32":
		case "windows":
			return (require("./windows/index.ts") as typeof import("./windows/index.ts")).system;
		default: {
			const { unwritten } = require("./unwritten.ts") as typeof import("./unwritten.ts");
			return unwritten(wanted);
		}
	}
}

export const system: System = load();
