import fs from "node:fs";
import * as fsx from "../../src/index.ts";
import {
	content,
	costly,
	fails,
	flags,
	heavy,
	type Kind,
	mayLack,
	opened,
	pair,
	sync,
	trees,
} from "./loops.ts";

/** The synchronous forms, by the names of their functions, and of methods. */
export const syncKinds: Readonly<Record<string, Kind>> = {
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
