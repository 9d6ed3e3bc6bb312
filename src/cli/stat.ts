import type { Command } from "commander";
import { type Metadata, major, minor, stat } from "../index.ts";
import { locationOf } from "./arguments.ts";
import { fail } from "./failure.ts";
import { print } from "./output.ts";
import { jsonText, safeText, sizeText, tableText } from "./text.ts";

interface StatFlags {
	readonly follow: boolean;
	readonly json?: boolean;
}

export function addStat(program: Command): void {
	program
		.command("stat")
		.description("show what the system knows about files, with nanosecond times")
		.argument("<path...>", "files and directories")
		.option("--no-follow", "of a symbolic link: the link itself")
		.option("--json", "print an array of objects")
		.action(showStat);
}

async function showStat(paths: string[], { follow, json = false }: StatFlags): Promise<void> {
	const found: { path: string; metadata: Metadata }[] = [];
	for (const path of paths) {
		try {
			found.push({ path, metadata: await stat(locationOf(path), { follow }) });
		} catch (error) {
			// The other paths are shown all the same.
			process.exitCode = fail(error, json);
		}
	}
	if (json) {
		const list = found.map(({ path, metadata }) => ({
			path: path.toWellFormed(),
			...metadata.toJSON(),
		}));
		print(jsonText(list));
	} else {
		const texts = found.map(({ path, metadata }) => statText(path, metadata));
		if (texts.length > 0) print(texts.join("\n\n"));
	}
}

function statText(path: string, metadata: Metadata): string {
	const { kind, size, blocks, blockSize, permissions, uid, gid, directIo } = metadata;
	const allocated = blocks * 512;
	const flags = Object.entries(metadata.attributes).filter(([, set]) => set);
	const rows = [
		["path", safeText(path.toWellFormed())],
		["kind", kind],
		["size", `${size} bytes (${sizeText(size)}), ${sizeText(allocated)} allocated`],
		["permissions", `0${permissions.toString(8).padStart(3, "0")}`],
		["owner", `${uid}:${gid}`],
		["links", String(metadata.nlink)],
		["inode", `${metadata.ino} on device ${deviceText(metadata.dev)}`],
		["modified", timeText(metadata.mtimeNs)],
		["accessed", timeText(metadata.atimeNs)],
		["changed", timeText(metadata.ctimeNs)],
		["born", metadata.birthtimeNs === undefined ? "not kept" : timeText(metadata.birthtimeNs)],
		["block size", String(blockSize)],
	];
	if (kind.endsWith("device")) rows.push(["device", deviceText(metadata.rdev)]);
	if (metadata.subvolume !== undefined) rows.push(["subvolume", String(metadata.subvolume)]);
	if (flags.length > 0) rows.push(["attributes", flags.map(([name]) => name).join(", ")]);
	if (directIo !== undefined) {
		const { memoryAlign, offsetAlign } = directIo;
		rows.push(["direct I/O", `memory aligned to ${memoryAlign}, offsets to ${offsetAlign}`]);
	}
	return tableText(rows);
}

function deviceText(device: bigint): string {
	return `${major(device)}:${minor(device)}`;
}

const BILLION = 1_000_000_000n;

/** ISO 8601 in UTC, with all nine digits; the nanoseconds alone for years beyond a `Date`. */
function timeText(nanoseconds: bigint): string {
	const rest = ((nanoseconds % BILLION) + BILLION) % BILLION;
	const date = new Date(Number((nanoseconds - rest) / BILLION) * 1000);
	if (Number.isNaN(date.getTime())) return `${nanoseconds} ns since 1970`;
	return date.toISOString().replace(/\.\d+Z$/, `.${String(rest).padStart(9, "0")}Z`);
}
