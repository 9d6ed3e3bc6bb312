/**
 * What a filesystem can do, found out by doing it: on files without a name where there are such,
 * and, for what needs names, in a directory of its own that is removed again.
 */
import type { Operation } from "../../engine/operation.ts";
import type { Scope } from "../../engine/scope.ts";
import { FsError, isCode } from "../../errors.ts";
import type { Metadata } from "../metadata.ts";
import type { Capability, Handle, Place } from "../system.ts";
import { directory } from "./directory.ts";
import { file } from "./file.ts";
import { BLOCK, inside, makeFile, onFiles, onNames, type Probe } from "./probe-list.ts";

/** Failures that say something about this process or moment, not about the filesystem. */
const CIRCUMSTANCES = ["EACCES", "EDQUOT", "EMFILE", "ENFILE", "ENOSPC", "EPERM", "EROFS"];

/** A name that nobody else has. */
const freshName = () => `.fsx-probe-${crypto.randomUUID()}`;

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
		if (CIRCUMSTANCES.includes(error.code)) return notProbed(error)([name, by, probe]);
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
function* openTemporary(scope: Scope, handle: Handle): Operation<Handle> {
	const how = { read: true, write: true, mode: 0o600 };
	try {
		return yield* file.open(scope, inside(handle, "."), { ...how, temporary: true });
	} catch (error) {
		if (!isCode(error, "ENOTSUP")) throw error;
	}
	const place = inside(handle, freshName());
	const opened = yield* file.open(scope, place, { ...how, create: true, exclusive: true });
	yield* directory.unlink(scope, place);
	return opened;
}

function* probeFiles(scope: Scope, handle: Handle): Operation<Capability[]> {
	const opened: Handle[] = [];
	const results: Capability[] = [];
	try {
		const first = yield* openTemporary(scope, handle);
		opened.push(first);
		const second = yield* openTemporary(scope, handle);
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
		for (const one of opened) yield* file.close(scope, one);
	}
	return results;
}

function* probeNames(scope: Scope, parent: Handle): Operation<Capability[]> {
	const place = inside(parent, freshName());
	const results: Capability[] = [];
	let listed = false;
	try {
		yield* directory.mkdir(scope, place, 0o700);
	} catch (error) {
		if (!(error instanceof FsError)) throw error;
		return onNames.map(notProbed(error));
	}
	try {
		const handle = yield* file.open(scope, place, { directory: true, noFollow: true });
		try {
			const at = (name: string | Uint8Array) => inside(handle, name);
			// Where directories cannot be listed, nothing is put into one: it could not be emptied.
			yield* directory.read(scope, handle);
			listed = true;
			yield* makeFile(scope, at("a"));
			yield* makeFile(scope, at("b"));
			for (const probe of onNames) results.push(yield* attempt({ scope, at }, probe));
		} finally {
			yield* file.close(scope, handle);
			if (listed) yield* empty(scope, place);
		}
	} catch (error) {
		if (!(error instanceof FsError)) throw error;
		results.push(...onNames.slice(results.length).map(notProbed(error)));
	} finally {
		yield* directory.rmdir(scope, place);
	}
	return results;
}

/** Removes what is in a directory. Opened anew: btrfs lists what was there when it was opened. */
function* empty(scope: Scope, place: Place): Operation<void> {
	const handle = yield* file.open(scope, place, { directory: true, noFollow: true });
	try {
		for (;;) {
			const records = yield* directory.read(scope, handle);
			if (records.length === 0) break;
			for (const { name } of records) yield* directory.unlink(scope, inside(handle, name));
		}
	} finally {
		yield* file.close(scope, handle);
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
		...(yield* probeFiles(scope, handle)),
		...(yield* probeNames(scope, handle)),
	];
}
