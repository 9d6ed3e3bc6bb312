/** What the operations of Windows make of what the system answers: by answers made up, on any system. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import type { Operation } from "../src/engine/operation.ts";
import { type Scope, takeScope } from "../src/engine/scope.ts";
import { type Name, names } from "../src/sys/windows/calls.ts";
import { Status, statusOfWin32, win32 } from "../src/sys/windows/errno.ts";
import { file } from "../src/sys/windows/file.ts";
import { lock } from "../src/sys/windows/lock.ts";

const HANDLE = 0x1234;
let scope: Scope;

beforeEach(() => {
	scope = takeScope();
});

afterEach(() => scope.end());

/** Runs an operation with one answer after the other; which calls it has made, and what it gives. */
function answered<T>(operation: Operation<T>, ...answers: number[]): { calls: Name[]; value: T } {
	const steps = operation[Symbol.iterator]();
	const calls: Name[] = [];
	let step = steps.next(0);
	while (!step.done) {
		calls.push(names[step.value.fn] as Name);
		const answer = answers.shift();
		if (answer === undefined) throw new Error(`nothing answers ${calls.join(", ")}`);
		step = steps.next(answer);
	}
	expect(answers).toEqual([]);
	return { calls, value: step.value };
}

test("datasync does without only what the filesystem lacks", () => {
	const datasync = (...answers: number[]) => answered(file.datasync(scope, HANDLE), ...answers);
	expect(datasync(0).calls).toEqual(["NtFlushBuffersFileEx"]);
	const both: Name[] = ["NtFlushBuffersFileEx", "NtFlushBuffersFile"];
	expect(datasync(Status.STATUS_INVALID_PARAMETER, 0).calls).toEqual(both);
	// The system tells of a write that was lost once: to flush again says that all is well.
	for (const [status, code] of [
		[Status.STATUS_DISK_FULL, "ENOSPC"],
		[Status.STATUS_VOLUME_DISMOUNTED, "EIO"],
	] as const) {
		expect(() => datasync(status, 0)).toThrow(expect.objectContaining({ code }));
	}
});

test("a lock that others have is refused, by this machine or later by a server", () => {
	const refusals = [
		statusOfWin32(win32.ERROR_LOCK_VIOLATION[0]),
		Status.STATUS_LOCK_NOT_GRANTED,
		Status.STATUS_FILE_LOCK_CONFLICT,
	];
	for (const refusal of refusals) {
		// A guard, the lock, and the guard given back.
		const { calls, value } = answered(lock.set(scope, HANDLE, "exclusive", 0, 1), 0, refusal, 0);
		expect(calls).toEqual(["LockFileEx", "LockFileEx", "UnlockFileEx"]);
		expect(value).toBe(false);
	}
});
