/**
 * The walk inside a confined directory: one component after the other, each opened from the handle of
 * the one before and never followed, so that what is looked at is what is gone through. A link's
 * target is walked in the same way; what leads up and out, or starts anywhere else, is `EXDEV`.
 */
import type { Operation } from "../../engine/operation.ts";
import type { Scope } from "../../engine/scope.ts";
import { FsError } from "../../errors.ts";
import type { Handle, Place } from "../system.ts";
import { call } from "./calls.ts";
import { Status } from "./errno.ts";
import { failure } from "./failure.ts";
import { FILE_READ_ATTRIBUTES, FILE_TRAVERSE } from "./layouts.ts";
import { isAbsolute, type NativeName, openedAt, type Reach } from "./path.ts";
import { linkTarget } from "./reparse.ts";
import { unitsOf } from "./wtf8.ts";

/** As many links as Linux follows in one path. */
const MOST_LINKS = 40;

/** Where the walk has arrived: the last name, and the directory that it is in, which stays open. */
export interface Resolved extends NativeName {
	release(): Operation<void>;
}

/** Walks to the directory that the last name of a place is in. */
export function* resolveBeneath(scope: Scope, place: Place, reach: Reach): Operation<Resolved> {
	const walk = new Walk(scope, place);
	try {
		return yield* walk.arrive(reach);
	} catch (error) {
		yield* walk.release();
		throw error;
	}
}

class Walk {
	/** The directories gone into, each inside the one before. */
	private readonly entered: Handle[] = [];
	private readonly base: Handle;
	private rest: string[];
	private links = 0;

	constructor(
		private readonly scope: Scope,
		private readonly place: Place,
	) {
		const path = unitsOf(place.path);
		if (path === "") throw new FsError("ENOENT", "no such file or directory", { path });
		if (isAbsolute(path) || place.directory === undefined) throw this.outside();
		this.base = place.directory;
		this.rest = components(path);
	}

	*arrive(reach: Reach): Operation<Resolved> {
		for (;;) {
			const name = this.rest.shift();
			// An empty name stands for the directory itself.
			if (name === undefined) return this.at("");
			if (name === "..") {
				yield* this.goUp();
				continue;
			}
			const isLast = this.rest.length === 0;
			if (isLast && reach === "link") return this.at(name);
			if (yield* this.goInto(name, isLast)) return this.at(name);
		}
	}

	*release(): Operation<void> {
		for (const handle of this.entered.splice(0).reverse()) yield call("NtClose", handle);
	}

	private at(name: string): Resolved {
		return { root: this.current, name, release: () => this.release() };
	}

	private get current(): Handle {
		return this.entered.at(-1) ?? this.base;
	}

	private *goUp(): Operation<void> {
		const left = this.entered.pop();
		if (left === undefined) throw this.outside();
		yield call("NtClose", left);
	}

	/**
	 * Goes on to a component, or to where a link of that name leads; true if it is the last one, to be
	 * acted on by its name.
	 */
	private *goInto(name: string, isLast: boolean): Operation<boolean> {
		const how = { access: FILE_READ_ATTRIBUTES | FILE_TRAVERSE, reach: "link" } as const;
		const handle = yield* openedAt(this.scope, { root: this.current, name }, how);
		// What is not there yet may be about to be made.
		if (handle === Status.STATUS_OBJECT_NAME_NOT_FOUND && isLast) return true;
		if (handle < 0) throw failure(handle, "open", { path: this.place.path });
		let target: string | undefined;
		try {
			target = yield* linkTarget(this.scope, handle);
		} finally {
			if (target !== undefined || isLast) yield call("NtClose", handle);
		}
		if (target === undefined) {
			if (!isLast) this.entered.push(handle);
			return isLast;
		}
		if (isAbsolute(target)) throw this.outside();
		if (++this.links > MOST_LINKS) {
			throw new FsError("ELOOP", "too many symbolic links encountered", this.place);
		}
		this.rest = [...components(target), ...this.rest];
		return false;
	}

	private outside(): FsError {
		return new FsError("EXDEV", "cross-device link not permitted", {
			path: this.place.path,
			syscall: "open",
			detail: "the name leads out of the directory",
		});
	}
}

function components(path: string): string[] {
	return path.split(/[\\/]/).filter((component) => component !== "" && component !== ".");
}
