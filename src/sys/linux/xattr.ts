import type { Call } from "../../engine/call.ts";
import type { Operation } from "../../engine/operation.ts";
import type { Scope } from "../../engine/scope.ts";
import type { Subject, XattrSystem } from "../system.ts";
import { nr, sys } from "./calls.ts";
import { Errno } from "./errno.ts";
import { checked, unsupported } from "./failure.ts";
import { XATTR_CREATE, XATTR_LIST_MAX, XATTR_REPLACE, XATTR_SIZE_MAX } from "./layouts.ts";
import { byPath } from "./path.ts";

/** One operation in its three forms: by path, by the path of a link itself, by descriptor. */
interface Forms {
	readonly syscall: string;
	readonly path: number;
	readonly link: number;
	readonly handle: number;
}

const forms = {
	get: { syscall: "getxattr", path: nr.getxattr, link: nr.lgetxattr, handle: nr.fgetxattr },
	set: { syscall: "setxattr", path: nr.setxattr, link: nr.lsetxattr, handle: nr.fsetxattr },
	list: { syscall: "listxattr", path: nr.listxattr, link: nr.llistxattr, handle: nr.flistxattr },
	remove: {
		syscall: "removexattr",
		path: nr.removexattr,
		link: nr.lremovexattr,
		handle: nr.fremovexattr,
	},
} satisfies Record<string, Forms>;

function pathOf(subject: Subject): string | Uint8Array | undefined {
	return typeof subject === "number" ? undefined : subject.path;
}

/** Makes the call in the form that fits the subject; `rest` are the arguments after it. */
function* on(
	scope: Scope,
	subject: Subject,
	follow: boolean,
	form: Forms,
	rest: readonly [number?, number?, number?, number?],
): Operation<number> {
	let result: number;
	if (typeof subject === "number") {
		result = yield sys(form.handle, subject, ...rest);
	} else {
		const call = (path: number): Call => sys(follow ? form.path : form.link, path, ...rest);
		result = yield* byPath(scope, subject, follow ? "follow" : "link", form.syscall, call);
	}
	if (result === -Errno.EOPNOTSUPP) {
		const lacking = "this filesystem has no extended attributes of that kind";
		throw unsupported(form.syscall, lacking, { path: pathOf(subject) });
	}
	return result;
}

/**
 * Reads a value whose size is not known: a small buffer first, which most values fit, then one of
 * the size that the system says, and again for as long as the value grows in between (ERANGE).
 */
function* readGrowing(
	scope: Scope,
	subject: Subject,
	follow: boolean,
	form: Forms,
	leading: readonly number[],
	most: number,
): Operation<Uint8Array<ArrayBuffer>> {
	let size = 1024;
	for (;;) {
		const buffer = scope.memory.reserve(size);
		const read = yield* on(scope, subject, follow, form, [...leading, buffer.address, size] as never);
		if (read !== -Errno.ERANGE) {
			checked(read, form.syscall, { path: pathOf(subject) });
			return buffer.copy(0, read);
		}
		const now = yield* on(scope, subject, follow, form, [...leading, 0, 0] as never);
		checked(now, form.syscall, { path: pathOf(subject) });
		// A little more than it is now, so that a value that keeps growing is caught up with.
		size = Math.min(most, Math.max(now + 64, size * 2));
	}
}

export const xattr: XattrSystem = {
	*get(scope, subject, name, follow) {
		const leading = [scope.memory.cstring(name)];
		return yield* readGrowing(scope, subject, follow, forms.get, leading, XATTR_SIZE_MAX);
	},

	*set(scope, subject, name, value, how, follow) {
		const flags = how === "create" ? XATTR_CREATE : how === "replace" ? XATTR_REPLACE : 0;
		const content = scope.pin(value);
		const rest = [scope.memory.cstring(name), content, value.byteLength, flags] as const;
		const result = yield* on(scope, subject, follow, forms.set, rest);
		checked(result, "setxattr", { path: pathOf(subject) });
	},

	*list(scope, subject, follow) {
		const bytes = yield* readGrowing(scope, subject, follow, forms.list, [], XATTR_LIST_MAX);
		const names: Uint8Array<ArrayBuffer>[] = [];
		let start = 0;
		for (let end = bytes.indexOf(0); end >= 0; end = bytes.indexOf(0, start)) {
			names.push(bytes.slice(start, end));
			start = end + 1;
		}
		return names;
	},

	*remove(scope, subject, name, follow) {
		const rest = [scope.memory.cstring(name)] as const;
		const result = yield* on(scope, subject, follow, forms.remove, rest);
		checked(result, "removexattr", { path: pathOf(subject) });
	},
};
