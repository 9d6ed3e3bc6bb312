/** The files of a walk, and all the ways that lead to them. */
import fs from "node:fs";
import { join } from "node:path";
import {
	type Dir,
	type File,
	type Location,
	openDirSync,
	openSync,
	type Target,
} from "../../src/index.ts";
import type { Abilities } from "./abilities.ts";
import { MOST, type Via } from "./choices.ts";
import type { Content } from "./content.ts";
import { Divergence, type Which } from "./step.ts";

const scratch = Buffer.alloc(4 * MOST);

/** Where two stretches of bytes differ first. */
function differing(
	what: string,
	found: Uint8Array,
	expected: Uint8Array,
	from: number,
): Divergence {
	let at = 0;
	while (at < found.length && found[at] === expected[at]) at++;
	let until = Math.max(found.length, expected.length);
	while (until > at && found[until - 1] === expected[until - 1]) until--;
	return new Divergence(
		`${what} differs from byte ${from + at} to ${from + until}: ` +
			`${Buffer.from(found.subarray(at, at + 8)).toString("hex")}… instead of ` +
			`${Buffer.from(expected.subarray(at, at + 8)).toString("hex")}…`,
	);
}

/** Throws unless the bytes are these. */
export function sameBytes(what: string, found: Uint8Array, expected: Uint8Array, from = 0): void {
	if (found.length !== expected.length) {
		throw new Divergence(`${what} has ${found.length} bytes instead of ${expected.length}`);
	}
	if (Buffer.compare(found, expected) !== 0) throw differing(what, found, expected, from);
}

/** One file, opened in all the ways in which steps use it. */
export class RealFile {
	readonly path: string;
	file: File;
	descriptor: number;
	direct: File | undefined;
	private witness: number;

	constructor(
		readonly dir: Dir,
		directory: string,
		readonly name: string,
		private readonly abilities: Abilities,
	) {
		this.path = join(directory, name);
		this.file = openSync(this.path, "r+");
		this.descriptor = fs.openSync(this.path, "r+");
		this.witness = fs.openSync(this.path, "r");
		this.direct = this.openDirect();
	}

	private openDirect(): File | undefined {
		try {
			return openSync(this.path, "r+", { direct: true });
		} catch (error) {
			const { code } = error as { code?: string };
			if (code === "ENOTSUP" && !this.abilities.has("direct")) return undefined;
			throw error;
		}
	}

	location(via: "path" | "at"): Location {
		return via === "path" ? this.path : this.dir.at(this.name);
	}

	target(via: Via): Target {
		if (via === "file") return this.file;
		return via === "descriptor" ? this.descriptor : this.location(via);
	}

	get size(): number {
		return fs.fstatSync(this.witness).size;
	}

	/** Bytes that the file takes up. */
	get allocated(): number {
		return fs.fstatSync(this.witness).blocks * 512;
	}

	/** What `node:fs` reads of a range: good until it reads again. */
	witnessed(from: number, length: number): Uint8Array {
		return scratch.subarray(0, fs.readSync(this.witness, scratch, 0, length, from));
	}

	/** Holds what was touched, and the size, against what the file must hold. */
	compare(content: Content): void {
		const { size } = this;
		if (size !== content.size) {
			throw new Divergence(`${this.name} has ${size} bytes instead of ${content.size}`);
		}
		const touched = content.takeTouched(this.abilities.block);
		if (touched === undefined) return;
		const [from, to] = touched;
		const found = this.witnessed(from, to - from);
		sameBytes(`${this.name} in ${from} to ${to}`, found, content.read(from, to - from), from);
	}

	compareAll(content: Content): void {
		content.touch(0, Math.max(content.size, 1));
		this.compare(content);
	}

	/** Has the page cache written back and dropped. */
	forget(): void {
		fs.fsyncSync(this.descriptor);
		const command = ["dd", `if=${this.path}`, "iflag=nocache", "count=0", "status=none"];
		const { success, stderr } = Bun.spawnSync(command);
		if (!success) throw new Error(`${command.join(" ")}: ${stderr}`);
	}

	/** The name leads to another file: what was open must not have changed. */
	replaced(former: Uint8Array): void {
		const found = this.witnessed(0, scratch.length);
		sameBytes(`what ${this.name} was before it was replaced`, found, former);
		this.close();
		this.file = openSync(this.dir.at(this.name), "r+");
		this.descriptor = fs.openSync(this.path, "r+");
		this.witness = fs.openSync(this.path, "r");
		this.direct = this.openDirect();
	}

	close(): void {
		this.file.closeSync();
		this.direct?.closeSync();
		fs.closeSync(this.descriptor);
		fs.closeSync(this.witness);
	}
}

export class Real {
	readonly files: readonly [RealFile, RealFile];
	private readonly dir: Dir;

	/** Two new, empty files in a directory. */
	constructor(
		private readonly directory: string,
		readonly abilities: Abilities,
	) {
		for (const name of ["one", "two"]) fs.writeFileSync(join(directory, name), "");
		this.dir = openDirSync(directory, { beneath: true });
		const file = (name: string) => new RealFile(this.dir, directory, name, abilities);
		this.files = [file("one"), file("two")];
	}

	/** Compares once more, with what comes from the disk; nothing else may be in the directory. */
	compareOnDisk(files: readonly [Content, Content]): void {
		const names = fs.readdirSync(this.directory).sort();
		if (names.join() !== "one,two") throw new Divergence(`what is in the directory: ${names}`);
		for (const which of [0, 1] as const) {
			this.of(which).forget();
			this.of(which).compareAll(files[which]);
		}
	}

	close(): void {
		for (const file of this.files) {
			file.close();
			fs.rmSync(file.path, { force: true });
		}
		this.dir.closeSync();
	}

	of(which: Which): RealFile {
		return this.files[which];
	}
}
