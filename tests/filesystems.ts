/** Cases on filesystems of their own, which are mounted while the tests of one file run. */
import { afterAll } from "bun:test";
import { ELSEWHERE_LEFT_OUT, forms, skipped } from "./forms.ts";
import { type FilesystemName, mount } from "./mounts.ts";

/** A mounted filesystem, or the reason why there is none. */
export interface Filesystem {
	/** Declares a case whose directory is on this filesystem. */
	readonly forms: (title: string, body: Parameters<typeof forms>[1]) => void;
	readonly root: string;
}

/**
 * Makes and mounts a filesystem until the tests of the calling file have ended; where that cannot
 * be, its cases are skipped and say why.
 */
export function filesystem(name: FilesystemName): Filesystem {
	if (ELSEWHERE_LEFT_OUT) return { root: "", forms: () => {} };
	try {
		const mounted = mount(name);
		const { root } = mounted;
		afterAll(() => mounted[Symbol.dispose]());
		return { root, forms: (title, body) => forms(`${title} on ${name}`, body, root) };
	} catch (error) {
		const reason = `no ${name}: ${error instanceof Error ? error.message : error}`;
		return { root: "", forms: (title) => skipped(title, reason) };
	}
}
