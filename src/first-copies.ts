import type { Keeping } from "./attempt.ts";
import type { Operation } from "./engine/operation.ts";
import type { Scope } from "./engine/scope.ts";
import { isCode } from "./errors.ts";
import { type Seal, setSeals } from "./preserve-flags.ts";
import { closeAfter, isSame, type Slot } from "./replace.ts";
import { system } from "./sys/index.ts";
import { ITSELF, type Metadata } from "./sys/metadata.ts";
import type { Handle, Place } from "./sys/system.ts";
import { takePlace } from "./temporary.ts";

/** Whatever has taken its place meanwhile is not to be waited for. */
const TO_SEAL = { read: true, noFollow: true, nonBlocking: true } as const;

/** The first copy of each file that has several names in a tree. */
export class FirstCopies {
	/** By device and inode of the source. */
	private readonly places = new Map<string, Place>();
	/** Those to be sealed when they have all their names. */
	private readonly unsealed: { place: Place; seals: readonly Seal[] }[] = [];

	constructor(
		private readonly scope: Scope,
		private readonly lost: Set<string>,
	) {}

	/**
	 * Makes another name of a file that has been copied under its first; false if this is the first,
	 * or if it cannot be made. `path` counts from `root`, which stays open.
	 */
	*link(
		source: Metadata,
		existing: Metadata | undefined,
		slot: Slot,
		root: Handle | undefined,
		path: string | Uint8Array,
	): Operation<boolean> {
		const { scope, places } = this;
		const key = `${source.dev}:${source.ino}`;
		const first = places.get(key);
		if (first === undefined) {
			// Beneath the root, whoever moves what meanwhile.
			places.set(key, { directory: root, path, beneath: true });
			return false;
		}
		try {
			const now = yield* system.metadata.stat(scope, first, ITSELF);
			if (existing === undefined || !isSame(now, existing)) {
				const link = (place: Place) => system.hardlink.link(scope, first, place, false);
				yield* takePlace(scope, slot, existing, link);
			}
			return true;
		} catch (error) {
			// A filesystem without links, or a kernel or sandbox that cannot keep beneath the root.
			if (!isCode(error, "ENOTSUP", "EPERM", "EMLINK")) throw error;
			this.lost.add("hardlinks");
			return false;
		}
	}

	/** Leaves a copy unsealed until `seal`. */
	sealLater(root: Handle | undefined, path: string | Uint8Array, seals: readonly Seal[]): void {
		if (seals.length === 0) return;
		this.unsealed.push({ place: { directory: root, path, beneath: true }, seals });
	}

	/** Seals what was left, now that no file gets another name. */
	*seal(keeping: Keeping, sync: boolean): Operation<void> {
		const { scope } = this;
		for (const { place, seals } of this.unsealed) {
			const handle = yield* system.file.open(scope, place, TO_SEAL);
			try {
				yield* setSeals(scope, handle, seals, keeping, sync);
			} finally {
				yield* closeAfter(scope, handle, false);
			}
		}
	}
}
