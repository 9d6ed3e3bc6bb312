import type { Command } from "commander";
import { type Capabilities, type Capability, capabilities } from "../index.ts";
import { locationOf } from "./arguments.ts";
import { print } from "./output.ts";
import { coloured, jsonText, safeText, showsColours, tableText } from "./text.ts";

export function addDoctor(program: Command): void {
	program
		.command("doctor")
		.description("show what this machine, and the filesystem of a path, can do")
		.argument("[path]", "a directory, or a file in it", ".")
		.option("--json", "print an object")
		.action(async (path: string, { json = false }: { json?: boolean }) => {
			const found = await capabilities(locationOf(path));
			print(json ? jsonText(found) : doctorText(found, showsColours(process.stdout)));
		});
}

/** The capability table, for people. */
export function doctorText(found: Capabilities, colours: boolean): string {
	const { engine, filesystem, operations } = found;
	const { type = "unknown", mountPoint } = filesystem;
	const mount = mountPoint === undefined ? "" : `, mounted at ${safeText(mountPoint)}`;
	const bold = (text: string) => coloured(text, "bold", colours);
	const queue = found.system === "Windows" ? "completion port" : "io_uring";
	const heading = [
		["system", `${found.system} ${found.release}, ${found.architecture}, ${found.runtime}`],
		["kernel entry", by(engine.kernel)],
		[queue, engine.ring.supported ? `yes, ${by(engine.ring)}` : `no: ${engine.ring.note}`],
		["lanes", engine.lanes.join(", ")],
		["filesystem", `${type}${mount}`],
	];
	const part = (title: string, of: Capability["of"]) => {
		const rows = operations.filter((one) => one.of === of).map((one) => row(one, colours));
		return `${bold(title)}\n${tableText(rows)}`;
	};
	return [
		tableText(heading),
		part("This system", "system"),
		part(`This filesystem (${type})`, "filesystem"),
	].join("\n\n");
}

function by({ by: who = "unknown", note }: { by?: string; note?: string }): string {
	return note === undefined ? `by ${who}` : `by ${who} (${note})`;
}

function row({ name, supported, by, opcode, note }: Capability, colours: boolean): string[] {
	const way = opcode === undefined ? by : `${by}, ring ${opcode}`;
	const said = [supported === true ? way : undefined, note].filter(Boolean).join("; ");
	return [`  ${name}`, verdict(supported, colours), safeText(said)];
}

function verdict(supported: boolean | undefined, colours: boolean): string {
	if (supported === undefined) return coloured("?", "yellow", colours);
	return supported ? coloured("yes", "green", colours) : coloured("no", "red", colours);
}
