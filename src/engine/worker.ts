/** What a worker thread runs: calls and whole operations, one at a time, all of them direct. */
import { system } from "../sys/index.ts";
import type { Call } from "./call.ts";
import type { Reply, Request } from "./messages.ts";
import { runOffloaded } from "./offloaded.ts";
import { adoptSettings, type Settings } from "./settings.ts";

declare const self: Worker;

const reply = (message: Reply) => postMessage(message);

self.onmessage = ({ data: inherited }: MessageEvent<Settings>) => {
	adoptSettings(inherited);
	self.onmessage = ({ data: request }: MessageEvent<Request>) => {
		if (request.kind === "operation") void runOffloaded(request, reply);
		else reply(make(request.call));
	};
};

function make(call: Call): Reply {
	try {
		return { kind: "result", result: system.kernel.direct(call) };
	} catch (error) {
		return { kind: "error", error };
	}
}
