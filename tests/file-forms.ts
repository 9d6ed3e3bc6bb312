/** The methods of an open file in one of their two forms, behind promises. */
import type { File } from "../src/index.ts";

export function methods(file: File, form: "async" | "sync") {
	if (form === "async") return file;
	return {
		readAt: async (...given: Parameters<File["readAtSync"]>) => file.readAtSync(...given),
		read: async (...given: Parameters<File["readSync"]>) => file.readSync(...given),
		readvAt: async (...given: Parameters<File["readvAtSync"]>) => file.readvAtSync(...given),
		writeAt: async (...given: Parameters<File["writeAtSync"]>) => file.writeAtSync(...given),
		writevAt: async (...given: Parameters<File["writevAtSync"]>) => file.writevAtSync(...given),
		append: async (...given: Parameters<File["appendSync"]>) => file.appendSync(...given),
		sync: async () => file.syncSync(),
		datasync: async () => file.datasyncSync(),
		truncate: async (...given: Parameters<File["truncateSync"]>) => file.truncateSync(...given),
		link: async (...given: Parameters<File["linkSync"]>) => file.linkSync(...given),
		stat: async () => file.statSync(),
		close: async () => file.closeSync(),
	};
}
