/**
 * What a filesystem can do, found out by doing it: on files without a name where there are such,
 * and, for what needs names, in a directory of its own that is removed again.
 */
import type { Operation } from "../../engine/operation.ts";
import type { Scope } from "../../engine/scope.ts";
import { FsError, isCode } from "../../errors.ts";
import type { Metadata } from "../metadata.ts";
import type { Capability, Handle, Place, Temporarily } from "../system.ts";
import { nr, sys } from "./calls.ts";
import { directory } from "./directory.ts";
import { file } from "./file.ts";
import { BLOCK, inside, makeFile, onFiles, onNames, type Probe } from "./probe-list.ts";

/** Failures that say something about this process or moment, not about the filesystem. */
const CIRCUMSTANCES = ["EACCES", "EDQUOT", "EMFILE", "ENFILE", "ENOSPC", "EPERM", "EROFS"];

function* attempt<B extends { readonly scope: Scope }>(
	bench: B,
	[name, by, probe]: Probe<B>,
): Operation<Capability> {
	const mark = bench.scope.mark();
	try {
		const note = yield* probe(bench);
		return { name, of: "filesystem", supported: true, by, ...(note !== undefined && { note }) };
	} catch (error) {
		if (!(error instanceof FsError)) throw error;
		const unfit = error.code === "EINVAL" && error.syscall === "fallocate";
		if (unfit || CIRCUMSTANCES.includes(error.code)) return notProbed(error)([name, by, probe]);
		return { name, of: "filesystem", supported: false, by, note: reasonOf(error) };
	} finally {
		bench.scope.release(mark);
	}
}

/** The message without the names, which are the probe's own. */
function reasonOf({ message, syscall }: FsError): string {
	const end = message.lastIndexOf(`, ${syscall}`);
	return end < 0 ? message : message.slice(0, end);
}

const notProbed =
	(error: FsError) =>
	([name, by]: readonly [string, string, unknown]): Capability => ({
		name,
		of: "filesystem",
		supported: undefined,
		by,
		note: `not probed: ${reasonOf(error)}`,
	});

/** A file that is gone when it is closed; where none can be without a name, its name goes at once. */
function* openTemporary(scope: Scope, handle: Handle, temporarily: Temporarily): Operation<Handle> {
	const how = { read: true, write: true, mode: 0o600 };
	try {
		return yield* file.open(scope, inside(handle, "."), { ...how, temporary: true });
	} catch (error) {
		if (!isCode(error, "ENOTSUP")) throw error;
	}
	return yield* temporarily(handle, function* (place) {
		const opened = yield* file.open(scope, place, { ...how, create: true, exclusive: true });
		try {
			yield* directory.unlink(scope, place);
			return opened;
		} catch (error) {
			yield* closeQuietly(opened);
			throw error;
		}
	});
}

function* probeFiles(
	scope: Scope,
	handle: Handle,
	temporarily: Temporarily,
): Operation<Capability[]> {
	const opened: Handle[] = [];
	const results: Capability[] = [];
	try {
		const first = yield* openTemporary(scope, handle, temporarily);
		opened.push(first);
		const second = yield* openTemporary(scope, handle, temporarily);
		opened.push(second);
		const block = scope.memory.reserve(BLOCK);
		block.bytes().fill(1);
		for (let done = 0; done < BLOCK; ) {
			done += yield* file.write(scope, first, block.address + done, BLOCK - done, done);
		}
		for (const probe of onFiles) results.push(yield* attempt({ scope, first, second }, probe));
	} catch (error) {
		if (!(error instanceof FsError)) throw error;
		results.push(...onFiles.slice(results.length).map(notProbed(error)));
	} finally {
		for (const one of opened) yield* closeQuietly(one);
	}
	return results;
}

/** What was only tried out has nothing to lose. */
function* closeQuietly(handle: Handle): Operation<void> {
	yield sys(nr.close, handle);
}

function* probeNames(
	scope: Scope,
	parent: Handle,
	temporarily: Temporarily,
): Operation<Capability[]> {
	const results: Capability[] = [];
	let isRemoved = true;
	try {
		yield* temporarily(parent, function* (place) {
			yield* directory.mkdir(scope, place, 0o700);
			isRemoved = false;
			try {
				yield* probeIn(scope, place, results);
			} finally {
				yield* directory.rmdir(scope, place);
				isRemoved = true;
			}
		});
	} catch (error) {
		if (!(error instanceof FsError) || !isRemoved) throw error;
		results.push(...onNames.slice(results.length).map(notProbed(error)));
	}
	return results;
}

function* probeIn(scope: Scope, place: Place, results: Capability[]): Operation<void> {
	const handle = yield* file.open(scope, place, { directory: true, noFollow: true });
	let listed = false;
	try {
		const at = (name: string | Uint8Array) => inside(handle, name);
		// Where directories cannot be listed, nothing is put into one: it could not be emptied.
		yield* directory.read(scope, handle);
		listed = true;
		yield* makeFile(scope, at("a"));
		yield* makeFile(scope, at("b"));
		for (const probe of onNames) results.push(yield* attempt({ scope, at }, probe));
	} finally {
		yield* closeQuietly(handle);
		if (listed) yield* empty(scope, place);
	}
}

/** Removes what is in a directory. Opened anew: btrfs lists what was there when it was opened. */
function* empty(scope: Scope, place: Place): Operation<void> {
	const handle = yield* file.open(scope, place, { directory: true, noFollow: true });
	try {
		for (;;) {
			const records = yield* directory.read(scope, handle);
			if (records.length === 0) break;
			for (const { name } of records) {
				// One that stays must not keep the others; that the directory stays, too, is told.
				yield sys(nr.unlinkat, handle, scope.memory.cstring(name), 0);
			}
		}
	} finally {
		yield* closeQuietly(handle);
	}
}

/** Whether there are files without a name, for which the only way to know is to make one. */
const temporary: Probe<{ readonly scope: Scope; readonly handle: Handle }> = [
	"files without a name",
	"O_TMPFILE",
	function* ({ scope, handle }) {
		const how = { write: true, temporary: true, mode: 0o600 };
		yield* file.close(scope, yield* file.open(scope, inside(handle, "."), how));
		return undefined;
	},
];

export function* probeFilesystem(
	scope: Scope,
	handle: Handle,
	found: Metadata,
	temporarily: Temporarily,
): Operation<Capability[]> {
	const supported = found.birthtimeNs !== undefined;
	const birth: Capability = {
		name: "birth time",
		of: "filesystem",
		supported,
		by: "statx",
		...(!supported && { note: "statx gives none here" }),
	};
	return [
		birth,
		yield* attempt({ scope, handle }, temporary),
		...(yield* probeFiles(scope, handle, temporarily)),
		...(yield* probeNames(scope, handle, temporarily)),
	];
}
