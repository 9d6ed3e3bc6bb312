/** A directory of the real filesystem and the model of it, side by side. */
import { expect } from "bun:test";
import fs from "node:fs";
import { join } from "node:path";
import { type Dir, type DirEntry, FsError, type Location } from "../src/index.ts";
import { bothForms, type Forms } from "./forms.ts";
import { acts, type Name, type Step } from "./names-acts.ts";
import { NamesModel } from "./names-model.ts";
import {
	type Directory,
	isDirectory,
	type Node,
	type Place,
	Refused,
	type Traits,
	Unknown,
} from "./names-walk.ts";

type Form = keyof typeof bothForms;

/** An open directory, and what it is in the model. */
interface Base {
	readonly dir: Dir;
	readonly node: Directory;
}

/** What all names begin at is called in the directory that the test was given. */
const BASE = "base";

const binary = (text: string) => Buffer.from(text, "latin1");

export class World implements AsyncDisposable {
	readonly fsx: Forms;
	readonly model: NamesModel;
	readonly anyInode = expect.any(BigInt);
	/** By the number in `VIAS`; the first, a path, needs none. */
	private readonly bases: Base[] = [];
	private readonly taken: string[] = [];
	private constructor(
		private readonly directory: string,
		private readonly form: Form,
		traits: Traits,
	) {
		this.fsx = bothForms[form];
		this.model = new NamesModel(directory, traits);
		fs.mkdirSync(join(directory, BASE));
	}

	static async open(directory: string, form: Form, traits: Traits): Promise<World> {
		const world = new World(directory, form, traits);
		const node = world.model.pin(BASE);
		for (const via of [1, 2, 3, 4]) {
			const dir = await world.fsx.openDir(join(directory, BASE), { beneath: via % 2 === 0 });
			world.bases[via] = { dir, node };
		}
		return world;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		for (const base of this.bases.values()) await base?.dir.close();
	}

	/** A name for the model. */
	place({ via, path }: Name): Place {
		const base = this.bases[via];
		if (base === undefined) {
			return { from: this.model.root, confined: false, path: `${BASE}/${path}` };
		}
		return { from: base.node, confined: base.dir.beneath, path };
	}

	/** The same name for the library. */
	location({ via, path, bytes }: Name): Location {
		const base = this.bases[via];
		const full = base === undefined ? `${this.directory}/${BASE}/${path}` : path;
		const name = bytes || /[^ -~]/.test(full) ? binary(full) : full;
		return base === undefined ? name : base.dir.at(name);
	}

	target(target: string): string {
		return target.startsWith("/") ? `${this.directory}/${BASE}${target}` : target;
	}

	/** Puts an open directory in the place of another. */
	adopt(dir: Dir, place: Name, via: number): void {
		try {
			const node = this.model.openDir(this.place(place));
			this.bases[via]?.dir.closeSync();
			this.bases[via] = { dir, node };
		} catch {
			// It should not have been opened, as is about to be found.
			dir.closeSync();
		}
	}

	async entriesOf(dir: Dir): Promise<DirEntry<Uint8Array>[]> {
		const options = { encoding: "buffer" } as const;
		return this.form === "sync"
			? [...dir.entriesSync(options)]
			: Array.fromAsync(dir.entries(options));
	}

	/** What stat gives for a node, as far as the model knows. */
	described(node: Node) {
		const { kind, ino = this.anyInode, target } = node;
		if (!isDirectory(node)) return { kind, ino, nlink: node.names, size: target.length };
		const nlink = this.model.traits.countsSubdirectories ? 2 + node.subdirectories : 1;
		// What is left of one that was removed, filesystems count differently.
		const known = this.model.isRemoved(node) ? expect.any(Number) : nlink;
		return { kind, ino, nlink: known, size: undefined };
	}

	/** Takes a step in both; throws an account of all steps if they do not come to the same. */
	async take(step: Step): Promise<void> {
		const { model, real, text } = acts[step.act];
		let expected: unknown;
		try {
			expected = { value: model(this, step) };
		} catch (error) {
			if (error instanceof Unknown) return;
			if (!(error instanceof Refused)) throw error;
			expected = { code: error.code };
		}
		const actual = await real(this, step).then(
			(value) => ({ value }),
			(error) => (error instanceof FsError ? { code: error.code } : Promise.reject(error)),
		);
		this.taken.push(`${step.act} ${text(step)}`);
		this.hold(() => expect(actual).toEqual(expected as typeof actual));
	}

	/** Holds the whole tree against what node:fs finds. */
	compare(): void {
		const seen = new Map<bigint, Node>();
		this.taken.push("(what node:fs finds)");
		this.hold(() => this.compareEntries(this.model.root, binary(this.directory), seen));
		this.taken.pop();
	}

	private compareEntries(model: Directory, path: Buffer, seen: Map<bigint, Node>): void {
		const names = fs.readdirSync(path, "buffer").map((name) => name.toString("latin1"));
		expect([path.toString("latin1"), names.sort()]).toEqual([
			path.toString("latin1"),
			[...model.entries.keys()].sort(),
		]);
		for (const [name, node] of model.entries) {
			const file = Buffer.concat([path, binary(`/${name}`)]);
			const found = fs.lstatSync(file, { bigint: true });
			node.ino ??= found.ino;
			seen.set(found.ino, seen.get(found.ino) ?? node);
			const kind = found.isDirectory() ? "directory" : found.isFile() ? "file" : "symlink";
			const size = kind === "directory" ? undefined : Number(found.size);
			const { ino } = found;
			expect([file.toString("latin1"), { kind, ino, nlink: Number(found.nlink), size }]).toEqual([
				file.toString("latin1"),
				this.described(node),
			]);
			expect(seen.get(ino) === node).toBe(true);
			if (kind === "symlink") {
				expect(fs.readlinkSync(file, "buffer").toString("latin1")).toBe(node.target);
			}
			if (isDirectory(node)) this.compareEntries(node, file, seen);
		}
	}

	private hold(check: () => void): void {
		try {
			check();
		} catch (error) {
			const reason = error instanceof Error ? Bun.stripANSI(error.message) : String(error);
			throw new Error(`after these steps:\n  ${this.taken.join("\n  ")}\n${reason}`);
		}
	}
}
