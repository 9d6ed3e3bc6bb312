/** What a filesystem can do, as tools say that share no code with the library. */
import fs from "node:fs";
import { join } from "node:path";

export type Ability =
	| "preallocate"
	| "preallocateKeepSize"
	| "punchHole"
	| "zeroRange"
	| "zeroRangeKeepSize"
	| "collapseRange"
	| "insertRange"
	| "unshareRange"
	| "cloneRange"
	/** Reads and writes past the page cache. */
	| "direct"
	/** Tells where blocks are. */
	| "physical"
	/** What is punched out is told to be a hole. */
	| "holes";

/** A filesystem as the model knows it. */
export interface Abilities {
	/** Bytes in a block: what ranges that are moved or shared must be multiples of. */
	readonly block: number;
	readonly has: (ability: Ability) => boolean;
}

/** What is asked. */
export const TOOLS = ["fallocate", "xfs_io", "cp", "dd"] as const;

/** True if the tool does it, false if it says that the filesystem cannot. */
function does(...command: [tool: (typeof TOOLS)[number], ...string[]]): boolean {
	const { success, stderr, stdout } = Bun.spawnSync(command, {
		env: { ...process.env, LC_ALL: "C" },
	});
	const said = `${stdout}${stderr}`;
	if (success) return true;
	if (/not supported|unsupported|Invalid argument/.test(said)) return false;
	throw new Error(`${command.join(" ")}: ${said}`);
}

/** Tries each operation out on files of its own in a directory of the filesystem. */
export function abilitiesOf(root: string): Abilities {
	const { bsize: block } = fs.statfsSync(root);
	const directory = fs.mkdtempSync(join(root, "fsx-abilities-"));
	const file = join(directory, "file");
	const copy = join(directory, "copy");
	const range = ["-o", String(block), "-l", String(block)];
	const found = new Set<Ability>();
	const test = (ability: Ability, able: () => boolean) => {
		fs.writeFileSync(file, Buffer.alloc(4 * block, "content"));
		if (able()) found.add(ability);
	};
	try {
		test("preallocate", () => does("fallocate", ...range, file));
		test("preallocateKeepSize", () => does("fallocate", "-n", ...range, file));
		test("punchHole", () => does("fallocate", "-p", ...range, file));
		test("zeroRange", () => does("fallocate", "-z", ...range, file));
		test("zeroRangeKeepSize", () => does("fallocate", "-z", "-n", ...range, file));
		test("collapseRange", () => does("fallocate", "-c", ...range, file));
		test("insertRange", () => does("fallocate", "-i", ...range, file));
		test("unshareRange", () => does("xfs_io", "-c", `funshare ${block} ${block}`, file));
		test("cloneRange", () => does("cp", "--reflink=always", file, copy));
		const flags = ["count=1", "oflag=direct", "conv=notrunc", "status=none"];
		test("direct", () => does("dd", "if=/dev/zero", `of=${file}`, `bs=${block}`, ...flags));
		test("physical", () => does("xfs_io", "-r", "-c", "fiemap", file));
		test("holes", () => found.has("punchHole") && tellsHoles(file, block));
	} finally {
		fs.rmSync(directory, { recursive: true });
	}
	return { block, has: (ability) => found.has(ability) };
}

function tellsHoles(file: string, block: number): boolean {
	const { stdout } = Bun.spawnSync([
		...["xfs_io", "-c", `fpunch ${block} ${block}`],
		...["-c", "seek -a -r 0", file],
	]);
	return stdout.toString().includes(`HOLE\t${block}\n`);
}
