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
import {
	FILE_ATTRIBUTE_DIRECTORY,
	FILE_ATTRIBUTE_REPARSE_POINT,
	FILE_READ_ATTRIBUTES,
} from "./layouts.ts";
import { attributesOf } from "./metadata.ts";
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
		const { scope, place } = this;
		// Whether a directory may be gone through the system sees when a name in it is opened.
		const how = { access: FILE_READ_ATTRIBUTES, reach: "link" } as const;
		const handle = yield* openedAt(scope, { root: this.current, name }, how);
		// What is not there yet may be about to be made.
		if (handle === Status.STATUS_OBJECT_NAME_NOT_FOUND && isLast) return true;
		if (handle < 0) throw failure(handle, "open", { path: place.path });
		let isEntered = false;
		try {
			const attributes = yield* attributesOf(scope, handle, "open");
			const isLink = (attributes & FILE_ATTRIBUTE_REPARSE_POINT) !== 0;
			const target = isLink ? yield* linkTarget(scope, handle) : undefined;
			if (target !== undefined) {
				this.follow(target + streamIn(name));
				return false;
			}
			if (isLast) return true;
			if ((attributes & FILE_ATTRIBUTE_DIRECTORY) === 0) {
				throw failure(Status.STATUS_OBJECT_PATH_NOT_FOUND, "open", { path: place.path });
			}
			this.entered.push(handle);
			isEntered = true;
			return false;
		} finally {
			if (!isEntered) yield call("NtClose", handle);
		}
	}

	private follow(target: string): void {
		if (isAbsolute(target)) throw this.outside();
		if (++this.links > MOST_LINKS) {
			throw new FsError("ELOOP", "too many symbolic links encountered", this.place);
		}
		this.rest = [...components(target), ...this.rest];
	}

	private outside(): FsError {
		return new FsError("EXDEV", "cross-device link not permitted", {
			path: this.place.path,
			syscall: "open",
			detail: "the name leads out of the directory",
		});
	}
}

/** The stream that a component names, of the file that it stands for: a link leads to that file's. */
function streamIn(component: string): string {
	const at = component.indexOf(":");
	return at < 0 ? "" : component.slice(at);
}

function components(path: string): string[] {
	return path.split(/[\\/]/).filter((component) => component !== "" && component !== ".");
}
