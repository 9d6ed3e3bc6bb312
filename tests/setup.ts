/** Runs around the whole suite: descriptors, workers and rings that a test leaves open are found. */
import { afterAll, beforeAll, expect } from "bun:test";
import { readdirSync, readlinkSync } from "node:fs";
import { stopEngine } from "../src/index.ts";

let before: Map<string, string>;

/** What each descriptor of this process is, by number; the listing's own is left out. */
function openDescriptors(): Map<string, string> {
	const found = new Map<string, string>();
	for (const fd of readdirSync("/proc/self/fd")) {
		try {
			found.set(fd, readlinkSync(`/proc/self/fd/${fd}`));
		} catch {
			// The descriptor of the listing itself.
		}
	}
	return found;
}

/** Descriptors of the runtime's own, which come and go as it pleases. */
const OWN = /^(anon_inode:(?!\[io_uring\])|pipe:|\/dev\/|.*\/node_modules\/)/;

function leftOpen(): [fd: string, name: string][] {
	// Of output that goes to a file the runtime makes further descriptors as it writes.
	const output = new Set([before.get("1"), before.get("2")]);
	return [...openDescriptors()].filter(
		([fd, name]) => before.get(fd) !== name && !OWN.test(name) && !output.has(name),
	);
}

if (process.platform === "linux") {
	beforeAll(async () => {
		await stopEngine();
		before = openDescriptors();
	});

	afterAll(async () => {
		await stopEngine();
		// The runtime closes the sockets to child processes some time after they have ended.
		for (let tries = 0; tries < 100 && leftOpen().length > 0; tries++) await Bun.sleep(10);
		expect(leftOpen()).toEqual([]);
	});
}
