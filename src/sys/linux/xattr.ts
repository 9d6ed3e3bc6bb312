import type { Call } from "../../engine/call.ts";
import type { Operation } from "../../engine/operation.ts";
import type { Scope } from "../../engine/scope.ts";
import type { Subject, XattrSystem } from "../system.ts";
import { nr, sys } from "./calls.ts";
import { Errno } from "./errno.ts";
import { failure, unsupported } from "./failure.ts";
import {
	XATTR_CREATE,
	XATTR_LIST_MAX,
	XATTR_NAME_MAX,
	XATTR_REPLACE,
	XATTR_SIZE_MAX,
} from "./layouts.ts";
import { byPath } from "./path.ts";

/** One operation in its three forms: by path, by the path of a link itself, by descriptor. */
interface Forms {
	readonly name: string;
	readonly path: number;
	readonly link: number;
	readonly handle: number;
}

const forms = {
	get: { name: "getxattr", path: nr.getxattr, link: nr.lgetxattr, handle: nr.fgetxattr },
	set: { name: "setxattr", path: nr.setxattr, link: nr.lsetxattr, handle: nr.fsetxattr },
	list: { name: "listxattr", path: nr.listxattr, link: nr.llistxattr, handle: nr.flistxattr },
	remove: {
		name: "removexattr",
		path: nr.removexattr,
		link: nr.lremovexattr,
		handle: nr.fremovexattr,
	},
} satisfies Record<string, Forms>;

/** What the kernel has too much of when it says so. */
const limits: ReadonlyMap<number, string> = new Map([
	[Errno.ERANGE, `names have at most ${XATTR_NAME_MAX} bytes`],
	[Errno.E2BIG, `values, and all names of a file together, have at most ${XATTR_SIZE_MAX} bytes`],
	[Errno.ENOSPC, "the disk, or what this filesystem keeps for the attributes of a file, is full"],
]);

/** What an operation acts on, and in which of its forms. */
class Attributes {
	private readonly fn: number;
	private readonly syscall: string;

	constructor(
		private readonly scope: Scope,
		private readonly subject: Subject,
		private readonly follow: boolean,
		form: Forms,
	) {
		const opened = typeof subject === "number";
		this.fn = opened ? form.handle : follow ? form.path : form.link;
		this.syscall = (opened ? "f" : follow ? "" : "l") + form.name;
	}

	/** Makes the call with the arguments that come after the subject. */
	*call(b = 0, c = 0, d = 0, e = 0): Operation<number> {
		const { scope, subject, follow, fn, syscall } = this;
		if (typeof subject === "number") return yield sys(fn, subject, b, c, d, e);
		const call = (path: number): Call => sys(fn, path, b, c, d, e);
		return yield* byPath(scope, subject, follow ? "follow" : "link", syscall, call);
	}

	/** Passes a result on, or throws the error that it stands for. */
	checked(result: number): number {
		if (result >= 0) return result;
		const { subject, syscall } = this;
		const details = typeof subject === "number" ? {} : { path: subject.path };
		if (result !== -Errno.EOPNOTSUPP) {
			throw failure(result, syscall, { ...details, detail: limits.get(-result) });
		}
		throw unsupported(
			syscall,
			"this filesystem has no extended attributes of that kind; " +
				"names begin with user., trusted., security. or system.",
			details,
		);
	}

	/**
	 * Reads what has no known size: into a small buffer first, which most of it fits, then into one
	 * of the size that the system says, and again for as long as it grows in between (ERANGE). At
	 * `most` bytes the system itself ends this with E2BIG.
	 */
	*read(
		most: number,
		call: (address: number, size: number) => Operation<number>,
	): Operation<Uint8Array<ArrayBuffer>> {
		const { memory } = this.scope;
		const mark = memory.mark();
		for (let size = 1024; ; ) {
			const buffer = memory.reserve(size);
			const length = yield* call(buffer.address, size);
			if (length !== -Errno.ERANGE) return buffer.copy(0, this.checked(length));
			memory.release(mark);
			const now = this.checked(yield* call(0, 0));
			// A little more than it is now, so that a value that keeps growing is caught up with.
			size = Math.min(most, Math.max(now + 64, size * 2));
		}
	}
}

export const xattr: XattrSystem = {
	*get(scope, subject, name, follow) {
		const attributes = new Attributes(scope, subject, follow, forms.get);
		const text = scope.memory.cstring(name);
		return yield* attributes.read(XATTR_SIZE_MAX, (address, size) =>
			attributes.call(text, address, size),
		);
	},

	*set(scope, subject, name, value, how, follow) {
		const attributes = new Attributes(scope, subject, follow, forms.set);
		const flags = how === "create" ? XATTR_CREATE : how === "replace" ? XATTR_REPLACE : 0;
		// The value as it is now. One that is too long is refused for its length, without a look.
		const length = Math.min(value.byteLength, XATTR_SIZE_MAX + 1);
		let address = 0;
		if (length <= XATTR_SIZE_MAX) {
			const content = scope.memory.reserve(length);
			content.bytes().set(value);
			address = content.address;
		}
		const text = scope.memory.cstring(name);
		attributes.checked(yield* attributes.call(text, address, length, flags));
	},

	*list(scope, subject, follow) {
		const attributes = new Attributes(scope, subject, follow, forms.list);
		const bytes = yield* attributes.read(XATTR_LIST_MAX, (address, size) =>
			attributes.call(address, size),
		);
		const names: Uint8Array<ArrayBuffer>[] = [];
		let start = 0;
		for (let end = bytes.indexOf(0); end >= 0; end = bytes.indexOf(0, start)) {
			names.push(bytes.slice(start, end));
			start = end + 1;
		}
		return names;
	},

	*remove(scope, subject, name, follow) {
		const attributes = new Attributes(scope, subject, follow, forms.remove);
		attributes.checked(yield* attributes.call(scope.memory.cstring(name)));
	},
};
