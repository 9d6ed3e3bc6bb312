/** Content that is copied without coming to the process. */
import { expect } from "bun:test";
import fs from "node:fs";
import { release } from "node:os";
import { failureOf, onWindows, STOOD_IN } from "./forms.ts";
import { pattern } from "./witnesses.ts";

const MiB = 1024 * 1024;
/** Windows 11 22H2, which brought NtCopyFileChunk. */
const FIRST_BUILD = 22621;
const copies = STOOD_IN || Number(release().split(".")[2]) >= FIRST_BUILD;
const method = copies ? "NtCopyFileChunk" : "read-write";

onWindows("NtCopyFileChunk")("content is copied by Windows where it can", async (given) => {
	const { fsx, path } = given;
	const reflink = "never";
	// Some calls, and a last one that is short.
	for (const size of [MiB, 4 * MiB, 9 * MiB + 5]) {
		const content = pattern(size);
		fs.writeFileSync(path("from"), content);
		const seen: number[] = [];
		const onProgress = ({ bytes }: { bytes: number }) => void seen.push(bytes);
		const report = await fsx.copyFile(path("from"), path("to"), { reflink, onProgress });
		expect([size, report.bytes, report.method]).toEqual([size, size, method]);
		expect(fs.readFileSync(path("to")).equals(content)).toBe(true);
		expect(seen.at(-1)).toBe(size);
	}
});

onWindows("NtCopyFileChunk")("ranges, to the end and past it", async ({ fsx, path }) => {
	const content = pattern(6 * MiB + 7);
	fs.writeFileSync(path("from"), content);
	fs.writeFileSync(path("to"), "before");
	await using from = await fsx.open(path("from"));
	await using to = await fsx.open(path("to"), "r+");
	expect(await fsx.copyRange(from, 5, to, 6, 20 * MiB)).toBe(content.length - 5);
	expect(await fsx.copyRange(from, content.length, to, 0, 10)).toBe(0);
	const expected = Buffer.concat([Buffer.from("before"), content.subarray(5)]);
	expect(fs.readFileSync(path("to")).equals(expected)).toBe(true);
	// What is not open for it is refused as it is by reading and writing.
	await using closed = await fsx.open(path("to"));
	expect(await failureOf(fsx.copyRange(from, 0, closed, 0, 10))).toMatchObject({ code: "EBADF" });
});
