import type { Call, Kernel, Lane } from "../../engine/call.ts";
import type { System } from "../system.ts";
import { nr } from "./calls.ts";
import { copy } from "./copy.ts";
import { device } from "./device.ts";
import { directory } from "./directory.ts";
import { closeEntry, enter, entry } from "./entry.ts";
import { Errno } from "./errno.ts";
import { file } from "./file.ts";
import { hardlink } from "./hardlink.ts";
import { ImmediateAnswers } from "./immediate.ts";
import { metadata } from "./metadata.ts";
import { ownership } from "./ownership.ts";
import { rename } from "./rename.ts";
import { symlink } from "./symlink.ts";
import { xattr } from "./xattr.ts";

let immediate: ImmediateAnswers | undefined;

const kernel: Kernel = {
	direct({ fn, a, b, c, d, e, f }: Call): number {
		if (fn === nr.close) immediate?.forget(a);
		return enter(fn, a, b, c, d, e, f);
	},

	immediate(call: Call): number {
		immediate ??= new ImmediateAnswers(entry().call);
		return immediate.answer(call);
	},

	interrupted({ fn }: Call, result: number): boolean {
		// The descriptor of an interrupted close is closed all the same; another may have it by now.
		return result === -Errno.EINTR && fn !== nr.close;
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

	reset(): void {
		immediate?.end();
		immediate = undefined;
		closeEntry();
	},
};

export const system: System = {
	name: "Linux",
	kernel,
	file,
	directory,
	metadata,
	ownership,
	xattr,
	symlink,
	hardlink,
	rename,
	device,
	copy,
	get capabilities() {
		const loaded = require("./capabilities.ts") as typeof import("./capabilities.ts");
		return loaded.capabilities;
	},
};
