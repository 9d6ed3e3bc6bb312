import type { Call, Kernel, Lane } from "../../engine/call.ts";
import { assembled } from "../parts.ts";
import type { System } from "../system.ts";
import { utf8Names } from "../utf8-names.ts";
import { nr } from "./calls.ts";
import { directory } from "./directory.ts";
import { closeEntry, enter, entry } from "./entry.ts";
import { Errno } from "./errno.ts";
import { file } from "./file.ts";
import type { ImmediateAnswers } from "./immediate.ts";
import { metadata } from "./metadata.ts";

/** Looked at in every direct call: a constant of its own is quicker than one of a table. */
const CLOSE = nr.close;

let immediate: ImmediateAnswers | undefined;

function openImmediate(): ImmediateAnswers {
	const { ImmediateAnswers } = require("./immediate.ts") as typeof import("./immediate.ts");
	return new ImmediateAnswers(entry().call);
}

/**
 * EINTR, and the kernel's own ERESTARTSYS, ERESTARTNOINTR, ERESTARTNOHAND and ERESTART_RESTARTBLOCK:
 * returning from a call turns these into another try or EINTR, but the ring reports some as they are.
 */
const interruptions = new Set<number>([Errno.EINTR, 512, 513, 514, 516]);

const kernel: Kernel = {
	direct({ fn, a, b, c, d, e, f }: Call): number {
		if (fn === CLOSE && immediate !== undefined) immediate.forget(a);
		return enter(fn, a, b, c, d, e, f);
	},

	immediate(call: Call): number {
		immediate ??= openImmediate();
		return immediate.answer(call);
	},

	interrupted({ fn }: Call, result: number): boolean {
		// The descriptor of an interrupted close is closed all the same; another may have it by now.
		return interruptions.has(-result) && fn !== nr.close;
	},

	cleansUp({ fn }: Call): boolean {
		return fn === nr.close || fn === nr.unlinkat;
	},

	handedOver({ fn, a }: Call): void {
		if (fn === nr.close) immediate?.forget(a);
	},

	openQueue(): Lane | string {
		try {
			// Loaded when it is needed: many programs never are so busy.
			const { RingLane } = require("./ring/lane.ts") as typeof import("./ring/lane.ts");
			return new RingLane(entry().call);
		} catch (error) {
			return error instanceof Error ? error.message : String(error);
		}
	},

	waits({ fn, b: count, c: timeout }: Call): boolean {
		return fn === nr.ppoll && count === 1 && timeout === 0;
	},

	openWaits(): Lane {
		const { PollLane } = require("./poll-lane.ts") as typeof import("./poll-lane.ts");
		return new PollLane(entry().call);
	},

	reset(): void {
		immediate?.end();
		immediate = undefined;
		closeEntry();
	},
};

export const system: System = assembled(
	{ name: "Linux", kernel, names: utf8Names, descriptors: undefined, file, directory, metadata },
	{
		ownership: () => (require("./ownership.ts") as typeof import("./ownership.ts")).ownership,
		xattr: () => (require("./xattr.ts") as typeof import("./xattr.ts")).xattr,
		symlink: () => (require("./symlink.ts") as typeof import("./symlink.ts")).symlink,
		hardlink: () => (require("./hardlink.ts") as typeof import("./hardlink.ts")).hardlink,
		rename: () => (require("./rename.ts") as typeof import("./rename.ts")).rename,
		device: () => (require("./device.ts") as typeof import("./device.ts")).device,
		copy: () => (require("./copy.ts") as typeof import("./copy.ts")).copy,
		allocate: () => (require("./allocate.ts") as typeof import("./allocate.ts")).allocate,
		advise: () => (require("./advise.ts") as typeof import("./advise.ts")).advise,
		extents: () => (require("./extents.ts") as typeof import("./extents.ts")).extents,
		lock: () => (require("./lock.ts") as typeof import("./lock.ts")).lock,
		statfs: () => (require("./statfs.ts") as typeof import("./statfs.ts")).statfs,
		flags: () => (require("./flags.ts") as typeof import("./flags.ts")).flags,
		watch: () => (require("./watch.ts") as typeof import("./watch.ts")).watch,
		capabilities: () =>
			(require("./capabilities.ts") as typeof import("./capabilities.ts")).capabilities,
	},
);
