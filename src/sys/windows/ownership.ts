import type { Region } from "../../engine/memory.ts";
import type { Operation } from "../../engine/operation.ts";
import type { Scope } from "../../engine/scope.ts";
import type { FsErrorDetails } from "../../errors.ts";
import type { Handle, NewOwner, OwnershipSystem, Subject } from "../system.ts";
import { call } from "./calls.ts";
import { Status } from "./errno.ts";
import { checked, failure, unsupported } from "./failure.ts";
import {
	DACL_SECURITY_INFORMATION,
	FILE_PERSISTENT_ACLS,
	FILE_READ_ATTRIBUTES,
	GROUP_SECURITY_INFORMATION,
	OWNER_SECURITY_INFORMATION,
	READ_CONTROL,
	SE_DACL_AUTO_INHERIT_REQ,
	SE_DACL_AUTO_INHERITED,
	SE_SELF_RELATIVE,
	securityDescriptorRelative,
	WRITE_DAC,
	WRITE_OWNER,
} from "./layouts.ts";
import { withAccess } from "./reopen.ts";
import { parseSid } from "./sid.ts";
import { lacking, volumeAttributes } from "./volume.ts";

/** Bytes for a descriptor; larger ones are asked for once more. */
const USUAL_SIZE = 1024;

/** What of a descriptor is meant, and what it takes to change that. */
const parts = {
	owner: {
		information: OWNER_SECURITY_INFORMATION | GROUP_SECURITY_INFORMATION,
		access: WRITE_OWNER,
		cannot: "keep whom a file belongs to",
	},
	access: {
		information: DACL_SECURITY_INFORMATION,
		access: WRITE_DAC,
		cannot: "keep access lists of files",
	},
} as const;

const TO_READ = READ_CONTROL | FILE_READ_ATTRIBUTES;

export const ownership: OwnershipSystem = {
	chown(scope, subject, owner, follow) {
		const details = detailsOf(subject);
		if (owner.uid !== undefined || owner.gid !== undefined) {
			const detail = "accounts of Windows have no numbers: give owner and group, as SIDs";
			throw unsupported("chown", detail, details);
		}
		const sids = sidsOf(owner);
		if (sids.information === 0) return nothing();
		return withAccess(scope, subject, WRITE_OWNER | TO_READ, follow, "chown", (handle) =>
			setSecurity(handle, "owner", descriptorOf(scope, sids), sids.information, details),
		);
	},

	descriptors: {
		*copy(scope, from, to, part, follow) {
			const { information, access, cannot } = parts[part];
			const wanted = yield* withAccess(scope, from, TO_READ, follow, "chown", function* (handle) {
				if (yield* keepsSecurity(scope, handle)) return yield* security(scope, handle, information);
				if (part === "owner") throw yield* lacking(scope, handle, "chown", cannot);
				return undefined;
			});
			if (wanted === undefined) return;
			yield* withAccess(scope, to, access | TO_READ, follow, "chown", function* (handle) {
				if (!(yield* keepsSecurity(scope, handle))) {
					throw yield* lacking(scope, handle, "chown", cannot);
				}
				const found = yield* security(scope, handle, information);
				if (Buffer.compare(wanted.bytes(), found.bytes()) === 0) return;
				yield* setSecurity(handle, part, wanted, information, detailsOf(to));
			});
		},
	},
};

function detailsOf(subject: Subject): FsErrorDetails {
	return typeof subject === "number" ? {} : { path: subject.path };
}

function* nothing(): Operation<void> {}

/** Others say that everything belongs to everybody, which must not be taken for a list. */
function* keepsSecurity(scope: Scope, handle: Handle): Operation<boolean> {
	return ((yield* volumeAttributes(scope, handle)).flags & FILE_PERSISTENT_ACLS) !== 0;
}

interface Sids {
	readonly owner: Uint8Array | undefined;
	readonly group: Uint8Array | undefined;
	readonly information: number;
}

function sidsOf({ owner, group }: NewOwner): Sids {
	return {
		owner: owner === undefined ? undefined : parseSid(owner),
		group: group === undefined ? undefined : parseSid(group),
		information:
			(owner === undefined ? 0 : OWNER_SECURITY_INFORMATION) |
			(group === undefined ? 0 : GROUP_SECURITY_INFORMATION),
	};
}

/** A descriptor with nothing but an owner, a group or both. */
function descriptorOf(scope: Scope, { owner, group }: Sids): Region {
	const { size, revision } = securityDescriptorRelative;
	const all = size + (owner?.length ?? 0) + (group?.length ?? 0);
	const descriptor = scope.memory.reserveZeroed(all);
	// The revision, a byte that is not used, and what holds of the whole.
	descriptor.setU32(revision, 1 | (SE_SELF_RELATIVE << 16));
	let at: number = size;
	for (const [field, sid] of [["owner", owner] as const, ["group", group] as const]) {
		if (sid === undefined) continue;
		descriptor.setU32(securityDescriptorRelative[field], at);
		descriptor.bytes(at, sid.length).set(sid);
		at += sid.length;
	}
	return descriptor;
}

/** What a file has of a descriptor. */
function* security(scope: Scope, handle: Handle, information: number): Operation<Region> {
	const needed = scope.memory.reserveZeroed(4);
	for (let size = USUAL_SIZE; ; size = needed.u32(0)) {
		const found = scope.memory.reserveZeroed(size);
		const { address } = found;
		const asked = call("NtQuerySecurityObject", handle, information, address, size, needed.address);
		const result = yield asked;
		if (result === Status.STATUS_BUFFER_TOO_SMALL && needed.u32(0) > size) continue;
		checked(result, "chown");
		return found;
	}
}

function* setSecurity(
	handle: Handle,
	part: keyof typeof parts,
	descriptor: Region,
	information: number,
	details: FsErrorDetails,
): Operation<void> {
	if (part === "access") keepInheritance(descriptor);
	const { address } = descriptor;
	const result = yield call("NtSetSecurityObject", handle, information, address);
	if (result >= 0) return;
	if (result === Status.STATUS_INVALID_OWNER) {
		const detail = "to give a file to another account takes the privilege SeRestorePrivilege";
		throw failure(result, "chown", { ...details, detail });
	}
	throw failure(result, "chown", details);
}

/** That entries were handed down by a directory is kept only if that is asked for. */
function keepInheritance(descriptor: Region): void {
	const { revision } = securityDescriptorRelative;
	const word = descriptor.u32(revision);
	if (((word >>> 16) & SE_DACL_AUTO_INHERITED) !== 0) {
		descriptor.setU32(revision, word | (SE_DACL_AUTO_INHERIT_REQ << 16));
	}
}
