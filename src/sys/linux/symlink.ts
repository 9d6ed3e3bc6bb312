import type { SymlinkSystem } from "../system.ts";
import { nr, sys } from "./calls.ts";
import { checked } from "./failure.ts";
import { at } from "./path.ts";

export const symlink: SymlinkSystem = {
	*symlink(scope, target, place, _type) {
		const text = scope.memory.cstring(target);
		const result = yield* at(scope, place, "entry", "symlink", (dirfd, path) =>
			sys(nr.symlinkat, text, dirfd, path),
		);
		checked(result, "symlink", { path: target, dest: place.path });
	},

	*readlink(scope, place) {
		// Filled to the last byte it may have been cut off: then again with twice the room.
		for (let size = 1024; ; size *= 2) {
			const buffer = scope.memory.reserve(size);
			const result = yield* at(scope, place, "link", "readlink", (dirfd, path) =>
				sys(nr.readlinkat, dirfd, path, buffer.address, size),
			);
			const length = checked(result, "readlink", place);
			if (length < size) return buffer.copy(0, length);
		}
	},
};
