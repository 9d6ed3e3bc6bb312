/**
 * What the operations of Windows write into memory and read out of it, on any system: they are made of
 * calls, and here it is this file that answers them.
 */
import { expect, test } from "bun:test";
import type { Call } from "../src/engine/call.ts";
import { bytesAt } from "../src/engine/memory.ts";
import type { Operation } from "../src/engine/operation.ts";
import { type Scope, takeScope } from "../src/engine/scope.ts";
import { names } from "../src/sys/windows/calls.ts";
import { Status } from "../src/sys/windows/errno.ts";
import { identityOf } from "../src/sys/windows/identity.ts";
import { HandleMetadata, record } from "../src/sys/windows/record.ts";
import { linkOf, makeJunction, shown } from "../src/sys/windows/reparse.ts";
import { Streams } from "../src/sys/windows/stream.ts";
import { bytesOf, unitsOf } from "../src/sys/windows/wtf8.ts";

type Answer = (call: Call, name: string) => number;

/** Runs an operation whose calls are answered by a function. */
function played<T>(make: (scope: Scope) => Operation<T>, answer: Answer): T {
	const scope = takeScope();
	try {
		const steps = make(scope)[Symbol.iterator]();
		let step = steps.next();
		while (!step.done) {
			const { value } = step;
			step = steps.next(answer(value, names[value.fn] as string));
		}
		return step.value;
	} finally {
		scope.end();
	}
}

const viewAt = (address: number, length: number) => {
	const { buffer, byteOffset } = bytesAt(address, length);
	return new DataView(buffer, byteOffset, length);
};

/** FILE_STREAM_INFORMATION, one after the other. */
function streamRecords(streams: readonly string[]): Buffer {
	const records = streams.map((name, index) => {
		const length = 24 + name.length * 2;
		const record = Buffer.alloc(Math.ceil(length / 8) * 8);
		record.writeUInt32LE(index === streams.length - 1 ? 0 : record.length, 0);
		record.writeUInt32LE(name.length * 2, 4);
		record.write(name, 24, "utf16le");
		return record;
	});
	return Buffer.concat(records);
}

function listed(streams: readonly string[]): string[] {
	const content = streamRecords(streams);
	return played(
		(scope) => new Streams(scope, 1, "listxattr", {}).list(),
		({ b: status, c: address, d: size }) => {
			if (size < content.length) return Status.STATUS_BUFFER_OVERFLOW;
			bytesAt(address, size).set(content);
			viewAt(status, 16).setUint32(8, content.length, true);
			return 0;
		},
	);
}

test("streams are listed without the content, however many", () => {
	expect(listed([])).toEqual([]);
	expect(listed(["::$DATA"])).toEqual([]);
	expect(listed(["::$DATA", ":user.a:$DATA", ":ü\ud800:$DATA"])).toEqual(["user.a", "ü\ud800"]);
	const many = Array.from({ length: 300 }, (_, index) => `user.${index}`);
	expect(listed(["::$DATA", ...many.map((name) => `:${name}:$DATA`)])).toEqual(many);
	const ended = played(
		(scope) => new Streams(scope, 1, "listxattr", {}).list(),
		() => Status.STATUS_END_OF_FILE,
	);
	expect(ended).toEqual([]);
});

const link = { parent: 1, base: "\\\\?\\C:\\dir", name: "link" };

test("a junction says where it leads, and what was written is read", () => {
	let written = new Uint8Array();
	const target = "\\??\\C:\\some where\\else";
	const calls: string[] = [];
	played(
		(scope) => makeJunction(scope, link, target, {}),
		(call, name) => {
			calls.push(name);
			const [code, input, size] = [call.f, ...(call.rest ?? [])];
			if (code === 0x900a4) written = bytesAt(input as number, size as number).slice();
			if (name === "NtCreateFile") viewAt(call.a, 8).setUint32(0, 7, true);
			return 0;
		},
	);
	expect(calls).toEqual(["NtCreateFile", "NtFsControlFile", "NtClose"]);
	const { byteLength } = written;
	const view = new DataView(written.buffer);
	expect(view.getUint32(0, true)).toBe(0xa0000003);
	expect(view.getUint32(4, true)).toBe(byteLength - 8);
	expect(view.getUint16(8, true)).toBe(0);
	expect(view.getUint16(10, true)).toBe(target.length * 2);
	expect(view.getUint16(12, true)).toBe((target.length + 1) * 2);
	expect(view.getUint16(14, true)).toBe((target.length - 4) * 2);
	const read = played(
		(scope) => linkOf(scope, 1),
		({ rest = [] }) => {
			bytesAt(rest[2] as number, byteLength).set(written);
			return 0;
		},
	);
	expect(read).toMatchObject({ kind: "junction", substitute: target, print: target.slice(4) });
});

test("a junction that cannot be made is removed again", () => {
	const calls: string[] = [];
	const making = () =>
		played(
			(scope) => makeJunction(scope, link, "\\??\\C:\\x", { path: "x", dest: "link" }),
			(call, name) => {
				calls.push(name);
				if (name === "NtCreateFile") viewAt(call.a, 8).setUint32(0, 7, true);
				return name === "NtFsControlFile" ? Status.STATUS_IO_REPARSE_DATA_INVALID : 0;
			},
		);
	expect(making).toThrow("EINVAL: invalid argument, symlink 'x' -> 'link'");
	expect(calls).toEqual(["NtCreateFile", "NtFsControlFile", "NtSetInformationFile", "NtClose"]);
	for (const target of ["\\??\\UNC\\server\\share", "\\Device\\x"]) {
		const remote = () =>
			played(
				(scope) => makeJunction(scope, link, target, {}),
				() => 0,
			);
		expect(remote).toThrow("EINVAL");
	}
});

test("what a link says is shown as Node shows it", () => {
	for (const [substitute, expected] of [
		["..\\a", "..\\a"],
		["\\??\\C:\\a", "C:\\a"],
		["\\??\\UNC\\server\\share", "\\\\server\\share"],
		["\\\\?\\C:\\a", "\\\\?\\C:\\a"],
		["\\??\\Volume{1}\\", "\\??\\Volume{1}\\"],
	] as const) {
		expect(shown({ kind: "symlink", substitute, print: "", isRelative: false })).toBe(expected);
	}
});

test("half of a surrogate pair takes three bytes, and nothing else of a name with it", () => {
	const half = "a\ud800/b";
	expect(unitsOf(bytesOf(half))).toBe(half);
	for (const bytes of [
		[0xed, 0xa0, 0x2f, 0x62],
		[0xed, 0xff, 0xff],
		[0xed, 0xa0],
	]) {
		const name = Uint8Array.from(bytes);
		expect(unitsOf(name)).toBe(new TextDecoder().decode(name));
	}
});

test("a file is known by all 128 bits of its number", () => {
	const numbers = [3n, 7n].map((high) =>
		played(
			(scope) => identityOf(scope, 1, "stat"),
			({ c = 0 }) => {
				bytesAt(c, 24).set(new Uint8Array(BigUint64Array.of(0x1_0000_0002n, 5n, high).buffer));
				return 0;
			},
		),
	);
	expect(numbers).toEqual([
		{ volume: 2, low: 5n, high: 3n },
		{ volume: 2, low: 5n, high: 7n },
	]);
	const words = new Uint32Array(record.size / 4);
	words[record.fileId / 4] = 5;
	words[record.fileIdHigh / 4] = 3;
	expect(new HandleMetadata(words, 0).ino).toBe((3n << 64n) | 5n);
});

test("where files have numbers of 64 bits, those are taken", () => {
	const answers = [Status.STATUS_INVALID_PARAMETER, 0, 0];
	const found = played(
		(scope) => identityOf(scope, 1, "stat"),
		({ c = 0, d = 0 }, name) => {
			if (name === "NtQueryVolumeInformationFile") bytesAt(c, d)[8] = 2;
			else bytesAt(c, d)[0] = 5;
			return answers.shift() ?? 0;
		},
	);
	expect(found).toEqual({ volume: 2, low: 5n, high: 0n });
});
