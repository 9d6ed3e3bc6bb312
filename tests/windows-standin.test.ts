/**
 * The stand-in for what Wine lacks, held against what Microsoft documents, by calls of the system alone.
 * It runs under Wine with `BUN_FS_EXTENDED_WINDOWS_LIBRARY` naming what tests/windows-standin/build.ts
 * builds; Windows itself passes as well.
 */
import { ptr } from "bun:ffi";
import { afterAll, describe, expect, test } from "bun:test";
import fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { enter } from "../src/sys/windows/entry.ts";
import { Status } from "../src/sys/windows/errno.ts";
import * as L from "../src/sys/windows/layouts.ts";
import { ON_WINDOWS, STOOD_IN, skipped, UNDER_WINE } from "./forms.ts";

const KIB = 1024;
const CLUSTER = 4 * KIB;
/** What a sparse file is given at once: NTFS has units of 16 clusters, ReFS has clusters. */
const UNIT = process.env.WINDOWS_STANDIN_FILESYSTEM === "refs" ? CLUSTER : 16 * CLUSTER;
const READ_WRITE = L.FILE_READ_DATA | L.FILE_WRITE_DATA | L.FILE_READ_ATTRIBUTES;

const address = (bytes: NodeJS.TypedArray<ArrayBufferLike>) =>
	Number(ptr(bytes as NodeJS.TypedArray<ArrayBuffer>));

/** 64-bit numbers as bytes. */
const longs = (...values: number[]) => new Uint8Array(new BigInt64Array(values.map(BigInt)).buffer);
const wide = (text: string) => new Uint8Array(Buffer.from(text, "utf16le"));

interface Answer {
	readonly status: number;
	readonly output: DataView;
	/** Bytes of the answer. */
	readonly written: number;
}

/** An open file, and what can be asked of it. */
class Opened {
	constructor(readonly handle: number) {}

	control(code: number, input: Uint8Array<ArrayBufferLike> = new Uint8Array(0), room = 0): Answer {
		const status = new BigUint64Array(2);
		const output = new Uint8Array(room || 8);
		const given = input.length > 0 ? address(input) : 0;
		const result = enter("NtFsControlFile")(
			...([this.handle, 0, 0, 0, address(status), code, given, input.length] as const),
			...([room > 0 ? address(output) : 0, room] as const),
		);
		return { status: result, output: new DataView(output.buffer), written: Number(status[1]) };
	}

	query(kind: number, room: number): Answer {
		const status = new BigUint64Array(2);
		const output = new Uint8Array(room);
		const result = enter("NtQueryInformationFile")(
			this.handle,
			address(status),
			address(output),
			room,
			kind,
		);
		return { status: result, output: new DataView(output.buffer), written: Number(status[1]) };
	}

	set(kind: number, info: Uint8Array): number {
		const status = new BigUint64Array(2);
		return enter("NtSetInformationFile")(
			this.handle,
			address(status),
			address(info),
			info.length,
			kind,
		);
	}

	/** Ranges that have clusters, of those in a range. */
	ranges(from: number, length: number, most = 16): [status: number, ...ranges: number[][]] {
		const code = L.FSCTL_QUERY_ALLOCATED_RANGES;
		const { status, output, written } = this.control(code, longs(from, length), most * 16);
		const ranges: number[][] = [];
		for (let at = 0; status !== Status.STATUS_BUFFER_TOO_SMALL && at < written; at += 16) {
			const number = (where: number) => Number(output.getBigInt64(where, true));
			ranges.push([number(at), number(at + 8)]);
		}
		return [status, ...ranges];
	}

	get sizes(): { allocated: number; end: number; attributes: number } {
		const { output } = this.query(L.FileAllInformation, L.fileAllInformation.size + 1000);
		return {
			allocated: Number(output.getBigInt64(40, true)),
			end: Number(output.getBigInt64(48, true)),
			attributes: output.getUint32(32, true),
		};
	}

	close(): void {
		enter("NtClose")(this.handle);
	}
}

function openFile(
	path: string,
	access = READ_WRITE,
	options = 0,
	disposition = L.FILE_OPEN,
): Opened {
	const name = wide(`\\??\\${path}`);
	const string = new BigUint64Array([
		BigInt(name.length | (name.length << 16)),
		BigInt(address(name)),
	]);
	const attributes = new BigUint64Array([48n, 0n, BigInt(address(string)), 0x40n, 0n, 0n]);
	const [handle, status] = [new BigUint64Array(1), new BigUint64Array(2)];
	const share = L.FILE_SHARE_READ | L.FILE_SHARE_WRITE | L.FILE_SHARE_DELETE;
	const result = enter("NtCreateFile")(
		...([
			address(handle),
			access | L.SYNCHRONIZE,
			address(attributes),
			address(status),
			0,
		] as const),
		...([0x80, share, disposition, options | L.FILE_SYNCHRONOUS_IO_NONALERT, 0, 0] as const),
	);
	if (result < 0) throw new Refused(result);
	return new Opened(Number(handle[0]));
}

class Refused extends Error {
	constructor(readonly status: number) {
		super(`0x${(status >>> 0).toString(16)}`);
	}
}

/** A mount point's data: the name that it leads to, and none to be shown. */
function junctionTo(path: string): Uint8Array<ArrayBuffer> {
	const name = wide(`\\??\\${path}\0\0`);
	const data = new DataView(new ArrayBuffer(16 + name.length));
	data.setUint32(0, L.IO_REPARSE_TAG_MOUNT_POINT, true);
	data.setUint16(4, 8 + name.length, true);
	data.setUint16(10, name.length - 4, true);
	data.setUint16(12, name.length - 2, true);
	new Uint8Array(data.buffer).set(name, 16);
	return new Uint8Array(data.buffer);
}

function run(): void {
	const directory = fs.mkdtempSync(join(tmpdir(), "fsx-test-"));
	let count = 0;

	/** A new file of so many bytes, none of them zero. */
	function made(size: number): string {
		const path = join(directory, `file-${count++}`);
		fs.writeFileSync(path, Buffer.alloc(size, 7));
		return path;
	}

	function withFile(
		size: number,
		body: (file: Opened, path: string) => void,
		access?: number,
	): void {
		const path = made(size);
		const file = openFile(path, access);
		try {
			body(file, path);
		} finally {
			file.close();
		}
	}

	afterAll(() => fs.rmSync(directory, { recursive: true, force: true }));

	describe("sparse files", () => {
		test("units that are zeroed lose their clusters, parts of units become zeros", () => {
			withFile(8 * UNIT, (file, path) => {
				expect(file.control(L.FSCTL_SET_SPARSE).status).toBe(0);
				expect(file.sizes.attributes & L.FILE_ATTRIBUTE_SPARSE_FILE).not.toBe(0);
				const range = longs(UNIT + 1, 4 * UNIT - 1);
				expect(file.control(L.FSCTL_SET_ZERO_DATA, range).status).toBe(0);
				expect(file.sizes).toMatchObject({ end: 8 * UNIT, allocated: 7 * UNIT });
				expect(file.ranges(0, 8 * UNIT)).toEqual([0, [0, 2 * UNIT], [3 * UNIT, 5 * UNIT]]);
				const expected = Buffer.alloc(8 * UNIT, 7).fill(0, UNIT + 1, 4 * UNIT - 1);
				expect(fs.readFileSync(path).equals(expected)).toBe(true);
			});
		});

		test("ranges are cut to what was asked about, and say when there are more", () => {
			withFile(8 * UNIT, (file) => {
				file.control(L.FSCTL_SET_SPARSE);
				file.control(L.FSCTL_SET_ZERO_DATA, longs(2 * UNIT, 4 * UNIT));
				expect(file.ranges(10, UNIT)).toEqual([0, [10, UNIT]]);
				expect(file.ranges(2 * UNIT, 2 * UNIT)).toEqual([0]);
				expect(file.ranges(0, 0)).toEqual([0]);
				expect(file.ranges(9 * UNIT, UNIT)).toEqual([0]);
				expect(file.ranges(0, 8 * UNIT, 1)).toEqual([Status.STATUS_BUFFER_OVERFLOW, [0, 2 * UNIT]]);
				expect(file.ranges(0, 8 * UNIT, 0)[0]).toBe(Status.STATUS_BUFFER_TOO_SMALL);
				expect(file.ranges(-1, 10)[0]).toBe(Status.STATUS_INVALID_PARAMETER);
			});
		});

		test("a sparse file that is made longer has a hole there, another file has none", () => {
			withFile(UNIT, (file) => {
				file.control(L.FSCTL_SET_SPARSE);
				expect(file.set(L.FileEndOfFileInformation, longs(4 * UNIT))).toBe(0);
				expect(file.ranges(0, 4 * UNIT)).toEqual([0, [0, UNIT]]);
			});
			withFile(UNIT, (file) => {
				expect(file.set(L.FileEndOfFileInformation, longs(4 * UNIT))).toBe(0);
				expect(file.ranges(0, 4 * UNIT)).toEqual([0, [0, 4 * UNIT]]);
				expect(file.sizes.allocated).toBe(4 * UNIT);
			});
		});

		test("zeros in other files keep their clusters, and who may not write makes none", () => {
			withFile(4 * UNIT, (file) => {
				expect(file.control(L.FSCTL_SET_ZERO_DATA, longs(0, 8 * UNIT)).status).toBe(0);
				expect(file.sizes).toMatchObject({ end: 4 * UNIT, allocated: 4 * UNIT });
				const backwards = file.control(L.FSCTL_SET_ZERO_DATA, longs(8, 4));
				expect(backwards.status).toBe(Status.STATUS_INVALID_PARAMETER);
			});
			const readOnly = L.FILE_READ_DATA | L.FILE_READ_ATTRIBUTES;
			withFile(
				UNIT,
				(file) => {
					const { status } = file.control(L.FSCTL_SET_ZERO_DATA, longs(0, 4));
					expect(status).toBe(Status.STATUS_ACCESS_DENIED);
				},
				readOnly,
			);
		});
	});

	test("an allocation beyond the end leaves the end, one before it moves the end there", () => {
		withFile(2 * UNIT, (file, path) => {
			expect(file.set(L.FileAllocationInformation, longs(8 * UNIT))).toBe(0);
			expect(file.sizes).toMatchObject({ end: 2 * UNIT, allocated: 8 * UNIT });
			expect(file.set(L.FileAllocationInformation, longs(CLUSTER - 1))).toBe(0);
			expect(fs.statSync(path).size).toBe(CLUSTER);
		});
	});

	test("the time of a file's making is kept, whatever else is set", () => {
		withFile(
			10,
			(file, path) => {
				const time = 126_444_736_000_000_000;
				const info = new Uint8Array(L.fileBasicInformation.size);
				info.set(longs(time));
				expect(file.set(L.FileBasicInformation, info)).toBe(0);
				expect(file.set(L.FileBasicInformation, new Uint8Array(info.length))).toBe(0);
				const { output } = file.query(L.FileBasicInformation, info.length);
				expect(Number(output.getBigInt64(0, true))).toBe(time);
				fs.renameSync(path, `${path}-moved`);
				expect(fs.statSync(`${path}-moved`).birthtimeMs).toBe(1e12);
			},
			L.FILE_WRITE_ATTRIBUTES | L.FILE_READ_ATTRIBUTES,
		);
	});

	test("a name that is taken away is gone when its handle is closed, and others keep the file", () => {
		const path = made(10);
		const other = openFile(path);
		const file = openFile(path, L.DELETE | L.FILE_READ_ATTRIBUTES);
		const flags = L.FILE_DISPOSITION_DELETE | L.FILE_DISPOSITION_POSIX_SEMANTICS;
		expect(file.set(L.FileDispositionInformationEx, new Uint8Array([flags, 0, 0, 0]))).toBe(0);
		expect(() => openFile(path)).toThrow(new Refused(Status.STATUS_DELETE_PENDING));
		file.close();
		expect(fs.existsSync(path)).toBe(false);
		expect(other.sizes.end).toBe(10);
		other.close();
	});

	test("a directory that is not empty, and a read-only file, are not removed", () => {
		const flags = L.FILE_DISPOSITION_DELETE | L.FILE_DISPOSITION_POSIX_SEMANTICS;
		const info = new Uint8Array([flags, 0, 0, 0]);
		const full = openFile(directory, L.DELETE | L.FILE_READ_ATTRIBUTES);
		made(1);
		const { STATUS_DIRECTORY_NOT_EMPTY, STATUS_CANNOT_DELETE } = Status;
		expect(full.set(L.FileDispositionInformationEx, info)).toBe(STATUS_DIRECTORY_NOT_EMPTY);
		full.close();
		const path = made(1);
		fs.chmodSync(path, 0o444);
		const file = openFile(path, L.DELETE | L.FILE_READ_ATTRIBUTES);
		expect(file.set(L.FileDispositionInformationEx, info)).toBe(STATUS_CANNOT_DELETE);
		file.close();
		fs.chmodSync(path, 0o644);
	});

	describe("reparse points", () => {
		const access = L.FILE_READ_ATTRIBUTES | L.FILE_WRITE_ATTRIBUTES;
		const toLink = L.FILE_OPEN_REPARSE_POINT;

		test("a junction is made of an empty directory, followed, and unmade", () => {
			const [target, link] = [join(directory, "target"), join(directory, "junction")];
			for (const name of [target, link]) fs.mkdirSync(name);
			fs.writeFileSync(join(target, "inside"), "here");
			const file = openFile(link, access, toLink);
			const { status } = file.control(L.FSCTL_GET_REPARSE_POINT, undefined, 1000);
			expect(status).toBe(Status.STATUS_NOT_A_REPARSE_POINT);
			const data = junctionTo(target);
			expect(file.control(L.FSCTL_SET_REPARSE_POINT, data).status).toBe(0);
			const found = file.control(L.FSCTL_GET_REPARSE_POINT, undefined, 1000);
			expect(found.written).toBe(data.length);
			expect(Buffer.from(found.output.buffer, 0, data.length).equals(data)).toBe(true);
			const short = file.control(L.FSCTL_GET_REPARSE_POINT, undefined, 12);
			expect(short.status).toBe(Status.STATUS_BUFFER_OVERFLOW);
			const { output } = file.query(L.FileAttributeTagInformation, 8);
			expect(output.getUint32(4, true)).toBe(L.IO_REPARSE_TAG_MOUNT_POINT);
			expect(fs.readFileSync(join(link, "inside"), "utf8")).toBe("here");
			const entries = fs.readdirSync(directory, { withFileTypes: true });
			expect(entries.find(({ name }) => name === "junction")?.isSymbolicLink()).toBe(true);
			const none = data.slice(0, 8).fill(0, 4);
			expect(file.control(L.FSCTL_DELETE_REPARSE_POINT, none).status).toBe(0);
			expect(fs.existsSync(join(link, "inside"))).toBe(false);
			file.close();
		});

		test("neither a full directory nor a file becomes a junction", () => {
			const full = openFile(directory, access, toLink);
			const data = junctionTo(tmpdir());
			made(1);
			const { STATUS_DIRECTORY_NOT_EMPTY, STATUS_NOT_A_DIRECTORY } = Status;
			expect(full.control(L.FSCTL_SET_REPARSE_POINT, data).status).toBe(STATUS_DIRECTORY_NOT_EMPTY);
			full.close();
			const file = openFile(made(1), access, toLink);
			expect(file.control(L.FSCTL_SET_REPARSE_POINT, data).status).toBe(STATUS_NOT_A_DIRECTORY);
			file.close();
		});

		test("links that lead to each other are not followed for ever", () => {
			const link = join(directory, "loop");
			fs.mkdirSync(link);
			const file = openFile(link, access, toLink);
			expect(file.control(L.FSCTL_SET_REPARSE_POINT, junctionTo(link)).status).toBe(0);
			file.close();
			expect(() => openFile(link, L.FILE_READ_ATTRIBUTES)).toThrow(
				new Refused(Status.STATUS_REPARSE_POINT_NOT_RESOLVED),
			);
		});
	});

	describe("streams", () => {
		const DATA_SIZE = 24;

		function streamsOf(path: string): string[] {
			const file = openFile(path, L.FILE_READ_ATTRIBUTES);
			const { status, output } = file.query(L.FileStreamInformation, 4096);
			expect(status).toBe(0);
			file.close();
			const names: string[] = [];
			for (let at = 0; ; ) {
				const length = output.getUint32(at + 4, true);
				names.push(Buffer.from(output.buffer, at + DATA_SIZE, length).toString("utf16le"));
				const next = output.getUint32(at, true);
				if (next === 0) return names.sort();
				at += next;
			}
		}

		test("a stream is apart from its file, goes with it, and is in no listing", () => {
			const path = made(10);
			openFile(`${path}:one`, READ_WRITE, 0, L.FILE_CREATE).close();
			const stream = openFile(`${path}:ONE:$DATA`);
			expect(stream.set(L.FileEndOfFileInformation, longs(1000))).toBe(0);
			expect(stream.sizes.end).toBe(1000);
			stream.close();
			expect(fs.statSync(path).size).toBe(10);
			expect(streamsOf(path)).toEqual(["::$DATA", ":one:$DATA"]);
			fs.renameSync(path, `${path}-moved`);
			expect(streamsOf(`${path}-moved`)).toEqual(["::$DATA", ":one:$DATA"]);
			expect(fs.readdirSync(directory).filter((name) => name.includes(":"))).toEqual([]);
			// Another file that gets the old name has none of them.
			fs.writeFileSync(path, "");
			expect(streamsOf(path)).toEqual(["::$DATA"]);
			expect(() => openFile(`${path}:one`)).toThrow(
				new Refused(Status.STATUS_OBJECT_NAME_NOT_FOUND),
			);
		});

		test("a stream is removed alone, and a file that is overwritten loses its streams", () => {
			const path = made(10);
			const make = (name: string) =>
				openFile(`${path}:${name}`, READ_WRITE | L.DELETE, 0, L.FILE_OPEN_IF);
			make("kept").close();
			const gone = make("gone");
			const flags = L.FILE_DISPOSITION_DELETE | L.FILE_DISPOSITION_POSIX_SEMANTICS;
			expect(gone.set(L.FileDispositionInformationEx, new Uint8Array([flags, 0, 0, 0]))).toBe(0);
			gone.close();
			expect(streamsOf(path)).toEqual(["::$DATA", ":kept:$DATA"]);
			openFile(path, READ_WRITE, 0, L.FILE_OVERWRITE).close();
			expect(streamsOf(path)).toEqual(["::$DATA"]);
		});
	});
}

if (ON_WINDOWS && (!UNDER_WINE || STOOD_IN)) run();
else {
	const why = ON_WINDOWS
		? "BUN_FS_EXTENDED_WINDOWS_LIBRARY names none"
		: "it needs Windows, or Wine";
	skipped("the stand-in for what Wine lacks", why);
}
