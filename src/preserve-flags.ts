/**
 * Giving a copy the flags of its source: those that say how it may be used. How the filesystem keeps
 * the content (compressed, in place) is its own business, and a copy's may be another.
 */
import { attempt, type Keeping } from "./attempt.ts";
import type { Operation } from "./engine/operation.ts";
import type { Scope } from "./engine/scope.ts";
import { system } from "./sys/index.ts";
import type { Metadata } from "./sys/metadata.ts";
import type { Handle, Subject } from "./sys/system.ts";

/**
 * Flags after which a file can be neither moved nor given another name: a copy gets them when it is
 * in its place. In this order, because nothing can be changed about what is immutable.
 */
const SEALS = ["append", "immutable"] as const;
export type Seal = (typeof SEALS)[number];

const OTHERS = [
	...(["nodump", "noatime", "sync", "dirsync", "projectInherit"] as const),
	...(["hidden", "system", "archive"] as const),
] as const;

/** Sets all flags but the seals, and gives those that the copy is still to get. */
export function* preserveFlags(
	scope: Scope,
	[source, from]: readonly [Subject, Metadata],
	destination: Subject,
	keeping: Keeping,
): Operation<readonly Seal[]> {
	const { flags } = system;
	if (typeof source !== "number" || typeof destination !== "number") {
		// Neither file nor directory: it can have seals, but they cannot be set.
		for (const seal of SEALS) {
			if (!from.attributes[seal]) continue;
			const set = flags.set(scope, destination, { [seal]: true }, false);
			yield* attempt(keeping, `flag ${seal}`, set);
		}
		return [];
	}
	const changes = yield* flags.difference(scope, source, destination);
	for (const name of OTHERS) {
		if (changes[name] === undefined) continue;
		const set = flags.set(scope, destination, { [name]: changes[name] }, true);
		yield* attempt(keeping, `flag ${name}`, set);
	}
	return SEALS.filter((seal) => changes[seal]);
}

/**
 * Sets seals and takes them away again: whether they can be set is to be known before the copy takes
 * the place of what is there. Gives those that can.
 */
export function* trySeals(
	scope: Scope,
	handle: Handle,
	seals: readonly Seal[],
	keeping: Keeping,
): Operation<readonly Seal[]> {
	const possible: Seal[] = [];
	try {
		for (const seal of seals) {
			const set = setSeal(scope, handle, seal, true);
			if (!(yield* attempt(keeping, `flag ${seal}`, set))) continue;
			yield* setSeal(scope, handle, seal, false);
			possible.push(seal);
		}
	} catch (error) {
		// A copy that is sealed could not be removed.
		yield* unseal(scope, handle);
		throw error;
	}
	return possible;
}

/** Seals what is in its place, and takes that back if it fails. */
export function* setSeals(
	scope: Scope,
	handle: Handle,
	seals: readonly Seal[],
	keeping: Keeping,
	sync: boolean,
): Operation<void> {
	if (seals.length === 0) return;
	let sealed = false;
	try {
		for (const seal of seals) {
			yield* attempt(keeping, `flag ${seal}`, setSeal(scope, handle, seal, true));
		}
		if (sync) yield* system.file.sync(scope, handle);
		sealed = true;
	} finally {
		if (!sealed) yield* unseal(scope, handle);
	}
}

/** What failed before it is what the caller is told. */
function* unseal(scope: Scope, handle: Handle): Operation<void> {
	try {
		yield* system.flags.set(scope, handle, { append: false, immutable: false }, true);
	} catch {
		// It stays sealed, and so it stays.
	}
}

function setSeal(scope: Scope, handle: Handle, seal: Seal, to: boolean): Operation<void> {
	return system.flags.set(scope, handle, { [seal]: to }, true);
}
