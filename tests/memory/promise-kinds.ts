/** Promise forms, on each lane and in ways of their own. */
import fs from "node:fs";
import * as fsx from "../../src/index.ts";
import { AT_ONCE, cheap, content, costly, heavy, type Kind, opened, trees } from "./loops.ts";

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

export const laneKinds = Object.entries(onEachLane).flatMap(([name, begin]) =>
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
export const promiseKinds: Readonly<Record<string, Kind>> = {
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
