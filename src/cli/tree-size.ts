import { type Location, openDir } from "../index.ts";

/**
 * How many bytes of content a tree has, each file of several names counted once: what a progress
 * bar needs to know. Undefined where part of it cannot be read, or once `cancelled` says so.
 */
export async function treeSize(
	root: Location,
	cancelled: () => boolean,
): Promise<number | undefined> {
	const seen = new Set<bigint>();
	const measure = async (location: Location): Promise<number> => {
		let bytes = 0;
		await using dir = await openDir(location);
		for await (const entry of dir.entries({ metadata: true })) {
			if (cancelled()) throw new Error("cancelled");
			const { metadata } = entry;
			if (entry.isDirectory()) bytes += await measure(entry.location);
			if (!entry.isFile() || metadata === undefined) continue;
			if (metadata.nlink > 1) {
				if (seen.has(metadata.ino)) continue;
				seen.add(metadata.ino);
			}
			bytes += metadata.size;
		}
		return bytes;
	};
	try {
		return await measure(root);
	} catch {
		return undefined;
	}
}
