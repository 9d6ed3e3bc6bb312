/** The worker that waits for packets on a completion port: it does nothing else. */
import { Memory } from "../../engine/memory.ts";
import { enter } from "./entry.ts";
import { fileIoCompletionInformation } from "./layouts.ts";
import type { Packets } from "./port.ts";

declare const self: Worker;

/** Packets in a batch, at most. */
const MOST = 256;

self.onmessage = ({ data: port }: MessageEvent<number>) => {
	const memory = new Memory();
	const { size, apcContext } = fileIoCompletionInformation;
	const entries = memory.reserve(MOST * size);
	const count = memory.reserve(8);
	const wait = enter("NtRemoveIoCompletionEx");
	for (let ending = false; !ending; ) {
		if (wait(port, entries.address, MOST, count.address, 0, 0) < 0) break;
		const packets: number[] = [];
		for (let i = 0; i < count.u32(0); i++) {
			const packet = entries.u64(i * size + apcContext);
			if (packet === 0) ending = true;
			else packets.push(packet);
		}
		if (packets.length > 0) postMessage(packets satisfies Packets);
	}
	memory.free();
	memory.discard();
	process.exit(0);
};
