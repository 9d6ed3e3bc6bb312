/** The kinds of operations whose memory is watched, each as a loop of so many of them. */
import fs from "node:fs";
import { join } from "node:path";
import * as fsx from "../../src/index.ts";

/** Makes `count` operations. */
export type Loop = (count: number) => void | Promise<void>;

export interface Kind {
	/** Which lane promise forms are to use alone; undefined for all of them. */
	readonly lane?: "immediate" | "ring" | "worker";
	/** Calls that are enough however quick they are, and those that there must be however slow. */
	readonly most: number;
	readonly least: number;
	/** Where the JavaScript of it runs. */
	readonly threads: "alone" | "withWorkers";
	/** In an empty directory in memory, which is also where the process is. */
	begin(): Loop | Promise<Loop>;
}

const MILLION = 1_000_000;
const cheap = { most: MILLION, least: MILLION };
/** Those that take long: as many as there is time for. */
const costly = { most: MILLION, least: 20_000 };
const heavy = { most: 20_000, least: 500 };

/** Promise forms under way at the same time. */
const AT_ONCE = 64;

function content(name = "file"): string {
	fs.writeFileSync(name, Buffer.alloc(4096, "0123456789abcdef"));
	return name;
}

function sync(
	begin: () => (index: number) => unknown,
	size: Pick<Kind, "most" | "least"> = cheap,
): Kind {
	return {
		...size,
		threads: "alone",
		begin() {
			const operation = begin();
			return (count) => {
				for (let index = 0; index < count; index++) operation(index);
			};
		},
	};
}

/** Two operations, of which the second undoes the first. */
function pair(
	begin: () => (index: number) => unknown,
	size: Pick<Kind, "most" | "least"> = cheap,
): Kind {
	return {
		...size,
		threads: "alone",
		begin() {
			const both = begin();
			return (count) => {
				for (let index = 0; index < count; index += 2) both(index);
			};
		},
	};
}

function fails(operation: () => unknown, code: string): void {
	try {
		operation();
	} catch (error) {
		if ((error as { code?: string }).code === code) return;
		throw error;
	}
	throw new Error(`no ${code}`);
}

/** What is there on some filesystems only: either way it must leave no memory behind. */
function mayLack(operation: () => unknown): void {
	try {
		operation();
	} catch (error) {
		if ((error as { code?: string }).code !== "ENOTSUP") throw error;
	}
}

const flags = "r+";

function opened(): fsx.File {
	return fsx.openSync(content(), flags);
}

/** The synchronous forms, by the names of their functions, and of methods. */
const syncKinds: Readonly<Record<string, Kind>> = {
	accessSync: sync(() => {
		const file = content();
		return () => fsx.accessSync(file, { read: true });
	}),
	adviseSync: sync(() => {
		const file = opened();
		return () => fsx.adviseSync(file, "dontneed");
	}),
	alignedBuffer: sync(() => () => fsx.alignedBuffer(4096)),
	capabilitiesSync: sync(() => () => fsx.capabilitiesSync("."), heavy),
	chmodSync: sync(() => {
		const file = content();
		return (index) => fsx.chmodSync(file, 0o600 | (index & 7));
	}),
	chownSync: sync(() => {
		const file = content();
		const { uid, gid } = fs.statSync(file);
		return () => fsx.chownSync(file, { uid, gid });
	}),
	cloneRangeSync: sync(() => {
		const file = opened();
		const other = fsx.openSync("other", "w+");
		return () => mayLack(() => fsx.cloneRangeSync(file, 0, other, 0, 4096));
	}, costly),
	collapseRangeSync: sync(() => {
		const file = opened();
		return () => {
			mayLack(() => fsx.collapseRangeSync(file, 0, 4096));
			file.truncateSync(16_384);
		};
	}, costly),
	compareTreesSync: sync(() => {
		const [one, two] = trees();
		return () => {
			if (!fsx.compareTreesSync(one, two).equal) throw new Error("they are the same");
		};
	}, costly),
	copyFileSync: sync(() => {
		const file = content();
		return () => fsx.copyFileSync(file, "copy");
	}, costly),
	copyOwnerSync: sync(() => {
		const file = content();
		return () => fsx.copyOwnerSync(file, file);
	}),
	copyRangeSync: sync(() => {
		const file = opened();
		const other = fsx.openSync("other", "w+");
		return () => fsx.copyRangeSync(file, 0, other, 0, 4096);
	}),
	copyTreeSync: sync(() => {
		const [tree] = trees();
		return () => {
			fsx.copyTreeSync(tree, "copied");
			fs.rmSync("copied", { recursive: true });
		};
	}, heavy),
	copyXattrsSync: sync(() => {
		const [file, other] = [content(), content("other")];
		fsx.setXattrSync(file, "user.a", "value");
		return () => fsx.copyXattrsSync(file, other);
	}),
	extentsSync: sync(() => {
		const file = opened();
		return () => [...fsx.extentsSync(file)];
	}, costly),
	getFlagsSync: sync(() => {
		const file = opened();
		return () => mayLack(() => fsx.getFlagsSync(file));
	}),
	getXattrSync: sync(() => {
		const file = content();
		fsx.setXattrSync(file, "user.a", Buffer.alloc(100));
		return () => fsx.getXattrSync(file, "user.a");
	}),
	insertRangeSync: sync(() => {
		const file = opened();
		return () => {
			mayLack(() => fsx.insertRangeSync(file, 0, 4096));
			file.truncateSync(16_384);
		};
	}, costly),
	"linkSync, unlinkSync": pair(() => {
		const file = content();
		return () => {
			fsx.linkSync(file, "linked");
			fsx.unlinkSync("linked");
		};
	}),
	listXattrsSync: sync(() => {
		const file = content();
		for (const name of ["a", "b", "c"]) fsx.setXattrSync(file, `user.${name}`, "value");
		return () => fsx.listXattrsSync(file);
	}),
	"lockSync, Lock.releaseSync": pair(() => {
		const file = opened();
		return () => fsx.lockSync(file).releaseSync();
	}),
	tryLockSync: pair(() => {
		const file = content();
		return () => fsx.tryLockSync(file)?.releaseSync();
	}, costly),
	makeDevice: sync(() => (index) => fsx.makeDevice(index & 4095, index)),
	major: sync(() => (index) => fsx.major(index)),
	minor: sync(() => (index) => fsx.minor(BigInt(index))),
	metrics: sync(() => () => fsx.metrics()),
	"enableMetrics, disableMetrics": pair(() => () => {
		fsx.enableMetrics();
		fsx.disableMetrics();
	}),
	"statSync, counted by metrics": sync(() => {
		const file = content();
		fsx.enableMetrics();
		return () => fsx.statSync(file);
	}),
	"mkdirSync, rmdirSync": pair(() => () => {
		fsx.mkdirSync("made");
		fsx.rmdirSync("made");
	}),
	mkdtempSync: pair(() => () => fsx.rmdirSync(fsx.mkdtempSync("made-"))),
	mkfifoSync: pair(() => () => {
		fsx.mkfifoSync("made");
		fsx.unlinkSync("made");
	}),
	"mknodSync, removeSync": pair(() => () => {
		fsx.mknodSync("made", { type: "socket" });
		fsx.removeSync("made");
	}),
	"openSync, File.closeSync": pair(() => {
		const file = content();
		return () => fsx.openSync(file).closeSync();
	}),
	"openSync, a file without a name": pair(
		() => () => fsx.openSync(".", flags, { temporary: true }).closeSync(),
	),
	"openDirSync, Dir.closeSync": pair(() => () => fsx.openDirSync(".").closeSync()),
	preallocateSync: sync(() => {
		const file = opened();
		return () => fsx.preallocateSync(file, 0, 8192);
	}),
	punchHoleSync: sync(() => {
		const file = opened();
		return () => fsx.punchHoleSync(file, 0, 4096);
	}),
	readFileSync: sync(() => {
		const file = content();
		return () => fsx.readFileSync(file);
	}),
	"readFileSync, as text": sync(() => {
		const file = content();
		return () => fsx.readFileSync(file, "utf8");
	}),
	"readFileSync, a large file": sync(() => {
		fs.writeFileSync("large", Buffer.alloc(300_000, "x"));
		return () => fsx.readFileSync("large");
	}, costly),
	readlinkSync: sync(() => {
		fs.symlinkSync("target", "link");
		return () => fsx.readlinkSync("link");
	}),
	"removeXattrSync, setXattrSync": pair(() => {
		const file = content();
		return () => {
			fsx.setXattrSync(file, "user.a", "value");
			fsx.removeXattrSync(file, "user.a");
		};
	}),
	renameSync: pair(() => {
		content("one");
		return () => {
			fsx.renameSync("one", "two");
			fsx.renameSync("two", "one");
		};
	}),
	setFlagsSync: sync(() => {
		const file = opened();
		return (index) => mayLack(() => fsx.setFlagsSync(file, { nodump: (index & 1) === 1 }));
	}),
	statSync: sync(() => {
		const file = content();
		return () => fsx.statSync(file);
	}),
	"statSync, with options": sync(() => {
		const file = content();
		return () => fsx.statSync(file, { follow: false });
	}),
	"statSync that fails": sync(() => () => fails(() => fsx.statSync("nothing"), "ENOENT")),
	"statSync that is refused": sync(
		() => () => fails(() => fsx.statSync("a\0b"), "ERR_INVALID_ARG_VALUE"),
	),
	"statSync of Dir.at, confined": sync(() => {
		content();
		const dir = fsx.openDirSync(".", { beneath: true });
		return () => fsx.statSync(dir.at("file"));
	}, costly),
	statfsSync: sync(() => () => fsx.statfsSync("."), costly),
	statManySync: sync(() => {
		const names = Array.from({ length: 16 }, (_, index) => content(`${index}`));
		return () => fsx.statManySync(names);
	}, costly),
	symlinkSync: pair(() => () => {
		fsx.symlinkSync("target", "made");
		fsx.unlinkSync("made");
	}),
	truncateSync: sync(() => {
		const file = content();
		return (index) => fsx.truncateSync(file, index & 4095);
	}),
	unshareRangeSync: sync(() => {
		const file = opened();
		return () => mayLack(() => fsx.unshareRangeSync(file, 0, 4096));
	}, costly),
	utimesSync: sync(() => {
		const file = content();
		return (index) => fsx.utimesSync(file, { atime: index, mtime: BigInt(index) });
	}),
	watchSync: pair(() => {
		content();
		return () => fsx.watchSync(".", { timeoutMs: 0 }).close();
	}, heavy),
	writeFileSync: sync(() => () => fsx.writeFileSync("written", "content"), costly),
	"writeFileSync, atomic": sync(
		() => () => fsx.writeFileSync("written", "content", { atomic: true }),
		costly,
	),
	zeroRangeSync: sync(() => {
		const file = opened();
		return () => mayLack(() => fsx.zeroRangeSync(file, 0, 4096));
	}, costly),
	"File.readAtSync": sync(() => {
		const file = opened();
		const buffer = new Uint8Array(1024);
		return () => file.readAtSync(buffer, 0);
	}),
	"File.readSync": sync(() => {
		const file = opened();
		return () => file.readSync(1024, 0);
	}),
	"File.readvAtSync": sync(() => {
		const file = opened();
		const buffers = [new Uint8Array(100), new Uint8Array(200)];
		return () => file.readvAtSync(buffers, 0);
	}),
	"File.writeAtSync": sync(() => {
		const file = opened();
		const data = new Uint8Array(1024);
		return () => file.writeAtSync(data, 0);
	}),
	"File.writeAtSync, a text": sync(() => {
		const file = opened();
		return () => file.writeAtSync("a text", 0);
	}),
	"File.writevAtSync": sync(() => {
		const file = opened();
		return () => file.writevAtSync(["one", "two"], 0);
	}),
	"File.appendSync": sync(() => {
		const file = opened();
		return (index) => {
			file.appendSync("line\n");
			if ((index & 1023) === 0) file.truncateSync();
		};
	}),
	"File.syncSync": sync(() => {
		const file = opened();
		return () => file.syncSync();
	}),
	"File.datasyncSync": sync(() => {
		const file = opened();
		return () => file.datasyncSync();
	}),
	"File.truncateSync": sync(() => {
		const file = opened();
		return (index) => file.truncateSync(index & 4095);
	}),
	"File.linkSync": sync(
		() => () => {
			using file = fsx.openSync(".", flags, { temporary: true });
			file.linkSync("linked");
			fsx.unlinkSync("linked");
		},
		costly,
	),
	"Lock.upgradeSync, Lock.downgradeSync": pair(() => {
		const lock = fsx.lockSync(opened(), { mode: "shared" });
		return () => {
			lock.upgradeSync();
			lock.downgradeSync();
		};
	}),
	"Dir.statSync": sync(() => {
		const dir = fsx.openDirSync(".");
		return () => dir.statSync();
	}),
	"File.statSync": sync(() => {
		const file = opened();
		return () => file.statSync();
	}),
	"Dir.entriesSync": sync(() => {
		for (let index = 0; index < 10; index++) content(`${index}`);
		const dir = fsx.openDirSync(".");
		return () => [...dir.entriesSync()];
	}, costly),
	"Dir.entriesSync, given up": sync(() => {
		for (let index = 0; index < 10; index++) content(`${index}`);
		const dir = fsx.openDirSync(".");
		return () => {
			for (const _ of dir.entriesSync({ metadata: true })) break;
		};
	}, costly),
};

/** Two trees of the same few files. */
function trees(): [string, string] {
	for (const root of ["tree", "twin"]) {
		fs.mkdirSync(join(root, "below"), { recursive: true });
		for (const name of ["one", "two", "below/three"]) content(join(root, name));
		for (const name of ["one", "two", "below/three", "below", "."]) {
			fs.utimesSync(join(root, name), 1, 1);
		}
	}
	return ["tree", "twin"];
}

function promised(
	begin: () => (index: number) => Promise<unknown>,
	{ lane, ...size }: Partial<Pick<Kind, "most" | "least" | "lane">> = {},
): Kind {
	return {
		...cheap,
		...size,
		threads: "withWorkers",
		...(lane === undefined ? undefined : { lane }),
		begin() {
			const operation = begin();
			return async (count) => {
				for (let index = 0; index < count; index += AT_ONCE) {
					const under = Array.from({ length: AT_ONCE }, (_, more) => operation(index + more));
					await Promise.all(under);
				}
			};
		},
	};
}

const failing = (promise: Promise<unknown>, code: string) =>
	promise.then(
		() => {
			throw new Error(`no ${code}`);
		},
		(error: { code?: string }) => {
			if (error.code !== code) throw error;
		},
	);

/** What is tried on each lane; the number is for a name of its own. */
const onEachLane: Readonly<Record<string, () => (index: number) => Promise<unknown>>> = {
	stat: () => {
		const file = content();
		return () => fsx.stat(file);
	},
	"stat that fails": () => () => failing(fsx.stat("nothing"), "ENOENT"),
	readFile: () => {
		const file = content();
		return () => fsx.readFile(file);
	},
	"File.readAt": () => {
		const file = opened();
		const buffer = new Uint8Array(1024);
		return () => file.readAt(buffer, 0);
	},
	"File.writeAt": () => {
		const file = opened();
		const data = new Uint8Array(1024);
		return () => file.writeAt(data, 0);
	},
	open: () => {
		const file = content();
		return async () => (await fsx.open(file)).close();
	},
	mkdir: () => async (index) => {
		const name = `${index % AT_ONCE}`;
		await fsx.mkdir(name);
		await fsx.rmdir(name);
	},
	getXattr: () => {
		const file = opened();
		fsx.setXattrSync(file, "user.a", "value");
		return () => fsx.getXattr(file, "user.a");
	},
};

const laneKinds = Object.entries(onEachLane).flatMap(([name, begin]) =>
	(["immediate", "ring", "worker"] as const).map(
		(lane) => [`${name} on lane ${lane}`, promised(begin, { lane, ...costly })] as const,
	),
);

/** What is started anew each time leaves nothing of the last. */
function restarted(lane: "ring" | "worker", size: Pick<Kind, "most" | "least">): Kind {
	return {
		...size,
		threads: "withWorkers",
		begin: () => async (count) => {
			const file = content();
			for (let index = 0; index < count; index++) {
				fsx.configureEngine({ lanes: [lane] });
				await fsx.stat(file);
				await fsx.stopEngine();
			}
		},
	};
}

/** Promise forms that have ways of their own. */
const promiseKinds: Readonly<Record<string, Kind>> = {
	copyFile: promised(() => {
		const file = content();
		return (index) => fsx.copyFile(file, `copy ${index % AT_ONCE}`);
	}, costly),
	"copyFile, aborted": promised(() => {
		const file = content();
		return (index) => {
			const controller = new AbortController();
			const copying = fsx.copyFile(file, `copy ${index % AT_ONCE}`, { signal: controller.signal });
			if ((index & 1) === 0) controller.abort();
			else queueMicrotask(() => controller.abort());
			return copying.catch((error) => {
				if (error.code !== "ABORT_ERR") throw error;
			});
		};
	}, costly),
	"copyFile, with a signal that never fires": promised(() => {
		const file = content();
		const { signal } = new AbortController();
		return (index) => fsx.copyFile(file, `copy ${index % AT_ONCE}`, { signal });
	}, costly),
	copyTree: promised(() => {
		const [tree] = trees();
		return async (index) => {
			await fsx.copyTree(tree, `copied ${index % AT_ONCE}`, { filter: () => true });
			fs.rmSync(`copied ${index % AT_ONCE}`, { recursive: true });
		};
	}, heavy),
	"Dir.entries": promised(() => {
		for (let index = 0; index < 10; index++) content(`${index}`);
		const dir = fsx.openDirSync(".");
		return () => Array.fromAsync(dir.entries());
	}, costly),
	extents: promised(() => {
		const file = content();
		return () => Array.fromAsync(fsx.extents(file));
	}, costly),
	lock: promised(() => {
		const file = opened();
		return async () => (await fsx.lock(file, { mode: "shared" })).release();
	}, costly),
	"lock that has to wait": promised(() => {
		const file = opened();
		return async () => (await fsx.lock(file)).release();
	}, costly),
	"readFile, with a signal": promised(() => {
		const file = content();
		const { signal } = new AbortController();
		return () => fsx.readFile(file, { signal });
	}, costly),
	statMany: promised(() => {
		const names = Array.from({ length: 16 }, (_, index) => content(`${index}`));
		return () => fsx.statMany(names);
	}, costly),
	"stopEngine, configureEngine, a ring": restarted("ring", { most: 50_000, least: 20_000 }),
	"stopEngine, workers": restarted("worker", { most: 2000, least: 200 }),
	"watch, Watcher.close": {
		...heavy,
		threads: "withWorkers",
		begin: () => async (count) => {
			for (let index = 0; index < count; index++) {
				await using watcher = fsx.watch(".");
				await watcher.ready;
			}
		},
	},
	"Watcher.next": {
		...costly,
		threads: "withWorkers",
		begin: () => async (count) => {
			await using watcher = fsx.watch(".");
			await watcher.ready;
			for (let index = 0; index < count; index++) {
				fs.writeFileSync("changed", "");
				await watcher.next();
			}
		},
	},
	"writeFile, atomic": promised(
		() => (index) => fsx.writeFile(`written ${index % AT_ONCE}`, "content", { atomic: true }),
		costly,
	),
};

export const kinds: Readonly<Record<string, Kind>> = {
	...syncKinds,
	...Object.fromEntries(laneKinds),
	...promiseKinds,
};
